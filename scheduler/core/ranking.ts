// How good a parent somebody would be: a pure function, so that its weights can be read, tested and argued about. The
// scheduler uses it to choose neighbours and holders; a child then chooses among its neighbours by what it measures.

import type { Distance } from './place.ts';

export interface ParentFacts {
  /** How much of what the child needs is there, 0 to 1. */
  readonly holds: number;
  /** As last reported. */
  readonly uploadSlots: number;
  readonly freeSlots: number;
  /** Pieces that wait there to be sent. */
  readonly queueLength: number;
  readonly distance: Distance;
  readonly isSeed: boolean;
  /** Pieces per second that children were served with lately; 0 when nobody was. */
  readonly rate: number;
  /** Failures that children met lately; fades. */
  readonly failures: number;
  readonly isBanned: boolean;
}

/**
 * Sum 1. What is there counts most: a near node without pieces helps nobody. Load (slots, queue) comes before nearness,
 * because inside a data centre a busy neighbour in the rack is slower than a free one next door. A measured rate weighs
 * as much as labels, which only guess it. That a host is a seed breaks ties.
 */
export const PARENT_WEIGHTS = { holds: 0.3, slots: 0.2, queue: 0.15, nearness: 0.15, rate: 0.15, seed: 0.05 } as const;

/** Same rack, zone, region, elsewhere. The largest step is where traffic begins to cost money. */
const NEARNESS = [1, 0.8, 0.5, 0] as const;
/** A queue of so many pieces (1 MiB) is half as good as none. */
const QUEUE_HALF = 16;
/** A rate of so many pieces per second (4 MiB/s) is worth half. */
const RATE_HALF = 64;
/** Of a node that has not served anybody yet: better than a slow one, worse than a fast one. */
const RATE_UNKNOWN = 0.5;

/** Higher is better, at most 1; each failure divides it; -Infinity for who must not be chosen. */
export function rankParent(facts: ParentFacts): number {
  if (facts.isBanned) return -Infinity;
  const w = PARENT_WEIGHTS;
  const sum =
    w.holds * facts.holds +
    w.slots * (facts.uploadSlots > 0 ? Math.min(1, facts.freeSlots / facts.uploadSlots) : 0) +
    w.queue * (QUEUE_HALF / (QUEUE_HALF + facts.queueLength)) +
    w.nearness * NEARNESS[facts.distance] +
    w.rate * (facts.rate > 0 ? facts.rate / (facts.rate + RATE_HALF) : RATE_UNKNOWN) +
    w.seed * (facts.isSeed ? 1 : 0);
  return sum / (1 + facts.failures);
}
