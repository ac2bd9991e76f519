// What people do in a room, between a browser and a native member.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { browser, choose, enter, page as open, say, shown } from './chromium.mjs';
import { Native, Relay } from './house.mjs';

let relay, ann, tab, page, wrong;

before(async () => {
  relay = await Relay.start();
  ann = await Native.start(relay, 'ann');
  tab = await browser();
  ({ page, wrong } = await open(tab.context));
  await enter(page, await ann.room('team'), 'bob');
});

after(async () => {
  await tab?.end();
  await ann?.stop();
  await relay?.stop();
});

/** The actions of a line. */
async function act(text, action) {
  const line = page.getByRole('article').filter({ hasText: text }).first();
  await line.hover();
  await line.getByRole('button', { name: 'Actions' }).click();
  await line.getByRole('button', { name: action, exact: true }).click();
}

test('a reply names what it answers, on both sides', async () => {
  ann.tell({ cmd: 'send', room: 'team', text: 'shall we?', id: 'q' });
  const asked = await ann.said('shall we?');
  await shown(page, 'shall we?').waitFor();
  await act('shall we?', 'Reply');
  await say(page, 'yes, let us');
  const answer = await ann.said('yes, let us');
  assert.equal(answer.reply_to, asked.id);
  await page.locator('blockquote', { hasText: 'shall we?' }).waitFor();
  ann.tell({ cmd: 'send', room: 'team', text: 'good', reply_to: answer.id });
  await page.locator('blockquote', { hasText: 'yes, let us' }).waitFor();
});

test('a line is edited and taken back by its author, on both sides', async () => {
  await say(page, 'teh first');
  const first = await ann.said('teh first');
  await act('teh first', 'Edit');
  await page.getByLabel(/^Message to/).fill('the first');
  await page.getByRole('button', { name: 'Save' }).click();
  const edited = await ann.until('the edit', (event) => event.event === 'edited' && event.id === first.id);
  assert.equal(edited.text, 'the first');
  await page.getByText('(edited)').waitFor();
  await act('the first', 'Delete');
  await ann.until('the end of it', (event) => event.event === 'deleted' && event.id === first.id);
  ann.tell({ cmd: 'send', room: 'team', text: 'mine', id: 'm' });
  const mine = await ann.said('mine');
  ann.tell({ cmd: 'edit', room: 'team', target: mine.id, text: 'mine, better' });
  await page.getByText('mine, better').first().waitFor();
});

test('reactions come and go on both sides', async () => {
  await say(page, 'a joke');
  const joke = await ann.said('a joke');
  ann.tell({ cmd: 'react', room: 'team', target: joke.id, emoji: '😂' });
  const reaction = page.getByRole('article').filter({ hasText: 'a joke' }).getByRole('button', { name: /😂/ });
  await reaction.waitFor();
  assert.equal(await reaction.getAttribute('aria-pressed'), 'false');
  await reaction.click();
  await ann.until('the reaction', (event) => event.event === 'reaction' && event.from.name === 'bob' && !event.withdrawn);
  await page.locator('[aria-pressed="true"]', { hasText: '😂' }).click();
  await ann.until('its end', (event) => event.event === 'reaction' && event.from.name === 'bob' && event.withdrawn);
});

test('who types is seen', async () => {
  ann.tell({ cmd: 'typing', room: 'team' });
  await page.getByText('ann is typing').waitFor();
  await page.getByLabel(/^Message to/).pressSequentially('hm');
  await ann.until('typing', (event) => event.event === 'typing' && event.from.name === 'bob');
  await page.getByLabel(/^Message to/).fill('');
});

test('the safety number is the same on both sides, and a mark stays', async () => {
  const { members } = await ann.ask({ cmd: 'members', room: 'team' }, 'members');
  const bob = members.find((member) => member.name === 'bob');
  const { digits } = await ann.ask({ cmd: 'verify', room: 'team', member: bob.fingerprint }, 'safety');
  await page.getByRole('button', { name: 'Members', exact: true }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('button', { name: /ann/ }).click();
  await sheet.locator('.digits span').nth(11).waitFor();
  const seen = await sheet.locator('.digits span').allTextContents();
  assert.equal(seen.join(' '), digits);
  await sheet.getByRole('button', { name: 'They are the same' }).click();
  await sheet.getByText('✓ verified').waitFor();
  await sheet.getByRole('button', { name: 'Close' }).click();
  await page.reload();
  await choose(page, /team/);
  await page.getByRole('button', { name: 'Members', exact: true }).click();
  await page.getByRole('dialog').getByText('✓ verified').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
});

test('a link that a browser makes lets a native member in', async () => {
  await page.getByRole('button', { name: 'Invite' }).click();
  const link = await page.locator('.invite-link').textContent();
  assert.match(link, /^https:\/\/localhost:\d+\/#/);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  const cid = await Native.start(relay, 'cid');
  await cid.ask({ cmd: 'join', link }, 'joined');
  await page.getByText('cid joined').first().waitFor();
  cid.tell({ cmd: 'send', room: 'team', text: 'hello from cid' });
  await shown(page, 'hello from cid').waitFor();
  await say(page, 'hello, cid');
  await cid.said('hello, cid');
  await cid.stop();
});

test('a room that a browser makes is a room', async () => {
  await page.getByPlaceholder('New room').fill('garden');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  await page.getByRole('main', { name: 'garden' }).getByText('1 member').waitFor();
  await page.getByRole('button', { name: 'Invite' }).click();
  const link = await page.locator('.invite-link').textContent();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await ann.ask({ cmd: 'join', link }, 'joined');
  await say(page, 'first of all');
  await ann.said('first of all');
  await page.getByRole('main', { name: 'garden' }).getByRole('button', { name: /garden/ }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Topic').fill('what grows');
  await sheet.getByRole('button', { name: 'Save' }).click();
  await ann.until('the topic', (event) => event.event === 'topic' && event.text === 'what grows');
  await sheet.getByRole('combobox').selectOption('300');
  await ann.until('the time', (event) => event.event === 'disappearing' && event.seconds === 300);
  await sheet.getByRole('button', { name: 'Close' }).click();
});

test('another name, and the end of a room, are told', async () => {
  await page.getByRole('button', { name: 'Settings' }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Name').fill('robert');
  await sheet.getByRole('button', { name: 'Save' }).click();
  await ann.until('the name', (event) => event.event === 'profile_changed' && event.member.name === 'robert');
  await sheet.getByRole('button', { name: 'Close' }).click();
  await choose(page, /team/);
  await page.getByRole('main', { name: 'team' }).getByRole('button', { name: /team/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave the room' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave the room' }).click();
  await ann.until('bob is gone', (event) => event.event === 'member_left' && event.room === 'team');
  await page.getByRole('navigation').getByRole('button', { name: /team/ }).waitFor({ state: 'detached' });
});

test('the page said nothing wrong', () => assert.deepEqual(wrong, []));
