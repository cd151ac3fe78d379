// Whether readers wait, on all of a node: what is fetched in advance shares its link with them, whichever registry either
// comes from. Bookkeeping only.

import type { Clock } from '../../core/index.ts';

/**
 * A reader that has waited this long waits for something else than a link that is busy: a registry that does not answer.
 * It must not keep all the others' background from going on.
 */
const PATIENCE_MS = 5_000;

export class DemandWatch {
  readonly #clock: Clock;
  readonly #running = new Set<{ readonly since: number }>();
  #lastEnd = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request began that a reader waits for. Returns what is to be called at its end. */
  begin(): () => void {
    const request = { since: this.#clock.monotonic() };
    this.#running.add(request);
    return () => {
      this.#running.delete(request);
      this.#lastEnd = this.#clock.monotonic();
    };
  }

  /** When to look again whether no reader has waited for `quietMs`, milliseconds from now; 0 or less: none has. */
  quietInMs(quietMs: number): number {
    const now = this.#clock.monotonic();
    for (const { since } of this.#running) if (now - since < PATIENCE_MS) return quietMs;
    return this.#lastEnd + quietMs - now;
  }
}
