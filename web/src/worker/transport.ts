// WebTransport: streams of QUIC, to a relay whose certificate the authority of the link's pin has signed for (docs/protocol.md, "Browsers").

import { join, sha256 } from './bytes';
import type { Link } from './link';
import type { Stream, StreamEvents } from './stream';

const CONTEXT = new TextEncoder().encode('schat/2 web transport');
const NONCE = 32;

/** Bytes that wait to be sent on one stream; over it the relay reads nothing, and the stream is given up. */
const BACKLOG = 26 * 1024 * 1024;

/** Bytes that came on one stream and were not taken yet, from which on no more are read. */
const CREDIT = 256 * 1024;

/** Dials the relay that shows this leaf; fails after `most` milliseconds. */
export async function dialTransport(authority: string, leaf: Uint8Array<ArrayBuffer>, most: number): Promise<Link> {
  const serverCertificateHashes = [{ algorithm: 'sha-256', value: leaf }];
  const session = new WebTransport(`https://${authority}/schat`, { serverCertificateHashes });
  // Looked at below, and told by `ready` as well.
  session.closed.catch(() => {});
  const late = setTimeout(() => session.close(), most);
  try {
    await session.ready;
    const binding = await sha256(join(CONTEXT, await nonceOf(session), leaf));
    return linkOf(session, binding);
  } catch (error) {
    session.close();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** All that the one stream says that the relay opens. */
async function nonceOf(session: WebTransport): Promise<Uint8Array> {
  const streams = (session.incomingUnidirectionalStreams as ReadableStream<ReadableStream<Uint8Array>>).getReader();
  const { value: stream } = await streams.read();
  streams.releaseLock();
  if (!stream) throw new Error('no nonce');
  const reader = stream.getReader();
  let nonce = new Uint8Array(0);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    nonce = join(nonce, value);
    if (nonce.length > NONCE) break;
  }
  if (nonce.length !== NONCE) throw new Error('no nonce');
  return nonce;
}

function linkOf(session: WebTransport, binding: Uint8Array): Link {
  const channels = new Set<Channel>();
  let isOver = false;
  const close = (): void => {
    isOver = true;
    session.close();
    for (const channel of [...channels]) channel.end();
  };
  const ended = session.closed.then(close, close);
  const open = (events: StreamEvents): Stream | undefined => {
    if (isOver) return undefined;
    const channel = new Channel(session.createBidirectionalStream(), events, () => channels.delete(channel));
    channels.add(channel);
    return channel;
  };
  return { way: 'WebTransport', binding, open, close, ended };
}

/** One stream. */
class Channel implements Stream {
  private over = false;
  private backlog = 0;
  /** Came and was not taken yet; who waits for that. */
  private unread = 0;
  private taken: (() => void) | undefined;
  private writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** What was written so far is on its way. */
  private written: Promise<void>;

  constructor(
    opening: Promise<WebTransportBidirectionalStream>,
    private readonly events: StreamEvents,
    private readonly gone: () => void,
  ) {
    const opened = opening.then((stream) => {
      this.writer = (stream.writable as WritableStream<Uint8Array>).getWriter();
      this.reader = (stream.readable as ReadableStream<Uint8Array>).getReader();
      this.writer.closed.catch(() => {});
      this.reader.closed.catch(() => {});
    });
    this.written = opened;
    void opened.then(() => this.listen()).catch(() => this.end());
  }

  write(bytes: Uint8Array): void {
    if (this.over || bytes.length === 0) return;
    this.backlog += bytes.length;
    if (this.backlog > BACKLOG) return this.end();
    this.written = this.written.then(async () => {
      await this.writer?.write(bytes);
      this.backlog -= bytes.length;
    });
    this.written.catch(() => this.end());
  }

  read(count: number): void {
    this.unread -= count;
    if (this.unread < CREDIT) this.taken?.();
  }

  close(): void {
    if (this.over) return;
    this.stop();
    void this.written.then(() => this.writer?.close()).catch(() => {});
  }

  /** The other side, or the connection, has ended it. */
  end(): void {
    if (this.over) return;
    this.stop();
    void this.written.catch(() => {});
    this.writer?.abort().catch(() => {});
    this.events.ended();
  }

  private stop(): void {
    this.over = true;
    this.taken?.();
    this.gone();
    this.reader?.cancel().catch(() => {});
  }

  private async listen(): Promise<void> {
    while (!this.over && this.reader) {
      if (this.unread >= CREDIT) await new Promise<void>((taken) => (this.taken = taken));
      const { value, done } = await this.reader.read();
      if (this.over) return;
      if (done) return this.end();
      this.unread += value.length;
      this.events.received(value);
    }
    // Closed while it was being opened.
    if (this.over) this.reader?.cancel().catch(() => {});
  }
}
