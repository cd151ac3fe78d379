// Decides which inodes a bootstrap has, in what order, and where each lies (docs/image-format.md §7; nydus.md §1.13,
// §1.14): the first of the writer's two passes, since a directory names inodes that stand after it. Iterative and linear
// in the number of names; nothing is written here.

import { ShoalError } from '../core/index.ts';
import type { DirectoryBlocks, DirectoryEntry } from './directory-blocks.ts';
import { splitIntoBlocks } from './directory-blocks.ts';
import { alignUp, isPlainByteString } from './fields.ts';
import * as layout from './layout.ts';
import { FILE_TYPES } from './node-kinds.ts';
import { unsupported } from './refusals.ts';
import type { DirectoryNode, ImageTree, TreeNode } from './tree.ts';
import { MAX_PATH_BYTES } from './walk.ts';
import type { EncodedXattr } from './xattr.ts';
import { encodableXattrs, xattrAreaBytes } from './xattr.ts';

export interface PlannedEntry extends DirectoryEntry {
  readonly inode: PlannedInode;
}

export interface PlannedInode {
  readonly node: TreeNode;
  /** Sequence number from 1; every further name of a hard link uses one up. */
  readonly number: number;
  nlink: number;
  readonly xattrs: readonly EncodedXattr[];
  readonly xattrBytes: number;
  /** Directories: all entries in byte order of their names, `.` and `..` among them. */
  entries: readonly PlannedEntry[];
  blocks: DirectoryBlocks;
  /** Bytes of a directory's or link's content. */
  contentBytes: number;
  /** The content's last part follows the inode; else all of it lies in blocks. */
  inline: boolean;
  /** Bytes from the start of the inode area. */
  offset: number;
  /** Number of the content's first block, from the start of the block area. */
  firstBlock: number;
}

export interface InodePlan {
  /** In the order in which they lie in the inode area; the root first, at offset 0. */
  readonly inodes: readonly PlannedInode[];
  /** All names, the root's too. */
  readonly nameCount: number;
  readonly hasXattrs: boolean;
  readonly inodeAreaBytes: number;
  readonly blockCount: number;
}

/** Throws `unsupported` or `limit`, naming the path, for what cannot be written. */
export function planInodes(tree: ImageTree, blockSize: number): InodePlan {
  const { inodes, nameCount, hasXattrs } = new InodeListing(tree.root, blockSize);
  let offset = 0;
  let blockCount = 0;
  for (const inode of inodes) {
    inode.inline = fitsInline(inode, blockSize);
    inode.offset = placeAt(inode, offset, blockSize);
    inode.firstBlock = blockCount;
    offset = inode.offset + occupiedBytes(inode, tree.chunkSize, blockSize);
    blockCount += inode.inline ? Math.floor(inode.contentBytes / blockSize) : Math.ceil(inode.contentBytes / blockSize);
  }
  return { inodes, nameCount, hasXattrs, inodeAreaBytes: offset, blockCount };
}

/** Every inode, breadth first, each directory's names in byte order. Hard-linked files stand where they are met first. */
class InodeListing {
  readonly inodes: PlannedInode[] = [];
  nameCount = 0;
  hasXattrs = false;
  readonly #blockSize: number;
  /** Directories but the root: where each stands, and how long its path is. */
  readonly #places = new Map<
    PlannedInode,
    { readonly parent: PlannedInode; readonly name: string; readonly pathBytes: number }
  >();
  /** Regular files and directories are one inode under all names; the others are written once for each name. */
  readonly #shared = new Map<TreeNode, PlannedInode>();

  constructor(root: DirectoryNode, blockSize: number) {
    this.#blockSize = blockSize;
    this.#shared.set(
      root,
      this.#add(root, () => '/'),
    );
    // The list grows while it is walked: that is what makes the walk breadth first.
    for (const inode of this.inodes) if (inode.node.kind === 'directory') this.#list(inode, inode.node);
  }

  #list(inode: PlannedInode, node: DirectoryNode): void {
    const parent = this.#places.get(inode)?.parent ?? inode;
    const entries: PlannedEntry[] = [
      { name: '.', type: FILE_TYPES.directory, inode },
      { name: '..', type: FILE_TYPES.directory, inode: parent },
    ];
    inode.nlink++; // its own `.`
    for (const name of [...node.children.keys()].sort()) {
      const child = node.children.get(name);
      if (child === undefined) continue;
      entries.push({ name, type: FILE_TYPES[child.kind], inode: this.#addName(inode, name, child) });
      if (child.kind === 'directory') inode.nlink++;
    }
    inode.entries = entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    inode.blocks = splitIntoBlocks(inode.entries, this.#blockSize);
    inode.contentBytes = inode.blocks.size;
  }

  #addName(parent: PlannedInode, name: string, node: TreeNode): PlannedInode {
    const path = () => this.#pathOf(parent, name);
    checkName(name, path);
    const pathBytes = (this.#places.get(parent)?.pathBytes ?? 0) + 1 + name.length;
    if (pathBytes > MAX_PATH_BYTES) throw tooDeep(path());
    const known = this.#shared.get(node);
    if (known !== undefined) {
      if (node.kind === 'directory') throw new ShoalError('internal', `${path()}: a directory with two names`);
      this.nameCount++;
      known.nlink++;
      return known;
    }
    const inode = this.#add(node, path);
    if (node.kind === 'directory') this.#places.set(inode, { parent, name, pathBytes });
    if (node.kind === 'file' || node.kind === 'directory') this.#shared.set(node, inode);
    return inode;
  }

  #add(node: TreeNode, path: () => string): PlannedInode {
    checkAttributes(node, path);
    const xattrs = encodableXattrs(node.xattrs, path);
    const inode: PlannedInode = {
      node,
      number: ++this.nameCount,
      nlink: 1,
      xattrs,
      xattrBytes: xattrAreaBytes(xattrs),
      entries: [],
      blocks: NO_BLOCKS,
      contentBytes: node.kind === 'symlink' ? node.target.length : 0,
      inline: false,
      offset: 0,
      firstBlock: 0,
    };
    this.hasXattrs ||= inode.xattrBytes > 0;
    this.inodes.push(inode);
    return inode;
  }

  #pathOf(parent: PlannedInode, name: string): string {
    const parts = [name];
    for (let at = this.#places.get(parent); at !== undefined; at = this.#places.get(at.parent)) parts.push(at.name);
    return `/${parts.reverse().join('/')}`;
  }
}

/** Layers can make such paths through symbolic links; no walk would follow them to their end. */
function tooDeep(path: string): ShoalError {
  const start = path.slice(0, 60);
  return new ShoalError('limit', `${start}...: a path of ${path.length} bytes; at most ${MAX_PATH_BYTES} are followed`);
}

const NO_BLOCKS: DirectoryBlocks = { firsts: [], size: 0 };

function checkName(name: string, path: () => string): void {
  if (name.length > layout.MAX_NAME_BYTES) {
    throw new ShoalError('limit', `${path()}: a name of ${name.length} bytes; at most 255 are possible`);
  }
  if (name === '' || name === '.' || name === '..' || name.includes('/') || !isPlainByteString(name)) {
    throw unsupported(`${path()}: ${JSON.stringify(name)} cannot be a file name`);
  }
}

/** Largest device numbers of the kernel's 32-bit encoding. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;
/** Longest target that Linux follows; 4096 with the NUL that the disk does not have. */
const MAX_TARGET_BYTES = 4095;

function checkAttributes(node: TreeNode, path: () => string): void {
  checkNumber(path, 'uid', node.uid, layout.MAX_U32);
  checkNumber(path, 'gid', node.gid, layout.MAX_U32);
  checkNumber(path, 'mode', node.mode, 0o7777);
  checkNumber(path, 'nanoseconds', node.mtimeNanoseconds, 999_999_999);
  if (!Number.isSafeInteger(node.mtimeSeconds)) throw unsupported(`${path()}: modification time ${node.mtimeSeconds}`);
  if (node.kind === 'char' || node.kind === 'block') {
    checkNumber(path, 'major device number', node.major, MAX_MAJOR);
    checkNumber(path, 'minor device number', node.minor, MAX_MINOR);
  }
  if (node.kind === 'file') checkNumber(path, 'size', node.size, Number.MAX_SAFE_INTEGER);
  if (node.kind === 'symlink') {
    checkNumber(path, 'target length', node.target.length, MAX_TARGET_BYTES);
    if (node.target === '' || !isPlainByteString(node.target)) {
      throw unsupported(`${path()}: ${JSON.stringify(node.target)} cannot be a link target`);
    }
  }
}

function checkNumber(path: () => string, field: string, value: number, limit: number): void {
  if (!Number.isInteger(value) || value < 0 || value > limit) {
    throw unsupported(`${path()}: ${field} ${value}; expected 0 to ${limit}`);
  }
}

/** Only a tail goes behind the inode, and only if inode, attributes and tail fit one block together. */
function fitsInline(inode: PlannedInode, blockSize: number): boolean {
  const tail = inode.contentBytes % blockSize;
  return tail > 0 && layout.EXTENDED_INODE_BYTES + inode.xattrBytes + tail <= blockSize;
}

/** The next slot, or the next block when inode, attributes and tail would cross into it. */
function placeAt(inode: PlannedInode, offset: number, blockSize: number): number {
  const slot = alignUp(offset, layout.INODE_SLOT_BYTES);
  if (!inode.inline) return slot;
  const bytes = layout.EXTENDED_INODE_BYTES + inode.xattrBytes + (inode.contentBytes % blockSize);
  return (slot % blockSize) + bytes > blockSize ? alignUp(slot, blockSize) : slot;
}

/** What an inode takes in the inode area: itself, its attributes, and its tail or chunk indexes. */
function occupiedBytes(inode: PlannedInode, chunkSize: number, blockSize: number): number {
  const head = layout.EXTENDED_INODE_BYTES + inode.xattrBytes;
  if (inode.inline) return head + (inode.contentBytes % blockSize);
  if (inode.node.kind !== 'file') return head;
  const indexes = Math.ceil(inode.node.size / chunkSize);
  return alignUp(head, layout.CHUNK_INDEX_BYTES) + indexes * layout.CHUNK_INDEX_BYTES;
}
