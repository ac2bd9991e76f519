// Streams in a WebSocket: the client's side of yamux (https://github.com/hashicorp/yamux/blob/master/spec.md).
// We open streams, the relay opens none. Where a message begins or ends means nothing.

import type { Stream, StreamEvents } from './stream';

const DATA = 0;
const WINDOW = 1;
const PING = 2;
const GO_AWAY = 3;

const SYN = 1;
const ACK = 2;
const FIN = 4;
const RST = 8;

const HEADER = 12;

/** What each side may send before the other has read it, in bytes: the specification's own figure. */
const CREDIT = 256 * 1024;

/** Bytes in one message, so that signs of life get between. */
const MESSAGE = 16 * 1024;

/** Bytes that wait to be sent on one stream; over it the relay reads nothing, and the stream is given up. */
const BACKLOG = 26 * 1024 * 1024;

/** One stream. */
class Channel implements Stream {
  /** What we may send yet. */
  credit = CREDIT;
  /** Came and was not read here; was read here and is not granted anew. */
  unread = 0;
  owed = 0;
  waiting: Uint8Array[] = [];
  backlog = 0;
  fresh = true;
  over = false;

  constructor(
    readonly id: number,
    private readonly mux: Yamux,
    readonly events: StreamEvents,
  ) {}

  write(bytes: Uint8Array): void {
    if (this.over || bytes.length === 0) return;
    this.backlog += bytes.length;
    if (this.backlog > BACKLOG) {
      this.mux.fail(this);
      return;
    }
    this.waiting.push(bytes);
    this.mux.flush(this);
  }

  /** So many of the bytes that came were taken. */
  read(count: number): void {
    this.unread -= count;
    this.owed += count;
    if (!this.over) this.mux.grant(this);
  }

  /** Ends it in order, behind what waits. */
  close(): void {
    if (this.over) return;
    this.mux.finish(this);
  }
}

export class Yamux {
  private streams = new Map<number, Channel>();
  private next = 1;
  private input = new Uint8Array(0);
  private pings = 0;

  /** `send` takes whole messages; `broken` is told once, when the other side breaks the rules or says goodbye. */
  constructor(
    private readonly send: (message: Uint8Array) => void,
    private readonly broken: () => void,
  ) {}

  open(events: StreamEvents): Stream {
    const stream = new Channel(this.next, this, events);
    this.next += 2;
    this.streams.set(stream.id, stream);
    return stream;
  }

  /** A sign of life, which the other side answers. */
  ping(): void {
    this.pings = (this.pings + 1) >>> 0;
    this.send(header(PING, SYN, 0, this.pings));
  }

  /** Bytes of a message. */
  received(message: Uint8Array): void {
    let bytes = message;
    if (this.input.length > 0) {
      bytes = new Uint8Array(this.input.length + message.length);
      bytes.set(this.input);
      bytes.set(message, this.input.length);
    }
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER);
      const [version, kind, flags] = [view.getUint8(0), view.getUint8(1), view.getUint16(2)];
      const [id, length] = [view.getUint32(4), view.getUint32(8)];
      if (version !== 0 || kind > GO_AWAY) return this.break();
      const body = kind === DATA ? length : 0;
      if (body > CREDIT) return this.break();
      if (bytes.length - at < HEADER + body) break;
      const payload = bytes.subarray(at + HEADER, at + HEADER + body);
      at += HEADER + body;
      if (!this.frame(kind, flags, id, length, payload)) return this.break();
    }
    this.input = bytes.slice(at);
  }

  /** The connection is gone. */
  end(): void {
    const streams = [...this.streams.values()];
    this.streams.clear();
    for (const stream of streams) this.tell(stream);
  }

  flush(stream: Channel): void {
    while (stream.waiting.length > 0 && (stream.credit > 0 || stream.fresh)) {
      const first = stream.waiting[0]!;
      const count = Math.min(first.length, stream.credit, MESSAGE);
      const frame = new Uint8Array(HEADER + count);
      frame.set(header(DATA, stream.fresh ? SYN : 0, stream.id, count));
      frame.set(first.subarray(0, count), HEADER);
      stream.fresh = false;
      stream.credit -= count;
      stream.backlog -= count;
      if (count === first.length) stream.waiting.shift();
      else stream.waiting[0] = first.subarray(count);
      this.send(frame);
    }
  }

  grant(stream: Channel): void {
    if (stream.owed < CREDIT / 2) return;
    this.send(header(WINDOW, 0, stream.id, stream.owed));
    stream.owed = 0;
  }

  finish(stream: Channel): void {
    stream.over = true;
    this.streams.delete(stream.id);
    if (stream.fresh) return;
    // What cannot be sent now is not wanted any more, and what still comes is thrown away.
    this.send(header(DATA, stream.waiting.length > 0 ? RST : FIN, stream.id, 0));
  }

  fail(stream: Channel): void {
    this.streams.delete(stream.id);
    if (!stream.fresh) this.send(header(DATA, RST, stream.id, 0));
    this.tell(stream);
  }

  private frame(kind: number, flags: number, id: number, length: number, payload: Uint8Array): boolean {
    if (kind === PING) {
      if (flags & SYN) this.send(header(PING, ACK, 0, length));
      return true;
    }
    if (kind === GO_AWAY) return false;
    // The relay opens no streams.
    if (flags & SYN) return false;
    const stream = this.streams.get(id);
    // One that was closed here.
    if (!stream) return id % 2 === 1 && id < this.next;
    if (kind === WINDOW) {
      stream.credit += length;
      if (stream.credit > 0xffffffff) return false;
      this.flush(stream);
    } else if (payload.length > 0) {
      stream.unread += payload.length;
      if (stream.unread + stream.owed > CREDIT) return false;
      stream.events.received(payload);
    }
    if (flags & (FIN | RST) && !stream.over) {
      this.streams.delete(id);
      if (flags & FIN) this.send(header(DATA, FIN, id, 0));
      this.tell(stream);
    }
    return true;
  }

  private tell(stream: Channel): void {
    if (stream.over) return;
    stream.over = true;
    stream.waiting = [];
    stream.events.ended();
  }

  private break(): void {
    this.input = new Uint8Array(0);
    this.end();
    this.broken();
  }
}

function header(kind: number, flags: number, id: number, length: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint8(1, kind);
  view.setUint16(2, flags);
  view.setUint32(4, id);
  view.setUint32(8, length);
  return bytes;
}
