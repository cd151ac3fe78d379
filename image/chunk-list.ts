// The chunks of one blob in columns: an image may have hundreds of thousands, and an object each would cost more
// memory than their data structures are worth.

import type { Chunk } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';

const DIGEST_BYTES = 32;

/** Grows by `push`; indexes are the chunks' numbers in the blob. */
export class ChunkList {
  #length = 0;
  #digests = new Uint8Array(DIGEST_BYTES * 64);
  #offsets = new Float64Array(2 * 64); // compressed offset, device offset
  #sizes = new Uint32Array(2 * 64); // compressed size, uncompressed size
  #compressed = new Uint8Array(64);

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
    const capacity = this.#compressed.length * 2;
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
