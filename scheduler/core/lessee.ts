// Who fetches a piece from the origin: before those that failed others lately the rest, then the member that has the fewest
// copies still to send, then the one that got fewest leases in all, then by chance. Consecutive pieces so go to different members, and slow uplinks get less. Whoever is a
// little ahead of the others would otherwise get one lease after the other, and become everybody's only source.

import {
  BUSY_QUEUE,
  CHAIN_MEMBERS,
  LESSEE_SAMPLE,
  LITTLE_WANTED,
  SHAKY_FAILURES,
  SLOW_FACTOR,
  SLOW_QUEUE,
} from './config.ts';
import type { Member } from './member.ts';
import type { LaneNumber } from './piece-queue.ts';
import type { Task } from './task.ts';
import type { Turn } from './turn.ts';

const DEMAND: LaneNumber = 1;
const BACKGROUND: LaneNumber = 3;

export interface LesseeChoice {
  readonly lessee: Member | undefined;
  /** Somebody wants the piece, even if nobody may fetch it now. */
  readonly isWanted: boolean;
}

export function chooseLessee(
  task: Task,
  what: {
    readonly piece: number;
    readonly lane: LaneNumber;
    readonly asker: Member;
    readonly except: Member | undefined;
  },
  turn: Turn,
): LesseeChoice {
  const { piece, lane, asker, except } = what;
  // It waits for this and cannot go on: a piece that another fetched would come to it later.
  if (lane === DEMAND && waitsForLittle(asker) && asker !== except && asker.wants(piece) && asker.mayFetch(turn.now)) {
    return { lessee: relieved(asker, what, turn), isWanted: true };
  }
  const wanting = task.wanting.items;
  let isWanted = false;
  const race = new Race(turn);
  const consider = (member: Member | undefined): void => {
    if (member === undefined) return;
    const wants = member.wants(piece);
    isWanted ||= wants;
    // Who is at another place of the background will want this piece, too.
    const isOfUse = wants || (lane === BACKGROUND && !member.pieces.has(piece));
    if (isOfUse && member !== except && member.mayFetch(turn.now)) race.enter(member);
  };
  // Who follows will wait for it in a moment: in a flash crowd one is a little ahead of all others.
  if (lane === DEMAND && !asker.isGone && task.trace.isStarting(turn.now)) {
    for (const member of asker.neighbours) {
      if (isFollower(member, piece) && member !== except && member.mayFetch(turn.now)) race.enter(member);
    }
  }
  if (wanting.length <= LESSEE_SAMPLE) for (const member of wanting) consider(member);
  else {
    for (let i = 0; i < LESSEE_SAMPLE; i++) consider(task.wanting.pick(turn.random));
    if ((race.winner === undefined || !isWanted) && !asker.isGone) consider(asker);
    // Few of many want it, and who asked first is gone or may not.
    if (race.winner === undefined) for (const member of wanting) consider(member);
  }
  if (race.winner === undefined && isWanted) {
    const standIn = chooseStandIn(asker, except, turn);
    if (standIn !== undefined) return { lessee: standIn, isWanted };
    for (let i = 0; i < LESSEE_SAMPLE && race.winner === undefined; i++) {
      const member = task.members.pick(turn.random);
      if (member !== except && member?.mayFetch(turn.now)) race.enter(member);
    }
  }
  // The only one that waits for a whole chunk may be behind a slow uplink.
  const lessee = race.winner && lane === DEMAND ? relieved(race.winner, { piece, except }, turn) : race.winner;
  return { lessee, isWanted };
}

/** Reads here and there, each place when it has seen the one before, as a program does that starts. */
export function waitsForLittle(member: Member): boolean {
  if (member.isGone) return false;
  const { wanted, pieces, task } = member;
  const size = wanted?.size ?? 0;
  // All that it lacks, of a blob as small as a bootstrap or at the end of a large one: so do the others.
  const wantsAll = pieces.size + size === task.pieceCount;
  return size <= LITTLE_WANTED && !wantsAll;
}

/**
 * Who is ahead of all others gets the lease of each piece, and sends each once. One that does not keep up with that would
 * hold all of them up: then one who follows fetches the piece, and sends it to the asker first.
 */
function relieved(
  lessee: Member,
  { piece, except }: { readonly piece: number; readonly except: Member | undefined },
  turn: Turn,
): Member | undefined {
  const slow = isSlow(lessee, usualService(lessee, turn.now), turn.now);
  if (lessee.node.queueLength < BUSY_QUEUE && !slow) return lessee;
  const race = new Race(turn);
  if (!slow) race.enter(lessee);
  for (const member of lessee.neighbours) {
    if (isFollower(member, piece) && member !== except && member.mayFetch(turn.now)) race.enter(member);
  }
  return race.winner ?? lessee;
}

/** Who wants a piece may not fetch it: a neighbour does it instead. */
export function chooseStandIn(asker: Member, except: Member | undefined, turn: Turn): Member | undefined {
  const race = new Race(turn);
  for (const member of asker.neighbours) if (member !== except && member.mayFetch(turn.now)) race.enter(member);
  return race.winner;
}

/**
 * Neighbours of the lessee that will need the piece, in the order in which they had better pass it on: who is slow at the
 * end; who waits for it before the rest, if those are to get it that way at all.
 */
export function followersOf(
  lessee: Member,
  { piece, waiters }: { readonly piece: number; readonly waiters: boolean },
  turn: Turn,
): Member[] {
  const found: { readonly member: Member; slow: number; waits: number; chance: number }[] = [];
  const usual = usualService(lessee, turn.now);
  for (const member of lessee.neighbours) {
    const waits = waiters && member.wants(piece) && !member.pieces.has(piece);
    if (!waits && !isFollower(member, piece)) continue;
    found.push({ member, slow: Number(isSlow(member, usual, turn.now)), waits: Number(waits), chance: turn.random() });
  }
  const order = lessee.task.members.size <= CHAIN_MEMBERS ? compareInChain : compare;
  found.sort(
    (a, b) => a.slow - b.slow || b.waits - a.waits || order(a.member, b.member, turn.now) || a.chance - b.chance,
  );
  return found.map(({ member }) => member);
}

function isFollower(member: Member, piece: number): boolean {
  return member.follows && !member.pieces.has(piece) && !member.wants(piece);
}

/** Copies that it has still to send, as far as known: of its leases one to each other member. */
function backlog(member: Member): number {
  return member.node.queueLength + member.leases * (member.task.members.size - 1);
}

export function copiesEver(member: Member): number {
  return member.leasesEver + member.relaysEver;
}

interface Service {
  /** Pieces per second, as children measure it; 0 when that is not known. */
  readonly rate: number;
  /** Pieces of late. */
  readonly served: number;
}

/** How the neighbours serve, on average. */
function usualService({ neighbours }: Member, now: number): Service {
  let rate = 0;
  let served = 0;
  let known = 0;
  for (const { node } of neighbours) {
    if (node.rate === 0) continue;
    rate += node.rate;
    served += node.servedLately(now);
    known++;
  }
  return known === 0 ? { rate: 0, served: 0 } : { rate: rate / known, served: served / known };
}

/** Children wait for long both for who is slow and for who sends to all of them: the latter gets more done. */
function isSlow({ node }: Member, usual: Service, now: number): boolean {
  if (node.rate === 0 || node.rate * SLOW_FACTOR >= usual.rate) return false;
  return node.queueLength >= SLOW_QUEUE || node.servedLately(now) < usual.served;
}

/** Failed others lately, more than by mishap. */
export function isShaky({ node }: Member, now: number): boolean {
  return node.failures(now) >= SHAKY_FAILURES;
}

/** The best so far; each of several equals with the same chance. */
class Race {
  winner: Member | undefined;
  #equals = 0;
  readonly #turn: Turn;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  enter(member: Member): void {
    const { winner } = this;
    const order = winner === undefined ? -1 : compare(member, winner, this.#turn.now);
    if (order > 0 || member === winner) return;
    this.#equals = order < 0 ? 1 : this.#equals + 1;
    if (order < 0 || this.#turn.random() * this.#equals < 1) this.winner = member;
  }
}

/** What is leased to a node that does not send is had by nobody else. */
function compare(a: Member, b: Member, now: number): number {
  return compareShaky(a, b, now) || backlog(a) - backlog(b) || copiesEver(a) - copiesEver(b);
}

/** The same from piece to piece. */
function compareInChain(a: Member, b: Member, now: number): number {
  return compareShaky(a, b, now) || a.atAll - b.atAll;
}

function compareShaky(a: Member, b: Member, now: number): number {
  return Number(isShaky(a, now)) - Number(isShaky(b, now));
}
