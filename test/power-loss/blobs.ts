// The blobs that the store under test keeps: a small one, one that shares chunks with it, and one with so many chunks that
// its map takes several pages and can tear.

import { createHash } from 'node:crypto';
import type { BlobLayout, Chunk, ChunkPayload } from '../../core/index.ts';
import { fakeBlob, layoutOf, noise, sha256Hex } from '../support/fake-blob.ts';

export interface PlayedBlob {
  readonly layout: BlobLayout;
  /** The chunks that are played with. */
  readonly chunks: readonly number[];
  plain(index: number): Buffer;
  payload(index: number): ChunkPayload;
}

const SMALL_CHUNKS = 20;
const WIDE_CHUNKS = 40_000;
const WIDE_PLAYED = 24;
const WIDE_CHUNK_BYTES = 8192;

export function playedBlobs(): readonly PlayedBlob[] {
  const { layout, plain, stored } = fakeBlob({ chunkCount: SMALL_CHUNKS, chunkSize: 12 * 1024 });
  const chunks = Array.from({ length: SMALL_CHUNKS }, (_, index) => index);
  const payload = (index: number): ChunkPayload => ({ index, packing: 'blob', bytes: owned(stored(index)) });
  const small = { layout, chunks, plain, payload };
  const twin = { ...small, layout: { ...layout, layoutKey: sha256Hex(Buffer.from('twin')) } };
  return [small, twin, wideBlob()];
}

function wideBlob(): PlayedBlob {
  const stride = Math.floor(WIDE_CHUNKS / WIDE_PLAYED);
  const chunks = Array.from({ length: WIDE_PLAYED }, (_, at) => at * stride);
  const plains = new Map(chunks.map(index => [index, noise(WIDE_CHUNK_BYTES, `wide ${index}`)]));
  const digests = new Map([...plains].map(([index, bytes]) => [index, createHash('sha256').update(bytes).digest()]));
  const chunk = (index: number): Chunk => ({
    index,
    compressedOffset: index * WIDE_CHUNK_BYTES,
    compressedSize: WIDE_CHUNK_BYTES,
    compressed: false,
    deviceOffset: index * WIDE_CHUNK_BYTES,
    uncompressedSize: WIDE_CHUNK_BYTES,
    digest: digests.get(index) ?? new Uint8Array(32),
  });
  const plain = (index: number): Buffer => plains.get(index) ?? Buffer.alloc(0);
  const layout: BlobLayout = {
    ...layoutOf(Buffer.from('wide'), [], WIDE_CHUNK_BYTES),
    chunkCount: WIDE_CHUNKS,
    deviceSize: WIDE_CHUNKS * WIDE_CHUNK_BYTES,
    describes: index => plains.has(index),
    chunk,
  };
  return { layout, chunks, plain, payload: index => ({ index, packing: 'none', bytes: owned(plain(index)) }) };
}

function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}
