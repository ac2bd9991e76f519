// What this browser keeps: IndexedDB, and each step of a room in one transaction that is on the disk before anything is sent.

import type { Told } from '../api';
import type { Stored } from './raw';

const NAME = 'schat';
const VERSION = 1;

export interface RoomRecord {
  id: string;
  name: string;
  /** The whole pin of the relay's authority, in hexadecimal digits; null where public authorities vouch for it. */
  pin: string | null;
  joined: boolean;
  over: Told | null;
  /** Up to where a person has read. */
  read: number;
  unread: number;
  last: { from: string; text: string; at: number } | null;
  loud: boolean;
  /** When it was entered: the order of the list, until something is said. */
  since: number;
}

export interface Account {
  account: Uint8Array;
  entropy: Uint8Array;
  name: string;
  device: string;
}

/** What one step of a room changes. */
export interface Batch {
  record: RoomRecord;
  rows: [key: string, value: Uint8Array | undefined][];
  items: Stored[];
  /** Looks for a stored line by its id, and puts what becomes of it; null where nothing does. */
  acts: { id: string; apply: (line: Stored) => Stored | null }[];
  /** Nothing of the room stays. */
  forget: boolean;
}

export class Store {
  private constructor(private readonly db: IDBDatabase) {}

  static async open(): Promise<Store> {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      const db = asked.result;
      db.createObjectStore('meta');
      db.createObjectStore('rooms', { keyPath: 'id' });
      db.createObjectStore('rows');
      db.createObjectStore('people');
      const items = db.createObjectStore('items', { keyPath: ['room', 'seq', 'n'] });
      items.createIndex('id', ['room', 'id']);
      items.createIndex('goes', 'goes');
    };
    return new Store(await result(asked));
  }

  /** Told when the browser takes the database away. */
  onLost(lost: () => void): void {
    this.db.onclose = lost;
    this.db.onversionchange = () => {
      this.db.close();
      lost();
    };
  }

  async account(): Promise<Account | undefined> {
    return result<Account | undefined>(this.db.transaction('meta').objectStore('meta').get('account'));
  }

  async setAccount(account: Account): Promise<void> {
    await this.write(['meta'], (write) => write.objectStore('meta').put(account, 'account'));
  }

  async rooms(): Promise<RoomRecord[]> {
    return result<RoomRecord[]>(this.db.transaction('rooms').objectStore('rooms').getAll());
  }

  async setRoom(record: RoomRecord): Promise<void> {
    await this.write(['rooms'], (write) => write.objectStore('rooms').put(record));
  }

  async rows(room: string): Promise<{ keys: string[]; values: Uint8Array[] }> {
    const rows = this.db.transaction('rows').objectStore('rows');
    const [keys, values] = await Promise.all([result(rows.getAllKeys(of(room))), result(rows.getAll(of(room)))]);
    return { keys: keys.map((key) => (key as [string, string])[1]), values: values as Uint8Array[] };
  }

  /** Whose key was verified, and how they were called then. */
  async verified(): Promise<Map<string, string>> {
    const people = this.db.transaction('people').objectStore('people');
    const [keys, names] = await Promise.all([result(people.getAllKeys()), result<string[]>(people.getAll())]);
    return new Map(keys.map((key, at) => [key as string, names[at] ?? '']));
  }

  async setVerified(who: string, name: string | null): Promise<void> {
    await this.write(['people'], (write) => {
      const people = write.objectStore('people');
      if (name === null) people.delete(who);
      else people.put(name, who);
    });
  }

  /** Nothing of it has happened unless this returns. */
  async commit(batch: Batch): Promise<Stored[]> {
    const changed: Stored[] = [];
    const { record } = batch;
    await this.write(['rooms', 'rows', 'items'], (write) => {
      const [rooms, rows, items] = [write.objectStore('rooms'), write.objectStore('rows'), write.objectStore('items')];
      if (batch.forget) {
        rooms.delete(record.id);
        rows.delete(of(record.id));
        items.delete(of(record.id));
        return;
      }
      rooms.put(record);
      for (const [key, value] of batch.rows) {
        if (value) rows.put(value, [record.id, key]);
        else rows.delete([record.id, key]);
      }
      for (const item of batch.items) items.put(item);
      const next = (at: number): void => {
        const act = batch.acts[at];
        if (!act) return;
        const found = items.index('id').get([record.id, act.id]);
        found.onsuccess = () => {
          const line = found.result as Stored | undefined;
          const became = line && act.apply(line);
          if (became) {
            items.put(became);
            changed.push(became);
          }
          next(at + 1);
        };
      };
      next(0);
    });
    return changed;
  }

  /** The first lines of this room with this id. */
  async line(room: string, id: string): Promise<Stored | undefined> {
    const index = this.db.transaction('items').objectStore('items').index('id');
    return result<Stored | undefined>(index.get([room, id]));
  }

  /** Up to `count` items before or behind a place, in order. */
  async page(room: string, from: [number, number], back: boolean, count: number): Promise<Stored[]> {
    const items = this.db.transaction('items').objectStore('items');
    if (!back) {
      const range = IDBKeyRange.bound([room, ...from], [room, []], true);
      return result<Stored[]>(items.getAll(range, count));
    }
    const range = IDBKeyRange.bound([room], [room, ...from], false, true);
    const found: Stored[] = [];
    const cursor = items.openCursor(range, 'prev');
    await new Promise<void>((resolve, reject) => {
      cursor.onerror = () => reject(cursor.error ?? new Error('store'));
      cursor.onsuccess = () => {
        if (!cursor.result || found.length >= count) return resolve();
        found.push(cursor.result.value as Stored);
        cursor.result.continue();
      };
    });
    return found.reverse();
  }

  /** Takes away what is over, and says when the next item goes. */
  async expire(now: number): Promise<{ gone: Stored[]; next: number | undefined }> {
    const index = this.db.transaction('items').objectStore('items').index('goes');
    const gone = await result<Stored[]>(index.getAll(IDBKeyRange.upperBound(now), 1000));
    if (gone.length > 0) {
      await this.write(['items'], (write) => {
        for (const item of gone) write.objectStore('items').delete([item.room, item.seq, item.n]);
      });
    }
    const after = this.db.transaction('items').objectStore('items').index('goes');
    const first = await result(after.openCursor(IDBKeyRange.lowerBound(now, true)));
    return { gone, next: (first?.value as Stored | undefined)?.goes };
  }

  private write(stores: string[], work: (write: IDBTransaction) => unknown): Promise<void> {
    const write = this.db.transaction(stores, 'readwrite', { durability: 'strict' });
    const done = new Promise<void>((resolve, reject) => {
      write.oncomplete = () => resolve();
      write.onabort = () => reject(write.error ?? new Error('aborted'));
    });
    try {
      work(write);
    } catch (error) {
      // Told by what is thrown.
      done.catch(() => {});
      write.abort();
      throw error;
    }
    return done;
  }
}

/** All that has this room in the first place of its key. */
function of(room: string): IDBKeyRange {
  return IDBKeyRange.bound([room], [room, []]);
}

function result<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error('store'));
  });
}
