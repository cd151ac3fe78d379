// How much comes in per second, now: a mean in which what came a while ago counts ever less. Pure: time is an argument.

/** After so long something counts for a third. Short enough for "now", long enough that single requests do not flicker. */
const MEMORY_MS = 3_000;
/** A younger meter is taken to be this old: the first request of a mount is no rate. */
const MIN_AGE_MS = 1_000;

export class RateMeter {
  readonly #startedAt: number;
  #weighted = 0;
  #at: number;

  /** `now` here and below: milliseconds of one monotonic clock. */
  constructor(now: number) {
    this.#startedAt = now;
    this.#at = now;
  }

  add(amount: number, now: number): void {
    this.#fade(now);
    this.#weighted += amount;
  }

  /** Per second. */
  rate(now: number): number {
    this.#fade(now);
    // A meter that is younger than its memory has seen only a part of what the weights add up to.
    const seen = 1 - Math.exp(-Math.max(now - this.#startedAt, MIN_AGE_MS) / MEMORY_MS);
    return (this.#weighted / (MEMORY_MS * seen)) * 1000;
  }

  #fade(now: number): void {
    this.#weighted *= Math.exp((this.#at - now) / MEMORY_MS);
    this.#at = now;
  }
}
