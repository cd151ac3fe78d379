// A set of pieces of one blob: what a node holds, what somebody wants. A bitmap with a count; on the wire as bytes or runs.

import { ShoalError } from './errors.ts';

export class PieceSet {
  readonly count: number;
  readonly #bits: Uint8Array;
  #size = 0;

  /** An empty set over pieces 0 to `count` - 1. */
  constructor(count: number) {
    this.count = count;
    this.#bits = new Uint8Array(Math.ceil(count / 8));
  }

  /** From a bitmap of the wire: bit i in byte i >> 3. Throws `malformed` unless it is of just this length. */
  static fromBytes(count: number, bytes: Uint8Array): PieceSet {
    const set = new PieceSet(count);
    if (bytes.length !== set.#bits.length) {
      throw new ShoalError('malformed', `bitmap of ${bytes.length} bytes: expected ${set.#bits.length}`);
    }
    set.#bits.set(bytes);
    const last = set.#bits.length - 1;
    // Bits beyond the last piece mean nothing.
    if (count % 8 !== 0) set.#bits[last] = (set.#bits[last] ?? 0) & ((1 << (count % 8)) - 1);
    for (const byte of set.#bits) set.#size += ONES[byte] ?? 0;
    return set;
  }

  /** How many are in it. */
  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size === this.count;
  }

  has(piece: number): boolean {
    return ((this.#bits[piece >> 3] ?? 0) & (1 << (piece & 7))) !== 0;
  }

  /** Returns whether it was new. Pieces out of range are not taken. */
  add(piece: number): boolean {
    if (piece < 0 || piece >= this.count || this.has(piece)) return false;
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] ?? 0) | (1 << (piece & 7));
    this.#size++;
    return true;
  }

  /** Returns whether it was in it. */
  delete(piece: number): boolean {
    if (!this.has(piece)) return false;
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] ?? 0) & ~(1 << (piece & 7));
    this.#size--;
    return true;
  }

  /** The bitmap itself, as it is now and changes: to look at or to encode at once, not to keep and not to write. */
  get bytes(): Uint8Array {
    return this.#bits;
  }

  /** A copy, for the wire. */
  toBytes(): Uint8Array {
    return this.#bits.slice();
  }

  /** All pieces in it, ascending. */
  *[Symbol.iterator](): Iterator<number> {
    for (let byte = 0; byte < this.#bits.length; byte++) {
      const bits = this.#bits[byte] ?? 0;
      for (let bit = 0; bits >> bit !== 0; bit++) if ((bits >> bit) & 1) yield byte * 8 + bit;
    }
  }
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** [first, count, ...] of pieces in ascending order. */
export function runsOf(pieces: Iterable<number>): number[] {
  const runs: number[] = [];
  let end = -1;
  for (const piece of pieces) {
    if (piece === end) runs[runs.length - 1] = (runs[runs.length - 1] ?? 0) + 1;
    else runs.push(piece, 1);
    end = piece + 1;
  }
  return runs;
}

/** The pieces of runs from the wire. Throws `malformed` unless they ascend within `count` pieces. */
export function* piecesOfRuns(runs: readonly number[], count: number): Generator<number> {
  if (runs.length % 2 !== 0) throw new ShoalError('malformed', `runs of ${runs.length} numbers: expected pairs`);
  let end = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const first = runs[i] ?? 0;
    const length = runs[i + 1] ?? 0;
    if (first < end || length < 1 || first + length > count) {
      throw new ShoalError('malformed', `run of ${length} pieces from ${first}: expected within ${end} and ${count}`);
    }
    end = first + length;
    for (let piece = first; piece < end; piece++) yield piece;
  }
}
