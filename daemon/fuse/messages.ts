// What travels between a mount's threads. A request is known by the two halves of its `unique`, which is copied raw:
// its highest bit means something to the kernel, and a JavaScript number could not hold it.

import type { DescribedChunks } from '../../image/index.ts';
import type { PendingRequest } from './device.ts';
import type { InitOutcome, SessionTerms } from './negotiation.ts';
import type { SharedBlob } from './read-server.ts';
import type { Region } from './ring-calls.ts';
import type { RingShare } from './ring-plan.ts';

/** What every thread that serves a mount needs. */
export interface ServedImage {
  /**
   * What its connection shows: the tree (fuse driver), the devices (erofs driver), or bootstrap and devices in one file (the
   * same by a loop device; then the last of `blobs` is where the bootstrap is, see `FlatReader`).
   */
  readonly shows: 'tree' | 'devices' | 'flat';
  readonly bootstrap: SharedArrayBuffer;
  /** What the main thread found in the bootstrap's chunk table. */
  readonly chunks: readonly DescribedChunks[];
  readonly blobs: readonly SharedBlob[];
}

/** What a worker needs that serves processors' queues by io_uring. The descriptors are the main thread's to close. */
export interface RingRole extends RingShare {
  /** A pipe: where the worker reads of answers, and where others write them. */
  readonly inbox: number;
  readonly outbox: number;
  /** A `HopWatch` of all workers of the mount. */
  readonly watch: SharedArrayBuffer;
}

/** The first word that a server worker gets. */
export type ServerOrder = { readonly kind: 'serve'; readonly what: ServerWork } | { readonly kind: 'quit' };

export interface ServerWork {
  readonly image: ServedImage;
  /** Which of the mount's workers this is, from 0. */
  readonly number: number;
  /** A `WorkerBoard`. */
  readonly board: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** Undefined: it reads /dev/fuse. */
  readonly ring: RingRole | undefined;
  readonly maxBackground: number;
  readonly readaheadBytes: number;
  /** For statfs: blocks of 4096 bytes and inodes. */
  readonly blocks: number;
  readonly inodes: number;
}

/** A READ whose chunks are not all there. The nid is a file's, or a device's, as the image is shown. Offset and size in bytes. */
export interface MissedRead extends PendingRequest {
  /** Thread id of the requester in our pid namespace; 0 when it lives outside. */
  readonly pid: number;
  readonly nid: number;
  readonly offset: number;
  readonly size: number;
}

export type ServerMessage =
  /** `ringProblem`: why this worker, meant to have a ring, has none. */
  | { readonly kind: 'loaded'; readonly ringProblem: string | undefined }
  /** What the main thread frees at the end of the mount. */
  | { readonly kind: 'ring'; readonly fd: number }
  | { readonly kind: 'memory'; readonly region: Region }
  | { readonly kind: 'initialized'; readonly outcome: InitOutcome; readonly terms: SessionTerms }
  | { readonly kind: 'miss'; readonly read: MissedRead }
  | { readonly kind: 'interrupt'; readonly uniqueLow: number; readonly uniqueHigh: number }
  | { readonly kind: 'warning'; readonly message: string }
  /** The connection is over; the worker ends. */
  | { readonly kind: 'ended' };

export type CompleterOrder =
  | { readonly kind: 'end' }
  | { readonly kind: 'attach'; readonly mount: number; readonly image: ServedImage }
  | { readonly kind: 'detach'; readonly mount: number }
  | { readonly kind: 'serve'; readonly mount: number; readonly read: MissedRead };

export type CompleterReport =
  | { readonly kind: 'attached'; readonly mount: number; readonly failure?: string }
  /** The mount's descriptor is not used any more and may be closed. */
  | { readonly kind: 'detached'; readonly mount: number }
  /** `missed`: a chunk went again before it could be read; nothing was answered. */
  | { readonly kind: 'served'; readonly mount: number; readonly read: MissedRead; readonly missed: boolean }
  | { readonly kind: 'warning'; readonly mount: number; readonly message: string };
