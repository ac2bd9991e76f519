// What a step of a room says, as it is stored.

import type { Told } from '../api';
import { hex } from './bytes';
import { isLoud, isNote } from './notes';
import * as raw from './raw';
import type { RoomRecord } from './record';
import type { Batch } from './store';

/** What of a room a step needs to know. */
export interface Around {
  record: RoomRecord;
  /** Nothing of it was stored before. */
  isNew: boolean;
  rows: ReadonlyMap<string, Uint8Array | undefined>;
  name: string;
  /** The number of the last entry that was read. */
  read: number;
  /** Lines go so many seconds after they were said; 0 for never. */
  disappears: number;
  apply(line: string, act: string): string | undefined;
  spare(): number;
}

export function batchOf(events: raw.RawEvent[], around: Around, now: number): Batch {
  // A copy: nothing of it is true before it is stored.
  const record = { ...around.record };
  const batch: Batch = {
    record, reset: around.isNew, rows: [...around.rows], items: [], spare: around.spare, acts: [], seen: null, forget: false,
    closed: null,
  };
  for (const { what, seq, at } of events) {
    const message = raw.body<raw.RawMessage>(what, 'Message');
    const act = raw.body<raw.RawAct>(what, 'Act');
    const handed = raw.body<{ lines: raw.RawLine[] }>(what, 'Handed');
    const closed = raw.body<{ reason: Told; was_member: boolean }>(what, 'Closed');
    if (message) keep(batch, raw.lineOf(message), now);
    if (act) batch.acts.push({ id: hex(act.target), apply: (line) => applied(around, line, JSON.stringify(act)) });
    for (const line of handed?.lines ?? []) keep(batch, line, now);
    if (raw.body(what, 'Joined')) Object.assign(record, { joined: true, name: around.name, before: null });
    if (closed) close(batch, closed.reason, closed.was_member);
    if (isNote(what)) {
      const note: raw.Stored = { room: record.id, seq: seq ?? around.read, n: around.spare(), at, note: JSON.stringify(what) };
      if (isLoud(what)) note.loud = true;
      // It goes with what was said then.
      else if (around.disappears > 0) note.goes = at + around.disappears * 1000;
      if (note.goes === undefined || note.goes > now) batch.items.push(note);
    }
  }
  return batch;
}

/** Of a room that was left, or never entered, nothing stays; unless it is what one was in before. */
function close(batch: Batch, reason: Told, wasMember: boolean): void {
  const { before } = batch.record;
  batch.closed = reason;
  batch.forget = !wasMember || isLeft(reason);
  if (!wasMember && before) {
    Object.assign(batch.record, before, { before: null });
    batch.forget = false;
  } else batch.record.over = reason;
}

export function isLeft(reason: Told | null): boolean {
  return reason === 'Left' || reason === 'LeftEarly';
}

function keep(batch: Batch, line: raw.RawLine, now: number): void {
  const { message } = line;
  if (message.disappears !== null && message.disappears <= now) return;
  const stored: raw.Stored = {
    room: batch.record.id,
    seq: message.seq,
    n: 0,
    id: hex(message.id),
    at: message.at,
    line: JSON.stringify(line),
  };
  if (message.disappears !== null) stored.goes = message.disappears;
  if (line.handed_by !== null) stored.handed = true;
  else if (!message.mine) stored.counts = true;
  batch.items.push(stored);
}

function applied({ apply }: Around, stored: raw.Stored, act: string): raw.Stored | null {
  try {
    const line = apply(stored.line ?? '', act);
    return line === undefined ? null : { ...stored, line };
  } catch {
    // Somebody else's line, or a flood of signs: refused, as by every client.
    return null;
  }
}

export function isEmpty(batch: Batch): boolean {
  const parts = [batch.rows, batch.items, batch.acts];
  return parts.every((part) => part.length === 0) && batch.seen === null && batch.record.over === null;
}
