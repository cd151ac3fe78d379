// `unpack --devices`: the bootstrap and, for each blob, its device as a plain sparse file. The kernel's EROFS mounts
// these without any help from us, which makes them the independent judge of the format.

import { open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobLayout, type ChunkSource, errnoOf, fromSystemError, ShoalError } from '../../core/index.ts';
import { makeDirectory } from '../../registry/index.ts';
import { fetchBlob } from './fetch-blob.ts';
import { writeFully } from './write-fully.ts';

export interface DevicesResult {
  readonly bootstrap: string;
  /** In the order of the device slots: the order of the kernel's device= options. */
  readonly devices: readonly string[];
}

/** Writes into `directory`, which must be empty or not exist. On failure what was written is removed again. */
export async function unpackDevices(
  bootstrapBytes: Uint8Array,
  blobs: readonly BlobLayout[],
  source: ChunkSource,
  directory: string,
  options: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<DevicesResult> {
  const created = await prepareEmptyDirectory(directory);
  const result = { bootstrap: join(directory, 'image.boot'), devices: blobs.map(blob => join(directory, blob.id)) };
  try {
    await writeFile(result.bootstrap, bootstrapBytes, { flag: 'wx' });
    for (const blob of blobs) await writeDevice(blob, source, join(directory, blob.id), options);
    return result;
  } catch (error) {
    await Promise.all([result.bootstrap, ...result.devices].map(path => rm(path, { force: true })));
    if (created !== undefined) await rm(created, { recursive: true, force: true });
    throw fromSystemError(error, directory);
  }
}

async function writeDevice(
  blob: BlobLayout,
  source: ChunkSource,
  path: string,
  options: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.truncate(blob.deviceSize);
    for await (const { chunk, bytes } of fetchBlob(blob, source, options)) {
      await writeFully(file, bytes, chunk.deviceOffset);
    }
  } finally {
    await file.close();
  }
}

/** Returns the topmost directory that had to be made for it, if any. Throws `busy` when something is in it. */
export async function prepareEmptyDirectory(directory: string): Promise<string | undefined> {
  try {
    const entries = await readdir(directory);
    if (entries.length > 0) {
      throw new ShoalError('busy', `${directory}: expected an empty or new directory, found ${entries.length} entries`);
    }
    return undefined;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, directory);
  }
  return makeDirectory(directory, directory);
}
