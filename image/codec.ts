// What happens to one chunk's bytes: digest, compression, decompression, verification. Synchronous and without state,
// because it runs in worker threads, one chunk at a time. In a chunk's journey these are the steps "compress" of a
// conversion and "verify, decompress" of a read; no byte passes into a cache file without `verifyChunk`.
//
// Buffers: inputs are only read. Every returned buffer is the caller's, covers its whole ArrayBuffer (it may be
// transferred to another thread) and never aliases Node's buffer pool, with one exception: unpacking `none` returns
// the very bytes that were passed in.

import { hash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { Blake3Hasher, blake3 } from '@napi-rs/blake-hash';
import { uncompressSync } from 'lz4-napi';
import type { Compressor, Digester } from '../core/index.ts';
import { messageOf, ShoalError } from '../core/index.ts';

/** What `compressChunk` made of a chunk. */
export interface CompressedChunk {
  /** The bytes as the blob stores them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** False when compression did not shrink the chunk: `bytes` is then a copy of it. */
  readonly compressed: boolean;
}

/** What a chunk must be, and whose it is, for the message when it is not. */
export interface ExpectedChunk {
  readonly blobId: string;
  readonly index: number;
  readonly digester: Digester;
  /** Raw digest, 32 bytes. */
  readonly digest: Uint8Array;
}

/**
 * Compresses a chunk to one zstd frame; stores it as it is when that does not make it smaller (nydus.md §1.27).
 * `level` is zstd's compression level. Throws `internal` when the library fails, which it does for no input.
 */
export function compressChunk(bytes: Uint8Array, options: { readonly level: number }): CompressedChunk {
  const frame = compressed(bytes, options.level);
  const isSmaller = frame.length < bytes.length;
  const stored = new Uint8Array(isSmaller ? frame : bytes);
  // The large buffer that zlib made is ours alone (small ones come from Node's pool). Giving it back now, instead of at
  // some later garbage collection, keeps a compressing thread some 70 MB smaller.
  if (frame.buffer.byteLength === outputSize(bytes)) frame.buffer.transfer(0);
  return { bytes: stored, compressed: isSmaller };
}

function compressed(bytes: Uint8Array, level: number): Buffer<ArrayBuffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  return zstdCompressSync(bytes, { chunkSize: outputSize(bytes), params });
}

/** Covers the worst case, so zlib works in one pass; its default of 16 KiB halves the speed. */
function outputSize(bytes: Uint8Array): number {
  return Math.max(MIN_ZLIB_BUFFER, bytes.length + (bytes.length >>> 8) + 64);
}

/** One zstd frame of `bytes`, even where it is larger than they are. `level` as for `compressChunk`. */
export function zstdFrame(bytes: Uint8Array, options: { readonly level: number }): Uint8Array<ArrayBuffer> {
  return owned(compressed(bytes, options.level));
}

/**
 * The uncompressed bytes of a chunk. `compressor` is `none` for a chunk that is stored as it is. Throws `malformed`
 * when the bytes do not unpack to exactly `uncompressedSize` bytes; at most that many are ever allocated for the
 * output, whatever the input claims. The caller has bounded `uncompressedSize` by the image's chunk size.
 */
export function unpackChunk<B extends ArrayBufferLike>(
  stored: Uint8Array<B>,
  compressor: Compressor,
  uncompressedSize: number,
): Uint8Array<B | ArrayBuffer> {
  const bytes = compressor === 'none' ? stored : decompress(stored, compressor, uncompressedSize);
  if (bytes.length !== uncompressedSize) {
    throw new ShoalError(
      'malformed',
      `chunk (${compressor}) unpacks to ${bytes.length} bytes; expected ${uncompressedSize}`,
    );
  }
  return bytes;
}

/** The digest of `bytes`: 32 raw bytes, the caller's. */
export function digestOf(digester: Digester, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return owned(digester === 'blake3' ? blake3(bytes) : hash('sha256', bytes, 'buffer'));
}

/** Digests of many small chunks: as `digestOf('blake3')`, in half the time, since no buffer is made for each. */
export class ChunkHasher {
  readonly #hasher = new Blake3Hasher();

  /** blake3 of `bytes`, 64 hex digits. */
  hex(bytes: Uint8Array): string {
    this.#hasher.reset();
    return this.#hasher.update(bytes).digest('hex');
  }
}

/** Throws `digest-mismatch`, naming blob and chunk, when uncompressed `bytes` are not the expected chunk. */
export function verifyChunk(bytes: Uint8Array, expected: ExpectedChunk): void {
  const found = digestOf(expected.digester, bytes);
  if (Buffer.compare(found, expected.digest) === 0) return;
  throw new ShoalError(
    'digest-mismatch',
    `chunk ${expected.index} of blob ${expected.blobId}: expected ${expected.digester} ${hex(expected.digest)}, ` +
      `found ${hex(found)}`,
  );
}

/** node:zlib refuses smaller output buffers. */
const MIN_ZLIB_BUFFER = 64;
/**
 * Largest zstd window a frame may ask for, as a power of two: 16 MiB, the largest chunk. Without a bound a frame of a
 * few bytes makes the library allocate 128 MiB.
 */
const MAX_WINDOW_LOG = 24;

function decompress(
  stored: Uint8Array,
  compressor: 'zstd' | 'lz4_block',
  uncompressedSize: number,
): Uint8Array<ArrayBuffer> {
  try {
    return owned(
      compressor === 'zstd' ? unzstd(stored, uncompressedSize) : uncompressSync(withSize(stored, uncompressedSize)),
    );
  } catch (error) {
    throw new ShoalError(
      'malformed',
      `chunk (${compressor}, ${stored.length} bytes) does not unpack to ${uncompressedSize} bytes: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function unzstd(stored: Uint8Array, uncompressedSize: number): Uint8Array {
  return zstdDecompressSync(stored, {
    chunkSize: Math.max(MIN_ZLIB_BUFFER, uncompressedSize),
    maxOutputLength: Math.max(1, uncompressedSize),
    params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
  });
}

/** The LZ4 library wants the size in front of the block, as a little-endian u32; Nydus stores the bare block. */
function withSize(stored: Uint8Array, uncompressedSize: number): Uint8Array {
  const prefixed = new Uint8Array(4 + stored.length);
  new DataView(prefixed.buffer).setUint32(0, uncompressedSize, true);
  prefixed.set(stored, 4);
  return prefixed;
}

/** The bytes in an ArrayBuffer of exactly their size: as they are if they own theirs, else a copy. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
