// Tells the first of something from its repetitions, so that who knocks all day does not fill the log.

import type { Clock } from '../../core/index.ts';

const REPEAT_MS = 60_000;
const MAX_KEYS = 1_000;

export class Repeats {
  readonly #clock: Clock;
  readonly #seen = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Not seen within the last minute. */
  isNew(key: string): boolean {
    const now = this.#clock.monotonic();
    const last = this.#seen.get(key);
    if (last !== undefined && now - last < REPEAT_MS) return false;
    this.#seen.delete(key); // the order of a Map is that of its insertions: oldest first
    this.#seen.set(key, now);
    const oldest = this.#seen.keys().next().value;
    if (this.#seen.size > MAX_KEYS && oldest !== undefined) this.#seen.delete(oldest);
    return true;
  }
}
