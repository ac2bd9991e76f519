// A room around a core, a store and a relay that the test plays: the order of things, and what becomes of it when one of them fails.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { part } from './parts.mjs';

const ID = 'aa'.repeat(32);
const PIN = '11'.repeat(32);
const OTHER_PIN = '22'.repeat(32);

let Room, freshRecord;

before(async () => {
  ({ Room } = await part('worker/room.ts'));
  ({ freshRecord } = await part('worker/record.ts'));
});

/** A core that does as it is told. */
class Core {
  said = [];
  steps = [];
  freed = false;
  id = () => ID;
  name = () => 'team';
  read = () => 0;
  disappears = () => 0;
  view = () => undefined;
  queued = () => '[]';
  tick = () => this.said.push('tick');
  connected = () => this.said.push('connected');
  disconnected = () => this.said.push('disconnected');
  received = () => this.said.push('received');
  say = (text) => this.said.push(text);
  free = () => (this.freed = true);
  take() {
    const { frames = [], events = [], reopen = false, changes = [] } = this.steps.shift() ?? {};
    return [changes, Uint8Array.from(frames), JSON.stringify(events), reopen, undefined];
  }
}

const event = (what, seq = 1) => ({ seq, at: 1, what });

function message(seq) {
  return event({ Message: { seq, id: [seq], at: 1, from: { name: 'ann', fingerprint: [1] }, text: 'x', mine: false, reply_to: null, disappears: null, file: null } }, seq);
}

function played(changes = {}, { isStored = true } = {}) {
  const record = { ...freshRecord(ID, 'team', PIN), ...changes };
  const seen = { told: [], over: [], commits: [], streams: [], changed: 0 };
  const store = {
    isFull: false,
    gate: Promise.resolve(),
    async commit(batch) {
      seen.commits.push(batch);
      await store.gate;
      if (store.isFull) throw new Error('full');
      const record = { ...batch.record };
      record.unread += batch.items.filter((item) => item.counts).length;
      if (batch.seen !== null) Object.assign(record, { read: batch.seen, unread: 0 });
      return { record, items: batch.items, last: undefined };
    },
  };
  const relay = {
    isUp: true,
    pin: PIN,
    binding: new Uint8Array(32),
    open(events) {
      const stream = { events, sent: [], closed: false, write: (bytes) => stream.sent.push(...bytes), read() {}, close: () => (stream.closed = true) };
      seen.streams.push(stream);
      return stream;
    },
  };
  const home = {
    store, relay, known: () => ({ verified: new Map(), me: { id: '', name: '' }, fold: (name) => name }), apply: () => undefined,
    load: async () => new Core(), named: () => true, over: (_, isForgotten) => seen.over.push(isForgotten), changed: () => (seen.changed += 1),
    tell: (tell) => seen.told.push(tell), crashed: (error) => assert.fail(error), expires() {},
  };
  const core = new Core();
  const room = new Room(home, record, core, isStored);
  return { room, core, store, relay, home, ...seen };
}

/** Until it holds; only a failing test waits long. */
async function until(what, holds) {
  for (let turns = 0; turns < 2_000; turns += 1) {
    if (holds()) return;
    await new Promise((later) => setTimeout(later, 1));
  }
  assert.fail(`never: ${what}`);
}

test('what a person has seen and what a step says do not undo each other', async () => {
  const { room, core, store, commits } = played({ unread: 3 });
  let open;
  store.gate = new Promise((done) => (open = done));
  core.steps.push({ events: [event({ Joined: { members: [] } }), message(7)] });
  room.push({ think() {} });
  await until('the step is being stored', () => commits.length === 1);
  const done = room.seen(7);
  open();
  await done;
  assert.deepEqual([room.record.joined, room.record.read, room.record.unread], [true, 7, 0]);
  assert.equal(commits.at(-1).record.joined, true, 'what was stored last has both');
});

test('what the core says is for the stream that it knows', async () => {
  const { room, core, store, streams, commits } = played();
  room.connect();
  await until('the first stream', () => core.said.includes('connected'));
  let open;
  store.gate = new Promise((done) => (open = done));
  core.steps.push({ changes: [['k', Uint8Array.of(1)]], reopen: true });
  room.push({ think() {} });
  await until('the step is being stored', () => commits.length === 1);
  // Thought about for so long that the fresh stream is for the next step.
  core.steps.push({ frames: [9], changes: [['k', Uint8Array.of(2)]] }, { frames: [8], changes: [['k', Uint8Array.of(3)]] });
  const said = room.ask(() => {
    for (const from = Date.now(); Date.now() < from + 100; );
  });
  open();
  await said;
  await until('something is sent', () => streams[1]?.sent.length > 0);
  assert.deepEqual([streams[0].sent, streams[1].sent, streams[0].closed], [[], [8], true]);
});

test('another key of the relay is an alarm, once, and nothing is sent until it has the right one', async () => {
  const { room, relay, streams, commits } = played();
  relay.pin = OTHER_PIN;
  room.connect();
  room.connect();
  await until('the alarm is stored', () => room.record.alarmed === OTHER_PIN);
  room.connect();
  const notes = () => commits.flatMap(({ items }) => items.map(({ note, loud }) => [JSON.parse(note), loud]));
  assert.deepEqual(notes(), [[{ Alarm: { RelayKeyChanged: { key: OTHER_PIN } } }, true]]);
  assert.equal(streams.length, 0);
  relay.pin = null;
  room.connect();
  await until('that nothing is proven is told as well', () => room.record.alarmed === '');
  assert.equal(streams.length, 0);
  relay.pin = PIN;
  room.connect();
  await until('it is the right one again', () => room.record.alarmed === null);
  assert.equal(streams.length, 1);
});

test('a link with another key of the relay is told, and counts from then on', async () => {
  const { room, relay, streams, commits } = played();
  relay.pin = OTHER_PIN;
  room.named(OTHER_PIN);
  await until('a stream', () => streams.length === 1);
  assert.equal(room.record.pin, OTHER_PIN);
  assert.deepEqual(JSON.parse(commits[0].items[0].note), { Alarm: { RelayKeyTaken: { key: OTHER_PIN } } });
});

test('a room that was left goes with all of it, although the page was killed while it left', async () => {
  const { room, core, commits, over } = played({ joined: true });
  // Nobody has asked in this run.
  core.steps.push({ events: [event({ Closed: { reason: 'Left', was_member: true } })] });
  room.push({ think() {} });
  await until('it is over', () => over.length === 1);
  assert.deepEqual([commits.at(-1).forget, over], [true, [true]]);
});

test('a way back into a room that fails leaves what the room was', async () => {
  const was = { ...freshRecord(ID, 'team', PIN), joined: true, over: { Removed: { by: 'ann' } } };
  const { room, core, commits, over } = played({ before: was });
  let fault;
  room.entering = { done() {}, failed: (why) => (fault = why) };
  core.steps.push({ events: [event({ Closed: { reason: 'InviteOver', was_member: false } })] });
  room.push({ think() {} });
  await until('it is over', () => over.length === 1);
  assert.deepEqual(fault, { told: { Closed: 'InviteOver' } });
  assert.deepEqual([commits.at(-1).forget, over], [false, [false]]);
  assert.deepEqual(room.record.over, was.over);
});

test('a room of which nothing could be stored is not there', async () => {
  const { room, core, store, over, told } = played({}, { isStored: false });
  store.isFull = true;
  let fault;
  room.entering = { done() {}, failed: (why) => (fault = why) };
  core.steps.push({ changes: [['k', Uint8Array.of(1)]] });
  room.push({ think() {} });
  await until('it is over', () => over.length === 1);
  assert.deepEqual([over, fault, core.freed], [[true], 'store', true]);
  assert.deepEqual(told.map(({ what }) => what), ['store']);
});

test('whoever waits for a room that ends is told', async () => {
  const { room, store, core } = played();
  store.gate = new Promise(() => {});
  core.steps.push({ changes: [['k', Uint8Array.of(1)]] });
  room.push({ think() {} });
  await until('a step', () => core.steps.length === 0);
  const asked = room.ask((core) => core.say('too late'));
  room.end();
  await assert.rejects(asked, (fault) => fault === 'gone');
});

test('the first step of a room clears what was there of it', async () => {
  const { room, core, commits } = played({}, { isStored: false });
  core.steps.push({ changes: [['k', Uint8Array.of(1)]] }, { changes: [['k', Uint8Array.of(2)]] });
  await room.ask(() => {});
  await room.ask(() => {});
  assert.deepEqual(commits.map(({ reset }) => reset), [true, false]);
});
