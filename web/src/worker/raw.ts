// Events and lines as the core writes them (serde's JSON), and as pages read them.

import type { Item, Line, Member, Note, Person, Place, Told, View, Waiting } from '../api';
import { hex } from './bytes';

export interface RawPerson {
  name: string;
  fingerprint: number[];
}

export interface RawMessage {
  seq: number;
  id: number[];
  at: number;
  from: RawPerson;
  text: string;
  mine: boolean;
  reply_to: number[] | null;
  disappears: number | null;
  file: { name?: string } | null;
}

export interface RawLine {
  message: RawMessage;
  edited: number | null;
  deleted: boolean;
  reactions: { emoji: string; people: RawPerson[] }[];
  handed_by: RawPerson | null;
}

export interface RawAct {
  at: number;
  from: RawPerson;
  target: number[];
}

export interface RawMember {
  person: RawPerson;
  me: boolean;
  heard: boolean;
  status: string;
  glyph: string;
  is_moderator: boolean;
  device: { name: string };
}

export interface RawView {
  room: string;
  epoch: number;
  authenticator: number[];
  members: RawMember[];
  topic: string;
  disappear_s: number;
}

export interface RawQueued {
  token: string;
  id: number[];
  text: string;
}

/** One event with its place in the log. */
export interface RawEvent {
  seq: number | null;
  at: number;
  what: Told;
}

/** A line or a note as it is stored. */
export interface Stored {
  room: string;
  seq: number;
  n: number;
  /** Of lines alone: its id in hexadecimal digits. */
  id?: string;
  /** When it goes. */
  goes?: number;
  /** A line of before we came, as a member remembers it. */
  handed?: true;
  /** A line of somebody else, which is news. */
  counts?: true;
  /** A note that is not to be missed. */
  loud?: true;
  /** JSON: of a line the core's, of a note the event's. */
  line?: string;
  note?: string;
  at: number;
}

export function person(raw: RawPerson): Person {
  return { name: raw.name, id: hex(raw.fingerprint) };
}

export function item(stored: Stored): Item {
  const place: Place = [stored.seq, stored.n];
  if (stored.line === undefined) {
    return { kind: 'note', place, at: stored.at, what: JSON.parse(stored.note ?? '""') as Told } satisfies Note;
  }
  return line(JSON.parse(stored.line) as RawLine, place);
}

export function line(raw: RawLine, place: Place): Line {
  const { message } = raw;
  return {
    kind: 'line',
    place,
    id: hex(message.id),
    at: message.at,
    from: person(message.from),
    text: message.text,
    mine: message.mine,
    replyTo: message.reply_to && hex(message.reply_to),
    edited: raw.edited !== null,
    deleted: raw.deleted,
    reactions: raw.reactions.map(({ emoji, people }) => ({ emoji, people: people.map(person) })),
    handedBy: raw.handed_by && person(raw.handed_by),
    file: message.file && (message.file.name ?? ''),
  };
}

export function lineOf(message: RawMessage): RawLine {
  return { message, edited: null, deleted: false, reactions: [], handed_by: null };
}

/** People once each, in the order of their first leaves. */
export function view(raw: RawView, verified: ReadonlyMap<string, string>): View {
  const members = new Map<string, Member>();
  for (const leaf of raw.members) {
    const who = person(leaf.person);
    const known = members.get(who.id);
    if (known) {
      known.devices.push(leaf.device.name);
      known.heard ||= leaf.heard;
      known.me ||= leaf.me;
      continue;
    }
    members.set(who.id, {
      person: who,
      me: leaf.me,
      heard: leaf.heard,
      moderator: leaf.is_moderator,
      verified: verified.has(who.id),
      status: leaf.status,
      glyph: leaf.glyph,
      devices: [leaf.device.name],
    });
  }
  const people = [...members.values()];
  return {
    name: raw.room,
    topic: raw.topic,
    members: people,
    authenticator: hex(raw.authenticator),
    epoch: raw.epoch,
    disappear: raw.disappear_s,
    iModerate: people.some((member) => member.me && member.moderator),
  };
}

export function waiting(events: RawEvent[]): Waiting[] {
  return events.flatMap(({ what }) => {
    const queued = body<RawQueued>(what, 'Queued');
    return queued ? [{ token: queued.token, id: hex(queued.id), text: queued.text }] : [];
  });
}

/** What belongs to an event of that name; undefined where it has another. */
export function body<T>(what: Told, name: string): T | undefined {
  return typeof what === 'object' && name in what ? (what[name] as T) : undefined;
}

export function nameOf(what: Told): string {
  return typeof what === 'string' ? what : (Object.keys(what)[0] ?? '');
}
