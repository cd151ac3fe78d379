// The file tree that an ordinary image's layers amount to, with digests in the place of contents. The layers are read as
// a conversion reads them (same tar reader, same overlay rules), but nothing is compressed, stored or sent.

import { createHash } from 'node:crypto';
import { digestFromHex, type ImageSource, ShoalError } from '../core/index.ts';
import type { DirectoryNode } from '../image/index.ts';
import { MAX_ENTRIES, TAR_LIMITS } from './config.ts';
import type { FileDigests } from './file-digests.ts';
import { inLayer } from './layers-conversion.ts';
import { Overlay } from './overlay.ts';
import type { SourceImage, SourceLayer } from './source-image.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';
import { type InputPiece, unpack } from './unpack.ts';
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

/** What `unpack` needs to tell compressions apart. */
const MAGIC_BYTES = 4;
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
  for (const layer of image.layers) {
    const onEntry = (entry: TarEntry, numbers: Uint32Array) => {
      total.entries++;
      total.fileBytes += entry.size;
      overlay.add(entry, numbers);
    };
    try {
      await readLayer(layer, source, options, onEntry);
      overlay.endLayer();
    } catch (error) {
      throw inLayer(layer, error);
    }
  }
  return { root: overlay.root, ...total, warnings: warnings.list() };
}

async function readLayer(
  layer: SourceLayer,
  source: ImageSource,
  { signal, digests, onBytes }: OriginalTreeOptions,
  onEntry: (entry: TarEntry, numbers: Uint32Array) => void,
): Promise<void> {
  const reader = new TarReader(TAR_LIMITS);
  const hash = createHash('sha256');
  const feed = new EntryFeed(reader, digests, onEntry);
  for await (const piece of unpack(inputOf(source.blob(layer.descriptor, { signal }), onBytes))) {
    hash.update(piece);
    if (feed.isOver) continue; // what follows the archive belongs to the diff id only
    reader.feed(piece);
    feed.drain();
  }
  if (!feed.isOver) {
    reader.finish();
    feed.drain();
  }
  const found = digestFromHex(hash.digest('hex'));
  if (found === layer.diffId) return;
  throw new ShoalError('digest-mismatch', `uncompressed it is ${found}, the config's diff id is ${layer.diffId}`);
}

/** Takes events from a reader and puts entries and contents together. */
class EntryFeed {
  readonly #reader: TarReader;
  readonly #digests: FileDigests;
  readonly #onEntry: (entry: TarEntry, numbers: Uint32Array) => void;
  /** The entry whose content is being read. */
  #entry: TarEntry | undefined;
  isOver = false;

  constructor(reader: TarReader, digests: FileDigests, onEntry: (entry: TarEntry, numbers: Uint32Array) => void) {
    this.#reader = reader;
    this.#digests = digests;
    this.#onEntry = onEntry;
  }

  /** Everything that the reader can tell without more input. */
  drain(): void {
    for (;;) {
      const event = this.#reader.read();
      switch (event.kind) {
        case 'input':
          return;
        case 'end':
          this.#endEntry();
          this.isOver = true;
          return;
        case 'entry':
          this.#endEntry();
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
  }

  #endEntry(): void {
    const entry = this.#entry;
    if (!entry) return;
    this.#entry = undefined;
    this.#onEntry(entry, entry.kind === 'file' ? this.#digests.endFile() : NO_CHUNKS);
  }
}

/** The source's pieces for `unpack`; the first ones are joined until they tell how the layer is compressed. */
async function* inputOf(
  pieces: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncGenerator<InputPiece> {
  let start: Uint8Array | undefined = new Uint8Array(0);
  for await (const piece of pieces) {
    onBytes(piece.length);
    const bytes: Uint8Array = start ? Buffer.concat([start, piece]) : piece;
    if (start && bytes.length < MAGIC_BYTES) {
      start = bytes;
      continue;
    }
    start = undefined;
    yield { bytes, release: () => {} };
  }
  if (start && start.length > 0) yield { bytes: start, release: () => {} };
}
