// Reads one inode at a time into a cursor (docs/image-format.md §7; nydus.md §1.12-1.14). The cursor belongs to one
// reader and is filled anew by every `load`, so the hot path allocates nothing; whoever needs its fields across a
// callback copies them first. `load` checks everything that later steps rely on: that the inode, its extended
// attributes and what its data layout points to lie inside the file.

import { alignUp, readI64, readU64 } from './fields.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';
import type { Superblock } from './superblock.ts';

export class InodeCursor {
  nid = 0;
  /** Byte where the inode stands, and the one after the inode and its extended attributes. */
  offset = 0;
  bodyOffset = 0;
  mode = 0;
  nlink = 0;
  uid = 0;
  gid = 0;
  size = 0;
  mtimeSeconds = 0;
  mtimeNanoseconds = 0;
  /** Flat plain, flat inline or chunked. */
  dataLayout = 0;
  /** The union: first block, chunk header or device number, as the layout and type say. */
  union = 0;
  /** Bytes of the extended attributes' area, 0 when there is none, and where it starts. */
  xattrBytes = 0;
  xattrOffset = 0;
  /** Directories and links: bytes in whole blocks, where these start, and where the rest starts. */
  blockBytes = 0;
  blockOffset = 0;
  tailOffset = 0;
  /** Regular files: where the chunk indexes start. */
  indexOffset = 0;

  readonly #view: DataView;
  readonly #superblock: Superblock;
  /** The chunk size as chunk headers have it: log2, in blocks. */
  readonly #chunkBits: number;
  /** The first nid that does not fit the file. */
  readonly #nidEnd: number;

  constructor(view: DataView, superblock: Superblock) {
    this.#view = view;
    this.#superblock = superblock;
    this.#chunkBits = Math.log2(superblock.chunkSize) - superblock.blockBits;
    this.#nidEnd = Math.floor((view.byteLength - superblock.metaOffset) / layout.INODE_SLOT_BYTES);
  }

  /** True when an inode of the smaller kind fits at this nid. */
  inRange(nid: number): boolean {
    return nid >= 0 && nid < this.#nidEnd;
  }

  get type(): number {
    return this.mode & layout.MODE_TYPE;
  }

  /** Regular files: the chunk size that the kernel sees, at least the image's. Bytes. */
  get announcedChunkSize(): number {
    return 2 ** ((this.union & layout.CHUNK_HEADER_BITS) + this.#superblock.blockBits);
  }

  /** Throws `malformed` (or `unsupported` for an EROFS feature that RAFS does not use), naming the nid. */
  load(nid: number): void {
    const view = this.#view;
    if (!Number.isInteger(nid) || !this.inRange(nid)) throw malformed(`inode ${nid} lies outside the bootstrap`);
    const offset = this.#superblock.metaOffset + nid * layout.INODE_SLOT_BYTES;
    const format = view.getUint16(offset, true);
    if ((format & ~layout.FORMAT_KNOWN) !== 0) throw malformed(`inode ${nid} has the unknown format ${format}`);
    this.nid = nid;
    this.offset = offset;
    this.dataLayout = format >> 1;
    this.mode = view.getUint16(offset + 4, true);
    this.union = view.getUint32(offset + 16, true);
    if ((format & layout.FORMAT_EXTENDED) !== 0) this.#loadExtended();
    else this.#loadCompact();
    if (this.nlink === 0) throw malformed(`inode ${nid} has no links`);
    if (this.bodyOffset > view.byteLength) throw malformed(`inode ${nid} ends outside the bootstrap`);
    this.#loadData();
  }

  #loadCompact(): void {
    const { offset } = this;
    const view = this.#view;
    this.nlink = view.getUint16(offset + 6, true);
    this.size = view.getUint32(offset + 8, true);
    this.uid = view.getUint16(offset + 24, true);
    this.gid = view.getUint16(offset + 26, true);
    // As the kernel does: a compact inode has the time of the image.
    this.mtimeSeconds = this.#superblock.buildTime;
    this.mtimeNanoseconds = this.#superblock.buildTimeNanoseconds;
    this.#loadXattrArea(layout.COMPACT_INODE_BYTES);
  }

  #loadExtended(): void {
    const { offset } = this;
    const view = this.#view;
    if (offset + layout.EXTENDED_INODE_BYTES > view.byteLength) {
      throw malformed(`inode ${this.nid} ends outside the bootstrap`);
    }
    this.size = readU64(view, offset + 8, 'an inode size');
    this.uid = view.getUint32(offset + 24, true);
    this.gid = view.getUint32(offset + 28, true);
    this.mtimeSeconds = readI64(view, offset + 32, 'an inode time');
    this.mtimeNanoseconds = view.getUint32(offset + 40, true);
    this.nlink = view.getUint32(offset + 44, true);
    if (this.mtimeNanoseconds > 999_999_999) {
      throw malformed(`inode ${this.nid} has ${this.mtimeNanoseconds} nanoseconds; expected less than a second`);
    }
    this.#loadXattrArea(layout.EXTENDED_INODE_BYTES);
  }

  #loadXattrArea(inodeBytes: number): void {
    const count = this.#view.getUint16(this.offset + 2, true);
    this.xattrBytes = count === 0 ? 0 : layout.XATTR_HEADER_BYTES + (count - 1) * layout.XATTR_ENTRY_BYTES;
    this.xattrOffset = this.offset + inodeBytes;
    this.bodyOffset = this.xattrOffset + this.xattrBytes;
  }

  #loadData(): void {
    switch (this.type) {
      case layout.MODE_FILE:
        this.#loadChunked();
        return;
      case layout.MODE_DIRECTORY:
      case layout.MODE_SYMLINK:
        this.#loadFlat();
        return;
      case layout.MODE_CHAR:
      case layout.MODE_BLOCK:
      case layout.MODE_FIFO:
      case layout.MODE_SOCKET:
        return;
      default:
        throw malformed(`inode ${this.nid} has the unknown type 0o${this.mode.toString(8)}`);
    }
  }

  #loadChunked(): void {
    const { nid, size, union } = this;
    const { chunkSize } = this.#superblock;
    this.indexOffset = alignUp(this.bodyOffset, layout.CHUNK_INDEX_BYTES);
    if (this.dataLayout !== layout.LAYOUT_CHUNKED) {
      if (size === 0) return;
      throw unsupported(`inode ${nid}: file data inside the bootstrap`);
    }
    if ((union & ~(layout.CHUNK_HEADER_INDEXES | layout.CHUNK_HEADER_BITS)) !== 0) {
      throw unsupported(`inode ${nid} has the chunk header 0x${union.toString(16)}`);
    }
    if ((union & layout.CHUNK_HEADER_INDEXES) === 0) throw malformed(`inode ${nid} has no chunk indexes`);
    // The header may announce larger chunks than the image has, never smaller (nydus.md §1.14).
    if ((union & layout.CHUNK_HEADER_BITS) < this.#chunkBits) {
      throw malformed(`inode ${nid} announces chunks smaller than the image's ${chunkSize} bytes`);
    }
    if (this.indexOffset + layout.CHUNK_INDEX_BYTES * Math.ceil(size / chunkSize) > this.#view.byteLength) {
      throw malformed(`inode ${nid}: chunk indexes for ${size} bytes end outside the bootstrap`);
    }
  }

  #loadFlat(): void {
    const { nid, size, dataLayout } = this;
    const { blockSize } = this.#superblock;
    const end = this.#view.byteLength;
    if (dataLayout !== layout.LAYOUT_FLAT_PLAIN && dataLayout !== layout.LAYOUT_FLAT_INLINE) {
      throw unsupported(`inode ${nid}: a directory or link with data layout ${dataLayout}`);
    }
    const tail = size % blockSize;
    this.blockBytes = size - tail;
    this.blockOffset = this.union * blockSize;
    this.tailOffset = dataLayout === layout.LAYOUT_FLAT_INLINE ? this.bodyOffset : this.blockOffset + this.blockBytes;
    // Without whole blocks `union` means nothing for inline data (nydus.md §1.36).
    if (this.blockBytes > 0 && this.blockOffset + this.blockBytes > end) {
      throw malformed(`inode ${nid}: ${size} bytes of data end outside the bootstrap`);
    }
    if (tail === 0) return;
    if (this.tailOffset + tail > end || (this.tailOffset % blockSize) + tail > blockSize) {
      throw malformed(`inode ${nid}: the last ${tail} bytes of data cross a block or the end of the bootstrap`);
    }
  }
}
