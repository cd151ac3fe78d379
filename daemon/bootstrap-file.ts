// The bootstrap as a file, for the kernel to mount as EROFS: in a directory of the mount's own, by the name that the mount
// table is to show.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError } from '../core/index.ts';

/** Writes it; what is there is removed when `held` is given back, also when this rejects. Rejects with `system`. */
export async function writeBootstrapFile(
  bytes: SharedArrayBuffer,
  to: { readonly directory: string; readonly name: string },
  held: AsyncDisposableStack,
): Promise<void> {
  const { directory, name } = to;
  held.defer(() => rm(directory, { recursive: true, force: true }));
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(join(directory, name), new Uint8Array(bytes), { flag: 'wx', mode: 0o400 });
  } catch (error) {
    throw fromSystemError(error, `write ${join(directory, name)}`);
  }
}
