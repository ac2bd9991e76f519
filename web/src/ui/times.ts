import { words } from '../words';

/** As the person has it in this language: not all who read English write times as Americans do. */
function locale(): string {
  const { tag } = words.value;
  return navigator.languages.find((known) => known.startsWith(tag)) ?? tag;
}

/** The time of day. */
export function clock(at: number): string {
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit' }).format(at);
}

/** The day, as people call it. */
export function day(at: number): string {
  const w = words.value;
  const days = Math.round((midnight(Date.now()) - midnight(at)) / 86_400_000);
  if (days === 0) return w.today;
  if (days === 1) return w.yesterday;
  const isFar = days > 300 || days < 0;
  const form: Intl.DateTimeFormatOptions = { weekday: 'long', day: 'numeric', month: 'long', ...(isFar ? { year: 'numeric' } : {}) };
  return new Intl.DateTimeFormat(locale(), form).format(at);
}

export function moment(at: number): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
