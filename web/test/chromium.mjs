// Chromium of the system, with a profile of its own that stays.

import { rmSync } from 'node:fs';

import { chromium } from 'playwright-core';

import { folder, PATIENCE } from './house.mjs';

export async function browser(options = {}) {
  const dir = options.dir ?? folder();
  const context = await chromium.launchPersistentContext(dir, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    args: [
      '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--ignore-certificate-errors',
      // The relay of the tests has no other address, and WebTransport tries but the first one of a name.
      '--host-resolver-rules=MAP localhost 127.0.0.1',
    ],
    ...options.context,
  });
  context.setDefaultTimeout(PATIENCE);
  return { context, dir, end: () => context.close().then(() => options.dir ?? rmSync(dir, { recursive: true, force: true })) };
}

/** A page that must not say anything wrong: errors, and refusals by its own policy. */
export async function page(context) {
  const page = await context.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(`console: ${message.text()}`);
  });
  return { page, wrong };
}

/** Opens a link and goes in. */
export async function enter(page, link, name) {
  await page.goto(link);
  if (name) await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByLabel(/^Message to/).waitFor();
}

export async function say(page, text) {
  await page.getByLabel(/^Message to/).fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

/** A line that the open room shows. */
export function shown(page, text) {
  return page.getByRole('log').getByText(text, { exact: true }).first();
}

export async function choose(page, room) {
  await page.getByRole('navigation').getByRole('button', { name: room }).click();
  await page.getByLabel(/^Message to/).waitFor();
}
