// A clock that stands still until a test moves it.
//
//   const clock = new ManualClock();
//   const waiting = clock.sleep(1000);
//   await clock.advance(1000);      // wakes it, and whatever it goes on to sleep for within that second
//   await clock.untilSleeping(1);   // resolves once somebody sleeps: for code under test that gets there on its own

import type { Clock } from '../../core/index.ts';
import { abortedError } from '../../core/index.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

export class ManualClock implements Clock {
  /** What `random` returns. */
  nextRandom = 0.5;
  /** Every sleep that was asked for, in milliseconds, in order. */
  readonly sleeps: number[] = [];
  readonly #epochMs: number;
  // Not zero: some caches take a time of zero for "never".
  #elapsedMs = 1_000_000;
  readonly #sleepers = new Set<Sleeper>();
  readonly #watchers = new Set<() => void>();

  constructor(startMs = Date.UTC(2030, 0, 1)) {
    this.#epochMs = startMs - this.#elapsedMs;
  }

  now(): number {
    return this.#epochMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  random(): number {
    return this.nextRandom;
  }

  sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    this.sleeps.push(ms);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers.delete(sleeper);
        if (signal) reject(abortedError(signal));
      };
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { due: this.#elapsedMs + ms, wake };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.add(sleeper);
      for (const watcher of this.#watchers) watcher();
    });
  }

  /** How many sleep right now. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Moves time forward, waking sleepers in the order of their time; those they go to sleep next count too. */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsedMs + ms;
    await settled();
    for (let next = this.#firstDue(target); next; next = this.#firstDue(target)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, next.due);
      next.wake();
      await settled();
    }
    this.#elapsedMs = target;
  }

  /** Resolves when at least `count` are asleep. */
  async untilSleeping(count: number): Promise<void> {
    while (this.#sleepers.size < count) {
      await new Promise<void>(resolve => {
        const watcher = () => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  #firstDue(target: number): Sleeper | undefined {
    const due = [...this.#sleepers].filter(sleeper => sleeper.due <= target);
    return due.sort((a, b) => a.due - b.due)[0];
  }
}

/** A clock whose waits pass at once: retries are counted, not waited for. */
export class HastyClock extends ManualClock {
  override async sleep(ms: number): Promise<void> {
    this.sleeps.push(ms);
  }
}

/** Lets everything run that waits for promises only. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
