// Lines and notes of a room within a transaction: what is there is never replaced by something else, and what is gone leaves no words.

import type { Last } from '../api';
import { of } from './schema';
import type { RawLine, Stored } from './raw';

/** So far back a room's last line is looked for. */
const DEPTH = 100;

/** Unread lines that are counted; more are as many for a person. */
export const MOST_UNREAD = 1000;

/**
 * Adds what is not there yet, and returns that as it is stored. A line that is here already stays as it is; one whose place another
 * one has gets a place beside it.
 */
export async function add(items: IDBObjectStore, fresh: Stored[], spare: () => number): Promise<Stored[]> {
  const known = await Promise.all(fresh.map((item) => isKnown(items, item)));
  const handed = new Set<string>();
  const wanted = fresh.filter((item, at) => {
    if (!item.handed || item.id === undefined) return true;
    const isTwice = handed.has(item.id);
    handed.add(item.id);
    return !known[at] && !isTwice;
  });
  const placed = await Promise.all(wanted.map((item) => place(items, item)));
  for (const [at, item] of wanted.entries()) {
    if (placed[at]) continue;
    const there = await got<Stored | undefined>(items.get([item.room, item.seq, item.n]));
    if (item.id !== undefined && there?.id === item.id) continue;
    do item.n = spare();
    while (!(await place(items, item)));
    placed[at] = true;
  }
  return wanted.filter((_, at) => placed[at]);
}

/** What is handed over is not proven: it takes no place of what this browser read itself, nor comes twice. */
async function isKnown(items: IDBObjectStore, item: Stored): Promise<boolean> {
  if (!item.handed) return false;
  return (await got(items.index('id').getKey([item.room, item.id ?? '']))) !== undefined;
}

/** False where something is there already. */
function place(items: IDBObjectStore, item: Stored): Promise<boolean> {
  return new Promise((done, failed) => {
    const asked = items.add(item);
    asked.onsuccess = () => done(true);
    asked.onerror = (event) => {
      if (asked.error?.name !== 'ConstraintError') return failed(asked.error ?? new Error('store'));
      // The transaction goes on.
      event.preventDefault();
      event.stopPropagation();
      done(false);
    };
  });
}

/** The last line that this browser read itself and that nobody took back, as lists show it. */
export async function last(items: IDBObjectStore, room: string): Promise<Last | null> {
  const cursor = items.openCursor(of(room), 'prev');
  return new Promise((found, failed) => {
    let looked = 0;
    cursor.onerror = () => failed(cursor.error ?? new Error('store'));
    cursor.onsuccess = () => {
      const at = cursor.result;
      if (!at || (looked += 1) > DEPTH) return found(null);
      const { line, handed } = at.value as Stored;
      const read = line === undefined || handed ? undefined : (JSON.parse(line) as RawLine);
      if (!read || read.deleted || read.handed_by !== null) return at.continue();
      const { from, text, at: time } = read.message;
      found({ from: from.name, text: text.slice(0, 120), at: time });
    };
  });
}

/** What stands behind the place up to which a person has read. */
export async function unread(items: IDBObjectStore, room: string, read: number): Promise<{ unread: number; loud: boolean }> {
  const range = IDBKeyRange.bound([room, read, Infinity], [room, []], true);
  const behind = await got<Stored[]>(items.getAll(range, MOST_UNREAD));
  return { unread: behind.filter((item) => item.counts).length, loud: behind.some((item) => item.loud) };
}

export function got<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error('store'));
  });
}
