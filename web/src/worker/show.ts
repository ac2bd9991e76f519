// What of a step pages are told, once it is stored.

import type { Tell, Told } from '../api';
import { isLeft } from './batch';
import type { Known } from './guard';
import * as raw from './raw';
import { UNKNOWN_ROOM } from './record';
import type { Batch, Committed } from './store';

/** The room it was a step of. */
export interface Stepped {
  readonly home: { known(): Known; tell(tell: Tell): void; changed(): void };
  readonly entering: object | undefined;
  view(): raw.RawView | undefined;
  waiting(): ReturnType<typeof raw.waiting>;
  handOver(asked: HandOver): Promise<void>;
  refused(told: Told): void;
  entered(): void;
}

export interface HandOver {
  joiner: number[];
  before: number;
  lines: number;
}

export function show(at: Stepped, events: raw.RawEvent[], { record, items: fresh }: Committed, batch: Batch): void {
  const { home } = at;
  const room = record.id;
  const items = fresh.map(raw.item);
  if (items.length > 0) home.tell({ kind: 'items', room, items });
  let hasView = false;
  let hasQueue = items.some((item) => item.kind === 'line' && item.mine);
  for (const { what } of events) {
    const name = raw.nameOf(what);
    const tell = told(what, room);
    if (tell) home.tell(tell);
    const handOver = raw.body<HandOver>(what, 'HandOver');
    if (handOver) void at.handOver(handOver);
    hasView ||= name === 'Joined' || name === 'Epoch' || name === 'Heard';
    hasQueue ||= name === 'Queued' || name === 'Sent';
    if (name === 'Problem' && !record.joined) at.refused(what);
  }
  const view = hasView ? at.view() : undefined;
  if (view) home.tell({ kind: 'view', room, view: raw.view(view, home.known().verified) });
  if (hasQueue) home.tell({ kind: 'waiting', room, waiting: at.waiting() });
  const { closed, forget, seen } = batch;
  if (room !== UNKNOWN_ROOM && closed === null) at.entered();
  if (forget && closed !== null && !isLeft(closed) && !at.entering) home.tell({ kind: 'ended', name: record.name, why: closed });
  if (items.length > 0 || hasView || seen !== null) home.changed();
}

/** What is told as it is. */
function told(what: Told, room: string): Tell | undefined {
  const typing = raw.body<{ who: raw.RawPerson; stopped: boolean }>(what, 'Typing');
  if (typing) return { kind: 'typing', room, who: raw.person(typing.who), stopped: typing.stopped };
  const invite = raw.body<{ link: string; expires_ms: number; max_uses: number }>(what, 'Invite');
  if (invite) return { kind: 'invite', room, link: invite.link, expires: invite.expires_ms, uses: invite.max_uses };
  const progress = raw.body<{ done: number; total: number }>(what, 'CatchingUp');
  return progress && { kind: 'progress', room, ...progress };
}
