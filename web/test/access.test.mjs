// For everybody: no violation that axe knows, on any screen, and the keyboard alone is enough.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { browser, enter, page as open, say, shown } from './chromium.mjs';
import { Native, Relay } from './house.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let relay, ann, tab, page, link;

before(async () => {
  relay = await Relay.start();
  ann = await Native.start(relay, 'ann');
  link = await ann.room('team');
  tab = await browser();
  ({ page } = await open(tab.context));
});

after(async () => {
  await tab?.end();
  await ann?.stop();
  await relay?.stop();
});

async function violations(where) {
  const found = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document));
    for (const one of violations) found.push(`${where}, ${colorScheme}: ${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
  }
  return found;
}

test('axe finds nothing on any screen', async () => {
  const found = [];
  await page.goto(relay.url);
  await page.getByLabel('Your name').waitFor();
  found.push(...(await violations('begin')));
  await page.goto('about:blank');
  await page.goto(link);
  await page.getByLabel('Your name').waitFor();
  found.push(...(await violations('link')));
  await enter(page, link, 'bob');
  await say(page, 'hello');
  const hello = await ann.said('hello');
  ann.tell({ cmd: 'send', room: 'team', text: 'see https://example.org', reply_to: hello.id });
  ann.tell({ cmd: 'react', room: 'team', target: hello.id, emoji: '👍' });
  await shown(page, 'see https://example.org').waitFor().catch(() => {});
  await page.getByRole('article').first().hover();
  await page.getByRole('button', { name: 'Actions' }).first().click();
  found.push(...(await violations('chat')));
  for (const name of ['Members', 'Invite', 'Settings']) {
    await page.getByRole('button', { name, exact: true }).first().click();
    const sheet = page.getByRole('dialog');
    if (name === 'Members') await sheet.getByRole('button', { name: /ann/ }).click();
    if (name === 'Invite') await page.locator('.invite-link').waitFor();
    found.push(...(await violations(name)));
    await sheet.getByRole('button', { name: 'Close' }).click();
  }
  assert.deepEqual(found, []);
});

test('the keyboard alone opens a room, says something and answers', async () => {
  await page.reload();
  const room = page.getByRole('navigation').getByRole('button', { name: /team/ });
  await room.waitFor();
  const at = () => page.evaluate(() => document.activeElement?.className ?? '');
  for (let steps = 0; steps < 20 && (await at()) !== 'room'; steps += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const box = page.getByLabel(/^Message to/);
  await box.waitFor();
  for (let steps = 0; steps < 60 && !(await box.evaluate((one) => one === document.activeElement)); steps += 1) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.type('by hand');
  await page.keyboard.press('Enter');
  await ann.said('by hand');
});
