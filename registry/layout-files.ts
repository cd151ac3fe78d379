// The files of an OCI layout directory (image specification, "Image Layout"): oci-layout, index.json, blobs/sha256/.
// Writers and readers may run at once: blobs and index.json appear by rename, whole or not at all.

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { link, open, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Digest } from '../core/index.ts';
import { errnoOf, fromSystemError, hexOf, ShoalError } from '../core/index.ts';
import { makeDirectory } from './make-directory.ts';
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
    const stats = await stat(join(directory, INDEX_FILE));
    const { size } = stats;
    // A fifo or a device would be read for ever.
    if (!stats.isFile()) throw new ShoalError('malformed', `${what}: index.json is no regular file`);
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
    await makeDirectory(join(directory, 'blobs', 'sha256'), `${what}: making the layout`);
    await makeDirectory(join(directory, INGEST_DIRECTORY), `${what}: making the layout`);
    await writeFile(join(directory, LAYOUT_FILE), LAYOUT_VERSION, { flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, `${what}: making the layout`);
  }
}

/**
 * Writes a blob: to a name that nobody reads, then under its digest. `pieces` must reject unless they are what the
 * digest says (verified-stream.ts). On any failure nothing is left. When somebody else has brought the same blob
 * meanwhile, theirs stays, so that it is theirs to remove.
 */
export async function writeBlob(
  directory: string,
  blob: { readonly digest: Digest; readonly size: number },
  pieces: AsyncIterable<Uint8Array>,
  what: string,
): Promise<PutInPlace> {
  return writeWhole(blobPlaces(directory, blob, what), pieces, what);
}

/** A name for a file that is on its way in or out. */
export function ingestPath(directory: string): string {
  return join(directory, INGEST_DIRECTORY, randomUUID());
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
    await writeWhole({ temporary: ingestPath(directory), final: join(directory, INDEX_FILE) }, [bytes], what);
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
 * Gives a file of the caller's a second name, as a blob, instead of copying it. Undefined where that is not possible: on
 * another file system, or on one without hard links. Throws `malformed` when it does not have the blob's size.
 */
export async function linkBlob(
  directory: string,
  blob: { readonly digest: Digest; readonly size: number },
  file: string,
  what: string,
): Promise<PutInPlace | undefined> {
  const places = blobPlaces(directory, blob, what);
  try {
    await link(file, places.temporary);
  } catch (error) {
    if (UNLINKABLE.has(errnoOf(error) ?? '')) return undefined;
    throw fromSystemError(error, `${what}: linking ${file}`);
  }
  try {
    const handle = await open(places.temporary, 'r');
    let mtimeMs: number;
    try {
      const stats = await handle.stat();
      if (stats.size !== blob.size) {
        throw new ShoalError('malformed', `${what}: ${blob.digest} has ${stats.size} bytes, expected ${blob.size}`);
      }
      ({ mtimeMs } = stats);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    return await putInPlace(places, mtimeMs);
  } catch (error) {
    await rm(places.temporary, { force: true });
    throw fromSystemError(error, `${what}: linking ${file}`);
  }
}

const UNLINKABLE: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** The time of change of a file that is in its place now, milliseconds; or somebody else's is, and stays. */
export type PutInPlace = number | 'others';

interface Places {
  readonly temporary: string;
  readonly final: string;
  /** Is what stands in the final place somebody else's, and to be kept? Without it, it is replaced. */
  readonly isOthers?: () => Promise<boolean>;
}

function blobPlaces(
  directory: string,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  what: string,
): Places {
  const isOthers = async () => (await blobSize(directory, digest, what)) === size;
  return { temporary: ingestPath(directory), final: blobPath(directory, digest), isOthers };
}

async function writeWhole(
  places: Places,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  what: string,
): Promise<PutInPlace> {
  const { temporary, final } = places;
  try {
    const file = await open(temporary, 'wx');
    let mtimeMs: number;
    try {
      for await (const piece of pieces) await file.writeFile(piece);
      // Without this a power cut can leave the name with no bytes behind it.
      await file.datasync();
      ({ mtimeMs } = await file.stat());
    } finally {
      await file.close();
    }
    return await putInPlace(places, mtimeMs);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fromSystemError(error, `${what}: writing ${final}`);
  }
}

/** Gives a file that is whole and synced its final name. */
async function putInPlace({ temporary, final, isOthers }: Places, mtimeMs: number): Promise<PutInPlace> {
  if (isOthers && !(await linked(temporary, final)) && (await isOthers())) {
    await rm(temporary, { force: true });
    return 'others';
  }
  // Does nothing when both are names of one file already: then the temporary name is still there.
  await rename(temporary, final);
  await rm(temporary, { force: true });
  return mtimeMs;
}

/** Gives the file its final name unless that is taken; false also where there are no links (FAT, some network drives). */
async function linked(temporary: string, final: string): Promise<boolean> {
  try {
    await link(temporary, final);
    return true;
  } catch {
    return false;
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
