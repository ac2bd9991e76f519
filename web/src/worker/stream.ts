// What a room and the relay talk over, whatever carries it.

export interface StreamEvents {
  received(bytes: Uint8Array): void;
  /** The other side, or the connection, ended it. */
  ended(): void;
}

/** Nothing is told of one any more once it was closed here. */
export interface Stream {
  write(bytes: Uint8Array): void;
  /** So many of the bytes that came were taken: as many more may come. */
  read(count: number): void;
  /** Ends it in order, behind what waits. */
  close(): void;
}
