// A mount's counters that several threads move: shared memory, atomics, 64 bits each as two halves.

export const Counter = { HITS: 0, MISSES: 1, SLOW_READS: 2 } as const;
const COUNTERS = 3;

export type CounterName = (typeof Counter)[keyof typeof Counter];

export class SharedCounters {
  readonly buffer: SharedArrayBuffer;
  readonly #halves: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(COUNTERS * 8)) {
    this.buffer = buffer;
    this.#halves = new Int32Array(buffer);
  }

  /** Adds one. No BigInt: this runs for every read. */
  bump(counter: CounterName): void {
    const wasLow = Atomics.add(this.#halves, counter * 2, 1);
    if (wasLow === -1) Atomics.add(this.#halves, counter * 2 + 1, 1); // all 32 bits were set: carry
  }

  get(counter: CounterName): number {
    const high = Atomics.load(this.#halves, counter * 2 + 1);
    const low = Atomics.load(this.#halves, counter * 2);
    return high * 2 ** 32 + (low >>> 0);
  }
}
