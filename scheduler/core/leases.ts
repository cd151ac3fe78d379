// Who fetches what from the origin. One lease for each piece, so that the origin sends it once; consecutive pieces to
// different members (scatter), so that a flash crowd has all of them after one copy went over the origin's link. A lease
// that fails or is late goes to another.

import { WireLeaseFailure } from '../../proto/index.ts';
import {
  EXPIRED_REST_MS,
  HOLD_MS,
  LATE_AFTER_MS,
  LATE_FACTOR,
  LATE_FREE,
  LATE_SHARE,
  LATE_SHARE_OF_SHAKY,
  LATE_TRICKLE_MS,
  MAX_HOLD_MS,
  MAX_LEASES_ALONE,
  MAX_NEIGHBOURS,
  MAX_PUT_ASIDE,
  MAX_REST_MS,
  NOT_FOUND_REST_MS,
  PROVING_MS,
  REST_MS,
} from './config.ts';
import { bringHolder, neighbourHolds } from './holders.ts';
import { chooseLessee, chooseStandIn, isShaky, waitsForLittle } from './lessee.ts';
import type { Member } from './member.ts';
import { attach } from './neighbours.ts';
import type { PaceStamp } from './origin-pace.ts';
import type { LaneNumber, QueuedPiece } from './piece-queue.ts';
import type { Task } from './task.ts';
import { foretell } from './trace.ts';
import type { Turn } from './turn.ts';

export interface Lease {
  readonly piece: number;
  readonly lessee: Member;
  readonly lane: LaneNumber;
  readonly asker: Member;
  /** The asker reads here and there, so the piece goes along a tree (trace.ts). */
  readonly isForLittle: boolean;
  readonly stamp: PaceStamp;
  readonly deadlineAt: number;
  /** A second one, because somebody waited too long for the first; and when the last such was given. */
  second: { readonly lessee: Member; readonly stamp: PaceStamp } | undefined;
  secondAt: number;
}

const DEMAND: LaneNumber = 1;

/**
 * Gives leases for what is wanted, as many as the origin can do with. Looks at so many of the queued pieces (where somebody
 * is alone: at those of a run) and returns at how many: at fewer when nothing more can be done now.
 */
export function grantLeases(task: Task, turn: Turn, most: number): number {
  if (turn.now < task.holdUntil || task.queue.size === 0) return 0;
  const isAlone = isForOne(task, turn.now);
  const limit = task.pace.limit(isAlone);
  // One who is alone gets runs, which it asks for in one range, instead of piece after piece.
  if (isAlone && task.leases.size > limit / 2) return 0;
  const aside: QueuedPiece<Member>[] = [];
  let seen = 0;
  // A run is given at once: the rule above would end it in the middle.
  const end = isAlone ? MAX_LEASES_ALONE : most;
  while (seen < end && task.leases.size < limit && aside.length < MAX_PUT_ASIDE) {
    const entry = task.queue.next();
    if (entry === undefined) break;
    const isOfMuch = entry.lane === DEMAND && !waitsForLittle(entry.asker);
    if (isOfMuch && task.leases.size >= task.pace.limit(isAlone, true)) {
      aside.push(entry);
      break;
    }
    seen++;
    if (grant(task, entry, turn) === 'nobody-now') aside.push(entry);
  }
  for (const entry of aside.reverse()) task.queue.pushFirst(entry);
  return seen;
}

/** Is what is fetched for one only, or for one that the others are behind? Nobody waits to swap, then. */
export function isForOne({ wanting, followers, trace }: Task, now: number): boolean {
  const [only] = wanting.items;
  if (only === undefined || wanting.size > 1) return false;
  return followers === Number(only.follows) || !trace.isStarting(now);
}

/**
 * `member` has waited too long for a piece that another fetches, or that its neighbours are said to have: a second lease,
 * if it is time for one and the task has not had too many. Congestion alone must not send the origin's bytes twice. What
 * only those are said to have who never brought anybody anything is not believed for longer than that: it is not counted.
 */
export function grantLate(member: Member, piece: number, turn: Turn): void {
  const { task } = member;
  const { now } = turn;
  const lease = task.leases.get(piece);
  const share = isOnlyAtShaky(member, piece, lease, now) ? LATE_SHARE_OF_SHAKY : LATE_SHARE;
  const allowance =
    LATE_FREE + Math.floor(share * task.leasesEver) + Math.floor((now - task.createdAt) / LATE_TRICKLE_MS);
  const isYoung = now - task.createdAt < PROVING_MS;
  const isCounted = isYoung || lease !== undefined || task.findHolder(piece, isProven) !== undefined;
  if (now < task.holdUntil || (isCounted && task.lateLeases >= allowance)) return;
  // Just fetched, it is on its way to those who wait, one after the other.
  const since = lease === undefined ? task.fetchedAt(piece) : Math.max(lease.stamp.at, lease.secondAt);
  const patience = Math.max(LATE_AFTER_MS, LATE_FACTOR * task.pace.usualMs);
  if (lease?.second !== undefined || now - since < patience) return;
  // Who waits gets it: the way from it to the first lessee may be what is broken.
  const lessee =
    member.mayFetch(now) && lease?.lessee !== member
      ? member
      : chooseLessee(task, { piece, lane: 1, asker: member, except: lease?.lessee }, turn).lessee;
  if (lessee === undefined) return;
  if (isCounted) task.lateLeases++;
  if (lease === undefined) {
    begin(task, { piece, lane: 1, asker: member }, lessee, turn);
    return;
  }
  lease.second = { lessee, stamp: task.pace.begin(now) };
  lease.secondAt = now;
  // The others still wait at the first one, who may be sending it to them: sent on, they would have it sent twice.
  give(task, piece, lessee, turn);
  if (lessee !== member) turn.news.fetches(member, lessee, piece);
}

/** Has, or fetches, the piece nobody that the member knows but nodes that failed others lately? */
function isOnlyAtShaky(member: Member, piece: number, lease: Lease | undefined, now: number): boolean {
  if (lease !== undefined) return isShaky(lease.lessee, now);
  const holders = member.neighbours.filter(neighbour => neighbour.pieces.has(piece));
  return holders.length > 0 && holders.every(holder => isShaky(holder, now));
}

/** Has it shown that there is something behind what it says: served another, or been sent to the origin? */
function isProven(holder: Member): boolean {
  return holder.node.servedPieces > 0 || holder.leasesEver > 0;
}

/** A member has a piece. If it had the lease of it, that is done. */
export function leaseDone(member: Member, piece: number, turn: Turn): void {
  const { task } = member;
  if (task.overdue.size > 0) {
    if (task.overdue.get(piece) === member) task.pace.wasHasty();
    task.overdue.delete(piece);
  }
  if (task.leases.size === 0) return;
  const lease = task.leases.get(piece);
  if (lease === undefined) return;
  const { second } = lease;
  if (lease.lessee === member) {
    task.pace.done(lease.stamp, turn.now);
    end(task, lease);
  } else if (second?.lessee === member) {
    // The first one still loads the origin, so it goes on counting until it is done or its time is up.
    task.pace.done(second.stamp, turn.now);
    endSecond(lease);
  } else return;
  task.fetched(piece, turn.now);
  turn.tally.done++;
  member.failuresInRow = 0;
  turn.touched.add(task);
}

export interface LeaseFailureReport {
  readonly pieces: ReadonlySet<number>;
  /** As on the wire. */
  readonly reason: number;
  /** ms; 0 when the origin did not say. */
  readonly retryAfterMs: number;
}

export function leaseFailed(member: Member, failure: LeaseFailureReport, turn: Turn): void {
  const { task } = member;
  const failed = giveBack(member, turn, lease => failure.pieces.has(lease.piece));
  if (failure.reason === WireLeaseFailure.LEASE_FAILED_UNAUTHORIZED) {
    member.isUnauthorized = true;
    giveBack(member, turn, () => true);
    return;
  }
  turn.tally.failed += failed;
  // Only who was sent to the origin knows how it is.
  if (failed === 0) return;
  switch (failure.reason) {
    case WireLeaseFailure.LEASE_FAILED_BUSY:
      hold(task, failure.retryAfterMs, turn);
      return;
    case WireLeaseFailure.LEASE_FAILED_NOT_FOUND:
      rest(member, NOT_FOUND_REST_MS, turn);
      return;
    default:
      rest(member, REST_MS * 2 ** Math.min(member.failuresInRow, 16), turn);
  }
}

/** Leases whose deadline has passed go to others. */
export function expireLeases(task: Task, turn: Turn): void {
  const late: Lease[] = [];
  for (const lease of task.leases.values()) if (lease.deadlineAt <= turn.now) late.push(lease);
  for (const lease of late.reverse()) {
    const { lessee, piece } = lease;
    end(task, lease);
    turn.news.leaseEnded(lessee, piece);
    turn.tally.expired++;
    lessee.node.hasFailed(1, turn.now);
    rest(lessee, EXPIRED_REST_MS, turn);
    task.overdue.set(piece, lessee);
    requeue(task, lease, turn);
  }
  if (late.length > 0) turn.touched.add(task);
}

/** All leases of a member that leaves. */
export function leaveLeases(member: Member, turn: Turn): void {
  giveBack(member, turn, () => true);
  for (const [piece, lessee] of member.task.overdue) if (lessee === member) member.task.overdue.delete(piece);
}

function grant(task: Task, entry: QueuedPiece<Member>, turn: Turn): 'done' | 'nobody-now' {
  const { piece, asker } = entry;
  if (task.leases.has(piece)) return 'done';
  if (entry.forAsker) {
    if (asker.isGone || !asker.wants(piece)) return 'done';
    const lessee = asker.mayFetch(turn.now) ? asker : chooseStandIn(asker, undefined, turn);
    if (lessee === undefined) return 'nobody-now';
    begin(task, entry, lessee, turn);
    return 'done';
  }
  if (task.isHeld(piece)) {
    // It turned up while the piece waited for its turn.
    if (!asker.isGone && asker.wants(piece) && !neighbourHolds(asker, piece)) bringHolder(asker, piece, turn);
    return 'done';
  }
  const choice = chooseLessee(task, { piece, lane: entry.lane, asker, except: undefined }, turn);
  if (!choice.isWanted) return 'done';
  if (choice.lessee === undefined) return 'nobody-now';
  begin(task, entry, choice.lessee, turn);
  return 'done';
}

function begin(
  task: Task,
  what: { readonly piece: number; readonly lane: LaneNumber; readonly asker: Member },
  lessee: Member,
  turn: Turn,
): void {
  const { piece, lane, asker } = what;
  const { now } = turn;
  const stamp = task.pace.begin(now);
  const deadlineAt = now + task.pace.deadlineMs;
  const isForLittle = lane === DEMAND && waitsForLittle(asker);
  const lease = { piece, lessee, lane, asker, isForLittle, stamp, deadlineAt, second: undefined, secondAt: -Infinity };
  task.leases.set(piece, lease);
  tellOf(task, { piece, lessee, isForLittle }, turn);
  if (lane === DEMAND) foretell(lessee, { piece, asker, isForLittle }, turn);
}

function give(task: Task, piece: number, lessee: Member, turn: Turn): void {
  task.leasesEver++;
  turn.tally.granted++;
  lessee.leases++;
  lessee.leasesEver++;
  turn.news.leased(lessee, piece, task.pace.deadlineMs);
}

/** Gives it to the lessee, and tells its neighbours whom to ask. */
function tellOf(
  task: Task,
  { piece, lessee, isForLittle }: { readonly piece: number; readonly lessee: Member; readonly isForLittle: boolean },
  turn: Turn,
): void {
  give(task, piece, lessee, turn);
  const knowEachOther = task.members.size <= MAX_NEIGHBOURS + 1;
  if (!knowEachOther && task.wanting.size <= MAX_NEIGHBOURS + 1) meetWaiters(lessee, piece, turn);
  for (const neighbour of lessee.neighbours) {
    if (neighbour.pieces.has(piece)) continue;
    // In a crowd of few all will want it in a moment. Otherwise most never do, or get it along its tree (trace.ts): who
    // has not said so yet is told when it does.
    if ((knowEachOther && !isForLittle) || neighbour.wants(piece)) turn.news.fetches(neighbour, lessee, piece);
  }
}

/** Few want something among many members: they may all know each other, and who waits for a lease its lessee. */
function meetWaiters(lessee: Member, piece: number, turn: Turn): void {
  for (const waiter of lessee.task.wanting.items) {
    if (waiter !== lessee && waiter.wants(piece)) attach(waiter, lessee, turn, 'any');
  }
}

function end(task: Task, lease: Lease): void {
  task.leases.delete(lease.piece);
  lease.lessee.leases--;
  endSecond(lease);
}

function endSecond(lease: Lease): void {
  if (lease.second === undefined) return;
  lease.second.lessee.leases--;
  lease.second = undefined;
}

/** Takes leases from their lessee, for others. Returns how many. */
function giveBack(member: Member, turn: Turn, which: (lease: Lease) => boolean): number {
  if (member.leases === 0) return 0;
  const { task } = member;
  const given: Lease[] = [];
  let seconds = 0;
  for (const lease of task.leases.values()) {
    if (!which(lease)) continue;
    if (lease.lessee === member) given.push(lease);
    if (lease.second?.lessee === member) {
      endSecond(lease);
      turn.news.leaseEnded(member, lease.piece);
      seconds++;
    }
  }
  for (const lease of given.reverse()) {
    end(task, lease);
    turn.news.leaseEnded(member, lease.piece);
    requeue(task, lease, turn);
  }
  if (given.length > 0) turn.touched.add(task);
  return given.length + seconds;
}

function requeue(task: Task, { piece, lane, asker }: Lease, turn: Turn): void {
  if (task.isHeld(piece)) return;
  turn.tally.handedOver++;
  task.queue.pushFirst({ piece, lane, asker, forAsker: false });
}

/** Longer with each failure in a row; not all come back at the same time. */
function rest(member: Member, ms: number, turn: Turn): void {
  member.failuresInRow++;
  const jitter = 0.75 + turn.random() / 2;
  member.restUntil = Math.max(member.restUntil, turn.now + Math.min(MAX_REST_MS, ms) * jitter);
}

function hold(task: Task, retryAfterMs: number, turn: Turn): void {
  const holdMs = Math.min(MAX_HOLD_MS, retryAfterMs > 0 ? retryAfterMs : HOLD_MS);
  // Others under way meet the same answer; one of them is enough to slow down.
  if (turn.now >= task.holdUntil) task.pace.slowDown(isForOne(task, turn.now));
  if (turn.now + holdMs <= task.holdUntil) return;
  task.holdUntil = turn.now + holdMs;
  for (const member of task.wanting.items) turn.news.originRests(member, holdMs);
}
