// The pin of the relay's authority, which links carry on. A page cannot see the certificate of its connection: the relay says who it
// is in a list that its authority signed, and the link decides whether that is the one.

import { hex, join, sha256, u64, unbase64 } from './bytes';

interface Leaves {
  version: number;
  authority: string;
  issued: number;
  leaves: { sha256: string; not_before: number; not_after: number }[];
  signature: string;
}

const CONTEXT = new TextEncoder().encode('schat/2 leaves');

/** Most bytes of the list. */
const MOST = 4096;

/** The whole pin of the relay, in hexadecimal digits, where it begins as the link says. */
export async function pinOf(authority: string, begins: string): Promise<string | undefined> {
  const answer = await fetch(`https://${authority}/.well-known/schat`, { cache: 'no-store' });
  if (!answer.ok) return undefined;
  const text = await answer.text();
  if (text.length > MOST) return undefined;
  return verified(JSON.parse(text) as Leaves, begins);
}

export async function verified(list: Leaves, begins: string): Promise<string | undefined> {
  const spki = unbase64(list.authority);
  const pin = hex(await sha256(spki));
  if (!pin.startsWith(begins)) return undefined;
  const leaves = list.leaves.map((leaf) => join(unbase64(leaf.sha256), u64(leaf.not_before), u64(leaf.not_after)));
  const statement = join(CONTEXT, u64(list.issued), ...leaves);
  const key = await crypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
  const kind = { name: 'ECDSA', hash: 'SHA-256' };
  const holds = await crypto.subtle.verify(kind, key, unbase64(list.signature), statement);
  return holds ? pin : undefined;
}
