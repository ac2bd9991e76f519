// The pin of the relay's authority, which links carry on. A page cannot see the certificate of its connection: the relay says who it
// is in a list that its authority signed, and the link decides whether that is the one.

import { hex, join, sha256, u64, unbase64 } from './bytes';

interface Leaves {
  version: number;
  authority: string;
  issued: number;
  leaves: Leaf[];
  signature: string;
}

interface Leaf {
  sha256: string;
  not_before: number;
  not_after: number;
}

/** A list whose signature holds. */
export interface Proven {
  /** The whole pin of whoever signed it, in hexadecimal digits. */
  pin: string;
  leaves: Leaf[];
}

const CONTEXT = new TextEncoder().encode('schat/2 leaves');

/** Most bytes of the list. */
const MOST = 4096;

/** How long the relay may take to show it, in milliseconds. */
const PATIENCE = 15_000;

const HASH = 32;

/** What the relay shows; undefined where it shows nothing that holds. Fails where it does not answer. */
export async function provenOf(authority: string): Promise<Proven | undefined> {
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(`https://${authority}/.well-known/schat`, { cache: 'no-store', signal });
  if (!answer.ok) return undefined;
  const text = await answer.text();
  if (text.length > MOST) return undefined;
  try {
    return await proven(JSON.parse(text) as Leaves);
  } catch {
    // No list at all.
    return undefined;
  }
}

/** The whole pin of the relay, in hexadecimal digits, where it begins as the link says. */
export async function pinOf(authority: string, begins: string): Promise<string | undefined> {
  const shown = await provenOf(authority);
  return shown?.pin.startsWith(begins) ? shown.pin : undefined;
}

export async function proven(list: Leaves): Promise<Proven | undefined> {
  const spki = unbase64(list.authority);
  const leaves = list.leaves.map((leaf) => join(unbase64(leaf.sha256), u64(leaf.not_before), u64(leaf.not_after)));
  const statement = join(CONTEXT, u64(list.issued), ...leaves);
  const key = await crypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
  const kind = { name: 'ECDSA', hash: 'SHA-256' };
  const holds = await crypto.subtle.verify(kind, key, unbase64(list.signature), statement);
  return holds ? { pin: hex(await sha256(spki)), leaves: list.leaves } : undefined;
}

/** The hash of the certificate that the relay shows at that time, in milliseconds. */
export function leafOf({ leaves }: Proven, now: number): Uint8Array<ArrayBuffer> | undefined {
  const leaf = leaves.find(({ not_before, not_after }) => not_before * 1000 <= now && now < not_after * 1000);
  const hash = leaf && unbase64(leaf.sha256);
  return hash?.length === HASH ? hash : undefined;
}
