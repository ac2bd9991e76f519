// A WebSocket with yamux in it (docs/protocol.md, "Browsers").

import { join, sha256 } from './bytes';
import type { Link } from './link';
import { Yamux } from './yamux';

/** A sign of life is asked for this often, in milliseconds. */
const ALIVE = 10_000;

/** A relay that was not heard of for this long is gone, in milliseconds. */
const SILENT = 30_000;

/** How long the relay may take to say its nonce, in milliseconds. */
const HELLO = 15_000;

const SUBPROTOCOL = 'schat.web.1';
const CONTEXT = new TextEncoder().encode('schat/2 web socket');
const NONCE = 32;

/** Dials. Fails where the relay says no nonce in time. */
export function dialSocket(authority: string): Promise<Link> {
  return new Promise((open, failed) => {
    const socket = new WebSocket(`wss://${authority}/schat`, SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    let heard = Date.now();
    let over = (): void => {};
    const ended = new Promise<void>((done) => (over = done));
    const mux = new Yamux(
      (message) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message as Uint8Array<ArrayBuffer>);
      },
      () => close(),
    );
    const close = (): void => {
      clearTimeout(late);
      clearInterval(watch);
      socket.onclose = null;
      socket.onmessage = null;
      socket.close();
      mux.end();
      failed(new Error('the relay is gone'));
      over();
    };
    const late = setTimeout(close, HELLO);
    let watch: ReturnType<typeof setInterval> | undefined;
    const greet = async (nonce: Uint8Array): Promise<void> => {
      const host = new TextEncoder().encode(authority);
      const binding = await sha256(join(CONTEXT, nonce, host));
      clearTimeout(late);
      watch = setInterval(() => {
        if (Date.now() - heard > SILENT) close();
        else mux.ping();
      }, ALIVE);
      void ended.then(() => clearInterval(watch));
      open({ way: 'WebSocket', binding, open: (events) => mux.open(events), close, ended });
    };
    let isGreeted = false;
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      heard = Date.now();
      if (typeof data === 'string') return close();
      const bytes = new Uint8Array(data);
      if (isGreeted) return mux.received(bytes);
      isGreeted = true;
      if (bytes.length !== NONCE) return close();
      void greet(bytes);
    };
    socket.onclose = close;
  });
}
