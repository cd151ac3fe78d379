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
  let outcome = await tryToMake(path, what, mode);
  if (outcome !== 'no parent') return outcome === 'made' ? path : undefined;
  const topmost = await makeDirectory(dirname(path), what, mode);
  outcome = await tryToMake(path, what, mode);
  if (outcome !== 'no parent') return topmost ?? path;
  // The parent is there, and still nothing can be in it: so says procfs.
  throw new ShoalError('system', `${what}: no directory can be made in ${dirname(path)}`);
}

async function tryToMake(path: string, what: string, mode: number): Promise<'made' | 'there' | 'no parent'> {
  try {
    await mkdir(path, { mode });
    return 'made';
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' && dirname(path) !== path) return 'no parent';
    if (errno !== 'EEXIST') throw fromSystemError(error, what);
    const isDirectory = await stat(path).then(
      attributes => attributes.isDirectory(),
      () => false,
    );
    if (isDirectory) return 'there';
    throw new ShoalError('system', `${what}: ${path} is not a directory`);
  }
}
