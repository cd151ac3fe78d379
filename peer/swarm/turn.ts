// When a task looks at its state: once per turn of the event loop after something changed, and at a steady tick while
// something is under way, for what only time changes.

import type { Clock } from '../../core/index.ts';

/** Runs `work` soon, once, however often it is asked for before. */
export class Turn {
  readonly #work: () => void;
  #pending: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(work: () => void) {
    this.#work = work;
  }

  ask(): void {
    if (this.#pending !== undefined || this.#stopped) return;
    this.#pending = setImmediate(() => {
      this.#pending = undefined;
      if (!this.#stopped) this.#work();
    });
  }

  stop(): void {
    this.#stopped = true;
    if (this.#pending !== undefined) clearImmediate(this.#pending);
    this.#pending = undefined;
  }
}

/** Calls `work` every `intervalMs` from `start` on, until `work` says that nothing is left to watch. */
export class Ticker {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #work: () => boolean;
  #stop: AbortController | undefined;

  constructor(clock: Clock, intervalMs: number, work: () => boolean) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#work = work;
  }

  /** Idempotent. */
  start(): void {
    if (this.#stop !== undefined) return;
    const stop = new AbortController();
    this.#stop = stop;
    void this.#run(stop);
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = undefined;
  }

  async #run(stop: AbortController): Promise<void> {
    do {
      await this.#clock.sleep(this.#intervalMs, { signal: stop.signal }).catch(() => {}); // the loop looks at the signal
    } while (!stop.signal.aborted && this.#work());
    if (this.#stop === stop) this.#stop = undefined;
  }
}
