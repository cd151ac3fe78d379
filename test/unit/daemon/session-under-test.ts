// A FUSE connection without a daemon around it: the test is what fetches chunks, and chooses what the threads run.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createChunkMap, silentLogger, systemClock } from '../../../core/index.ts';
import { defaultServeLimits } from '../../../daemon/config.ts';
import { Completer } from '../../../daemon/fuse/completer.ts';
import type { MissedRead } from '../../../daemon/fuse/messages.ts';
import type { RingPlan } from '../../../daemon/fuse/ring-plan.ts';
import { ServerThreads } from '../../../daemon/fuse/server-threads.ts';
import { FuseSession } from '../../../daemon/fuse/session.ts';
import { MountHelper } from '../../../daemon/mount/helper-client.ts';
import { SharedCounters } from '../../../daemon/shared-counters.ts';
import { BootstrapReader } from '../../../image/index.ts';
import { atEnd, mountpointIn, scratch, signal } from './daemon-under-test.ts';
import type { TestImage } from './lazy-image.ts';

/** A server worker that ends in the middle of a lookup of the name `die`. */
export const MORTAL = new URL('dying-worker.ts', import.meta.url);

export interface SessionUnderTest {
  readonly mountpoint: string;
  readonly session: FuseSession;
  /** How many threads it has had. */
  readonly threadsTaken: () => number;
  /** Which workers died, in order. */
  readonly deaths: readonly number[];
  /** Makes every chunk present, as if it had just been stored. */
  readonly deliver: () => void;
  /** Takes the mount away, by force. */
  readonly unmount: () => Promise<void>;
}

export async function startSession(
  t: TestContext,
  image: TestImage,
  options: {
    /** What the threads run, if not what they should. */
    readonly script?: URL;
    readonly maxWorkerRestarts: number;
    /** How long the first thread serves alone. */
    readonly othersAfterMs?: number;
    /** Without: /dev/fuse. */
    readonly rings?: RingPlan;
    readonly fetch?: (read: MissedRead) => Promise<void>;
  },
): Promise<SessionUnderTest> {
  const directory = scratch(t);
  const helper = new MountHelper({ timeoutMs: 30_000 });
  const completer = new Completer(silentLogger, { maxWorkerRestarts: 0 });
  const mountpoint = mountpointIn(directory);
  const fd = openSync('/dev/fuse', 'r+');
  const bootstrap = new SharedArrayBuffer(image.bootstrap.length);
  new Uint8Array(bootstrap).set(image.bootstrap);
  const source = `shoal:${randomBytes(8).toString('hex')}`; // taken away by this name, while other files' tests run
  const reader = new BootstrapReader(image.bootstrap);
  const layouts = reader.blobLayouts(image.layers);
  const { blobs } = image.builder.finish(image.root);
  const cached = layouts.map((layout, index) => {
    const path = join(directory, `device-${index}`);
    writeFileSync(path, blobs[index]?.device ?? '');
    return { path, map: createChunkMap(layout.chunkCount) };
  });
  const deaths: number[] = [];
  const threads = new ServerThreads(options.script);
  let taken = 0;
  const session = new FuseSession(
    {
      clock: systemClock,
      log: {
        ...silentLogger,
        error: (_message, fields) => {
          const { worker } = fields ?? {};
          if (typeof worker === 'number') deaths.push(worker);
        },
      },
      completer,
      threads: {
        take: () => {
          taken++;
          return threads.take();
        },
      },
      fetch: options.fetch ?? (() => Promise.resolve()),
      onClones: async () => {},
      onUnservable: () => void helper.clean([source]),
    },
    {
      fd,
      image: {
        shows: 'tree',
        bootstrap,
        chunks: reader.chunkTable().chunks,
        blobs: cached.map(({ path, map }) => ({ path, map: map.buffer })),
      },
      counters: new SharedCounters(),
      limits: {
        ...defaultServeLimits,
        maxWorkerRestarts: options.maxWorkerRestarts,
        othersAfterMs: options.othersAfterMs ?? 0,
      },
      readDeadlineMs: undefined,
      blocks: 1,
      inodes: 2,
      rings: options.rings ?? { problem: 'not asked for' },
    },
  );
  atEnd(t, async () => {
    await helper.clean([source]);
    await session.stop();
    await completer.stop();
    closeSync(fd);
  });
  using steps = helper.forMount(fd);
  const order = { mountpoint, source, rootMode: 0o40755, readaheadBytes: defaultServeLimits.readaheadBytes };
  const [device] = await Promise.all([steps.mountFuse(order), session.load()]);
  assert.match(device, /^0:\d+$/);
  await session.serve(signal);
  const deliver = () => {
    for (const { map } of cached) for (let chunk = 0; chunk < map.chunkCount; chunk++) map.markPresent(chunk);
  };
  const unmount = async () => {
    await helper.clean([source]);
  };
  return { mountpoint, session, threadsTaken: () => taken, deaths, deliver, unmount };
}
