// The chunk table (docs/image-format.md §6; nydus.md §1.11): one entry of 80 bytes per chunk, sorted by digest. It is
// read in place; all that is built is one number per chunk, its position in the table. That walk looks at every entry
// once and refuses the table as a whole when one makes no sense, so later steps can rely on each.

import type { Chunk } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import type { BlobEntry } from './blob-table.ts';
import type { ChunkList } from './chunk-list.ts';
import { alignUp, readU64, writeI64 } from './fields.ts';
import * as layout from './layout.ts';
import { malformed } from './refusals.ts';
import type { Superblock } from './superblock.ts';

/** The chunks of one blob that the chunk table describes. */
export interface DescribedChunks {
  /** Chunk number to 1 + position in the table; 0 when the table does not describe it. Shared memory. */
  readonly positions: Uint32Array<SharedArrayBuffer>;
  readonly count: number;
  /** The flags of all of them together. */
  readonly flags: number;
  /** Where the last of their bytes ends in the blob file, and how many they are. */
  readonly compressedEnd: number;
  readonly compressedBytes: number;
}

/** Limit on the chunks of an image, 32 TiB at the default size. A reader needs 4 bytes for each, described or not. */
const MAX_IMAGE_CHUNKS = 2 ** 25;

/** Index, flag, sizes (u32), offsets (f64), digest. */
export const CHUNK_RECORD_BYTES = 16 + 16 + layout.DIGEST_BYTES;

const DIGEST_AT = 0;
const BLOB_AT = 32;
const FLAGS_AT = 36;
const COMPRESSED_SIZE_AT = 40;
const UNCOMPRESSED_SIZE_AT = 44;
const COMPRESSED_OFFSET_AT = 48;
const DEVICE_OFFSET_AT = 56;
const INDEX_AT = 72;

const KNOWN_FLAGS =
  layout.CHUNK_COMPRESSED | layout.CHUNK_HOLE | layout.CHUNK_ENCRYPTED | layout.CHUNK_BATCH | layout.CHUNK_HAS_CRC32;

export class ChunkTable {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #superblock: Superblock;
  readonly #blobs: readonly BlobEntry[];
  /** One for each blob, in blob-table order. */
  readonly chunks: readonly DescribedChunks[];

  /**
   * Walks the table once, unless another thread has done so and these are its `chunks`. Throws `malformed`, or `limit`
   * for more chunks than any image has.
   */
  constructor(
    bytes: Uint8Array,
    view: DataView,
    description: { readonly superblock: Superblock; readonly blobs: readonly BlobEntry[] },
    walked?: readonly DescribedChunks[],
  ) {
    this.#bytes = bytes;
    this.#view = view;
    this.#superblock = description.superblock;
    this.#blobs = description.blobs;
    this.chunks = walked ?? this.#walk();
  }

  #walk(): readonly DescribedChunks[] {
    const blobs = this.#blobs;
    const total = blobs.reduce((sum, blob) => sum + blob.chunkCount, 0);
    if (total > MAX_IMAGE_CHUNKS)
      throw new ShoalError('limit', `image has ${total} chunks; at most ${MAX_IMAGE_CHUNKS}`);
    return this.#positions().map((found, blobIndex) => this.#checkBlob(blobIndex, found));
  }

  /** Where the chunk begins in the device, or -1 when the table does not describe it. Bytes. No allocation. */
  deviceOffset(blobIndex: number, index: number): number {
    const entry = this.#entry(blobIndex, index);
    return entry < 0 ? -1 : readU64(this.#view, entry + DEVICE_OFFSET_AT, 'a chunk offset');
  }

  /** Bytes of the chunk, or -1 when the table does not describe it. No allocation. */
  uncompressedSize(blobIndex: number, index: number): number {
    const entry = this.#entry(blobIndex, index);
    return entry < 0 ? -1 : this.#view.getUint32(entry + UNCOMPRESSED_SIZE_AT, true);
  }

  /** The chunk; its digest is a view on the bootstrap. Throws `malformed` when the table does not describe it. */
  chunk(blobIndex: number, index: number): Chunk {
    const entry = this.#entry(blobIndex, index);
    if (entry < 0) throw malformed(`chunk ${index} of ${this.#name(blobIndex)} is not in the chunk table`);
    return {
      index,
      compressedOffset: readU64(this.#view, entry + COMPRESSED_OFFSET_AT, 'a chunk offset'),
      compressedSize: this.#view.getUint32(entry + COMPRESSED_SIZE_AT, true),
      compressed: (this.#view.getUint32(entry + FLAGS_AT, true) & layout.CHUNK_COMPRESSED) !== 0,
      deviceOffset: readU64(this.#view, entry + DEVICE_OFFSET_AT, 'a chunk offset'),
      uncompressedSize: this.#view.getUint32(entry + UNCOMPRESSED_SIZE_AT, true),
      digest: this.#bytes.subarray(entry + DIGEST_AT, entry + DIGEST_AT + layout.DIGEST_BYTES),
    };
  }

  /**
   * Writes what `chunk` says of a chunk as CHUNK_RECORD_BYTES bytes at `at`, digest and all: for who goes through all
   * chunks of an image and needs no object for each. Throws as `chunk` does.
   */
  putRecord(blobIndex: number, index: number, record: DataView, at: number): void {
    const entry = this.#entry(blobIndex, index);
    if (entry < 0) throw malformed(`chunk ${index} of ${this.#name(blobIndex)} is not in the chunk table`);
    const view = this.#view;
    record.setUint32(at, index, true);
    record.setUint32(at + 4, view.getUint32(entry + FLAGS_AT, true) & layout.CHUNK_COMPRESSED ? 1 : 0, true);
    record.setUint32(at + 8, view.getUint32(entry + COMPRESSED_SIZE_AT, true), true);
    record.setUint32(at + 12, view.getUint32(entry + UNCOMPRESSED_SIZE_AT, true), true);
    record.setFloat64(at + 16, readU64(view, entry + COMPRESSED_OFFSET_AT, 'a chunk offset'), true);
    record.setFloat64(at + 24, readU64(view, entry + DEVICE_OFFSET_AT, 'a chunk offset'), true);
    for (let i = 0; i < layout.DIGEST_BYTES; i += 4) {
      record.setUint32(at + 32 + i, view.getUint32(entry + DIGEST_AT + i, true), true);
    }
  }

  #entry(blobIndex: number, index: number): number {
    const position = this.chunks[blobIndex]?.positions[index] ?? 0;
    return position === 0 ? -1 : this.#superblock.chunkTable.offset + (position - 1) * layout.CHUNK_ENTRY_BYTES;
  }

  #name(blobIndex: number): string {
    return `blob ${this.#blobs[blobIndex]?.id ?? blobIndex}`;
  }

  #positions(): readonly Uint32Array<SharedArrayBuffer>[] {
    const { offset, size } = this.#superblock.chunkTable;
    const positions = this.#blobs.map(({ chunkCount }) => new Uint32Array(new SharedArrayBuffer(chunkCount * 4)));
    const count = size / layout.CHUNK_ENTRY_BYTES;
    for (let position = 0; position < count; position++) {
      const entry = offset + position * layout.CHUNK_ENTRY_BYTES;
      const blobIndex = this.#view.getUint32(entry + BLOB_AT, true);
      const index = this.#view.getUint32(entry + INDEX_AT, true);
      const ofBlob = positions[blobIndex];
      if (ofBlob === undefined || index >= ofBlob.length) {
        throw malformed(`chunk table entry ${position} is chunk ${index} of blob ${blobIndex}, which does not exist`);
      }
      if (ofBlob[index] !== 0) throw malformed(`chunk table has chunk ${index} of ${this.#name(blobIndex)} twice`);
      ofBlob[index] = position + 1;
    }
    return positions;
  }

  /** Checks the chunks of one blob in order of their numbers, which is their order in the device. */
  #checkBlob(blobIndex: number, positions: Uint32Array<SharedArrayBuffer>): DescribedChunks {
    const view = this.#view;
    const { blockSize, chunkTable } = this.#superblock;
    const deviceSize = this.#blobs[blobIndex]?.deviceSize ?? 0;
    const found = { positions, count: 0, flags: 0, compressedEnd: 0, compressedBytes: 0 };
    let deviceEnd = 0;
    for (let index = 0; index < positions.length; index++) {
      const position = positions[index] ?? 0;
      if (position === 0) continue;
      const entry = chunkTable.offset + (position - 1) * layout.CHUNK_ENTRY_BYTES;
      const deviceOffset = readU64(view, entry + DEVICE_OFFSET_AT, 'a chunk offset');
      const flags = view.getUint32(entry + FLAGS_AT, true);
      const size = view.getUint32(entry + COMPRESSED_SIZE_AT, true);
      const uncompressed = view.getUint32(entry + UNCOMPRESSED_SIZE_AT, true);
      const end = readU64(view, entry + COMPRESSED_OFFSET_AT, 'a chunk offset') + size;
      if (deviceOffset % blockSize !== 0 || deviceOffset < deviceEnd) {
        throw this.#broken(blobIndex, index, `starts at ${deviceOffset} of the device, on top of another or unaligned`);
      }
      deviceEnd = deviceOffset + alignUp(uncompressed, blockSize);
      if (deviceEnd > deviceSize) throw this.#broken(blobIndex, index, `ends outside the device's ${deviceSize} bytes`);
      if (!this.#sizesMakeSense(size, uncompressed, flags)) {
        throw this.#broken(blobIndex, index, `has ${size} bytes, ${uncompressed} uncompressed, flags ${flags}`);
      }
      found.count++;
      found.flags |= flags;
      found.compressedEnd = Math.max(found.compressedEnd, end);
      found.compressedBytes += size;
    }
    return found;
  }

  #sizesMakeSense(size: number, uncompressed: number, flags: number): boolean {
    const { chunkSize } = this.#superblock;
    if ((flags & ~KNOWN_FLAGS) !== 0 || uncompressed === 0 || uncompressed > chunkSize) return false;
    // What is stored of these is for nobody to read here; whoever asks for the bytes is refused by the flag.
    if ((flags & (layout.CHUNK_BATCH | layout.CHUNK_ENCRYPTED | layout.CHUNK_HOLE)) !== 0) return true;
    const compressed = (flags & layout.CHUNK_COMPRESSED) !== 0;
    return compressed ? size > 0 && size <= chunkSize : size === uncompressed;
  }

  #broken(blobIndex: number, index: number, what: string): ShoalError {
    return malformed(`chunk ${index} of ${this.#name(blobIndex)} ${what}`);
  }
}

/**
 * Writes the table of all chunks of all blobs, those too that no file uses: so two images that share a layer describe its
 * blob alike and share what is cached of it. `file_offset` stays 0 for the same reason; it says nothing that is needed.
 */
export function writeChunkTable(bytes: Uint8Array, at: number, blobs: readonly ChunkList[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let entry = at;
  for (const { blobIndex, index } of inTableOrder(blobs)) {
    const chunk = blobs[blobIndex]?.at(index);
    if (chunk === undefined) continue;
    bytes.set(chunk.digest, entry + DIGEST_AT);
    view.setUint32(entry + BLOB_AT, blobIndex, true);
    view.setUint32(entry + FLAGS_AT, chunk.compressed ? layout.CHUNK_COMPRESSED : 0, true);
    view.setUint32(entry + COMPRESSED_SIZE_AT, chunk.compressedSize, true);
    view.setUint32(entry + UNCOMPRESSED_SIZE_AT, chunk.uncompressedSize, true);
    writeI64(view, entry + COMPRESSED_OFFSET_AT, chunk.compressedOffset);
    writeI64(view, entry + DEVICE_OFFSET_AT, chunk.deviceOffset);
    view.setUint32(entry + INDEX_AT, index, true);
    entry += layout.CHUNK_ENTRY_BYTES;
  }
}

/** Every chunk of every blob by digest, then blob, then number. */
function* inTableOrder(blobs: readonly ChunkList[]): Generator<{ blobIndex: number; index: number }> {
  const firsts: number[] = [];
  let total = 0;
  for (const chunks of blobs) {
    firsts.push(total);
    total += chunks.length;
  }
  const blobOf = new Uint8Array(total);
  const prefixes = new Uint32Array(total);
  const digests = new Uint8Array(total * layout.DIGEST_BYTES);
  blobs.forEach((chunks, blobIndex) => {
    const first = firsts[blobIndex] ?? 0;
    blobOf.fill(blobIndex, first, first + chunks.length);
    digests.set(chunks.digests, first * layout.DIGEST_BYTES);
  });
  const view = new DataView(digests.buffer);
  for (let i = 0; i < total; i++) prefixes[i] = view.getUint32(i * layout.DIGEST_BYTES);
  // Numbers are handed out blob by blob, so comparing them compares (blob, chunk number).
  const order = Uint32Array.from(prefixes, (_, i) => i).sort(
    (a, b) => (prefixes[a] ?? 0) - (prefixes[b] ?? 0) || compareDigests(digests, a, b) || a - b,
  );
  for (const i of order) {
    const blobIndex = blobOf[i] ?? 0;
    yield { blobIndex, index: i - (firsts[blobIndex] ?? 0) };
  }
}

function compareDigests(digests: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < layout.DIGEST_BYTES; i++) {
    const difference = (digests[a * layout.DIGEST_BYTES + i] ?? 0) - (digests[b * layout.DIGEST_BYTES + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
