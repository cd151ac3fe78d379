// Writes one planned inode with all that belongs to it (docs/image-format.md §7): always the extended form, then the
// extended attributes, then chunk indexes, directory blocks or the link's target.

import { ShoalError } from '../core/index.ts';
import { writeDirectoryBlock } from './directory-blocks.ts';
import { alignUp, writeByteString, writeI64 } from './fields.ts';
import type { PlannedInode } from './inode-plan.ts';
import * as layout from './layout.ts';
import { MODE_BITS } from './node-kinds.ts';
import type { FileNode, ImageTree, TreeNode } from './tree.ts';
import { writeXattrs, xattrUnits } from './xattr.ts';

export interface WriteContext {
  /** The whole bootstrap; zero where nothing has been written yet. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly tree: ImageTree;
  readonly blockBits: number;
  /** Bytes from the start of the file. */
  readonly inodeArea: number;
  readonly blockArea: number;
  /** nid of the inode at the start of the inode area. */
  readonly firstNid: number;
}

export function writeInode(context: WriteContext, inode: PlannedInode): void {
  const { view, bytes } = context;
  const { node } = inode;
  const at = context.inodeArea + inode.offset;
  view.setUint16(at, formatOf(inode), true);
  view.setUint16(at + 2, xattrUnits(inode.xattrBytes), true);
  view.setUint16(at + 4, MODE_BITS[node.kind] | node.mode, true);
  writeI64(view, at + 8, node.kind === 'file' ? node.size : inode.contentBytes);
  view.setUint32(at + 16, unionOf(context, inode), true);
  view.setUint32(at + 20, inode.number, true);
  view.setUint32(at + 24, node.uid, true);
  view.setUint32(at + 28, node.gid, true);
  writeI64(view, at + 32, node.mtimeSeconds);
  view.setUint32(at + 40, node.mtimeNanoseconds, true);
  view.setUint32(at + 44, inode.nlink, true);
  if (inode.xattrBytes > 0) writeXattrs(bytes, at + layout.EXTENDED_INODE_BYTES, inode.xattrs);
  writeContent(context, inode, at + layout.EXTENDED_INODE_BYTES + inode.xattrBytes);
}

function formatOf(inode: PlannedInode): number {
  const dataLayout =
    inode.node.kind === 'file'
      ? layout.LAYOUT_CHUNKED
      : inode.inline
        ? layout.LAYOUT_FLAT_INLINE
        : layout.LAYOUT_FLAT_PLAIN;
  return (dataLayout << 1) | layout.FORMAT_EXTENDED;
}

function unionOf(context: WriteContext, inode: PlannedInode): number {
  const { node } = inode;
  switch (node.kind) {
    case 'file':
      return chunkHeader(context, node);
    case 'char':
    case 'block':
      return deviceNumber(node.major, node.minor);
    case 'directory':
    case 'symlink': {
      const hasBlocks = inode.contentBytes >= 1 << context.blockBits || !inode.inline;
      return hasBlocks ? firstBlock(context, inode) : 0;
    }
    case 'fifo':
    case 'socket':
      return 0;
  }
}

function firstBlock(context: WriteContext, inode: PlannedInode): number {
  return context.blockArea / (1 << context.blockBits) + inode.firstBlock;
}

/** The kernel's 32-bit encoding (nydus.md §1.17). */
export function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/**
 * A file that lies in one piece of one device is announced as one large chunk, so that the kernel maps it with one look
 * at the first index; the indexes stay those of the image's chunk size (nydus.md §1.14).
 */
function chunkHeader(context: WriteContext, node: FileNode): number {
  const { chunkSize } = context.tree;
  const announced = node.size > chunkSize && isContiguous(context.tree, node) ? powerOfTwoFrom(node.size) : chunkSize;
  return layout.CHUNK_HEADER_INDEXES | (Math.log2(announced) - context.blockBits);
}

function powerOfTwoFrom(size: number): number {
  let power = 1;
  while (power < size) power *= 2;
  return power;
}

function isContiguous(tree: ImageTree, node: FileNode): boolean {
  const [blobIndex = 0, first = 0] = node.chunks;
  const blob = tree.blobs[blobIndex];
  if (blob === undefined) return false;
  const start = blob.chunks.deviceOffset(first);
  for (let i = 2; i < node.chunks.length; i += 2) {
    if (node.chunks[i] !== blobIndex) return false;
    if (blob.chunks.deviceOffset(node.chunks[i + 1] ?? 0) !== start + (i / 2) * tree.chunkSize) return false;
  }
  return true;
}

function writeContent(context: WriteContext, inode: PlannedInode, bodyAt: number): void {
  const { node } = inode;
  if (node.kind === 'file') writeIndexes(context, node, alignUp(bodyAt, layout.CHUNK_INDEX_BYTES));
  else if (node.kind === 'directory') writeDirectory(context, inode, bodyAt);
  else if (node.kind === 'symlink') writeTarget(context, inode, node.target, bodyAt);
}

function writeIndexes(context: WriteContext, node: FileNode, at: number): void {
  const { view, tree } = context;
  for (let i = 0; i < node.chunks.length; i += 2) {
    const blobIndex = node.chunks[i] ?? 0;
    const index = node.chunks[i + 1] ?? 0;
    const entry = at + (i / 2) * layout.CHUNK_INDEX_BYTES;
    const deviceOffset = tree.blobs[blobIndex]?.chunks.deviceOffset(index) ?? 0;
    view.setUint16(entry, index & 0xffff, true);
    view.setUint8(entry + 2, blobIndex + 1);
    view.setUint8(entry + 3, index >>> 16);
    view.setUint32(entry + 4, deviceOffset / (1 << context.blockBits), true);
  }
}

function writeDirectory(context: WriteContext, inode: PlannedInode, bodyAt: number): void {
  const { entries, blocks } = inode;
  const nidOf = (position: number) =>
    context.firstNid + (entries[position]?.inode.offset ?? 0) / layout.INODE_SLOT_BYTES;
  blocks.firsts.forEach((first, block) => {
    const end = blocks.firsts[block + 1] ?? entries.length;
    writeDirectoryBlock(context.bytes, contentAt(context, inode, bodyAt, block), entries, { first, end }, nidOf);
  });
}

function writeTarget(context: WriteContext, inode: PlannedInode, target: string, bodyAt: number): void {
  const blockSize = 1 << context.blockBits;
  for (let block = 0; block * blockSize < target.length; block++) {
    const piece = target.slice(block * blockSize, (block + 1) * blockSize);
    writeByteString(context.bytes, contentAt(context, inode, bodyAt, block), piece);
  }
}

/** Where a block of the content lies: in the block area, or the last one behind the inode. */
function contentAt(context: WriteContext, inode: PlannedInode, bodyAt: number, block: number): number {
  const blockSize = 1 << context.blockBits;
  if (inode.inline && block === Math.floor(inode.contentBytes / blockSize)) return bodyAt;
  return context.blockArea + (inode.firstBlock + block) * blockSize;
}

/** Refuses a tree whose files do not fit the blobs: that would be a bug in whoever built it. */
export function checkChunks(tree: ImageTree, node: TreeNode): void {
  if (node.kind !== 'file') return;
  if (node.chunks.length !== 2 * Math.ceil(node.size / tree.chunkSize)) {
    throw new ShoalError('internal', `a file of ${node.size} bytes with ${node.chunks.length / 2} chunks`);
  }
  for (let i = 0; i < node.chunks.length; i += 2) {
    const chunks = tree.blobs[node.chunks[i] ?? 0]?.chunks;
    const expected = Math.min(tree.chunkSize, node.size - (i / 2) * tree.chunkSize);
    if (chunks === undefined || chunks.uncompressedSize(node.chunks[i + 1] ?? 0) !== expected) {
      throw new ShoalError('internal', `chunk ${i / 2} of a file of ${node.size} bytes is not ${expected} bytes long`);
    }
  }
}
