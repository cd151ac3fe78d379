// Reads files of a root file system whose symbolic links must not lead out of it: an image's /etc/passwd may be a link
// to anywhere, and "anywhere" must mean inside the image.

import { readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, ShoalError } from '../../core/index.ts';

/** The kernel's own limit (path_resolution(7)). */
const MAX_LINKS = 40;

/** An account file of a real system is a few kilobytes; a hostile one must not fill our memory. */
const MAX_FILE_BYTES = 4 << 20;

/**
 * The host path that `path` means inside `root`, following links as a process chrooted there would. Components that do
 * not exist are kept as they are. Throws `malformed` on a loop of links.
 */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  const pending = path.split('/');
  const done: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const part = pending.shift();
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const target = await linkTarget(join(root, ...done, part));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw new ShoalError('malformed', `${path}: more than ${MAX_LINKS} symbolic links`);
    if (target.startsWith('/')) done.length = 0;
    pending.unshift(...target.split('/'));
  }
  return join(root, ...done);
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (['EINVAL', 'ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** The text of a regular file inside `root`, or undefined when there is none. */
export async function readInRoot(root: string, path: string): Promise<string | undefined> {
  const host = await resolveInRoot(root, path);
  try {
    const attributes = await stat(host);
    if (!attributes.isFile()) return undefined; // opening a fifo would wait for ever
    const { size } = attributes;
    if (size > MAX_FILE_BYTES) throw new ShoalError('limit', `${path} of the image has ${size} bytes`);
    return await readFile(host, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
