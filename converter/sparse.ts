// Maps of sparse files: which ranges of a file the archive stores; everything between is zeros. GNU tar has written
// them in four ways (old header, pax 0.0, 0.1 and 1.0; GNU tar manual, "Storing Sparse Files"); all end here.

import { ShoalError } from '../core/index.ts';
import { sparseNumber } from './tar-header.ts';

/** Offset and length of each stored range, alternating; ascending, not overlapping. Bytes. */
export type SparseMap = Float64Array;

/** The GNU.sparse.* records of a pax header. */
export interface PaxSparse {
  major?: number;
  minor?: number;
  /** The file's real name; the header's has a made-up directory in it. */
  name?: string;
  /** The file's real size; the header's is that of what is stored. */
  realSize?: number;
  map?: SparseMap;
}

/**
 * More ranges than this are refused: 16 MiB of map, a file with a hole in every other page of 8 GiB. The map has to be
 * held while the file is read.
 */
export const MAX_SPARSE_RANGES = 1 << 20;

/** Map text of format 0.1: `offset,length,offset,length`. */
export function parseSparseMapText(text: string, at: number): SparseMap {
  if (text === '') return new Float64Array(0);
  const parts = text.split(',', 2 * MAX_SPARSE_RANGES + 1);
  if (parts.length > 2 * MAX_SPARSE_RANGES) throw tooMany(at);
  return joinSparsePairs(
    parts.map(part => (/^[0-9]{1,16}$/.test(part) ? Number(part) : Number.NaN)),
    at,
  );
}

export function joinSparsePairs(numbers: readonly number[], at: number): SparseMap {
  if (numbers.length % 2 !== 0) throw malformed(at, 'a range without a length');
  return Float64Array.from(numbers);
}

/** Collects the ranges of an old GNU sparse header ('S') and of the extension blocks that follow it. */
export class OldSparseMap {
  readonly #numbers: number[] = [];

  /** Reads up to `count` ranges of 24 bytes at `start`. Returns whether another extension block follows. */
  addBlock(
    block: Buffer,
    layout: { readonly start: number; readonly count: number; readonly more: number },
    at: number,
  ) {
    for (let i = 0; i < layout.count; i++) {
      const offset = layout.start + 24 * i;
      if (block[offset + 12] === 0 || block[offset] === 0) break; // an unused slot
      this.#numbers.push(sparseNumber(block, offset, at), sparseNumber(block, offset + 12, at));
    }
    if (this.#numbers.length > 2 * MAX_SPARSE_RANGES) throw tooMany(at);
    return block[layout.more] !== 0;
  }

  finish(at: number): SparseMap {
    return joinSparsePairs(this.#numbers, at);
  }
}

/** Where the ranges stand in the header of an old sparse file and in its extension blocks (21 ranges each). */
export const OLD_SPARSE_HEADER = { start: 386, count: 4, more: 482, realSize: 483 } as const;
export const OLD_SPARSE_EXTENSION = { start: 0, count: 21, more: 504 } as const;

/**
 * Parses the map of format 1.0, which stands in front of the data: a decimal count, then the numbers, each followed by
 * a newline, padded to whole blocks. Feed it block by block until it returns the map.
 */
export class SparseMapParser {
  #expected = -1;
  readonly #numbers: number[] = [];
  #pending = 0;
  #digits = 0;

  addBlock(block: Buffer, at: number): SparseMap | undefined {
    for (const byte of block) {
      if (byte === NEWLINE && this.#digits > 0) this.#finishNumber(at);
      else this.#addDigit(byte, at);
      if (this.#numbers.length === this.#expected) return joinSparsePairs(this.#numbers, at);
    }
    return undefined;
  }

  #addDigit(byte: number, at: number): void {
    const digit = byte - ZERO_DIGIT;
    if (digit < 0 || digit > 9 || ++this.#digits > MAX_DIGITS) throw malformed(at, 'not a list of numbers');
    this.#pending = this.#pending * 10 + digit;
  }

  #finishNumber(at: number): void {
    const value = this.#pending;
    this.#pending = 0;
    this.#digits = 0;
    if (this.#expected >= 0) {
      this.#numbers.push(value);
    } else {
      if (value > MAX_SPARSE_RANGES) throw tooMany(at);
      this.#expected = 2 * value;
    }
  }
}

/** Throws `malformed` unless the ranges ascend, lie inside the file and add up to what the archive stores. */
export function checkSparseMap(map: SparseMap, storedSize: number, realSize: number, at: number): void {
  let end = 0;
  let stored = 0;
  for (let i = 0; i < map.length; i += 2) {
    const offset = map[i] ?? Number.NaN;
    const length = map[i + 1] ?? Number.NaN;
    if (!(offset >= end && length >= 0 && offset + length <= realSize)) {
      throw malformed(at, `range ${offset}+${length} of a file of ${realSize} bytes, after one that ends at ${end}`);
    }
    end = offset + length;
    stored += length;
  }
  if (stored !== storedSize) throw malformed(at, `its ranges hold ${stored} bytes, the archive stores ${storedSize}`);
}

const NEWLINE = 0x0a;
const ZERO_DIGIT = 0x30;
/** 2^53 has 16 digits. */
const MAX_DIGITS = 16;

function tooMany(at: number): ShoalError {
  return new ShoalError('limit', `tar sparse map at byte ${at}: more than ${MAX_SPARSE_RANGES} ranges`);
}

function malformed(at: number, what: string): ShoalError {
  return new ShoalError('malformed', `tar sparse map at byte ${at}: ${what}`);
}
