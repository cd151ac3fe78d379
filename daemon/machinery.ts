// What all mounts of a daemon share: the cache, the fetch engine, the completer, the peers. Made when the root is the
// daemon's own, taken down when no mount is left.

import type { Clock, Logger, PeerNode } from '../core/index.ts';
import { bootId } from './boot-id.ts';
import { DiskStore } from './cache/disk-store.ts';
import type { FetchLimits, ServeLimits, StoreLimits } from './config.ts';
import { FetchEngine } from './fetch/engine.ts';
import type { FetchMetrics } from './fetch/fetch-metrics.ts';
import { Completer } from './fuse/completer.ts';
import { ServerThreads } from './fuse/server-threads.ts';
import type { Peers } from './ports.ts';
import { NodeChunks } from './sharing/local-chunks.ts';

export interface Machinery {
  readonly store: DiskStore;
  readonly engine: FetchEngine;
  readonly completer: Completer;
  readonly threads: ServerThreads;
  readonly nodeChunks: NodeChunks;
  readonly node: PeerNode | undefined;
}

export interface MachineryOptions {
  readonly cache: string;
  readonly limits: { readonly fetch: FetchLimits; readonly store: StoreLimits; readonly serve: ServeLimits };
}

/** Rejects with what store and peers reject with; then nothing of it is left. */
export async function startMachinery(
  ports: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly metrics: FetchMetrics;
    readonly peers?: Peers | undefined;
  },
  { cache, limits }: MachineryOptions,
): Promise<Machinery> {
  const { clock, log, metrics, peers } = ports;
  const store = new DiskStore({ clock, log }, { directory: cache, bootId: await bootId(), limits: limits.store });
  try {
    await store.start();
    const node = await peers?.start();
    const nodeChunks = new NodeChunks(log);
    const engine = new FetchEngine({ clock, log, metrics, local: nodeChunks }, limits.fetch);
    const completer = new Completer(log, limits.serve);
    return { store, engine, nodeChunks, node, completer, threads: new ServerThreads() };
  } catch (error) {
    await store.stop();
    throw error;
  }
}

/** Peers first: they read from the store. */
export async function stopMachinery({ node, completer, threads, store }: Machinery): Promise<void> {
  await node?.stop();
  await completer.stop();
  await threads.stop();
  await store.stop();
}
