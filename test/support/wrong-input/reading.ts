// Programs that look into a mount of a broken image, in processes of their own that can be killed.

import { execFile } from 'node:child_process';
import type { CommandResult } from '../shoal.ts';
import type { Place } from './place.ts';

const TIMEOUT_MS = 60_000;

/** How a row shows what `readThrough` does. */
export const READ_SHOWN = 'cat mnt/usr/share/large (mounted with --read-deadline 1)';

/** Mounts (`args` are those of `shoal mount`), lets something happen, reads, unmounts; how reading ended. */
export async function readThrough(
  place: Place,
  args: readonly string[],
  between: () => Promise<void> = async () => {},
): Promise<CommandResult> {
  await place.ok(...args);
  await between();
  const result = await cat(`${args.at(-1)}/usr/share/large`);
  await place.ok('umount', args.at(-1) ?? '');
  return result;
}

export function cat(path: string): Promise<CommandResult> {
  return program('cat', path);
}

export function list(path: string): Promise<CommandResult> {
  return program('ls', path);
}

function program(name: string, path: string): Promise<CommandResult> {
  return new Promise(resolve => {
    const options = { timeout: TIMEOUT_MS, env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } };
    execFile(name, [path], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 255 : 0, stdout, stderr }),
    );
  });
}
