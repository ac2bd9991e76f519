// The smallest whole: a link opens, and a browser and a native member read each other.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { browser, choose, enter, page as open, say, shown } from './chromium.mjs';
import { Native, Relay } from './house.mjs';

let relay, ann, tab;

before(async () => {
  relay = await Relay.start();
  ann = await Native.start(relay, 'ann');
  tab = await browser();
});

after(async () => {
  await tab?.end();
  await ann?.stop();
  await relay?.stop();
});

test('a link opens in a browser, and both sides read each other', async () => {
  const link = await ann.room('team');
  const { page, wrong } = await open(tab.context);
  await enter(page, link, 'bob');
  await ann.until('bob is in', (event) => event.event === 'member_joined' && JSON.stringify(event).includes('bob'));
  await say(page, 'hello from a browser');
  const heard = await ann.said('hello from a browser');
  assert.equal(heard.from.name, 'bob');
  await page.getByRole('status').and(page.getByTitle('WebTransport')).waitFor();
  ann.tell({ cmd: 'send', room: 'team', text: 'hello from a terminal' });
  await shown(page, 'hello from a terminal').waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the secret is gone from the address');
  await page.reload();
  await choose(page, /team/);
  await shown(page, 'hello from a browser').waitFor();
  await say(page, 'after a reload');
  await ann.said('after a reload');
  assert.deepEqual(wrong, []);
});
