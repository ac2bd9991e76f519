// The connection to the relay that served this page: a WebSocket with yamux in it (docs/protocol.md, "Browsers").

import { Backoff } from './backoff';
import { join, sha256 } from './bytes';
import { type Stream, type StreamEvents, Yamux } from './yamux';

/** A sign of life is asked for this often, in milliseconds. */
const ALIVE = 10_000;

/** A relay that was not heard of for this long is gone, in milliseconds. */
const SILENT = 30_000;

/** How long the relay may take to say its nonce, in milliseconds. */
const HELLO = 15_000;

/** A connection that held for this long was a success, in milliseconds. */
const STABLE = 10_000;

const SUBPROTOCOL = 'schat.web.1';
const CONTEXT = new TextEncoder().encode('schat/2 web socket');
const NONCE = 32;

export interface RelayEvents {
  /** Streams may be opened; their Joins sign this. */
  up(): void;
  down(): void;
}

export class Relay {
  /** What Joins on this connection sign. */
  binding: Uint8Array | undefined;
  private socket: WebSocket | undefined;
  private mux: Yamux | undefined;
  private readonly backoff = new Backoff();
  private again: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;
  private heard = 0;
  private since = 0;

  /** `authority` is the page's own: `new URL(url).host`. */
  constructor(
    private readonly authority: string,
    private readonly events: RelayEvents,
  ) {
    self.addEventListener('online', () => this.now());
  }

  get isUp(): boolean {
    return this.binding !== undefined;
  }

  /** Dials, unless that is under way. */
  start(): void {
    if (this.socket || this.again !== undefined) return;
    this.dial();
  }

  /** Tries again without waiting. */
  now(): void {
    if (this.again === undefined) return;
    clearTimeout(this.again);
    this.again = undefined;
    this.dial();
  }

  open(events: StreamEvents): Stream | undefined {
    return this.binding && this.mux?.open(events);
  }

  private dial(): void {
    const socket = new WebSocket(`wss://${this.authority}/schat`, SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.since = Date.now();
    this.heard = this.since;
    const mux = new Yamux(
      (message) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message as Uint8Array<ArrayBuffer>);
      },
      () => this.lost(socket, mux),
    );
    this.mux = mux;
    let greeted = false;
    const queue: Uint8Array[] = [];
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      this.heard = Date.now();
      if (typeof data === 'string') return this.lost(socket, mux);
      const bytes = new Uint8Array(data);
      if (greeted) {
        if (this.binding) mux.received(bytes);
        else queue.push(bytes);
        return;
      }
      greeted = true;
      if (bytes.length !== NONCE) return this.lost(socket, mux);
      const host = new TextEncoder().encode(this.authority);
      void sha256(join(CONTEXT, bytes, host)).then((binding) => {
        if (this.socket !== socket) return;
        this.binding = binding;
        for (const message of queue) mux.received(message);
        this.events.up();
      });
    };
    socket.onclose = () => this.lost(socket, mux);
    this.watch = setInterval(() => {
      const silent = Date.now() - this.heard;
      if (silent > (this.binding ? SILENT : HELLO)) this.lost(socket, mux);
      else if (this.binding) mux.ping();
    }, ALIVE);
  }

  private lost(socket: WebSocket, mux: Yamux): void {
    if (this.socket !== socket) return;
    this.socket = undefined;
    this.mux = undefined;
    this.binding = undefined;
    clearInterval(this.watch);
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    if (Date.now() - this.since > STABLE) this.backoff.reset();
    this.again = setTimeout(() => this.now(), this.backoff.next());
    mux.end();
    this.events.down();
  }
}
