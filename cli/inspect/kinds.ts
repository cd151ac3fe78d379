// Modes as people read them.

import { constants } from 'node:fs';

const { S_IFMT } = constants;

const KINDS = new Map([
  [constants.S_IFREG, ['file', '-']],
  [constants.S_IFDIR, ['directory', 'd']],
  [constants.S_IFLNK, ['symlink', 'l']],
  [constants.S_IFCHR, ['char', 'c']],
  [constants.S_IFBLK, ['block', 'b']],
  [constants.S_IFIFO, ['fifo', 'p']],
  [constants.S_IFSOCK, ['socket', 's']],
] as const);

/** The kind of a full st_mode. */
export function kindName(mode: number): string {
  return KINDS.get(mode & S_IFMT)?.[0] ?? 'unknown';
}

const TRIADS = ['---', '--x', '-w-', '-wx', 'r--', 'r-x', 'rw-', 'rwx'];

/** As ls(1) shows it: `-rwsr-xr-x`. */
export function modeText(mode: number): string {
  const letters = [6, 3, 0].map((shift, at) => {
    const triad = TRIADS[(mode >> shift) & 7] ?? '---';
    if (((mode >> (11 - at)) & 1) === 0) return triad;
    const [special, plain] = at === 2 ? ['t', 'T'] : ['s', 'S'];
    return triad.slice(0, 2) + (triad.endsWith('x') ? special : plain);
  });
  return (KINDS.get(mode & S_IFMT)?.[1] ?? '?') + letters.join('');
}
