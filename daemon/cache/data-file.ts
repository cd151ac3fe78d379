// The file of a blob's bytes: how it comes to be, and how another one takes its place.

import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromSystemError } from '../../core/index.ts';

/** Opens or creates it, for this user alone. Rejects with `system`. */
export async function openDataFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw fromSystemError(error, `open ${path}`);
  }
}

/** Puts an empty file in its place: who reads the old one keeps what he has. */
export async function replaceDataFile(path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = await open(`${path}.new`, flags, 0o600);
  try {
    await rename(`${path}.new`, path);
    // Else the old file could be back after a power cut, with a map that speaks of this one.
    const directory = await open(dirname(path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** All holes, at full size from the start: a reader of the last block never meets the end of the file (rule 4). */
export async function makeSparse(file: FileHandle, size: number): Promise<void> {
  await file.truncate(0);
  await file.truncate(size);
}
