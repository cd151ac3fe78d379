// What all parts of the core are given while an event is handled: the time, chance, and where to leave word.

import type { Accusations } from './accusations.ts';
import type { Member } from './member.ts';
import { NewsDesk } from './news.ts';
import type { Task } from './task.ts';

/** Counted since the start, for whoever looks. */
export interface SchedulerTally {
  granted: number;
  done: number;
  failed: number;
  expired: number;
  /** Pieces that were leased and had to be queued again. */
  handedOver: number;
  bans: number;
}

export class Turn {
  readonly tally: SchedulerTally = { granted: 0, done: 0, failed: 0, expired: 0, handedOver: 0, bans: 0 };
  /** Monotonic ms, the event's. */
  now = 0;
  /** In [0, 1). */
  readonly random: () => number;
  readonly news = new NewsDesk();
  readonly accusations: Accusations;
  /** Tasks to grant leases in, and to mend the graph of, in the next round of flushes. */
  readonly touched = new Set<Task>();
  /** Members with the rest of a long want, in turns. */
  readonly unprovided = new Set<Member>();
  #mark = 0;

  constructor(random: () => number, accusations: Accusations) {
    this.random = random;
    this.accusations = accusations;
  }

  /** A number for `Member.mark` that no member has yet. */
  nextMark(): number {
    return ++this.#mark;
  }
}
