// What one writer has put into an OCI layout before its image was complete, so that an image that is given up leaves
// the directory as it was. Others may write to the same layout at the same time, so only what is surely ours goes.

import { readdir, rename, rm, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, Digest } from '../core/index.ts';
import { errnoOf } from '../core/index.ts';
import { blobPath, INDEX_FILE, INGEST_DIRECTORY, ingestPath, LAYOUT_FILE } from './layout-files.ts';
import { makeDirectory } from './make-directory.ts';

/**
 * A file that is being written changes all the time: one that has not for this long is left from a writer that was
 * killed. No deadline between two pieces of a transfer comes near it.
 */
const STALE_INGEST_MS = 60 * 60 * 1000;

export class LayoutAttempt {
  readonly #directory: string;
  /** Blobs that were not there before, and when we wrote them. */
  readonly #written = new Map<Digest, number>();
  /** The topmost directory that was made for the layout. */
  #made: string | undefined;
  #begun: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Before the first blob: makes the directory, and removes what killed writers left. Rejects as `makeDirectory`. */
  begin(clock: Clock, what: string): Promise<void> {
    this.#begun ??= this.#begin(clock, what);
    return this.#begun;
  }

  async #begin(clock: Clock, what: string): Promise<void> {
    this.#made = await makeDirectory(this.#directory, `${what}: making the layout`);
    if (this.#made === undefined) await removeStale(join(this.#directory, INGEST_DIRECTORY), clock.now());
  }

  /** `mtimeMs` is the file's time of change as `writeBlob` left it. */
  wrote(digest: Digest, mtimeMs: number): void {
    this.#written.set(digest, mtimeMs);
  }

  /**
   * A blob that was there counts for our image, too: its new time tells whoever wrote it, should they give up. Resolves
   * to false when they just did, and it is gone.
   */
  async uses(digest: Digest, clock: Clock): Promise<boolean> {
    if (this.#written.has(digest)) return true;
    const now = new Date(clock.now());
    try {
      await utimes(blobPath(this.#directory, digest), now, now);
      return true;
    } catch (error) {
      return errnoOf(error) !== 'ENOENT'; // another user's: then nobody removes it
    }
  }

  /** The image is complete: nothing is to be undone any more. */
  complete(): void {
    this.#written.clear();
    this.#made = undefined;
  }

  /** Removes what was written since the last `complete`. Never rejects: what can't be removed stays. */
  async giveUp(): Promise<void> {
    for (const [digest, mtimeMs] of this.#written) {
      await this.#remove(blobPath(this.#directory, digest), mtimeMs).catch(() => {}); // then it stays
    }
    this.#written.clear();
    if (this.#made !== undefined) await removeEmptyLayout(this.#directory, this.#made);
    this.#made = undefined;
  }

  /**
   * Removes a blob unless its time says that somebody else counts on it. It is taken out of its place before the time is
   * looked at: whoever comes after that finds no blob and brings it, whoever came before has left the time.
   */
  async #remove(path: string, mtimeMs: number): Promise<void> {
    if ((await stat(path)).mtimeMs !== mtimeMs) return;
    const aside = ingestPath(this.#directory);
    await rename(path, aside);
    const isOurs = (await stat(aside)).mtimeMs === mtimeMs;
    await (isOurs ? unlink(aside) : rename(aside, path));
  }
}

/** Takes a layout apart that has neither images nor blobs, up to the directory `topmost`; stops at what is in use. */
async function removeEmptyLayout(directory: string, topmost: string): Promise<void> {
  try {
    if ((await readdir(directory)).includes(INDEX_FILE)) return;
    for (const name of [INGEST_DIRECTORY, 'blobs/sha256', 'blobs']) await removeDirectory(join(directory, name));
    await rm(join(directory, LAYOUT_FILE), { force: true });
    await rmdir(directory);
    for (let at = directory; at !== topmost; ) {
      at = dirname(at);
      await rmdir(at);
    }
  } catch {
    // something is in it that is not ours
  }
}

async function removeDirectory(path: string): Promise<void> {
  await rmdir(path).catch(error => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}

async function removeStale(ingest: string, now: number): Promise<void> {
  for (const name of await readdir(ingest).catch(() => [])) {
    const path = join(ingest, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats && now - stats.mtimeMs > STALE_INGEST_MS) await unlink(path).catch(() => {});
  }
}
