// Which layer of an ordinary image each file comes from. The merged tree does not say it (an accelerated image holds the
// tree alone, and equal chunks are stored once, in the first layer that has them), so the layers are read again and
// merged by the same rules that a conversion merges them by.

import type { Descriptor, ImageSource, Platform } from '../core/index.ts';
import type { DirectoryNode, TreeNode } from '../image/index.ts';
import { MAX_ENTRIES, TAR_LIMITS } from './config.ts';
import { Overlay } from './overlay.ts';
import { loadSourceImage } from './source-image.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';
import { type InputPiece, unpack } from './unpack.ts';
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
/** What a compression is recognised by. */
const MAGIC_BYTES = 4;

/** Reads every layer. Throws what a conversion of the image would throw before it writes anything. */
export async function readLayeredTree(
  source: ImageSource,
  platform: Platform,
  options: { readonly signal: AbortSignal; readonly onBytes: (bytes: number, total: number) => void },
): Promise<LayeredTree> {
  const image = await loadSourceImage(source, platform, options.signal);
  const layers = image.layers.map(({ descriptor }) => descriptor);
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const overlay = new Overlay({ warnings: new Warnings(), maxEntries: MAX_ENTRIES });
  const origins: LayerOrigin[] = [];
  let read = 0;
  for (const [layer, descriptor] of layers.entries()) {
    const content = source.blob(descriptor, { signal: options.signal });
    const pieces = inputPieces(content, bytes => {
      read += bytes;
      options.onBytes(read, total);
    });
    for await (const entry of entriesOf(unpack(pieces))) {
      origins.push({ layer, entry });
      // The overlay carries the owner along wherever the entry ends up: a place for the number of its origin.
      overlay.add({ ...entry, uid: origins.length }, NO_CHUNKS);
    }
    overlay.endLayer();
  }
  // Directories that no layer lists belong to user 0, which no origin has.
  return { layers, root: overlay.root, originOf: node => origins[node.uid - 1] };
}

/** Every entry of a tar; what files contain is passed over. Reads to the end, so that the layer's digest is checked. */
async function* entriesOf(tar: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new TarReader(TAR_LIMITS);
  let isOver = false;
  for await (const piece of tar) {
    if (isOver) continue;
    reader.feed(piece);
    isOver = yield* entriesSoFar(reader);
  }
  if (isOver) return;
  reader.finish();
  yield* entriesSoFar(reader);
}

/** Returns whether the archive is over; otherwise the reader wants input. */
function* entriesSoFar(reader: TarReader): Generator<TarEntry, boolean> {
  for (let event = reader.read(); event.kind !== 'input'; event = reader.read()) {
    if (event.kind === 'end') return true;
    if (event.kind === 'entry') yield event.entry;
  }
  return false;
}

async function* inputPieces(
  content: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<InputPiece> {
  let start = new Uint8Array(0);
  const release = () => {};
  for await (const piece of content) {
    onBytes(piece.length);
    if (start.length >= MAGIC_BYTES) {
      yield { bytes: piece, release };
      continue;
    }
    start = Buffer.concat([start, piece]);
    if (start.length >= MAGIC_BYTES) yield { bytes: start, release };
  }
  if (start.length > 0 && start.length < MAGIC_BYTES) yield { bytes: start, release };
}
