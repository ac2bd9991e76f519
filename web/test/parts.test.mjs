// What needs no browser: streams in a WebSocket against a relay that breaks its rules, the relay's list, and the core's border.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { core, part } from './parts.mjs';

const CREDIT = 256 * 1024;

let Yamux, proven, leafOf, web;

before(async () => {
  ({ Yamux } = await part('worker/yamux.ts'));
  ({ proven, leafOf } = await part('worker/pin.ts'));
  web = await core();
});

function frame(kind, flags, id, length, body = []) {
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt8(kind, 1);
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt32BE(id, 4);
  bytes.writeUInt32BE(length, 8);
  bytes.set(body, 12);
  return new Uint8Array(bytes);
}

const data = (id, body, flags = 0) => frame(0, flags, id, body.length, body);

function ends() {
  const seen = { sent: [], broken: 0, came: [], ended: 0 };
  seen.mux = new Yamux((bytes) => seen.sent.push(Buffer.from(bytes)), () => (seen.broken += 1));
  seen.stream = seen.mux.open({ received: (bytes) => bytes.forEach((byte) => seen.came.push(byte)), ended: () => (seen.ended += 1) });
  seen.stream.write(Uint8Array.of(1));
  return seen;
}

test('a stream begins with its first bytes, and ends with a FIN', () => {
  const { sent, stream } = ends();
  assert.deepEqual(sent[0], Buffer.from(data(1, [1], 1)));
  stream.close();
  assert.deepEqual(sent[1], Buffer.from(frame(0, 4, 1, 0)));
});

test('bytes come whole, however messages are cut', () => {
  const bytes = Buffer.concat([data(1, [5, 6]), frame(2, 2, 0, 7), data(1, [7])]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const { mux, came, broken } = ends();
    mux.received(new Uint8Array(bytes.subarray(0, cut)));
    mux.received(new Uint8Array(bytes.subarray(cut)));
    assert.deepEqual([came, broken], [[5, 6, 7], 0], `cut at ${cut}`);
  }
});

test('a ping is answered with its own number', () => {
  const { mux, sent } = ends();
  mux.received(frame(2, 1, 0, 4711));
  assert.deepEqual(sent.at(-1), Buffer.from(frame(2, 2, 0, 4711)));
});

test('not more is sent than the relay lets, and the rest when it does', () => {
  const { mux, sent, stream } = ends();
  stream.write(new Uint8Array(CREDIT + 1000));
  const total = () => sent.reduce((sum, one) => sum + (one[1] === 0 ? one.length - 12 : 0), 0);
  assert.equal(total(), CREDIT);
  mux.received(frame(1, 0, 1, 500));
  assert.equal(total(), CREDIT + 500);
  mux.received(frame(1, 0, 1, 9000));
  assert.equal(total(), CREDIT + 1001);
});

test('the relay gets credit for what was read, and not for what was not', () => {
  const { mux, sent, stream } = ends();
  const many = new Uint8Array(CREDIT / 2);
  mux.received(data(1, many));
  assert.equal(sent.filter((one) => one[1] === 1).length, 0);
  stream.read(many.length);
  assert.deepEqual(sent.at(-1), Buffer.from(frame(1, 0, 1, CREDIT / 2)));
});

test('a relay that breaks the rules is hung up on, once, and streams end', () => {
  const full = data(1, new Uint8Array(CREDIT));
  const wrongs = {
    'another version': [Uint8Array.from([1, ...frame(0, 0, 1, 0).subarray(1)])],
    'an unknown type': [frame(9, 0, 0, 0)],
    'a stream of its own': [frame(1, 1, 2, 0)],
    'ours, opened by it': [frame(1, 1, 1, 0)],
    'a stream that never was': [frame(0, 0, 99, 0)],
    'more than a window in one frame': [frame(0, 0, 1, CREDIT + 1)],
    'more than the window': [full, data(1, [1])],
    'credit without end': [frame(1, 0, 1, 0xffffffff)],
    goodbye: [frame(3, 0, 0, 0)],
  };
  for (const [what, frames] of Object.entries(wrongs)) {
    const seen = ends();
    for (const one of frames) seen.mux.received(one);
    assert.deepEqual([seen.broken, seen.ended], [1, 1], what);
  }
});

test('what still comes for a stream that was closed here is thrown away', () => {
  const { mux, stream, came, ...seen } = ends();
  stream.close();
  mux.received(data(1, [1, 2, 3]));
  mux.received(frame(0, 8, 1, 0));
  assert.deepEqual([came, seen.broken, seen.ended], [[], 0, 0]);
});

test('only the list that the authority of the pin signed counts', async () => {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
  const spki = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey));
  const pin = Buffer.from(await crypto.subtle.digest('SHA-256', spki)).toString('hex');
  const leaf = Buffer.alloc(32, 7);
  const number = (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
  };
  const statement = Buffer.concat([Buffer.from('schat/2 leaves'), number(5), leaf, number(1), number(9)]);
  const signature = Buffer.from(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, statement));
  const list = {
    version: 2,
    authority: spki.toString('base64url'),
    issued: 5,
    leaves: [{ sha256: leaf.toString('base64url'), not_before: 1, not_after: 9 }],
    signature: signature.toString('base64url'),
  };
  assert.equal((await proven(list)).pin, pin);
  assert.equal(await proven({ ...list, issued: 6 }), undefined, 'another time');
  const other = { ...list.leaves[0], not_after: 10 };
  assert.equal(await proven({ ...list, leaves: [other] }), undefined, 'another leaf');
  const shown = await proven(list);
  assert.deepEqual([999, 1000, 8999, 9000].map((now) => leafOf(shown, now) !== undefined), [false, true, true, false]);
});

test('the core refuses an act on the line of somebody else, and rows that are none', () => {
  const who = (n) => ({ name: `p${n}`, fingerprint: new Array(32).fill(n) });
  const message = {
    seq: 1, id: new Array(16).fill(1), at: 5, from: who(1), text: 'first', mine: false, reply_to: null, disappears: null, file: null,
  };
  const line = JSON.stringify({ message, edited: null, deleted: false, reactions: [], handed_by: null });
  const edit = (from) => JSON.stringify({ seq: 2, at: 9, from, mine: false, target: message.id, change: { Edit: 'second' } });
  assert.equal(JSON.parse(web.apply(line, edit(who(1)))).message.text, 'second');
  assert.throws(() => web.apply(line, edit(who(2))), /refused/);
  const fresh = new web.NewAccount();
  const profile = new web.Profile(fresh.account(), 'bob', 'browser');
  assert.throws(() => web.Room.load(profile, ['meta'], [Uint8Array.of(1, 2)], 'localhost', 1, 0));
  assert.throws(() => new web.Profile(Uint8Array.of(1), 'bob', 'browser'), /damaged/);
  assert.equal(web.phraseOf(fresh.entropy()).split(' ').length, 12);
  for (const text of ['', 'https://x/', 'https://x/#AAAA', 'javascript:alert(1)']) assert.throws(() => new web.Invite(text));
});

test('a room takes any bytes of a relay without falling over', () => {
  const fresh = new web.NewAccount();
  const profile = new web.Profile(fresh.account(), 'bob', 'browser');
  const room = web.Room.create(profile, 'team', 'localhost', 443, 1_700_000_000_000);
  room.connected(new Uint8Array(32), undefined, undefined, 1_700_000_000_000);
  const [changes, frames, events] = room.take();
  assert.ok(changes.length > 0 && frames.length > 0 && JSON.parse(events));
  const noise = crypto.getRandomValues(new Uint8Array(4096));
  for (const bytes of [Uint8Array.of(0, 0, 0, 2, 255, 255), Uint8Array.of(255, 255, 255, 255), noise]) {
    try {
      room.received(bytes, 1_700_000_000_000);
    } catch (error) {
      assert.match(String(error.message), /malformed/);
    }
    room.take();
    room.disconnected(1_700_000_000_000);
    room.connected(new Uint8Array(32), undefined, undefined, 1_700_000_000_000);
    room.take();
  }
});

const NOW = 1_700_000_000_000;

/** A room that the relay has opened, with all that this led to. */
function opened() {
  const fresh = new web.NewAccount();
  const profile = new web.Profile(fresh.account(), 'bob', 'browser');
  const room = web.Room.create(profile, 'team', 'localhost', 443, NOW);
  room.connected(new Uint8Array(32), undefined, undefined, NOW);
  room.received(relayFrame(1, [0x10, 1, 0x32, 16, ...new Array(16).fill(1)]), NOW);
  room.take();
  return room;
}

/** A `RelayFrame` of one field with a message of less than 128 bytes. */
function relayFrame(field, message) {
  const body = [(field << 3) | 2, message.length, ...message];
  return Uint8Array.from([0, 0, 0, body.length, ...body]);
}

/** An entry that leaves others out. */
const SKIPS = relayFrame(3, [0x08, 5]);

test('what is said while the relay is to be asked anew is kept, and what the old stream still brings is not read', () => {
  const room = opened();
  room.received(SKIPS, NOW);
  room.received(SKIPS, NOW);
  room.say('token', 'not to be lost', undefined, NOW);
  const [, frames, told, reopen] = room.take();
  assert.equal(reopen, true);
  assert.equal(frames.length, 0, 'nothing is said on a stream that ends');
  const names = JSON.parse(told).map(({ what }) => Object.keys(what)[0]);
  assert.deepEqual(names, ['Alarm', 'Queued']);
  assert.equal(JSON.parse(room.queued(NOW)).length, 1);
});

test('a fresh stream begins with a Join, whatever the old one was to get', () => {
  const room = opened();
  room.say('token', 'hello', undefined, NOW);
  room.disconnected(NOW);
  room.connected(new Uint8Array(32), undefined, undefined, NOW);
  const [, frames, , reopen] = room.take();
  assert.equal(reopen, false);
  assert.equal(frames[4], (1 << 3) | 2, 'the field of a Join');
});

test('half a frame leaves the time at which the core wants to be asked again', () => {
  const room = opened();
  room.received(SKIPS, NOW);
  room.take();
  room.connected(new Uint8Array(32), undefined, undefined, NOW);
  room.received(relayFrame(1, [0x10, 1, 0x32, 16, ...new Array(16).fill(1)]), NOW);
  room.received(SKIPS, NOW);
  const [, , , , wakeAt] = room.take();
  assert.ok(wakeAt > NOW, 'the second time in less haste');
  room.received(SKIPS.subarray(0, 5), NOW);
  assert.equal(room.take()[4], wakeAt);
});
