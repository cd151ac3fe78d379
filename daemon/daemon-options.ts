// What a daemon is made of and told: by the composition, and by tests.

import type { Clock, Logger } from '../core/index.ts';
import type { DaemonLimits, FetchLimits, FillLimits, ServeLimits, StoreLimits } from './config.ts';
import type { ImageLibrary, Peers } from './ports.ts';

export interface DaemonPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly library: ImageLibrary;
  /** Absent: this node has no peers. */
  readonly peers?: Peers | undefined;
}

export interface DaemonOptions {
  /** Absolute directory of all state and cache; created when missing, must be empty or ours. */
  readonly root: string;
  /** End when the last mount is gone (for a daemon that was started by `mount` or `run`). */
  readonly exitWhenIdle?: boolean;
  /** Let mounts outlive this process, where the kernel can: a holder keeps their connections for the next daemon. */
  readonly keepMounts?: boolean;
  /** Fetch the rest of each image in the background, all of them together at most at this rate. Absent: don't. */
  readonly fill?: { readonly bytesPerSecond?: number | undefined } | undefined;
  readonly limits?: {
    readonly fill?: FillLimits;
    readonly fetch?: FetchLimits;
    readonly store?: StoreLimits;
    readonly serve?: ServeLimits;
    readonly daemon?: DaemonLimits;
  };
}
