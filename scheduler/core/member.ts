// A node's part in one task, and bags of members that give a random one, take one and lose one at once.

import type { PieceSet } from '../../core/index.ts';
import type { News } from './news.ts';
import type { NodeState } from './node.ts';
import type { LaneNumber } from './piece-queue.ts';
import type { Task } from './task.ts';

export class Member {
  readonly node: NodeState;
  readonly task: Task;
  readonly handle: number;
  /** May be the task's one full or empty set, which are shared: changed through Task only. */
  pieces: PieceSet;
  /** Undefined while there are none: most nodes keep the blob's bytes or nothing. */
  chunks: PieceSet | undefined;
  /** Undefined while nothing is wanted. */
  wanted: PieceSet | undefined;
  /** The rest of a long want, for which nothing was done yet. */
  unprovided: { readonly pieces: PieceSet; lane: LaneNumber; at: number } | undefined;
  readonly neighbours: Member[] = [];
  readonly reachesOrigin: boolean;
  /** The origin does not let this node read the task. */
  isUnauthorized = false;
  /** No leases until then; and how often in a row they failed. */
  restUntil = 0;
  failuresInRow = 0;
  /** Leases under way, and all there were. */
  leases = 0;
  leasesEver = 0;
  /** Copies that it was chosen to pass on of what others fetch. */
  relaysEver = 0;
  /** Readers are there: it fetches what the trace says, of which it was told so much. */
  follows = false;
  traceAt = 0;
  reconciledAt = 0;
  /** Neighbours swapped in the second that began then. */
  swaps = 0;
  swapsSince = 0;
  /** What it is to be told with the next flush. */
  news: News | undefined;
  isGone = false;
  /** To see each member once in a walk over several bags. */
  mark = 0;
  /** Positions in the task's bags, -1 when not in it. */
  atAll = -1;
  atWanting = -1;
  atRegion = -1;
  atZone = -1;
  atRack = -1;
  atWhole = -1;

  constructor(
    node: NodeState,
    task: Task,
    joined: {
      readonly handle: number;
      readonly pieces: PieceSet;
      readonly chunks: PieceSet | undefined;
      readonly reachesOrigin: boolean;
    },
  ) {
    this.node = node;
    this.task = task;
    this.handle = joined.handle;
    this.pieces = joined.pieces;
    this.chunks = joined.chunks;
    this.reachesOrigin = joined.reachesOrigin;
  }

  isNeighbour(other: Member): boolean {
    return this.neighbours.includes(other);
  }

  wants(piece: number): boolean {
    return this.wanted?.has(piece) ?? false;
  }

  mayFetch(now: number): boolean {
    return this.reachesOrigin && !this.isUnauthorized && this.restUntil <= now;
  }
}

type BagName = 'atAll' | 'atWanting' | 'atRegion' | 'atZone' | 'atRack' | 'atWhole';

/** Members in no order. Each knows its position, so that nothing is ever searched. */
export class MemberBag {
  readonly items: Member[] = [];
  readonly #at: BagName;

  constructor(at: BagName) {
    this.#at = at;
  }

  get size(): number {
    return this.items.length;
  }

  add(member: Member): void {
    if (member[this.#at] >= 0) return;
    member[this.#at] = this.items.length;
    this.items.push(member);
  }

  delete(member: Member): void {
    const at = member[this.#at];
    if (at < 0) return;
    member[this.#at] = -1;
    const last = this.items.pop();
    if (last === undefined || last === member) return;
    this.items[at] = last;
    last[this.#at] = at;
  }

  pick(random: () => number): Member | undefined {
    return this.items[Math.floor(random() * this.items.length)];
  }
}
