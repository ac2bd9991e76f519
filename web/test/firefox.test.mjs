// The same in Firefox, driven by WebDriver BiDi.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import puppeteer from 'puppeteer-core';

import { Native, PATIENCE, Relay } from './house.mjs';

let relay, ann, firefox;

before(async () => {
  relay = await Relay.start();
  ann = await Native.start(relay, 'ann');
  firefox = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    acceptInsecureCerts: true,
    extraPrefsFirefox: { 'intl.accept_languages': 'en-GB', 'network.dns.disableIPv6': true },
  });
});

after(async () => {
  await firefox?.close();
  await ann?.stop();
  await relay?.stop();
});

test('a link opens in Firefox, and both sides read each other, before and after a reload', async () => {
  const link = await ann.room('team');
  const page = await firefox.newPage();
  page.setDefaultTimeout(PATIENCE);
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  await page.goto(link);
  await page.locator('input[name=name]').fill('bob');
  await page.locator('button.primary:enabled').click();
  await say(page, 'hello from Firefox');
  const heard = await ann.said('hello from Firefox');
  assert.equal(heard.from.name, 'bob');
  await page.waitForSelector('[role=status][title=WebTransport]');
  ann.tell({ cmd: 'send', room: 'team', text: 'hello from a terminal' });
  await line(page, 'hello from a terminal');
  assert.equal(new URL(page.url()).hash, '');
  await page.reload();
  await page.locator('.room').click();
  await line(page, 'hello from Firefox');
  await say(page, 'after a reload');
  await ann.said('after a reload');
  await line(page, 'after a reload');
  assert.deepEqual(wrong, []);
});

async function say(page, text) {
  await page.locator('.composer textarea').fill(text);
  await page.locator('.composer .send:enabled').click();
}

function line(page, text) {
  return page.waitForFunction(
    (text) => [...document.querySelectorAll('.list .text')].some((one) => one.textContent === text),
    {},
    text,
  );
}
