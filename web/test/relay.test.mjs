// How the relay is reached, with a browser that the test plays.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';

import { part } from './parts.mjs';

const AUTHORITY = 'localhost:4433';
const LEAF = Buffer.alloc(32, 7);
const NONCE = Buffer.alloc(32, 9);

let Relay, asked, relay;

beforeEach(async () => {
  asked = { transports: [], sockets: [] };
  globalThis.self = { addEventListener() {} };
  const list = await signed();
  globalThis.fetch = async () => new Response(JSON.stringify(list));
  globalThis.WebSocket = class {
    static OPEN = 1;
    readyState = 1;
    constructor(url) {
      asked.sockets.push(url);
      setTimeout(() => this.onmessage?.({ data: Uint8Array.from(NONCE).buffer }));
    }
    send() {}
    close() {}
  };
  ({ Relay } = await part('worker/relay.ts'));
});

afterEach(() => relay.stop());

async function signed() {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
  const number = (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
  };
  const until = 2 ** 40;
  const statement = Buffer.concat([Buffer.from('schat/2 leaves'), number(5), LEAF, number(1), number(until)]);
  const signature = Buffer.from(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, statement));
  return {
    version: 2,
    authority: Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey)).toString('base64url'),
    issued: 5,
    leaves: [{ sha256: LEAF.toString('base64url'), not_before: 1, not_after: until }],
    signature: signature.toString('base64url'),
  };
}

/** A browser whose WebTransport does as `nonces` says: undefined never answers. */
function transports(nonces) {
  globalThis.WebTransport = class {
    constructor(url, options) {
      asked.transports.push([url, options]);
      const nonce = nonces[asked.transports.length - 1];
      this.closed = new Promise((done, failed) => (this.fail = failed));
      this.ready = nonce ? Promise.resolve() : new Promise((_, failed) => (this.refuse = failed));
      const stream = new ReadableStream({ start: (at) => { at.enqueue(nonce.subarray(0, 5)); at.enqueue(nonce.subarray(5)); at.close(); } });
      this.incomingUnidirectionalStreams = new ReadableStream({ start: (at) => at.enqueue(stream) });
    }
    close() {
      this.refuse?.(new Error('closed'));
      this.fail(new Error('closed'));
    }
  };
}

function up() {
  return new Promise((done) => {
    relay = new Relay(AUTHORITY, { up: done, down() {} });
    relay.start();
  });
}

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');

test('WebTransport comes first, to the leaf that the authority signed, and a Join is bound to that and the nonce', async () => {
  transports([NONCE]);
  await up();
  const [[url, { serverCertificateHashes: hashes }]] = asked.transports;
  assert.equal(url, `https://${AUTHORITY}/schat`);
  assert.deepEqual(hashes.map(({ algorithm, value }) => [algorithm, Buffer.from(value)]), [['sha-256', LEAF]]);
  assert.equal(Buffer.from(relay.binding).toString('hex'), sha256(Buffer.from('schat/2 web transport'), NONCE, LEAF));
  assert.deepEqual([relay.way, asked.sockets], ['WebTransport', []]);
});

test('where UDP is lost in silence there is a WebSocket after a moment, and WebTransport is not waited for again', async () => {
  transports([]);
  await up();
  assert.deepEqual([relay.way, asked.transports.length], ['WebSocket', 1]);
  assert.equal(Buffer.from(relay.binding).toString('hex'), sha256(Buffer.from('schat/2 web socket'), NONCE, Buffer.from(AUTHORITY)));
  const again = new Promise((done) => (relay.events.up = done));
  relay.link.close();
  await again;
  assert.deepEqual([relay.way, asked.transports.length, asked.sockets.length], ['WebSocket', 1, 2]);
});

test('a relay that says another nonce than one is not spoken to that way', async () => {
  transports([Buffer.alloc(33)]);
  await up();
  assert.equal(relay.way, 'WebSocket');
});

test('a list that nobody signed opens no WebTransport, and proves nothing', async () => {
  transports([NONCE]);
  const list = { ...(await signed()), issued: 6 };
  globalThis.fetch = async () => new Response(JSON.stringify(list));
  await up();
  assert.deepEqual([relay.way, relay.pin, asked.transports.length], ['WebSocket', null, 0]);
});
