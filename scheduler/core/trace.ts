// The trace of a task: the pieces that somebody had to wait for, in the order in which they were needed. Nodes that run the
// same image need the same next, so whoever follows fetches them before it has to wait. Here is what is known of it, and
// who is told of a piece at once; the others are told when they next want something.

import { CHAIN_MEMBERS, MAX_NEIGHBOURS, PASSES_ON, SPREAD_AT } from './config.ts';
import type { Lease } from './leases.ts';
import { copiesEver, followersOf } from './lessee.ts';
import type { Member } from './member.ts';
import type { Task } from './task.ts';
import type { Turn } from './turn.ts';

/** Trees of a task at most: of its latest pieces, 32 MiB. */
export const MAX_TREES = 512;
/** Nodes of a flash crowd begin within so long of each other. */
const STARTING_MS = 500;
/** Pieces of a trace at most: 1 GiB, more than any start reads. What is needed later is only not foretold. */
export const MAX_TRACE = 16_384;

export class Trace {
  readonly #pieces: number[] = [];
  readonly #known = new Set<number>();
  #since: number | undefined;

  get length(): number {
    return this.#pieces.length;
  }

  /** Did nobody wait for anything until a moment ago? Then nobody is ahead of the others yet. */
  isStarting(now: number): boolean {
    return this.#since === undefined || now - this.#since < STARTING_MS;
  }

  add(piece: number, now: number): void {
    this.#since ??= now;
    if (this.#known.has(piece) || this.#pieces.length >= MAX_TRACE) return;
    this.#known.add(piece);
    this.#pieces.push(piece);
  }

  /** From this position on, so many. */
  from(at: number, most: number): readonly number[] {
    return this.#pieces.slice(at, at + most);
  }
}

/** Who gets a piece from the one before, and passes it on to so many. */
export interface PassingOn {
  readonly member: Member;
  /** Whom it waits at; undefined for the lessee. */
  readonly source: Member | undefined;
  children: number;
  /** It has said that it waits for the piece. */
  waits: boolean;
}

/** It says that it follows, or does so no more. */
export function follow(member: Member, follows: boolean, turn: Turn): void {
  countFollower(member, follows);
  member.traceAt = 0;
  if (!follows) return;
  // Who comes later is not to make up for what the others have passed on before: it would be in the way of every piece.
  const least = Math.min(...member.neighbours.filter(one => one.follows).map(copiesEver));
  if (Number.isFinite(least)) member.relaysEver += Math.max(0, least - copiesEver(member));
  findPlaces(member, turn);
  tellTrace(member, turn);
}

/** Where nobody follows nothing is passed on. */
export function countFollower(member: Member, follows: boolean): void {
  const { task } = member;
  if (member.follows !== follows) task.followers += follows ? 1 : -1;
  member.follows = follows;
  if (task.followers === 0) task.trees.clear();
}

/** A place for one that follows in the trees of what is on its way, behind those it knows. */
export function findPlaces(member: Member, turn: Turn): void {
  for (const piece of member.task.trees.keys())
    if (!member.pieces.has(piece)) passOn(member, piece, turn, turn.random());
}

/** What it was not told yet. */
export function tellTrace(member: Member, turn: Turn): void {
  if (member.follows && member.traceAt < member.task.trace.length) turn.news.hasTrace(member);
}

/**
 * Who follows will need what the lessee is about to fetch, and is to ask for it now. Not the lessee, which is ahead of the
 * others and would become everybody's only source: the first of them does, the next ask the first, and so on. In a crowd
 * that waits for much at once those who wait ask the lessees, of whom there are then many; and so do all at the beginning,
 * when all are about to wait.
 */
export function foretell(
  lessee: Member,
  { piece, asker, isForLittle }: { readonly piece: number; readonly asker: Member; readonly isForLittle: boolean },
  turn: Turn,
): void {
  const { task } = lessee;
  task.trace.add(piece, turn.now);
  // The lessee has one child less than the others: it is ahead, and should stay so.
  const root: PassingOn = { member: lessee, source: undefined, children: passesOnOf(task) - 1, waits: false };
  const tree: PassingOn[] = [root];
  task.trees.delete(piece);
  task.trees.set(piece, tree);
  const [oldest] = task.trees.keys();
  if (task.trees.size > MAX_TREES && oldest !== undefined) task.trees.delete(oldest);
  if (!isForLittle && task.trace.isStarting(turn.now) && task.members.size <= MAX_NEIGHBOURS + 1) {
    // All know all, and each was told of the lessee already. Who comes later finds them here.
    for (const member of lessee.neighbours) {
      if (member.follows && !member.pieces.has(piece)) tree.push({ member, source: lessee, children: 0, waits: false });
      tellTrace(member, turn);
    }
  }
  // Who cannot go on without it gets it first, also when it counts as slow, and passes it on to nobody: it is ahead, and
  // its uplink full of what all others wait for.
  if (isForLittle && asker !== lessee && !asker.isGone && asker.isNeighbour(lessee)) {
    turn.news.passesOn(asker, lessee, piece);
    tree.push({ member: asker, source: lessee, children: passesOnOf(task), waits: true });
  }
  for (const member of followersOf(lessee, { piece, waiters: isForLittle }, turn)) {
    if (passOn(member, piece, turn, 0)) tellTrace(member, turn);
  }
}

/**
 * The member waits for a leased piece, of which it asks the lessee. Of one that goes along a tree it is told its place
 * there, which it may have known; who waits again has waited there in vain.
 */
export function waitFor(member: Member, { piece, lessee, isForLittle }: Lease, turn: Turn): void {
  if (isForLittle) passOn(member, piece, turn, 0);
  const place = isForLittle ? member.task.trees.get(piece)?.find(one => one.member === member) : undefined;
  const source = place?.waits === false && place.source?.isNeighbour(member) === true ? place.source : lessee;
  if (place !== undefined) place.waits = true;
  turn.news.fetches(member, source, piece);
}

/**
 * Gives the member a place in the piece's tree, behind one that it knows: of those with room the one that `chance` in
 * [0, 1) picks, 0 the first. Returns whether there was one.
 */
function passOn(member: Member, piece: number, turn: Turn, chance: number): boolean {
  const tree = member.task.trees.get(piece);
  if (tree === undefined || tree.some(one => one.member === member)) return false;
  const most = passesOnOf(member.task);
  const free = tree.filter(one => one.children < most && !one.member.isGone && one.member.isNeighbour(member));
  const source = free[Math.floor(chance * free.length)];
  // Where not all know all, it may know none of them: it hears of the piece later.
  if (source === undefined) return false;
  if (source.children++ === 0) source.member.relaysEver += most;
  turn.news.passesOn(member, source.member, piece);
  tree.push({ member, source: source.member, children: 0, waits: false });
  return true;
}

/**
 * One more has the piece: enough, perhaps, for everybody else to find somebody. Not because all members have it: of a crowd
 * most are still to come then, and all of them would ask the first.
 */
export function pruneTree(task: Task, piece: number): void {
  if (task.trees.size > 0 && task.holderCount(piece) >= SPREAD_AT) task.trees.delete(piece);
}

/** To how many each passes on what somebody waits for. */
function passesOnOf({ members }: Task): number {
  return members.size <= CHAIN_MEMBERS ? 1 : PASSES_ON;
}
