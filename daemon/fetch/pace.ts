// So many bytes a second, together: for what nobody waits for, where an operator wants the link for something else.

import type { Clock } from '../../core/index.ts';

export class Pace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  #freeAt: number;

  /** Without a rate: as fast as it goes. */
  constructor(clock: Clock, bytesPerSecond = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#freeAt = clock.monotonic();
  }

  /** How much may be taken at once, at most `bytes`: what a second brings. */
  atOnce(bytes: number): number {
    return Math.min(bytes, this.#bytesPerSecond);
  }

  /** Resolves when these bytes' turn has come. Rejects when the signal fires; the turn is lost then. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const turn = Math.max(this.#clock.monotonic(), this.#freeAt);
    this.#freeAt = turn + (bytes / this.#bytesPerSecond) * 1000;
    const wait = turn - this.#clock.monotonic();
    if (wait > 0) await this.#clock.sleep(wait, { signal });
  }
}
