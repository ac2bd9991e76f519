// Which events are kept and shown among what was said.

import type { Told } from '../api';
import { nameOf } from './raw';

const KEPT = new Set([
  'MemberJoined', 'MemberLeft', 'DeviceJoined', 'DeviceLeft', 'KeyChanged', 'DeviceBack', 'ProfileChanged', 'Disappearing',
  'Topic', 'Lost', 'Accepted', 'Alarm', 'Problem', 'Closed', 'Stranger',
]);

/** Not to be missed, whatever the room. */
export function isLoud(what: Told): boolean {
  return nameOf(what) === 'Alarm' || nameOf(what) === 'Stranger';
}

export function isNote(what: Told): boolean {
  return KEPT.has(nameOf(what));
}
