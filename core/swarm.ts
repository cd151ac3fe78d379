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

/** Where the bytes of a read came from, for counters; also those that were here because an earlier read fetched them. */
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
  /**
   * Idempotent by digest: the same blob for all who join. Never waits: peers and schedulers come when they come. The ports
   * of all who joined and have not left are of use: any of their origins may be read, and a chunk is given by the first
   * of their caches that has it.
   */
  join(
    blob: SharedBlob,
    ports: { readonly origin: RangeReader; readonly chunks?: CachedChunks | undefined },
  ): SwarmBlob;
}

/** The swarm's end of a node: what `createPeerNode` makes (peer/index.ts) and the daemon holds. */
export interface PeerNode {
  readonly swarm: Swarm;
  /** Plain data, made when it is asked for: a snapshot that its holder keeps. */
  status(): SwarmStatus;
  /** Leaves everybody and gives ports, files and memory back. Idempotent; never rejects. */
  stop(): Promise<void>;
}

/** What this node knows of its swarm. Peer ids and task ids as text (libp2p's form, 64 hex digits). */
export interface SwarmStatus {
  readonly peerId: string;
  /** Multiaddrs that others are told. */
  readonly addresses: readonly string[];
  /** Until when this node is a member: wall time, milliseconds since 1970. */
  readonly certificateExpiresAt: number;
  readonly schedulers: readonly SchedulerStatus[];
  /** Connected ones, and those that are banned. */
  readonly peers: readonly PeerStatus[];
  readonly tasks: readonly TaskStatus[];
  readonly counters: SwarmCounters;
}

export interface SchedulerStatus {
  readonly peerId: string;
  readonly address: string;
  readonly state: 'connected' | 'connecting' | 'refused';
}

export interface PeerStatus {
  readonly peerId: string;
  /** Multiaddr of the connection; absent: not connected. */
  readonly address?: string | undefined;
  /** Bytes of pieces and chunks that it sent, and that it was sent; since this node started. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** The same per second now: means over the last seconds. */
  readonly receivedPerSecond: number;
  readonly sentPerSecond: number;
  readonly wrongPieces: number;
  /** Wall time, milliseconds since 1970; absent: nobody banned it. */
  readonly bannedUntil?: number | undefined;
  readonly banReason?: string | undefined;
  /** Of its membership; absent: not known. */
  readonly certificateExpiresAt?: number | undefined;
}

export interface TaskStatus {
  readonly taskId: string;
  /** For this node's own eyes: what the daemon finds the images by. Never crosses the network. */
  readonly digest: Digest;
  readonly pieceCount: number;
  /** Held as the blob has them, and covered by chunks of the cache. */
  readonly pieces: number;
  readonly chunkPieces: number;
  /** Connected peers that have some of it. */
  readonly peers: number;
  /** Pieces that this node is to fetch from the origin. */
  readonly leases: number;
  /** Does a scheduler look after it now? */
  readonly scheduled: boolean;
}

/** Sums since the node started; they never go back. */
export interface SwarmCounters {
  readonly bytesFromPeers: number;
  readonly bytesFromOrigin: number;
  readonly bytesSent: number;
  /** Pieces that were not what the piece table or the chunks say. */
  readonly wrongPieces: number;
  /** Requests that took long and were asked of a second peer as well. */
  readonly hedges: number;
}
