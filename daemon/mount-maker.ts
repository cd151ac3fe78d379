// Makes mounts out of what a daemon has for all of them: new ones, and those that an earlier daemon left.

import { join } from 'node:path';
import { isDigest, type MountRequest, ShoalError } from '../core/index.ts';
import { type DaemonLimits, defaultFillLimits, defaultServeLimits } from './config.ts';
import type { DaemonMetrics } from './daemon-metrics.ts';
import type { DaemonOptions, DaemonPorts } from './daemon-options.ts';
import type { ChosenDriver } from './driver-choice.ts';
import type { Pace } from './fetch/pace.ts';
import { ImageMount } from './image-mount.ts';
import type { ImageMountOptions } from './image-mount-options.ts';
import type { KeptMount } from './leftovers.ts';
import type { Machinery } from './machinery.ts';
import type { MountHelper } from './mount/helper-client.ts';
import type { Holder } from './mount-keeping.ts';
import type { LazyImage } from './ports.ts';
import type { MountRecord, StateDir } from './state-dir.ts';

export interface MountMakerParts extends Machinery {
  readonly ports: DaemonPorts;
  readonly options: DaemonOptions;
  readonly limits: DaemonLimits;
  readonly helper: MountHelper;
  readonly state: StateDir;
  readonly pace: Pace;
  readonly metrics: DaemonMetrics;
}

/** For a new mount. `holder`: undefined when it is to end with this daemon. */
export function newMount(
  parts: MountMakerParts,
  record: MountRecord,
  what: {
    readonly request: MountRequest;
    readonly image: Omit<LazyImage, 'bootstrap'>;
    readonly chosen: ChosenDriver;
    readonly holder: Holder | undefined;
  },
): ImageMount {
  const { request, image, chosen, holder } = what;
  const { reference, plainHttp, insecure, readDeadlineMs } = request;
  return makeMount(parts, holder, {
    record,
    image,
    chosen,
    readDeadlineMs,
    requested: { requested: reference, plainHttp, insecure },
  });
}

/** For one that is there already; asks nobody. Throws `malformed`, `usage` for what can't be right in what was written. */
export function keptMount(
  parts: MountMakerParts,
  { written, record, pieces }: KeptMount,
  holder: Holder | undefined,
): ImageMount {
  const { reference, manifestDigest } = written;
  if (!isDigest(manifestDigest)) throw new ShoalError('malformed', `mount ${written.id}: ${manifestDigest}`);
  const { requested, plainHttp, insecure, layers, totalBytes } = record.image;
  const sources = parts.ports.library.sources({ reference: requested, plainHttp, insecure });
  return makeMount(parts, holder, {
    record: written,
    image: { reference, manifestDigest, layers, totalBytes, pieces, ...sources },
    chosen: { driver: record.driver, erofsBacking: record.erofsBacking, reason: record.driverReason },
    readDeadlineMs: record.readDeadlineMs,
    requested: { requested, plainHttp, insecure },
  });
}

function makeMount(
  parts: MountMakerParts,
  holder: Holder | undefined,
  what: Omit<ImageMountOptions, 'directory' | 'limits'>,
): ImageMount {
  const { clock, log, peers } = parts.ports;
  const { store, node, metrics, helper, state, pace } = parts;
  const { fill, limits } = parts.options;
  return new ImageMount(
    {
      clock,
      log: log.with({ image: what.image.reference }),
      store,
      engine: parts.engine,
      completer: parts.completer,
      threads: parts.threads,
      nodeChunks: parts.nodeChunks,
      helper,
      state,
      holder,
      sharing: peers && node && { swarm: node.swarm, chunkSource: peers.chunkSource },
      fill: fill && { pace, freePart: () => store.freePart(), limits: limits?.fill ?? defaultFillLimits },
      onServed: (from, ms) => metrics.readServed(from, ms),
    },
    {
      ...what,
      directory: join(state.paths.mounts, what.record.id),
      limits: { serve: limits?.serve ?? defaultServeLimits, daemon: parts.limits },
    },
  );
}
