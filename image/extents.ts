// From a range of a file to the pieces of blobs that hold it (docs/image-format.md §7; nydus.md §1.14, §1.18): for each
// chunk of the file an index entry of 8 bytes names blob, chunk number and start block. What an entry says is compared
// with the chunk table, so what is read at the place it names is always bytes that a digest has covered.

import type { BlobEntry } from './blob-table.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { InodeCursor } from './inode.ts';
import * as layout from './layout.ts';
import { malformed } from './refusals.ts';
import type { Superblock } from './superblock.ts';

/** Gets one piece; offsets and lengths are bytes. See `BootstrapReader.extents`. */
export type EmitExtent = (blobIndex: number, chunkIndex: number, deviceOffset: number, length: number) => void;

/** In place of a chunk's number, only in a device's extents: no chunk is there, and what is read are zeros. */
export const NO_CHUNK = -1;

export class ExtentReader {
  readonly #view: DataView;
  readonly #superblock: Superblock;
  readonly #blobs: readonly BlobEntry[];
  // The index entry that was read last.
  #blobIndex = 0;
  #chunkIndex = 0;
  #deviceOffset = 0;

  constructor(view: DataView, superblock: Superblock, blobs: readonly BlobEntry[]) {
    this.#view = view;
    this.#superblock = superblock;
    this.#blobs = blobs;
  }

  // Plain numbers instead of an options object: this is called for every read.
  /** Emits [offset, offset + length) of the file that `inode` stands on. An image without chunk table has no `table`. */
  emit(inode: InodeCursor, offset: number, length: number, table: ChunkTable | undefined, emit: EmitExtent): void {
    const { chunkSize } = this.#superblock;
    // `emit` may use the reader, and with it the cursor.
    const { nid, size, indexOffset } = inode;
    const end = Math.min(size, offset + length);
    let at = offset;
    while (at < end) {
      const number = Math.floor(at / chunkSize);
      const chunkStart = number * chunkSize;
      const chunkEnd = Math.min(size, chunkStart + chunkSize);
      const pieceEnd = Math.min(end, chunkEnd);
      this.#readIndex(indexOffset + number * layout.CHUNK_INDEX_BYTES);
      if (!this.#placeExists(chunkEnd - chunkStart, table)) throw this.#misplaced(nid, number);
      emit(this.#blobIndex, this.#chunkIndex, this.#deviceOffset + at - chunkStart, pieceEnd - at);
      at = pieceEnd;
    }
  }

  #readIndex(entry: number): void {
    const view = this.#view;
    this.#blobIndex = view.getUint8(entry + 2) - 1;
    this.#chunkIndex = view.getUint16(entry, true) | (view.getUint8(entry + 3) << 16);
    this.#deviceOffset = view.getUint32(entry + 4, true) * this.#superblock.blockSize;
  }

  #placeExists(bytes: number, table: ChunkTable | undefined): boolean {
    const blob = this.#blobs[this.#blobIndex];
    if (blob === undefined || this.#chunkIndex >= blob.chunkCount) return false;
    if (table === undefined) return this.#deviceOffset + bytes <= blob.deviceSize;
    return (
      table.deviceOffset(this.#blobIndex, this.#chunkIndex) === this.#deviceOffset &&
      table.uncompressedSize(this.#blobIndex, this.#chunkIndex) >= bytes
    );
  }

  #misplaced(nid: number, number: number) {
    return malformed(
      `inode ${nid}: its chunk ${number} is said to be chunk ${this.#chunkIndex} of blob ${this.#blobIndex} ` +
        `at byte ${this.#deviceOffset}, where there is no such chunk`,
    );
  }
}
