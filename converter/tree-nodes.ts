// Makes tree nodes from tar entries.

import { ShoalError } from '../core/index.ts';
import type { DirectoryNode, TreeNode } from '../image/index.ts';
import { printable } from './entry-path.ts';
import type { TarEntry } from './tar-entry.ts';
import type { Warnings } from './warnings.ts';
import { keptXattrs } from './xattr-policy.ts';

/**
 * A directory that no layer has an entry for, only files below it. Runtimes create it with the time of the moment;
 * the epoch keeps conversions reproducible.
 */
export function implicitDirectory(): DirectoryNode {
  return {
    kind: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    xattrs: new Map(),
    children: new Map(),
  };
}

/** A new node for an entry that is no hard link. `chunks` are kept by files. */
export function nodeOf(entry: TarEntry, chunks: Uint32Array, warnings: Warnings): TreeNode {
  const metadata = metadataOf(entry, warnings);
  switch (entry.kind) {
    case 'file':
      return { kind: 'file', ...metadata, size: entry.size, chunks };
    case 'directory':
      return { kind: 'directory', ...metadata, children: new Map() };
    case 'symlink':
      // Linux knows no other mode of symbolic links; tars from elsewhere do.
      return { kind: 'symlink', ...metadata, mode: 0o777, target: entry.target };
    case 'char':
    case 'block':
      return { kind: entry.kind, ...metadata, major: entry.major, minor: entry.minor };
    case 'fifo':
      return { kind: 'fifo', ...metadata };
    case 'hardlink':
      throw new ShoalError('internal', `${printable(entry.path)}: a hard link has no node of its own`);
  }
}

/** Gives a directory the mode, owner, times and attributes of a later entry for it. */
export function takeMetadata(directory: DirectoryNode, entry: TarEntry, warnings: Warnings): void {
  Object.assign(directory, metadataOf(entry, warnings));
}

/** A node of its own with the same contents. Not for directories. */
export function copyOfNode(node: TreeNode): TreeNode {
  return { ...node };
}

function metadataOf(entry: TarEntry, warnings: Warnings) {
  return {
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    mtimeNanoseconds: entry.mtimeNanoseconds,
    xattrs: keptXattrs(entry.xattrs, entry.path, warnings),
  };
}
