// The tree of an image while its layers arrive, and in the end the bootstrap over it. Lives in the layer thread, beside the
// tar reader: an entry never travels between threads, and the heap that holds the tree ends with the thread.

import { ChunkList, writeBootstrap } from '../image/index.ts';
import { MAX_ENTRIES } from './config.ts';
import type { BlobDescription, MergedImage } from './messages.ts';
import { Overlay } from './overlay.ts';
import { keepReferencedBlobs } from './referenced-blobs.ts';
import type { TarEntry } from './tar-entry.ts';
import { Warnings } from './warnings.ts';

/** Use: `add` for each entry of a layer, `endLayer`, and so on; then `finish`. Throws what the overlay throws. */
export class ImageMerger {
  readonly #warnings = new Warnings();
  readonly #overlay = new Overlay({ warnings: this.#warnings, maxEntries: MAX_ENTRIES });
  readonly #chunkSize: number;

  /** `chunkSize` in bytes. */
  constructor(chunkSize: number) {
    this.#chunkSize = chunkSize;
  }

  /** `chunks` are those of a file's content (image/tree.ts) and are kept. */
  add(entry: TarEntry, chunks: Uint32Array): void {
    this.#overlay.add(entry, chunks);
  }

  endLayer(tar: { readonly ignoredGlobalHeaders: number }): void {
    this.#overlay.endLayer();
    this.#warnings.add('global-header-ignored', '', tar.ignoredGlobalHeaders);
  }

  /** `blobs` are those of all layers; the ones that no file needs in the end are left out. Also what writing throws. */
  finish(blobs: readonly BlobDescription[]): MergedImage {
    const { root } = this.#overlay;
    const kept = keepReferencedBlobs(root, blobs.length);
    const described = kept.flatMap(position => {
      const blob = blobs[position];
      return blob ? [{ ...blob, chunks: ChunkList.of(blob.chunks) }] : [];
    });
    const bootstrap = writeBootstrap({ root, blobs: described, chunkSize: this.#chunkSize });
    return { bootstrap, kept, warnings: this.#warnings.list() };
  }
}
