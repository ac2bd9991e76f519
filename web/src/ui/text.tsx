// What others say is text, and never anything else. Addresses of the web become links, and go where they say.

const ADDRESS = /https?:\/\/[^\s<>"'`]+/gi;

/** Signs at the end of an address that belong to the sentence. */
const TAIL = /[.,;:!?)\]}»”’]+$/;

/** Text is turned by its own characters alone: marks that turn what stands around them are shown as what they are. */
const TURNS = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g;

export function Text({ text }: { text: string }) {
  const clean = text.replace(TURNS, '�');
  const parts: (string | { href: string; shown: string })[] = [];
  let at = 0;
  for (const found of clean.matchAll(ADDRESS)) {
    const shown = found[0].replace(TAIL, '');
    const href = reached(shown);
    if (href === null) continue;
    parts.push(clean.slice(at, found.index), { href, shown });
    at = found.index + shown.length;
  }
  parts.push(clean.slice(at));
  return (
    <>
      {parts.map((part, index) =>
        typeof part === 'string' ? (
          part
        ) : (
          <a key={index} href={part.href} title={part.href} target="_blank" rel="noopener noreferrer">
            {part.shown}
          </a>
        ),
      )}
    </>
  );
}

/** Where an address really goes, as the browser reads it; null where it is none, or has a name before an `@` that is not a host. */
function reached(address: string): string | null {
  try {
    const url = new URL(address);
    const isPlain = (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '';
    return isPlain ? url.href : null;
  } catch {
    return null;
  }
}
