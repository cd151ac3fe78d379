// write(2) may write less than it was given: on a nearly full disk it does so without an error, and only the next call
// says ENOSPC. Whoever ignores that leaves zeros where data should be.

import type { FileHandle } from 'node:fs/promises';

/** Writes all of `bytes` at `position`. Rejects with the system's error. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
