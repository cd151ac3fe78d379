// Brings a whole blob from a source in order, every chunk verified: what `unpack` and `check` do instead of lazy reads.

import { type BlobLayout, type Chunk, type ChunkSource, ShoalError, shortDigest } from '../../core/index.ts';
import { unpackVerified } from '../../image/index.ts';

/** Large enough that the request's round trip does not show, small enough to keep two in memory. Compressed bytes. */
const REQUEST_BYTES = 8 << 20;

/** How often a request is made again, from the chunk it stopped at, before its error is final. */
const ATTEMPTS = 3;

export interface VerifiedChunk {
  readonly chunk: Chunk;
  /** The caller's to keep. */
  readonly bytes: Uint8Array;
}

/** All chunks of the blob that the bootstrap describes, in the order of the blob file. Throws what the source throws, and `digest-mismatch`. */
export async function* fetchBlob(
  blob: BlobLayout,
  source: ChunkSource,
  options: { readonly signal: AbortSignal; readonly onBytes?: (compressedBytes: number) => void },
): AsyncGenerator<VerifiedChunk> {
  for (const chunks of requestsFor(blob)) {
    const missing = new Set(chunks);
    for (let attempt = 1; missing.size > 0; attempt++) {
      try {
        for await (const payload of source.fetch({ blob, chunks: [...missing], lane: 'demand' }, options)) {
          const chunk = blob.chunk(payload.index);
          if (!missing.delete(payload.index)) continue;
          options.onBytes?.(payload.bytes.length);
          yield { chunk, bytes: unpackVerified(blob, chunk, payload) };
        }
        if (missing.size > 0) throw incomplete(blob, missing, source);
      } catch (error) {
        if (attempt === ATTEMPTS || !(error instanceof ShoalError) || !error.retryable) throw error;
      }
    }
  }
}

function incomplete(blob: BlobLayout, missing: ReadonlySet<number>, source: ChunkSource): ShoalError {
  const [first] = missing;
  return new ShoalError(
    'unavailable',
    `blob ${shortDigest(blob.digest)}: ${source.name} gave no chunk ${first} (${missing.size} of the request are missing)`,
  );
}

/** Cuts the blob's chunk list, ordered by place in the blob file, into runs of about REQUEST_BYTES. */
function* requestsFor(blob: BlobLayout): Generator<number[]> {
  let run: number[] = [];
  let size = 0;
  for (const index of inBlobOrder(blob)) {
    run.push(index);
    size += blob.chunk(index).compressedSize;
    if (size >= REQUEST_BYTES) {
      yield run;
      [run, size] = [[], 0];
    }
  }
  if (run.length > 0) yield run;
}

function inBlobOrder(blob: BlobLayout): Uint32Array {
  const order = Uint32Array.from({ length: blob.chunkCount }, (_, index) => index).filter(index =>
    blob.describes(index),
  );
  const offsets = new Float64Array(blob.chunkCount);
  for (const index of order) offsets[index] = blob.chunk(index).compressedOffset;
  return order.sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0));
}
