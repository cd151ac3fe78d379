// What all mounts of a daemon share: the cache, the fetch engine, the completer, the peers. Made when the root is the
// daemon's own, taken down when no mount is left.

import type { Clock, Logger, PeerNode } from '../core/index.ts';
import { bootId } from './boot-id.ts';
import { DiskStore } from './cache/disk-store.ts';
import type { DaemonLimits, FetchLimits, ServeLimits, StoreLimits } from './config.ts';
import { FetchEngine } from './fetch/engine.ts';
import type { FetchMetrics } from './fetch/fetch-metrics.ts';
import { Completer } from './fuse/completer.ts';
import { ServerThreads } from './fuse/server-threads.ts';
import type { MountHelper } from './mount/helper-client.ts';
import type { Peers } from './ports.ts';
import { ErofsTests } from './self-test/erofs-tests.ts';
import { NodeChunks } from './sharing/local-chunks.ts';

export interface Machinery {
  readonly store: DiskStore;
  readonly engine: FetchEngine;
  readonly completer: Completer;
  readonly threads: ServerThreads;
  readonly nodeChunks: NodeChunks;
  readonly erofsTests: ErofsTests;
  readonly node: PeerNode | undefined;
}

export interface MachineryOptions {
  readonly root: string;
  readonly cache: string;
  readonly limits: {
    readonly fetch: FetchLimits;
    readonly store: StoreLimits;
    readonly serve: ServeLimits;
    readonly daemon: DaemonLimits;
  };
}

/** Rejects with what store and peers reject with; then nothing of it is left. */
export async function startMachinery(
  ports: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly helper: MountHelper;
    readonly metrics: FetchMetrics;
    readonly peers?: Peers | undefined;
  },
  { root, cache, limits }: MachineryOptions,
): Promise<Machinery> {
  const { clock, log, helper, metrics, peers } = ports;
  const store = new DiskStore({ clock, log }, { directory: cache, bootId: await bootId(), limits: limits.store });
  try {
    await store.start();
    const node = await peers?.start();
    const nodeChunks = new NodeChunks(log);
    const engine = new FetchEngine({ clock, log, metrics, local: nodeChunks }, limits.fetch);
    const completer = new Completer(log, limits.serve);
    const threads = new ServerThreads();
    const erofsTests = new ErofsTests({ clock, log, helper, threads }, { root, limits: limits.daemon });
    return { store, engine, nodeChunks, node, completer, threads, erofsTests };
  } catch (error) {
    await store.stop();
    throw error;
  }
}

/** Peers first: they read from the store. */
export async function stopMachinery(machinery: Machinery): Promise<void> {
  const { node, completer, threads, store, erofsTests } = machinery;
  await node?.stop();
  await erofsTests.stop();
  await completer.stop();
  await threads.stop();
  await store.stop();
}
