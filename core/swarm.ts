// Ports between the daemon and what shares blobs with other nodes (the peer folder). The daemon sees a blob of the swarm
// only through `SwarmBlob`; the swarm sees the daemon's cache only through `CachedChunks`.

import type { Digest } from './digest.ts';
import type { ByteRange } from './image-transfer.ts';
import type { Lane } from './lanes.ts';
import type { PieceDigests } from './piece.ts';

/** Reads a blob where it comes from (a registry repository, with the node's own credentials). */
export interface RangeReader {
  /** For messages. Never holds credentials. */
  readonly name: string;
  /**
   * Exactly the bytes of `range` of the blob, in buffers of any size that are the caller's to keep. Unverified. One
   * attempt: errors go to the caller. Rejects with `malformed` when the blob is shorter or the answer is another range,
   * and with the codes of ChunkSource.
   */
  readRange(
    blob: { readonly digest: Digest; readonly size: number },
    range: ByteRange,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array>;
}

/** A blob that is to be shared. */
export interface SharedBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Absent: the image has no piece table; then chunks decide what was right. */
  readonly pieces?: PieceDigests | undefined;
}

/** A chunk as peers name it: by its place in the blob. All bytes. */
export interface ChunkPlace {
  readonly offset: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
}

/** What a node can give of a blob when the blob's own bytes are gone: whole chunks out of the cache. */
export interface CachedChunks {
  /** Is every chunk that touches this range of the blob present and verified? */
  covers(range: ByteRange): boolean;
  /** Calls back (soon, not at once) after chunks came or went. Returns how to stop that. */
  onChange(listener: () => void): () => void;
  /** One zstd frame of the chunk's verified bytes, the caller's to keep; undefined when it is not here (any more). */
  pack(place: ChunkPlace, options: { readonly signal: AbortSignal }): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** Where bytes came from, for counters. */
export interface SwarmTally {
  readonly peerBytes: number;
  readonly originBytes: number;
}

/** A blob that this node shares, from `join` to `leave`. */
export interface SwarmBlob {
  /**
   * The bytes of `range`, the caller's to keep, from peers or (by lease) from the origin. Verified piece by piece where
   * the image has a piece table. Rejects with `unavailable` when there is nobody to ask (the caller goes to the origin by
   * itself), and with the signal's reason. Waits as long as there is somebody who may yet bring it.
   */
  read(
    range: ByteRange,
    options: { readonly lane: Lane; readonly signal: AbortSignal },
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly tally: SwarmTally }>;
  /**
   * One zstd frame of a chunk's bytes from a peer that has the chunk but no longer the blob's bytes; undefined when no
   * such peer is known. Unverified. Rejects with `unavailable` and the signal's reason.
   */
  readChunk(
    place: ChunkPlace,
    options: { readonly lane: Lane; readonly signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** The last read of this range gave wrong bytes (no piece table): finds out who sent them, and asks others. */
  distrust(range: ByteRange): void;
  /** Matched to each `join`. What it holds stays served for a while. Idempotent. */
  leave(): void;
}

export interface Swarm {
  /** Idempotent by digest: the same blob for all who join. Never waits: peers and schedulers come when they come. */
  join(
    blob: SharedBlob,
    ports: { readonly origin: RangeReader; readonly chunks?: CachedChunks | undefined },
  ): SwarmBlob;
}
