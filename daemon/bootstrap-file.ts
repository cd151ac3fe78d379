// The bootstrap as a file, for the kernel to mount as EROFS and for a daemon that takes the mount over: in a directory of the
// mount's own, by the name that the mount table is to show.

import { rm, writeFile } from 'node:fs/promises';
import { fromSystemError } from '../core/index.ts';

/** Writes it; it is removed when `held` is given back, also when this rejects. Rejects with `system`. */
export async function writeBootstrapFile(
  bytes: SharedArrayBuffer,
  path: string,
  held: AsyncDisposableStack,
): Promise<void> {
  held.defer(() => rm(path, { force: true }));
  try {
    await writeFile(path, new Uint8Array(bytes), { flag: 'wx', mode: 0o400 });
  } catch (error) {
    throw fromSystemError(error, `write ${path}`);
  }
}
