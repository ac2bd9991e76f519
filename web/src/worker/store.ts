// What this browser keeps: IndexedDB, and each step of a room in one transaction that is on the disk before anything is sent.

import type { Last, Told } from '../api';
import { add, got, last, unread } from './items';
import type { Stored } from './raw';
import type { RoomRecord } from './record';
import { of, openDatabase } from './schema';

/** Lines whose time is over that go in one transaction. */
const GO_AT_ONCE = 1000;

export interface Account {
  account: Uint8Array;
  entropy: Uint8Array;
  name: string;
  device: string;
}

/** What one step of a room changes. */
export interface Batch {
  record: RoomRecord;
  /** It is entered anew: what an earlier membership left behind goes first. */
  reset: boolean;
  rows: [key: string, value: Uint8Array | undefined][];
  /** New ones; another number for one whose place is taken. */
  items: Stored[];
  spare(): number;
  /** Looks for a stored line by its id, and puts what becomes of it; null where nothing does. */
  acts: { id: string; apply: (line: Stored) => Stored | null }[];
  /** A person has read up to there. */
  seen: number | null;
  /** Nothing of the room stays. */
  forget: boolean;
  /** Why it is over since this step. */
  closed: Told | null;
}

/** What a batch came to. */
export interface Committed {
  record: RoomRecord;
  /** New ones, as they are stored, and lines that became something else. */
  items: Stored[];
  /** The room's last line; undefined where it is as it was. */
  last: Last | null | undefined;
}

export class Store {
  private constructor(private readonly db: IDBDatabase) {}

  static async open(): Promise<Store> {
    return new Store(await openDatabase());
  }

  /** Told when the browser takes the database away. */
  onLost(lost: () => void): void {
    this.db.onclose = lost;
    this.db.onversionchange = () => {
      this.db.close();
      lost();
    };
  }

  close(): void {
    this.db.close();
  }

  async account(): Promise<Account | undefined> {
    return got<Account | undefined>(this.db.transaction('meta').objectStore('meta').get('account'));
  }

  async setAccount(account: Account): Promise<void> {
    await this.write(['meta'], async (write) => got(write.objectStore('meta').put(account, 'account')));
  }

  /** All rooms, with the last line of each. */
  async rooms(): Promise<{ record: RoomRecord; last: Last | null }[]> {
    const read = this.db.transaction(['rooms', 'items']);
    const records = await got<RoomRecord[]>(read.objectStore('rooms').getAll());
    const lasts = await Promise.all(records.map((record) => last(read.objectStore('items'), record.id)));
    return records.map((record, at) => ({ record, last: lasts[at] ?? null }));
  }

  async rows(room: string): Promise<{ keys: string[]; values: Uint8Array[] }> {
    const rows = this.db.transaction('rows').objectStore('rows');
    const [keys, values] = await Promise.all([got(rows.getAllKeys(of(room))), got(rows.getAll(of(room)))]);
    return { keys: keys.map((key) => (key as [string, string])[1]), values: values as Uint8Array[] };
  }

  /** Whose key was verified, and how they were called then. */
  async verified(): Promise<Map<string, string>> {
    const people = this.db.transaction('people').objectStore('people');
    const [keys, names] = await Promise.all([got(people.getAllKeys()), got<string[]>(people.getAll())]);
    return new Map(keys.map((key, at) => [key as string, names[at] ?? '']));
  }

  async setVerified(who: string, name: string | null): Promise<void> {
    await this.write(['people'], async (write) => {
      const people = write.objectStore('people');
      if (name === null) await got(people.delete(who));
      else await got(people.put(name, who));
    });
  }

  /** Nothing of it has happened unless this returns. */
  async commit(batch: Batch): Promise<Committed> {
    return this.write(['rooms', 'rows', 'items'], async (write) => {
      const [rooms, rows, items] = [write.objectStore('rooms'), write.objectStore('rows'), write.objectStore('items')];
      const record = { ...batch.record };
      // The keys of a room that is over, or was another membership's, open nothing any more.
      if (batch.forget || batch.reset || record.over !== null) rows.delete(of(record.id));
      if (batch.forget) {
        items.delete(of(record.id));
        await got(rooms.delete(record.id));
        return { record, items: [], last: null };
      }
      if (record.over === null) {
        for (const [key, value] of batch.rows) {
          if (value) rows.put(value, [record.id, key]);
          else rows.delete([record.id, key]);
        }
      }
      const fresh = await add(items, batch.items, batch.spare);
      const changed: Stored[] = [];
      for (const act of batch.acts) {
        const line = await got<Stored | undefined>(items.index('id').get([record.id, act.id]));
        const became = line && act.apply(line);
        if (!became) continue;
        items.put(became);
        changed.push(became);
      }
      record.unread += fresh.filter((item) => item.counts).length;
      record.loud ||= fresh.some((item) => item.loud);
      if (batch.seen !== null) {
        record.read = Math.max(record.read, batch.seen);
        Object.assign(record, await unread(items, record.id, record.read));
      }
      rooms.put(record);
      const isOther = changed.length > 0 || fresh.some((item) => item.line !== undefined);
      return { record, items: [...fresh, ...changed], last: isOther ? await last(items, record.id) : undefined };
    });
  }

  /** The first line of this room with this id. */
  async line(room: string, id: string): Promise<Stored | undefined> {
    const index = this.db.transaction('items').objectStore('items').index('id');
    return got<Stored | undefined>(index.get([room, id]));
  }

  /** Up to `count` items before or behind a place, in order. */
  async page(room: string, from: [number, number], back: boolean, count: number): Promise<Stored[]> {
    const items = this.db.transaction('items').objectStore('items');
    if (!back) {
      const range = IDBKeyRange.bound([room, ...from], [room, []], true);
      return got<Stored[]>(items.getAll(range, count));
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

  /** Takes away what is over, and says when the next item goes: at once, perhaps. */
  async expire(now: number): Promise<{ gone: Stored[]; lasts: Map<string, Last | null>; next: number | undefined }> {
    return this.write(['items'], async (write) => {
      const items = write.objectStore('items');
      const gone = await got<Stored[]>(items.index('goes').getAll(IDBKeyRange.upperBound(now), GO_AT_ONCE));
      for (const item of gone) items.delete([item.room, item.seq, item.n]);
      const rooms = [...new Set(gone.map((item) => item.room))];
      const lasts = await Promise.all(rooms.map(async (room) => [room, await last(items, room)] as const));
      const first = await got(items.index('goes').openCursor());
      return { gone, lasts: new Map(lasts), next: (first?.value as Stored | undefined)?.goes };
    });
  }

  private async write<T>(stores: string[], work: (write: IDBTransaction) => Promise<T>): Promise<T> {
    const write = this.db.transaction(stores, 'readwrite', { durability: 'strict' });
    const done = new Promise<void>((resolve, reject) => {
      write.oncomplete = () => resolve();
      write.onabort = () => reject(write.error ?? new Error('aborted'));
    });
    // Where the work itself fails, that is what is told.
    done.catch(() => {});
    try {
      const value = await work(write);
      await done;
      return value;
    } catch (error) {
      try {
        write.abort();
      } catch {
        // It has ended by itself.
      }
      throw error;
    }
  }
}
