import { words } from '../words';

/** The time of day. */
export function clock(at: number): string {
  return new Intl.DateTimeFormat(words.value.tag, { hour: '2-digit', minute: '2-digit' }).format(at);
}

/** The day, as people call it. */
export function day(at: number): string {
  const w = words.value;
  const days = Math.round((midnight(Date.now()) - midnight(at)) / 86_400_000);
  if (days === 0) return w.today;
  if (days === 1) return w.yesterday;
  const isFar = days > 300 || days < 0;
  const form: Intl.DateTimeFormatOptions = { weekday: 'long', day: 'numeric', month: 'long', ...(isFar ? { year: 'numeric' } : {}) };
  return new Intl.DateTimeFormat(w.tag, form).format(at);
}

export function moment(at: number): string {
  return new Intl.DateTimeFormat(words.value.tag, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
