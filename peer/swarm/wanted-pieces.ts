// Which pieces of a blob are wanted, in which lane, which of them nobody is asked for yet, and how many parents have each.
// Pure bookkeeping; the indexes exist so that no event costs more than the pieces it names.

import { LANES, type Lane, PieceSet } from '../../core/index.ts';
import { RarestFirst } from './rarest-first.ts';

export class WantedPieces {
  /** 0: not wanted; else 1 + the lane's place in LANES. */
  readonly #lane: Uint8Array;
  /** How many parents have it; 255 stands for more. */
  readonly #holders: Uint8Array;
  readonly #underWay: PieceSet;
  /**
   * Wanted and nobody asked: in the order in which they were wanted, or rarest first. Also of a trace: of those that one
   * node alone has, each asks for others, and they swap.
   */
  readonly #demand = new Set<number>();
  readonly #trace: RarestFirst;
  readonly #background: RarestFirst;
  readonly #chance: () => number;
  #size = 0;

  constructor(count: number, chance: () => number) {
    this.#lane = new Uint8Array(count);
    this.#holders = new Uint8Array(count);
    this.#underWay = new PieceSet(count);
    this.#trace = new RarestFirst(count);
    this.#background = new RarestFirst(count);
    this.#chance = chance;
  }

  /** How many are wanted, under way or not. */
  get size(): number {
    return this.#size;
  }

  /** How many are wanted that nobody was asked for. */
  get idle(): number {
    return this.#demand.size + this.#trace.size + this.#background.size;
  }

  laneOf(piece: number): Lane | undefined {
    return LANES[(this.#lane[piece] ?? 0) - 1];
  }

  isIdle(piece: number): boolean {
    return (this.#lane[piece] ?? 0) !== 0 && !this.#underWay.has(piece);
  }

  holders(piece: number): number {
    return this.#holders[piece] ?? 0;
  }

  /** Wants it, or changes its lane. Returns whether that was new. */
  want(piece: number, lane: Lane): boolean {
    const code = LANES.indexOf(lane) + 1;
    if (this.#lane[piece] === code) return false;
    if (this.#lane[piece] === 0) this.#size++;
    else this.#unlist(piece);
    this.#lane[piece] = code;
    if (!this.#underWay.has(piece)) this.#list(piece);
    return true;
  }

  /** It came, or nobody waits for it any more. */
  unwant(piece: number): void {
    if (this.#lane[piece] === 0) return;
    this.#unlist(piece);
    this.#lane[piece] = 0;
    this.#size--;
  }

  /** Somebody was asked for it. */
  take(piece: number): void {
    if (this.#underWay.add(piece)) this.#unlist(piece);
  }

  /** Nobody is asked for it any more. */
  giveBack(piece: number): void {
    if (this.#underWay.delete(piece) && this.#lane[piece] !== 0) this.#list(piece);
  }

  addHolder(piece: number): void {
    const now = Math.min(255, this.holders(piece) + 1);
    this.#holders[piece] = now;
    this.#trace.move(piece, now, this.#chance());
    this.#background.move(piece, now, this.#chance());
  }

  /** Returns how many are left. */
  removeHolder(piece: number): number {
    const now = Math.max(0, this.holders(piece) - 1);
    this.#holders[piece] = now;
    this.#trace.move(piece, now, this.#chance());
    this.#background.move(piece, now, this.#chance());
    return now;
  }

  /** Demanded pieces nobody was asked for, in the order in which they were wanted. Not to be changed meanwhile. */
  demanded(): Iterable<number> {
    return this.#demand;
  }

  /** Pieces of the trace that nobody was asked for and somebody has, rarest first. Not to be changed meanwhile. */
  traced(): Generator<number> {
    return this.#trace.from(1);
  }

  /** Pieces of the background that nobody was asked for and somebody has, rarest first. Not to be changed meanwhile. */
  rare(): Generator<number> {
    return this.#background.from(1);
  }

  /** All pieces nobody was asked for, most urgent first. Not to be changed meanwhile. */
  *allIdle(): Generator<number> {
    yield* this.#demand;
    yield* this.#trace.from(0);
    yield* this.#background.from(0);
  }

  #list(piece: number): void {
    const lane = this.laneOf(piece);
    if (lane === 'demand') this.#demand.add(piece);
    else if (lane === 'trace') this.#trace.add(piece, this.holders(piece), this.#chance());
    else if (lane === 'background') this.#background.add(piece, this.holders(piece), this.#chance());
  }

  #unlist(piece: number): void {
    this.#demand.delete(piece);
    this.#trace.delete(piece);
    this.#background.delete(piece);
  }
}
