// What a member's want leads to: nothing when a neighbour has the piece (neighbours tell each other), a new neighbour when
// somebody else has it, word of who fetches it, or a place in the queue for a lease.

import { PieceSet } from '../../core/index.ts';
import {
  LESSEE_SAMPLE,
  MAX_NEIGHBOURS,
  PROVIDE_AT_ONCE,
  PROVIDE_WORK,
  RECONCILE_BYTES,
  RECONCILE_MS,
  RECONCILE_SWAPS,
  RECONCILE_WORK,
  type WorkBudget,
} from './config.ts';
import { bringHolder, neighbourHolds } from './holders.ts';
import { grantLate, leaseDone } from './leases.ts';
import { Member } from './member.ts';
import { attach, meetOthersWhoWant } from './neighbours.ts';
import type { LaneNumber } from './piece-queue.ts';
import type { Task } from './task.ts';
import { pruneTree, tellTrace, waitFor } from './trace.ts';
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
  let provided = 0;
  for (const piece of pieces) {
    if (!member.wants(piece) && (member.wanted?.size ?? 0) >= options.most) break;
    // It knows better than we what it has.
    lose(member, piece, turn);
    task.want(member, piece);
    if (++provided > PROVIDE_AT_ONCE) putOff(member, piece, options.lane, turn);
    else if (options.isLate) {
      if (!brought?.pieces.has(piece)) brought = provideLate(member, piece, turn);
    } else if (provide(member, piece, options.lane, turn) === 'elsewhere') isNear = false;
  }
  if (isNew && !isNear) meetOthersWhoWant(member, turn);
  tellTrace(member, turn);
  turn.touched.add(task);
}

/** What `want` put off, some of it. Returns how many pieces were looked at. */
export function provideSome(member: Member, turn: Turn, most: number): number {
  const { unprovided } = member;
  if (unprovided === undefined || member.isGone) return 0;
  const { pieces, lane } = unprovided;
  let seen = 0;
  for (; pieces.size > 0; unprovided.at++) {
    if (seen === most) return seen;
    const piece = unprovided.at;
    if (pieces.bytes[piece >> 3] === 0) unprovided.at |= 7;
    if (!pieces.delete(piece)) continue;
    seen++;
    if (member.wants(piece)) provide(member, piece, lane, turn);
  }
  member.unprovided = undefined;
  turn.touched.add(member.task);
  return seen;
}

/** A want of a GiB is done in turns: the others are not to wait for it. Late ones are then as if they were not. */
function putOff(member: Member, piece: number, lane: LaneNumber, turn: Turn): void {
  member.unprovided ??= { pieces: new PieceSet(member.task.pieceCount), lane, at: piece };
  const { unprovided } = member;
  unprovided.pieces.add(piece);
  unprovided.at = Math.min(unprovided.at, piece);
  if (lane < unprovided.lane) unprovided.lane = lane;
  turn.unprovided.add(member);
}

export function gain(member: Member, piece: number, turn: Turn): void {
  leaseDone(member, piece, turn);
  const { task } = member;
  if (task.gain(member, piece)) pruneTree(task, piece);
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
 * here.
 */
export function reconcile(task: Task, turn: Turn, budget: WorkBudget): void {
  const { items } = task.wanting;
  for (let left = items.length; left > 0 && budget.left > 0; left--) {
    budget.left -= 0.1;
    const member = items[task.reconcileAt % items.length];
    task.reconcileAt = (task.reconcileAt + 1) % items.length;
    if (member === undefined || turn.now - member.reconciledAt < RECONCILE_MS) continue;
    member.reconciledAt = turn.now;
    lookAgain(member, turn, budget);
  }
}

/** `near`: a neighbour has the piece; `brought`: now one has; `elsewhere`: it is still to be fetched, or far away. */
function provide(member: Member, piece: number, lane: LaneNumber, turn: Turn): 'near' | 'brought' | 'elsewhere' {
  const { task } = member;
  const lease = task.leases.get(piece);
  // Somebody had it without having had to wait for it.
  if (lane === 1 && (lease !== undefined || task.isHeld(piece))) task.trace.add(piece, turn.now);
  if (task.isHeld(piece)) {
    if (neighbourHolds(member, piece)) return 'near';
    const holder = bringHolder(member, piece, turn);
    if (holder instanceof Member) return 'brought';
    // Whoever has it is not to be named to this member: it may fetch the piece for itself.
    if (holder === 'none' && lease === undefined) task.queue.push({ piece, lane, asker: member, forAsker: true });
  } else if (lease === undefined) {
    task.queue.push({ piece, lane, asker: member, forAsker: false });
  } else if (lease.lessee !== member) {
    if (member.isNeighbour(lease.lessee)) waitFor(member, lease, turn);
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
function lookAgain(member: Member, turn: Turn, budget: WorkBudget): void {
  const { task, wanted } = member;
  if (wanted === undefined) return;
  const bytes = wanted.bytes;
  budget.left -= RECONCILE_WORK + (bytes.length * member.neighbours.length) / RECONCILE_BYTES;
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
      budget.left -= PROVIDE_WORK;
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
