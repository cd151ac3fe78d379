// Port: what mounts images on this node. The daemon implements it; its control socket carries it; the command line
// (and later containerd's snapshotter) sees nothing else of the daemon.

import type { Digest } from './digest.ts';
import type { Platform } from './image-transfer.ts';

export type DriverName = 'fuse';

export interface MountRequest {
  /** `docker://HOST/REPO:TAG[@digest]`, a bare reference, or `oci:` or `oci-archive:` with an absolute path. */
  readonly reference: string;
  /** Absolute path of an existing directory. */
  readonly mountpoint: string;
  readonly driver: 'auto' | DriverName;
  /** Put a writable layer (overlayfs) on top; its changes live until the mount is removed. */
  readonly writable: boolean;
  readonly platform?: Platform | undefined;
  /** Speak HTTP without TLS to the registry. Never guessed. */
  readonly plainHttp: boolean;
  /** Reads fail with an I/O error after this long without any source answering; absent: they wait. Milliseconds. */
  readonly readDeadlineMs?: number | undefined;
}

export interface MountInfo {
  readonly reference: string;
  readonly manifestDigest: Digest;
  readonly mountpoint: string;
  readonly driver: DriverName;
  readonly writable: boolean;
  /** Wall time, milliseconds since 1970. */
  readonly mountedAt: number;
  readonly stats: MountStats;
}

export interface MountStats {
  /** Compressed bytes of all blobs of the image. */
  readonly totalBytes: number;
  /** Compressed bytes fetched from sources because of this mount. */
  readonly fetchedBytes: number;
  /** Requests made to sources for them. */
  readonly requests: number;
  /** Reads answered from the cache at once, and reads that had to wait for a chunk. */
  readonly hits: number;
  readonly misses: number;
  /** Reads that wait right now. */
  readonly waiting: number;
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
