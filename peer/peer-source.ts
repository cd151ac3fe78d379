// The peers as a chunk source. In a chunk's journey: the fetch engine asks here first; the swarm brings the pieces of the
// blob that the chunk lies in, or another node packs its own copy of the chunk; the store verifies. What nobody can bring
// is left to the next source, the origin.

import type {
  BlobLayout,
  Chunk,
  ChunkPayload,
  ChunkPlace,
  ChunkRequest,
  ChunkSource,
  Digest,
  SwarmBlob,
} from '../core/index.ts';
import { abortedError, isShoalError, ShoalError } from '../core/index.ts';

/** Stored bytes of a chunk beyond its uncompressed limit: what compressors add to data that does not shrink. */
const MAX_PACKING_BYTES = 4096;

type ReadOptions = Parameters<SwarmBlob['read']>[1];

export class PeerSource implements ChunkSource {
  readonly name = 'peers';
  readonly kind = 'peers';
  readonly #find: (digest: Digest) => SwarmBlob | undefined;

  /** `find`: a blob that this node shares; undefined for others, of which there is nothing here. */
  constructor(find: (digest: Digest) => SwarmBlob | undefined) {
    this.#find = find;
  }

  /** All chunks at once: the swarm knows what to ask for first. The first error is told when the others have come. */
  async *fetch(request: ChunkRequest, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<ChunkPayload> {
    if (signal.aborted) throw abortedError(signal);
    const chunks = request.chunks.map(index => checkedChunk(request.blob, index));
    const blob = this.#find(request.blob.digest);
    if (blob === undefined) return;
    const left = new AbortController();
    const options = { lane: request.lane, signal: AbortSignal.any([signal, left.signal]) };
    let failure: unknown;
    try {
      const reads = chunks.map(chunk => readChunk(blob, chunk, options));
      for await (const outcome of asTheyCome(reads, signal)) {
        if (outcome.status === 'rejected') failure ??= outcome.reason;
        else if (outcome.value !== undefined) yield outcome.value;
      }
    } finally {
      left.abort();
    }
    if (failure !== undefined) throw failure;
  }

  distrust({ blob, index }: { readonly blob: BlobLayout; readonly index: number }): void {
    const { compressedOffset, compressedSize } = blob.chunk(index);
    this.#find(blob.digest)?.distrust({ offset: compressedOffset, length: compressedSize });
  }
}

/** The blob's own bytes, else another node's chunk; undefined when nobody can bring either. */
async function readChunk(blob: SwarmBlob, chunk: Chunk, options: ReadOptions): Promise<ChunkPayload | undefined> {
  const { index, compressedOffset, compressedSize, uncompressedSize } = chunk;
  try {
    const { bytes, tally } = await blob.read({ offset: compressedOffset, length: compressedSize }, options);
    const all = tally.peerBytes + tally.originBytes;
    // What is counted is this chunk's bytes, whatever whole pieces came for them.
    const originBytes = all === 0 ? 0 : Math.round((bytes.length * tally.originBytes) / all);
    return { index, packing: 'blob', bytes: whole(bytes), originBytes };
  } catch (error) {
    if (!isNobody(error, options.signal)) throw error;
  }
  const place: ChunkPlace = { offset: compressedOffset, compressedSize, uncompressedSize };
  try {
    const bytes = await blob.readChunk(place, options);
    return bytes && { index, packing: 'zstd', bytes: whole(bytes) };
  } catch (error) {
    if (!isNobody(error, options.signal)) throw error;
    return undefined;
  }
}

function isNobody(error: unknown, signal: AbortSignal): boolean {
  return !signal.aborted && isShoalError(error, 'unavailable');
}

/** In a buffer of their own, so that they can be transferred. */
function whole(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** Throws `malformed` for a bootstrap whose chunks lie outside the blob, `limit` for a giant chunk. */
function checkedChunk(blob: BlobLayout, index: number): Chunk {
  const chunk = blob.chunk(index);
  const { compressedOffset, compressedSize } = chunk;
  const limit = 2 * blob.chunkSize + MAX_PACKING_BYTES;
  if (compressedSize > limit) {
    throw new ShoalError(
      'limit',
      `peers: chunk ${index} of blob ${blob.id}: ${compressedSize} stored bytes, at most ${limit} expected`,
    );
  }
  if (compressedSize <= 0 || compressedOffset + compressedSize > blob.blobSize) {
    throw new ShoalError(
      'malformed',
      `peers: chunk ${index} of blob ${blob.id}: ends at ${compressedOffset + compressedSize}, the blob has ${blob.blobSize} bytes`,
    );
  }
  return chunk;
}

/** What becomes of each promise, soonest first. Rejects as soon as the signal fires. */
async function* asTheyCome<T>(
  promises: readonly Promise<T>[],
  signal: AbortSignal,
): AsyncGenerator<PromiseSettledResult<T>> {
  const settled: PromiseSettledResult<T>[] = [];
  let news = Promise.withResolvers<void>();
  const note = (result: PromiseSettledResult<T>) => {
    settled.push(result);
    news.resolve();
  };
  for (const promise of promises) {
    promise.then(
      value => note({ status: 'fulfilled', value }),
      reason => note({ status: 'rejected', reason }),
    );
  }
  const onAbort = () => news.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let left = promises.length; left > 0; left--) {
      while (settled.length === 0 && !signal.aborted) {
        await news.promise;
        news = Promise.withResolvers();
      }
      if (signal.aborted) throw abortedError(signal);
      const next = settled.shift();
      if (next !== undefined) yield next;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
