// What members are to be told, collected between two rounds and then put into as few messages as will do. The order in
// a round: who the neighbours are, then what to fetch, then who fetches what, so that a lessee is known before it is
// named; lessees before everybody else, so that they know of a lease when others ask them. What is told of anything is
// its newest state: for a node that does not read, news waits here, and later news takes the place of earlier.

import { runsOf } from '../../core/index.ts';
import type { SchedulerMessageProperties } from '../../proto/index.ts';
import { MESSAGE_BITMAP_BYTES, NEWS_WORK, type WorkBudget } from './config.ts';
import type { Member } from './member.ts';
import type { NodeState } from './node.ts';

export interface News {
  readonly added: Member[];
  /** Of those it was told about: no more than it has neighbours. */
  readonly removed: Member[];
  /** Pieces to fetch, in this order. */
  lease: Set<number> | undefined;
  leaseDeadlineMs: number;
  /** By piece, who fetches it: the last word counts. */
  lessees: Map<number, Member> | undefined;
  /** There is more of the trace. */
  hasTrace: boolean;
  /** ms without leases; 0 for none. */
  holdMs: number;
}

type Send = (member: Member, message: SchedulerMessageProperties) => void;

/** Pieces that one message names at most: a node takes no more. */
const MAX_NAMED = 16_384;
/** Of the trace, in one message: they are here and there, so each is two numbers. */
const MAX_TRACED = 8_192;
const NO_BYTES = new Uint8Array(0);

export class NewsDesk {
  /** Collected for the next round; and what is left of this one. Oldest first; nobody is in both. */
  #next = new Set<Member>();
  #round = new Set<Member>();
  /** Those of both that others will wait at, because they fetch something or pass it on: they do not wait for a round. */
  readonly #sources = new Set<Member>();

  /** Members whose news could be delivered, now or in the next round. */
  get size(): number {
    return this.#next.size + this.#round.size;
  }

  /** Members whose news is left of this round. */
  get left(): number {
    return this.#round.size;
  }

  neighbourCame(member: Member, neighbour: Member): void {
    const news = this.#of(member);
    take(news.removed, neighbour);
    news.added.push(neighbour);
  }

  neighbourWent(member: Member, neighbour: Member): void {
    const news = this.#of(member);
    if (news.lessees !== undefined) {
      for (const [piece, lessee] of news.lessees) if (lessee === neighbour) news.lessees.delete(piece);
    }
    // Never told about: nothing to take back.
    if (!take(news.added, neighbour)) news.removed.push(neighbour);
  }

  leased(member: Member, piece: number, deadlineMs: number): void {
    const news = this.#of(member);
    news.lease ??= new Set();
    news.lease.add(piece);
    news.leaseDeadlineMs = deadlineMs;
    this.#sources.add(member);
  }

  /** What it was not told yet it need not be told any more. */
  leaseEnded(member: Member, piece: number): void {
    member.news?.lease?.delete(piece);
  }

  fetches(member: Member, lessee: Member, piece: number): void {
    const news = this.#of(member);
    news.lessees ??= new Map();
    news.lessees.set(piece, lessee);
  }

  /** As `fetches`, of one that others will wait at. */
  passesOn(member: Member, lessee: Member, piece: number): void {
    this.fetches(member, lessee, piece);
    this.#sources.add(member);
  }

  hasTrace(member: Member): void {
    this.#of(member).hasTrace = true;
  }

  originRests(member: Member, holdMs: number): void {
    this.#of(member).holdMs = holdMs;
  }

  forget(member: Member): void {
    member.news = undefined;
    this.#remove(member);
  }

  /** The node reads again: what waited for it is delivered with the next round. */
  resume(node: NodeState): void {
    for (const member of node.members.values()) {
      if (member.news !== undefined && !this.#round.has(member)) this.#next.add(member);
    }
  }

  /** What was collected until now is this round's. Only when nothing is left of the one before. */
  beginRound(): void {
    [this.#round, this.#next] = [this.#next, this.#round];
  }

  /** Gives as much to `send` as the budget allows: what is to be fetched, then the round. */
  deliver(budget: WorkBudget, send: Send): void {
    for (const members of [this.#sources, this.#round]) {
      for (const member of members) {
        if (budget.left <= 0) return;
        this.#deliverTo(member, budget, send);
      }
    }
  }

  #deliverTo(member: Member, budget: WorkBudget, send: Send): void {
    const { news } = member;
    this.#remove(member);
    if (news === undefined || member.node.isBlocked) return;
    budget.left -= NEWS_WORK.member;
    tellNeighbours(member, news, budget, send);
    // Bitmaps beyond what one message holds come next; what is said of those neighbours comes after them.
    if (news.added.length > 0) {
      this.#round.add(member);
      return;
    }
    member.news = undefined;
    tellLeases(member, news, budget, send);
    if (news.hasTrace && tellTrace(member, budget, send)) this.hasTrace(member);
  }

  #remove(member: Member): void {
    this.#next.delete(member);
    this.#round.delete(member);
    this.#sources.delete(member);
  }

  #of(member: Member): News {
    if (member.news === undefined) {
      member.news = {
        added: [],
        removed: [],
        lease: undefined,
        leaseDeadlineMs: 0,
        lessees: undefined,
        hasTrace: false,
        holdMs: 0,
      };
      if (!member.node.isBlocked) this.#next.add(member);
    }
    return member.news;
  }
}

/** One message, of whom is new as many as there is room for. Takes them out of the news. */
function tellNeighbours(member: Member, news: News, budget: WorkBudget, send: Send): void {
  if (news.added.length + news.removed.length === 0) return;
  const { handle } = member;
  const add: object[] = [];
  let bytes = 0;
  for (const parent of news.added) {
    const pieces = bitmapOf(parent.pieces);
    const chunks = bitmapOf(parent.chunks);
    const more = pieces.length + chunks.length;
    if (add.length > 0 && bytes + more > MESSAGE_BITMAP_BYTES) break;
    bytes += more;
    const { peerId, info } = parent.node;
    const distance = parent.node.distanceTo(member.node);
    add.push({ peerId, addresses: info?.addresses ?? [], pieces, chunks, distance });
  }
  const remove = news.removed.map(parent => parent.node.peerId);
  send(member, { parents: remove.length === 0 ? { handle, add } : { handle, add, remove } });
  news.added.splice(0, add.length);
  news.removed.length = 0;
  budget.left -= add.length * NEWS_WORK.parent + (bytes / 1024) * NEWS_WORK.bitmapKiB;
}

function tellLeases(member: Member, news: News, budget: WorkBudget, send: Send): void {
  const { handle } = member;
  if (news.holdMs > 0) send(member, { originHold: { handle, durationMs: news.holdMs } });
  if (news.lease !== undefined) {
    for (const pieces of ascendingParts(news.lease)) {
      send(member, { lease: { handle, runs: runsOf(pieces), deadlineMs: news.leaseDeadlineMs } });
    }
    budget.left -= news.lease.size * NEWS_WORK.piece;
  }
  if (news.lessees === undefined) return;
  budget.left -= news.lessees.size * NEWS_WORK.piece;
  const byLessee = new Map<Member, number[]>();
  let named = 0;
  for (const [piece, lessee] of news.lessees) {
    // What came meanwhile needs no lessee any more; what is not named is wanted again in the end.
    if (member.pieces.has(piece) || ++named > MAX_NAMED) continue;
    const pieces = byLessee.get(lessee);
    if (pieces === undefined) byLessee.set(lessee, [piece]);
    else pieces.push(piece);
  }
  if (byLessee.size === 0) return;
  const lessees = [];
  for (const [{ node }, pieces] of byLessee) {
    lessees.push({ peerId: node.peerId, runs: runsOf(pieces.length > 1 ? pieces.sort(ascending) : pieces) });
  }
  send(member, { lessees: { handle, lessees } });
}

/** Returns whether there is more. */
function tellTrace(member: Member, budget: WorkBudget, send: Send): boolean {
  const { handle, task } = member;
  const pieces = task.trace.from(member.traceAt, MAX_TRACED);
  member.traceAt += pieces.length;
  budget.left -= pieces.length * NEWS_WORK.piece;
  const missing = pieces.filter(piece => !member.pieces.has(piece));
  if (missing.length > 0) send(member, { trace: { handle, runs: runsOf(missing) } });
  return member.traceAt < task.trace.length;
}

/** Nothing for an empty set: that is how a node reads it. */
function bitmapOf(set: Member['pieces'] | undefined): Uint8Array {
  return set === undefined || set.size === 0 ? NO_BYTES : set.bytes;
}

/** Runs ascend within a message, so an order that goes back begins another. */
function ascendingParts(pieces: Iterable<number>): number[][] {
  const parts: number[][] = [];
  let part: number[] | undefined;
  let last = -1;
  for (const piece of pieces) {
    if (part !== undefined && piece > last) part.push(piece);
    else {
      part = [piece];
      parts.push(part);
    }
    last = piece;
  }
  return parts;
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** Takes one out; returns whether it was there. */
function take<T>(list: T[], item: T): boolean {
  const at = list.indexOf(item);
  if (at < 0) return false;
  list.splice(at, 1);
  return true;
}
