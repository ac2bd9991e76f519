// The page's end of the worker.

import type { Asks, Fault, Reply, Request, Tell } from './api';
import { policy } from './trusted';
import workerUrl from './worker/index.ts?worker&url';

/** The worker says no. */
export class Refused extends Error {
  constructor(readonly fault: Fault) {
    super(typeof fault === 'string' ? fault : 'told');
  }
}

interface Waiting {
  done: (value: never) => void;
  failed: (why: Refused) => void;
}

export class Client {
  private worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private number = 0;
  private crashes = 0;

  constructor(private readonly heard: (tell: Tell) => void) {
    this.worker = this.begin();
  }

  call<K extends keyof Asks>(ask: K, ...args: Parameters<Asks[K]>): Promise<ReturnType<Asks[K]>> {
    const number = (this.number += 1);
    return new Promise((done, failed) => {
      this.waiting.set(number, { done, failed });
      const request: Request = { to: 'worker', from: '', number, ask, args };
      this.worker.postMessage(request);
    });
  }

  private begin(): Worker {
    const worker = new Worker(policy.createScriptURL(workerUrl), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if ('tell' in data) {
        if (data.tell.kind === 'trouble' && data.tell.what === 'crash') this.restart();
        return this.heard(data.tell);
      }
      const waiting = this.waiting.get(data.number);
      this.waiting.delete(data.number);
      if ('fault' in data) waiting?.failed(new Refused(data.fault));
      else waiting?.done(data.value as never);
    };
    return worker;
  }

  /** The core broke: what was stored is all there is, and a fresh worker goes on with it. */
  private restart(): void {
    for (const { failed } of this.waiting.values()) failed(new Refused('gone'));
    this.waiting.clear();
    this.worker.terminate();
    this.crashes += 1;
    if (this.crashes > 5) return;
    setTimeout(() => (this.worker = this.begin()), 500 * this.crashes);
  }
}
