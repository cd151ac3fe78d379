// Can a directory hold a cache? It needs files with holes that take no space, and holes that can be punched into them.

import { type FileHandle, open, rm } from 'node:fs/promises';
import { fromSystemError, ShoalError } from '../../core/index.ts';

/** Larger than any file system's block, so that a part of it can go. */
const PROBE_BYTES = 4 << 20;
const WRITTEN_BYTES = 1 << 20;
/** stat(2) counts in these. */
const STAT_BLOCK_BYTES = 512;

/** Makes a file at `path`, which must not exist, and removes it. Rejects with what does not work: `unsupported`, `system`. */
export async function probeHoles(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx+', 0o600);
    try {
      await probe(file);
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  } catch (error) {
    throw fromSystemError(error, `write ${path}`);
  }
}

async function probe(file: FileHandle): Promise<void> {
  await file.truncate(PROBE_BYTES);
  const empty = await usedBytes(file);
  if (empty > WRITTEN_BYTES) throw new ShoalError('unsupported', `no holes: an empty file takes ${empty} bytes`);
  await file.write(Buffer.alloc(WRITTEN_BYTES, 1), 0, WRITTEN_BYTES, 0);
  await file.sync(); // file systems that allocate late tell the size only then
  const written = await usedBytes(file);
  const { punchHole } = await import('../system-calls.ts');
  punchHole(file.fd, 0, WRITTEN_BYTES);
  await file.sync();
  const punched = await usedBytes(file);
  if (punched >= written) throw new ShoalError('unsupported', 'punching a hole gives no space back');
}

async function usedBytes(file: FileHandle): Promise<number> {
  return (await file.stat()).blocks * STAT_BLOCK_BYTES;
}
