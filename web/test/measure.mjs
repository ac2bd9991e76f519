// Figures for docs/web.md: `node test/measure.mjs`. Nothing here fails for being slow.

import { browser, choose, enter, page as open, say, shown } from './chromium.mjs';
import { Native, Relay } from './house.mjs';

const relay = await Relay.start({ extra: ['--rate', '100000', '--room-rate', '100000'] });
const ann = await Native.start(relay, 'ann');
/** Median, and the best: the one that a machine which does other things as well disturbed least. */
const of = (all) => {
  const sorted = [...all].sort((a, b) => a - b);
  return `${sorted[all.length >> 1].toFixed(1)} ms (best ${sorted[0].toFixed(1)})`;
};

async function joins(times) {
  const [seen, entered] = [[], []];
  for (let n = 0; n < times; n += 1) {
    const link = await ann.room(`join ${n}`);
    ann.tell({ cmd: 'send', room: `join ${n}`, text: 'welcome' });
    await ann.said('welcome');
    const tab = await browser();
    const { page } = await open(tab.context);
    await page.goto('about:blank');
    let from = performance.now();
    await page.goto(link);
    const name = page.getByLabel('Your name');
    await name.waitFor();
    seen.push(performance.now() - from);
    await name.fill('bob');
    from = performance.now();
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.getByText('2 members').waitFor();
    entered.push(performance.now() - from);
    await tab.end();
  }
  console.log(`link opened → who invites: ${of(seen)}; join pressed → in: ${of(entered)}`);
}

async function messages(times) {
  const tab = await browser();
  const { page } = await open(tab.context);
  await enter(page, await ann.room('talk'), 'bob');
  await say(page, 'warm');
  await ann.said('warm');
  const [out, back] = [[], []];
  for (let n = 0; n < times; n += 1) {
    // Both clocks are this machine's.
    const text = `out ${n}`;
    const box = page.getByLabel(/^Message to/);
    await box.fill(text);
    const at = page.evaluate(() => {
      const start = performance.timeOrigin + performance.now();
      document.querySelector('.composer').requestSubmit();
      return start;
    });
    await ann.said(text);
    out.push(Date.now() - (await at));
    const answer = `back ${n}`;
    const shownAt = page.evaluate(
      (answer) =>
        new Promise((done) => {
          const look = () => {
            if ([...document.querySelectorAll('.list .text')].some((one) => one.textContent === answer)) {
              watcher.disconnect();
              done(performance.timeOrigin + performance.now());
            }
          };
          const watcher = new MutationObserver(look);
          watcher.observe(document.querySelector('.list'), { childList: true, subtree: true });
        }),
      answer,
    );
    const start = performance.timeOrigin + performance.now();
    ann.tell({ cmd: 'send', room: 'talk', text: answer });
    back.push((await shownAt) - start);
  }
  console.log(`a line from the page to a native member: ${of(out)}; back: ${of(back)}`);
  await tab.end();
}

async function long(lines) {
  const tab = await browser();
  const { page } = await open(tab.context);
  await enter(page, await ann.room('long'), 'bob');
  ann.tell({ cmd: 'send', room: 'long', text: 'the last' });
  await shown(page, 'the last').waitFor();
  await page.evaluate(async (lines) => {
    const db = await new Promise((done) => (indexedDB.open('schat').onsuccess = ({ target }) => done(target.result)));
    const write = db.transaction('items', 'readwrite');
    const items = write.objectStore('items');
    const all = await new Promise((done) => (items.getAll().onsuccess = ({ target }) => done(target.result)));
    const last = all.find((item) => item.line);
    const line = JSON.parse(last.line);
    for (let n = 0; n < lines; n += 1) {
      line.message.seq = n / lines;
      line.message.text = `line ${n} of what was said a long time ago, and a few words more`;
      items.put({ ...last, id: `${n}`, seq: n / lines, line: JSON.stringify(line) });
    }
    await new Promise((done) => (write.oncomplete = done));
    db.close();
  }, lines);
  await page.reload();
  await page.getByRole('navigation').getByRole('button', { name: /long/ }).waitFor();
  const timed = await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const start = performance.now();
    document.querySelector('.room').click();
    while (![...document.querySelectorAll('.list .text')].some((one) => one.textContent === 'the last')) await frame();
    return performance.now() - start;
  });
  console.log(`a room of ${lines} lines opens in ${timed.toFixed(0)} ms`);
  const cost = page.evaluate(
    () =>
      new Promise((done) => {
        let most = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => (most = Math.max(most, entry.duration)))).observe({ entryTypes: ['longtask'] });
        setTimeout(() => done(most), 3000);
      }),
  );
  for (let n = 0; n < 20; n += 1) ann.tell({ cmd: 'send', room: 'long', text: `more ${n}` });
  await shown(page, 'more 19').waitFor();
  console.log(`the longest task of the page while twenty lines more came: ${await cost} ms (0: none over 50)`);
  const scrolled = await page.evaluate(async () => {
    const list = document.querySelector('.list');
    const first = () => document.querySelector('.list .text')?.textContent ?? '';
    const before = first();
    const start = performance.now();
    list.scrollTop = 0;
    while (first() === before) await new Promise((done) => setTimeout(done, 1));
    return [performance.now() - start, document.querySelectorAll('.row-box').length];
  });
  console.log(`older lines on scrolling up: ${scrolled[0].toFixed(0)} ms; rows in the page: ${scrolled[1]}`);
  await tab.end();
}

await joins(Number(process.env.SCHAT_TIMES ?? 5));
await messages(60);
await long(10_000);
await ann.stop();
await relay.stop();
