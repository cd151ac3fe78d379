// What the daemon asks its helper process, and the answers. Both sides are ours; the daemon still checks the answer,
// because a helper may die in the middle of a sentence.

import { z } from 'zod';

/**
 * What the kernel reads a device of an image from: a file that the daemon exports by the connection of `mount-devices`, or a
 * file of the machine, by its absolute path.
 */
export type ErofsDevice = { readonly export: string } | { readonly path: string };

/** In the directory of a mount over a loop device: where a link to that is, by the source's name. */
export const LOOP_DIRECTORY = 'loop';

/** Bytes of a file. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** Mounts of ours are known by their source, `shoal:` and a random id, in the mount table of the helper's namespace. */
export type HelperRequest =
  /** The canonical path of a directory, and whether something is in it. `not-found` when it is none. */
  | { readonly op: 'inspect'; readonly path: string }
  /** Where these sources are mounted. */
  | { readonly op: 'find'; readonly sources: readonly string[] }
  /** Mounts the FUSE connection of descriptor 3. */
  | {
      readonly op: 'mount-fuse';
      readonly mountpoint: string;
      readonly source: string;
      /** st_mode of the root directory. */
      readonly rootMode: number;
      readonly readaheadBytes: number;
    }
  /** Mounts the FUSE connection of descriptor 3 nowhere: for EROFS to read an image's devices from. */
  | { readonly op: 'mount-devices'; readonly readaheadBytes: number }
  /** In the same process, before or after the next: reads ranges of a file, one after the other. For the self-test. */
  | {
      readonly op: 'read-file';
      readonly of: 'devices' | 'erofs';
      readonly path: string;
      readonly ranges: readonly Range[];
    }
  /** In the same process, when the connection is served: mounts the bootstrap over the devices. */
  | {
      readonly op: 'mount-erofs';
      /** Where the bootstrap lies, by the name of `source`. */
      readonly directory: string;
      readonly source: string;
      /** Undefined: nowhere; it goes with the process. */
      readonly mountpoint: string | undefined;
      /** In the order of the bootstrap. */
      readonly devices: readonly ErofsDevice[];
      /** Instead of devices and bootstrap: what has all of it, for a loop device over it. */
      readonly loop?: ErofsDevice | undefined;
      readonly readaheadBytes: number;
    }
  /** Mounts `lower`, `upper` and `work` of a directory as an overlay. */
  | { readonly op: 'mount-overlay'; readonly directory: string; readonly mountpoint: string; readonly source: string }
  /** Unmounts one after the other; `busy` stops it. A mountpoint that does not show our source is passed over. */
  | {
      readonly op: 'unmount';
      readonly mountpoints: readonly string[];
      readonly source: string;
      /** Also when in use: gone from the table at once, from memory when the last user lets go. */
      readonly detach: boolean;
    }
  /** Aborts and detaches whatever these sources still have mounted, for leftovers and failures. */
  | { readonly op: 'clean'; readonly sources: readonly string[] }
  /** Ends a FUSE connection, whoever serves it: every waiting request fails. */
  | { readonly op: 'abort'; readonly device: string }
  /** The same, if another helper is waiting in umount(2) for the end of what this connection serves. */
  | { readonly op: 'free-unmount'; readonly device: string; readonly source: string; readonly pid: number };

export interface HelperOrder {
  readonly daemonPid: number;
  readonly request: HelperRequest;
}

/** Which fields there are depends on the request. */
export const helperAnswer = z.object({
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  /** inspect */
  canonical: z.string().optional(),
  isEmpty: z.boolean().optional(),
  /** find */
  mounted: z.array(z.object({ source: z.string(), mountpoint: z.string() })).optional(),
  /** mount-fuse, mount-devices, mount-erofs, mount-overlay: `major:minor`. */
  device: z.string().optional(),
  /** read-file: what each range gave, the bytes in base64. */
  reads: z.array(z.union([z.object({ bytes: z.string() }), z.object({ errno: z.string() })])).optional(),
  /** clean: what was found or stood in the way, for the log; and the sources that are not wholly gone. */
  cleaned: z.array(z.string()).optional(),
  stuck: z.array(z.string()).optional(),
});

export type HelperAnswer = z.infer<typeof helperAnswer>;
