// The trace of a task: the pieces that somebody had to wait for, in the order in which they were needed. Nodes that run the
// same image need the same next, so whoever follows fetches them before it has to wait. Here is what is known of it, and
// who is told of a piece at once; the others are told when they next want something.

import type { Member } from './member.ts';
import type { Turn } from './turn.ts';

/** Pieces of a trace at most: 1 GiB, more than any start reads. What is needed later is only not foretold. */
export const MAX_TRACE = 16_384;

export class Trace {
  readonly #pieces: number[] = [];
  readonly #known = new Set<number>();

  get length(): number {
    return this.#pieces.length;
  }

  add(piece: number): void {
    if (this.#known.has(piece) || this.#pieces.length >= MAX_TRACE) return;
    this.#known.add(piece);
    this.#pieces.push(piece);
  }

  /** From this position on, so many. */
  from(at: number, most: number): readonly number[] {
    return this.#pieces.slice(at, at + most);
  }
}

/** It says that it follows, or does so no more. */
export function follow(member: Member, follows: boolean, turn: Turn): void {
  if (member.follows !== follows) member.task.followers += follows ? 1 : -1;
  member.follows = follows;
  member.traceAt = 0;
  tellTrace(member, turn);
}

/** What it was not told yet. */
export function tellTrace(member: Member, turn: Turn): void {
  if (member.follows && member.traceAt < member.task.trace.length) turn.news.hasTrace(member);
}
