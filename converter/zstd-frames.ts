// Finds the ends of the frames in a zstd stream (RFC 8878 §3.1). A layer may be many frames in a row (that is how
// zstd:chunked and parallel compressors write), with skippable frames between, but node:zlib stops after the first
// frame in what it is given and drops the rest of it silently. So it is given no more than to the end of a frame.
//
// Only headers are looked at: a frame says how long each of its blocks is.

import { ShoalError } from '../core/index.ts';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const MAGIC_BYTES = 4;
const SKIPPABLE_SIZE_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** Bytes of the frame header by the flags in its descriptor (RFC 8878 §3.1.1.1). */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

type Part =
  | 'magic'
  | 'skippable-size'
  | 'skippable'
  | 'descriptor'
  | 'rest-of-header'
  | 'block-header'
  | 'block'
  | 'checksum';

/** Splits a zstd stream at the ends of its frames and leaves skippable frames out. Throws `malformed`. */
export class ZstdFrames {
  #part: Part = 'magic';
  /** Bytes of the current part that are still to come. */
  #missing = MAGIC_BYTES;
  /** Value of the current part's bytes so far, little-endian, for the parts that are read as numbers. */
  #value = 0;
  #valueBytes = 0;
  #hasChecksum = false;
  #isLastBlock = false;
  #isSkippable = false;

  /** False in the middle of a frame. */
  get isBetweenFrames(): boolean {
    return this.#part === 'magic' && this.#valueBytes === 0;
  }

  /**
   * The parts of a piece that belong to frames with content, in order; none of them goes beyond the end of a frame.
   * Views on the piece, but for magic numbers that the piece before had the beginning of.
   */
  split(piece: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let start = 0;
    let at = 0;
    while (at < piece.length) {
      const count = Math.min(this.#missing, piece.length - at);
      const before = this.#part;
      this.#consume(piece, at, count);
      at += count;
      if (before === 'magic' && this.#part !== 'magic') {
        // Only now it is known whether the frame is of any interest; a magic number that was cut is given anew.
        const isWhole = count === MAGIC_BYTES;
        start = isWhole && !this.#isSkippable ? at - MAGIC_BYTES : at;
        if (!isWhole && !this.#isSkippable) parts.push(MAGIC);
      } else if (before === 'magic' || this.#isSkippable) {
        start = at;
      } else if (this.#part === 'magic') {
        parts.push(piece.subarray(start, at));
        start = at;
      }
      if (this.#part === 'magic') this.#isSkippable = false;
    }
    if (start < piece.length) parts.push(piece.subarray(start));
    return parts;
  }

  #consume(piece: Uint8Array, at: number, count: number): void {
    if (READ_AS_NUMBER.has(this.#part)) {
      for (let i = 0; i < count; i++) this.#value += (piece[at + i] ?? 0) * 256 ** this.#valueBytes++;
    }
    this.#missing -= count;
    // A part may be empty (a block of no bytes), so that its end is the end of the next one too.
    while (this.#missing === 0) this.#next();
  }

  #start(part: Part, bytes: number): void {
    this.#part = part;
    this.#missing = bytes;
    this.#value = 0;
    this.#valueBytes = 0;
  }

  #next(): void {
    switch (this.#part) {
      case 'magic':
        this.#startFrame(this.#value);
        break;
      case 'skippable-size':
        this.#start('skippable', this.#value);
        break;
      case 'descriptor':
        this.#startHeader(this.#value);
        break;
      case 'rest-of-header':
        this.#start('block-header', BLOCK_HEADER_BYTES);
        break;
      case 'block-header':
        this.#startBlock(this.#value);
        break;
      case 'block':
        if (!this.#isLastBlock) this.#start('block-header', BLOCK_HEADER_BYTES);
        else if (this.#hasChecksum) this.#start('checksum', CHECKSUM_BYTES);
        else this.#start('magic', MAGIC_BYTES);
        break;
      case 'skippable':
      case 'checksum':
        this.#start('magic', MAGIC_BYTES);
        break;
    }
  }

  #startFrame(magic: number): void {
    this.#isSkippable = (magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC;
    if (!this.#isSkippable && magic !== FRAME_MAGIC) {
      throw new ShoalError('malformed', `zstd stream: ${magic.toString(16)} where a frame should begin`);
    }
    if (this.#isSkippable) this.#start('skippable-size', SKIPPABLE_SIZE_BYTES);
    else this.#start('descriptor', 1);
  }

  #startHeader(descriptor: number): void {
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >>> 6;
    this.#hasChecksum = (descriptor & 0x04) !== 0;
    const contentSizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0);
    const dictionaryBytes = DICTIONARY_ID_BYTES[descriptor & 3] ?? 0;
    this.#start('rest-of-header', (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes);
  }

  #startBlock(header: number): void {
    this.#isLastBlock = (header & 1) !== 0;
    const type = (header >>> 1) & 3;
    if (type === RESERVED_BLOCK) throw new ShoalError('malformed', 'zstd stream: a block of a reserved type');
    this.#start('block', type === RLE_BLOCK ? 1 : header >>> 3);
  }
}

const READ_AS_NUMBER: ReadonlySet<Part> = new Set(['magic', 'skippable-size', 'descriptor', 'block-header']);
const MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);
