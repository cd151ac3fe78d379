// What a mounted image needs of the daemon, and what is to be known about it: the arguments of `ImageMount`.

import type { Clock, Logger } from '../core/index.ts';
import type { DaemonLimits, ServeLimits } from './config.ts';
import type { ChosenDriver } from './driver-choice.ts';
import type { Completer } from './fuse/completer.ts';
import type { ServerThreads } from './fuse/server-threads.ts';
import type { ImageContentPorts } from './image-content.ts';
import type { KeptMount } from './leftovers.ts';
import type { MountHelper } from './mount/helper-client.ts';
import type { Holder } from './mount-keeping.ts';
import type { LazyImage } from './ports.ts';
import type { SavedImage } from './resume-record.ts';
import type { MountRecord, StateDir } from './state-dir.ts';

export interface ImageMountPorts extends ImageContentPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly completer: Completer;
  readonly threads: Pick<ServerThreads, 'take'>;
  readonly helper: MountHelper;
  readonly state: Pick<StateDir, 'add' | 'remove'>;
  /** Undefined: mounts end with this daemon. */
  readonly holder: Holder | undefined;
}

export interface ImageMountOptions {
  readonly image: Omit<LazyImage, 'bootstrap'>;
  /** How it was asked for: the next daemon fetches from there. */
  readonly requested: Pick<SavedImage, 'requested' | 'plainHttp' | 'insecure'>;
  readonly chosen: ChosenDriver;
  /** What is written down about it for as long as anything of it is left. */
  readonly record: MountRecord;
  readonly readDeadlineMs: number | undefined;
  /** A directory of this mount's own, for the layers of a writable one or a bootstrap; created and removed here. */
  readonly directory: string;
  readonly limits: { readonly serve: ServeLimits; readonly daemon: DaemonLimits };
}

/** Of a mount that a dead daemon has made. */
export type Kept = Pick<KeptMount, 'bootstrap' | 'connection'>;
