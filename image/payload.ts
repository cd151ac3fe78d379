// From a payload as a source sent it to verified bytes: the one gate between the outside and the cache.

import type { BlobLayout, Chunk, ChunkPayload, Compressor } from '../core/index.ts';
import { unpackChunk, verifyChunk } from './codec.ts';

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
