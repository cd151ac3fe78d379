// Directories that a person named and that need not exist yet.

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, fromSystemError, ShoalError } from '../core/index.ts';

/**
 * Makes a directory and those on the way to it, where they are missing; returns the topmost one that was made, if any.
 * `what` names it in errors: `no-space`, `system` (also when something else is there). Not by mkdir's own `recursive`,
 * which says ENOENT when a file system is read-only.
 */
export async function makeDirectory(path: string, what: string, mode = 0o777): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') {
      const isDirectory = await stat(path).then(
        attributes => attributes.isDirectory(),
        () => false,
      );
      if (isDirectory) return undefined;
      throw new ShoalError('system', `${what}: ${path} is not a directory`);
    }
    if (errno !== 'ENOENT' || dirname(path) === path) throw fromSystemError(error, what);
  }
  const topmost = await makeDirectory(dirname(path), what, mode);
  await makeDirectory(path, what, mode);
  return topmost ?? path;
}
