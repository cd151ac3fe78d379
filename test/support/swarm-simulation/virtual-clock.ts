// Time that passes from event to event. Everything that the code under test does at an instant (promises, one turn of
// setImmediate) is done before time goes on.

import { abortedError, type Clock } from '../../../core/index.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class VirtualClock implements Clock {
  #ms = 0;
  #order = 0;
  readonly #heap: Event[] = [];
  readonly #random: () => number;
  /** Called before time goes on. */
  beforeAdvance: () => void = () => {};

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  now(): number {
    return this.#ms;
  }

  monotonic(): number {
    return this.#ms;
  }

  random(): number {
    return this.#random();
  }

  /** Runs `run` in so many ms; returns how to stop that. */
  after(ms: number, run: () => void): () => void {
    const event: Event = { at: this.#ms + ms, order: this.#order++, run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        stop();
        if (signal) reject(abortedError(signal));
      };
      const stop = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Until `isDone`, or nothing is left to happen, or `mostMs` is reached. */
  async run(isDone: () => boolean, mostMs: number): Promise<void> {
    await settled();
    for (let idle = 0; !isDone() && idle < 3; ) {
      this.beforeAdvance();
      const next = this.#pop();
      if (next === undefined) {
        idle++;
        await settled();
        continue;
      }
      if (next.run === undefined) continue;
      idle = 0;
      if (next.at > mostMs) return;
      this.#ms = next.at;
      next.run();
      for (let same = this.#heap[0]; same !== undefined && same.at === next.at; same = this.#heap[0])
        this.#pop()?.run?.();
      await settled();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const above = heap[up];
      if (above === undefined || !isBefore(event, above)) break;
      heap[at] = above;
      at = up;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const below = heap[child];
      if (below === undefined || !isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** mulberry32: enough for a simulation, and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
