// The file tree that an ordinary image's layers amount to, with digests in the place of contents. The layers are read as
// a conversion reads them (same tar reader, same overlay rules), but nothing is compressed, stored or sent.

import type { ImageSource } from '../core/index.ts';
import type { DirectoryNode } from '../image/index.ts';
import { MAX_ENTRIES } from './config.ts';
import type { FileDigests } from './file-digests.ts';
import { type ReadLayerOptions, readLayer } from './layer-reader.ts';
import { inLayer } from './layers-conversion.ts';
import { Overlay } from './overlay.ts';
import type { SourceImage } from './source-image.ts';
import type { TarEntry } from './tar-entry.ts';
import { type ConvertWarning, Warnings } from './warnings.ts';

export interface OriginalTree {
  /** In place of a chunk's address, each file has the numbers of its digests in `FileDigests`. */
  readonly root: DirectoryNode;
  readonly entries: number;
  readonly fileBytes: number;
  /** What no accelerated image can hold. */
  readonly warnings: readonly ConvertWarning[];
}

export interface OriginalTreeOptions {
  readonly signal: AbortSignal;
  readonly digests: FileDigests;
  /** Compressed bytes that were read. */
  readonly onBytes: (count: number) => void;
}

const NO_CHUNKS = new Uint32Array(0);

/** Throws `digest-mismatch` when a layer is not what manifest and config say, `malformed`, `limit`, as a conversion. */
export async function readOriginalTree(
  image: SourceImage,
  source: ImageSource,
  options: OriginalTreeOptions,
): Promise<OriginalTree> {
  const warnings = new Warnings();
  const overlay = new Overlay({ warnings, maxEntries: MAX_ENTRIES });
  const total = { entries: 0, fileBytes: 0 };
  const { signal, digests, onBytes } = options;
  for (const layer of image.layers) {
    const feed = new EntryFeed(digests, (entry, numbers) => {
      total.entries++;
      total.fileBytes += entry.size;
      overlay.add(entry, numbers);
    });
    try {
      await readLayer(layer, source, { signal, onBytes, onEvent: event => feed.take(event) });
      feed.end();
      overlay.endLayer();
    } catch (error) {
      throw inLayer(layer, error);
    }
  }
  return { root: overlay.root, ...total, warnings: warnings.list() };
}

/** Puts the entries of a layer and their contents together. */
class EntryFeed {
  readonly #digests: FileDigests;
  readonly #onEntry: (entry: TarEntry, numbers: Uint32Array) => void;
  /** The entry whose content is being read. */
  #entry: TarEntry | undefined;

  constructor(digests: FileDigests, onEntry: (entry: TarEntry, numbers: Uint32Array) => void) {
    this.#digests = digests;
    this.#onEntry = onEntry;
  }

  take(event: Parameters<ReadLayerOptions['onEvent']>[0]): void {
    switch (event.kind) {
      case 'entry':
        this.end();
        this.#entry = event.entry;
        break;
      case 'data':
        this.#digests.data(event.bytes);
        break;
      case 'zeros':
        this.#digests.zeros(event.count);
        break;
    }
  }

  /** The entry before is complete. */
  end(): void {
    const entry = this.#entry;
    if (!entry) return;
    this.#entry = undefined;
    this.#onEntry(entry, entry.kind === 'file' ? this.#digests.endFile() : NO_CHUNKS);
  }
}
