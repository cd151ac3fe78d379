// The seven kinds of inodes and their numbers in modes and directory entries.

import * as layout from './layout.ts';
import type { NodeKind } from './tree.ts';

/** Type bits of st_mode. */
export const MODE_BITS: Readonly<Record<NodeKind, number>> = {
  file: layout.MODE_FILE,
  directory: layout.MODE_DIRECTORY,
  char: layout.MODE_CHAR,
  block: layout.MODE_BLOCK,
  fifo: layout.MODE_FIFO,
  socket: layout.MODE_SOCKET,
  symlink: layout.MODE_SYMLINK,
};

/** Types in directory entries. */
export const FILE_TYPES: Readonly<Record<NodeKind, number>> = {
  file: 1,
  directory: 2,
  char: 3,
  block: 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
};

const KINDS: ReadonlyMap<number, NodeKind> = new Map([
  [layout.MODE_FILE, 'file'],
  [layout.MODE_DIRECTORY, 'directory'],
  [layout.MODE_CHAR, 'char'],
  [layout.MODE_BLOCK, 'block'],
  [layout.MODE_FIFO, 'fifo'],
  [layout.MODE_SOCKET, 'socket'],
  [layout.MODE_SYMLINK, 'symlink'],
]);

/** The kind that a mode's type bits say, if they say one. */
export function kindOfMode(mode: number): NodeKind | undefined {
  return KINDS.get(mode & layout.MODE_TYPE);
}
