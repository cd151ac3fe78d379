// Checks a whole bootstrap, for `shoal check`: everything that single steps of the reader check where they stand, and what
// only shows when all is seen together: cycles, order, link counts, overlaps. Never throws for what it finds, ends on any
// input (no byte is read twice), needs memory for the names of the directories still to be visited.

import { isShoalError, messageOf } from '../core/index.ts';
import type { BootstrapReader } from './bootstrap-reader.ts';
import { ClaimedBytes } from './claimed-bytes.ts';
import { byteString } from './fields.ts';
import * as layout from './layout.ts';
import { FILE_TYPES, kindOfMode } from './node-kinds.ts';
import type { NodeKind } from './tree.ts';
import type { NamedInode } from './walk.ts';
import { claimDirectory, listDirectory, MAX_PATH_BYTES } from './walk.ts';

export interface CheckProblem {
  /** Byte string with a leading slash; '' when it is not about a path. */
  readonly path: string;
  readonly message: string;
}

export interface CheckReport {
  /** Inodes by kind; a hard-linked file counts once. */
  readonly inodes: Readonly<Record<NodeKind, number>>;
  /** Names in all directories, without `.` and `..`. */
  readonly names: number;
  /** Sum of the sizes of all regular files, bytes. */
  readonly fileBytes: number;
  readonly blobs: number;
  /** Chunks that the chunk table describes, and the bytes they take in the blobs. */
  readonly chunks: number;
  readonly compressedBytes: number;
  /** Bytes that are not zero and belong to nothing that the tree reaches. */
  readonly unreachableBytes: number;
  /** The first `maxProblems` problems, and how many there are in all. */
  readonly problems: readonly CheckProblem[];
  readonly problemCount: number;
}

const DEFAULT_MAX_PROBLEMS = 100;
/** The prefetch table is a list of u32 nids that ends with 0. */
const PREFETCH_ENTRY_BYTES = 4;

/** Looks at everything in a bootstrap. Terminates on any input; does not throw for what it finds. */
export function checkBootstrap(reader: BootstrapReader, options: { readonly maxProblems?: number } = {}): CheckReport {
  return new BootstrapCheck(reader, options.maxProblems ?? DEFAULT_MAX_PROBLEMS).run();
}

/** A directory that was found and not yet visited. */
interface Pending {
  readonly nid: number;
  readonly parentNid: number;
  readonly path: string;
}

/** An inode that is no directory, and how often it was named. */
interface Named {
  links: number;
  readonly nlink: number;
  readonly path: string;
}

class BootstrapCheck {
  readonly #reader: BootstrapReader;
  readonly #claimed: ClaimedBytes;
  readonly #maxProblems: number;
  readonly #problems: CheckProblem[] = [];
  readonly #inodes: Record<NodeKind, number> = {
    file: 0,
    directory: 0,
    symlink: 0,
    char: 0,
    block: 0,
    fifo: 0,
    socket: 0,
  };
  /** Inodes that say they have several names. */
  readonly #linked = new Map<number, Named>();
  readonly #pending: Pending[] = [];
  #problemCount = 0;
  #names = 0;
  #fileBytes = 0;

  constructor(reader: BootstrapReader, maxProblems: number) {
    this.#reader = reader;
    this.#claimed = new ClaimedBytes(reader.bytes.length);
    this.#maxProblems = maxProblems;
  }

  run(): CheckReport {
    const { rootNid, blobs } = this.#reader;
    this.#claimTables();
    this.#checkDeviceTags();
    this.#checkPrefetchTable();
    const table = this.#attempt('', () => this.#reader.chunkTable());
    this.#pending.push({ nid: rootNid, parentNid: rootNid, path: '/' });
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) this.#visitDirectory(next);
    for (const { links, nlink, path } of this.#linked.values()) {
      if (links !== nlink) this.#report(path, `has ${links} names; its inode says ${nlink}`);
    }
    return {
      inodes: this.#inodes,
      names: this.#names,
      fileBytes: this.#fileBytes,
      blobs: blobs.length,
      chunks: table?.chunks.reduce((sum, { count }) => sum + count, 0) ?? 0,
      compressedBytes: table?.chunks.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0) ?? 0,
      unreachableBytes: this.#claimed.countStray(this.#reader.bytes),
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }

  /** The superblocks and device slots, and the tables; that these do not overlap was seen when the image was opened. */
  #claimTables(): void {
    const { deviceCount, blobTable, chunkTable, prefetchTable } = this.#reader.superblock;
    const start = layout.SUPERBLOCK_OFFSET;
    this.#claimed.claim(start, layout.DEVICE_TABLE_OFFSET + deviceCount * layout.DEVICE_SLOT_BYTES - start);
    for (const { offset, size } of [blobTable, chunkTable, prefetchTable]) this.#claimed.claim(offset, size);
  }

  #checkDeviceTags(): void {
    this.#reader.blobs.forEach(({ id }, index) => {
      const tagAt = layout.DEVICE_TABLE_OFFSET + index * layout.DEVICE_SLOT_BYTES;
      const tag = byteString(this.#reader.bytes, tagAt, tagAt + layout.BLOB_ID_BYTES);
      if (tag !== id) this.#report('', `device ${index} is tagged ${JSON.stringify(tag)}; its blob is ${id}`);
    });
  }

  #checkPrefetchTable(): void {
    const { offset, size } = this.#reader.superblock.prefetchTable;
    const { bytes } = this.#reader;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = offset; at < offset + size && view.getUint32(at, true) !== 0; at += PREFETCH_ENTRY_BYTES) {
      this.#attempt('', () => this.#reader.inode(view.getUint32(at, true)));
    }
  }

  #visitDirectory({ nid, parentNid, path }: Pending): void {
    const claimed = this.#attempt(path, () => claimDirectory(this.#reader, this.#claimed, nid));
    if (claimed === undefined) return;
    if (!claimed) {
      this.#report(path, `inode ${nid} is reachable twice, or its content belongs to another inode`);
      return;
    }
    this.#inodes.directory++;
    this.#checkXattrs(nid, path);
    const entries = this.#attempt(path, () => listDirectory(this.#reader, nid));
    if (entries === undefined) return;
    this.#checkOrder(entries, path);
    this.#expectEntry(entries, '.', nid, path);
    this.#expectEntry(entries, '..', parentNid, path);
    let subdirectories = 0;
    for (const entry of entries) {
      if (entry.name === '.' || entry.name === '..') continue;
      this.#names++;
      if (this.#visitName(entry, nid, path)) subdirectories++;
    }
    const { nlink } = this.#reader.inode(nid);
    if (nlink !== 2 + subdirectories)
      this.#report(path, `has ${subdirectories} directories; its inode says ${nlink} links`);
  }

  #checkOrder(entries: readonly NamedInode[], path: string): void {
    let previous = '';
    for (const { name } of entries) {
      if (name <= previous) this.#report(path, `${JSON.stringify(name)} stands after ${JSON.stringify(previous)}`);
      previous = name;
    }
  }

  #expectEntry(entries: readonly NamedInode[], name: string, nid: number, path: string): void {
    const found = entries.find(entry => entry.name === name)?.nid;
    if (found !== nid) this.#report(path, `its ${name} is inode ${found ?? 'none'}; expected ${nid}`);
  }

  /** Checks what a name leads to; true when it is a directory. */
  #visitName(entry: NamedInode, parentNid: number, parentPath: string): boolean {
    const { name, nid, type } = entry;
    const path = parentPath === '/' ? `/${name}` : `${parentPath}/${name}`;
    const inode = this.#attempt(path, () => this.#reader.inode(nid));
    if (inode === undefined) return type === FILE_TYPES.directory;
    const kind = kindOfMode(inode.mode) ?? 'file';
    if (type !== FILE_TYPES[kind]) this.#report(path, `is a ${kind}; its directory says type ${type}`);
    if (kind !== 'directory') {
      this.#visitInode(nid, kind, path);
    } else if (path.length > MAX_PATH_BYTES) {
      this.#report(path.slice(0, MAX_PATH_BYTES), 'is not looked into: the path is too long');
    } else {
      this.#pending.push({ nid, parentNid, path });
    }
    return kind === 'directory';
  }

  #visitInode(nid: number, kind: NodeKind, path: string): void {
    const known = this.#linked.get(nid);
    if (known !== undefined) {
      known.links++;
      return;
    }
    const { nlink, size, offset, xattrOffset } = this.#reader.inode(nid);
    if (nlink > 1) this.#linked.set(nid, { links: 1, nlink, path });
    this.#inodes[kind]++;
    if (!this.#claimed.claim(offset, xattrOffset - offset)) {
      this.#report(path, `inode ${nid} overlaps another, or has more names than it says`);
      return;
    }
    this.#checkXattrs(nid, path);
    if (kind === 'file') this.#checkFile(nid, size, path);
    if (kind === 'symlink') this.#checkLink(nid, path);
  }

  #checkXattrs(nid: number, path: string): void {
    const { xattrOffset, xattrBytes } = this.#reader.inode(nid);
    if (xattrBytes === 0) return;
    if (!this.#claimed.claim(xattrOffset, xattrBytes)) {
      this.#report(path, `the extended attributes of inode ${nid} overlap something else`);
      return;
    }
    this.#attempt(path, () => this.#reader.xattrs(nid));
  }

  #checkLink(nid: number, path: string): void {
    const { blockOffset, blockBytes, tailOffset, size } = this.#reader.inode(nid);
    const free =
      (blockBytes === 0 || this.#claimed.claim(blockOffset, blockBytes)) &&
      (size === blockBytes || this.#claimed.claim(tailOffset, size - blockBytes));
    if (!free) {
      this.#report(path, `the target of inode ${nid} overlaps something else`);
      return;
    }
    this.#attempt(path, () => this.#reader.readlink(nid));
  }

  #checkFile(nid: number, size: number, path: string): void {
    const { chunkSize } = this.#reader;
    const { indexOffset, announcedChunkSize } = this.#reader.inode(nid);
    this.#fileBytes += size;
    if (!this.#claimed.claim(indexOffset, Math.ceil(size / chunkSize) * layout.CHUNK_INDEX_BYTES)) {
      this.#report(path, `the chunk indexes of inode ${nid} overlap something else`);
      return;
    }
    // The kernel looks at one index per announced chunk: what follows must lie right behind it.
    let expected: { blobIndex: number; deviceOffset: number } | undefined;
    let at = 0;
    this.#attempt(path, () =>
      this.#reader.extents(nid, 0, size, (blobIndex, _chunk, deviceOffset, length) => {
        const startsChunk = at % announcedChunkSize === 0;
        if (!startsChunk && (expected?.blobIndex !== blobIndex || expected.deviceOffset !== deviceOffset)) {
          this.#report(path, `announces chunks of ${announcedChunkSize} bytes, but is not in one piece at byte ${at}`);
        }
        at += length;
        expected = { blobIndex, deviceOffset: deviceOffset + length };
      }),
    );
  }

  /** What `step` gives, or undefined and a problem. Anything but a ShoalError is a bug and goes through. */
  #attempt<T>(path: string, step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (!isShoalError(error)) throw error;
      this.#report(path, messageOf(error));
      return undefined;
    }
  }

  #report(path: string, message: string): void {
    this.#problemCount++;
    if (this.#problems.length < this.#maxProblems) this.#problems.push({ path, message });
  }
}
