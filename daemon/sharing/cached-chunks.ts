// What this node can give of a blob whose own bytes are gone: the chunks in its cache, found by their place in the blob and
// packed anew. The swarm's view of one open blob.

import {
  abortedError,
  type BlobLayout,
  type ByteRange,
  type CachedChunks,
  type ChunkPlace,
  type StoredBlob,
} from '../../core/index.ts';

/** Usable for as long as the blob is open; afterwards there is nothing here. */
export class BlobChunks implements CachedChunks {
  readonly #blob: StoredBlob;
  #places: ChunkPlaces | undefined;
  #closed = false;

  constructor(blob: StoredBlob) {
    this.#blob = blob;
  }

  covers(range: ByteRange): boolean {
    return !this.#closed && this.#byPlace().covers(range, index => this.#blob.map.has(index));
  }

  onChange(listener: () => void): () => void {
    return this.#blob.onChange(listener);
  }

  async pack(
    place: ChunkPlace,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (signal.aborted) throw abortedError(signal);
    const index = this.#closed ? undefined : this.#byPlace().find(place);
    const frame = index === undefined ? undefined : await this.#blob.pack(index);
    if (signal.aborted) throw abortedError(signal);
    return frame;
  }

  /** The blob is about to be closed. */
  close(): void {
    this.#closed = true;
    this.#places = undefined;
  }

  #byPlace(): ChunkPlaces {
    this.#places ??= new ChunkPlaces(this.#blob.layout);
    return this.#places;
  }
}

/** A blob's chunks in the order of their stored bytes. 20 bytes for each. */
export class ChunkPlaces {
  readonly #layout: BlobLayout;
  readonly #order: Uint32Array;
  readonly #starts: Float64Array;
  /** The farthest end of the chunks up to here: several may share bytes. */
  readonly #reach: Float64Array;
  /** A merged image leaves out what none of its files uses: then a gap may be a chunk that is not known here. */
  readonly #isWhole: boolean;

  constructor(layout: BlobLayout) {
    this.#layout = layout;
    const indexes: number[] = [];
    for (let index = 0; index < layout.chunkCount; index++) if (layout.describes(index)) indexes.push(index);
    this.#isWhole = indexes.length === layout.chunkCount;
    const startOf = new Float64Array(layout.chunkCount);
    for (const index of indexes) startOf[index] = layout.chunk(index).compressedOffset;
    this.#order = Uint32Array.from(indexes).sort((a, b) => (startOf[a] ?? 0) - (startOf[b] ?? 0));
    this.#starts = Float64Array.from(this.#order, index => startOf[index] ?? 0);
    let reach = 0;
    this.#reach = Float64Array.from(this.#order, index => {
      const { compressedOffset, compressedSize } = layout.chunk(index);
      reach = Math.max(reach, compressedOffset + compressedSize);
      return reach;
    });
  }

  /** Does the range hold chunks, and are all that touch it present? */
  covers({ offset, length }: ByteRange, isPresent: (index: number) => boolean): boolean {
    const end = offset + length;
    let covered = offset;
    let any = false;
    for (let at = firstAbove(this.#reach, offset); at < this.#order.length && this.#start(at) < end; at++) {
      const chunk = this.#layout.chunk(this.#order[at] ?? 0);
      const chunkEnd = chunk.compressedOffset + chunk.compressedSize;
      if (chunkEnd <= offset) continue;
      if (!isPresent(chunk.index)) return false;
      if (!this.#isWhole && chunk.compressedOffset > covered) return false;
      covered = Math.max(covered, chunkEnd);
      any = true;
    }
    return any && (this.#isWhole || covered >= end);
  }

  find({ offset, compressedSize, uncompressedSize }: ChunkPlace): number | undefined {
    // Starts are whole numbers.
    for (let at = firstAbove(this.#starts, offset - 0.5); this.#start(at) === offset; at++) {
      const chunk = this.#layout.chunk(this.#order[at] ?? 0);
      if (chunk.compressedSize === compressedSize && chunk.uncompressedSize === uncompressedSize) return chunk.index;
    }
    return undefined;
  }

  #start(at: number): number {
    return this.#starts[at] ?? Number.POSITIVE_INFINITY;
  }
}

/** The first position whose value is above `limit`, of values that never fall; their number when none is. */
function firstAbove(values: Float64Array, limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
