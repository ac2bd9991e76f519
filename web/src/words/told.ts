// From an event of the core to a sentence. What stands in it as a name comes from others, and is only ever shown as text.

import type { Told } from '../api';

/** A sentence on what happened, and what somebody can do. */
export type Pair = [text: string, remedy: string];

type Say<T> = (what: unknown) => T;

export interface Names {
  alarms: Record<string, Say<Pair>>;
  problems: Record<string, Say<Pair>>;
  closes: Record<string, Say<string>>;
  happened: Record<string, Say<string>>;
  stranger: Say<Pair>;
  over: string;
  other: (what: Told) => string;
}

export interface Sentence {
  text: string;
  remedy: string;
  /** How much it matters. */
  level: 'alarm' | 'problem' | 'note';
}

export function told(what: Told, names: Names): Sentence {
  const inner = typeof what === 'object' ? what[kind(what)] : undefined;
  switch (kind(what)) {
    case 'Alarm':
      return pair(inner as Told, names.alarms, 'alarm', names);
    case 'Problem':
      return pair(inner as Told, names.problems, 'problem', names);
    case 'Stranger':
      return { text: names.stranger(inner)[0], remedy: names.stranger(inner)[1], level: 'problem' };
    case 'Closed': {
      // The event has the reason in a field; a room that is over has the reason alone.
      const reason = (inner ?? '') as Told;
      const why = typeof reason === 'object' && 'was_member' in reason ? (reason.reason as Told) : reason;
      const text = names.closes[kind(why)]?.(body(why)) ?? names.over;
      return { text, remedy: '', level: 'problem' };
    }
    default: {
      const text = names.happened[kind(what)]?.(inner) ?? names.other(what);
      return { text, remedy: '', level: 'note' };
    }
  }
}

function pair(what: Told, from: Record<string, Say<Pair>>, level: Sentence['level'], names: Names): Sentence {
  const [text, remedy] = from[kind(what)]?.(body(what)) ?? [names.other(what), ''];
  return { text, remedy, level };
}

/** The name of an event, a problem, an alarm. */
export function kind(what: Told): string {
  return typeof what === 'string' ? what : (Object.keys(what)[0] ?? '');
}

function body(what: Told): unknown {
  return typeof what === 'string' ? undefined : what[kind(what)];
}

/** What stands at a path in it, as text. */
export function content(what: unknown, path: string): string {
  let at = what;
  for (const step of path.split('.')) {
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined;
  }
  return typeof at === 'string' || typeof at === 'number' ? isolated(String(at)) : '';
}

/** Letters that are written from right to left. */
const LEFTWARD = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/** A name in a sentence: one that is written the other way turns nothing around it. */
export function isolated(name: string): string {
  return LEFTWARD.test(name) ? `\u2068${name}\u2069` : name;
}
