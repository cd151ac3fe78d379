// This node's reports to one scheduler: leased pieces in the turn of the event loop in which they came, everything else
// when the scheduler asked to hear of it.

import type { Clock } from '../../core/index.ts';
import { type NodeMessageProperties, peerIdToBytes } from '../../proto/index.ts';
import type { SchedulerLink } from './link.ts';
import { type NodeTask, NUMBERS_PER_MESSAGE, type ServedSample, type TaskReport } from './task.ts';

/** What this node's upload side has to do. */
export interface UploadLoad {
  readonly queueLength: number;
  readonly freeSlots: number;
}

/** Parents of a report: more than a node has; what is too much is left out, it is for ranking only. */
const MAX_PARENTS = 256;

/** Equal to no load there is. */
const NOTHING_SAID: UploadLoad = { queueLength: -1, freeSlots: -1 };

type Report = NonNullable<NodeMessageProperties['report']>;

export class Reports {
  readonly #link: SchedulerLink;
  readonly #clock: Clock;
  readonly #load: () => UploadLoad;
  readonly #changed = new Set<NodeTask>();
  readonly #served = new Map<string, ServedSample>();
  #said = NOTHING_SAID;
  #urgent: NodeJS.Immediate | undefined;

  constructor(link: SchedulerLink, clock: Clock, load: () => UploadLoad) {
    this.#link = link;
    this.#clock = clock;
    this.#load = load;
  }

  onChanged(task: NodeTask, how: 'now' | 'soon'): void {
    this.#changed.add(task);
    if (how === 'now') this.#urgent ??= setImmediate(() => this.#send());
  }

  onServed(peerId: string, { pieces, ms, failures }: ServedSample): void {
    const known = this.#served.get(peerId);
    if (known === undefined && this.#served.size >= MAX_PARENTS) return;
    const sum = known ?? { pieces: 0, ms: 0, failures: 0 };
    this.#served.set(peerId, {
      pieces: sum.pieces + pieces,
      ms: sum.ms + ms,
      failures: sum.failures + failures,
    });
  }

  /** A task that left, or moved to another scheduler. */
  forget(task: NodeTask): void {
    this.#changed.delete(task);
  }

  /** While the link is up. Rejects when the signal fires. */
  async run(signal: AbortSignal): Promise<never> {
    this.#said = NOTHING_SAID;
    this.#served.clear();
    try {
      for (;;) {
        await this.#clock.sleep(this.#link.reportIntervalMs, { signal });
        const { queueLength, freeSlots } = this.#load();
        const isNew = this.#said.queueLength !== queueLength || this.#said.freeSlots !== freeSlots;
        if (isNew || this.#changed.size > 0 || this.#served.size > 0) this.#send();
      }
    } finally {
      clearImmediate(this.#urgent);
      this.#urgent = undefined;
      this.#changed.clear();
    }
  }

  #send(): void {
    clearImmediate(this.#urgent);
    this.#urgent = undefined;
    const load = this.#load();
    this.#said = load;
    const parents = [...this.#served].map(([peerId, { pieces, ms, failures }]) => ({
      peerId: peerIdToBytes(peerId),
      pieces,
      milliseconds: Math.round(ms),
      failures,
    }));
    this.#served.clear();
    let report: Report & { tasks: TaskReport[] } = { ...load, parents, tasks: [] };
    let numbers = 0;
    for (const task of this.#changed) {
      for (const part of task.takeReport()) {
        const length = numbersIn(part);
        if (numbers + length > NUMBERS_PER_MESSAGE) {
          this.#link.send({ report });
          report = { ...load, tasks: [] };
          numbers = 0;
        }
        report.tasks.push(part);
        // A task with one change takes as many bytes as four numbers.
        numbers += length + 4;
      }
    }
    this.#changed.clear();
    this.#link.send({ report });
  }
}

function numbersIn(part: TaskReport): number {
  const lists = [part.piecesGained, part.piecesLost, part.chunksGained, part.chunksLost];
  return lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
}
