// The store alone, in a real database: what is there is never lost or replaced, and what goes leaves nothing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { browser } from './chromium.mjs';
import { source } from './parts.mjs';

const HOME = 'https://store.example';
const ROOM = 'aa'.repeat(32);

let tab, page;

before(async () => {
  tab = await browser();
  const code = await source('worker/store.ts');
  await tab.context.route(`${HOME}/**`, (route) =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: code })
      : route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  page = await tab.context.newPage();
  await page.goto(HOME);
});

after(async () => tab?.end());

/** Runs `work` with a store that nothing is in, in the page. */
async function on(work, ...given) {
  await page.evaluate(async (room) => {
    const { Store } = await import('/store.js');
    globalThis.store?.close();
    await new Promise((done, failed) => {
      const gone = indexedDB.deleteDatabase('schat');
      gone.onsuccess = done;
      gone.onerror = gone.onblocked = failed;
    });
    globalThis.store = await Store.open();
    let n = 1000;
    globalThis.record = {
      id: room, name: 'team', pin: null, joined: true, over: null, read: 0, unread: 0, loud: false, since: 1, before: null, alarmed: null,
    };
    globalThis.batch = (parts) => ({
      record, reset: false, rows: [], items: [], spare: () => (n += 1), acts: [], seen: null, forget: false, closed: null, ...parts,
    });
    globalThis.line = (seq, id, text, more = {}) => {
      const message = { seq, id: [], at: seq, from: { name: 'ann', fingerprint: [] }, text, mine: false };
      const raw = { message, edited: null, deleted: false, reactions: [], handed_by: more.handed ? message.from : null };
      return { room, seq, n: 0, id, at: seq, line: JSON.stringify(raw), ...(more.handed ? {} : { counts: true }), ...more };
    };
    globalThis.texts = async () => {
      const items = await store.page(room, [Infinity, Infinity], true, 1000);
      return items.map(({ line, note }) => (line ? JSON.parse(line).message.text : note));
    };
    globalThis.taken = { id: 'a', apply: (one) => ({ ...one, line: JSON.stringify({ ...JSON.parse(one.line), deleted: true, message: { ...JSON.parse(one.line).message, text: '' } }) }) };
    /** Everything that is in the database, as text. */
    globalThis.dump = async () => {
      const db = await new Promise((done) => (indexedDB.open('schat').onsuccess = ({ target }) => done(target.result)));
      const read = db.transaction([...db.objectStoreNames]);
      const all = [...db.objectStoreNames].map((name) => new Promise((done) => (read.objectStore(name).getAll().onsuccess = ({ target }) => done(target.result))));
      const text = JSON.stringify(await Promise.all(all));
      db.close();
      return text;
    };
  }, ROOM);
  return page.evaluate(work, ...given);
}

test('a room that is entered anew has none of the rows of before', async () => {
  const keys = await on(async () => {
    await store.commit(batch({ rows: [['old', new Uint8Array([1])], ['both', new Uint8Array([1])]] }));
    await store.commit(batch({ reset: true, rows: [['both', new Uint8Array([2])]] }));
    const { keys, values } = await store.rows(record.id);
    return [keys, values.map((value) => [...value])];
  });
  assert.deepEqual(keys, [['both'], [[2]]]);
});

test('of a room that is over no keys stay', async () => {
  const left = await on(async () => {
    await store.commit(batch({ rows: [['group', new Uint8Array([1])]] }));
    await store.commit(batch({ record: { ...record, over: { Removed: { by: 'ann' } } }, rows: [['meta', new Uint8Array([1])]] }));
    return (await store.rows(record.id)).keys;
  });
  assert.deepEqual(left, []);
});

test('a line takes the place of no other one, and none comes twice', async () => {
  const [all, added] = await on(async () => {
    await store.commit(batch({ items: [line(5, 'a', 'first')] }));
    const { items } = await store.commit(batch({ items: [line(5, 'b', 'second'), line(5, 'a', 'first again')] }));
    return [await texts(), items.map(({ id, n }) => [id, n])];
  });
  assert.deepEqual(all, ['first', 'second']);
  assert.deepEqual(added, [['b', 1001]]);
});

test('a line that is handed over takes nothing from one that was read here, and comes once', async () => {
  const all = await on(async () => {
    await store.commit(batch({ items: [line(5, 'a', 'read')] }));
    const handed = { handed: true };
    await store.commit(batch({ items: [line(3, 'a', 'forged', handed), line(4, 'b', 'before', handed), line(2, 'b', 'twice', handed)] }));
    await store.commit(batch({ items: [line(1, 'b', 'again', handed)] }));
    return texts();
  });
  assert.deepEqual(all, ['before', 'read']);
});

test('notes of one moment all stay', async () => {
  const all = await on(async () => {
    const note = (text) => ({ room: record.id, seq: 5, n: 7, at: 1, note: text });
    await store.commit(batch({ items: [note('one')] }));
    await store.commit(batch({ items: [note('other')] }));
    return texts();
  });
  assert.deepEqual(all, ['one', 'other']);
});

test('a line that was taken back leaves no words, and lists show the one before', async () => {
  const [first, then, all] = await on(async () => {
    const { last } = await store.commit(batch({ items: [line(1, 'z', 'before'), line(2, 'a', 'a secret')] }));
    const done = await store.commit(batch({ acts: [taken] }));
    return [last.text, done.last.text, await dump()];
  });
  assert.deepEqual([first, then], ['a secret', 'before']);
  assert.ok(!all.includes('a secret'), all);
});

test('a line whose time is over leaves no words', async () => {
  const [last, next, all] = await on(async () => {
    await store.commit(batch({ items: [line(1, 'z', 'stays'), line(2, 'a', 'a secret', { goes: 100 }), line(3, 'b', 'later', { goes: 300 })] }));
    const { lasts, next } = await store.expire(200);
    return [lasts.get(record.id).text, next, await dump()];
  });
  assert.deepEqual([last, next], ['later', 300]);
  assert.ok(!all.includes('a secret'), all);
});

test('all lines whose time is over go, however many they are', async () => {
  const left = await on(async () => {
    const many = Array.from({ length: 1500 }, (_, at) => line(at + 1, `${at}`, 'x', { goes: 100 }));
    await store.commit(batch({ items: many }));
    for (let next = 0, turns = 0; next !== undefined && next <= 200 && turns < 10; turns += 1) ({ next } = await store.expire(200));
    return (await texts()).length;
  });
  assert.equal(left, 0);
});

test('what a person has seen counts as read, what came behind it does not', async () => {
  const records = await on(async () => {
    const one = await store.commit(batch({ items: [line(1, 'a', 'x'), line(2, 'b', 'y')] }));
    const two = await store.commit(batch({ record: one.record, seen: 2, items: [line(3, 'c', 'z')] }));
    const loud = { room: record.id, seq: 4, n: 1, at: 1, note: '"x"', loud: true };
    const three = await store.commit(batch({ record: two.record, items: [loud] }));
    const four = await store.commit(batch({ record: three.record, seen: 4 }));
    return [one, two, three, four].map(({ record }) => [record.read, record.unread, record.loud]);
  });
  assert.deepEqual(records, [[0, 2, false], [2, 1, false], [2, 1, true], [4, 0, false]]);
});

test('where a part cannot be stored, nothing of it is', async () => {
  const [failed, all, keys] = await on(async () => {
    await store.commit(batch({ items: [line(1, 'a', 'kept')] }));
    const broken = { id: 'a', apply: () => { throw new Error('broken'); } };
    const failed = await store.commit(batch({ rows: [['k', new Uint8Array(1)]], items: [line(2, 'b', 'half')], acts: [broken] })).then(() => false, () => true);
    return [failed, await texts(), (await store.rows(record.id)).keys];
  });
  assert.deepEqual([failed, all, keys], [true, ['kept'], []]);
});

test('a store of the first version loses its previews, and the keys of rooms that are over', async () => {
  const all = await page.evaluate(async () => {
    store.close();
    await new Promise((done) => (indexedDB.deleteDatabase('schat').onsuccess = done));
    await new Promise((done) => {
      const asked = indexedDB.open('schat', 1);
      asked.onupgradeneeded = () => {
        const db = asked.result;
        for (const name of ['meta', 'rows', 'people']) db.createObjectStore(name);
        db.createObjectStore('rooms', { keyPath: 'id' });
        const items = db.createObjectStore('items', { keyPath: ['room', 'seq', 'n'] });
        items.createIndex('id', ['room', 'id']);
        items.createIndex('goes', 'goes');
        const { transaction } = asked;
        const old = { name: 'x', pin: null, joined: true, read: 0, unread: 0, loud: false, since: 1, last: { from: 'ann', text: 'a secret', at: 1 } };
        transaction.objectStore('rooms').put({ ...old, id: 'here', over: null });
        transaction.objectStore('rooms').put({ ...old, id: 'over', over: 'Superseded' });
        transaction.objectStore('rows').put('key of here', ['here', 'k']);
        transaction.objectStore('rows').put('key of over', ['over', 'k']);
      };
      asked.onsuccess = () => {
        asked.result.close();
        done();
      };
    });
    const { Store } = await import('/store.js');
    globalThis.store = await Store.open();
    return dump();
  });
  assert.ok(all.includes('key of here') && !all.includes('key of over') && !all.includes('a secret'), all);
});
