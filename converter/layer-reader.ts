// Streams one layer of an ordinary image for who only looks at it: decompressed, read as a tar, checked against manifest
// and config. A conversion does the same in a thread of its own (layer-thread.ts).

import { createHash } from 'node:crypto';
import { digestFromHex, type ImageSource, ShoalError } from '../core/index.ts';
import { TAR_LIMITS } from './config.ts';
import type { SourceLayer } from './source-image.ts';
import { type TarEvent, TarReader } from './tar-reader.ts';
import { type InputPiece, unpack } from './unpack.ts';

export interface ReadLayerOptions {
  readonly signal: AbortSignal;
  /** Compressed bytes that were read. */
  readonly onBytes: (count: number) => void;
  /** An entry, or a piece of the content of the last one; bytes are valid until it returns. */
  readonly onEvent: (event: Exclude<TarEvent, { kind: 'input' | 'end' }>) => void;
}

/** What `unpack` needs to tell compressions apart. */
const MAGIC_BYTES = 4;

/**
 * Throws `digest-mismatch` when the layer is not what manifest and config say, `malformed`, `limit`, as a conversion;
 * which layer it is the caller says.
 */
export async function readLayer(layer: SourceLayer, source: ImageSource, options: ReadLayerOptions): Promise<void> {
  const { signal, onBytes, onEvent } = options;
  const reader = new TarReader(TAR_LIMITS);
  const hash = createHash('sha256');
  let isOver = false;
  for await (const piece of unpack(inputOf(source.blob(layer.descriptor, { signal }), onBytes))) {
    hash.update(piece);
    if (isOver) continue; // what follows the archive belongs to the diff id only
    reader.feed(piece);
    isOver = drain(reader, onEvent);
  }
  if (!isOver) {
    reader.finish();
    drain(reader, onEvent);
  }
  const found = digestFromHex(hash.digest('hex'));
  if (found === layer.diffId) return;
  throw new ShoalError('digest-mismatch', `uncompressed it is ${found}, the config's diff id is ${layer.diffId}`);
}

/** Everything that the reader can tell without more input. Returns whether the archive is over. */
function drain(reader: TarReader, onEvent: ReadLayerOptions['onEvent']): boolean {
  for (;;) {
    const event = reader.read();
    if (event.kind === 'input') return false;
    if (event.kind === 'end') return true;
    onEvent(event);
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
