// The three priorities of a fetch, and the queue that serves them in order with a bounded number under way.
// Pure bookkeeping: no timers, no I/O. The fetch engine asks it what may start next.

/** demand: a reader waits for it. trace: known to be needed soon. background: the rest of the image. */
export type Lane = 'demand' | 'trace' | 'background';

export const LANES: readonly Lane[] = ['demand', 'trace', 'background'];

export interface LaneLimits {
  /** How many may run at once over all lanes. */
  readonly total: number;
  /** How many of these may be of a lane; keeps slots free for demand. */
  readonly perLane: Readonly<Record<Lane, number>>;
}

/**
 * A bounded-concurrency queue with strict priority: nothing of a lower lane starts while a higher lane waits, and
 * within a lane it is first in, first out. `start` is called synchronously, from `enqueue` or from the `done` of an
 * earlier one; each start must be matched by exactly one call of its `done`.
 */
export class LaneQueue<T> {
  readonly #limits: LaneLimits;
  readonly #start: (item: T, lane: Lane, done: () => void) => void;
  readonly #mayStart: (lane: Lane) => boolean;
  readonly #waiting: Record<Lane, Set<T>> = { demand: new Set(), trace: new Set(), background: new Set() };
  readonly #running: Record<Lane, number> = { demand: 0, trace: 0, background: 0 };
  #pumping = false;

  /** `mayStart`: whether something of a lane may start now; when that changes by itself, `resume` must be called. */
  constructor(
    limits: LaneLimits,
    start: (item: T, lane: Lane, done: () => void) => void,
    mayStart: (lane: Lane) => boolean = () => true,
  ) {
    this.#limits = limits;
    this.#start = start;
    this.#mayStart = mayStart;
  }

  enqueue(item: T, lane: Lane): void {
    this.#waiting[lane].add(item);
    this.#pump();
  }

  /** Moves a waiting item to a higher lane; no effect when it already runs or is not known. Returns whether it moved. */
  promote(item: T, to: Lane): boolean {
    for (const lane of LANES.slice(LANES.indexOf(to) + 1)) {
      if (this.#waiting[lane].delete(item)) {
        this.enqueue(item, to);
        return true;
      }
    }
    return false;
  }

  /** Takes a waiting item out. Returns false when it already started or was never here. */
  remove(item: T): boolean {
    return LANES.some(lane => this.#waiting[lane].delete(item));
  }

  /** Starts what may start now. */
  resume(): void {
    this.#pump();
  }

  waiting(lane: Lane): number {
    return this.#waiting[lane].size;
  }

  running(lane: Lane): number {
    return this.#running[lane];
  }

  #pump(): void {
    if (this.#pumping) return; // `start` may call `done` or `enqueue` synchronously
    this.#pumping = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) this.#run(next.item, next.lane);
    } finally {
      this.#pumping = false;
    }
  }

  #run(item: T, lane: Lane): void {
    this.#waiting[lane].delete(item);
    this.#running[lane]++;
    let finished = false;
    this.#start(item, lane, () => {
      if (finished) return;
      finished = true;
      this.#running[lane]--;
      this.#pump();
    });
  }

  #next(): { item: T; lane: Lane } | undefined {
    const total = LANES.reduce((sum, lane) => sum + this.#running[lane], 0);
    if (total >= this.#limits.total) return undefined;
    for (const lane of LANES) {
      const first = this.#waiting[lane].values().next();
      if (first.done) continue;
      // Strict priority: a higher lane at its own limit does not hold back the lower ones.
      if (this.#running[lane] >= this.#limits.perLane[lane] || !this.#mayStart(lane)) continue;
      return { item: first.value, lane };
    }
    return undefined;
  }
}
