// How long to wait before trying again: doubling, with jitter, so that clients of a relay that restarts do not all come back at once.

/** The first wait is anything up to this, in milliseconds: a restarting relay is back about then. */
const FIRST = 250;

/** The longest wait, in milliseconds: what a person will bear. */
const LONGEST = 30_000;

export class Backoff {
  private failures = 0;

  /** The wait after one more failure, in milliseconds. */
  next(): number {
    const ceiling = Math.min(FIRST * 2 ** Math.min(this.failures, 10), LONGEST);
    const least = this.failures === 0 ? 0 : ceiling / 2;
    this.failures += 1;
    return least + Math.random() * (ceiling - least);
  }

  /** It worked. */
  reset(): void {
    this.failures = 0;
  }
}
