// One blob's cache file and its chunk map, shared by everyone who has the blob open. Owns the order of things that
// keeps readers from ever seeing bytes that were not verified:
//   store: bytes, then the bit in shared memory, then (late) the bit on disk
//   evict: the bit in shared memory, the bit on disk, durably, and only then the bytes
// and per chunk one of them at a time. Neither while the kernel reads the file by itself (seal.ts).

import type { FileHandle } from 'node:fs/promises';
import {
  abortedError,
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
import { bytesInMemory } from '../system-calls.ts';
import type { ChunkPool } from './chunk-pool.ts';
import { makeSparse, openDataFile, replaceDataFile } from './data-file.ts';
import { MapFileWriter, readTrusted } from './map-file.ts';
import { FileSeal } from './seal.ts';
import { type Damage, stretchesOf } from './verification.ts';

export interface CachedBlobPorts {
  readonly pool: ChunkPool;
  readonly log: Logger;
  /** Called after chunks came that are not on disk yet, so that somebody calls `flush` and `sync` later. */
  readonly onChange: (blob: CachedBlob) => void;
}

export interface CachedBlobFiles {
  readonly data: string;
  readonly map: string;
  /** The record of a verification. */
  readonly seal: string;
}

/** That many workers look at one file; there are not more of them (`StoreLimits.workers`). */
const STRETCHES_AT_ONCE = 2;

export class CachedBlob {
  readonly layout: BlobLayout;
  readonly map: ChunkMap;
  readonly path: string;
  readonly #ports: CachedBlobPorts;
  readonly #file: FileHandle;
  readonly #mapFile: MapFileWriter;
  readonly #seal: FileSeal;
  /** The last store or eviction of each chunk that has one under way. */
  readonly #perChunk = new Map<number, Promise<void>>();
  readonly #packing = new Set<Promise<unknown>>();
  readonly #listeners = new Set<() => void>();
  #notifying = false;
  #presentBytes = 0;
  #syncing: Promise<void> = Promise.resolve();
  #pinning: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(
    layout: BlobLayout,
    parts: {
      readonly path: string;
      readonly ports: CachedBlobPorts;
      readonly file: FileHandle;
      readonly mapFile: MapFileWriter;
      readonly seal: FileSeal;
      readonly map: ChunkMap;
    },
  ) {
    this.layout = layout;
    this.path = parts.path;
    this.map = parts.map;
    this.#ports = parts.ports;
    this.#file = parts.file;
    this.#mapFile = parts.mapFile;
    this.#seal = parts.seal;
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
    const sealOptions = { record: files.seal, bootId, name: `cache of blob ${layout.id}` };
    let file = await openDataFile(files.data);
    try {
      let seal = await FileSeal.of(file, sealOptions);
      // A data file that was not there, or is not of this size, is not the one the map speaks of.
      const ofThisSize = trusted !== undefined && (await file.stat()).size === layout.deviceSize ? trusted : undefined;
      const isWhole = ofThisSize !== undefined && isComplete(layout, { has: at => bitmapHas(ofThisSize.written, at) });
      // Chunks cannot be added to a file that somebody reads as it is.
      const known = isWhole || !seal.isInUse ? ofThisSize : undefined;
      const mapFile = new MapFileWriter(files.map, identity, known);
      try {
        if (known === undefined) {
          // Only when no crash and no power cut can bring back a map that vouches for what will be holes from here on.
          if (trusted !== undefined) await mapFile.retract();
          if (seal.isInUse) {
            const other = await replaceDataFile(files.data);
            await file.close();
            file = other;
            seal = await FileSeal.of(file, sealOptions);
          }
        }
        if (!isWhole) seal.lift();
        if (known === undefined) await makeSparse(file, layout.deviceSize);
      } catch (error) {
        await mapFile.close();
        throw error;
      }
      const blob = new CachedBlob(layout, { path: files.data, ports, file, mapFile, seal, map });
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

  /** Bytes of its file that are in memory, as far as the kernel says. */
  get memoryBytes(): number {
    return (this.#closed ? undefined : bytesInMemory(this.#file.fd)) ?? 0;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  put(payload: ChunkPayload): Promise<void> {
    const chunk = this.layout.chunk(payload.index);
    return this.#inOrder(payload.index, async () => {
      if (this.map.has(payload.index)) return;
      this.#seal.lift();
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
      await this.#forget(index);
      return undefined;
    }
  }

  evict(index: number): Promise<void> {
    const { deviceOffset, uncompressedSize } = this.layout.chunk(index);
    return this.#inOrder(index, async () => {
      if (!this.map.has(index)) return;
      this.#seal.lift();
      this.#vanish(index);
      await this.#mapFile.remove([index]);
      await this.#ports.pool.run({
        kind: 'punch',
        fd: this.#file.fd,
        offset: deviceOffset,
        length: uncompressedSize,
      });
    });
  }

  /** See `StoredBlob.pin`. */
  pin(signal: AbortSignal): Promise<Disposable | undefined> {
    // One at a time: the second finds the work of the first done.
    const mine = this.#pinning.catch(() => {}).then(() => this.#pin(signal));
    this.#pinning = mine;
    return mine;
  }

  async #pin(signal: AbortSignal): Promise<Disposable | undefined> {
    using held = new DisposableStack();
    // Nothing is written to a chunk that is present, and none of them can go from here on.
    if (this.#closed || !isComplete(this.layout, this.map)) return undefined;
    held.use(this.#seal.pin());
    await this.sync(); // what the kernel cannot write, it must not drop later
    if (!isComplete(this.layout, this.map)) return undefined;
    const damage = await this.#seal.verified(() => this.#whileOpen(this.#findDamage(signal)));
    if (damage.length === 0) return held.move();
    held.dispose();
    for (const part of damage) await this.#mend(part);
    return undefined;
  }

  async #findDamage(signal: AbortSignal): Promise<Damage[]> {
    const { id, digester } = this.layout;
    const { pool } = this.#ports;
    const found: (readonly Damage[])[] = [];
    const stretches = stretchesOf(this.layout);
    const findSome = async () => {
      for (const stretch of stretches) {
        if (signal.aborted) throw abortedError(signal);
        found.push(await pool.verify({ kind: 'verify', fd: this.#file.fd, blob: { id, digester }, stretch }));
      }
    };
    // Each has a job at a worker. All have ended before the file may be closed.
    const ended = await Promise.allSettled(Array.from({ length: STRETCHES_AT_ONCE }, findSome));
    const failed = ended.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    return found.flat();
  }

  async #mend({ index, offset, length }: Damage): Promise<void> {
    if (index !== undefined) return this.#forget(index);
    this.#ports.log.error('the cache file has bytes where there are none; they are cleared', {
      path: this.path,
      offset,
    });
    this.#seal.lift();
    await this.#ports.pool.run({ kind: 'punch', fd: this.#file.fd, offset, length });
  }

  /** What is cached of it is wrong. */
  async #forget(index: number): Promise<void> {
    const what = { path: this.path, chunk: index };
    if (this.#seal.isInUse) {
      this.#seal.distrust();
      this.#ports.log.error('cached chunk is not what it was, and a mount by erofs reads it', what);
      return;
    }
    this.#ports.log.error('cached chunk is not what it was; it is forgotten', what);
    await this.evict(index);
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

/** Every chunk that the bootstrap describes is there. */
function isComplete(layout: BlobLayout, has: Pick<ChunkMap, 'has'>): boolean {
  for (let index = 0; index < layout.chunkCount; index++) {
    if (layout.describes(index) && !has.has(index)) return false;
  }
  return true;
}

/** The bytes in a buffer of their own, so that it can be transferred; no copy when they already are. */
function whole(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
