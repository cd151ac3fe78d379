// The chunk map on disk: which chunks may be trusted by the next daemon. Bits for stored chunks may reach the file late
// (a crash then only costs a fetch); bits of evicted chunks must be gone from it before the bytes go.

import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
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
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #identity: MapIdentity;
  readonly #written: Uint8Array;
  readonly #synced: Uint8Array;
  readonly #removedSinceSync = new Set<number>();
  #dirty = false;
  /** The rename that put this file in place is durable. */
  #placed = false;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, path: string, identity: MapIdentity, start: TrustedMap) {
    this.#file = file;
    this.#path = path;
    this.#identity = identity;
    this.#written = start.written.slice();
    this.#synced = start.synced.slice();
  }

  /**
   * Puts a new map file in place that says `start` (absent: nothing). It appears whole, by a rename, because its boot
   * id makes every bit behind it valid.
   */
  static async create(path: string, identity: MapIdentity, start: TrustedMap | undefined): Promise<MapFileWriter> {
    const empty = new Uint8Array(bitmapBytes(identity.chunkCount));
    const first = start ?? { written: empty, synced: empty };
    const temporary = `${path}.new`;
    const file = await open(temporary, 'w+', 0o600);
    try {
      await writeAt(file, encodeMapFile({ ...identity, ...first }), 0);
      await rename(temporary, path);
      return new MapFileWriter(file, path, identity, first);
    } catch (error) {
      await file.close();
      throw error;
    }
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
    this.#dirty = true;
    await this.flush();
    await this.settle();
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

  async datasync(): Promise<void> {
    await this.#file.datasync();
  }

  /** Resolves when what was flushed is durable, and so is that this file stands in the place of an older one. */
  async settle(): Promise<void> {
    await this.datasync();
    if (this.#placed) return;
    const directory = await open(dirname(this.#path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
    this.#placed = true;
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#file.close();
  }

  async #write(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      const file = encodeMapFile({ ...this.#identity, written: this.#written, synced: this.#synced });
      await writeAt(this.#file, file, 0);
    } catch (error) {
      this.#dirty = true;
      throw fromSystemError(error, 'write chunk map');
    }
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
