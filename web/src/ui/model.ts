// What the page shows, as signals.

import { batch, computed, signal } from '@preact/signals';

import type { Fault, Invitation, Item, Line, Opened, Person, Place, State, Tell, View, Waiting } from '../api';
import { Client, Refused } from '../client';
import { words } from '../words';

/** Rows in the page at most: one more costs the same whether a room has ten lines or ten thousand. */
const WINDOW = 180;

/** How long somebody counts as typing after the last word of it, in milliseconds. */
const TYPING = 6_000;

export type Sheet = 'members' | 'invite' | 'settings' | 'room' | null;

export const state = signal<State | null>(null);
export const current = signal<string | null>(null);
export const view = signal<View | null>(null);
export const items = signal<Item[]>([]);
export const hasBefore = signal(false);
export const atEnd = signal(true);
export const waiting = signal<Waiting[]>([]);
export const typing = signal<Map<string, { who: Person; until: number }>>(new Map());
export const progress = signal<{ done: number; total: number } | null>(null);
export const replyTo = signal<Line | null>(null);
export const editing = signal<Line | null>(null);
export const invite = signal<{ link: string; expires: number; uses: number } | null>(null);
export const sheet = signal<Sheet>(null);
export const why = signal<Item | null>(null);
export const verifying = signal<string | null>(null);
/** A link that was opened: where it leads, and whether that was asked yet. */
export const link = signal<{ text: string; invitation: Invitation | null; fault: Fault | null; busy: boolean } | null>(null);
export const toast = signal<{ text: string; loud: boolean } | null>(null);
export const isUnseen = signal(false);
export const isFocused = signal(document.visibilityState === 'visible');

export const info = computed(() => state.value?.rooms.find((room) => room.id === current.value) ?? null);
export const me = computed(() => state.value?.profile ?? null);

export const client = new Client(heard);

document.addEventListener('visibilitychange', () => (isFocused.value = document.visibilityState === 'visible'));

/** Asks, and says what went wrong where something did. */
export async function act(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    const fault = error instanceof Refused ? error.fault : 'damaged';
    say(words.value.fault(fault), true);
    return false;
  }
}

export function say(text: string, loud = false): void {
  const shown = { text, loud };
  toast.value = shown;
  setTimeout(() => {
    if (toast.value === shown) toast.value = null;
  }, loud ? 8_000 : 3_000);
}

export async function begin(text: string | null): Promise<void> {
  if (text !== null) void follow(text);
  // Without an answer there is no state yet: the worker tells it when it has one.
  state.value = await client.call('hello').catch(() => state.value);
}

/** Reads where a link leads. */
export async function follow(text: string): Promise<void> {
  link.value = { text, invitation: null, fault: null, busy: true };
  try {
    const invitation = await client.call('peek', text);
    if (link.value?.text === text) link.value = { text, invitation, fault: null, busy: false };
  } catch (error) {
    const fault = error instanceof Refused ? error.fault : 'damaged';
    if (link.value?.text === text) link.value = { text, invitation: null, fault, busy: false };
  }
}

/** Enters by the link that was read. */
export async function enter(name: string): Promise<void> {
  const { value } = link;
  if (!value) return;
  link.value = { ...value, busy: true, fault: null };
  try {
    if (!me.value) state.value = await client.call('setUp', name);
    // Asked now that somebody uses it: browsers ask people, or look at how a page is used.
    void navigator.storage?.persist?.().catch(() => {});
    const room = await client.call('join', value.text);
    link.value = null;
    await open(room);
  } catch (error) {
    link.value = { ...value, busy: false, fault: error instanceof Refused ? error.fault : 'damaged' };
  }
}

export async function open(room: string | null): Promise<void> {
  batch(() => {
    current.value = room;
    view.value = null;
    items.value = [];
    waiting.value = [];
    hasBefore.value = false;
    atEnd.value = true;
    isUnseen.value = false;
    typing.value = new Map();
    progress.value = null;
    replyTo.value = null;
    editing.value = null;
    invite.value = null;
    sheet.value = null;
  });
  if (room === null) return;
  const opened = await client.call('open', room).catch(() => null);
  if (current.value === room && opened) take(opened);
}

function take(opened: Opened): void {
  batch(() => {
    view.value = opened.view;
    // What came in the meantime stays.
    items.value = merged(opened.items, items.value);
    hasBefore.value = opened.before;
    waiting.value = opened.waiting;
  });
}

/** More of what was said before, or after, what is shown. */
export async function more(back: boolean): Promise<void> {
  const room = current.value;
  const edge = back ? items.value[0] : items.value.at(-1);
  if (room === null || !edge) return;
  const page = await client.call('page', room, edge.place, back).catch(() => null);
  if (current.value !== room || !page) return;
  batch(() => {
    const all = merged(items.value, page.items);
    if (back) {
      hasBefore.value = page.more;
      if (all.length > WINDOW) atEnd.value = false;
      items.value = all.slice(0, WINDOW);
    } else {
      atEnd.value = !page.more;
      if (all.length > WINDOW) hasBefore.value = true;
      items.value = all.slice(-WINDOW);
    }
  });
}

/** Back to what was said last. */
export async function toEnd(): Promise<void> {
  const room = current.value;
  if (room === null) return;
  const opened = await client.call('open', room).catch(() => null);
  if (current.value !== room || !opened) return;
  batch(() => {
    items.value = [];
    atEnd.value = true;
    isUnseen.value = false;
    take(opened);
  });
}

function heard(tell: Tell): void {
  if (tell.kind === 'state') {
    const was = state.value;
    state.value = tell.state;
    // A room that is here no more is shown no more.
    if (was && current.value !== null && !tell.state.rooms.some((room) => room.id === current.value)) void open(null);
    return;
  }
  if (tell.kind === 'trouble') return say(words.value.trouble[tell.what], true);
  if (tell.kind === 'ended') return say(`${tell.name}: ${words.value.told({ Closed: tell.why }).text}`, true);
  if (tell.room !== current.value) return;
  switch (tell.kind) {
    case 'items':
      return came(tell.items);
    case 'gone': {
      const gone = new Set(tell.places.map(keyOf));
      items.value = items.value.filter((item) => !gone.has(keyOf(item.place)));
      return;
    }
    case 'view':
      view.value = tell.view;
      progress.value = null;
      return;
    case 'waiting':
      waiting.value = tell.waiting;
      return;
    case 'typing': {
      const next = new Map(typing.value);
      if (tell.stopped) next.delete(tell.who.id);
      else next.set(tell.who.id, { who: tell.who, until: Date.now() + TYPING });
      typing.value = next;
      setTimeout(untype, TYPING + 100);
      return;
    }
    case 'progress':
      progress.value = tell.done < tell.total ? tell : null;
      return;
    case 'invite':
      invite.value = tell;
      return;
  }
}

function untype(): void {
  const now = Date.now();
  const left = [...typing.value].filter(([, { until }]) => until > now);
  if (left.length < typing.value.size) typing.value = new Map(left);
}

function came(fresh: Item[]): void {
  const said = new Set(fresh.flatMap((item) => (item.kind === 'line' ? [item.from.id] : [])));
  if ([...said].some((who) => typing.value.has(who))) {
    typing.value = new Map([...typing.value].filter(([who]) => !said.has(who)));
  }
  const last = items.value.at(-1);
  const known = new Set(items.value.map((item) => keyOf(item.place)));
  const shown = atEnd.value
    ? fresh
    : fresh.filter((item) => known.has(keyOf(item.place)) || (last && order(item.place, last.place) < 0));
  if (shown.length < fresh.length) isUnseen.value = true;
  const all = merged(items.value, shown);
  if (all.length > WINDOW) hasBefore.value = true;
  items.value = atEnd.value ? all.slice(-WINDOW) : all;
}

/** Both in order, once each; of two in one place the second counts. */
function merged(one: Item[], other: Item[]): Item[] {
  const all = new Map<string, Item>();
  for (const item of [...one, ...other]) all.set(keyOf(item.place), item);
  return [...all.values()].sort((a, b) => order(a.place, b.place));
}

export function keyOf([seq, n]: Place): string {
  return `${seq}.${n}`;
}

function order(one: Place, other: Place): number {
  return one[0] - other[0] || one[1] - other[1];
}
