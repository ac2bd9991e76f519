// One room: its engine, its stream, and the order in which things happen: think, store, send, show.

import type { Room as Core } from '../core/core';
import type { Fault, Place, Tell, Told } from '../api';
import { Backoff } from './backoff';
import { hex, unhex } from './bytes';
import { Guard, type Known } from './guard';
import { isLoud, isNote } from './notes';
import * as raw from './raw';
import type { Relay } from './relay';
import type { Batch, RoomRecord, Store } from './store';
import type { Stream } from './yamux';

/** What was thought about for so long is stored and shown before the rest, in milliseconds: people wait for it. */
const THINK = 50;

/** The id of a room whose link's card was not read yet. */
const UNKNOWN = '0'.repeat(64);

export interface Home {
  readonly store: Store;
  readonly relay: Relay;
  known(): Known;
  apply(line: string, act: string): string | undefined;
  load(record: RoomRecord): Promise<Core>;
  /** The room has its id: false where it is here already. */
  named(room: Room): boolean;
  over(room: Room): void;
  changed(): void;
  tell(tell: Tell): void;
  /** The core is broken: nothing of it can be used any more. */
  crashed(error: unknown): void;
  expires(at: number): void;
}

interface Input {
  think(core: Core, now: number): void;
  done?: () => void;
  failed?: (fault: Fault) => void;
}

export class Room {
  private inputs: Input[] = [];
  private isRunning = false;
  private stream: Stream | undefined;
  private since = 0;
  private again: ReturnType<typeof setTimeout> | undefined;
  private wake: ReturnType<typeof setTimeout> | undefined;
  private readonly backoff = new Backoff();
  /** Rows that changed before it was known which room this is. */
  private held = new Map<string, Uint8Array | undefined>();
  private note = Date.now() * 16;
  private readonly guard = new Guard();
  private isLeaving = false;
  private isLoading = false;
  /** Told how the entering went. */
  entering: { done: (id: string) => void; failed: (fault: Fault) => void } | undefined;

  constructor(
    private readonly home: Home,
    readonly record: RoomRecord,
    private core: Core | undefined,
  ) {}

  get isOver(): boolean {
    return this.record.over !== null;
  }

  view(): raw.RawView | undefined {
    const view = this.core?.view();
    return view === undefined ? undefined : (JSON.parse(view) as raw.RawView);
  }

  waiting(): ReturnType<typeof raw.waiting> {
    const queued = this.core?.queued(Date.now());
    return queued === undefined ? [] : raw.waiting(JSON.parse(queued) as raw.RawEvent[]);
  }

  /** Carries out a command; done when it is stored. */
  ask(think: (core: Core, now: number) => void, leaves = false): Promise<void> {
    this.isLeaving ||= leaves;
    return new Promise((done, failed) => this.push({ think, done, failed }));
  }

  /** Opens a stream where one can be. */
  connect(): void {
    if (this.stream || this.isOver || !this.core || this.again !== undefined || !this.home.relay.isUp) return;
    const stream: Stream | undefined = this.home.relay.open({
      received: (bytes) => {
        this.push({
          think: (core, now) => {
            stream?.read(bytes.length);
            if (this.stream !== stream) return;
            try {
              core.received(bytes, now);
            } catch (error) {
              if (error instanceof WebAssembly.RuntimeError) throw error;
              this.hangUp(true);
            }
          },
        });
      },
      ended: () => {
        if (this.stream === stream) this.hangUp(true);
      },
    });
    if (!stream) return;
    this.stream = stream;
    this.since = Date.now();
    const { binding } = this.home.relay;
    const pin = this.record.pin === null ? undefined : unhex(this.record.pin);
    this.push({ think: (core, now) => core.connected(binding!, pin, undefined, now) });
  }

  /** There is a connection: what failed was another one's, and whoever dials has waited enough. */
  up(): void {
    this.backoff.reset();
    clearTimeout(this.again);
    this.again = undefined;
    if (this.core) this.connect();
    else if (!this.isOver) void this.reload();
  }

  /** The stream is of no use any more. `pause`: wait before the next one. */
  hangUp(pause: boolean): void {
    const { stream } = this;
    if (!stream) return;
    this.stream = undefined;
    stream.close();
    if (Date.now() - this.since > 10_000) this.backoff.reset();
    this.push({ think: (core, now) => core.disconnected(now) });
    if (pause) this.pause();
    else this.connect();
  }

  /** Stands still for good. */
  end(): void {
    clearTimeout(this.wake);
    clearTimeout(this.again);
    const { stream } = this;
    this.stream = undefined;
    stream?.close();
    this.inputs = [];
    this.core?.free();
    this.core = undefined;
  }

  start(): void {
    this.push({ think: (core, now) => core.tick(now) });
    this.connect();
  }

  private pause(): void {
    if (this.again !== undefined) return;
    this.again = setTimeout(() => {
      this.again = undefined;
      if (this.core) this.connect();
      else void this.reload();
    }, this.backoff.next());
  }

  private push(input: Input): void {
    this.inputs.push(input);
    if (!this.isRunning) void this.run();
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    // What comes in this turn is thought about together.
    await Promise.resolve();
    while (this.inputs.length > 0 && this.core) await this.step(this.core);
    for (const input of this.inputs.splice(0)) input.failed?.('gone');
    this.isRunning = false;
  }

  private async step(core: Core): Promise<void> {
    const until = Date.now() + THINK;
    const { stream } = this;
    const settled: Input[] = [];
    while (this.inputs.length > 0 && Date.now() <= until) {
      const input = this.inputs.shift()!;
      try {
        input.think(core, Date.now());
        settled.push(input);
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) return this.home.crashed(error);
        input.failed?.('damaged');
      }
    }
    const [changes, frames, told, reopen, wakeAt] = core.take() as [
      [string, Uint8Array | undefined][], Uint8Array, string, boolean, number | undefined,
    ];
    const events = this.guard.look(JSON.parse(told) as raw.RawEvent[], this.home.known(), !this.record.joined);
    for (const [key, value] of changes) this.held.set(key, value);
    if (this.record.id === UNKNOWN && core.id() !== UNKNOWN) {
      this.record.id = core.id();
      this.record.name = core.name();
      if (!this.home.named(this)) return;
    }
    const batch = this.batch(core, events);
    let changed: raw.Stored[] = [];
    // Until it is known which room this is, there is nothing to be stored: a join that dies here has not begun.
    if (this.record.id !== UNKNOWN && !isEmpty(batch)) {
      try {
        changed = await this.home.store.commit(batch);
        this.held.clear();
        Object.assign(this.record, batch.record);
      } catch {
        for (const input of settled) input.failed?.('store');
        return this.notStored();
      }
    }
    if (frames.length > 0 && stream && this.stream === stream) stream.write(frames);
    this.show(events, batch, changed);
    for (const input of settled) input.done?.();
    this.wakeAt(wakeAt);
    if (reopen && this.stream === stream) this.hangUp(false);
  }

  /** What a step says, as it is stored. */
  private batch(core: Core, events: raw.RawEvent[]): Batch {
    // A copy: nothing of it is true before it is stored.
    const record = { ...this.record };
    const batch: Batch = { record, rows: [...this.held], items: [], acts: [], forget: false };
    const now = Date.now();
    for (const event of events) {
      const { what } = event;
      const message = raw.body<raw.RawMessage>(what, 'Message');
      const act = raw.body<raw.RawAct>(what, 'Act');
      const handed = raw.body<{ lines: raw.RawLine[] }>(what, 'Handed');
      const closed = raw.body<{ reason: Told; was_member: boolean }>(what, 'Closed');
      if (message) this.keep(batch, raw.lineOf(message), now);
      if (act) batch.acts.push({ id: hex(act.target), apply: (line) => this.apply(line, JSON.stringify(act)) });
      for (const line of handed?.lines ?? []) this.keep(batch, line, now);
      if (closed) {
        record.over = closed.reason;
        batch.forget = !closed.was_member || this.isLeaving;
      }
      if (raw.body(what, 'Joined')) {
        record.joined = true;
        record.name = core.name();
      }
      if (isNote(what)) {
        const seq = event.seq ?? core.read();
        batch.items.push({ room: record.id, seq, n: (this.note += 1), at: event.at, note: JSON.stringify(what) });
        record.loud ||= isLoud(what);
      }
    }
    return batch;
  }

  private keep(batch: Batch, line: raw.RawLine, now: number): void {
    const { message } = line;
    const { record } = batch;
    if (message.disappears !== null && message.disappears <= now) return;
    const stored: raw.Stored = {
      room: record.id,
      seq: message.seq,
      n: 0,
      id: hex(message.id),
      at: message.at,
      line: JSON.stringify(line),
    };
    if (message.disappears !== null) {
      stored.goes = message.disappears;
      this.home.expires(message.disappears);
    }
    batch.items.push(stored);
    if (line.handed_by === null && !message.mine) record.unread += 1;
    if (line.handed_by === null) {
      record.last = { from: message.from.name, text: message.text.slice(0, 120), at: message.at };
    }
  }

  private apply(stored: raw.Stored, act: string): raw.Stored | null {
    try {
      const line = this.home.apply(stored.line ?? '', act);
      return line === undefined ? null : { ...stored, line };
    } catch {
      // Somebody else's line, or a flood of signs: refused, as by every client.
      return null;
    }
  }

  private show(events: raw.RawEvent[], batch: Batch, changed: raw.Stored[]): void {
    const { record, home } = this;
    const room = record.id;
    const items = [...batch.items, ...changed].map(raw.item);
    if (items.length > 0 && !batch.forget) home.tell({ kind: 'items', room, items });
    let hasView = false;
    let hasQueue = items.some((item) => item.kind === 'line' && item.mine);
    for (const { what } of events) {
      const typing = raw.body<{ who: raw.RawPerson; stopped: boolean }>(what, 'Typing');
      const invite = raw.body<{ link: string; expires_ms: number; max_uses: number }>(what, 'Invite');
      const progress = raw.body<{ done: number; total: number }>(what, 'CatchingUp');
      const handOver = raw.body<{ joiner: number[]; before: number; lines: number }>(what, 'HandOver');
      if (typing) home.tell({ kind: 'typing', room, who: raw.person(typing.who), stopped: typing.stopped });
      if (invite) {
        const { link, expires_ms: expires, max_uses: uses } = invite;
        home.tell({ kind: 'invite', room, link, expires, uses });
      }
      if (progress) home.tell({ kind: 'progress', room, ...progress });
      if (handOver) void this.handOver(handOver);
      const name = raw.nameOf(what);
      hasView ||= name === 'Joined' || name === 'Epoch' || name === 'Heard';
      hasQueue ||= name === 'Queued' || name === 'Sent';
      if (name === 'Problem' && this.entering && !record.joined) this.refused(what);
    }
    const view = hasView ? this.view() : undefined;
    if (view) home.tell({ kind: 'view', room, view: raw.view(view, home.known().verified) });
    if (hasQueue) home.tell({ kind: 'waiting', room, waiting: this.waiting() });
    if (room !== UNKNOWN && !batch.forget && this.entering) {
      this.entering.done(room);
      this.entering = undefined;
    }
    if (batch.record.over !== null) {
      record.over = batch.record.over;
      if (this.entering) this.refused({ Closed: record.over });
      else if (batch.forget && !this.isLeaving) home.tell({ kind: 'ended', name: record.name, why: record.over });
      this.end();
      home.over(this);
    } else if (items.length > 0 || hasView) home.changed();
  }

  private refused(told: Told): void {
    this.entering?.failed({ told });
    this.entering = undefined;
  }

  /** Lines of before, for a newcomer: what was said here, not what was handed to us. */
  private async handOver(asked: { joiner: number[]; before: number; lines: number }): Promise<void> {
    const from: Place = [asked.before, 0];
    const stored = await this.home.store.page(this.record.id, from, true, asked.lines);
    const lines = stored
      .flatMap(({ line }) => (line === undefined ? [] : [JSON.parse(line) as raw.RawLine]))
      .filter((line) => !line.deleted && line.handed_by === null);
    this.push({ think: (core, now) => core.handOver(Uint8Array.from(asked.joiner), JSON.stringify(lines), now) });
  }

  /** Nothing of the step was stored, so none of it happened: forget it and take the stored state. */
  private notStored(): void {
    this.home.tell({ kind: 'trouble', what: 'store' });
    const { stream } = this;
    this.stream = undefined;
    stream?.close();
    this.held.clear();
    this.core?.free();
    this.core = undefined;
    this.entering?.failed('store');
    this.pause();
  }

  /** From what was stored; later, where that cannot be read now. */
  async reload(): Promise<void> {
    if (this.isLoading || this.record.id === UNKNOWN) return;
    this.isLoading = true;
    try {
      this.core = await this.home.load(this.record);
      const view = this.view();
      if (view) this.guard.take(view);
      this.start();
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return this.home.crashed(error);
      this.home.tell({ kind: 'trouble', what: 'unread' });
      this.pause();
    } finally {
      this.isLoading = false;
    }
  }

  private wakeAt(at: number | undefined): void {
    clearTimeout(this.wake);
    if (at === undefined) return;
    const wait = Math.min(Math.max(at - Date.now(), 0), 2 ** 31 - 1);
    this.wake = setTimeout(() => this.push({ think: (core, now) => core.tick(now) }), wait);
  }
}

export function freshRecord(id: string, name: string, pin: string | null): RoomRecord {
  const since = Date.now();
  return { id, name, pin, joined: false, over: null, read: 0, unread: 0, last: null, loud: false, since };
}

export const UNKNOWN_ROOM = UNKNOWN;

function isEmpty(batch: Batch): boolean {
  return batch.rows.length === 0 && batch.items.length === 0 && batch.acts.length === 0 && batch.record.over === null;
}
