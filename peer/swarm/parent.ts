// One peer as a parent of one blob: what it has, what it owes us, how it has served. Data and arithmetic; who acts on it is
// Parents (its life) and Requests (what is asked of it).

import { PIECE_BYTES, PieceSet } from '../../core/index.ts';
import type { ParentLink, ParentTask, PeerAddress } from '../ports.ts';

/** A piece asked of a parent. Times are monotonic. */
export interface Asked {
  /** Since when it could have been sent: when it was asked, or when the parent said that it has it. */
  since: number;
  /** How many were before it in the parent's queue then, itself included. */
  place: number;
  /** The parent does not have it yet. */
  parked: boolean;
}

/**
 * connecting: not heard of yet; open: it told us what it has; shut: it does not have the task or does not let us;
 * down: the link is lost, and comes back by itself.
 */
export type ParentPhase = 'connecting' | 'open' | 'shut' | 'down';

/** Weight of the newest sample in a mean: the last ten or so count. */
const NEWEST = 0.2;
/** What is thought of a parent that has not sent anything: a piece takes 5 ms, 100 Mbit/s. Wrong for ten pieces at most. */
const UNKNOWN_PACE_MS = 5;
/** Who has sent so much, a sixteenth of a piece, is not silent; in the time of a stall that is less than a KiB per second. */
const SENDS_BYTES = 4096;
/** Rests between two refusals as busy that are still one and the same. */
const BUSY_AGAIN = 4;

export class Parent {
  readonly peer: PeerAddress;
  readonly link: ParentLink;
  task: ParentTask | undefined;
  phase: ParentPhase = 'connecting';
  /** Monotonic, of the phase. */
  since: number;
  /** As ScheduledParent says. */
  distance: number;
  pieces: PieceSet;
  chunks: PieceSet;
  /** Are its pieces counted as held by somebody? */
  counted = false;
  readonly asked = new Map<number, Asked>();
  /** Of those asked, how many it does not have yet. */
  parked = 0;
  /** Pieces it refused though its bitmap has them, and when. */
  readonly doubts = new Map<number, number>();
  /** It is not asked for anything until then. */
  restsUntil = 0;
  /** How often in a row it had to rest. */
  strikes = 0;
  /** Turned us away as busy again and again, without a piece in between: from when to when, and the piece last asked for. */
  busy: { readonly from: number; readonly last: number; readonly piece: number } | undefined;
  lastPieceAt = 0;
  /** When enough of its bytes had come to say that it sends. */
  sendsAt = 0;
  peerBytes = 0;
  /** Since they were last told to the scheduler. */
  readonly service = { pieces: 0, ms: 0, failures: 0 };
  #queue = 0;
  #askedSince = 0;
  #seenBytes = 0;
  #paceMs: number | undefined;

  constructor(
    peer: PeerAddress,
    what: {
      readonly link: ParentLink;
      readonly pieces: PieceSet;
      readonly chunks: PieceSet;
      readonly distance: number;
      readonly now: number;
    },
  ) {
    this.peer = peer;
    this.link = what.link;
    this.pieces = what.pieces;
    this.chunks = what.chunks;
    this.distance = what.distance;
    this.since = what.now;
  }

  get peerId(): string {
    return this.peer.peerId;
  }

  isUsable(now: number): boolean {
    return this.phase === 'open' && now >= this.restsUntil;
  }

  /** Asked for, and it has them. */
  get owed(): number {
    return this.asked.size - this.parked;
  }

  /** Where the next piece asked for would stand in its queue, from 1. */
  get nextPlace(): number {
    return this.#queue + this.#askedSince + 1;
  }

  /** Where a piece asked of it may stand in its queue by now: others may have been let in before. */
  placeOf(asked: Asked): number {
    return Math.max(asked.place, this.#queue);
  }

  /** Pieces of others in its queue, as it last said. */
  get toldQueue(): number {
    return Math.max(0, this.#queue - this.owed);
  }

  /** Milliseconds for each place in its queue, as it served us so far. */
  get paceMs(): number {
    return this.#paceMs ?? UNKNOWN_PACE_MS;
  }

  /** As it served us of late, by the time between two pieces while it owed some. */
  get bytesPerSecond(): number | undefined {
    return this.#paceMs === undefined || this.#paceMs <= 0 ? undefined : (PIECE_BYTES * 1000) / this.#paceMs;
  }

  get isMeasured(): boolean {
    return this.#paceMs !== undefined;
  }

  noteQueue(length: number): void {
    this.#queue = length;
    this.#askedSince = 0;
  }

  noteAsked(pieces: number): void {
    this.#askedSince += pieces;
  }

  /** Does it send, if only a part of a piece? To be called every now and then. */
  look(now: number): void {
    const { receivedBytes } = this.link;
    // Fewer than before: the connection is another.
    if (receivedBytes >= this.#seenBytes && receivedBytes - this.#seenBytes < SENDS_BYTES) return;
    this.#seenBytes = receivedBytes;
    this.sendsAt = now;
  }

  /** A piece came; returns how long it took, ms. */
  noteServed(asked: Asked, now: number, bytes: number): number {
    const ms = now - asked.since;
    const sample = ms / asked.place;
    this.#paceMs = this.#paceMs === undefined ? sample : this.#paceMs + NEWEST * (sample - this.#paceMs);
    this.lastPieceAt = now;
    this.busy = undefined;
    this.restsUntil = 0;
    this.peerBytes += bytes;
    this.strikes = 0;
    this.service.pieces++;
    this.service.ms += ms;
    return ms;
  }

  /** It is left alone for so long; asked again much later than that, it is busy for the first time again. */
  noteBusy(piece: number, now: number, restMs: number): void {
    const isAgain = this.busy !== undefined && now - this.busy.last <= BUSY_AGAIN * restMs;
    this.busy = { from: isAgain && this.busy ? this.busy.from : now, last: now, piece };
    this.restsUntil = Math.max(this.restsUntil, now + restMs);
  }

  /** It failed us: it is left alone for a while, longer each time. */
  rest(now: number, firstMs: number, mostMs: number): void {
    this.busy = undefined;
    this.restsUntil = now + Math.min(mostMs, firstMs * 2 ** Math.min(this.strikes, 20));
    this.strikes++;
    this.service.failures++;
  }

  /** The link is new: nothing is known of its queue. */
  forgetQueue(): void {
    this.#queue = 0;
    this.#askedSince = 0;
  }

  empty(): void {
    this.pieces = new PieceSet(this.pieces.count);
    this.chunks = new PieceSet(this.chunks.count);
  }
}
