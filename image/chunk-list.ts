// The chunks of one blob in columns: an image may have hundreds of thousands, and an object each would cost more
// memory than their data structures are worth.

import type { Chunk } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';

const DIGEST_BYTES = 32;

const MIN_CAPACITY = 64;

/** A list's memory, for threads to pass on. */
export interface ChunkColumns {
  readonly length: number;
  readonly digests: Uint8Array<ArrayBuffer>;
  readonly offsets: Float64Array<ArrayBuffer>;
  readonly sizes: Uint32Array<ArrayBuffer>;
  readonly compressed: Uint8Array<ArrayBuffer>;
}

const EMPTY: ChunkColumns = {
  length: 0,
  digests: new Uint8Array(0),
  offsets: new Float64Array(0),
  sizes: new Uint32Array(0),
  compressed: new Uint8Array(0),
};

/** Grows by `push`; indexes are the chunks' numbers in the blob. */
export class ChunkList {
  #length = 0;
  #digests = EMPTY.digests;
  #offsets = EMPTY.offsets; // compressed offset, device offset
  #sizes = EMPTY.sizes; // compressed size, uncompressed size
  #compressed = EMPTY.compressed;

  /** The list over these columns, which it keeps. They are one that `release` returned: not checked. */
  static of(columns: ChunkColumns): ChunkList {
    const list = new ChunkList();
    list.#set(columns);
    return list;
  }

  /** Gives the list's memory away; it is empty after that. */
  release(): ChunkColumns {
    const columns = {
      length: this.#length,
      digests: this.#digests,
      offsets: this.#offsets,
      sizes: this.#sizes,
      compressed: this.#compressed,
    };
    this.#set(EMPTY);
    return columns;
  }

  #set({ length, digests, offsets, sizes, compressed }: ChunkColumns): void {
    this.#length = length;
    this.#digests = digests;
    this.#offsets = offsets;
    this.#sizes = sizes;
    this.#compressed = compressed;
  }

  get length(): number {
    return this.#length;
  }

  /** Appends a chunk (its `index` must be the list's length). Copies the digest. */
  push(chunk: Chunk): void {
    const at = this.#length;
    if (chunk.index !== at) throw new ShoalError('internal', `chunk ${chunk.index} pushed at position ${at}`);
    if (at === this.#compressed.length) this.#grow();
    this.#digests.set(chunk.digest, at * DIGEST_BYTES);
    this.#offsets[2 * at] = chunk.compressedOffset;
    this.#offsets[2 * at + 1] = chunk.deviceOffset;
    this.#sizes[2 * at] = chunk.compressedSize;
    this.#sizes[2 * at + 1] = chunk.uncompressedSize;
    this.#compressed[at] = chunk.compressed ? 1 : 0;
    this.#length = at + 1;
  }

  /** The chunk at `index`; `digest` is a view on the list's memory, valid until the next push. Throws `malformed`. */
  at(index: number): Chunk {
    this.#checked(index);
    return {
      index,
      compressedOffset: this.#offsets[2 * index] ?? 0,
      compressedSize: this.#sizes[2 * index] ?? 0,
      compressed: this.#compressed[index] === 1,
      deviceOffset: this.#offsets[2 * index + 1] ?? 0,
      uncompressedSize: this.#sizes[2 * index + 1] ?? 0,
      digest: this.#digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES),
    };
  }

  /** Where the chunk at `index` begins in the device, bytes; as `at`, without allocating. */
  deviceOffset(index: number): number {
    return this.#offsets[2 * this.#checked(index) + 1] ?? 0;
  }

  /** Bytes of the chunk at `index`; as `at`, without allocating. */
  uncompressedSize(index: number): number {
    return this.#sizes[2 * this.#checked(index) + 1] ?? 0;
  }

  /** All digests back to back, 32 bytes each, in chunk order. A view. */
  get digests(): Uint8Array {
    return this.#digests.subarray(0, this.#length * DIGEST_BYTES);
  }

  #checked(index: number): number {
    if (index >= 0 && index < this.#length) return index;
    throw new ShoalError('malformed', `chunk ${index} of a blob with ${this.#length} chunks`);
  }

  #grow(): void {
    const capacity = Math.max(MIN_CAPACITY, this.#compressed.length * 2);
    this.#digests = enlarge(this.#digests, new Uint8Array(DIGEST_BYTES * capacity));
    this.#offsets = enlarge(this.#offsets, new Float64Array(2 * capacity));
    this.#sizes = enlarge(this.#sizes, new Uint32Array(2 * capacity));
    this.#compressed = enlarge(this.#compressed, new Uint8Array(capacity));
  }
}

function enlarge<T extends Uint8Array | Float64Array | Uint32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
