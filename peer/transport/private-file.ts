// Files with keys in them, and small files that must be whole or not there: written beside and renamed, readable by their
// owner alone.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, fromSystemError, ShoalError } from '../../core/index.ts';

/** Keys, certificates and revocations are all smaller. */
const MAX_FILE_BYTES = 128 * 1024;

const OTHERS = 0o077;

export interface SmallFile {
  readonly text: string;
  /** To see whether it was changed; ms since 1970. */
  readonly modifiedMs: number;
}

/**
 * Reads a file of at most 128 KiB. `secret`: refuses one that others may read, or that belongs to somebody else. Rejects
 * with `not-found`, `system` (mode, owner) and `limit`, naming the file.
 */
export async function readSmallFile(path: string, { secret }: { readonly secret: boolean }): Promise<SmallFile> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(error => {
    throw fromSystemError(error, `open ${path}`);
  });
  try {
    const { mode, uid, size, mtimeMs } = await file.stat();
    if (secret) refuseShared(path, mode, uid);
    if (size > MAX_FILE_BYTES) throw new ShoalError('limit', `${path}: ${size} bytes, at most ${MAX_FILE_BYTES}`);
    return { text: await file.readFile('utf8'), modifiedMs: mtimeMs };
  } catch (error) {
    throw fromSystemError(error, `read ${path}`);
  } finally {
    await file.close();
  }
}

function refuseShared(path: string, mode: number, uid: number): void {
  const found = (mode & 0o777).toString(8).padStart(4, '0');
  if ((mode & OTHERS) !== 0) {
    throw new ShoalError(
      'system',
      `${path}: mode ${found}, expected 0600: others may read this key (chmod 600 ${path})`,
    );
  }
  const own = process.geteuid?.() ?? uid;
  if (uid !== own && uid !== 0) {
    throw new ShoalError('system', `${path}: belongs to user ${uid}, expected ${own}`);
  }
}

/**
 * Writes a file of ours (0600 unless `mode` says otherwise), durable when it resolves; there is never half of it.
 * `replace` false: rejects with `busy` when there is one already, also when it came a moment ago.
 */
export async function writeSmallFile(
  path: string,
  text: string,
  { replace, mode = 0o600 }: { readonly replace: boolean; readonly mode?: number },
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // link(2) fails when the name is taken; rename(2) takes it.
    if (replace) await rename(temporary, path);
    else await link(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    if (!replace && errnoOf(error) === 'EEXIST')
      throw new ShoalError('busy', `${path} exists already`, { cause: error });
    throw fromSystemError(error, `write ${path}`);
  } finally {
    await unlink(temporary).catch(error => {
      if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, `remove ${temporary}`);
    });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
