// Cuts the files of a layer into chunks, finds out which are new to the image, and lays the new ones into slabs: pieces
// of shared memory that go to the compressors as they are. Runs in the layer thread and is synchronous; whoever drives
// it hands it empty slabs (`isFull`, `changeSlab`).
//
// Deduplication happens here, before compression and in the order of the layers, so the result does not depend on how
// many threads compress.

import { MAX_CHUNKS_PER_BLOB, ShoalError } from '../core/index.ts';
import { ChunkHasher } from '../image/index.ts';
import { type ChunkAddress, ChunkIndex } from './chunk-index.ts';
import type { LayerTally, PackedSlab } from './messages.ts';
import type { TarEntry } from './tar-entry.ts';

const NO_REFERENCES = new Uint32Array(0);

export interface PackerOptions {
  /** Bytes. */
  readonly chunkSize: number;
  readonly maxReferences: number;
  readonly maxBlobs: number;
}

export interface Slab {
  readonly slot: number;
  /** At least a chunk long. */
  readonly bytes: Uint8Array;
}

/**
 * Use: `beginLayer`; for each entry `begin`, then for files `write`, `skipKnownZeros`, `zeros` until the size is
 * reached, calling `changeSlab` whenever `isFull`, then `takeReferences`; at the end of the layer `changeSlab(undefined)`
 * and `tally`.
 */
export class LayerPacker {
  readonly #options: PackerOptions;
  readonly #index = new ChunkIndex();
  readonly #hasher = new ChunkHasher();
  #references = 0;
  #blobs = 0;
  /** Chunks that this layer has added; its blob begins with the first. */
  #layerChunks = 0;
  #tally = emptyTally();

  #slab: Slab | undefined;
  /** Where the chunk that is being filled begins in the slab, and how much of it is there. */
  #chunkStart = 0;
  #chunkFilled = 0;
  #lengths: number[] = [];
  /** In hex. */
  #digests: string[] = [];

  /** Content that is still to come for the current file, bytes. */
  #fileRemaining = 0;
  /** Of the current file: blob and chunk, alternating, and how many numbers are there. */
  #fileReferences = NO_REFERENCES;
  #fileReferenceCount = 0;
  /** Where the chunk is that holds nothing but zeros, once it was met. */
  #zeroChunk: ChunkAddress | undefined;

  constructor(options: PackerOptions) {
    this.#options = options;
  }

  beginLayer(): void {
    this.#layerChunks = 0;
    this.#tally = emptyTally();
  }

  /** Throws `limit` when the file claims more chunks than the image may have: before anything is allocated for them. */
  begin(entry: TarEntry): void {
    const chunks = Math.ceil(entry.size / this.#options.chunkSize);
    this.#references += chunks;
    if (this.#references > this.#options.maxReferences) {
      throw new ShoalError('limit', `the image's files have more than ${this.#options.maxReferences} chunks`);
    }
    this.#fileReferences = chunks === 0 ? NO_REFERENCES : new Uint32Array(2 * chunks);
    this.#fileReferenceCount = 0;
    this.#tally.entries++;
    this.#tally.fileBytes += entry.size;
    this.#fileRemaining = entry.size;
  }

  get isBetweenFiles(): boolean {
    return this.#fileRemaining === 0;
  }

  /** True when the next chunk of the current file has no room: change the slab before writing. */
  get isFull(): boolean {
    if (this.#chunkFilled > 0) return false;
    const room = (this.#slab?.bytes.length ?? 0) - this.#chunkStart;
    return room < Math.min(this.#options.chunkSize, this.#fileRemaining);
  }

  /** Copies what fits of the current chunk; returns how many bytes that were, at least one. */
  write(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.#chunkRemaining);
    this.#slab?.bytes.set(bytes.subarray(0, count), this.#chunkStart + this.#chunkFilled);
    this.#advance(count);
    return count;
  }

  /** Like `write`, with zeros. */
  zeros(limit: number): number {
    const count = Math.min(limit, this.#chunkRemaining);
    const start = this.#chunkStart + this.#chunkFilled;
    this.#slab?.bytes.fill(0, start, start + count);
    this.#advance(count);
    if (this.#zeroChunk === undefined) this.#lookForZeroChunk(count);
    return count;
  }

  /** Whole chunks of zeros that are known already take neither memory nor time: returns how many bytes were done so. */
  skipKnownZeros(limit: number): number {
    const { chunkSize } = this.#options;
    if (this.#zeroChunk === undefined || this.#chunkFilled > 0) return 0;
    const count = Math.floor(limit / chunkSize);
    for (let i = 0; i < count; i++) this.#refer(this.#zeroChunk);
    this.#tally.duplicateChunks += count;
    this.#tally.duplicateBytes += count * chunkSize;
    this.#fileRemaining -= count * chunkSize;
    return count * chunkSize;
  }

  /** Puts the next slab in place; returns the one that was there when it holds chunks, else gives its slot back. */
  changeSlab(next: Slab | undefined): { readonly packed?: PackedSlab; readonly freeSlot?: number } {
    const { slot } = this.#slab ?? {};
    const packed = {
      lengths: Uint32Array.from(this.#lengths),
      digests: new Uint8Array(Buffer.from(this.#digests.join(''), 'hex')),
    };
    this.#slab = next;
    this.#chunkStart = 0;
    this.#lengths = [];
    this.#digests = [];
    if (slot === undefined) return {};
    return packed.lengths.length > 0 ? { packed: { slot, ...packed } } : { freeSlot: slot };
  }

  /** The chunks of the file that was written last, in the form of `FileNode.chunks`; empty for everything else. */
  takeReferences(): Uint32Array {
    const references = this.#fileReferences;
    this.#fileReferences = NO_REFERENCES;
    this.#fileReferenceCount = 0;
    return references;
  }

  /** What the layer amounts to so far. */
  get tally(): LayerTally {
    return { ...this.#tally };
  }

  get #chunkRemaining(): number {
    return Math.min(this.#options.chunkSize - this.#chunkFilled, this.#fileRemaining);
  }

  #advance(count: number): void {
    this.#chunkFilled += count;
    this.#fileRemaining -= count;
    if (this.#chunkFilled === this.#options.chunkSize || this.#fileRemaining === 0) this.#finishChunk();
  }

  #finishChunk(): void {
    const length = this.#chunkFilled;
    const bytes = this.#slab?.bytes.subarray(this.#chunkStart, this.#chunkStart + length) ?? new Uint8Array(0);
    const digest = this.#hasher.hex(bytes);
    const known = this.#index.find(digest);
    this.#chunkFilled = 0;
    if (known) {
      this.#tally.duplicateChunks++;
      this.#tally.duplicateBytes += length;
      this.#refer(known);
    } else {
      this.#addChunk(digest, length);
    }
  }

  #addChunk(digest: string, length: number): void {
    if (this.#layerChunks === 0 && ++this.#blobs > this.#options.maxBlobs) {
      throw new ShoalError('limit', `more than ${this.#options.maxBlobs} layers with files of their own`);
    }
    const address = { blob: this.#blobs - 1, chunk: this.#layerChunks++ };
    if (address.chunk >= MAX_CHUNKS_PER_BLOB) {
      throw new ShoalError('limit', `more than ${MAX_CHUNKS_PER_BLOB} chunks in one layer`);
    }
    this.#index.add(digest, address);
    this.#lengths.push(length);
    this.#digests.push(digest);
    this.#chunkStart += length;
    this.#refer(address);
  }

  #refer({ blob, chunk }: ChunkAddress): void {
    this.#tally.chunks++;
    this.#fileReferences[this.#fileReferenceCount++] = blob;
    this.#fileReferences[this.#fileReferenceCount++] = chunk;
  }

  /** Called after zeros were written: when these made a whole chunk by themselves, its address is worth keeping. */
  #lookForZeroChunk(written: number): void {
    if (written !== this.#options.chunkSize) return;
    const [blob = 0, chunk = 0] = this.#fileReferences.subarray(this.#fileReferenceCount - 2);
    this.#zeroChunk = { blob, chunk };
  }
}

function emptyTally(): { -readonly [K in keyof LayerTally]: LayerTally[K] } {
  return { entries: 0, fileBytes: 0, chunks: 0, duplicateChunks: 0, duplicateBytes: 0 };
}
