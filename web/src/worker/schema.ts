// The layout of what this browser keeps, and how an older one becomes the current one.

import type { RoomRecord } from './record';

const NAME = 'schat';

/** 2: no words of people in a room's record; of rooms that are over no keys are kept. */
const VERSION = 2;

export async function openDatabase(): Promise<IDBDatabase> {
  const asked = indexedDB.open(NAME, VERSION);
  asked.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion < 1) create(asked.result);
    else if (oldVersion < 2 && asked.transaction) second(asked.transaction);
  };
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error('store'));
  });
}

function create(db: IDBDatabase): void {
  db.createObjectStore('meta');
  db.createObjectStore('rooms', { keyPath: 'id' });
  db.createObjectStore('rows');
  db.createObjectStore('people');
  const items = db.createObjectStore('items', { keyPath: ['room', 'seq', 'n'] });
  items.createIndex('id', ['room', 'id']);
  items.createIndex('goes', 'goes');
}

/** The last line stood in the record, in words, whatever became of that line. */
function second(upgrade: IDBTransaction): void {
  const rooms = upgrade.objectStore('rooms').openCursor();
  rooms.onsuccess = () => {
    const { result: at } = rooms;
    if (!at) return;
    const { last: _, ...kept } = at.value as RoomRecord & { last?: unknown };
    if (kept.over !== null) upgrade.objectStore('rows').delete(of(kept.id));
    at.update({ ...kept, before: null, alarmed: null });
    at.continue();
  };
}

/** All that has this room in the first place of its key. */
export function of(room: string): IDBKeyRange {
  return IDBKeyRange.bound([room], [room, []]);
}
