// Sleep, kills and other tabs: one engine, and nothing that was stored is lost.

import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { browser, choose, enter, page as open, say, shown } from './chromium.mjs';
import { folder, Native, Relay } from './house.mjs';

let relay, ann;

before(async () => {
  relay = await Relay.start();
  ann = await Native.start(relay, 'ann');
});

after(async () => {
  await ann?.stop();
  await relay?.stop();
});

test('a second tab goes through the first, and takes over when that ends', async () => {
  const tab = await browser();
  const link = await ann.room('tabs');
  const { page: first } = await open(tab.context);
  await enter(first, link, 'bob');
  const { page: second, wrong } = await open(tab.context);
  await second.goto(relay.url);
  await choose(second, /tabs/);
  const asked = () => second.evaluate(() => navigator.locks.query());
  const locks = await asked();
  assert.equal(locks.held.filter((lock) => lock.name === 'schat').length, 1, 'one engine');
  await say(second, 'through the other one');
  await ann.said('through the other one');
  await shown(first, 'through the other one').waitFor();
  await first.close();
  await say(second, 'on my own');
  await ann.said('on my own');
  ann.tell({ cmd: 'send', room: 'tabs', text: 'both of you' });
  await shown(second, 'both of you').waitFor();
  assert.equal((await asked()).held.filter((lock) => lock.name === 'schat').length, 1);
  assert.deepEqual(wrong, []);
  await tab.end();
});

test('a relay that was away is found again, and what was said meanwhile goes out', async () => {
  const tab = await browser();
  const { page } = await open(tab.context);
  await enter(page, await ann.room('away'), 'bob');
  await say(page, 'before');
  await ann.said('before');
  await relay.stop();
  await page.getByText('Connecting').waitFor();
  await say(page, 'into the void');
  await page.getByText('On its way').waitFor();
  await relay.run();
  await ann.said('into the void');
  await page.getByText('On its way').waitFor({ state: 'detached' });
  await tab.end();
});

test('what was acknowledged outlives kills of the browser, and no message comes twice', async () => {
  const kills = Number(process.env.SCHAT_KILLS ?? 4);
  const dir = folder();
  const link = await ann.room('kills');
  const stored = [];
  let number = 0;
  for (let life = 0; life < kills; life += 1) {
    const tab = await browser({ dir });
    const { page } = await open(tab.context);
    if (life === 0) await enter(page, link, 'bob');
    else {
      await page.goto(relay.url);
      await choose(page, /kills/);
      // What a person saw as sent is there.
      for (const text of stored.slice(-5)) await shown(page, text).waitFor();
    }
    for (let said = 0; said < 3; said += 1) {
      const text = `word ${(number += 1)}`;
      await say(page, text);
      await shown(page, text).waitFor();
      stored.push(text);
    }
    // Somewhere between thinking, storing, sending and showing.
    await say(page, `last words ${life}`);
    await kill(tab);
  }
  const tab = await browser({ dir });
  const { page } = await open(tab.context);
  await page.goto(relay.url);
  await choose(page, /kills/);
  await say(page, 'the end');
  await ann.said('the end');
  const heard = ann.lines.seen.filter((event) => event.event === 'message' && event.room === 'kills' && !event.again);
  const texts = heard.map((event) => event.text);
  for (const text of stored) assert.equal(texts.filter((one) => one === text).length, 1, text);
  assert.equal(new Set(texts).size, texts.length, 'nothing came twice');
  assert.deepEqual(ann.lines.seen.filter((event) => event.event === 'alarm'), []);
  await tab.end();
});

/** All of the browser's processes at once. */
async function kill(tab) {
  const { execFileSync } = await import('node:child_process');
  const found = execFileSync('ps', ['-eo', 'pid=,args=']).toString().split('\n').filter((line) => line.includes(tab.dir));
  for (const line of found) {
    try {
      process.kill(Number(line.trim().split(' ')[0]), 'SIGKILL');
    } catch {
      // Ended with its parent.
    }
  }
  await tab.context.close().catch(() => {});
}

test('where nothing can be stored nothing is sent, people are told, and it goes on when there is space', async () => {
  const tab = await browser();
  const { page, wrong } = await open(tab.context);
  await enter(page, await ann.room('full'), 'bob');
  await say(page, 'there is space');
  await ann.said('there is space');
  assert.equal(page.workers().length, 1);
  const [worker] = page.workers();
  await worker.evaluate(() => {
    self.put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
  });
  await say(page, 'there is none');
  await page.getByText('cannot store').or(page.getByText('could not store')).first().waitFor();
  assert.equal(await page.getByLabel(/^Message to/).inputValue(), 'there is none', 'what was typed is back');
  await worker.evaluate(() => (IDBObjectStore.prototype.put = self.put));
  ann.tell({ cmd: 'send', room: 'full', text: 'can you hear me?' });
  await shown(page, 'can you hear me?').waitFor();
  assert.equal(ann.lines.seen.filter((event) => event.text === 'there is none').length, 0);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await ann.said('there is none');
  assert.deepEqual(wrong, []);
  assert.deepEqual(ann.lines.seen.filter((event) => event.event === 'alarm'), []);
  await tab.end();
});

test('a relay that was set back is told, and the room stands still until somebody agrees', async () => {
  const tab = await browser();
  const link = await ann.room('back');
  const { page } = await open(tab.context);
  await enter(page, link, 'bob');
  await say(page, 'kept');
  await ann.said('kept');
  await relay.stop();
  const copy = folder();
  cpSync(relay.dir, copy, { recursive: true });
  await relay.run();
  await say(page, 'lost');
  await ann.said('lost');
  await relay.stop();
  rmSync(relay.dir, { recursive: true });
  cpSync(copy, relay.dir, { recursive: true });
  await relay.run();
  // Not by `relay restore`, so that it is the relay's word against what was read.
  const alarm = page.locator('.note.alarm').first();
  await alarm.waitFor();
  await alarm.getByRole('button', { name: 'Why?' }).click();
  await page.locator('.remedy').waitFor();
  await tab.end();
});

test('without a network the page opens with what it has, and sends when there is one', async () => {
  const tab = await browser();
  const { page } = await open(tab.context);
  await enter(page, await ann.room('offline'), 'bob');
  await say(page, 'before the tunnel');
  await ann.said('before the tunnel');
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await relay.stop();
  await page.reload();
  await choose(page, /offline/);
  await shown(page, 'before the tunnel').waitFor();
  await say(page, 'in the tunnel');
  await page.getByText('On its way').waitFor();
  await relay.run();
  await ann.said('in the tunnel');
  await tab.end();
});
