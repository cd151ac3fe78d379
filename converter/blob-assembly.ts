// From slabs to blob files: compressors work on several slabs at once, the blob thread appends them in the order in
// which the layer thread made them. Here is the bookkeeping of offsets; the bytes stay in shared memory.

import { join } from 'node:path';
import { ShoalError } from '../core/index.ts';
import { blobDataTrailer, buildBlobTail, ChunkList, type FinishedBlob } from '../image/index.ts';
import { CallThread } from './call-thread.ts';
import type {
  BlobReply,
  BlobRequest,
  BlobThreadSetup,
  CompressorSetup,
  CompressReply,
  CompressRequest,
  PackedSlab,
  SlabMemory,
} from './messages.ts';

export interface AssemblyOptions {
  readonly memory: SlabMemory;
  /** Where blob files are made. */
  readonly directory: string;
  readonly workers: number;
  readonly level: number;
  /** Called when a slot's bytes are in the file. */
  readonly onSlotFree: (slot: number) => void;
  /** Called once when something fails; nothing works after that. */
  readonly onFailure: (error: unknown) => void;
}

export interface BlobFile {
  readonly path: string;
  readonly finished: FinishedBlob;
  /** Digests of the file's pieces, 32 bytes each. */
  readonly pieces: Uint8Array;
}

interface OpenBlob {
  readonly path: string;
  readonly chunks: ChunkList;
  dataSize: number;
  deviceEnd: number;
}

/** Chunks begin at multiples of the kernel's page and the image's block (nydus.md §1.20). */
const DEVICE_ALIGNMENT = 4096;
const DIGEST_BYTES = 32;

/** Use: `add` for each slab of a layer, `finishBlob`, and so on; `stop` at the end, whatever happened. */
export class BlobAssembly {
  readonly #options: AssemblyOptions;
  readonly #compressors: readonly CallThread<CompressRequest, CompressReply>[];
  readonly #blobThread: CallThread<BlobRequest, BlobReply>;
  /** Everything that has been asked for so far, in order. Never rejects: failures go to `onFailure`. */
  #tail: Promise<void> = Promise.resolve();
  /** For the compressors, in shared memory (messages.ts). */
  readonly #stopping = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #hasFailed = false;
  /** What failed first. */
  #failure: unknown = new ShoalError('aborted', 'the conversion has ended');
  #blob: OpenBlob | undefined;
  #blobs = 0;

  constructor(options: AssemblyOptions) {
    const { memory, level } = options;
    this.#options = options;
    const compressor: CompressorSetup = { memory, level, stopping: this.#stopping };
    this.#compressors = Array.from({ length: options.workers }, () => new CallThread('compress-thread', compressor));
    const setup: BlobThreadSetup = { memory };
    this.#blobThread = new CallThread('blob-thread', setup);
  }

  /** Takes a slab of the current layer. Returns at once: the number of slots bounds what can be under way. */
  add(slab: PackedSlab): void {
    const compressing = this.#idlest().call({ kind: 'compress', slot: slab.slot, lengths: slab.lengths });
    compressing.catch(error => this.#fail(error)); // it may fail long before its turn to be written
    this.#inOrder(async () => this.#append(slab, await compressing));
  }

  /** Ends the current layer's blob. Resolves to it, or to undefined when the layer had no new chunks. */
  finishBlob(): Promise<BlobFile | undefined> {
    return new Promise((resolve, reject) => {
      this.#inOrder(() => this.#finish().then(resolve), reject);
    });
  }

  async stop(): Promise<void> {
    this.#hasFailed = true;
    Atomics.store(this.#stopping, 0, 1);
    const compressors = this.#compressors.map(thread => thread.stopBy({ kind: 'stop' }));
    await Promise.all([...compressors, this.#blobThread.stop()]);
    await this.#tail;
  }

  #inOrder(work: () => Promise<void>, onSkipped?: (error: unknown) => void): void {
    this.#tail = this.#tail.then(async () => {
      try {
        if (this.#hasFailed) throw this.#failure;
        await work();
      } catch (error) {
        this.#fail(error);
        onSkipped?.(error);
      }
    });
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#failure = error;
    this.#options.onFailure(error);
  }

  #idlest(): CallThread<CompressRequest, CompressReply> {
    const [first, ...others] = this.#compressors;
    if (!first) throw new ShoalError('internal', 'a conversion without compressors');
    return others.reduce((best, each) => (each.pending < best.pending ? each : best), first);
  }

  async #append(slab: PackedSlab, { storedSizes, compressed }: CompressReply): Promise<void> {
    const blob = this.#blob ?? (await this.#open());
    const before = blob.dataSize;
    slab.lengths.forEach((uncompressedSize, i) => {
      const compressedSize = storedSizes[i] ?? 0;
      blob.chunks.push({
        index: blob.chunks.length,
        compressedOffset: blob.dataSize,
        compressedSize,
        compressed: compressed[i] === 1,
        deviceOffset: blob.deviceEnd,
        uncompressedSize,
        digest: slab.digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
      });
      blob.dataSize += compressedSize;
      blob.deviceEnd += Math.ceil(uncompressedSize / DEVICE_ALIGNMENT) * DEVICE_ALIGNMENT;
    });
    await this.#blobThread.call({ kind: 'write', slot: slab.slot, length: blob.dataSize - before });
    this.#options.onSlotFree(slab.slot);
  }

  async #open(): Promise<OpenBlob> {
    const path = join(this.#options.directory, `blob-${this.#blobs++}`);
    await this.#blobThread.call({ kind: 'open', path });
    const blob = { path, chunks: new ChunkList(), dataSize: 0, deviceEnd: 0 };
    this.#blob = blob;
    return blob;
  }

  async #finish(): Promise<BlobFile | undefined> {
    const blob = this.#blob;
    if (!blob) return undefined;
    this.#blob = undefined;
    const { chunks, dataSize, path } = blob;
    const sealed = await this.#blobThread.call({ kind: 'seal', header: blobDataTrailer(dataSize) });
    if (sealed.kind !== 'sealed') throw unexpected(sealed);
    const { tail, ...tables } = buildBlobTail({ dataSize, dataDigest: sealed.dataDigest, chunks });
    const done = await this.#blobThread.call({ kind: 'finish', tail });
    if (done.kind !== 'finished') throw unexpected(done);
    const finished = { id: done.idHex, blobSize: done.size, chunks, ...tables };
    return { path, finished, pieces: done.pieces };
  }
}

function unexpected(reply: BlobReply): ShoalError {
  return new ShoalError('internal', `blob thread: unexpected answer ${reply.kind}`);
}
