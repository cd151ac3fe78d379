// The files of an OCI layout directory (image specification, "Image Layout"): oci-layout, index.json, blobs/sha256/.
// Writers and readers may run at once: blobs and index.json appear by rename, whole or not at all.

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { link, mkdir, open, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Digest } from '../core/index.ts';
import { errnoOf, fromSystemError, hexOf, ShoalError } from '../core/index.ts';
import type { ImageIndex, IndexEntry } from './manifest.ts';
import { MEDIA_TYPES, parseIndex } from './manifest.ts';

/** Names a manifest within the layout; the part after the colon of `oci:DIR:TAG`. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

export const LAYOUT_FILE = 'oci-layout';
export const LAYOUT_VERSION = '{"imageLayoutVersion":"1.0.0"}';
export const INDEX_FILE = 'index.json';
const LOCK_FILE = '.index.lock';
/** Where files are written until they are whole. */
export const INGEST_DIRECTORY = '.ingest';
export const MAX_INDEX_BYTES = 16 * 1024 * 1024;
/** The lock is held for one rewrite of index.json, milliseconds; an older one is left from a writer that died. */
const STALE_LOCK_MS = 30_000;
const LOCK_POLL_MS = 20;
/** Longer than the lock can be held or left: whoever waits so long meets something else. */
const LOCK_DEADLINE_MS = 60_000;

export function blobPath(directory: string, digest: Digest): string {
  return join(directory, 'blobs', 'sha256', hexOf(digest));
}

/** Opens a blob for reading. Throws `not-found`, `malformed` when it is no regular file of `size` bytes, or `system`. */
export async function openBlob(
  directory: string,
  blob: { digest: Digest; size: number },
  what: string,
): Promise<FileHandle> {
  let file: FileHandle;
  try {
    // Without O_NONBLOCK, opening a fifo in the blob's place would wait for ever.
    file = await open(blobPath(directory, blob.digest), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw fromSystemError(error, `${what}: blob ${blob.digest}`);
  }
  try {
    const stats = await file.stat();
    if (stats.isFile() && stats.size === blob.size) return file;
    const found = stats.isFile() ? `${stats.size} bytes` : 'no regular file';
    throw new ShoalError('malformed', `${what}: blob ${blob.digest}: expected ${blob.size} bytes, found ${found}`);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Size of a blob in bytes, or undefined when it is not there. */
export async function blobSize(directory: string, digest: Digest, what: string): Promise<number | undefined> {
  try {
    const stats = await stat(blobPath(directory, digest));
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `${what}: blob ${digest}`);
  }
}

/** The layout's index. Throws `not-found` when the directory is no layout. */
export async function readIndex(directory: string, what: string): Promise<ImageIndex> {
  try {
    const { size } = await stat(join(directory, INDEX_FILE));
    if (size > MAX_INDEX_BYTES) throw new ShoalError('limit', `${what}: index.json has ${size} bytes`);
    return parseIndex(await readFile(join(directory, INDEX_FILE)), what);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      throw new ShoalError('not-found', `${what}: ${directory} is no OCI layout (it has no index.json)`, {
        cause: error,
      });
    }
    throw fromSystemError(error, `${what}: index.json`);
  }
}

/** Makes the directory a layout if it is none yet. Idempotent, also with others at the same time. */
export async function createLayout(directory: string, what: string): Promise<void> {
  try {
    await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
    await mkdir(join(directory, INGEST_DIRECTORY), { recursive: true });
    await writeFile(join(directory, LAYOUT_FILE), LAYOUT_VERSION, { flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, `${what}: making the layout`);
  }
}

/**
 * Writes a blob: to a name that nobody reads, then by rename under its digest. `pieces` must reject unless they are
 * what the digest says (verified-stream.ts). On any failure nothing is left.
 */
export async function writeBlob(
  directory: string,
  digest: Digest,
  pieces: AsyncIterable<Uint8Array>,
  what: string,
): Promise<void> {
  await writeWhole(join(directory, INGEST_DIRECTORY, randomUUID()), blobPath(directory, digest), pieces, what);
}

/** Replaces index.json by what `change` makes of it, while nobody else does. */
export async function updateIndex(
  directory: string,
  options: { readonly what: string; readonly clock: Clock; readonly signal: AbortSignal },
  change: (index: ImageIndex) => Promise<ImageIndex>,
): Promise<void> {
  const { what } = options;
  await underLock(directory, options, async () => {
    const index = await readIndex(directory, what).catch(error => {
      if (error instanceof ShoalError && error.code === 'not-found') return EMPTY_INDEX;
      throw error;
    });
    const bytes = indexBytes(await change(index));
    const temporary = join(directory, INGEST_DIRECTORY, randomUUID());
    await writeWhole(temporary, join(directory, INDEX_FILE), [bytes], what);
  });
}

/** The index with `entry` in the place of the one with the same name (or, without a name, of the unnamed one). */
export function withEntry(index: ImageIndex, entry: IndexEntry): ImageIndex {
  const name = entry.annotations?.[REF_NAME];
  const others = index.manifests.filter(other => other.annotations?.[REF_NAME] !== name);
  return { ...index, manifests: [...others, entry] };
}

export function indexBytes(index: ImageIndex): Uint8Array {
  return Buffer.from(`${JSON.stringify(index, undefined, 2)}\n`);
}

export const EMPTY_INDEX: ImageIndex = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] };

/**
 * Gives a file of the caller's a second name, as a blob, instead of copying it. False where that is not possible: on
 * another file system, or on one without hard links. Throws `malformed` when it does not have the blob's size.
 */
export async function linkBlob(
  directory: string,
  blob: { readonly digest: Digest; readonly size: number },
  file: string,
  what: string,
): Promise<boolean> {
  const temporary = join(directory, INGEST_DIRECTORY, randomUUID());
  try {
    await link(file, temporary);
  } catch (error) {
    if (UNLINKABLE.has(errnoOf(error) ?? '')) return false;
    throw fromSystemError(error, `${what}: linking ${file}`);
  }
  try {
    const handle = await open(temporary, 'r');
    try {
      const { size } = await handle.stat();
      if (size !== blob.size) {
        throw new ShoalError('malformed', `${what}: ${blob.digest} has ${size} bytes, expected ${blob.size}`);
      }
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(temporary, blobPath(directory, blob.digest));
    return true;
  } catch (error) {
    await rm(temporary, { force: true });
    throw fromSystemError(error, `${what}: linking ${file}`);
  }
}

const UNLINKABLE: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

async function writeWhole(
  temporary: string,
  final: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  what: string,
): Promise<void> {
  try {
    const file = await open(temporary, 'wx');
    try {
      for await (const piece of pieces) await file.writeFile(piece);
      // Without this a power cut can leave the name with no bytes behind it.
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, final);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fromSystemError(error, `${what}: writing ${final}`);
  }
}

/** A lock file made with O_EXCL: the same on every file system, across processes and pid namespaces. */
async function underLock(
  directory: string,
  { what, clock, signal }: { readonly what: string; readonly clock: Clock; readonly signal: AbortSignal },
  work: () => Promise<void>,
): Promise<void> {
  const path = join(directory, LOCK_FILE);
  const deadline = clock.monotonic() + LOCK_DEADLINE_MS;
  while (!(await takeLock(path, clock, what))) {
    if (clock.monotonic() > deadline) throw new ShoalError('busy', `${what}: somebody holds ${path}`);
    await clock.sleep(LOCK_POLL_MS, { signal });
  }
  try {
    await work();
  } finally {
    await unlink(path).catch(() => {}); // gone already: it was taken for stale, and the index is renamed whole anyway
  }
}

async function takeLock(path: string, clock: Clock, what: string): Promise<boolean> {
  try {
    await writeFile(path, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, `${what}: locking ${path}`);
  }
  const stats = await stat(path).catch(() => undefined);
  if (stats && clock.now() - stats.mtimeMs > STALE_LOCK_MS) await rm(path, { force: true });
  return false;
}
