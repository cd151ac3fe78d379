// Names are not durable by themselves: a new file, or a new file in the place of an old one, is there after a power cut only
// when its directory has been synced as well.

import { open } from 'node:fs/promises';

/** Resolves when the names in a directory, as they are now, survive a power cut. Rejects with what the system says. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
