// Who comes into a room, held against whom this browser knows: what the core cannot tell, because it knows one room only. Those rules of
// the native client that matter most (client/src/runtime/room/guard.rs):
//
// 1. In a room where all others are verified, somebody unverified who joins is told loudly.
// 2. The name of somebody verified, or our own, with another account key is an alarm, however it is written.
// 3. A device that somebody verified links is told loudly.

import * as raw from './raw';

export interface Known {
  /** Whose key was verified, and their name then. */
  verified: ReadonlyMap<string, string>;
  me: { id: string; name: string };
  /** Names that are one give the same. */
  fold(name: string): string;
}

type Way = 'Joined' | 'IsHere' | { Renamed: string };

export class Guard {
  private members = new Map<string, raw.RawPerson>();

  /** Those who are in. */
  take(view: raw.RawView): void {
    this.members = new Map(view.members.map(({ person }) => [raw.person(person).id, person]));
  }

  /** The same events, and behind each what is told because of it. `isNew`: we have just come in. */
  look(events: raw.RawEvent[], known: Known, isNew: boolean): raw.RawEvent[] {
    return events.flatMap((event) => [event, ...this.of(event, known, isNew)]);
  }

  private of(event: raw.RawEvent, known: Known, isNew: boolean): raw.RawEvent[] {
    const told = (what: raw.RawEvent['what'] | undefined): raw.RawEvent[] => (what ? [{ ...event, what }] : []);
    const { what } = event;
    const view = raw.body<raw.RawView>(what, 'Joined') ?? raw.body<raw.RawView>(what, 'Epoch');
    const joined = raw.body<{ who: raw.RawPerson; by: raw.RawPerson | null }>(what, 'MemberJoined');
    const left = raw.body<{ who: raw.RawPerson }>(what, 'MemberLeft');
    const renamed = raw.body<{ who: raw.RawPerson; was: string }>(what, 'ProfileChanged');
    const device = raw.body<{ who: raw.RawPerson; device: { name: string } }>(what, 'DeviceJoined');
    if (view) {
      this.take(view);
      const here = isNew && raw.nameOf(what) === 'Joined' ? [...this.members.values()] : [];
      return here.flatMap((who) => told(impostor(who, 'IsHere', known)));
    }
    if (joined) {
      const { who, by } = joined;
      const strange = this.stranger(who, by, known);
      this.members.set(raw.person(who).id, who);
      return [...told(strange), ...told(impostor(who, 'Joined', known))];
    }
    if (left) this.members.delete(raw.person(left.who).id);
    if (renamed && renamed.was !== renamed.who.name) return told(impostor(renamed.who, { Renamed: renamed.was }, known));
    if (device && known.verified.has(raw.person(device.who).id)) {
      return told({ Alarm: { DeviceLinked: { who: device.who, device: device.device.name } } });
    }
    return [];
  }

  /** Rule 1. A room where nobody else is has nobody to be careful for. */
  private stranger(who: raw.RawPerson, by: raw.RawPerson | null, known: Known): raw.RawEvent['what'] | undefined {
    const { id } = raw.person(who);
    const others = [...this.members.keys()].filter((other) => other !== known.me.id && other !== id);
    if (id === known.me.id || known.verified.has(id) || others.length === 0) return undefined;
    if (!others.every((other) => known.verified.has(other))) return undefined;
    return { Stranger: { who, by, is_ours: by !== null && raw.person(by).id === known.me.id } };
  }
}

/** Rule 2. */
function impostor(who: raw.RawPerson, way: Way, { verified, me, fold }: Known): raw.RawEvent['what'] | undefined {
  const { id } = raw.person(who);
  if (id === me.id) return undefined;
  const name = fold(who.name);
  const owners: [string, string][] = [[me.id, me.name], ...verified];
  const owner = owners.find(([other, called]) => other !== id && fold(called) === name);
  if (!owner) return undefined;
  const is_me = owner[0] === me.id;
  return { Alarm: { Impostor: { who, way, owner: { name: owner[1] }, is_me, is_verified: !is_me, is_disguise: false } } };
}
