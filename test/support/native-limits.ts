// What a tree looks like through the fuse-native driver, by the limits that DRIVER_LIMITS lists: the rest must be equal.

import { isUtf8 } from 'node:buffer';
import type { Tree } from './tree.ts';

/** `expected` as the driver is to show it. */
export function asNativeShows(expected: Tree): Tree {
  const shown = [...expected].filter(([path]) => isUtf8(Buffer.from(path, 'latin1')));
  const names = new Map<string, string>();
  for (const [path, { group }] of shown) if (!names.has(group)) names.set(group, path);
  return new Map(
    shown.map(([path, entry]) => [
      path,
      {
        ...entry,
        mtime: cutTime(entry.mtime),
        target: isUtf8(Buffer.from(entry.target, 'latin1')) ? entry.target : 'EILSEQ',
        // The first name of a group may be one that is left out.
        group: names.get(entry.group) ?? entry.group,
      },
    ]),
  );
}

/** Seconds with nine decimals: cut to milliseconds, and not before 1970. */
function cutTime(mtime: string): string {
  return mtime.startsWith('-') ? '0.000000000' : mtime.replace(/(\.\d{3})\d{6}$/, '$1000000');
}
