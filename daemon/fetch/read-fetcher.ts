// From a read of a file to the chunks it needs, and those to the engine.

import type { ChunkSource, StoredBlob } from '../../core/index.ts';
import { ShoalError } from '../../core/index.ts';
import { type BootstrapReader, NO_CHUNK } from '../../image/index.ts';
import type { FetchEngine } from './engine.ts';
import { type Answerer, farthest } from './want.ts';

export interface FileRange {
  readonly nid: number;
  /** Bytes. */
  readonly offset: number;
  readonly size: number;
}

export class ReadFetcher {
  readonly #files: Pick<BootstrapReader, 'extents'>;
  readonly #blobs: readonly StoredBlob[];
  readonly #engine: FetchEngine;
  readonly #sources: readonly ChunkSource[];

  constructor(
    image: { readonly files: Pick<BootstrapReader, 'extents'>; readonly blobs: readonly StoredBlob[] },
    engine: FetchEngine,
    sources: readonly ChunkSource[],
  ) {
    this.#files = image.files;
    this.#blobs = image.blobs;
    this.#engine = engine;
    this.#sources = sources;
  }

  /**
   * Resolves when the chunks of the range came, to the farthest place that one came from. Rejects when the signal fires,
   * or with `malformed`.
   */
  async fetch(range: FileRange, signal: AbortSignal): Promise<Answerer> {
    const wanted = this.#chunksOf(range);
    const options = { lane: 'demand', sources: this.#sources, signal } as const;
    return farthest(
      await Promise.all([...wanted].map(([blob, chunks]) => this.#engine.ensure(blob, [...chunks], options))),
    );
  }

  #chunksOf({ nid, offset, size }: FileRange): Map<StoredBlob, Set<number>> {
    const wanted = new Map<StoredBlob, Set<number>>();
    this.#files.extents(nid, offset, size, (blobIndex, chunkIndex) => {
      if (chunkIndex === NO_CHUNK) return;
      const blob = this.#blobs[blobIndex];
      if (blob === undefined) throw new ShoalError('malformed', `inode ${nid}: no blob ${blobIndex}`);
      const chunks = wanted.get(blob) ?? new Set();
      wanted.set(blob, chunks.add(chunkIndex));
    });
    return wanted;
  }
}
