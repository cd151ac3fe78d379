// What follows from many events together: neighbours, leases, and word of both. A flush does a bounded amount of it, those
// first who have waited longest, and leaves the rest to the next; what comes up within a few ms is taken together, so that
// it shares messages.

import type { SchedulerMessageProperties } from '../../proto/index.ts';
import {
  EXPIRE_WORK,
  FLUSH_WORK,
  GRANT_WORK,
  GRANTS_IN_TURN,
  MEND_WORK,
  MENDS_IN_TURN,
  PROVIDE_WORK,
  PROVIDES_IN_TURN,
  ROUND_MS,
  TICK_WORK,
  type WorkBudget,
} from './config.ts';
import { expireLeases, grantLeases } from './leases.ts';
import type { Member } from './member.ts';
import { mendGraph } from './neighbours.ts';
import type { Task } from './task.ts';
import type { Turn } from './turn.ts';
import { provideSome, reconcile } from './wants.ts';

export class Rounds {
  readonly #turn: Turn;
  /** With how many members in need of neighbours are to be looked at: who loses one meanwhile comes later. */
  readonly #toMend = new Map<Task, number>();
  readonly #toGrant = new Set<Task>();
  #begunAt = -Infinity;
  /** Tasks in which something is leased or waits, or did a moment ago; and those in which something is wanted. */
  readonly #leasing = new Set<Task>();
  readonly #wanting = new Set<Task>();

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** The last flush left something. */
  get isBehind(): boolean {
    return this.#toMend.size + this.#toGrant.size + this.#turn.unprovided.size + this.#turn.news.left > 0;
  }

  forget(task: Task): void {
    this.#toMend.delete(task);
    this.#toGrant.delete(task);
    this.#leasing.delete(task);
    this.#wanting.delete(task);
    this.#turn.touched.delete(task);
  }

  flush(send: (member: Member, message: SchedulerMessageProperties) => void): void {
    const { news, now } = this.#turn;
    if (!this.isBehind || now - this.#begunAt >= ROUND_MS) this.#begin();
    // None of the three is to wait for the others, and what is decided is not to wait for what is to be told.
    const share = FLUSH_WORK / 6;
    const budget = { left: share };
    this.#provide(budget);
    budget.left = Math.max(0, budget.left) + share;
    this.#mend(budget);
    budget.left = Math.max(0, budget.left) + share;
    this.#grant(budget);
    budget.left = Math.max(0, budget.left) + FLUSH_WORK / 2;
    if (news.left === 0) news.beginRound();
    news.deliver(budget, send);
  }

  tick(): void {
    this.#expire({ left: TICK_WORK / 2 });
    const budget = { left: TICK_WORK / 2 };
    forSome(this.#wanting, budget, task => {
      reconcile(task, this.#turn, budget);
      if (task.queue.size > 0) this.#turn.touched.add(task);
      return task.wanting.size > 0;
    });
  }

  #begin(): void {
    const { touched, now } = this.#turn;
    this.#begunAt = now;
    for (const task of touched) {
      if (task.lonely.size > 0) this.#toMend.set(task, task.lonely.size);
      if (task.queue.size > 0) this.#toGrant.add(task);
      if (task.queue.size + task.leases.size > 0) this.#leasing.add(task);
      if (task.wanting.size > 0) this.#wanting.add(task);
    }
    touched.clear();
  }

  #provide(budget: WorkBudget): void {
    forSome(this.#turn.unprovided, budget, member => {
      budget.left -= PROVIDE_WORK * provideSome(member, this.#turn, PROVIDES_IN_TURN);
      return member.unprovided !== undefined;
    });
  }

  #mend(budget: WorkBudget): void {
    for (const [task, left] of this.#toMend) {
      if (budget.left <= 0) return;
      this.#toMend.delete(task);
      const mended = mendGraph(task, this.#turn, Math.min(left, MENDS_IN_TURN));
      budget.left -= MEND_WORK * mended;
      if (mended > 0 && mended < left) this.#toMend.set(task, left - mended);
    }
  }

  #grant(budget: WorkBudget): void {
    forSome(this.#toGrant, budget, task => {
      const seen = grantLeases(task, this.#turn, GRANTS_IN_TURN);
      budget.left -= 1 + GRANT_WORK * seen;
      if (task.leases.size > 0) this.#leasing.add(task);
      return seen >= GRANTS_IN_TURN;
    });
  }

  #expire(budget: WorkBudget): void {
    forSome(this.#leasing, budget, task => {
      budget.left -= EXPIRE_WORK.task + EXPIRE_WORK.lease * task.leases.size;
      expireLeases(task, this.#turn);
      // Who rested may go on, a hold may be over.
      if (task.queue.size > 0) this.#turn.touched.add(task);
      return task.leases.size + task.queue.size > 0;
    });
  }
}

/** Each at most once, while there is budget; stays in the set, behind the others, while `act` says so. */
function forSome<T>(items: Set<T>, budget: WorkBudget, act: (item: T) => boolean): void {
  let left = items.size;
  for (const item of items) {
    if (left-- === 0 || budget.left <= 0) return;
    items.delete(item);
    if (act(item)) items.add(item);
  }
}
