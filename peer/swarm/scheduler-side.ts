// A task's word with its scheduler: what is wanted and was said to be, who has the lease of what. Wants are said once, in
// the turn in which nobody turned out to have the piece, and again when the scheduler is another or the lane has risen.

import { LANES, type Lane } from '../../core/index.ts';
import type { JoinedTask, LeaseFailure, ScheduledEvents, ScheduledTask, Schedulers } from '../ports.ts';
import type { WantedPieces } from './wanted-pieces.ts';

export interface SchedulerSideEvents {
  /** It took the task up, or it is gone. */
  onChanged(): void;
  onParents: ScheduledEvents['onParents'];
  onLease(pieces: readonly number[]): void;
  onLessee(peerId: string, pieces: readonly number[]): void;
  onTrace: ScheduledEvents['onTrace'];
  onBan: ScheduledEvents['onBan'];
  onOriginHold(durationMs: number): void;
}

export class SchedulerSide {
  readonly #wanted: WantedPieces;
  readonly #task: ScheduledTask;
  readonly #lessees = new Map<number, string>();
  /** Per piece: 0, or 1 + the place in LANES of the most urgent lane in which it was said to be wanted. */
  readonly #said: Uint8Array;
  /** To be looked at in the next turn: nobody may have them. */
  #open = new Set<number>();
  #isUp = false;
  #knowsDown = false;
  #left = false;
  #follows = false;
  /** Background wants are not said before; monotonic. */
  #backgroundFrom = 0;

  constructor(
    joined: JoinedTask,
    ports: {
      readonly schedulers: Schedulers;
      readonly wanted: WantedPieces;
      /** When background wants may be said, after a scheduler came back. */
      readonly spread: () => number;
    },
    events: SchedulerSideEvents,
  ) {
    this.#wanted = ports.wanted;
    this.#said = new Uint8Array(joined.pieceCount);
    const isHere = () => !this.#left;
    this.#task = ports.schedulers.join(joined, {
      onUp: () => {
        if (!isHere()) return;
        // The first one at once: many nodes that start together are what leases are for. A later one finds all of them.
        if (this.#knowsDown) this.#backgroundFrom = ports.spread();
        this.#isUp = true;
        this.#said.fill(0);
        for (const piece of this.#wanted.allIdle()) this.#open.add(piece);
        if (this.#follows) this.#task.follow(true);
        events.onChanged();
      },
      onDown: () => {
        if (!isHere()) return;
        this.#isUp = false;
        this.#knowsDown = true;
        events.onChanged();
      },
      onParents: (add, remove) => isHere() && events.onParents(add, remove),
      onLease: pieces => isHere() && events.onLease(pieces),
      onLessee: (peerId, pieces) => {
        if (!isHere()) return;
        for (const piece of pieces) this.#lessees.set(piece, peerId);
        events.onLessee(peerId, pieces);
      },
      onTrace: pieces => isHere() && events.onTrace(pieces),
      onBan: (peerId, durationMs, reason) => isHere() && events.onBan(peerId, durationMs, reason),
      onOriginHold: durationMs => isHere() && events.onOriginHold(durationMs),
    });
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** There was told to be none: no need to wait for one. */
  get isKnownDown(): boolean {
    return this.#knowsDown && !this.#isUp;
  }

  lesseeOf(piece: number): string | undefined {
    return this.#lessees.get(piece);
  }

  /** Whoever had the lease of the piece will not bring it, or it came. */
  forgetLessee(piece: number): void {
    this.#lessees.delete(piece);
  }

  /** The pieces that the peer has the lease of, as far as known. */
  leasesOf(peerId: string): number[] {
    return [...this.#lessees].filter(([, lessee]) => lessee === peerId).map(([piece]) => piece);
  }

  /** Perhaps nobody has these. */
  consider(pieces: Iterable<number>): void {
    for (const piece of pieces) this.#open.add(piece);
  }

  /**
   * Says what is wanted and nowhere. `isComing`: here, it is leased; `isWithheld`: somebody has it who is not asked now,
   * so the scheduler, who knows nothing of that, must hear that it is late.
   */
  say(now: number, isComing: (piece: number) => boolean, isWithheld: (piece: number) => boolean): void {
    if (!this.#isUp || this.#open.size === 0) return;
    const byLane = new Map<Lane, number[]>();
    const withheld: number[] = [];
    const later = new Set<number>();
    for (const piece of this.#open) {
      const lane = this.#wanted.laneOf(piece);
      if (lane === undefined || !this.#wanted.isIdle(piece) || isComing(piece)) continue;
      if (this.#wanted.holders(piece) > 0 || this.#lessees.has(piece) || this.#wasSaid(piece, lane)) continue;
      if (lane === 'demand' && isWithheld(piece)) withheld.push(piece);
      else if (lane === 'background' && now < this.#backgroundFrom) later.add(piece);
      else listOf(byLane, lane).push(piece);
    }
    this.#open = later;
    this.#sayOne(withheld, 'demand', true);
    for (const lane of LANES) this.#sayOne(byLane.get(lane) ?? [], lane, false);
  }

  /** These take too long wherever they are. */
  sayLate(pieces: readonly number[]): void {
    if (!this.#isUp) return;
    for (const lane of LANES) {
      const own = pieces.filter(piece => this.#wanted.laneOf(piece) === lane);
      this.#sayOne(own, lane, true);
    }
  }

  /** What was said of them holds no longer: somebody had them meanwhile, or was to bring them, or nobody wanted them. */
  unsay(pieces: Iterable<number>): void {
    for (const piece of pieces) {
      this.#said[piece] = 0;
      this.#open.add(piece);
    }
  }

  gained(pieces: readonly number[], chunks: readonly number[]): void {
    this.#task.gained(pieces, chunks);
  }

  lost(pieces: readonly number[], chunks: readonly number[]): void {
    this.#task.lost(pieces, chunks);
  }

  leaseFailed(pieces: readonly number[], reason: LeaseFailure, retryAfterMs: number | undefined): void {
    this.#task.leaseFailed(pieces, reason, retryAfterMs);
  }

  /** The trace is of interest, or no longer. */
  follow(follows: boolean): void {
    if (this.#follows === follows) return;
    this.#follows = follows;
    if (this.#isUp) this.#task.follow(follows);
  }

  accuse(...args: Parameters<ScheduledTask['accuse']>): void {
    this.#task.accuse(...args);
  }

  served(...args: Parameters<ScheduledTask['served']>): void {
    this.#task.served(...args);
  }

  leave(): void {
    this.#left = true;
    this.#isUp = false;
    this.#task.leave();
  }

  #wasSaid(piece: number, lane: Lane): boolean {
    const said = this.#said[piece] ?? 0;
    return said !== 0 && said <= LANES.indexOf(lane) + 1;
  }

  #sayOne(pieces: readonly number[], lane: Lane, late: boolean): void {
    if (pieces.length === 0) return;
    for (const piece of pieces) this.#said[piece] = LANES.indexOf(lane) + 1;
    this.#task.want(pieces, { lane, late });
  }
}

function listOf<K, V>(map: Map<K, V[]>, key: K): V[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}
