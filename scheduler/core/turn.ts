// What all parts of the core are given while an event is handled: the time, chance, and where to leave word.

import type { Accusations } from './accusations.ts';
import { NewsDesk } from './news.ts';
import type { Task } from './task.ts';

export class Turn {
  /** Monotonic ms, the event's. */
  now = 0;
  /** In [0, 1). */
  readonly random: () => number;
  readonly news = new NewsDesk();
  readonly accusations: Accusations;
  /** Tasks to grant leases in, and to mend the graph of, at the next flush. */
  readonly touched = new Set<Task>();
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
