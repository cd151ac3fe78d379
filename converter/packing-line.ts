// The threads of a conversion as one thing: layers go in one after another, blobs come out, and at last the bootstrap. Main
// thread only; it moves messages and never touches file contents.

import { abortedError, messageOf, ShoalError } from '../core/index.ts';
import type { FinishedBlob } from '../image/index.ts';
import { BlobAssembly, type BlobFile } from './blob-assembly.ts';
import { slabBytes, slabCount } from './config.ts';
import { LayerFeed } from './layer-feed.ts';
import type { FromLayerThread, LayerThreadSetup, MergedImage, ParsedLayer, ToLayerThread } from './messages.ts';
import type { UnpackLimit } from './unpack-limit.ts';
import { WorkerThread } from './worker-thread.ts';

export interface PackingLineOptions {
  /** Where blob files are made; whoever owns the line removes it. */
  readonly directory: string;
  readonly workers: number;
  /** Bytes. */
  readonly chunkSize: number;
  /** zstd level. */
  readonly level: number;
  readonly signal: AbortSignal;
}

export interface PackedLayer {
  readonly parsed: ParsedLayer;
  /** Resolves when the layer's blob is complete; undefined when the layer brought nothing new. */
  readonly blob: Promise<BlobFile | undefined>;
}

/** Errors that say that the bytes of a layer are wrong, rather than that something went wrong with them. */
const CONTENT_ERRORS: ReadonlySet<string> = new Set(['malformed', 'unsupported', 'limit']);

/** Runs from construction to `stop`. After a failure every call rejects with it. */
export class PackingLine {
  readonly #options: PackingLineOptions;
  readonly #layerThread: WorkerThread<ToLayerThread, FromLayerThread>;
  readonly #feed: LayerFeed;
  readonly #assembly: BlobAssembly;
  #failure: ShoalError | undefined;
  /** Fires when reading on makes no sense any more. */
  readonly #reading = new AbortController();
  /** Settles the layer that is under way. */
  #layer: PromiseWithResolvers<ParsedLayer> | undefined;
  #image: PromiseWithResolvers<MergedImage> | undefined;
  readonly #onAbort = () => this.#fail(abortedError(this.#options.signal));

  constructor(options: PackingLineOptions) {
    const { chunkSize, workers, directory, level } = options;
    this.#options = options;
    const bytes = slabBytes(chunkSize);
    const memory = { buffer: new SharedArrayBuffer(bytes * slabCount(workers)), slabBytes: bytes };
    const setup: LayerThreadSetup = { memory, chunkSize };
    this.#layerThread = new WorkerThread('layer-thread', setup, {
      onMessage: message => this.#receive(message),
      onFailure: error => this.#fail(error),
    });
    this.#feed = new LayerFeed((message, transfer) => this.#layerThread.post(message, transfer));
    this.#assembly = new BlobAssembly({
      memory,
      directory,
      workers,
      level,
      onSlotFree: slot => this.#layerThread.post({ kind: 'slot', slot }),
      onFailure: error => this.#fail(error),
    });
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  /**
   * Converts the next layer, which may unpack to `limit`; one at a time. `open` starts reading it. Resolves when all of it has been read and merged;
   * `onBytes` hears of the layer's bytes as they are read.
   */
  async packLayer(
    open: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
    limit: UnpackLimit,
    onBytes: (count: number) => void,
  ): Promise<PackedLayer> {
    if (this.#failure) throw this.#failure;
    const layer = Promise.withResolvers<ParsedLayer>();
    layer.promise.catch(() => {}); // it is awaited below, after the input
    this.#layer = layer;
    const signal = AbortSignal.any([this.#options.signal, this.#reading.signal]);
    await this.#sendLayer(open(signal), limit, onBytes);
    const parsed = await layer.promise;
    const blob = this.#assembly.finishBlob();
    blob.catch(() => {}); // the caller may wait for other things first
    return { parsed, blob };
  }

  /** Makes the image of all layers; `blobs` are theirs, and give their chunk lists away. */
  async finishImage(blobs: readonly FinishedBlob[]): Promise<MergedImage> {
    if (this.#failure) throw this.#failure;
    this.#image = Promise.withResolvers();
    const described = blobs.map(blob => ({ ...blob, chunks: blob.chunks.release() }));
    const memory = described.flatMap(({ chunks }) => [chunks.digests, chunks.offsets, chunks.sizes, chunks.compressed]);
    this.#layerThread.post(
      { kind: 'finish', blobs: described },
      memory.map(column => column.buffer),
    );
    return this.#image.promise;
  }

  async stop(): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#fail(new ShoalError('aborted', 'the conversion has ended'));
    await Promise.all([this.#layerThread.stop(), this.#assembly.stop()]);
  }

  async #sendLayer(
    pieces: AsyncIterable<Uint8Array>,
    limit: UnpackLimit,
    onBytes: (count: number) => void,
  ): Promise<void> {
    const iterator = pieces[Symbol.asyncIterator]();
    const source = { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
    try {
      await this.#feed.send(this.#untilFailure(source), limit, onBytes);
    } catch (error) {
      const isAboutContent = this.#failure !== undefined && CONTENT_ERRORS.has(this.#failure.code);
      if (error !== this.#failure || !isAboutContent) throw error;
      // The bytes make no sense. If they are not the bytes that the digest names, that is the better explanation, and
      // the source tells at their end.
      for await (const _piece of source);
      throw error;
    } finally {
      await iterator.return?.();
    }
  }

  async *#untilFailure(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      if (this.#failure) throw this.#failure;
      yield piece;
    }
  }

  #receive(message: Exclude<FromLayerThread, { kind: 'failed' }>): void {
    if (this.#failure) return;
    try {
      this.#handle(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #handle(message: Exclude<FromLayerThread, { kind: 'failed' }>): void {
    switch (message.kind) {
      case 'credit':
        this.#feed.give(message.buffer);
        break;
      case 'slab':
        this.#assembly.add(message.slab);
        break;
      case 'layer':
        this.#layer?.resolve(message.layer);
        break;
      case 'image':
        this.#image?.resolve(message.image);
        break;
    }
  }

  #fail(error: unknown): void {
    if (this.#failure) return;
    this.#failure =
      error instanceof ShoalError ? error : new ShoalError('internal', messageOf(error), { cause: error });
    if (!CONTENT_ERRORS.has(this.#failure.code)) this.#reading.abort(this.#failure);
    this.#feed.close(this.#failure);
    this.#layer?.reject(this.#failure);
    this.#image?.reject(this.#failure);
  }
}
