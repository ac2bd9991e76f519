// What a page and the worker say to each other. Ids and fingerprints are hexadecimal digits, times are Unix milliseconds.

export interface Person {
  name: string;
  id: string;
}

export interface Reaction {
  emoji: string;
  people: Person[];
}

/** Its place among what a room shows: by the log's number, then by a number of its own. */
export type Place = [seq: number, n: number];

export interface Line {
  kind: 'line';
  place: Place;
  id: string;
  at: number;
  from: Person;
  text: string;
  mine: boolean;
  replyTo: string | null;
  edited: boolean;
  deleted: boolean;
  reactions: Reaction[];
  /** Who vouches for it; null where this device read it itself. */
  handedBy: Person | null;
  file: string | null;
}

/** Something that happened: an event of the core, as it came. */
export interface Note {
  kind: 'note';
  place: Place;
  at: number;
  what: Told;
}

export type Item = Line | Note;

/** An event of the core: its name alone, or its name and what belongs to it. */
export type Told = string | Record<string, unknown>;

export interface Waiting {
  token: string;
  id: string;
  text: string;
}

export interface Member {
  person: Person;
  me: boolean;
  heard: boolean;
  moderator: boolean;
  verified: boolean;
  status: string;
  glyph: string;
  devices: string[];
}

export interface View {
  name: string;
  topic: string;
  members: Member[];
  authenticator: string;
  epoch: number;
  disappear: number;
  iModerate: boolean;
}

/** The last line of a room, for lists. */
export interface Last {
  from: string;
  text: string;
  at: number;
}

export interface RoomInfo {
  id: string;
  name: string;
  joined: boolean;
  /** Why it is over, as the core says; null while it is not. */
  over: Told | null;
  unread: number;
  last: Last | null;
  loud: boolean;
}

/** How the relay is reached. */
export type Way = 'WebTransport' | 'WebSocket';

export interface State {
  authority: string;
  up: boolean;
  way: Way | null;
  profile: { name: string; id: string } | null;
  rooms: RoomInfo[];
  /** The browser may throw away what is stored when it needs room. */
  persisted: boolean;
}

export interface Opened {
  view: View | null;
  items: Item[];
  /** There is more before these. */
  before: boolean;
  waiting: Waiting[];
  read: number;
}

export interface Invitation {
  room: string;
  by: Person;
}

/** What a page asks, and what it is answered. */
export interface Asks {
  hello(): State;
  setUp(name: string): State;
  peek(link: string): Invitation;
  join(link: string): string;
  create(name: string): string;
  open(room: string): Opened;
  page(room: string, from: Place, back: boolean): { items: Item[]; more: boolean };
  line(room: string, id: string): Line | null;
  say(room: string, token: string, text: string, replyTo: string | null): void;
  edit(room: string, token: string, id: string, text: string): void;
  remove(room: string, token: string, id: string): void;
  react(room: string, token: string, id: string, emoji: string, withdrawn: boolean): void;
  typing(room: string, stopped: boolean): void;
  seen(room: string, seq: number): void;
  invite(room: string): void;
  rename(name: string): void;
  topic(room: string, text: string): void;
  disappear(room: string, seconds: number): void;
  moderator(room: string, who: string, on: boolean): void;
  expel(room: string, who: string): void;
  leave(room: string): void;
  accept(room: string): void;
  forget(room: string): void;
  safety(who: string): string;
  verify(who: string, on: boolean): void;
  phrase(): string;
}

/** What pages are told without asking. */
export type Tell =
  | { kind: 'state'; state: State }
  | { kind: 'items'; room: string; items: Item[] }
  | { kind: 'gone'; room: string; places: Place[] }
  | { kind: 'view'; room: string; view: View }
  | { kind: 'waiting'; room: string; waiting: Waiting[] }
  | { kind: 'typing'; room: string; who: Person; stopped: boolean }
  | { kind: 'progress'; room: string; done: number; total: number }
  | { kind: 'invite'; room: string; link: string; expires: number; uses: number }
  /** A room that was never entered is over. */
  | { kind: 'ended'; name: string; why: Told }
  | { kind: 'trouble'; what: 'store' | 'unread' | 'crash' | 'evicted' };

/** Why the worker says no: a name that pages have words for. */
export type Fault =
  | 'link' | 'elsewhere' | 'relay' | 'name' | 'silent' | 'store' | 'gone' | 'profile' | 'damaged' | { told: Told };

export type Request = { to: 'worker'; from: string; number: number; ask: keyof Asks; args: unknown[] };
export type Reply =
  | { to: string; number: number; value: unknown }
  | { to: string; number: number; fault: Fault }
  | { to: '*'; tell: Tell };
