// The chunk map on disk: which chunks may be trusted by the next daemon. Bits for stored chunks may reach the file late
// (a crash then only costs a fetch); bits of evicted chunks must be gone from it before the bytes go. One file is written in
// place: whichever of its states a power cut leaves of each sector, no bit vouches for what is not there.

import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  bitmapBytes,
  bitmapHas,
  bitmapSet,
  encodeMapFile,
  errnoOf,
  fromSystemError,
  type MapFile,
  trustedChunks,
} from '../../core/index.ts';
import { syncDirectory } from '../sync-directory.ts';

export type MapIdentity = Pick<MapFile, 'layoutKey' | 'chunkCount' | 'bootId'>;

/** What an earlier daemon left that may be trusted. `synced` is the part of it that survives a power cut as well. */
export interface TrustedMap {
  readonly written: Uint8Array;
  readonly synced: Uint8Array;
}

/** Undefined when there is no whole map file of this layout. Rejects with `system` when it cannot be read. */
export async function readTrusted(path: string, identity: MapIdentity): Promise<TrustedMap | undefined> {
  try {
    const bytes = await readFile(path);
    const written = trustedChunks(bytes, identity);
    const synced = trustedChunks(bytes, { ...identity, bootId: NO_BOOT });
    return written && synced && { written, synced };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `read ${path}`);
  }
}

/** A boot that never was: what it may trust is what was synced. */
const NO_BOOT = '';

export class MapFileWriter {
  readonly #path: string;
  readonly #identity: MapIdentity;
  readonly #written: Uint8Array;
  readonly #synced: Uint8Array;
  readonly #removedSinceSync = new Set<number>();
  /** Absent: what stands at the path is an earlier daemon's, and as good. */
  #file: FileHandle | undefined;
  #dirty = false;
  /** The rename that put this file in place is durable. */
  #placed = false;
  #writing: Promise<void> = Promise.resolve();

  /**
   * Goes on from what the map file at `path` says; absent: from nothing. Until something changes, that file stays: it says
   * the same, and nothing is worth the wait for a disk while an image is being mounted.
   */
  constructor(path: string, identity: MapIdentity, start: TrustedMap | undefined) {
    const empty = new Uint8Array(bitmapBytes(identity.chunkCount));
    this.#path = path;
    this.#identity = identity;
    this.#written = new Uint8Array(start?.written ?? empty);
    this.#synced = new Uint8Array(start?.synced ?? empty);
  }

  /** What the file at the path vouched for is gone: resolves when no crash and no power cut can bring that file back. */
  async retract(): Promise<void> {
    this.#dirty = true;
    await this.flush();
    await this.#settle();
  }

  /** True while some chunk that was written is not covered by a sync. */
  get hasUnsynced(): boolean {
    return this.#written.some((byte, at) => byte !== this.#synced[at]);
  }

  add(index: number): void {
    bitmapSet(this.#written, index);
    this.#dirty = true;
  }

  /** Clears the chunks' bits and resolves when no crash and no power cut can bring them back. */
  async remove(indexes: readonly number[]): Promise<void> {
    for (const index of indexes) {
      const keep = ~(1 << (index & 7));
      this.#written[index >>> 3] = (this.#written[index >>> 3] ?? 0) & keep;
      this.#synced[index >>> 3] = (this.#synced[index >>> 3] ?? 0) & keep;
      this.#removedSinceSync.add(index);
    }
    await this.retract();
  }

  /** The chunks that a sync of the data starting now will cover. */
  beginSync(): Uint8Array {
    this.#removedSinceSync.clear();
    return this.#written.slice();
  }

  /** The sync that began with `covered` succeeded. Chunks that went meanwhile, even if they came back, do not count. */
  endSync(covered: Uint8Array): void {
    for (let index = 0; index < this.#identity.chunkCount; index++) {
      if (bitmapHas(covered, index) && !this.#removedSinceSync.has(index)) bitmapSet(this.#synced, index);
    }
    this.#dirty = true;
  }

  /** The chunks written but not covered by any sync. */
  unsynced(): number[] {
    const indexes: number[] = [];
    for (let index = 0; index < this.#identity.chunkCount; index++) {
      if (bitmapHas(this.#written, index) && !bitmapHas(this.#synced, index)) indexes.push(index);
    }
    return indexes;
  }

  /** Writes the bits to the file (not durably: a process crash keeps them, a power cut may not). */
  flush(): Promise<void> {
    // One write at a time, and each writes the newest state: an older one can never land on top.
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write());
    return this.#writing;
  }

  /** Makes what it says durable, if it says anything, and closes. */
  async close(): Promise<void> {
    try {
      if (this.#file === undefined && this.#written.some(byte => byte !== 0)) this.#dirty = true;
      await this.flush();
      await this.#settle();
    } finally {
      await this.#file?.close();
    }
  }

  /** Resolves when what was flushed is durable, and so is that this file stands in the place of an older one. */
  async #settle(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#file.datasync();
    if (!this.#placed) await syncDirectory(dirname(this.#path));
    this.#placed = true;
  }

  async #write(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      const bytes = encodeMapFile({ ...this.#identity, written: this.#written, synced: this.#synced });
      if (this.#file === undefined) this.#file = await place(this.#path, bytes);
      else await writeAt(this.#file, bytes, 0);
    } catch (error) {
      this.#dirty = true;
      throw fromSystemError(error, 'write chunk map');
    }
  }
}

/**
 * Puts a new file in place. It appears whole, also after a power cut: its boot id makes every bit behind it valid, and what a
 * disk has for a file that was not synced before it was renamed may be anything.
 */
async function place(path: string, bytes: Uint8Array): Promise<FileHandle> {
  const temporary = `${path}.new`;
  await rm(temporary, { force: true }); // a fresh file, never the rest of one that a crash left
  const file = await open(temporary, 'wx+', 0o600);
  try {
    await writeAt(file, bytes, 0);
    await file.datasync();
    await rename(temporary, path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
