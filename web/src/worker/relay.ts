// The connection to the relay that served this page: WebTransport where it can be, else a WebSocket, and again when it is gone.

import type { Way } from '../api';
import { Backoff } from './backoff';
import type { Link } from './link';
import { leafOf, type Proven, provenOf } from './pin';
import { dialSocket } from './socket';
import type { Stream, StreamEvents } from './stream';
import { dialTransport } from './transport';

/** How long WebTransport may take before the WebSocket is tried, in milliseconds: somebody waits, and UDP is lost in silence. */
const TRANSPORT = 2_500;

/** How long it is not tried again after that, in milliseconds. */
const NO_TRANSPORT = 5 * 60_000;

/** A connection that held for this long was a success, in milliseconds. */
const STABLE = 10_000;

export interface RelayEvents {
  /** Streams may be opened; their Joins sign this. */
  up(): void;
  down(): void;
}

export class Relay {
  private link: Link | undefined;
  private proven: Proven | undefined;
  private readonly backoff = new Backoff();
  private again: ReturnType<typeof setTimeout> | undefined;
  private isDialling = false;
  private isStopped = false;
  private since = 0;
  private noTransportUntil = 0;

  /** `authority` is the page's own: `new URL(url).host`. */
  constructor(
    private readonly authority: string,
    private readonly events: RelayEvents,
  ) {
    self.addEventListener('online', () => {
      // Another network perhaps lets UDP through.
      this.noTransportUntil = 0;
      this.now();
    });
  }

  get isUp(): boolean {
    return this.link !== undefined;
  }

  get way(): Way | null {
    return this.link?.way ?? null;
  }

  /** What Joins on this connection sign. */
  get binding(): Uint8Array | undefined {
    return this.link?.binding;
  }

  /** The pin of the authority that signed what this relay shows, in hexadecimal digits; null where it shows nothing. */
  get pin(): string | null {
    return this.proven?.pin ?? null;
  }

  /** Dials, unless that is under way. */
  start(): void {
    if (this.link || this.isDialling || this.again !== undefined) return;
    void this.dial();
  }

  /** For good. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.again);
    this.link?.close();
  }

  /** Tries again without waiting. */
  now(): void {
    if (this.again === undefined) return;
    clearTimeout(this.again);
    this.again = undefined;
    void this.dial();
  }

  open(events: StreamEvents): Stream | undefined {
    return this.link?.open(events);
  }

  private async dial(): Promise<void> {
    this.isDialling = true;
    let link: Link | undefined;
    try {
      this.proven = await provenOf(this.authority);
      link = (await this.transport()) ?? (await dialSocket(this.authority));
    } catch {
      // The relay cannot be reached now.
    }
    this.isDialling = false;
    if (this.isStopped) return link?.close();
    if (!link) return this.later();
    this.since = Date.now();
    this.link = link;
    void link.ended.then(() => this.lost(link));
    this.events.up();
  }

  private async transport(): Promise<Link | undefined> {
    const leaf = this.proven && leafOf(this.proven, Date.now());
    if (!leaf || typeof WebTransport === 'undefined' || Date.now() < this.noTransportUntil) return undefined;
    try {
      return await dialTransport(this.authority, leaf, TRANSPORT);
    } catch {
      this.noTransportUntil = Date.now() + NO_TRANSPORT;
      return undefined;
    }
  }

  private lost(link: Link): void {
    if (this.link !== link) return;
    this.link = undefined;
    if (Date.now() - this.since > STABLE) this.backoff.reset();
    this.events.down();
    this.later();
  }

  private later(): void {
    if (this.isStopped || this.again !== undefined) return;
    this.again = setTimeout(() => this.now(), this.backoff.next());
  }
}
