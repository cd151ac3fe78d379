// A scheduler out of its parts: the core, the server around it, and the pages. The libp2p node is the command line's.

import type { Libp2p } from '@libp2p/interface';
import type { Clock, Logger } from '../core/index.ts';
import { batchIntervalMs } from './core/config.ts';
import { SchedulerCore } from './core/scheduler-core.ts';
import { SchedulerMetrics } from './server/metrics.ts';
import { startPages } from './server/pages.ts';
import { SchedulerServer } from './server/server.ts';

export interface SchedulerPorts {
  readonly node: Pick<Libp2p, 'handle' | 'unhandle'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SchedulerOptions {
  /** Where the pages are. */
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  readonly version: string;
  readonly peerId: string;
}

export interface RunningScheduler {
  readonly httpPort: number;
  /** Resolves when it has no stream, timer or socket any more; the node is left to its owner. */
  stop(): Promise<void>;
}

/** Rejects with `busy` where somebody else listens, and with `system`. */
export async function startScheduler(ports: SchedulerPorts, options: SchedulerOptions): Promise<RunningScheduler> {
  const core = new SchedulerCore({ random: () => ports.clock.random() });
  const metrics: SchedulerMetrics = new SchedulerMetrics(core, () => server.streamCount);
  const server = new SchedulerServer({ ...ports, core, meter: metrics }, { batchMs: batchIntervalMs });
  // First, because a taken port is the likeliest thing to go wrong, and no node has been let in yet.
  const pages = await startPages({ core, metrics, clock: ports.clock }, options);
  metrics.start();
  await server.start();
  return {
    httpPort: pages.port,
    async stop() {
      await Promise.all([pages.stop(), server.stop()]);
      metrics.stop();
    },
  };
}
