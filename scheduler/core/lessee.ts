// Who fetches a piece from the origin: before those that failed others lately the rest, then the member that has the fewest
// copies still to send, then the one that got fewest leases in all, then by chance. Consecutive pieces so go to different members, and slow uplinks get less. Whoever is a
// little ahead of the others would otherwise get one lease after the other, and become everybody's only source.

import { LESSEE_SAMPLE, SHAKY_FAILURES } from './config.ts';
import type { Member } from './member.ts';
import type { LaneNumber } from './piece-queue.ts';
import type { Task } from './task.ts';
import type { Turn } from './turn.ts';

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
  return { lessee: race.winner, isWanted };
}

/** Who wants a piece may not fetch it: a neighbour does it instead. */
export function chooseStandIn(asker: Member, except: Member | undefined, turn: Turn): Member | undefined {
  const race = new Race(turn);
  for (const member of asker.neighbours) if (member !== except && member.mayFetch(turn.now)) race.enter(member);
  return race.winner;
}

/** Copies that it has still to send, as far as known: of its leases one to each other member. */
function backlog(member: Member): number {
  return member.node.queueLength + member.leases * (member.task.members.size - 1);
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
    const order = winner === undefined ? -1 : this.#compare(member, winner);
    if (order > 0 || member === winner) return;
    this.#equals = order < 0 ? 1 : this.#equals + 1;
    if (order < 0 || this.#turn.random() * this.#equals < 1) this.winner = member;
  }

  /** What is leased to a node that does not send is had by nobody else. */
  #compare(a: Member, b: Member): number {
    const { now } = this.#turn;
    const shaky = Number(isShaky(a, now)) - Number(isShaky(b, now));
    return shaky || backlog(a) - backlog(b) || a.leasesEver - b.leasesEver;
  }
}
