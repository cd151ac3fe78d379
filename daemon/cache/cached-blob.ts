// One blob's cache file and its chunk map, shared by everyone who has the blob open. Owns the order of things that
// keeps readers from ever seeing bytes that were not verified:
//   store: bytes, then the bit in shared memory, then (late) the bit on disk
//   evict: the bit in shared memory, the bit on disk, durably, and only then the bytes
// and per chunk one of them at a time.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import {
  type BlobLayout,
  bitmapHas,
  type ChunkMap,
  type ChunkPayload,
  createChunkMap,
  fromSystemError,
  isPresent,
  isShoalError,
  type Logger,
  ShoalError,
} from '../../core/index.ts';
import type { ChunkPool } from './chunk-pool.ts';
import { MapFileWriter, readTrusted } from './map-file.ts';

export interface CachedBlobPorts {
  readonly pool: ChunkPool;
  readonly log: Logger;
  /** Called after chunks came that are not on disk yet, so that somebody calls `flush` and `sync` later. */
  readonly onChange: (blob: CachedBlob) => void;
}

export interface CachedBlobFiles {
  readonly data: string;
  readonly map: string;
}

export class CachedBlob {
  readonly layout: BlobLayout;
  readonly map: ChunkMap;
  readonly path: string;
  readonly #ports: CachedBlobPorts;
  readonly #file: FileHandle;
  readonly #mapFile: MapFileWriter;
  /** The last store or eviction of each chunk that has one under way. */
  readonly #perChunk = new Map<number, Promise<void>>();
  readonly #packing = new Set<Promise<unknown>>();
  readonly #listeners = new Set<() => void>();
  #notifying = false;
  #presentBytes = 0;
  #syncing: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(
    layout: BlobLayout,
    parts: {
      readonly path: string;
      readonly ports: CachedBlobPorts;
      readonly file: FileHandle;
      readonly mapFile: MapFileWriter;
      readonly map: ChunkMap;
    },
  ) {
    this.layout = layout;
    this.path = parts.path;
    this.map = parts.map;
    this.#ports = parts.ports;
    this.#file = parts.file;
    this.#mapFile = parts.mapFile;
  }

  /** Opens or creates the files. What an earlier daemon stored is present as far as it may be trusted. */
  static async open(
    layout: BlobLayout,
    files: CachedBlobFiles,
    bootId: string,
    ports: CachedBlobPorts,
  ): Promise<CachedBlob> {
    const identity = { layoutKey: layout.layoutKey, chunkCount: layout.chunkCount, bootId };
    const map = createChunkMap(layout.chunkCount);
    const trusted = await readTrusted(files.map, identity);
    const file = await openFile(files.data);
    try {
      // A data file that was not there, or is not of this size, is not the one the map speaks of.
      const known = trusted !== undefined && (await file.stat()).size === layout.deviceSize ? trusted : undefined;
      const mapFile = new MapFileWriter(files.map, identity, known);
      try {
        if (known === undefined) {
          // Only when no crash and no power cut can bring back a map that vouches for what will be holes from here on.
          if (trusted !== undefined) await mapFile.retract();
          await makeSparse(file, layout.deviceSize);
        }
      } catch (error) {
        await mapFile.close();
        throw error;
      }
      const blob = new CachedBlob(layout, { path: files.data, ports, file, mapFile, map });
      for (let index = 0; known !== undefined && index < layout.chunkCount; index++) {
        if (bitmapHas(known.written, index)) blob.#appear(index);
      }
      return blob;
    } catch (error) {
      await file.close();
      throw fromSystemError(error, `open cache of blob ${layout.id}`);
    }
  }

  get presentBytes(): number {
    return this.#presentBytes;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  put(payload: ChunkPayload): Promise<void> {
    const chunk = this.layout.chunk(payload.index);
    return this.#inOrder(payload.index, async () => {
      if (this.map.has(payload.index)) return;
      const { id, compressor, digester } = this.layout;
      await this.#ports.pool.run({
        kind: 'store',
        fd: this.#file.fd,
        blob: { id, compressor, digester },
        chunk: { ...chunk, digest: chunk.digest.slice() },
        payload: { ...payload, bytes: whole(payload.bytes) },
      });
      this.#appear(payload.index);
      this.#mapFile.add(payload.index);
      this.#ports.onChange(this);
    });
  }

  async read(index: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { deviceOffset, uncompressedSize } = this.layout.chunk(index);
    const before = this.map.sequence(index);
    if (this.#closed || !isPresent(before)) return undefined;
    const bytes = new Uint8Array(uncompressedSize);
    await this.#fill(bytes, deviceOffset);
    return this.map.sequence(index) === before ? bytes : undefined;
  }

  async pack(index: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const chunk = this.layout.chunk(index);
    const before = this.map.sequence(index);
    if (this.#closed || !isPresent(before)) return undefined;
    const { id, digester } = this.layout;
    try {
      const job = { fd: this.#file.fd, blob: { id, digester }, chunk: { ...chunk, digest: chunk.digest.slice() } };
      // Nobody closes the file meanwhile; an eviction need not wait, and shows below.
      const frame = await this.#whileOpen(this.#ports.pool.pack({ kind: 'pack', ...job }));
      return this.map.sequence(index) === before ? frame : undefined;
    } catch (error) {
      if (this.map.sequence(index) !== before) return undefined;
      if (!isShoalError(error, 'digest-mismatch')) throw error;
      this.#ports.log.error('cached chunk is not what it was; it is forgotten', { path: this.path, chunk: index });
      await this.evict(index);
      return undefined;
    }
  }

  evict(index: number): Promise<void> {
    const { deviceOffset, uncompressedSize } = this.layout.chunk(index);
    return this.#inOrder(index, async () => {
      if (!this.#vanish(index)) return;
      await this.#mapFile.remove([index]);
      await this.#ports.pool.run({
        kind: 'punch',
        fd: this.#file.fd,
        offset: deviceOffset,
        length: uncompressedSize,
      });
    });
  }

  /** Notes new chunks in the map file, for a daemon that comes after a crash of this one. */
  flush(): Promise<void> {
    return this.#mapFile.flush();
  }

  /** Makes the chunks that are stored now durable. Never while a reader waits for it. Rejects only with `system`. */
  sync(): Promise<void> {
    // One at a time: each has to know what went while it ran, and none may run on when the files are closed.
    this.#syncing = this.#syncing.catch(() => {}).then(() => this.#sync());
    return this.#syncing;
  }

  async #sync(): Promise<void> {
    if (!this.#mapFile.hasUnsynced) return;
    const covered = this.#mapFile.beginSync();
    try {
      await this.#file.datasync();
    } catch (error) {
      await this.#forgetUnsynced(error);
      return;
    }
    this.#mapFile.endSync(covered);
    await this.#mapFile.flush();
  }

  /** The disk refused: the kernel may already have dropped pages it could not write, so their chunks are not there. */
  async #forgetUnsynced(cause: unknown): Promise<void> {
    const underWay = [...this.#perChunk.values()];
    const lost = this.#vanishUnsynced();
    // What was being written meanwhile may have lost pages to the same failure, which no later sync would report again.
    await Promise.allSettled(underWay);
    lost.push(...this.#vanishUnsynced());
    const error = fromSystemError(cause, 'fdatasync').message;
    this.#ports.log.error('cache could not be written to disk', { path: this.path, error, forgotten: lost.length });
    await this.#mapFile.remove(lost);
  }

  #vanishUnsynced(): number[] {
    return this.#mapFile.unsynced().filter(index => this.#vanish(index));
  }

  /** Waits for what is under way, makes everything durable and closes. The caller sees to it that nothing new comes. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#perChunk.values(), ...this.#packing]);
    try {
      await this.sync();
    } finally {
      await this.#mapFile.close().finally(() => this.#file.close());
    }
  }

  #appear(index: number): void {
    if (!this.map.markPresent(index)) return;
    this.#presentBytes += this.layout.chunk(index).compressedSize;
    this.#notify();
  }

  #vanish(index: number): boolean {
    if (!this.map.markAbsent(index)) return false;
    this.#presentBytes -= this.layout.chunk(index).compressedSize;
    this.#notify();
    return true;
  }

  #notify(): void {
    if (this.#notifying || this.#listeners.size === 0) return;
    this.#notifying = true;
    setImmediate(() => {
      this.#notifying = false;
      for (const listener of this.#listeners) listener();
    });
  }

  async #whileOpen<T>(work: Promise<T>): Promise<T> {
    this.#packing.add(work);
    try {
      return await work;
    } finally {
      this.#packing.delete(work);
    }
  }

  async #fill(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, offset + done);
        if (bytesRead === 0) throw new ShoalError('system', `file ends at ${offset + done}`);
        done += bytesRead;
      }
    } catch (error) {
      throw fromSystemError(error, `read ${this.path}`);
    }
  }

  /** Runs `work` after everything else that was asked for this chunk. */
  async #inOrder(index: number, work: () => Promise<void>): Promise<void> {
    if (this.#closed) throw new ShoalError('internal', `blob ${this.layout.id} is closed`);
    const before = this.#perChunk.get(index) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(work);
    this.#perChunk.set(index, mine);
    try {
      await mine;
    } finally {
      if (this.#perChunk.get(index) === mine) this.#perChunk.delete(index);
    }
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw fromSystemError(error, `open ${path}`);
  }
}

/** All holes, at full size from the start: a reader of the last block never meets the end of the file (rule 4). */
async function makeSparse(file: FileHandle, size: number): Promise<void> {
  await file.truncate(0);
  await file.truncate(size);
}

/** The bytes in a buffer of their own, so that it can be transferred; no copy when they already are. */
function whole(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
