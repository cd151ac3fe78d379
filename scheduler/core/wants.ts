// What a member's want leads to: nothing when a neighbour has the piece (neighbours tell each other), a new neighbour when
// somebody else has it, word of who fetches it, or a place in the queue for a lease.

import { LESSEE_SAMPLE, MAX_NEIGHBOURS, RECONCILE_MS, RECONCILE_SWAPS } from './config.ts';
import { bringHolder, neighbourHolds } from './holders.ts';
import { grantLate, leaseDone } from './leases.ts';
import { Member } from './member.ts';
import { attach, meetOthersWhoWant } from './neighbours.ts';
import type { LaneNumber } from './piece-queue.ts';
import type { Task } from './task.ts';
import type { Turn } from './turn.ts';

export interface WantOptions {
  readonly lane: LaneNumber;
  readonly isLate: boolean;
  /** Pieces that one member may want at a time; more are not taken. */
  readonly most: number;
}

export function want(member: Member, pieces: Iterable<number>, options: WantOptions, turn: Turn): void {
  const { task } = member;
  const isNew = member.wanted === undefined;
  let isNear = true;
  let brought: Member | undefined;
  for (const piece of pieces) {
    if (!member.wants(piece) && (member.wanted?.size ?? 0) >= options.most) break;
    // It knows better than we what it has.
    lose(member, piece, turn);
    task.want(member, piece);
    if (options.isLate) {
      if (!brought?.pieces.has(piece)) brought = provideLate(member, piece, turn);
    } else if (provide(member, piece, options.lane, turn) === 'elsewhere') isNear = false;
  }
  if (isNew && !isNear) meetOthersWhoWant(member, turn);
  turn.touched.add(task);
}

export function gain(member: Member, piece: number, turn: Turn): void {
  leaseDone(member, piece, turn);
  const { task } = member;
  task.gain(member, piece);
  task.satisfy(member, piece);
}

export function lose(member: Member, piece: number, turn: Turn): void {
  const { task } = member;
  const wasFull = member.pieces.isFull;
  if (!task.lose(member, piece) || !wasFull) return;
  // It may need those that it had no use for until now.
  task.lonely.add(member);
  turn.touched.add(task);
}

/** Somebody is no longer believed to have the piece: for a member that wants it another way is looked for. */
export function provideAgain(member: Member, piece: number, turn: Turn): void {
  if (!member.wants(piece) || member.task.queue.has(piece)) return;
  provide(member, piece, member.task.queue.lastLane(piece), turn);
  turn.touched.add(member.task);
}

/**
 * Looks at the wants of some members again, in turns: whatever went wrong or was missed since they wanted is put right
 * here. Returns how many were looked at.
 */
export function reconcile(task: Task, turn: Turn, most: number): number {
  const { items } = task.wanting;
  let seen = 0;
  for (let left = Math.min(most, items.length); left > 0; left--) {
    const member = items[task.reconcileAt % items.length];
    task.reconcileAt = (task.reconcileAt + 1) % items.length;
    if (member === undefined || turn.now - member.reconciledAt < RECONCILE_MS) continue;
    member.reconciledAt = turn.now;
    seen++;
    lookAgain(member, turn);
  }
  return seen;
}

/** `near`: a neighbour has the piece; `brought`: now one has; `elsewhere`: it is still to be fetched, or far away. */
function provide(member: Member, piece: number, lane: LaneNumber, turn: Turn): 'near' | 'brought' | 'elsewhere' {
  const { task } = member;
  const lease = task.leases.get(piece);
  if (task.isHeld(piece)) {
    if (neighbourHolds(member, piece)) return 'near';
    const holder = bringHolder(member, piece, turn);
    if (holder instanceof Member) return 'brought';
    // Whoever has it is not to be named to this member: it may fetch the piece for itself.
    if (holder === 'none' && lease === undefined) task.queue.push({ piece, lane, asker: member, forAsker: true });
  } else if (lease === undefined) {
    task.queue.push({ piece, lane, asker: member, forAsker: false });
  } else if (lease.lessee !== member) {
    if (member.isNeighbour(lease.lessee)) turn.news.fetches(member, lease.lessee, piece);
    else if (task.wanting.size <= MAX_NEIGHBOURS + 1) attach(member, lease.lessee, turn, 'any');
  }
  return 'elsewhere';
}

/** Another holder than those that the member has tried, which is returned; else a second lease. */
function provideLate(member: Member, piece: number, turn: Turn): Member | undefined {
  const { task } = member;
  const lease = task.leases.get(piece);
  const holder = task.isHeld(piece) ? bringHolder(member, piece, turn) : 'none';
  if (holder instanceof Member) return holder;
  if (!task.isHeld(piece) && lease === undefined) task.queue.push({ piece, lane: 1, asker: member, forAsker: false });
  else if (lease?.lessee !== member && lease?.second?.lessee !== member) grantLate(member, piece, turn);
  return undefined;
}

/** The wanted pieces that no neighbour has are provided for. A byte of the bitmaps at a time: eight pieces. */
function lookAgain(member: Member, turn: Turn): void {
  const { task, wanted } = member;
  if (wanted === undefined) return;
  const bytes = wanted.bytes;
  let left = LESSEE_SAMPLE;
  let swaps = RECONCILE_SWAPS;
  for (let at = 0; at < bytes.length; at++) {
    let missing = bytes[at] ?? 0;
    if (missing === 0) continue;
    for (const neighbour of member.neighbours) {
      missing &= ~(neighbour.pieces.bytes[at] ?? 0);
      if (missing === 0) break;
    }
    for (let bit = 0; missing >> bit !== 0; bit++) {
      if (((missing >> bit) & 1) === 0) continue;
      const piece = at * 8 + bit;
      if (task.queue.has(piece) || isAwaited(member, piece)) continue;
      if (provide(member, piece, task.queue.lastLane(piece), turn) === 'brought') swaps--;
      if (swaps === 0 || --left === 0) return;
    }
  }
}

/** Somebody fetches it from whom it will come: directly, or, where many want, from one neighbour to the next. */
function isAwaited(member: Member, piece: number): boolean {
  const lessee = member.task.leases.get(piece)?.lessee;
  if (lessee === undefined) return false;
  return lessee === member || member.task.wanting.size > MAX_NEIGHBOURS + 1 || member.isNeighbour(lessee);
}
