// Reads directories in place (docs/image-format.md §8; nydus.md §1.15). A directory is a run of blocks, each complete in
// itself: entries of 12 bytes, then the names they point to. All entries of a directory are in byte order of their
// names, so a lookup is a binary search over the blocks' first names and then inside one block, as in the kernel.
// In a chunk's journey this is the step from a path to an inode.

import { readU64 } from './fields.ts';
import type { InodeCursor } from './inode.ts';
import * as layout from './layout.ts';
import { malformed } from './refusals.ts';

/** Gets one entry; returns false to stop. See `BootstrapReader.readdir`. */
export type EmitEntry = (nid: number, type: number, name: Uint8Array, next: number) => boolean;

const SLASH = 0x2f;
const NUL = 0;

export class DirectoryReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #blockSize: number;
  // The block that a lookup stands on.
  #start = 0;
  #end = 0;
  #count = 0;
  // The names that `readdir` hands out: one view for each length on one piece of memory.
  readonly #name = new Uint8Array(layout.MAX_NAME_BYTES);
  readonly #names: readonly Uint8Array[] = Array.from({ length: layout.MAX_NAME_BYTES + 1 }, (_, length) =>
    this.#name.subarray(0, length),
  );

  constructor(bytes: Uint8Array, view: DataView, blockSize: number) {
    this.#bytes = bytes;
    this.#view = view;
    this.#blockSize = blockSize;
  }

  // Plain numbers instead of a view of the name: this is called for every path.
  /** The nid of the name `name[from, to)` in the directory that `inode` stands on, or -1. */
  lookup(inode: InodeCursor, name: Uint8Array, from: number, to: number): number {
    let low = 0;
    let high = Math.ceil(inode.size / this.#blockSize) - 1;
    let found = -1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      this.#enter(inode, middle);
      if (this.#compare(inode.nid, 0, name, from, to) <= 0) {
        found = middle;
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return found < 0 ? -1 : this.#search(inode, found, name, from, to);
  }

  #search(inode: InodeCursor, block: number, name: Uint8Array, from: number, to: number): number {
    this.#enter(inode, block);
    let low = 0;
    let high = this.#count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(inode.nid, middle, name, from, to);
      if (order === 0) return this.#nid(inode, this.#start + middle * layout.DIRENT_BYTES);
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Calls `emit` for the entries from `cookie` on: a byte position in the directory, as the kernel's own. */
  readdir(inode: InodeCursor, cookie: number, emit: EmitEntry): void {
    const blockSize = this.#blockSize;
    // `emit` may use the reader, and with it the cursor.
    const { nid: dirNid, size, blockBytes, blockOffset, tailOffset } = inode;
    if (!Number.isSafeInteger(cookie) || cookie < 0) return; // nothing follows a place that is none
    let index = Math.ceil((cookie % blockSize) / layout.DIRENT_BYTES);
    for (let at = cookie - (cookie % blockSize); at < size; at += blockSize) {
      const start = at < blockBytes ? blockOffset + at : tailOffset;
      const end = start + Math.min(blockSize, size - at);
      const count = this.#entryCount(dirNid, start, end);
      for (; index < count; index++) {
        const entry = start + index * layout.DIRENT_BYTES;
        const length = this.#copyName(dirNid, start, end, index, count);
        const next = index + 1 < count ? at + (index + 1) * layout.DIRENT_BYTES : at + blockSize;
        const nid = this.#nid(inode, entry);
        const type = this.#view.getUint8(entry + 10);
        if (type > layout.FILE_TYPE_MAX) throw malformed(`directory ${dirNid}: an entry has the unknown type ${type}`);
        if (!emit(nid, type, this.#names[length] ?? this.#name, next)) return;
      }
      index = 0;
    }
  }

  #enter(inode: InodeCursor, block: number): void {
    const at = block * this.#blockSize;
    this.#start = at < inode.blockBytes ? inode.blockOffset + at : inode.tailOffset;
    this.#end = this.#start + Math.min(this.#blockSize, inode.size - at);
    this.#count = this.#entryCount(inode.nid, this.#start, this.#end);
  }

  /** The first name starts where the entries end, which says how many there are. */
  #entryCount(dirNid: number, start: number, end: number): number {
    const length = end - start;
    const first = length < layout.DIRENT_BYTES ? 0 : this.#view.getUint16(start + 8, true);
    if (first < layout.DIRENT_BYTES || first >= length || first % layout.DIRENT_BYTES !== 0) {
      throw malformed(`directory ${dirNid}: a block's first name is at ${first} of ${length} bytes`);
    }
    return first / layout.DIRENT_BYTES;
  }

  #nid(inode: InodeCursor, entry: number): number {
    const nid = readU64(this.#view, entry, 'a directory entry');
    if (!inode.inRange(nid)) throw malformed(`a directory entry names inode ${nid}, outside the bootstrap`);
    return nid;
  }

  /** Where the name of entry `index` of a block starts. */
  #nameStart(dirNid: number, start: number, end: number, index: number): number {
    const at = start + this.#view.getUint16(start + index * layout.DIRENT_BYTES + 8, true);
    if (at >= end) throw malformed(`directory ${dirNid}: a name starts outside its block`);
    return at;
  }

  /** Where it ends: at the next one, or for a block's last one at the first NUL or the end of the block. */
  #nameEnd(dirNid: number, start: number, end: number, index: number, count: number): number {
    const from = this.#nameStart(dirNid, start, end, index);
    let to: number;
    if (index + 1 < count) {
      to = this.#nameStart(dirNid, start, end, index + 1);
    } else {
      to = from;
      while (to < end && this.#bytes[to] !== NUL) to++;
    }
    if (to <= from || to - from > layout.MAX_NAME_BYTES) {
      throw malformed(`directory ${dirNid}: a name has ${to - from} bytes; expected 1 to 255`);
    }
    return to;
  }

  /** Compares the name of an entry of the entered block with `name[from, to)`: negative when it comes before. */
  #compare(dirNid: number, index: number, name: Uint8Array, from: number, to: number): number {
    const bytes = this.#bytes;
    const start = this.#nameStart(dirNid, this.#start, this.#end, index);
    const length = this.#nameEnd(dirNid, this.#start, this.#end, index, this.#count) - start;
    const common = Math.min(length, to - from);
    for (let i = 0; i < common; i++) {
      const difference = (bytes[start + i] ?? 0) - (name[from + i] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - (to - from);
  }

  #copyName(dirNid: number, start: number, end: number, index: number, count: number): number {
    const from = this.#nameStart(dirNid, start, end, index);
    const length = this.#nameEnd(dirNid, start, end, index, count) - from;
    for (let i = 0; i < length; i++) {
      const byte = this.#bytes[from + i] ?? NUL;
      if (byte === SLASH || byte === NUL) throw malformed(`directory ${dirNid}: a name has a slash or a NUL`);
      this.#name[i] = byte;
    }
    return length;
  }
}
