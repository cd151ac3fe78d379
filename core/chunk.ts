// The words of the data path: blob, chunk, and what identifies them. Plain data, no behaviour.

import type { Digest } from './digest.ts';

/** How a chunk's bytes are stored in a blob. Numbers of the RAFS v6 blob table (docs/image-format.md). */
export type Compressor = 'none' | 'lz4_block' | 'zstd';

/** Which digest covers a chunk's uncompressed bytes. */
export type Digester = 'blake3' | 'sha256';

/** One chunk of a blob. All sizes and offsets are bytes. */
export interface Chunk {
  /** Position in the blob's chunk list, from 0. */
  readonly index: number;
  /** Where its stored bytes begin in the blob file, and how many they are. */
  readonly compressedOffset: number;
  readonly compressedSize: number;
  /** False when the stored bytes are the chunk's bytes as they are. */
  readonly compressed: boolean;
  /** Where it begins in the blob's device (the cache file); a multiple of the block size. */
  readonly deviceOffset: number;
  readonly uncompressedSize: number;
  /** Raw digest (32 bytes) of the uncompressed bytes, by the blob's digester. */
  readonly digest: Uint8Array;
}

/**
 * One blob as one bootstrap describes it. Immutable. `chunk` is cheap and allocates its result, so hot paths ask for
 * the few chunks they need and nobody holds an object per chunk of an image.
 */
export interface BlobLayout {
  /** The id in the bootstrap's blob table: 64 hex digits, usually the blob's sha256. */
  readonly id: string;
  /** What to ask a registry or a peer for. Usually `sha256:` + id; decided by the manifest (nydus.md §1.26). */
  readonly digest: Digest;
  /** Size of the blob file in bytes, as the manifest's descriptor says. */
  readonly blobSize: number;
  readonly compressor: Compressor;
  readonly digester: Digester;
  readonly chunkCount: number;
  /** Upper bound of `uncompressedSize` of every chunk. */
  readonly chunkSize: number;
  /** Size of the device: of the cache file and of the slot the kernel sees. A multiple of the block size. */
  readonly deviceSize: number;
  /**
   * 64 hex digits over everything that decides what the device holds: id, compressor, digester and every chunk's
   * offsets, sizes and digest. Two bootstraps share cached bytes only when their keys agree; a hostile bootstrap that
   * lies about somebody else's blob therefore gets a cache of its own.
   */
  readonly layoutKey: string;
  /**
   * Does the bootstrap describe the chunk at this index? A merged image may leave out chunks of a blob that none of its
   * files uses; they can be neither verified nor needed.
   */
  describes(index: number): boolean;
  /** The chunk at this index. Throws `malformed` when out of range or not described by the bootstrap. */
  chunk(index: number): Chunk;
}

/** A chunk's stored bytes on their way to a store. `bytes` belongs to whoever receives the payload. */
export interface ChunkPayload {
  readonly index: number;
  /**
   * How `bytes` are packed: `blob` as the blob stores them, `none` as they are, `zstd` one frame made by the sender
   * (a peer whose blob bytes are gone).
   */
  readonly packing: 'blob' | 'none' | 'zstd';
  /** A view that covers its whole ArrayBuffer, so that it can be transferred to a worker without a copy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many of these bytes the source itself had from the origin. Absent: none, unless it is the origin. */
  readonly originBytes?: number;
}
