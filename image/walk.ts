// Walks the whole tree of an image, for unpacking, comparing and checking. Bounded on any input: a directory's content is
// read at most once, so cycles and directories that share blocks end the walk instead of making it endless.

import { ShoalError } from '../core/index.ts';
import type { BootstrapReader, InodeAttributes } from './bootstrap-reader.ts';
import { emptyAttributes } from './bootstrap-reader.ts';
import { ClaimedBytes } from './claimed-bytes.ts';
import { byteString } from './fields.ts';
import * as layout from './layout.ts';
import { malformed } from './refusals.ts';

export interface TreeEntry {
  /** Byte string without a leading slash; '' is the root. */
  readonly path: string;
  readonly nid: number;
  /** The entry's own, to keep. */
  readonly attributes: InodeAttributes;
}

/** Longest path that a walk follows, bytes. Linux refuses paths beyond 4096; this leaves room for walks by descriptor. */
export const MAX_PATH_BYTES = 65536;

/**
 * Every name of the image, each directory before what it holds, names in byte order. Two entries with the same nid are
 * hard links. No path escapes: `.` and `..` are left out, empty names, slashes and NULs are `malformed`, and so are
 * directories that are reachable twice (cycles). Paths beyond `MAX_PATH_BYTES` are `limit`. Needs memory for the names
 * of each directory on the way down.
 */
export function* walkTree(reader: BootstrapReader): Generator<TreeEntry, void, undefined> {
  const claimed = new ClaimedBytes(reader.bytes.length);
  yield { path: '', nid: reader.rootNid, attributes: attributesOf(reader, reader.rootNid) };
  const levels = [openLevel(reader, claimed, reader.rootNid, '')];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const child = level.children[level.next++];
    if (child === undefined) {
      levels.pop();
      continue;
    }
    const path = level.path === '' ? child.name : `${level.path}/${child.name}`;
    if (path.length > MAX_PATH_BYTES)
      throw new ShoalError('limit', `image has a path of more than ${MAX_PATH_BYTES} bytes`);
    const attributes = attributesOf(reader, child.nid);
    yield { path, nid: child.nid, attributes };
    if ((attributes.mode & layout.MODE_TYPE) === layout.MODE_DIRECTORY) {
      levels.push(openLevel(reader, claimed, child.nid, path));
    }
  }
}

interface Level {
  readonly path: string;
  readonly children: readonly NamedInode[];
  next: number;
}

/** One name of a directory. */
export interface NamedInode {
  /** Byte string. */
  readonly name: string;
  readonly nid: number;
  /** EROFS file type. */
  readonly type: number;
}

function openLevel(reader: BootstrapReader, claimed: ClaimedBytes, nid: number, path: string): Level {
  if (!claimDirectory(reader, claimed, nid)) {
    throw malformed(`directory ${JSON.stringify(`/${path}`)} (inode ${nid}) is reachable twice, or shares its content`);
  }
  const children = listDirectory(reader, nid).filter(({ name }) => name !== '.' && name !== '..');
  return { path, children, next: 0 };
}

/** Claims a directory's inode and content; false when somebody has claimed any of it before. */
export function claimDirectory(reader: BootstrapReader, claimed: ClaimedBytes, nid: number): boolean {
  const { offset, xattrOffset, blockOffset, blockBytes, tailOffset, size } = reader.inode(nid);
  const tailBytes = size - blockBytes;
  return (
    claimed.claim(offset, xattrOffset - offset) &&
    (blockBytes === 0 || claimed.claim(blockOffset, blockBytes)) &&
    (tailBytes === 0 || claimed.claim(tailOffset, tailBytes))
  );
}

/** All names of a directory, `.` and `..` too, in the order they are stored in. Throws `malformed`. */
export function listDirectory(reader: BootstrapReader, nid: number): NamedInode[] {
  const entries: NamedInode[] = [];
  reader.readdir(nid, 0, (child, type, name) => {
    entries.push({ name: byteString(name, 0, name.length), nid: child, type });
    return true;
  });
  return entries;
}

function attributesOf(reader: BootstrapReader, nid: number): InodeAttributes {
  const attributes = emptyAttributes();
  reader.stat(nid, attributes);
  return attributes;
}
