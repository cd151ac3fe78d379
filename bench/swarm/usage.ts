// What the machine did during a run: processor time by whose it was, segments sent again, how soon the daemons answered. A result
// on a machine that was busy is none, so this stands beside each.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { retransmits } from '../../test/support/swarm/processes.ts';
import { cpuNanoseconds } from '../shoal.ts';

export interface Watched {
  readonly peers: readonly number[];
  readonly scheduler: number | undefined;
  readonly registry: number;
}

/** Processors in use on average, 1 for one of them. */
export interface Cores {
  readonly peers: number;
  readonly scheduler: number;
  readonly registry: number;
  /** The bench itself and those who read. */
  readonly bench: number;
  /** Everything else, the kernel's work for the network included. */
  readonly others: number;
  /** Of all processors, 0 to 1. */
  readonly machine: number;
  /** Processors that the host gave to others meanwhile. */
  readonly stolen: number;
}

interface Moment {
  readonly at: number;
  readonly peers: number;
  readonly scheduler: number;
  readonly registry: number;
  readonly bench: number;
  readonly busy: number;
  readonly stolen: number;
  readonly retransmits: number;
}

export class UsageMeter {
  readonly #watched: Watched;
  readonly #start: Moment;

  private constructor(watched: Watched, start: Moment) {
    this.#watched = watched;
    this.#start = start;
  }

  static async start(watched: Watched): Promise<UsageMeter> {
    return new UsageMeter(watched, await moment(watched));
  }

  /** Since the start. `readerSeconds`: processor time of readers that have ended. */
  async stop(readerSeconds: number): Promise<{ readonly cores: Cores; readonly retransmits: number }> {
    const [start, end] = [this.#start, await moment(this.#watched)];
    const elapsed = end.at - start.at;
    const cores = (key: 'peers' | 'scheduler' | 'registry' | 'busy' | 'stolen') => (end[key] - start[key]) / elapsed;
    const [peers, scheduler, registry] = [cores('peers'), cores('scheduler'), cores('registry')];
    const bench = (end.bench - start.bench + readerSeconds) / elapsed;
    const busy = cores('busy');
    return {
      cores: {
        peers,
        scheduler,
        registry,
        bench,
        others: Math.max(0, busy - peers - scheduler - registry - bench),
        machine: busy / availableParallelism(),
        stolen: cores('stolen'),
      },
      retransmits: end.retransmits - start.retransmits,
    };
  }
}

async function moment({ peers, scheduler, registry }: Watched): Promise<Moment> {
  const seconds = async (pid: number) => (await cpuNanoseconds(pid)) / 1e9;
  const [ofPeers, ofScheduler, ofRegistry] = await Promise.all([
    Promise.all(peers.map(seconds)),
    scheduler === undefined ? 0 : seconds(scheduler),
    seconds(registry),
  ]);
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now() / 1000,
    peers: ofPeers.reduce((sum, one) => sum + one, 0),
    scheduler: ofScheduler,
    registry: ofRegistry,
    bench: (user + system) / 1e6,
    ...machineSeconds(readFileSync('/proc/stat', 'latin1')),
    retransmits: [...peers, registry].reduce((sum, pid) => sum + retransmits(pid), 0),
  };
}

/** The kernel's unit, the same on all of today's architectures. */
const TICKS_PER_SECOND = 100;

/** From /proc/stat: processor seconds since boot. */
export function machineSeconds(stat: string): { readonly busy: number; readonly stolen: number } {
  const ticks = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = ticks;
  return { busy: (user + nice + system + irq + softirq) / TICKS_PER_SECOND, stolen: stolen / TICKS_PER_SECOND };
}

/** Milliseconds. */
export interface Answers {
  readonly p99: number;
  readonly max: number;
}

/** 99th percentile and maximum; zeros for none. */
export function answersOf(times: readonly number[]): Answers {
  const sorted = times.toSorted((a, b) => a - b);
  return { p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0, max: sorted.at(-1) ?? 0 };
}
