// Every screen as a picture, to be looked at: `node test/shots.mjs [FOLDER]`.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { browser, choose, enter, page as open, say, shown } from './chromium.mjs';
import { Native, Relay } from './house.mjs';

const out = process.argv[2] ?? join(import.meta.dirname, '..', 'shots');
mkdirSync(out, { recursive: true });

const relay = await Relay.start();
const ann = await Native.start(relay, 'Ann');
const link = await ann.room('Garden & Küche');
const tab = await browser();
const { page } = await open(tab.context);

const views = [
  ['desktop', { width: 1280, height: 800 }],
  ['phone', { width: 360, height: 740 }],
];

async function shoot(name) {
  for (const [size, viewport] of views) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: join(out, `${name}-${size}-${colorScheme}.png`) });
    }
  }
  await page.setViewportSize(views[0][1]);
}

await page.goto(relay.url);
await page.getByLabel('Your name').waitFor();
await shoot('begin');
await page.goto(link);
await page.getByRole('button', { name: 'Join', exact: true }).waitFor();
await page.getByLabel('Your name').fill('Bob');
await shoot('link');
await page.goto('about:blank');
await enter(page, link, 'Bob');
const told = (text, more = {}) => ann.tell({ cmd: 'send', room: 'Garden & Küche', text, ...more });
told('Hello Bob! The tomatoes are coming up.', { id: 'a' });
const first = await ann.said('Hello Bob! The tomatoes are coming up.');
await shown(page, 'Hello Bob! The tomatoes are coming up.').waitFor();
await say(page, 'Already? I only put them in last week …');
await ann.said('Already? I only put them in last week …');
told('It was warm. See https://example.org/tomatoes/how-to-grow-them-without-a-greenhouse-in-the-north, there is more.', { reply_to: first.id });
ann.tell({ cmd: 'react', room: 'Garden & Küche', target: first.id, emoji: '🍅' });
const cid = await Native.start(relay, 'صديق');
await cid.ask({ cmd: 'join', link: await ann.invite('Garden & Küche') }, 'joined');
cid.tell({ cmd: 'send', room: 'Garden & Küche', text: 'مرحبا بالجميع، كيف حال الحديقة اليوم؟' });
await cid.said('مرحبا بالجميع، كيف حال الحديقة اليوم؟');
await say(page, 'Welcome!\nTwo lines,\nand a very long word: ' + 'tomato'.repeat(20));
await page.getByText('tomatotomato').first().waitFor();
ann.tell({ cmd: 'topic', room: 'Garden & Küche', text: 'What grows, and who waters it' });
ann.tell({ cmd: 'typing', room: 'Garden & Küche' });
await page.getByText('Ann is typing').waitFor();
await shoot('chat');
await page.setViewportSize(views[1][1]);
const line = page.getByRole('article').filter({ hasText: 'Hello Bob' }).first();
await line.getByRole('button', { name: 'Actions' }).click();
await shoot('actions');
await line.getByRole('button', { name: 'Reply' }).click();
await shoot('reply');
await page.getByRole('button', { name: 'Cancel' }).click();
await page.getByRole('button', { name: 'Members', exact: true }).click();
await page.getByRole('dialog').getByRole('button', { name: /Ann/ }).click();
await page.getByRole('dialog').locator('.digits span').nth(11).waitFor();
await shoot('members');
await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
await page.getByRole('button', { name: 'Invite' }).click();
await page.locator('.invite-link').waitFor();
await shoot('invite');
await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
await page.getByRole('main').getByRole('button', { name: /Garden/ }).click();
await shoot('room');
await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
await page.getByRole('button', { name: 'Settings' }).click();
await shoot('settings');
await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
await page.setViewportSize(views[1][1]);
await page.getByRole('button', { name: 'Back to the rooms' }).click();
await page.getByRole('navigation').waitFor();
await shoot('rooms');
await tab.end();
await Promise.all([ann.stop(), cid.stop()]);
await relay.stop();
