// What travels between the daemon's main thread, the host process (over its IPC channel) and the thread that reads for it.
// The daemon checks what the host says: foreign native code lives in that process.

import { z } from 'zod';
import type { MissedRead } from '../fuse/messages.ts';
import type { SharedBlob } from '../fuse/read-server.ts';

export type HostOrder =
  | {
      /** The first one. The bootstrap's bytes come on standard input, until its end. */
      readonly kind: 'mount';
      readonly daemonPid: number;
      readonly mountpoint: string;
      readonly source: string;
      readonly shared: boolean;
      readonly maxBackground: number;
      /** For statfs: blocks of 4096 bytes, and inodes. */
      readonly blocks: number;
      readonly inodes: number;
      readonly bootstrapBytes: number;
    }
  /** The chunks of a waiting read have come. */
  | { readonly kind: 'again'; readonly id: number }
  /** Answer a waiting read with an errno. */
  | { readonly kind: 'fail'; readonly id: number; readonly errno: number }
  /** It was unmounted: the connection ends about now. */
  | { readonly kind: 'unmounted' };

export const hostReport = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('mounted') }),
  z.object({ kind: z.literal('failed'), code: z.string(), message: z.string() }),
  /** Nobody uses the mount any more. */
  z.object({ kind: z.literal('ended') }),
  z.object({ kind: z.literal('warning'), message: z.string() }),
]);
export type HostReport = z.infer<typeof hostReport>;

export interface ReadWorkerData {
  /** The daemon's end of the socket pair. */
  readonly fd: number;
  readonly bootstrap: SharedArrayBuffer;
  readonly blobs: readonly SharedBlob[];
  readonly counters: SharedArrayBuffer;
}

export type ReadWorkerMessage =
  | { readonly kind: 'miss'; readonly read: MissedRead }
  /** What became of a read that was asked for again. */
  | { readonly kind: 'again'; readonly id: number; readonly missed: boolean }
  | { readonly kind: 'warning'; readonly message: string }
  /** The host has gone; the thread ends. */
  | { readonly kind: 'ended' };
