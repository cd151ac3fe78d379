// The chunk map: which chunks of a blob's cache file are present and verified. In memory it is shared between threads
// (the workers that serve reads, the workers that store chunks, the evictor); on disk it is two bitmaps.
//
// In memory, one 32-bit word per chunk after a 16-byte header. The word is a sequence counter: **odd means present**.
// Storing a chunk adds one (even -> odd) after its bytes are in the file; evicting adds one (odd -> even) before the
// hole is punched. A reader loads the word, reads the file, loads the word again and uses the bytes only when it is
// odd and unchanged: an eviction in between, even followed by a new store, always shows.
//
// On disk (`encodeMapFile`): a header of 64 bytes, then two bitmaps (chunk i is bit i & 7 of byte i >> 3):
//   written: the chunk's data was written before the bit; valid in the boot that wrote it (page cache survives us)
//   synced:  an fdatasync of the data had covered it; valid for ever

import { ShoalError } from './errors.ts';

const HEADER_BYTES = 16;
const MAP_MAGIC = 0x50414d43; // "CMAP"
const MAP_VERSION = 1;
/** Limit of the format: 2^24 chunks a blob (nydus.md §1.2). */
export const MAX_CHUNKS_PER_BLOB = 1 << 24;

const WORD_MAGIC = 0;
const WORD_COUNT = 1;
const WORD_PRESENT = 2;
const WORD_FIRST = HEADER_BYTES / 4;

/** A view on the shared memory of one blob's map. Cheap to make in each thread from the same `buffer`. */
export class ChunkMap {
  readonly buffer: SharedArrayBuffer;
  readonly chunkCount: number;
  readonly #words: Int32Array<SharedArrayBuffer>;

  /** Wraps shared memory made by `createChunkMap`. */
  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    const count = this.#words[WORD_COUNT] ?? -1;
    if (this.#words[WORD_MAGIC] !== MAP_MAGIC || buffer.byteLength !== HEADER_BYTES + 4 * count) {
      throw new ShoalError('internal', 'chunk map: not the shared memory of a chunk map');
    }
    this.buffer = buffer;
    this.chunkCount = count;
  }

  /** The chunk's sequence counter. Load it before reading the file and compare after. */
  sequence(index: number): number {
    return Atomics.load(this.#words, WORD_FIRST + this.#checked(index));
  }

  has(index: number): boolean {
    return isPresent(this.sequence(index));
  }

  /** Number of present chunks. */
  get presentCount(): number {
    return Atomics.load(this.#words, WORD_PRESENT);
  }

  /** Marks a chunk present; its bytes must be in the file already. Returns false when it was present before. */
  markPresent(index: number): boolean {
    return this.#flip(index, 0, 1);
  }

  /** Marks a chunk absent; do this before its bytes go. Returns false when it was absent before. */
  markAbsent(index: number): boolean {
    return this.#flip(index, 1, -1);
  }

  #flip(index: number, from: 0 | 1, change: 1 | -1): boolean {
    const at = WORD_FIRST + this.#checked(index);
    for (;;) {
      const before = Atomics.load(this.#words, at);
      if ((before & 1) !== from) return false;
      if (Atomics.compareExchange(this.#words, at, before, (before + 1) | 0) === before) {
        Atomics.add(this.#words, WORD_PRESENT, change);
        return true;
      }
    }
  }

  #checked(index: number): number {
    if (index < 0 || index >= this.chunkCount) {
      throw new ShoalError('internal', `chunk map: chunk ${index} of ${this.chunkCount}`);
    }
    return index;
  }
}

/** Does this sequence counter say that the chunk is there? */
export function isPresent(sequence: number): boolean {
  return (sequence & 1) === 1;
}

/** A map with every chunk absent. Throws `limit` for more chunks than the format allows. */
export function createChunkMap(chunkCount: number): ChunkMap {
  if (!Number.isInteger(chunkCount) || chunkCount < 0 || chunkCount > MAX_CHUNKS_PER_BLOB) {
    throw new ShoalError('limit', `blob has ${chunkCount} chunks; at most ${MAX_CHUNKS_PER_BLOB} are possible`);
  }
  const buffer = new SharedArrayBuffer(HEADER_BYTES + 4 * chunkCount);
  const words = new Int32Array(buffer);
  words[WORD_MAGIC] = MAP_MAGIC;
  words[WORD_COUNT] = chunkCount;
  return new ChunkMap(buffer);
}

/** What the map file says. Bitmaps are `bitmapBytes(chunkCount)` long. */
export interface MapFile {
  readonly layoutKey: string;
  /** The kernel's boot id (32 hex digits, no dashes) of the boot that wrote `written`. */
  readonly bootId: string;
  readonly chunkCount: number;
  readonly written: Uint8Array;
  readonly synced: Uint8Array;
}

const FILE_HEADER_BYTES = 64;

export function bitmapBytes(chunkCount: number): number {
  return (chunkCount + 7) >>> 3;
}

export function bitmapHas(bitmap: Uint8Array, index: number): boolean {
  return (((bitmap[index >>> 3] ?? 0) >>> (index & 7)) & 1) === 1;
}

export function bitmapSet(bitmap: Uint8Array, index: number): void {
  bitmap[index >>> 3] = (bitmap[index >>> 3] ?? 0) | (1 << (index & 7));
}

/** The present chunks as a bitmap, as of now. */
export function snapshotBitmap(map: ChunkMap): Uint8Array {
  const bitmap = new Uint8Array(bitmapBytes(map.chunkCount));
  for (let index = 0; index < map.chunkCount; index++) if (map.has(index)) bitmapSet(bitmap, index);
  return bitmap;
}

/** Header: magic u32, version u32, chunk count u32, 0 u32, boot id 16 bytes, layout key 32 bytes. */
export function encodeMapFile(file: MapFile): Uint8Array<ArrayBuffer> {
  const size = bitmapBytes(file.chunkCount);
  const bytes = new Uint8Array(FILE_HEADER_BYTES + 2 * size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAP_MAGIC, true);
  view.setUint32(4, MAP_VERSION, true);
  view.setUint32(8, file.chunkCount, true);
  bytes.set(Buffer.from(file.bootId, 'hex'), 16);
  bytes.set(Buffer.from(file.layoutKey, 'hex'), 32);
  bytes.set(file.written.subarray(0, size), FILE_HEADER_BYTES);
  bytes.set(file.synced.subarray(0, size), FILE_HEADER_BYTES + size);
  return bytes;
}

/**
 * The chunks that may be trusted: `written` in the same boot, else `synced`. Undefined when the file is not a whole map
 * file of this layout (another version, torn, somebody else's): the cache then starts empty. The result is the caller's.
 */
export function trustedChunks(
  bytes: Uint8Array,
  expected: { readonly layoutKey: string; readonly chunkCount: number; readonly bootId: string },
): Uint8Array | undefined {
  const size = bitmapBytes(expected.chunkCount);
  if (bytes.length !== FILE_HEADER_BYTES + 2 * size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAP_MAGIC || view.getUint32(4, true) !== MAP_VERSION) return undefined;
  if (view.getUint32(8, true) !== expected.chunkCount) return undefined;
  if (hexOfBytes(bytes, 32, 64) !== expected.layoutKey) return undefined;
  const sameBoot = hexOfBytes(bytes, 16, 32) === expected.bootId;
  const start = FILE_HEADER_BYTES + (sameBoot ? 0 : size);
  return new Uint8Array(bytes.subarray(start, start + size)); // a copy; `slice` of a Buffer would be none
}

function hexOfBytes(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex');
}
