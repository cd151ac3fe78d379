// A task: its members, who holds how much, what is wanted and leased. Holds data and keeps its indexes true; who is
// connected to whom is decided in neighbours.ts, who fetches what in leases.ts, what a want leads to in wants.ts.

import { PieceSet } from '../../core/index.ts';
import type { TaskId } from '../../proto/index.ts';
import type { Lease } from './leases.ts';
import { type Member, MemberBag } from './member.ts';
import { OriginPace } from './origin-pace.ts';
import { PieceQueue } from './piece-queue.ts';
import { MAX_TRACE, MAX_TREES, type PassingOn, Trace } from './trace.ts';

/** Kept for each piece of a task: holders (2), a holder (2), lane in the queue (1), the full and the empty set (1/8 each). */
const BYTES_PER_PIECE = 5.25;
/** What a task and a member cost besides: with 16 neighbours 0.8 KB were measured (bench/scheduler.ts), and there is news. */
const TASK_BYTES = 4096;
/** Of each piece of the trace, in its list and its set. */
const TRACE_BYTES = 48;
/** Pieces whose last fetching is remembered. */
const MAX_FETCHED = 256;
/** The tree of a piece: the 16 or so that it is kept for. */
const TREE_BYTES = 1024;
const MEMBER_BYTES = 1024;

/** Of a task with so many pieces, kept once; and of each member: two bitmaps, one of what it wants, one of what of that is put off. */
export function bytesOfTask(pieceCount: number): number {
  const fetched = Math.min(pieceCount, MAX_FETCHED) * TRACE_BYTES;
  const trace = Math.min(pieceCount, MAX_TRACE) * TRACE_BYTES + Math.min(pieceCount, MAX_TREES) * TREE_BYTES;
  return TASK_BYTES + Math.ceil(pieceCount * BYTES_PER_PIECE) + trace + fetched;
}

export function bytesOfMember(pieceCount: number): number {
  return MEMBER_BYTES + 4 * Math.ceil(pieceCount / 8);
}

export class Task {
  readonly id: TaskId;
  readonly pieceCount: number;
  readonly members = new MemberBag('atAll');
  /** Members that want something. */
  readonly wanting = new MemberBag('atWanting');
  /** Members that have the whole blob: most of them, in the end, so they are not counted piece by piece. */
  readonly #whole = new MemberBag('atWhole');
  readonly queue: PieceQueue<Member>;
  readonly leases = new Map<number, Lease>();
  /** Leases that were given to others at their deadline: the first lessee may still bring the piece. */
  readonly overdue = new Map<number, Member>();
  /** When the last pieces came from the origin, oldest first. */
  readonly #fetchedAt = new Map<number, number>();
  readonly pace = new OriginPace();
  readonly trace = new Trace();
  /** Pieces of the trace that few have: along whom they are passed on. */
  readonly trees = new Map<number, PassingOn[]>();
  /** Members that follow it. */
  followers = 0;
  /** No leases until then: the origin asked for it. */
  holdUntil = 0;
  leasesEver = 0;
  lateLeases = 0;
  readonly createdAt: number;
  /** Members that lost neighbours. */
  readonly lonely = new Set<Member>();
  /** Where the next tick goes on looking at wants. */
  reconcileAt = 0;
  /** Pieces that somebody holds who has not all, and for each piece how many of those. */
  #heldInParts = 0;
  readonly #holders: Uint16Array;
  /** For each piece the position of a member that was seen to hold it; may be out of date, so it is checked. */
  readonly #holderHint: Uint16Array;
  readonly #full: PieceSet;
  /** The empty set, shared by those who have nothing yet. Not to be changed. */
  readonly #empty: PieceSet;
  readonly #regions = new Map<string, MemberBag>();
  readonly #zones = new Map<string, MemberBag>();
  readonly #racks = new Map<string, MemberBag>();

  constructor(id: TaskId, pieceCount: number, now: number) {
    this.id = id;
    this.pieceCount = pieceCount;
    this.createdAt = now;
    this.#empty = new PieceSet(pieceCount);
    this.queue = new PieceQueue(pieceCount);
    this.#holders = new Uint16Array(pieceCount);
    this.#holderHint = new Uint16Array(pieceCount);
    this.#full = PieceSet.fromBytes(pieceCount, new Uint8Array(Math.ceil(pieceCount / 8)).fill(255));
  }

  // ---- members --------------------------------------------------------------------------------------------------------

  add(member: Member): void {
    this.members.add(member);
    const { region, zone, rack } = member.node.place;
    if (region !== '') bagOf(this.#regions, region, 'atRegion').add(member);
    if (zone !== '') bagOf(this.#zones, zone, 'atZone').add(member);
    if (rack !== '') bagOf(this.#racks, rack, 'atRack').add(member);
    this.#countIn(member);
  }

  remove(member: Member): void {
    this.#countOut(member);
    this.members.delete(member);
    this.wanting.delete(member);
    this.lonely.delete(member);
    const { region, zone, rack } = member.node.place;
    takeFrom(this.#regions, region, member);
    takeFrom(this.#zones, zone, member);
    takeFrom(this.#racks, rack, member);
  }

  /** Bags to look for neighbours of the member in, nearest first. */
  bagsNear(member: Member): MemberBag[] {
    const { region, zone, rack } = member.node.place;
    return [this.#racks.get(rack), this.#zones.get(zone), this.#regions.get(region)].filter(bag => bag !== undefined);
  }

  // ---- what comes from the origin -------------------------------------------------------------------------------------

  /** A member has fetched the piece that it had the lease of. */
  fetched(piece: number, now: number): void {
    this.#fetchedAt.delete(piece);
    this.#fetchedAt.set(piece, now);
    const [oldest] = this.#fetchedAt.keys();
    if (this.#fetchedAt.size > MAX_FETCHED && oldest !== undefined) this.#fetchedAt.delete(oldest);
  }

  /** When a member last fetched the piece; -Infinity: never, or long ago. */
  fetchedAt(piece: number): number {
    return this.#fetchedAt.get(piece) ?? -Infinity;
  }

  // ---- who holds what -------------------------------------------------------------------------------------------------

  /** Pieces that somebody holds. */
  get heldCount(): number {
    return this.#whole.size > 0 ? this.pieceCount : this.#heldInParts;
  }

  isHeld(piece: number): boolean {
    return this.holderCount(piece) > 0;
  }

  holderCount(piece: number): number {
    return (this.#holders[piece] ?? 0) + this.#whole.size;
  }

  /** Somebody who holds the piece and whom `accepts` takes. A walk over the members only where the last one who got it is not taken. */
  findHolder(piece: number, accepts: (holder: Member) => boolean): Member | undefined {
    if (!this.isHeld(piece)) return undefined;
    const items = this.members.items;
    const hinted = items[this.#holderHint[piece] ?? 0];
    if (hinted?.pieces.has(piece) && accepts(hinted)) return hinted;
    const whole = this.#whole.items[piece % this.#whole.size];
    if (whole !== undefined && accepts(whole)) return whole;
    for (const member of items) {
      if (!member.pieces.has(piece) || !accepts(member)) continue;
      this.#holderHint[piece] = member.atAll;
      return member;
    }
    return undefined;
  }

  /** Returns whether it was new. */
  gain(member: Member, piece: number): boolean {
    if (member.pieces.has(piece) || piece < 0 || piece >= this.pieceCount) return false;
    if (member.pieces === this.#empty) member.pieces = new PieceSet(this.pieceCount);
    member.pieces.add(piece);
    this.#count(piece, member.atAll);
    if (member.pieces.isFull) {
      this.#countOut(member);
      this.#countIn(member);
    }
    return true;
  }

  /** Returns whether it was there. */
  lose(member: Member, piece: number): boolean {
    if (!member.pieces.has(piece)) return false;
    if (member.pieces === this.#full) {
      this.#whole.delete(member);
      member.pieces = PieceSet.fromBytes(this.pieceCount, this.#full.bytes);
      member.pieces.delete(piece);
      this.#countIn(member);
    } else {
      member.pieces.delete(piece);
      this.#uncount(piece);
    }
    return true;
  }

  /** All anew, as a node says it. */
  replace(member: Member, pieces: PieceSet, chunks: PieceSet | undefined): void {
    this.#countOut(member);
    member.pieces = pieces;
    member.chunks = chunks;
    this.#countIn(member);
  }

  // ---- wants ----------------------------------------------------------------------------------------------------------

  want(member: Member, piece: number): void {
    member.wanted ??= new PieceSet(this.pieceCount);
    member.wanted.add(piece);
    this.wanting.add(member);
  }

  satisfy(member: Member, piece: number): void {
    if (!member.wanted?.delete(piece) || member.wanted.size > 0) return;
    member.wanted = undefined;
    this.wanting.delete(member);
  }

  #countIn(member: Member): void {
    if (member.pieces.size === 0) {
      member.pieces = this.#empty;
    } else if (member.pieces.isFull) {
      member.pieces = this.#full;
      this.#whole.add(member);
    } else {
      forEachPiece(member.pieces, piece => this.#count(piece, member.atAll));
    }
  }

  #countOut(member: Member): void {
    if (member.pieces === this.#full) this.#whole.delete(member);
    else if (member.pieces.size > 0) forEachPiece(member.pieces, piece => this.#uncount(piece));
  }

  #count(piece: number, at: number): void {
    const before = this.#holders[piece] ?? 0;
    if (before === 0) this.#heldInParts++;
    this.#holders[piece] = before + 1;
    this.#holderHint[piece] = at;
  }

  #uncount(piece: number): void {
    const left = (this.#holders[piece] ?? 1) - 1;
    if (left === 0) this.#heldInParts--;
    this.#holders[piece] = left;
  }
}

/** The pieces of a set without an iterator: joins and leaves walk whole blobs. */
export function forEachPiece(set: PieceSet, each: (piece: number) => void): void {
  const bytes = set.bytes;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    for (let bit = 0; byte >> bit !== 0; bit++) if ((byte >> bit) & 1) each(at * 8 + bit);
  }
}

function bagOf(bags: Map<string, MemberBag>, key: string, at: 'atRegion' | 'atZone' | 'atRack'): MemberBag {
  let bag = bags.get(key);
  if (bag === undefined) {
    bag = new MemberBag(at);
    bags.set(key, bag);
  }
  return bag;
}

function takeFrom(bags: Map<string, MemberBag>, key: string, member: Member): void {
  const bag = bags.get(key);
  if (bag === undefined) return;
  bag.delete(member);
  if (bag.size === 0) bags.delete(key);
}
