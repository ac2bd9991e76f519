// A room, as this browser knows it beside what its core keeps.

import type { Told } from '../api';

/** The id of a room whose link's card was not read yet. */
export const UNKNOWN_ROOM = '0'.repeat(64);

export interface RoomRecord {
  id: string;
  name: string;
  /** The whole pin of the relay's authority, in hexadecimal digits; null where public authorities vouch for it. */
  pin: string | null;
  joined: boolean;
  over: Told | null;
  /** Up to where a person has read. */
  read: number;
  unread: number;
  loud: boolean;
  /** When it was entered: the order of the list, until something is said. */
  since: number;
  /** What it was before it was entered anew; until that is done. */
  before: RoomRecord | null;
  /** The other pin that the relay showed last, when people were told so. */
  alarmed: string | null;
}

export function freshRecord(id: string, name: string, pin: string | null): RoomRecord {
  const since = Date.now();
  return {
    id, name, pin, joined: false, over: null, read: 0, unread: 0, loud: false, since, before: null, alarmed: null,
  };
}
