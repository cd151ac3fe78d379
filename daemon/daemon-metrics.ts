// The daemon's metrics in Prometheus' form: one registry of its own. What other threads count (hits, misses) lies in
// shared memory and is read when somebody asks; nothing here is on the path of a read.

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import {
  type DriverName,
  type ErrorCode,
  type Logger,
  type MountInfo,
  messageOf,
  type SwarmStatus,
} from '../core/index.ts';
import type { DiskStore } from './cache/disk-store.ts';
import { FetchMetrics } from './fetch/fetch-metrics.ts';
import type { Answerer } from './fetch/want.ts';
import { ReadDurations, sumOfTimes } from './read-times.ts';
import { type ReadTimes, SharedCounters } from './shared-counters.ts';
import { addSwarmMetrics } from './swarm-metrics.ts';

/**
 * The library's histogram of event loop delays wakes the process up as often as it is precise (0.5 % of a processor at
 * its default of 10 ms), and shows its own period as delay. Almost off; its results are left out.
 */
const EVENT_LOOP_PRECISION_MS = 1_000;
const EVENT_LOOP_HISTOGRAM = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

export interface MeasuredMount {
  info(): MountInfo;
  readonly hitTimes: ReadTimes;
  readonly resentRequests: number;
}

export interface MetricsSources {
  readonly log: Logger;
  /** All that are served, also those that nobody sees any more but still uses. */
  readonly mounts: () => readonly MeasuredMount[];
  /** Undefined before it is open. */
  readonly cache: () => Pick<DiskStore, 'usedBytes' | 'memoryBytes' | 'freeBytes'> | undefined;
  /** Chunks that were copied from other blobs of this node. */
  readonly copiedChunks: () => number;
  /** Undefined: this node has no peers. */
  readonly swarm: () => SwarmStatus | undefined;
}

type Totals = Pick<MountInfo['stats'], 'hits' | 'misses' | 'slowReads'>;

export class DaemonMetrics {
  readonly fetch: FetchMetrics;
  readonly #registry = new Registry();
  readonly #sources: MetricsSources;
  readonly #mountErrors: Counter<'code'>;
  readonly #takeovers: Counter;
  readonly #readDurations: ReadDurations;
  /** Of mounts that are gone: a counter never goes back. */
  #gone: Totals = { hits: 0, misses: 0, slowReads: 0 };
  #goneResent = 0;
  #goneTimes: ReadTimes = new SharedCounters().hitTimes();

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    this.fetch = new FetchMetrics(this.#registry);
    this.#mountErrors = new Counter({
      name: 'shoal_mount_errors_total',
      help: 'Mounts that were asked for and failed, by error code.',
      labelNames: ['code'],
      registers: [this.#registry],
    });
    this.#takeovers = new Counter({
      name: 'shoal_takeovers_total',
      help: 'Mounts of a daemon that died or handed over, which this one has gone on with.',
      registers: [this.#registry],
    });
    this.#addMounts();
    this.#addReads();
    this.#readDurations = new ReadDurations(this.#registry, () =>
      sources.mounts().reduce((times, { hitTimes }) => sumOfTimes(times, hitTimes), this.#goneTimes),
    );
    this.#addCache();
    addSwarmMetrics(this.#registry, sources.swarm);
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
    for (const part of EVENT_LOOP_HISTOGRAM) this.#registry.removeSingleMetric(`nodejs_eventloop_lag_${part}_seconds`);
  }

  mountFailed(code: ErrorCode): void {
    this.#mountErrors.inc({ code });
  }

  /** A mount of a daemon that is dead goes on. */
  mountResumed(): void {
    this.#takeovers.inc();
  }

  /** A read that had to wait was served. */
  readServed(from: Answerer, ms: number): void {
    this.#readDurations.served(from, ms);
  }

  /** Its counters stay in the totals. */
  mountGone(mount: MeasuredMount): void {
    this.#gone = sum(this.#gone, mount.info().stats);
    this.#goneResent += mount.resentRequests;
    this.#goneTimes = sumOfTimes(this.#goneTimes, mount.hitTimes);
  }

  /** The page that Prometheus wants, and what to call it. */
  async page(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #addMounts(): void {
    const mounts = new Gauge({
      name: 'shoal_mounts',
      help: 'Images that are mounted, by driver.',
      labelNames: ['driver'],
      registers: [this.#registry],
      collect: () => {
        const count = new Map<DriverName, number>();
        for (const { driver } of this.#infos()) count.set(driver, (count.get(driver) ?? 0) + 1);
        mounts.reset();
        for (const [driver, value] of count) mounts.set({ driver }, value);
      },
    });
    // The type breaks a circle that inference can't: the collector speaks of what it is part of.
    const plain: Gauge = new Gauge({
      name: 'shoal_plain_blobs',
      help: 'Blobs of mounts by erofs that the kernel reads by itself, from their cache files.',
      registers: [this.#registry],
      collect: () => plain.set(this.#infos().reduce((all, { plainBlobs = 0 }) => all + plainBlobs, 0)),
    });
    const waiting: Gauge = new Gauge({
      name: 'shoal_reads_waiting',
      help: 'Reads that wait for a chunk now.',
      registers: [this.#registry],
      collect: () => waiting.set(this.#infos().reduce((all, { stats }) => all + stats.waiting, 0)),
    });
    const longest: Gauge = new Gauge({
      name: 'shoal_longest_wait_seconds',
      help: 'How long the read has waited that has waited longest; 0 when none waits.',
      registers: [this.#registry],
      collect: () => longest.set(Math.max(0, ...this.#infos().map(({ stats }) => stats.longestWaitMs)) / 1000),
    });
  }

  #addReads(): void {
    const reads = new Counter({
      name: 'shoal_reads_total',
      help: 'Reads of files: answered from the cache at once (hit), or after a chunk was fetched (miss).',
      labelNames: ['result'],
      registers: [this.#registry],
      collect: () => {
        const { hits, misses } = this.#totals();
        reads.reset();
        reads.inc({ result: 'hit' }, hits);
        reads.inc({ result: 'miss' }, misses);
      },
    });
    const resent: Counter = new Counter({
      name: 'shoal_resent_requests_total',
      help: 'Requests that a daemon which died had left unanswered, and that the kernel has sent again.',
      registers: [this.#registry],
      collect: () => {
        resent.reset();
        resent.inc(this.#sources.mounts().reduce((all, { resentRequests }) => all + resentRequests, this.#goneResent));
      },
    });
    const slow = new Counter({
      name: 'shoal_slow_reads_total',
      help: 'Reads that waited for 10 seconds or longer.',
      registers: [this.#registry],
      collect: () => {
        slow.reset();
        slow.inc(this.#totals().slowReads);
      },
    });
  }

  #addCache(): void {
    const copied: Counter = new Counter({
      name: 'shoal_copied_chunks_total',
      help: 'Chunks that were not fetched because another blob on this node had them.',
      registers: [this.#registry],
      collect: () => {
        copied.reset();
        copied.inc(this.#sources.copiedChunks());
      },
    });
    const sizes = [
      ['shoal_cache_bytes', 'Bytes that the cache takes on its disk.', () => this.#sources.cache()?.usedBytes()],
      [
        'shoal_cache_memory_bytes',
        'Bytes of open blobs in the cache that are in memory too, in pages that the kernel takes back when it needs them.',
        () => this.#sources.cache()?.memoryBytes(),
      ],
      ['shoal_cache_free_bytes', "Bytes left on the cache's file system.", () => this.#sources.cache()?.freeBytes()],
    ] as const;
    for (const [name, help, look] of sizes) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect: async () => {
          try {
            gauge.set((await look()) ?? 0);
          } catch (error) {
            // The rest of the page is worth having. No number is better than an old one.
            gauge.reset();
            this.#sources.log.warn('the size of the cache is not known', { error: messageOf(error) });
          }
        },
      });
    }
  }

  #infos(): MountInfo[] {
    return this.#sources.mounts().map(mount => mount.info());
  }

  #totals(): Totals {
    return this.#infos().reduce<Totals>((totals, { stats }) => sum(totals, stats), this.#gone);
  }
}

function sum(a: Totals, b: Totals): Totals {
  return { hits: a.hits + b.hits, misses: a.misses + b.misses, slowReads: a.slowReads + b.slowReads };
}
