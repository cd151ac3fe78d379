// How many leases of a task may be under way, and how long one may take: from what the origin was seen to do. Few at a
// time make the first pieces whole, and so swappable, early; too few leave the origin idle. Twice what it needs is
// rate × shortest time of a lease × 2, as TCP's BBR does it: it doubles in each round until the origin is full.

import {
  FAR_MS,
  FIRST_DEADLINE_MS,
  FIRST_LEASES,
  FIRST_LEASES_ALONE,
  MAX_DEADLINE_MS,
  MAX_LEASES,
  MAX_LEASES_ALONE,
  MIN_DEADLINE_MS,
  MIN_LEASES,
  MIN_LEASES_DEMANDED,
  PACE_WINDOW_MS,
} from './config.ts';

/** What a lease remembers from its beginning. */
export interface PaceStamp {
  readonly at: number;
  /** Leases that were done by then. */
  readonly done: number;
}

/** Leases under way while the shortest time is measured anew: they hardly wait for each other. */
const PROBE_LEASES = 2;
/** The rate is that of so many leases in a row at least: of fewer that end together it would be anything. */
const RATE_SPAN = 8;
/** Longest factor on deadlines after leases that were late but came. */
const MAX_PATIENCE = 8;

export class OriginPace {
  #done = 0;
  /** When the last were done; before there were so many, the first began. */
  readonly #doneAt: number[] = [];
  /** Leases per ms, the highest of this half of the window and of the one before. */
  #rate = 0;
  #rateBefore = 0;
  #rateSince = -Infinity;
  /** ms; the shortest of the window. */
  #shortest = Infinity;
  #shortestAt = -Infinity;
  /** When the shortest time got too old: few leases then show what the origin does when it has no queue. */
  #probingSince: number | undefined;
  /** Halved when the origin asks for rest, then growing again: as TCP does. */
  #ceiling = MAX_LEASES_ALONE;
  #mean = 0;
  #deviation = 0;
  #patience = 1;

  begin(now: number): PaceStamp {
    if (this.#probingSince === undefined && this.#shortest !== Infinity && now - this.#shortestAt > PACE_WINDOW_MS) {
      this.#probingSince = now;
    }
    if (this.#doneAt.length === 0) this.#doneAt.push(now);
    return { at: now, done: this.#done };
  }

  done(stamp: PaceStamp, now: number): void {
    this.#done++;
    // Clocks tick in whole or tenths of ms; a lease takes longer than none.
    const took = Math.max(0.1, now - stamp.at);
    this.#measureRate(Math.min((this.#done - stamp.done) / took, this.#recentRate(now)), now);
    if (this.#probingSince !== undefined && stamp.at > this.#probingSince) {
      this.#probingSince = undefined;
      this.#shortest = Infinity;
    }
    if (took <= this.#shortest) {
      this.#shortest = took;
      this.#shortestAt = now;
    }
    this.#ceiling = Math.min(MAX_LEASES_ALONE, this.#ceiling + 1 / this.#ceiling);
    if (this.#mean === 0) {
      this.#mean = took;
      this.#deviation = took / 2;
      return;
    }
    this.#deviation += (Math.abs(took - this.#mean) - this.#deviation) / 4;
    this.#mean += (took - this.#mean) / 8;
  }

  /** The origin asked for rest (429, 503). */
  slowDown(isAlone: boolean): void {
    this.#ceiling = Math.max(1, Math.floor(this.limit(isAlone) / 2));
  }

  /** A lease came after its deadline: deadlines were too short. */
  wasHasty(): void {
    this.#patience = Math.min(MAX_PATIENCE, this.#patience * 2);
  }

  /** Leases that may be under way now, when the next is for one who waits for much (others want to swap it), or not. */
  limit(isAlone: boolean, demandsMuch = false): number {
    const isOfCrowd = demandsMuch && !isAlone;
    const most = Math.min(isAlone ? MAX_LEASES_ALONE : MAX_LEASES, Math.floor(this.#ceiling));
    const least = Math.min(isOfCrowd ? MIN_LEASES_DEMANDED : MIN_LEASES, most);
    if (this.#shortest === Infinity) return Math.min(most, firstLeases(isAlone, demandsMuch));
    if (this.#probingSince !== undefined) return Math.min(PROBE_LEASES, most);
    const rate = Math.max(this.#rate, this.#rateBefore);
    // On a slow link the shortest lease, too, has shared it with others: taken for the way to the origin, it makes them more
    // and more. So for a crowd a lease is taken for one that is alone on the link, and FAR_MS away.
    const needed = Math.round(2 * rate * (isOfCrowd ? Math.min(this.#shortest, 1 / rate + FAR_MS) : this.#shortest));
    return Math.min(most, Math.max(least, needed));
  }

  /** ms from its beginning after which a lease is given to another: four times what nearly all take. */
  get deadlineMs(): number {
    if (this.#mean === 0) return FIRST_DEADLINE_MS * this.#patience;
    const usual = 4 * (this.#mean + 4 * this.#deviation) * this.#patience;
    return Math.round(Math.min(MAX_DEADLINE_MS, Math.max(MIN_DEADLINE_MS, usual)));
  }

  /** ms; 0 before anything was measured. */
  get usualMs(): number {
    return this.#mean;
  }

  /** Leases per ms, of the last ones. */
  #recentRate(now: number): number {
    const [oldest = now] = this.#doneAt;
    const rate = this.#doneAt.length / Math.max(0.1, now - oldest);
    this.#doneAt.push(now);
    if (this.#doneAt.length > RATE_SPAN) this.#doneAt.shift();
    return rate;
  }

  #measureRate(rate: number, now: number): void {
    if (now - this.#rateSince > PACE_WINDOW_MS / 2) {
      this.#rateBefore = now - this.#rateSince > PACE_WINDOW_MS ? 0 : this.#rate;
      this.#rate = 0;
      this.#rateSince = now;
    }
    this.#rate = Math.max(this.#rate, rate);
  }
}

function firstLeases(isAlone: boolean, demandsMuch: boolean): number {
  if (!demandsMuch) return FIRST_LEASES;
  return isAlone ? FIRST_LEASES_ALONE : MIN_LEASES_DEMANDED;
}
