// From an inode to the kernel's fuse_attr and fuse_entry_out. Pure functions over words.

import type { InodeAttributes } from '../../image/index.ts';
import { Attr, EntryOut, FOREVER_SECONDS, NODE_ID_OFFSET, ROOT_NODE_ID } from './protocol.ts';

const TWO_32 = 2 ** 32;
/** stat(2) counts blocks of 512 bytes whatever the file system's own are. */
const STAT_BLOCK = 512;
/** What readers should ask for at a time; the page size. */
const BLOCK_SIZE = 4096;

/** Writes a whole number, positive or negative, |value| < 2^53, as the kernel's 64 bits. */
export function putU64(words: Uint32Array, at: number, value: number): void {
  words[at] = value; // typed arrays store modulo 2^32, two's complement included
  words[at + 1] = Math.floor(value / TWO_32);
}

/** Reads 64 bits; exact below 2^53. */
export function getU64(words: Uint32Array, at: number): number {
  return (words[at + 1] ?? 0) * TWO_32 + (words[at] ?? 0);
}

export function nodeIdOf(nid: number, rootNid: number): number {
  return nid === rootNid ? ROOT_NODE_ID : nid + NODE_ID_OFFSET;
}

/** The nid behind a node id that we gave out. */
export function nidOf(nodeId: number, rootNid: number): number {
  return nodeId === ROOT_NODE_ID ? rootNid : nodeId - NODE_ID_OFFSET;
}

/** Access and change time are the modification time: the image knows no others (as the kernel's EROFS shows them). */
export function putAttributes(words: Uint32Array, at: number, inode: InodeAttributes): void {
  putU64(words, at + Attr.INO, inode.nid);
  putU64(words, at + Attr.SIZE, inode.size);
  putU64(words, at + Attr.BLOCKS, Math.ceil(inode.size / STAT_BLOCK));
  putU64(words, at + Attr.ATIME, inode.mtimeSeconds);
  putU64(words, at + Attr.MTIME, inode.mtimeSeconds);
  putU64(words, at + Attr.CTIME, inode.mtimeSeconds);
  words[at + Attr.ATIME_NSEC] = inode.mtimeNanoseconds;
  words[at + Attr.MTIME_NSEC] = inode.mtimeNanoseconds;
  words[at + Attr.CTIME_NSEC] = inode.mtimeNanoseconds;
  words[at + Attr.MODE] = inode.mode;
  words[at + Attr.NLINK] = inode.nlink;
  words[at + Attr.UID] = inode.uid;
  words[at + Attr.GID] = inode.gid;
  words[at + Attr.RDEV] = inode.rdev;
  words[at + Attr.BLOCK_SIZE] = BLOCK_SIZE;
  words[at + Attr.BLOCK_SIZE + 1] = 0; // flags
}

/** An entry that the kernel may keep for ever. */
export function putEntry(words: Uint32Array, at: number, inode: InodeAttributes, rootNid: number): void {
  putEntryHead(words, at);
  putU64(words, at + EntryOut.NODE_ID, nodeIdOf(inode.nid, rootNid));
  words[at + EntryOut.ATTR_VALID] = FOREVER_SECONDS;
  putAttributes(words, at + EntryOut.ATTR, inode);
}

/** "There is no such name, and there will never be": node id 0. */
export function putNegativeEntry(words: Uint32Array, at: number): void {
  putEntryHead(words, at);
  clearWords(words, at + EntryOut.ATTR, at + EntryOut.WORDS);
}

/** What stands before the attributes: no node, a name that stays, attributes that don't. */
function putEntryHead(words: Uint32Array, at: number): void {
  clearWords(words, at, at + EntryOut.ATTR);
  words[at + EntryOut.ENTRY_VALID] = FOREVER_SECONDS;
}

/** Like `fill(0, start, end)`, which for these few words is dearer than the rest of a reply together. */
export function clearWords(words: Uint32Array, start: number, end: number): void {
  for (let at = start; at < end; at++) words[at] = 0;
}
