// What a mounted image's bytes come from and where they are: its blobs in the cache, its share in the swarm, its sources in
// their order, the fill of the rest in the background, and how much of it all is here. In a chunk's journey: from a read
// that misses to the fetch engine.

import pLimit from 'p-limit';
import {
  abortedError,
  type BlobLayout,
  type ChunkStore,
  type Clock,
  type Digest,
  type Logger,
  type MountStats,
  messageOf,
  type StoredBlob,
  type Swarm,
  type SwarmBlob,
} from '../core/index.ts';
import type { BootstrapReader } from '../image/index.ts';
import type { FillLimits } from './config.ts';
import { BackgroundFill } from './fetch/background-fill.ts';
import type { FetchEngine } from './fetch/engine.ts';
import { MeteredSource } from './fetch/metered-source.ts';
import type { Pace } from './fetch/pace.ts';
import { type FileRange, ReadFetcher } from './fetch/read-fetcher.ts';
import type { Answerer } from './fetch/want.ts';
import type { ErofsDevice } from './mount/helper-protocol.ts';
import type { LazyImage, Peers } from './ports.ts';
import { BlobChunks } from './sharing/cached-chunks.ts';
import type { KnownBlob, NodeChunks } from './sharing/local-chunks.ts';

export interface ImageContentPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: ChunkStore;
  readonly engine: FetchEngine;
  readonly nodeChunks: NodeChunks;
  readonly sharing?: { readonly swarm: Swarm; readonly chunkSource: Peers['chunkSource'] } | undefined;
  /** Absent: only what is read is fetched. */
  readonly fill?:
    | { readonly pace: Pace; readonly freePart: () => Promise<number>; readonly limits: FillLimits }
    | undefined;
  /** A read that had to wait was served: by whom, and how long it waited. */
  readonly onServed: (from: Answerer, ms: number) => void;
}

export type ContentStats = Pick<
  MountStats,
  | 'totalBytes'
  | 'chunkBytes'
  | 'presentBytes'
  | 'fetchedBytes'
  | 'peerBytes'
  | 'mirrorBytes'
  | 'originBytes'
  | 'cacheBytes'
  | 'requests'
  | 'bytesPerSecond'
  | 'requestsPerSecond'
>;

/** Each is some ten operations on files, one after the other; an image may have 254 blobs. */
const OPENED_AT_ONCE = 8;

/** Each reads and digests a whole file, by two threads for all of them; most are done already and only looked for. */
const PINS_AT_ONCE = 8;

export class ImageContent {
  readonly #ports: ImageContentPorts;
  readonly #image: Omit<LazyImage, 'bootstrap'>;
  /** First choice first. */
  readonly #sources: readonly MeteredSource[];
  readonly #shared = new Map<Digest, SwarmBlob>();
  readonly #known: KnownBlob[] = [];
  readonly #blobs: StoredBlob[] = [];
  #fetcher: ReadFetcher | undefined;
  #chunkBytes = 0;
  #bytesAtMount = 0;

  constructor(ports: ImageContentPorts, image: Omit<LazyImage, 'bootstrap'>) {
    this.#ports = ports;
    this.#image = image;
    const { mirrors = [], origin, ranges } = image;
    const peers = ranges && ports.sharing?.chunkSource(digest => this.#shared.get(digest));
    this.#sources = [...(peers ? [peers] : []), ...mirrors, origin].map(
      source => new MeteredSource(source, ports.clock),
    );
  }

  get blobs(): readonly StoredBlob[] {
    return this.#blobs;
  }

  /**
   * Opens the blobs and shares them. `files`: what reads are about. What it holds is given back by `held`, also what it
   * held when it rejects.
   */
  async open(
    { reader, files }: { readonly reader: BootstrapReader; readonly files: Pick<BootstrapReader, 'extents'> },
    held: AsyncDisposableStack,
    signal: AbortSignal,
  ): Promise<void> {
    for (const blob of await this.#openBlobs(reader.blobLayouts(this.#image.layers), held, signal)) {
      this.#blobs.push(blob);
      this.#chunkBytes += bytesDescribed(blob);
      this.#bytesAtMount += blob.presentBytes;
      const known = this.#ports.nodeChunks.add(blob);
      held.defer(() => known.forget());
      this.#known.push(known);
      this.#share(blob, held);
    }
    this.#fetcher = new ReadFetcher({ files, blobs: this.#blobs }, this.#ports.engine, this.#sources);
  }

  /**
   * What a kernel that reads devices by itself reads them from: for blobs that are here as a whole, verified, their files, which
   * stay as they are until `held` is given back; the others are exported, by these names (one for each blob, in order).
   * Rejects when the signal fires.
   */
  async devices(
    names: readonly string[],
    held: AsyncDisposableStack,
    signal: AbortSignal,
  ): Promise<readonly ErofsDevice[]> {
    const some = pLimit(PINS_AT_ONCE);
    const files = await Promise.all(this.#blobs.map(blob => some(() => this.#pin(blob, held, signal))));
    if (signal.aborted) throw abortedError(signal);
    return names.map((name, at) => {
      const path = files[at];
      return path === undefined ? { export: name } : { path };
    });
  }

  async #pin(blob: StoredBlob, held: AsyncDisposableStack, signal: AbortSignal): Promise<string | undefined> {
    try {
      const pin = await blob.pin(signal);
      if (pin === undefined) return undefined;
      held.use(pin);
      return blob.path;
    } catch (error) {
      const what = { blob: blob.layout.id, error: messageOf(error) };
      if (!signal.aborted) this.#ports.log.warn('a complete blob could not be verified; it is served', what);
      return undefined;
    }
  }

  async #openBlobs(
    layouts: readonly BlobLayout[],
    held: AsyncDisposableStack,
    signal: AbortSignal,
  ): Promise<readonly StoredBlob[]> {
    const some = pLimit(OPENED_AT_ONCE);
    const opening = layouts.map(layout =>
      some(async () => {
        if (signal.aborted) throw abortedError(signal);
        const blob = await this.#ports.store.open(layout);
        held.defer(() => blob.close());
        return blob;
      }),
    );
    await Promise.allSettled(opening); // none is opened when `held` has been given back
    return Promise.all(opening);
  }

  /** Fetches the rest in the background, if that is wanted, until `held` is given back. */
  fillUp(held: AsyncDisposableStack): void {
    const { fill } = this.#ports;
    if (fill === undefined) return;
    const work = new BackgroundFill(
      { ...this.#ports, ...fill },
      { blobs: this.#blobs, sources: this.#sources },
      fill.limits,
    );
    held.defer(() => work.stop());
    work.start();
  }

  /** Resolves when the chunks of the range came. Rejects when the signal fires, or with `malformed`. */
  async fetch(range: FileRange, signal: AbortSignal): Promise<void> {
    const { clock, onServed } = this.#ports;
    const startedAt = clock.monotonic();
    const from = await this.#fetcher?.fetch(range, signal);
    if (from !== undefined) onServed(from, clock.monotonic() - startedAt);
  }

  stats(): ContentStats {
    const peers = this.#sources.filter(({ kind }) => kind === 'peers');
    const mirrors = this.#sources.filter(({ kind }) => kind === 'mirror');
    const fetchedBytes = sum(this.#sources, source => source.bytes);
    const mirrorBytes = sum(mirrors, source => source.bytes);
    const peerBytes = sum(peers, source => source.bytes - source.originBytes);
    return {
      totalBytes: this.#image.totalBytes,
      chunkBytes: this.#chunkBytes,
      presentBytes: sum(this.#blobs, blob => blob.presentBytes),
      fetchedBytes,
      peerBytes,
      mirrorBytes,
      originBytes: fetchedBytes - peerBytes - mirrorBytes,
      cacheBytes: this.#bytesAtMount + sum(this.#known, known => known.copiedBytes),
      requests: sum(this.#sources, source => source.requests),
      bytesPerSecond: Math.round(sum(this.#sources, source => source.bytesPerSecond)),
      requestsPerSecond: Math.round(sum(this.#sources, source => source.requestsPerSecond) * 10) / 10,
    };
  }

  #share(blob: StoredBlob, held: AsyncDisposableStack): void {
    const { ranges, pieces } = this.#image;
    const { digest, blobSize } = blob.layout;
    const swarm = this.#ports.sharing?.swarm;
    if (swarm === undefined || ranges === undefined) return;
    const chunks = new BlobChunks(blob);
    held.defer(() => chunks.close());
    const shared = swarm.join({ digest, size: blobSize, pieces: pieces?.get(digest) }, { origin: ranges, chunks });
    held.defer(() => {
      this.#shared.delete(digest);
      shared.leave();
    });
    this.#shared.set(digest, shared);
  }
}

function sum<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((all, item) => all + figure(item), 0);
}

function bytesDescribed({ layout }: StoredBlob): number {
  let bytes = 0;
  for (let index = 0; index < layout.chunkCount; index++) {
    if (layout.describes(index)) bytes += layout.chunk(index).compressedSize;
  }
  return bytes;
}
