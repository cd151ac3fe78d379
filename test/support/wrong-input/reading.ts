// A program that reads from a mount of a broken image: `cat`, in a process of its own, since whoever waits on a mount
// of this test's daemon could not end it.

import { execFile } from 'node:child_process';
import type { CommandResult } from '../shoal.ts';
import type { Place } from './place.ts';

const CAT_TIMEOUT_MS = 60_000;

/** How a row shows what `readThrough` does. */
export const READ_SHOWN = 'cat mnt/usr/share/large (mounted with --read-deadline 1)';

/** Mounts (`args` are those of `shoal mount`), reads, unmounts; how reading ended. */
export async function readThrough(place: Place, args: readonly string[]): Promise<CommandResult> {
  await place.ok(...args);
  const result = await cat(`${args.at(-1)}/usr/share/large`);
  await place.ok('umount', args.at(-1) ?? '');
  return result;
}

export function cat(path: string): Promise<CommandResult> {
  return new Promise(resolve => {
    execFile('cat', [path], { timeout: CAT_TIMEOUT_MS, env: { LC_ALL: 'C' } }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 255 : 0, stdout, stderr }),
    );
  });
}
