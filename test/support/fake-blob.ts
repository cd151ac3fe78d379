// A small blob with real chunks (zstd or raw, sha256 digests) and its layout, without the image format.

import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { BlobLayout, Chunk } from '../../core/index.ts';
import { digestFromHex, ShoalError } from '../../core/index.ts';

const BLOCK = 4096;

export interface FakeBlob {
  readonly layout: BlobLayout;
  /** The blob file. */
  readonly bytes: Buffer;
  /** A chunk's bytes as the blob stores them, and as a reader sees them. */
  stored(index: number): Buffer;
  plain(index: number): Buffer;
}

export interface FakeBlobOptions {
  readonly chunkCount?: number;
  /** Uncompressed bytes of each chunk; a multiple of 4096. */
  readonly chunkSize?: number;
  /** Unused bytes in the blob file after each chunk. */
  readonly gap?: number;
  readonly seed?: string;
}

/** Deterministic bytes that do not compress. */
export function noise(length: number, seed: string): Buffer {
  const parts: Buffer[] = [];
  for (let part = 0; part * 32 < length; part++) parts.push(createHash('sha256').update(`${seed} ${part}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Even chunks are noise and stored raw, odd ones are half zeros and stored as zstd. */
export function fakeBlob(options: FakeBlobOptions = {}): FakeBlob {
  const { chunkCount = 8, chunkSize = 16 * 1024, gap = 100, seed = 'blob' } = options;
  const plains: Buffer[] = [];
  const stores: Buffer[] = [];
  const chunks: Chunk[] = [];
  let offset = 0;
  for (let index = 0; index < chunkCount; index++) {
    const compressed = index % 2 === 1;
    const plain = noise(chunkSize, `${seed} ${index}`);
    if (compressed) plain.fill(0, chunkSize / 2);
    const stored = compressed ? zstdCompressSync(plain) : plain;
    plains.push(plain);
    stores.push(stored, noise(gap, `${seed} gap ${index}`));
    chunks.push({
      index,
      compressedOffset: offset,
      compressedSize: stored.length,
      compressed,
      deviceOffset: index * chunkSize,
      uncompressedSize: chunkSize,
      digest: createHash('sha256').update(plain).digest(),
    });
    offset += stored.length + gap;
  }
  const bytes = Buffer.concat(stores);
  const layout = layoutOf(bytes, chunks, chunkSize);
  return {
    layout,
    bytes,
    stored: index => stores[2 * index] ?? Buffer.alloc(0),
    plain: index => plains[index] ?? Buffer.alloc(0),
  };
}

/** A layout over any bytes, with chunks as given: also for chunks that a hostile bootstrap would describe. */
export function layoutOf(bytes: Uint8Array, chunks: readonly Chunk[], chunkSize: number): BlobLayout {
  const id = sha256Hex(bytes);
  return {
    id,
    digest: digestFromHex(id),
    blobSize: bytes.length,
    compressor: 'zstd',
    digester: 'sha256',
    chunkCount: chunks.length,
    chunkSize,
    deviceSize: Math.ceil((chunks.length * chunkSize) / BLOCK) * BLOCK,
    describes: index => index >= 0 && index < chunks.length,
    layoutKey: sha256Hex(Buffer.from(`${id} ${JSON.stringify(chunks)}`)),
    chunk: index => {
      const chunk = chunks[index];
      if (!chunk) throw new ShoalError('malformed', `chunk ${index} of a blob with ${chunks.length} chunks`);
      return chunk;
    },
  };
}
