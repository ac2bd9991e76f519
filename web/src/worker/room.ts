// One room: its engine, its stream, and the order in which things happen: think, store, send, show.

import type { Room as Core } from '../core/core';
import type { Fault, Last, Place, Tell, Told } from '../api';
import { Backoff } from './backoff';
import { batchOf, isEmpty } from './batch';
import { unhex } from './bytes';
import { Guard, type Known } from './guard';
import * as raw from './raw';
import { type RoomRecord, UNKNOWN_ROOM } from './record';
import type { Relay } from './relay';
import { show } from './show';
import type { Batch, Committed, Store } from './store';
import type { Stream } from './stream';

/** What was thought about for so long is stored and shown before the rest, in milliseconds: people wait for it. */
const THINK = 50;

/** The longest time that a timer keeps, in milliseconds: what is later is looked at again then. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A stream that held for so long was a success, in milliseconds. */
const STABLE = 10_000;

/** Notes of one millisecond that get numbers of their own. */
const NOTES_PER_MS = 16;

export interface Home {
  readonly store: Store;
  readonly relay: Relay;
  known(): Known;
  apply(line: string, act: string): string | undefined;
  load(record: RoomRecord): Promise<Core>;
  /** The room has its id: false where it is here already. */
  named(room: Room): boolean;
  /** It is over; nothing is here of it any more, or there is what it was before. */
  over(room: Room, isForgotten: boolean): void;
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
  /** A person has read up to there. */
  seen?: number;
  /** Told, stored and shown as if the core had said it. */
  tells?: Told | undefined;
  /** What becomes of the room's record. */
  changes?: Partial<RoomRecord>;
}

export class Room {
  private inputs: Input[] = [];
  private isRunning = false;
  private stream: Stream | undefined;
  /** The stream that the core knows: what it says is for no other one. */
  private attached: Stream | undefined;
  private since = 0;
  private again: ReturnType<typeof setTimeout> | undefined;
  private wake: ReturnType<typeof setTimeout> | undefined;
  private readonly backoff = new Backoff();
  /** Rows that changed before it was known which room this is. */
  private held = new Map<string, Uint8Array | undefined>();
  private note = Date.now() * NOTES_PER_MS;
  private readonly guard = new Guard();
  private isLoading = false;
  /** Told how the entering went. */
  entering: { done: (id: string) => void; failed: (fault: Fault) => void } | undefined;

  /** The other key of the relay that people were, or are being, told of. */
  private alarmed: string | null;

  /** `isStored`: there is something of it in the store. `last`: the line that lists show. */
  constructor(
    readonly home: Home,
    readonly record: RoomRecord,
    private core: Core | undefined,
    private isStored: boolean,
    public last: Last | null = null,
  ) {
    this.alarmed = record.alarmed;
  }

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
  ask(think: (core: Core, now: number) => void): Promise<void> {
    return new Promise((done, failed) => this.push({ think, done, failed }));
  }

  /** A person has read up to there. In the order of all that is stored of the room, so that neither undoes the other. */
  async seen(seq: number): Promise<void> {
    const { record } = this;
    if (record.read >= seq && record.unread === 0 && !record.loud) return;
    if (this.core) return new Promise((done, failed) => this.push({ think: () => {}, done, failed, seen: seq }));
    // Nothing else is stored of a room without a core.
    const batch = batchOf([], this.around('', 0, 0), Date.now());
    this.takes(await this.home.store.commit({ ...batch, seen: seq }));
    this.home.changed();
  }

  /** Nothing of it stays. */
  async forget(): Promise<void> {
    await this.home.store.commit({ ...batchOf([], this.around('', 0, 0), Date.now()), forget: true });
  }

  /** Another link of the room was opened: it says by which key its relay is known. */
  named(pin: string | null): void {
    const { record } = this;
    if (pin === null || pin === record.pin) return;
    const tells = { Alarm: { RelayKeyTaken: { key: pin } } };
    this.push({ think: () => {}, done: () => this.connect(), tells, changes: { pin, alarmed: null } });
  }

  /** Opens a stream where one can be. */
  connect(): void {
    const { relay } = this.home;
    if (this.stream || this.isOver || !this.core || this.again !== undefined || !relay.isUp) return;
    if (!this.trusts(relay.pin)) return;
    const stream: Stream | undefined = relay.open({
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
    const { binding } = relay;
    const pin = this.record.pin === null ? undefined : unhex(this.record.pin);
    this.push({
      think: (core, now) => {
        this.attached = stream;
        core.connected(binding!, pin, undefined, now);
      },
    });
  }

  /** Whether the relay proved to be the one that the room's link names. That it did not is told once, and the room stands still. */
  private trusts(shown: string | null): boolean {
    const { pin } = this.record;
    const isSame = pin === null || shown === pin;
    const alarmed = isSame ? null : (shown ?? '');
    if (alarmed === this.alarmed) return isSame;
    this.alarmed = alarmed;
    const tells = isSame ? undefined : { Alarm: { RelayKeyChanged: { key: alarmed } } };
    this.push({ think: () => {}, tells, changes: { alarmed } });
    return isSame;
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
    if (Date.now() - this.since > STABLE) this.backoff.reset();
    this.push({
      think: (core, now) => {
        this.attached = undefined;
        core.disconnected(now);
      },
    });
    if (pause) this.pause();
    else this.connect();
  }

  /** Stands still for good. */
  end(): void {
    clearTimeout(this.wake);
    clearTimeout(this.again);
    this.drop();
    for (const input of this.inputs.splice(0)) input.failed?.('gone');
  }

  /** Without stream and engine. */
  private drop(): void {
    const { stream } = this;
    this.stream = undefined;
    this.attached = undefined;
    stream?.close();
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

  push(input: Input): void {
    this.inputs.push(input);
    if (!this.isRunning) void this.run();
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    // What comes in this turn is thought about together.
    await Promise.resolve();
    while (this.inputs.length > 0 && this.core) await this.step(this.core);
    for (const input of this.inputs.splice(0)) input.failed?.(this.isOver ? 'gone' : 'store');
    this.isRunning = false;
  }

  private async step(core: Core): Promise<void> {
    const until = Date.now() + THINK;
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
    const { attached } = this;
    const { home, record } = this;
    const events = this.guard.look(JSON.parse(told) as raw.RawEvent[], home.known(), !record.joined);
    for (const [key, value] of changes) this.held.set(key, value);
    if (record.id === UNKNOWN_ROOM && core.id() !== UNKNOWN_ROOM) {
      record.id = core.id();
      record.name = core.name();
      if (!home.named(this)) return;
    }
    for (const { tells } of settled) if (tells !== undefined) events.push({ seq: null, at: Date.now(), what: tells });
    const batch = this.batch(core, events, settled);
    let done: Committed = { record, items: [], last: undefined };
    // Until it is known which room this is, there is nothing to be stored: a join that dies here has not begun.
    if (record.id !== UNKNOWN_ROOM && !(isEmpty(batch) && settled.every(({ changes }) => changes === undefined))) {
      try {
        done = await home.store.commit(batch);
      } catch {
        for (const input of settled) input.failed?.('store');
        return this.notStored();
      }
      this.held.clear();
      this.isStored = true;
      this.takes(done);
    }
    if (frames.length > 0 && attached && this.stream === attached) attached.write(frames);
    show(this, events, done, batch);
    for (const input of settled) input.done?.();
    if (batch.closed !== null) return this.ended(batch.closed, batch.forget);
    this.wakeAt(wakeAt);
    if (reopen && this.stream === attached) this.hangUp(false);
  }

  private batch(core: Core, events: raw.RawEvent[], settled: Input[]): Batch {
    const batch = batchOf(events, this.around(core.name(), core.read(), core.disappears()), Date.now());
    for (const { seen, changes } of settled) {
      if (seen !== undefined) batch.seen = Math.max(batch.seen ?? 0, seen);
      Object.assign(batch.record, changes);
    }
    return batch;
  }

  private around(name: string, read: number, disappears: number): Parameters<typeof batchOf>[1] {
    const { record, held: rows, home } = this;
    const spare = (): number => (this.note += 1);
    const apply = (line: string, act: string): string | undefined => home.apply(line, act);
    return { record, isNew: !this.isStored, rows, name, read, disappears, apply, spare };
  }

  /** What was stored is true. */
  private takes({ record, items, last }: Committed): void {
    Object.assign(this.record, record);
    if (last !== undefined) this.last = last;
    for (const { goes } of items) if (goes !== undefined) this.home.expires(goes);
  }

  private ended(why: Told, isForgotten: boolean): void {
    this.refused({ Closed: why });
    this.end();
    this.home.over(this, isForgotten);
  }

  refused(told: Told): void {
    this.entering?.failed({ told });
    this.entering = undefined;
  }

  entered(): void {
    this.entering?.done(this.record.id);
    this.entering = undefined;
  }

  /** Lines of before, for a newcomer: what was said here, not what was handed to us. */
  async handOver(asked: { joiner: number[]; before: number; lines: number }): Promise<void> {
    const from: Place = [asked.before, 0];
    // Without lines, where they cannot be read: the newcomer waits for an answer.
    const stored = await this.home.store.page(this.record.id, from, true, asked.lines).catch(() => []);
    const lines = stored
      .flatMap(({ line }) => (line === undefined ? [] : [JSON.parse(line) as raw.RawLine]))
      .filter((line) => !line.deleted && line.handed_by === null);
    this.push({ think: (core, now) => core.handOver(Uint8Array.from(asked.joiner), JSON.stringify(lines), now) });
  }

  /** Nothing of the step was stored, so none of it happened: forget it and take the stored state. */
  private notStored(): void {
    this.home.tell({ kind: 'trouble', what: 'store' });
    this.held.clear();
    this.alarmed = this.record.alarmed;
    this.entering?.failed('store');
    this.entering = undefined;
    this.drop();
    // Of a room of which nothing was stored there is no state to go back to.
    if (this.isStored) this.pause();
    else this.home.over(this, true);
  }

  /** From what was stored; later, where that cannot be read now. */
  async reload(): Promise<void> {
    if (this.isLoading || this.core || this.record.id === UNKNOWN_ROOM) return;
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
    const wait = Math.min(Math.max(at - Date.now(), 0), LONGEST_TIMER);
    this.wake = setTimeout(() => this.push({ think: (core, now) => core.tick(now) }), wait);
  }
}
