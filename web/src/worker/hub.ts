// The one engine of this profile: its rooms, its relay, and what pages ask.

import { apply, cleanName, foldName, Invite, NewAccount, phraseOf, Profile, Room as Core } from '../core/core';
import type { Asks, Fault, Invitation, Item, Opened, Place, RoomInfo, State, Tell } from '../api';
import { isLeft } from './batch';
import { unhex } from './bytes';
import type { Known } from './guard';
import { pinOf } from './pin';
import * as raw from './raw';
import { Relay } from './relay';
import { freshRecord, type RoomRecord, UNKNOWN_ROOM } from './record';
import { type Home, Room } from './room';
import { type Account, Store } from './store';
import type { Stream } from './stream';

/** Items that are shown at once. */
const PAGE = 60;

/** How long the relay may take to show a card, in milliseconds: somebody waits. */
const CARD = 30_000;

/** Rooms of one profile: a stream each. */
const MAX_ROOMS = 64;

/** When lines cannot be taken away now, it is tried again after so many milliseconds. */
const EXPIRE_AGAIN = 60_000;

/** The longest time that a timer keeps, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

const LAST: Place = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];

/** Thrown as what pages are told. */
export class No extends Error {
  constructor(readonly fault: Fault) {
    super(JSON.stringify(fault));
  }
}

type Answers = { [K in keyof Asks]: (...args: Parameters<Asks[K]>) => ReturnType<Asks[K]> | Promise<ReturnType<Asks[K]>> };

export class Hub implements Home {
  private readonly rooms = new Map<string, Room>();
  private account: Account | undefined;
  private profile: Profile | undefined;
  private people = new Map<string, string>();
  private persisted = false;
  private isReady = false;
  private stateIsDue = false;
  private expiry: ReturnType<typeof setTimeout> | undefined;
  private expiresAt = Infinity;
  /** Resolves once the relay is there. */
  private readonly ups: (() => void)[] = [];

  private constructor(
    readonly store: Store,
    readonly relay: Relay,
    private readonly authority: string,
    private readonly sink: (tell: Tell) => void,
  ) {}

  /** Dials, opens the store and waits for the core, all at once. */
  static async start(authority: string, core: Promise<unknown>, sink: (tell: Tell) => void): Promise<Hub> {
    let hub: Hub | undefined;
    const relay = new Relay(authority, { up: () => hub?.up(), down: () => hub?.changed() });
    relay.start();
    try {
      const [store] = await Promise.all([Store.open(), core]);
      hub = new Hub(store, relay, authority, sink);
      await hub.read();
      return hub;
    } catch (error) {
      relay.stop();
      hub?.store.close();
      throw error;
    }
  }

  /** All that was stored. */
  private async read(): Promise<void> {
    this.store.onLost(() => this.sink({ kind: 'trouble', what: 'evicted' }));
    this.account = await this.store.account();
    this.people = await this.store.verified();
    this.persisted = (await navigator.storage?.persisted?.()) ?? false;
    if (this.account) this.profile = profileOf(this.account);
    for (const { record, last } of await this.store.rooms()) {
      const room = new Room(this, record, undefined, true, last);
      if (isLeft(record.over)) {
        // It was left, and what was said there is to go with it.
        await room.forget();
        continue;
      }
      this.rooms.set(record.id, room);
      if (record.over === null) await room.reload();
    }
    void this.expire();
    this.isReady = true;
  }

  answers: Answers = {
    hello: () => this.state(),
    setUp: async (name) => {
      const clean = cleaned(name);
      if (!this.account) {
        const fresh = new NewAccount();
        const device = deviceName();
        const account = { account: fresh.account(), entropy: fresh.entropy(), name: clean, device };
        fresh.free();
        await this.stored(this.store.setAccount(account));
        this.account = account;
        this.profile = profileOf(account);
      } else await this.answers.rename(clean);
      return this.state();
    },
    peek: (link) => this.peek(link),
    join: (link) => this.join(link),
    create: async (name) => {
      const profile = this.mine();
      const core = tried('name', () => Core.create(profile, name, ...this.place(), Date.now()));
      return this.enter(core, freshRecord(core.id(), core.name(), await this.ownPin()));
    },
    open: (id) => this.open(id),
    page: async (id, from, back) => {
      const stored = await this.store.page(id, from, back, PAGE);
      return { items: stored.map(raw.item), more: stored.length === PAGE };
    },
    line: async (id, line) => {
      const stored = await this.store.line(id, line);
      const item: Item | undefined = stored && raw.item(stored);
      return item?.kind === 'line' ? item : null;
    },
    say: (id, token, text, replyTo) =>
      this.live(id).ask((core, now) => core.say(token, text, replyTo ?? undefined, now)),
    edit: (id, token, line, text) => this.live(id).ask((core, now) => core.edit(token, line, text, now)),
    remove: (id, token, line) => this.live(id).ask((core, now) => core.delete(token, line, now)),
    react: (id, token, line, emoji, withdrawn) =>
      this.live(id).ask((core, now) => core.react(token, line, emoji, withdrawn, now)),
    typing: (id, stopped) => this.live(id).ask((core, now) => core.typing(stopped, now)),
    seen: (id, seq) => this.stored(this.room(id).seen(seq)),
    invite: (id) => this.live(id).ask((core, now) => core.invite(now)),
    rename: async (name) => {
      const clean = cleaned(name);
      if (!this.account) throw new No('profile');
      const account = { ...this.account, name: clean };
      await this.stored(this.store.setAccount(account));
      this.account = account;
      this.profile?.rename(clean);
      for (const room of this.rooms.values()) {
        if (!room.isOver) await room.ask((core, now) => core.rename(clean, now));
      }
      this.changed();
    },
    topic: (id, text) => this.live(id).ask((core, now) => core.topic(text, now)),
    disappear: (id, seconds) => this.live(id).ask((core, now) => core.disappear(seconds, now)),
    moderator: (id, who, on) => this.live(id).ask((core, now) => core.moderator(who, on, now)),
    expel: (id, who) => this.live(id).ask((core, now) => core.remove(who, now)),
    leave: (id) => this.live(id).ask((core, now) => core.leave(now)),
    accept: (id) => this.live(id).ask((core, now) => core.accept(now)),
    forget: async (id) => {
      const room = this.room(id);
      if (!room.isOver) throw new No('gone');
      // Before, so that nothing else is stored of it any more.
      this.rooms.delete(id);
      try {
        await this.stored(room.forget());
      } catch (error) {
        this.rooms.set(id, room);
        throw error;
      }
      this.changed();
    },
    safety: (who) => this.mine().safety(who),
    verify: async (who, on) => {
      const views = [...this.rooms.values()].flatMap((room) => {
        const view = room.view();
        return view ? [{ room, view }] : [];
      });
      const members = views.flatMap(({ view }) => view.members.map((member) => raw.person(member.person)));
      const name = on ? (members.find((person) => person.id === who)?.name ?? '') : null;
      await this.stored(this.store.setVerified(who, name));
      if (name === null) this.people.delete(who);
      else this.people.set(who, name);
      for (const { room, view } of views) {
        this.tell({ kind: 'view', room: room.record.id, view: raw.view(view, this.people) });
      }
    },
    phrase: () => {
      if (!this.account) throw new No('profile');
      return phraseOf(this.account.entropy);
    },
  };

  private up(): void {
    this.ups.splice(0).forEach((up) => up());
    for (const room of this.rooms.values()) room.up();
    this.changed();
  }

  known(): Known {
    const me = { id: this.profile?.fingerprint() ?? '', name: this.account?.name ?? '' };
    return { verified: this.people, me, fold: foldName };
  }

  apply(line: string, act: string): string | undefined {
    return apply(line, act);
  }

  async load(record: RoomRecord): Promise<Core> {
    const { keys, values } = await this.store.rows(record.id);
    return Core.load(this.mine(), keys, values, ...this.place(), Date.now());
  }

  named(room: Room): boolean {
    const { record } = room;
    const known = this.rooms.get(record.id);
    if (known && !known.isOver) {
      known.named(record.pin);
      room.entered();
      room.end();
      return false;
    }
    if (known) {
      record.before = { ...known.record, before: null };
      record.read = known.record.read;
      room.last = known.last;
    }
    this.rooms.set(record.id, room);
    return true;
  }

  over(room: Room, isForgotten: boolean): void {
    const { id, before } = room.record;
    if (isForgotten && this.rooms.get(id) === room) {
      this.rooms.delete(id);
      if (before) this.rooms.set(id, new Room(this, before, undefined, true, room.last));
    }
    this.changed();
  }

  /** Pages are told what there is, once for all that happened in this turn. */
  changed(): void {
    // Before all rooms were read there is nothing to be told: a room that is not in the list counts as gone.
    if (this.stateIsDue || !this.isReady) return;
    this.stateIsDue = true;
    queueMicrotask(() => {
      this.stateIsDue = false;
      this.tell({ kind: 'state', state: this.state() });
    });
  }

  tell(tell: Tell): void {
    this.sink(tell);
  }

  crashed(error: unknown): void {
    console.error(error);
    this.tell({ kind: 'trouble', what: 'crash' });
    self.close();
  }

  expires(at: number): void {
    if (at >= this.expiresAt) return;
    this.expiresAt = at;
    clearTimeout(this.expiry);
    const wait = Math.min(Math.max(at - Date.now(), 0) + 50, LONGEST_TIMER);
    this.expiry = setTimeout(() => void this.expire(), wait);
  }

  private async expire(): Promise<void> {
    this.expiresAt = Infinity;
    try {
      const { gone, lasts, next } = await this.store.expire(Date.now());
      for (const [id, last] of lasts) {
        const room = this.rooms.get(id);
        if (room) room.last = last;
        const places = gone.filter((item) => item.room === id).map((item): Place => [item.seq, item.n]);
        this.tell({ kind: 'gone', room: id, places });
      }
      if (gone.length > 0) this.changed();
      if (next !== undefined) this.expires(next);
    } catch {
      this.expires(Date.now() + EXPIRE_AGAIN);
    }
  }

  state(): State {
    const { authority, relay, account, profile, persisted } = this;
    const rooms = [...this.rooms.values()].map(({ record, last }): RoomInfo => {
      const { id, name, joined, over, unread, loud } = record;
      return { id, name, joined, over, unread, last, loud };
    });
    const since = (room: RoomInfo): number => room.last?.at ?? this.rooms.get(room.id)?.record.since ?? 0;
    rooms.sort((one, other) => since(other) - since(one));
    const me = account && profile ? { name: account.name, id: profile.fingerprint() } : null;
    return { authority, up: relay.isUp, way: relay.way, profile: me, rooms, persisted };
  }

  private async open(id: string): Promise<Opened> {
    const room = this.room(id);
    const stored = await this.store.page(id, LAST, true, PAGE);
    const view = room.view();
    return {
      view: view ? raw.view(view, this.people) : null,
      items: stored.map(raw.item),
      before: stored.length === PAGE,
      waiting: room.waiting(),
      read: room.record.read,
    };
  }

  /** Where a link leads: asked for with an account that nobody ever sees. */
  private async peek(link: string): Promise<Invitation> {
    const { fragment, pin } = await this.linked(link);
    const nobody = new NewAccount();
    const profile = new Profile(nobody.account(), 'nobody', 'browser');
    const core = tried('link', () => Core.join(profile, fragment, ...this.place(), Date.now()));
    const asked = new AbortController();
    try {
      const { room, by } = await withTime(CARD, this.card(core, pin, asked.signal));
      return { room, by: raw.person(by) };
    } finally {
      asked.abort();
      core.free();
      profile.free();
      nobody.free();
    }
  }

  /** Asks until it is told, or nobody waits for it any more. */
  private async card(core: Core, pin: string | null, asked: AbortSignal): Promise<{ room: string; by: raw.RawPerson }> {
    if (!this.relay.isUp) await new Promise<void>((up) => this.ups.push(up));
    return new Promise((found, failed) => {
      if (asked.aborted) return failed(new No('silent'));
      let stream: Stream | undefined;
      asked.addEventListener('abort', () => stream?.close());
      const step = (): void => {
        const [, frames, told] = core.take() as [unknown, Uint8Array, string];
        if (frames.length > 0) stream?.write(frames);
        for (const { what } of JSON.parse(told) as raw.RawEvent[]) {
          const invited = raw.body<{ room: string; by: raw.RawPerson }>(what, 'Invited');
          const name = raw.nameOf(what);
          if (!invited && name !== 'Closed' && name !== 'Problem') continue;
          if (invited) found(invited);
          else failed(new No({ told: what }));
          return;
        }
      };
      stream = this.relay.open({
        received: (bytes) => {
          if (asked.aborted) return;
          stream?.read(bytes.length);
          try {
            core.received(bytes, Date.now());
            step();
          } catch {
            failed(new No('relay'));
          }
        },
        ended: () => failed(new No('silent')),
      });
      core.connected(this.relay.binding ?? new Uint8Array(32), pin === null ? undefined : unhex(pin), undefined, Date.now());
      step();
    });
  }

  private async join(link: string): Promise<string> {
    const { fragment, pin } = await this.linked(link);
    const profile = this.mine();
    const core = tried('link', () => Core.join(profile, fragment, ...this.place(), Date.now()));
    return this.enter(core, freshRecord(UNKNOWN_ROOM, '', pin));
  }

  private async enter(core: Core, record: RoomRecord): Promise<string> {
    if (this.rooms.size >= MAX_ROOMS) throw new No('gone');
    const room = new Room(this, record, core, false);
    if (record.id !== UNKNOWN_ROOM) this.rooms.set(record.id, room);
    const entered = new Promise<string>((done, failed) => {
      room.entering = { done, failed: (fault) => failed(new No(fault)) };
    });
    room.start();
    if (!this.relay.isUp && record.id === UNKNOWN_ROOM) this.ups.push(() => room.up());
    try {
      return await withTime(CARD, entered);
    } catch (error) {
      if (record.id === UNKNOWN_ROOM) room.end();
      throw error;
    }
  }

  /** What a link says, held against this relay: a page serves no other. */
  private async linked(link: string): Promise<{ fragment: string; pin: string | null }> {
    const invite = tried('link', () => new Invite(link));
    try {
      const host = invite.host().includes(':') ? `[${invite.host()}]` : invite.host();
      const authority = new URL(`https://${host}:${invite.port()}`).host;
      if (authority !== this.authority) throw new No('elsewhere');
      const begins = invite.pin();
      const pin = begins === undefined ? null : await pinOf(this.authority, begins).catch(() => undefined);
      if (pin === undefined) throw new No('relay');
      return { fragment: invite.fragment(), pin };
    } finally {
      invite.free();
    }
  }

  /** The pin that links of new rooms carry: that of the rooms that are here, else the relay's own word. */
  private async ownPin(): Promise<string | null> {
    for (const room of this.rooms.values()) if (room.record.pin !== null) return room.record.pin;
    return (await pinOf(this.authority, '').catch(() => undefined)) ?? null;
  }

  private place(): [host: string, port: number] {
    const url = new URL(`https://${this.authority}`);
    return [url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || 443)];
  }

  private mine(): Profile {
    if (!this.profile) throw new No('profile');
    return this.profile;
  }

  private room(id: string): Room {
    const room = this.rooms.get(id);
    if (!room) throw new No('gone');
    return room;
  }

  private live(id: string): Room {
    const room = this.room(id);
    if (room.isOver) throw new No('gone');
    return room;
  }

  private async stored(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch {
      throw new No('store');
    }
  }
}

function profileOf({ account, name, device }: Account): Profile {
  return new Profile(account, name, device);
}

function cleaned(name: string): string {
  return tried('name', () => cleanName(name));
}

function tried<T>(fault: Fault, work: () => T): T {
  try {
    return work();
  } catch {
    throw new No(fault);
  }
}

function withTime<T>(most: number, work: Promise<T>): Promise<T> {
  return new Promise((done, failed) => {
    const late = setTimeout(() => failed(new No('silent')), most);
    work.then(done, failed).finally(() => clearTimeout(late));
  });
}

/** What the others see of this device. */
function deviceName(): string {
  const known: [RegExp, string][] = [
    [/Firefox\//, 'Firefox'], [/Edg\//, 'Edge'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari'],
  ];
  return known.find(([sign]) => sign.test(navigator.userAgent))?.[1] ?? 'browser';
}
