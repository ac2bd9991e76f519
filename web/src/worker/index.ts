// One engine per profile: whoever has the lock. The worker of another tab passes on what its page asks, until its turn comes.

import init from '../core/core';
import wasm from '../core/core_bg.wasm?url';
import type { Asks, Fault, Reply, Request, Tell } from '../api';
import { Backoff } from './backoff';
import { Hub, No } from './hub';

type Word = Request | Reply | { to: 'all'; leader: string } | { to: 'worker'; who: true };

interface Pending {
  ask: keyof Asks;
  args: unknown[];
  /** To whom it was sent. */
  sent: string | undefined;
}

/** What may be asked again of another worker: it changes nothing, or nothing twice. */
const QUERIES = new Set<keyof Asks>([
  'hello', 'setUp', 'peek', 'join', 'open', 'page', 'line', 'seen', 'safety', 'verify', 'phrase', 'rename',
]);

const me = crypto.randomUUID();
const channel = new BroadcastChannel('schat');
const pending = new Map<number, Pending>();
let hub: Hub | undefined;
let leader: string | undefined;

self.onmessage = ({ data }: MessageEvent<Request>) => {
  const { number, ask, args } = data;
  if (hub) return void answer(hub, ask, args).then((reply) => self.postMessage({ to: me, number, ...reply }));
  pending.set(number, { ask, args, sent: undefined });
  pass();
};

channel.onmessage = ({ data }: MessageEvent<Word>) => {
  if ('leader' in data) {
    leader = data.leader;
    pass();
  } else if ('who' in data) {
    if (hub) channel.postMessage({ to: 'all', leader: me });
  } else if ('ask' in data) {
    const { from, number, ask, args } = data;
    if (hub) void answer(hub, ask, args).then((reply) => channel.postMessage({ to: from, number, ...reply }));
  } else if ('tell' in data) {
    self.postMessage(data);
  } else if (data.to === me) {
    pending.delete(data.number);
    self.postMessage(data);
  }
};

/** Asks whoever has the engine now. What was asked of another one, who ended before it answered, may have been done. */
function pass(): void {
  if (leader === undefined) return;
  for (const [number, one] of pending) {
    if (one.sent === leader) continue;
    if (one.sent !== undefined && !QUERIES.has(one.ask)) {
      pending.delete(number);
      self.postMessage({ to: me, number, fault: 'gone' satisfies Fault });
      continue;
    }
    one.sent = leader;
    channel.postMessage({ to: 'worker', from: me, number, ask: one.ask, args: one.args });
  }
}

async function answer(at: Hub, ask: keyof Asks, args: unknown[]): Promise<{ value: unknown } | { fault: Fault }> {
  try {
    const asked = at.answers[ask] as (...args: unknown[]) => unknown;
    return { value: await asked(...args) };
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) at.crashed(error);
    return { fault: error instanceof No ? error.fault : 'damaged' };
  }
}

function tell(what: Tell): void {
  const word: Reply = { to: '*', tell: what };
  self.postMessage(word);
  channel.postMessage(word);
}

async function lead(): Promise<void> {
  hub = await started();
  leader = me;
  channel.postMessage({ to: 'all', leader: me });
  tell({ kind: 'state', state: hub.state() });
  for (const [number, { ask, args }] of pending) {
    pending.delete(number);
    void answer(hub, ask, args).then((reply) => self.postMessage({ to: me, number, ...reply }));
  }
}

/** Until it is: whoever has the lock is the only one who can. */
async function started(): Promise<Hub> {
  const backoff = new Backoff();
  for (;;) {
    try {
      return await Hub.start(self.location.host, init({ module_or_path: fetch(wasm) }), tell);
    } catch (error) {
      console.error(error);
      tell({ kind: 'trouble', what: 'store' });
    }
    await new Promise((later) => setTimeout(later, backoff.next()));
  }
}

channel.postMessage({ to: 'worker', who: true });
void navigator.locks.request('schat', async () => {
  await lead();
  // Held until this worker ends.
  await new Promise(() => {});
});
