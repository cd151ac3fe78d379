// Which layer of an ordinary image each file comes from. The merged tree does not say it (an accelerated image holds the
// tree alone, and equal chunks are stored once, in the first layer that has them), so the layers are read again and
// merged by the same rules that a conversion merges them by.

import type { Descriptor, ImageSource, Platform } from '../core/index.ts';
import type { DirectoryNode, TreeNode } from '../image/index.ts';
import { MAX_ENTRIES } from './config.ts';
import { type ReadLayerOptions, readLayer } from './layer-reader.ts';
import { inLayer } from './layers-conversion.ts';
import { Overlay } from './overlay.ts';
import { loadSourceImage } from './source-image.ts';
import type { TarEntry } from './tar-entry.ts';
import { Warnings } from './warnings.ts';

export interface LayerOrigin {
  /** Position of the layer, from 0. */
  readonly layer: number;
  /** What gave the file its content, and its attributes (a directory's: the last entry for it). */
  readonly entry: TarEntry;
}

export interface LayeredTree {
  readonly layers: readonly Descriptor[];
  /** The merged tree. Its owners and chunks are not the image's: see `originOf`. */
  readonly root: DirectoryNode;
  /** Undefined for a directory that no layer lists. Of a hard link: where what it links to comes from. */
  originOf(node: TreeNode): LayerOrigin | undefined;
}

const NO_CHUNKS = new Uint32Array(0);

/** Reads every layer. Throws what a conversion of the image would throw before it writes anything. */
export async function readLayeredTree(
  source: ImageSource,
  platform: Platform,
  options: { readonly signal: AbortSignal; readonly onBytes: (bytes: number, total: number) => void },
): Promise<LayeredTree> {
  const { signal } = options;
  const image = await loadSourceImage(source, platform, signal);
  const layers = image.layers.map(({ descriptor }) => descriptor);
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const overlay = new Overlay({ warnings: new Warnings(), maxEntries: MAX_ENTRIES });
  const origins: LayerOrigin[] = [];
  let read = 0;
  const onBytes = (count: number) => {
    read += count;
    options.onBytes(read, total);
  };
  for (const [layer, sourceLayer] of image.layers.entries()) {
    const onEvent: ReadLayerOptions['onEvent'] = event => {
      if (event.kind !== 'entry') return;
      origins.push({ layer, entry: event.entry });
      // The overlay carries the owner along wherever the entry ends up: a place for the number of its origin.
      overlay.add({ ...event.entry, uid: origins.length }, NO_CHUNKS);
    };
    try {
      await readLayer(sourceLayer, source, { signal, onBytes, onEvent });
      overlay.endLayer();
    } catch (error) {
      throw inLayer(sourceLayer, error);
    }
  }
  // Directories that no layer lists belong to user 0, which no origin has.
  return { layers, root: overlay.root, originOf: node => origins[node.uid - 1] };
}
