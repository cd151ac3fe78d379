// What serves a mount, made out of an opened image: a session of the FUSE server, which shows the tree or the devices, or one
// of fuse-native.

import { BootstrapReader } from '../image/index.ts';
import type { ServeLimits } from './config.ts';
import type { ErofsPlan } from './erofs-plan.ts';
import { assertLittleEndian } from './fuse/protocol.ts';
import { planRings, ringFacts } from './fuse/ring-plan.ts';
import { FuseSession, type SessionPorts } from './fuse/session.ts';
import { NativeSession } from './fuse-native/session.ts';
import type { ImageContent } from './image-content.ts';
import type { SharedCounters } from './shared-counters.ts';

const STATFS_BLOCK = 4096;

/** An image, opened for serving. */
export interface OpenedParts {
  readonly bootstrap: SharedArrayBuffer;
  readonly reader: BootstrapReader;
}

export interface ServingOptions {
  readonly counters: SharedCounters;
  readonly limits: ServeLimits;
  readonly readDeadlineMs: number | undefined;
}

type ServingPorts = Omit<SessionPorts, 'fetch' | 'onClones' | 'onUnservable'>;

export function openParts(bootstrap: SharedArrayBuffer): OpenedParts {
  assertLittleEndian();
  return { bootstrap, reader: new BootstrapReader(new Uint8Array(bootstrap)) };
}

export function makeFuseSession(
  ports: ServingPorts & Pick<SessionPorts, 'onClones' | 'onUnservable'>,
  parts: OpenedParts,
  content: ImageContent,
  options: ServingOptions & {
    readonly fd: number;
    readonly clones: readonly number[];
    /** It is to go on when this process is dead: what had come by a ring would be lost with it. */
    readonly outlives: boolean;
    /** Of the driver erofs; without one the tree is shown. */
    readonly plan: ErofsPlan | undefined;
  },
): FuseSession {
  const { bootstrap, reader } = parts;
  const { plan, outlives, limits } = options;
  const blobs = sharedBlobs(content);
  const rings = outlives ? { problem: 'mounts outlive the daemon' } : planRings(ringFacts(), limits.workers);
  return new FuseSession(
    { ...ports, fetch: content.fetch.bind(content) },
    {
      ...options,
      ...figures(parts, content),
      rings,
      image: {
        shows: plan?.shows ?? 'tree',
        bootstrap,
        chunks: reader.chunkTable().chunks,
        blobs: plan?.sources(blobs) ?? blobs,
      },
    },
  );
}

export function makeNativeSession(
  ports: ServingPorts,
  parts: OpenedParts,
  content: ImageContent,
  options: ServingOptions,
): NativeSession {
  return new NativeSession(
    { ...ports, fetch: content.fetch.bind(content) },
    { ...options, ...figures(parts, content), blobs: sharedBlobs(content), bootstrap: parts.bootstrap },
  );
}

function sharedBlobs(content: ImageContent) {
  return content.blobs.map(({ map, path }) => ({ map: map.buffer, path }));
}

/** For statfs. */
function figures({ bootstrap, reader }: OpenedParts, content: ImageContent) {
  const deviceBytes = content.blobs.reduce((sum, blob) => sum + blob.layout.deviceSize, bootstrap.byteLength);
  return { blocks: Math.ceil(deviceBytes / STATFS_BLOCK), inodes: reader.inodeCount };
}

/** The bytes in memory that all threads see; no copy when they lie there already. */
export function shared(bytes: Uint8Array): SharedArrayBuffer {
  if (bytes.buffer instanceof SharedArrayBuffer && bytes.buffer.byteLength === bytes.length) return bytes.buffer;
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}
