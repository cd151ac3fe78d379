// The neighbour graph of a task: who is told about whom. Symmetric, because half-complete nodes swap both ways; of at most
// MAX_NEIGHBOURS; near ones first, and a few far ones so that it hangs together. With up to 33 members everybody knows
// everybody. Two members that have the whole blob are of no use to each other and are not connected.

import {
  AIM_NEIGHBOURS,
  CANDIDATES,
  FAR_NEIGHBOURS,
  FEW_NEIGHBOURS,
  MAX_NEIGHBOURS,
  SWAPS_PER_SECOND,
  WANTING_NEIGHBOURS,
} from './config.ts';
import type { Member, MemberBag } from './member.ts';
import type { Task } from './task.ts';
import { findPlaces, waitFor } from './trace.ts';
import type { Turn } from './turn.ts';

export function mayBeNeighbours(a: Member, b: Member, turn: Turn): boolean {
  if (a === b || (a.pieces.isFull && b.pieces.isFull)) return false;
  return !turn.accusations.areApart(a.node.key, b.node.key) && !a.isNeighbour(b);
}

export function disconnect(a: Member, b: Member, turn: Turn): void {
  part(a, b, turn);
  part(b, a, turn);
}

/** A member that left: its neighbours are told, and get others if they have few left. */
export function leaveGraph(member: Member, turn: Turn): void {
  for (const neighbour of member.neighbours) part(neighbour, member, turn);
  member.neighbours.length = 0;
  const { task } = member;
  // From here on all can know all again.
  if (task.members.size <= MAX_NEIGHBOURS + 1) for (const each of task.members.items) task.lonely.add(each);
  turn.touched.add(task);
}

/** Gives new and lonely members neighbours, to so many of them. Returns how many it looked at. */
export function mendGraph(task: Task, turn: Turn, most: number): number {
  let seen = 0;
  // Who loses a neighbour to another here is looked at in the next round.
  const round = task.lonely.size;
  for (const member of task.lonely) {
    if (seen === most || seen === round) break;
    seen++;
    task.lonely.delete(member);
    if (task.members.size <= MAX_NEIGHBOURS + 1) connectToAll(member, turn);
    else if (member.pieces.isFull) offer(member, turn);
    else fill(member, turn);
    if (member.follows) findPlaces(member, turn);
  }
  return seen;
}

/**
 * Makes `other` a neighbour of `member`. Where one has as many as it may, it happens only with `swap`, at the cost of its
 * least useful neighbour. Returns whether they are neighbours now.
 */
export function attach(member: Member, other: Member, turn: Turn, swap: 'never' | 'idle' | 'any'): boolean {
  if (member.isNeighbour(other)) return true;
  if (!mayBeNeighbours(member, other, turn)) return false;
  const victims: [Member, Member][] = [];
  for (const full of [member, other]) {
    if (full.neighbours.length < MAX_NEIGHBOURS) continue;
    const victim = swap === 'never' ? undefined : leastUseful(full, swap);
    if (victim === undefined) return false;
    victims.push([full, victim]);
  }
  if (victims.length > 0 && !maySwap(member, turn)) return false;
  for (const [full, victim] of victims) disconnect(full, victim, turn);
  connect(member, other, turn);
  return true;
}

/**
 * For a member that begins to want where not all know all: pieces travel from one who wants them to the next, so some of
 * its neighbours must want too.
 */
export function meetOthersWhoWant(member: Member, turn: Turn): void {
  const { task } = member;
  if (task.members.size <= MAX_NEIGHBOURS + 1) return;
  let known = 0;
  for (const neighbour of member.neighbours) if (neighbour.wanted !== undefined) known++;
  for (let tries = 0; known < WANTING_NEIGHBOURS && tries < 2 * WANTING_NEIGHBOURS; tries++) {
    const other = task.wanting.pick(turn.random);
    if (other === undefined || other === member || member.isNeighbour(other)) continue;
    if (attach(member, other, turn, 'idle')) known++;
  }
}

function connectToAll(member: Member, turn: Turn): void {
  for (const other of member.task.members.items) {
    // More members were here before: then some have neighbours enough.
    if (member.neighbours.length >= MAX_NEIGHBOURS) return;
    if (other.neighbours.length < MAX_NEIGHBOURS && mayBeNeighbours(member, other, turn)) connect(member, other, turn);
  }
}

/** Who needs nothing is made known to some who do; others find it when they need it. */
function offer(member: Member, turn: Turn): void {
  for (let tries = 0; tries < AIM_NEIGHBOURS && member.neighbours.length < AIM_NEIGHBOURS; tries++) {
    const other = member.task.wanting.pick(turn.random);
    if (other !== undefined) attach(member, other, turn, 'idle');
  }
}

function fill(member: Member, turn: Turn): void {
  if (member.neighbours.length >= AIM_NEIGHBOURS) return;
  const candidates = candidatesFor(member, turn);
  const { pieceCount } = member.task;
  const ranks = candidates.map(other => other.node.rankFor(member.node, other.pieces.size / pieceCount, turn.now));
  const full: Member[] = [];
  for (let left = candidates.length; left > 0 && member.neighbours.length < AIM_NEIGHBOURS - FAR_NEIGHBOURS; left--) {
    // Twelve of sixty: a full sort would take longer than these looks for the best.
    const at = highest(ranks);
    const other = candidates[at];
    ranks[at] = -Infinity;
    if (other === undefined) break;
    if (other.neighbours.length < MAX_NEIGHBOURS) connect(member, other, turn);
    else full.push(other);
  }
  for (let tries = 0; member.neighbours.length < AIM_NEIGHBOURS && tries < CANDIDATES; tries++) {
    const other = member.task.members.pick(turn.random);
    if (other === undefined || !mayBeNeighbours(member, other, turn)) continue;
    if (other.neighbours.length < MAX_NEIGHBOURS) connect(member, other, turn);
    else if (!full.includes(other)) full.push(other);
  }
  for (const other of full) {
    if (member.neighbours.length >= AIM_NEIGHBOURS) return;
    stepBetween(member, other, turn);
  }
}

function highest(ranks: readonly number[]): number {
  let at = 0;
  for (let i = 1; i < ranks.length; i++) if ((ranks[i] ?? 0) > (ranks[at] ?? 0)) at = i;
  return at;
}

/** Takes the place of an edge: `full` loses a neighbour to `member`, who takes that one on as well. */
function stepBetween(member: Member, full: Member, turn: Turn): void {
  if (!mayBeNeighbours(member, full, turn)) return;
  const victim = leastUseful(full, 'any');
  if (victim === undefined) return;
  disconnect(full, victim, turn);
  connect(member, full, turn);
  if (member.neighbours.length < MAX_NEIGHBOURS && mayBeNeighbours(member, victim, turn)) connect(member, victim, turn);
}

function candidatesFor(member: Member, turn: Turn): Member[] {
  const mark = turn.nextMark();
  member.mark = mark;
  for (const neighbour of member.neighbours) neighbour.mark = mark;
  const found: Member[] = [];
  const sample = (bag: MemberBag) => {
    for (let i = 0; i < CANDIDATES; i++) {
      // A small bag is looked through, of a large one some.
      const other = bag.size <= CANDIDATES ? bag.items[i] : bag.pick(turn.random);
      if (other === undefined || other.mark === mark) continue;
      other.mark = mark;
      if (mayBeNeighbours(member, other, turn)) found.push(other);
    }
  };
  for (const bag of member.task.bagsNear(member)) sample(bag);
  sample(member.task.members);
  return found;
}

/**
 * The neighbour that `member` can best do without: first one that has everything as itself has, then one that wants
 * nothing; of equals the one with the most neighbours of its own. `idle`: none that wants something.
 */
function leastUseful(member: Member, which: 'idle' | 'any'): Member | undefined {
  let least: Member | undefined;
  let most = -1;
  for (const neighbour of member.neighbours) {
    const isUseless = neighbour.pieces.isFull && member.pieces.isFull;
    const isIdle = neighbour.wanted === undefined || member.wanted === undefined;
    if (which === 'idle' && !isIdle && !isUseless) continue;
    // Who waits for a lease of the other is not torn away from it.
    if ((neighbour.leases > 0 || member.leases > 0) && which === 'idle') continue;
    const score = (isUseless ? 1000 : 0) + (isIdle ? 100 : 0) + neighbour.neighbours.length;
    if (score <= most) continue;
    most = score;
    least = neighbour;
  }
  return least;
}

function maySwap(member: Member, turn: Turn): boolean {
  if (turn.now - member.swapsSince >= 1000) {
    member.swapsSince = turn.now;
    member.swaps = 0;
  }
  return member.swaps++ < SWAPS_PER_SECOND;
}

function connect(a: Member, b: Member, turn: Turn): void {
  a.neighbours.push(b);
  b.neighbours.push(a);
  turn.news.neighbourCame(a, b);
  turn.news.neighbourCame(b, a);
  if (a.leases + b.leases === 0) return;
  const knowEachOther = a.task.members.size <= MAX_NEIGHBOURS + 1;
  for (const lease of a.task.leases.values()) {
    const { piece, lessee, isForLittle } = lease;
    const other = lessee === a ? b : lessee === b ? a : undefined;
    if (other === undefined || other.pieces.has(piece)) continue;
    if (other.wants(piece)) waitFor(other, lease, turn);
    else if (knowEachOther && !isForLittle) turn.news.fetches(other, lessee, piece);
  }
}

/** One side of an edge goes. */
function part(member: Member, neighbour: Member, turn: Turn): void {
  const at = member.neighbours.indexOf(neighbour);
  if (at < 0) return;
  const last = member.neighbours.pop();
  if (last !== undefined && last !== neighbour) member.neighbours[at] = last;
  turn.news.neighbourWent(member, neighbour);
  if (member.neighbours.length >= FEW_NEIGHBOURS || member.pieces.isFull) return;
  member.task.lonely.add(member);
  turn.touched.add(member.task);
}
