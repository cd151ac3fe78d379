// Reads a RAFS v6 bootstrap in place: every answer comes straight from the bytes, nothing is parsed ahead except the
// superblock and the blob table. So mounting costs the same for ten files and for a million, and every worker thread
// reads the same (shared) memory.
// In a chunk's journey this is the step from "inode, offset, length" to "blob, chunk, place in the device".

import type { BlobLayout, Descriptor } from '../core/index.ts';
import { isShoalError, ShoalError } from '../core/index.ts';
import { makeBlobLayouts } from './blob-layouts.ts';
import type { BlobEntry } from './blob-table.ts';
import { readBlobTable } from './blob-table.ts';
import { ChunkTable, type DescribedChunks } from './chunk-table.ts';
import type { EmitEntry } from './dirent.ts';
import { DirectoryReader } from './dirent.ts';
import type { EmitExtent } from './extents.ts';
import { ExtentReader } from './extents.ts';
import { InodeCursor } from './inode.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';
import type { Superblock } from './superblock.ts';
import { parseSuperblock } from './superblock.ts';
import { readXattrs } from './xattr.ts';

/** What stat(2) wants to know; filled in by `stat` so that the hot path allocates nothing. */
export interface InodeAttributes {
  nid: number;
  /** Full st_mode with the type bits. */
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  /** Device number in the kernel's encoding (nydus.md §1.17); 0 when not a device. */
  rdev: number;
  size: number;
  mtimeSeconds: number;
  mtimeNanoseconds: number;
}

/** An object for `stat` to fill in. */
export function emptyAttributes(): InodeAttributes {
  return { nid: 0, mode: 0, nlink: 0, uid: 0, gid: 0, rdev: 0, size: 0, mtimeSeconds: 0, mtimeNanoseconds: 0 };
}

/** One reader serves one thread; any number of readers may share the bytes, which must not change. */
export class BootstrapReader {
  readonly bytes: Uint8Array;
  readonly superblock: Superblock;
  /** In blob-table order: what `blobIndex` counts. */
  readonly blobs: readonly BlobEntry[];
  readonly #view: DataView;
  readonly #walked: readonly DescribedChunks[] | undefined;
  readonly #inode: InodeCursor;
  readonly #directory: DirectoryReader;
  readonly #extents: ExtentReader;
  /** The table once it was asked for, or why it cannot be had: that is not found out twice. */
  #chunkTable: ChunkTable | ShoalError | undefined;

  /**
   * `bytes` may lie in a SharedArrayBuffer; it is kept, never copied or written. `walked` is what another reader of the
   * same bytes has as `chunkTable().chunks`: the table is then not walked again. Throws `malformed`, `unsupported`.
   */
  constructor(bytes: Uint8Array, walked?: readonly DescribedChunks[]) {
    this.bytes = bytes;
    this.#walked = walked;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.superblock = parseSuperblock(this.#view);
    this.blobs = readBlobTable(bytes, this.#view, this.superblock);
    this.#inode = new InodeCursor(this.#view, this.superblock);
    this.#directory = new DirectoryReader(bytes, this.#view, this.superblock.blockSize);
    this.#extents = new ExtentReader(this.#view, this.superblock, this.blobs);
    this.#load(this.rootNid, layout.MODE_DIRECTORY, 'directory');
  }

  get rootNid(): number {
    return this.superblock.rootNid;
  }

  /** Bytes, 4096 or 512. */
  get blockSize(): number {
    return this.superblock.blockSize;
  }

  /** Bytes. */
  get chunkSize(): number {
    return this.superblock.chunkSize;
  }

  /** The most extents that a read of so many bytes can have. */
  maxExtents(bytes: number): number {
    return Math.ceil(bytes / this.chunkSize) + 1;
  }

  /** Number of inodes as the superblock says (counts every hard-link name). */
  get inodeCount(): number {
    return this.superblock.inodeCount;
  }

  get hasXattrs(): boolean {
    return (this.superblock.flags & layout.FLAG_XATTRS) !== 0;
  }

  get blobCount(): number {
    return this.blobs.length;
  }

  /** Fills `out`. Throws `malformed` when the nid is out of range or the inode makes no sense. */
  stat(nid: number, out: InodeAttributes): void {
    const inode = this.#inode;
    inode.load(nid);
    const { type } = inode;
    out.nid = nid;
    out.mode = inode.mode;
    out.nlink = inode.nlink;
    out.uid = inode.uid;
    out.gid = inode.gid;
    out.rdev = type === layout.MODE_CHAR || type === layout.MODE_BLOCK ? inode.union : 0;
    out.size = inode.size;
    out.mtimeSeconds = inode.mtimeSeconds;
    out.mtimeNanoseconds = inode.mtimeNanoseconds;
  }

  /**
   * The nid of a name in a directory, or -1. The name is the raw bytes [start, end) of `bytes`, by default all of them.
   * Binary search, no allocation.
   */
  lookup(dirNid: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
    this.#load(dirNid, layout.MODE_DIRECTORY, 'directory');
    return this.#directory.lookup(this.#inode, bytes, start, end);
  }

  /**
   * Lists a directory from a cookie (0 = the start), calling `emit` until it returns false or the end. Includes `.`
   * and `..`. `type` is the EROFS file type. `name` is a view, valid until `emit` returns or lists another directory.
   * `next` is the cookie of the entry after this one; cookies are stable and may be used in any order.
   */
  readdir(dirNid: number, cookie: number, emit: EmitEntry): void {
    this.#load(dirNid, layout.MODE_DIRECTORY, 'directory');
    this.#directory.readdir(this.#inode, cookie, emit);
  }

  /** The target, a copy. Throws `malformed` when the inode is no symlink. */
  readlink(nid: number): Uint8Array<ArrayBuffer> {
    this.#load(nid, layout.MODE_SYMLINK, 'symbolic link');
    const { size, blockOffset, blockBytes, tailOffset } = this.#inode;
    if (size === 0 || size > layout.MAX_SYMLINK_BYTES) {
      throw malformed(`symbolic link ${nid} has a target of ${size} bytes; expected 1 to 4096`);
    }
    const target = new Uint8Array(size);
    target.set(this.bytes.subarray(blockOffset, blockOffset + blockBytes));
    target.set(this.bytes.subarray(tailOffset, tailOffset + size - blockBytes), blockBytes);
    if (target.includes(0)) throw malformed(`symbolic link ${nid} has a NUL in its target`);
    return target;
  }

  /** Whether this inode has extended attributes at all. No allocation. */
  hasXattrsOf(nid: number): boolean {
    this.#inode.load(nid);
    return this.#inode.xattrBytes > 0;
  }

  /** All attributes by full name (byte string); values are views. */
  xattrs(nid: number): Map<string, Uint8Array> {
    this.#inode.load(nid);
    return readXattrs(this.bytes, this.#view, this.#inode);
  }

  /**
   * The pieces of the device(s) that hold [offset, offset + length) of a file, in order; the range is cut at the end of
   * the file. Throws `malformed` when an index entry points outside the image, or to another place than the chunk table
   * says (so that nobody is served bytes that no digest covers). The first call walks the chunk table once.
   */
  extents(nid: number, offset: number, length: number, emit: EmitExtent): void {
    this.#load(nid, layout.MODE_FILE, 'regular file');
    this.#extents.emit(this.#inode, offset, length, this.#table(), emit);
  }

  /**
   * The blobs as the data path wants them, in blob-table order. `descriptors` are the manifest's data layers; a blob
   * whose id is no descriptor's digest takes the descriptor at its position (nydus.md §1.26). Walks the chunk table
   * once, at the first call. Throws `unsupported` when chunks are batched, encrypted or zran, or there is no chunk
   * table; `malformed` when descriptors and blobs don't fit.
   */
  blobLayouts(descriptors: readonly Descriptor[]): readonly BlobLayout[] {
    const table = this.chunkTable();
    return makeBlobLayouts(this.blobs, table, descriptors, this.chunkSize);
  }

  /** The chunk table, checked. Throws `malformed`, and `unsupported` when an image with blobs has none. */
  chunkTable(): ChunkTable {
    const table = this.#table();
    if (table === undefined)
      throw unsupported('bootstrap has no chunk table: nothing says what digests its chunks have');
    return table;
  }

  /** The inode cursor, for who looks at inodes more closely than stat does; every other call moves it. */
  inode(nid: number): Readonly<InodeCursor> {
    this.#inode.load(nid);
    return this.#inode;
  }

  #table(): ChunkTable | undefined {
    if (this.superblock.chunkTable.size === 0 && this.blobs.length > 0) return undefined;
    this.#chunkTable ??= this.#openTable();
    if (this.#chunkTable instanceof ShoalError) throw this.#chunkTable;
    return this.#chunkTable;
  }

  #openTable(): ChunkTable | ShoalError {
    try {
      return new ChunkTable(this.bytes, this.#view, this, this.#walked);
    } catch (error) {
      if (isShoalError(error)) return error;
      throw error;
    }
  }

  #load(nid: number, type: number, name: string): void {
    this.#inode.load(nid);
    if (this.#inode.type !== type) throw malformed(`inode ${nid} is not a ${name}`);
  }
}
