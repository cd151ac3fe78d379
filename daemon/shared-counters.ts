// A mount's counters that several threads move: shared memory, atomics, 64 bits each as two halves.

export const Counter = { HITS: 0, MISSES: 1, SLOW_READS: 2, HIT_NANOSECONDS: 3, RESENT: 4 } as const;

export type CounterName = (typeof Counter)[keyof typeof Counter];

/**
 * Upper bounds of what reads are sorted into by how long they took, seconds. A read of the cache takes some ten
 * microseconds, one that waits for a far registry seconds.
 */
export const READ_SECONDS = [
  0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1, 0.25, 1, 5, 30,
] as const;

const READ_MS = READ_SECONDS.map(seconds => seconds * 1000);
/** The first of the counters of hits by duration; one for each bound and one for those beyond. */
const FIRST_HIT_BUCKET = 5;
const COUNTERS = FIRST_HIT_BUCKET + READ_SECONDS.length + 1;
const LOW_HALF = 2 ** 32;
/** An addition is at most this: some seconds; what hangs longer in one read of a local file counts for less. */
const MAX_ADDED = 2 ** 31 - 1;

/** How many reads took how long: in `counts` those up to the bound of READ_SECONDS, the last being those beyond. */
export interface ReadTimes {
  readonly counts: readonly number[];
  readonly seconds: number;
}

/**
 * One hit in so many is timed, and counts for all: asking for the time allocates, and 50 ns are 1 % of the smallest read.
 * A power of two.
 */
const TIMED_ONE_IN = 256;

/** Where a duration of so many milliseconds belongs. */
export function readBucket(ms: number): number {
  let at = 0;
  while (at < READ_MS.length && ms > (READ_MS[at] ?? 0)) at++;
  return at;
}

export class SharedCounters {
  readonly buffer: SharedArrayBuffer;
  readonly #halves: Int32Array<SharedArrayBuffer>;
  /** Of this thread. */
  #reads = 0;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(COUNTERS * 8)) {
    this.buffer = buffer;
    this.#halves = new Int32Array(buffer);
  }

  bump(counter: CounterName): void {
    this.#add(counter, 1);
  }

  /** A read begins; the result is for `hit`. */
  startRead(): number {
    return (this.#reads++ & (TIMED_ONE_IN - 1)) === 0 ? performance.now() : 0;
  }

  /** The read found everything there and is done. */
  hit(startedAt: number): void {
    this.#add(Counter.HITS, 1);
    if (startedAt !== 0) this.#addTime(performance.now() - startedAt);
  }

  get(counter: CounterName): number {
    return this.#get(counter);
  }

  /** Of the hits; estimated. */
  hitTimes(): ReadTimes {
    const timed = Array.from({ length: READ_SECONDS.length + 1 }, (_, at) => this.#get(FIRST_HIT_BUCKET + at));
    const counts = timed.map(count => count * TIMED_ONE_IN);
    return { counts, seconds: (this.#get(Counter.HIT_NANOSECONDS) * TIMED_ONE_IN) / 1e9 };
  }

  #addTime(ms: number): void {
    this.#add(FIRST_HIT_BUCKET + readBucket(ms), 1);
    this.#add(Counter.HIT_NANOSECONDS, Math.min(ms * 1e6, MAX_ADDED) | 0);
  }

  /** No BigInt: this runs for every read. `amount` has 31 bits. */
  #add(counter: number, amount: number): void {
    const wasLow = Atomics.add(this.#halves, counter * 2, amount) >>> 0;
    if (wasLow + amount >= LOW_HALF) Atomics.add(this.#halves, counter * 2 + 1, 1); // carry
  }

  #get(counter: number): number {
    const high = Atomics.load(this.#halves, counter * 2 + 1);
    const low = Atomics.load(this.#halves, counter * 2);
    return high * LOW_HALF + (low >>> 0);
  }
}
