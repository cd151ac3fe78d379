// Port: what mounts images on this node. The daemon implements it; its control socket carries it; the command line
// (and later containerd's snapshotter) sees nothing else of the daemon.

import type { Digest } from './digest.ts';
import type { Platform } from './image-transfer.ts';

export const DRIVER_NAMES = ['fuse', 'fuse-native', 'erofs'] as const;
export type DriverName = (typeof DRIVER_NAMES)[number];
/** In the order in which `auto` tries them. */
export const AUTO_DRIVERS = ['erofs', 'fuse', 'fuse-native'] as const satisfies readonly DriverName[];

/** What the kernel reads an image by the driver erofs from: the daemon's files, or loop devices over them. */
export const EROFS_BACKINGS = ['file', 'loop'] as const;
export type ErofsBacking = (typeof EROFS_BACKINGS)[number];

export interface MountRequest {
  /** `docker://HOST/REPO:TAG[@digest]`, a bare reference, or `oci:` or `oci-archive:` with an absolute path. */
  readonly reference: string;
  /** Absolute path of an existing directory. */
  readonly mountpoint: string;
  readonly driver: 'auto' | DriverName;
  /** Default: auto. */
  readonly erofsBacking?: 'auto' | ErofsBacking | undefined;
  /** Put a writable layer (overlayfs) on top; its changes live until the mount is removed. */
  readonly writable: boolean;
  /** Mount also over a directory that has something in it, which is hidden then. Default: refused. */
  readonly nonEmpty?: boolean | undefined;
  readonly platform?: Platform | undefined;
  /** Speak HTTP without TLS to the registry. Never guessed. */
  readonly plainHttp: boolean;
  /** Take any certificate of the registry. */
  readonly insecure: boolean;
  /** For the image's registry. Kept in memory for as long as the mount lives; never written, listed or logged. */
  readonly credentials?: MountCredentials | undefined;
  /** Reads fail with an I/O error after this long without any source answering; absent: they wait. Milliseconds. */
  readonly readDeadlineMs?: number | undefined;
}

export interface MountCredentials {
  /** `<token>` says that the password is an identity token, as with docker's credential helpers. */
  readonly username: string;
  readonly password: string;
}

export interface MountInfo {
  readonly reference: string;
  readonly manifestDigest: Digest;
  readonly mountpoint: string;
  readonly driver: DriverName;
  /** Of the driver erofs. */
  readonly erofsBacking?: ErofsBacking | undefined;
  /** Why `auto` did not take a driver, or a backing, that it would rather have taken. */
  readonly driverReason?: string | undefined;
  /** Of the driver erofs: blobs that the kernel reads by itself, from their cache files. */
  readonly plainBlobs?: number | undefined;
  readonly writable: boolean;
  /** Wall time, milliseconds since 1970. */
  readonly mountedAt: number;
  /** Since when the daemon serves it that is there now, if another one has mounted it. Wall time as above. */
  readonly resumedAt?: number | undefined;
  readonly state: MountState;
  readonly stats: MountStats;
}

/** `stalled`: reads have waited for so long that it was reported. */
export interface MountState {
  readonly name: 'mounting' | 'ready' | 'stalled';
  /** Wall time, milliseconds since 1970. */
  readonly since: number;
}

export interface MountStats {
  /** Compressed bytes of all blobs of the image. */
  readonly totalBytes: number;
  /** Stored (compressed) bytes of all chunks that the image describes, and of those that are here. */
  readonly chunkBytes: number;
  readonly presentBytes: number;
  /** Compressed bytes fetched from sources because of this mount: the sum of the following three. */
  readonly fetchedBytes: number;
  readonly peerBytes: number;
  readonly mirrorBytes: number;
  readonly originBytes: number;
  /** Bytes that need not be fetched: they were here when it was mounted, or in another blob on this node. */
  readonly cacheBytes: number;
  /** Requests made to sources for them. */
  readonly requests: number;
  /** Reads answered from the cache at once, and reads that had to wait for a chunk. */
  readonly hits: number;
  readonly misses: number;
  /** Reads that wait right now, and for how long the one that has waited longest. Milliseconds. */
  readonly waiting: number;
  readonly longestWaitMs: number;
  /** Reads that have waited for so long that it was reported. */
  readonly slowReads: number;
  /** What comes from sources now: averages over the last seconds. */
  readonly bytesPerSecond: number;
  readonly requestsPerSecond: number;
}

/**
 * Contract, checked by test/conformance/image-mounter.ts:
 * - `mount` resolves when the tree can be used. All or nothing: on failure or abort nothing stays mounted. `busy` when
 *   the mountpoint is already one of ours; `not-found` when it does not exist or is no directory.
 * - `unmount` resolves when it is gone from the mount table. `not-found` when it is not ours, `busy` while something
 *   uses it, unless `force` (then it is detached and waiting readers get an error).
 * - Calls may run at once; those for one mountpoint are served in order.
 */
export interface ImageMounter {
  mount(request: MountRequest, options: { readonly signal: AbortSignal }): Promise<MountInfo>;
  unmount(
    mountpoint: string,
    options: { readonly signal: AbortSignal; readonly force?: boolean | undefined },
  ): Promise<void>;
  list(options: { readonly signal: AbortSignal }): Promise<readonly MountInfo[]>;
}
