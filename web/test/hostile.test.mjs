// What others, other pages and a relay can try on this page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { browser, choose, enter, page as open, say, shown } from './chromium.mjs';
import { Native, Relay } from './house.mjs';

const SCRIPT = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;

let relay, mallory, tab, page;

before(async () => {
  relay = await Relay.start();
  mallory = await Native.start(relay, '<b onclick=alert(1)>mal</b>');
  tab = await browser();
  ({ page } = await open(tab.context));
  await enter(page, await mallory.room('<i>room</i>'), 'bob');
});

after(async () => {
  await tab?.end();
  await mallory?.stop();
  await relay?.stop();
});

test('lines, names, room names and signs of others are text', async () => {
  const room = '<i>room</i>';
  mallory.tell({ cmd: 'send', room, text: SCRIPT });
  await shown(page, SCRIPT).waitFor();
  const heard = await mallory.said(SCRIPT);
  mallory.tell({ cmd: 'react', room, target: heard.id, emoji: '<u>x</u>' });
  await page.getByRole('button', { name: /<u>x<\/u>/ }).waitFor();
  mallory.tell({ cmd: 'topic', room, text: '<svg onload=alert(1)>' });
  await page.getByText('<svg onload=alert(1)>').first().waitFor();
  const made = await page.evaluate(() => document.querySelectorAll('.list img, .list script, .list b, .list u, header i, svg[onload]').length);
  assert.equal(made, 0);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
});

test('only addresses of the web become links, and what turns text is shown', async () => {
  const room = '<i>room</i>';
  const texts = ['see javascript:alert(1)', 'see https://bank.example@evil.example/', 'see https://ok.example/a.'];
  for (const text of texts) mallory.tell({ cmd: 'send', room, text });
  await page.getByRole('link', { name: 'https://ok.example/a', exact: true }).waitFor();
  const hrefs = await page.locator('.list a').evaluateAll((links) => links.map((link) => [link.href, link.rel]));
  assert.deepEqual(hrefs, [['https://ok.example/a', 'noopener noreferrer']]);
  mallory.tell({ cmd: 'send', room, text: 'gnp.\u202etxt' });
  await shown(page, 'gnp.\ufffdtxt').waitFor();
});

test('what the page may do is what its headers say', async () => {
  const tried = await page.evaluate(async () => {
    const refused = {};
    const look = async (name, work) => {
      try {
        await work();
        refused[name] = false;
      } catch {
        refused[name] = true;
      }
    };
    await look('fetch elsewhere', () => fetch('https://127.0.0.1:9/'));
    await look('markup', () => (document.createElement('p').innerHTML = '<b>x</b>'));
    await look('a policy of somebody else', () => trustedTypes.createPolicy('other', { createHTML: (text) => text }));
    await look('a second policy of ours', () => trustedTypes.createPolicy('schat', { createHTML: (text) => text }));
    await look('a worker from bytes', () => new Worker(URL.createObjectURL(new Blob(['0']))));
    await look('the address of a script', () => (document.createElement('script').src = '/assets/x.js'));
    const style = document.createElement('style');
    style.textContent = 'body { opacity: 0.123 }';
    document.head.append(style);
    refused['a style inside the page'] = getComputedStyle(document.body).opacity !== '0.123';
    style.remove();
    const frame = document.createElement('iframe');
    frame.src = '/';
    document.body.append(frame);
    await new Promise((done) => {
      frame.onload = done;
      setTimeout(done, 2000);
    });
    let inside = null;
    try {
      inside = frame.contentDocument?.querySelector('#app') ?? null;
    } catch {
      // Not ours to look into.
    }
    refused['being framed'] = inside === null;
    frame.remove();
    return refused;
  });
  assert.deepEqual(Object.entries(tried).filter(([, refused]) => !refused), []);
});

test('a relay that is not the one of the link is told, and nothing is sent to it', async () => {
  const other = await Relay.start();
  const link = await mallory.invite('<i>room</i>');
  const fragment = new URL(link).hash;
  const { page } = await open(tab.context);
  // The fragment of one relay, opened at another one.
  await page.goto(`${other.url}/${fragment}`);
  await page.getByText('does not prove').waitFor();
  // A list of the right authority with a signature of nobody.
  await tab.context.route('**/.well-known/schat', async (route) => {
    const answer = await route.fetch();
    const list = await answer.json();
    await route.fulfill({ json: { ...list, issued: list.issued + 1 } });
  });
  await page.goto('about:blank');
  await page.goto(link);
  await page.getByText('does not prove').waitFor();
  await tab.context.unroute('**/.well-known/schat');
  await page.goto('about:blank');
  await page.goto(link);
  await page.getByRole('button', { name: 'Join', exact: true }).waitFor();
  await page.close();
  await other.stop();
});

test('a link that was cut, or used up, is told as such', async () => {
  const link = await mallory.invite('<i>room</i>');
  const { page } = await open(tab.context);
  await page.goto(link.slice(0, -3));
  await page.getByText('This is no invite link').waitFor();
  await page.close();
});

test('after all of that the room goes on', async () => {
  await choose(page, /room/);
  await say(page, 'still here');
  await mallory.said('still here');
});

test('somebody with the name of a verified member is an alarm, and a stranger among verified people is told', async () => {
  const ann = await Native.start(relay, 'Ann');
  const { page } = await open(tab.context);
  await page.goto(await ann.room('known'));
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByText('2 members').waitFor();
  await page.getByRole('button', { name: 'Members', exact: true }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('button', { name: /Ann/ }).click();
  await sheet.getByRole('button', { name: 'They are the same' }).click();
  await sheet.getByText('✓ verified').waitFor();
  await sheet.getByRole('button', { name: 'Close' }).click();
  const other = await Native.start(relay, 'ＡＮＮ');
  await other.ask({ cmd: 'join', link: await ann.invite('known') }, 'joined');
  await page.getByRole('main').locator('.note.alarm', { hasText: 'another key' }).waitFor();
  await page.getByRole('main').locator('.note.problem', { hasText: 'not verified' }).waitFor();
  await page.close();
  await Promise.all([ann.stop(), other.stop()]);
});
