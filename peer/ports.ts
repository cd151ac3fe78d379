// The seams inside the peer folder. `swarm/` decides what to ask whom for; `transport/` carries it over libp2p;
// `scheduler/` speaks with the schedulers. Each is tested against fakes of the others with these shapes.
// In a chunk's journey: swarm asks a ParentLink for pieces, verifies what comes, keeps it in the PieceStore; the upload
// side serves other nodes from a ServedTask.

import type { ChunkPlace, Clock, Digest, Lane, Logger, PeerNode, PieceSet } from '../core/index.ts';
import type { TaskId } from '../proto/index.ts';

// ---- the node as a whole ---------------------------------------------------------------------------------------------

/** What `createPeerNode` (index.ts) is told; the command line makes it out of the configuration. */
export interface PeerNodeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Absolute directory of this node's key, remembered peers and kept pieces; created (0700) when missing. */
  readonly directory: string;
  /** Multiaddrs to listen on. Port 0: any. */
  readonly listen: readonly string[];
  /** Multiaddrs that others are told; empty: those that the system says it listens on. */
  readonly announce: readonly string[];
  /** Files: the cluster's public key, what makes this node a member, and who no longer is one (need not exist). */
  readonly cluster: { readonly keyFile: string; readonly certificateFile: string; readonly revocationsFile: string };
  /** Multiaddrs with `/p2p/ID`. Empty: no scheduler, no DHT but what others say. */
  readonly schedulers: readonly string[];
  readonly bootstrap: readonly string[];
  /** As far as they are known. */
  readonly location: {
    readonly region?: string | undefined;
    readonly zone?: string | undefined;
    readonly rack?: string | undefined;
  };
  /** Pieces being sent at once, and bytes per second; absent: as fast as the network takes them. */
  readonly uploadSlots: number;
  readonly uploadBytesPerSecond?: number | undefined;
  /** Bytes of blobs that are kept for others. */
  readonly pieceCacheBytes: number;
  /** What is told to others, for lists: host name and version. */
  readonly name: string;
  readonly version: string;
}

/**
 * Resolves when it listens; waits neither for peers nor for schedulers. Rejects with `not-found` or `malformed` for key and
 * certificate, with `unauthorized` for a certificate that is another's or has expired, with `busy` for a port that is taken.
 */
export type CreatePeerNode = (options: PeerNodeOptions) => Promise<PeerNode>;

/** A peer and where it may be reached. `peerId` in libp2p's text form; addresses are multiaddrs. */
export interface PeerAddress {
  readonly peerId: string;
  readonly addresses: readonly string[];
}

// ---- transport: this node as a child ---------------------------------------------------------------------------------

/** Everything between this node and others. */
export interface PeerNetwork {
  readonly peerId: string;
  /**
   * The link to a peer; the same for all who ask. It connects by itself, now and again after every loss, at a growing
   * pace, for as long as somebody holds it. New addresses are added to the known ones.
   */
  link(peer: PeerAddress): ParentLink;
  /** Ends connections with the peer, refuses new ones until then (monotonic ms). */
  ban(peerId: string, untilMs: number, reason: string): void;
}

export interface ParentLink {
  readonly peerId: string;
  readonly isUp: boolean;
  /** Of this connection, parts of what is not whole yet included: on a slow link a piece takes seconds. */
  readonly receivedBytes: number;
  /** Opens a task at this parent; again after every reconnect, until `close`. Events come until then. */
  open(
    task: { readonly taskId: TaskId; readonly digest: Digest; readonly pieceCount: number },
    events: ParentEvents,
  ): ParentTask;
  /** Gives this hold of the link back. Idempotent. */
  release(): void;
}

export interface ParentTask {
  /**
   * Asks for pieces, in this order. Each is answered by exactly one of `onPiece`, `onRefused`, `onDown`, or by nothing
   * after `cancel`. A parent that is to fetch a piece but does not have it yet keeps the request until it has. With
   * `mayFetch` it may fetch it from the origin (there is no scheduler to say who shall).
   */
  request(pieces: readonly number[], options: { readonly lane: Lane; readonly mayFetch: boolean }): void;
  /** They were asked for in a lower lane, and are needed sooner; those that are being sent already come as they come. */
  hurry(pieces: readonly number[], lane: Lane): void;
  cancel(pieces: readonly number[]): void;
  /** One zstd frame of a chunk. Rejects with `unavailable` (refused, or the link went down), `timeout` or the signal's reason. */
  requestChunk(
    place: ChunkPlace,
    options: { readonly lane: Lane; readonly signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer>>;
  close(): void;
}

export type RefusalReason = 'busy' | 'absent' | 'failed';

/** Called on the main thread, in order. */
export interface ParentEvents {
  /** The parent accepted the task; what it has. Also after a reconnect. */
  onOpened(pieces: PieceSet, chunks: PieceSet): void;
  /** It does not have the task, or does not let us. Nothing else comes until the link is new. */
  onDenied(reason: string): void;
  onHave(pieces: readonly number[], chunks: readonly number[]): void;
  onLost(pieces: readonly number[], chunks: readonly number[]): void;
  /** Unverified bytes of a piece that was asked for; the receiver's to keep. */
  onPiece(piece: number, bytes: Uint8Array<ArrayBuffer>): void;
  onRefused(pieces: readonly number[], reason: RefusalReason, tryPeers: readonly string[]): void;
  /** Pieces that wait at the parent to be sent, for all its children; comes with every answer. */
  onQueue(length: number): void;
  /** The link is gone, and with it all requests under way. */
  onDown(): void;
}

// ---- transport: this node as a parent --------------------------------------------------------------------------------

/** What the upload side serves. `swarm/` implements it. */
export interface ServedTasks {
  find(taskId: TaskId): ServedTask | undefined;
}

export interface ServedTask {
  readonly digest: Digest;
  readonly pieceCount: number;
  /** Held and verified, and covered by chunks of the cache. Live: they change as pieces come and go. */
  readonly pieces: PieceSet;
  readonly chunks: PieceSet;
  /** Is it on its way here (leased, or being fetched), so that a request may wait for it? */
  isComing(piece: number): boolean;
  /** A child without a scheduler asks this node to fetch the piece. Returns whether it will. */
  fetchFor(piece: number, lane: Lane): boolean;
  /** The piece's verified bytes, a copy or a view nobody changes; undefined when it is not here. */
  readPiece(piece: number): Promise<Uint8Array | undefined>;
  packChunk(place: ChunkPlace, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Others that are known to have the piece, for a child that is turned away. At most a few. */
  holders(piece: number): readonly string[];
  /** Calls back when pieces or chunks came, went, or will not come after all. Returns how to stop that. */
  onChange(listener: ServedTaskListener): () => void;
}

export interface ServedTaskListener {
  onGained(pieces: readonly number[], chunks: readonly number[]): void;
  onLost(pieces: readonly number[], chunks: readonly number[]): void;
  /** No longer coming. */
  onFailed(pieces: readonly number[]): void;
}

// ---- scheduler -------------------------------------------------------------------------------------------------------

/** This node's word with the schedulers; which of them has a task is not seen from here. */
export interface Schedulers {
  /** Takes part in a task until `leave`; joins anew by itself after every loss of a scheduler. */
  join(task: JoinedTask, events: ScheduledEvents): ScheduledTask;
}

export interface JoinedTask {
  readonly taskId: TaskId;
  readonly pieceCount: number;
  /** Live sets; read at every join. */
  readonly pieces: PieceSet;
  readonly chunks: PieceSet;
  readonly reachesOrigin: boolean;
}

export type LeaseFailure = 'unreachable' | 'busy' | 'unauthorized' | 'not-found' | 'wrong-bytes' | 'local';
export type Accusation = 'wrong-bytes' | 'lying-bitmap' | 'stalled';

export interface ScheduledTask {
  /** Pieces nobody is known to have or to fetch. `late`: asked before, and whoever was to fetch it takes too long. */
  want(pieces: readonly number[], options: { readonly lane: Lane; readonly late: boolean }): void;
  /** Leased pieces are reported at once, others with the next report. */
  gained(pieces: readonly number[], chunks: readonly number[]): void;
  lost(pieces: readonly number[], chunks: readonly number[]): void;
  leaseFailed(pieces: readonly number[], reason: LeaseFailure, retryAfterMs: number | undefined): void;
  /** Is the trace of interest here? Nothing is heard of it before. To be said again at each `onUp`. */
  follow(follows: boolean): void;
  accuse(peerId: string, piece: number, what: Accusation): void;
  /** For ranking: how a parent served us. */
  served(peerId: string, sample: { readonly pieces: number; readonly ms: number; readonly failures: number }): void;
  leave(): void;
}

export interface ScheduledParent extends PeerAddress {
  /** What it had when the scheduler last heard of it. */
  readonly pieces: PieceSet;
  readonly chunks: PieceSet;
  /** 0 same rack, 1 same zone, 2 same region, 3 elsewhere or not known. */
  readonly distance: number;
}

export interface ScheduledEvents {
  /** A scheduler took the task up (again); what was wanted must be said again. */
  onUp(): void;
  /** No scheduler has the task now. */
  onDown(): void;
  onParents(add: readonly ScheduledParent[], remove: readonly string[]): void;
  /** Fetch these from the origin, in this order; after the deadline somebody else is asked to. */
  onLease(pieces: readonly number[], deadlineMs: number): void;
  onLessee(peerId: string, pieces: readonly number[]): void;
  /** Others had to wait for these, in this order. */
  onTrace(pieces: readonly number[]): void;
  onBan(peerId: string, durationMs: number, reason: string): void;
  /** No leases for so long: the origin wants rest. */
  onOriginHold(durationMs: number): void;
}

/** Peers of a task without a scheduler: those of last time, then the DHT. */
export interface Discovery {
  /** Peers that may have the task, soonest first; ends by itself, within seconds. */
  find(taskId: TaskId, options: { readonly signal: AbortSignal }): AsyncIterable<PeerAddress>;
  /** This node has (some of) the task, or no longer. Never waits. */
  provide(taskId: TaskId): void;
  withdraw(taskId: TaskId): void;
  /** Was of use: remembered on disk for next time. */
  remember(peer: PeerAddress): void;
}
