// A connection to the relay, however it is carried.

import type { Way } from '../api';
import type { Stream, StreamEvents } from './stream';

export interface Link {
  readonly way: Way;
  /** What Joins on it sign. */
  readonly binding: Uint8Array;
  /** Undefined where it has ended. */
  open(events: StreamEvents): Stream | undefined;
  /** Ends it; its streams are told. */
  close(): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
}
