// From a payload as a source sent it to verified bytes: the one gate between the outside and the cache. And the way back,
// for another node: what leaves is verified as well, so that a bad disk here is nobody's wrong byte there.

import type { BlobLayout, Chunk, ChunkPayload, Compressor } from '../core/index.ts';
import { unpackChunk, verifyChunk, zstdFrame } from './codec.ts';

/** zstd level of what is packed for other nodes: its own default, as conversions have, so that it takes no more bytes. */
const PACK_LEVEL = 3;

/**
 * Unpacks a payload by its packing and verifies it. Synchronous, for worker threads and commands. The result is the
 * caller's (for stored-as-is chunks it is the payload's own buffer). Throws `malformed` or `digest-mismatch`.
 */
export function unpackVerified(
  blob: Pick<BlobLayout, 'id' | 'compressor' | 'digester'>,
  chunk: Chunk,
  payload: ChunkPayload,
): Uint8Array<ArrayBuffer> {
  const bytes = unpackChunk(payload.bytes, compressorOf(blob.compressor, chunk, payload), chunk.uncompressedSize);
  verifyChunk(bytes, { blobId: blob.id, index: chunk.index, digester: blob.digester, digest: chunk.digest });
  return bytes;
}

function compressorOf(blobCompressor: Compressor, chunk: Chunk, payload: ChunkPayload): Compressor {
  if (payload.packing === 'blob') return chunk.compressed ? blobCompressor : 'none';
  return payload.packing;
}

/**
 * One zstd frame of a chunk's uncompressed bytes, the caller's. Synchronous, for worker threads. Throws `digest-mismatch`
 * when they are not the chunk's.
 */
export function packVerified(
  blob: Pick<BlobLayout, 'id' | 'digester'>,
  chunk: Pick<Chunk, 'index' | 'digest'>,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  verifyChunk(bytes, { blobId: blob.id, index: chunk.index, digester: blob.digester, digest: chunk.digest });
  return zstdFrame(bytes, { level: PACK_LEVEL });
}
