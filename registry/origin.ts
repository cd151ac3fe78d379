// The origin: chunks by ranged reads of their blob, from wherever the image came from. Journey of a chunk: fetch engine
// -> here -> store, which verifies. Nothing is verified, kept or retried here; errors are the fetch engine's to judge.

import type { Chunk, ChunkPayload, ChunkRequest, ChunkSource, RangeReader, SourceKind } from '../core/index.ts';
import { abortedError, ShoalError } from '../core/index.ts';

/** Stored bytes of a chunk beyond its uncompressed limit: what compressors add to data that does not shrink. */
const MAX_PACKING_BYTES = 4096;

/** Chunks of `reader`'s blobs. One fetch is one range, from the first byte asked for to the last; gaps are skipped. */
export class OriginSource implements ChunkSource {
  readonly name: string;
  readonly kind: SourceKind;
  readonly #reader: RangeReader;

  constructor(reader: RangeReader, name = 'origin', kind: SourceKind = 'origin') {
    this.name = name;
    this.kind = kind;
    this.#reader = reader;
  }

  async *fetch(request: ChunkRequest, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<ChunkPayload> {
    if (signal.aborted) throw abortedError(signal);
    const chunks = checkedChunks(request, this.#reader.name);
    const first = chunks[0];
    if (first === undefined) return;
    const start = first.compressedOffset;
    const end = Math.max(...chunks.map(endOf));
    const blob = { digest: request.blob.digest, size: request.blob.blobSize };
    const pieces = this.#reader.readRange(blob, { offset: start, length: end - start }, { signal });
    yield* cutChunks(pieces, start, chunks);
  }
}

/** A chunk that is being put together. */
interface Filling {
  readonly chunk: Chunk;
  readonly bytes: Uint8Array<ArrayBuffer>;
  missing: number;
}

/**
 * Cuts a stream that begins at blob offset `start` into chunks, each yielded as soon as it is whole. `chunks` ascend by
 * offset; they may share bytes (several names for the same stored bytes).
 */
async function* cutChunks(
  pieces: AsyncIterable<Uint8Array>,
  start: number,
  chunks: readonly Chunk[],
): AsyncGenerator<ChunkPayload> {
  let at = start;
  let next = 0;
  let open: Filling[] = [];
  for await (const piece of pieces) {
    const end = at + piece.length;
    for (let chunk = chunks[next]; chunk && chunk.compressedOffset < end; chunk = chunks[++next]) {
      open.push({ chunk, bytes: new Uint8Array(chunk.compressedSize), missing: chunk.compressedSize });
    }
    for (const filling of open) copyInto(filling, piece, at);
    const whole = open.filter(({ missing }) => missing === 0);
    open = open.filter(({ missing }) => missing > 0);
    at = end;
    for (const { chunk, bytes } of whole) yield { index: chunk.index, packing: 'blob', bytes };
  }
}

/** Copies the part of `piece` (at blob offset `at`) that belongs to the chunk. */
function copyInto(filling: Filling, piece: Uint8Array, at: number): void {
  const { compressedOffset } = filling.chunk;
  const from = Math.max(compressedOffset, at);
  const to = Math.min(endOf(filling.chunk), at + piece.length);
  filling.bytes.set(piece.subarray(from - at, to - at), from - compressedOffset);
  filling.missing -= to - from;
}

function endOf(chunk: Chunk): number {
  return chunk.compressedOffset + chunk.compressedSize;
}

/** The asked chunks. Throws `malformed` for a bootstrap whose chunks lie outside the blob, `limit` for a giant chunk. */
function checkedChunks({ blob, chunks }: ChunkRequest, what: string): Chunk[] {
  const found = chunks.map(index => blob.chunk(index));
  const limit = 2 * blob.chunkSize + MAX_PACKING_BYTES;
  let previous = 0;
  for (const chunk of found) {
    const name = `${what}: chunk ${chunk.index} of blob ${blob.digest}`;
    if (chunk.compressedOffset < previous) throw new ShoalError('internal', `${name}: asked for out of order`);
    previous = chunk.compressedOffset;
    if (chunk.compressedSize > limit) {
      throw new ShoalError('limit', `${name}: ${chunk.compressedSize} stored bytes, at most ${limit} expected`);
    }
    if (chunk.compressedSize <= 0 || endOf(chunk) > blob.blobSize) {
      throw new ShoalError('malformed', `${name}: ends at ${endOf(chunk)}, the blob has ${blob.blobSize} bytes`);
    }
  }
  return found;
}
