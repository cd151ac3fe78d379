// The scheduler's process of bench/scheduler/connections.ts: the real one, but for who its nodes are (one per stream), and
// with a stopwatch for every decision in place of the histogram's buckets.
//   node scheduler-under-load.ts DIRECTORY [PROFILE]
// PROFILE: a folder for a processor profile of each phase (bench/profile.ts sums it up).

import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { type Logger, silentLogger, systemClock } from '../../core/index.ts';
import { peerIdFromBytes } from '../../proto/index.ts';
import { batchIntervalMs } from '../../scheduler/core/config.ts';
import type { SchedulerEffect, SchedulerEvent } from '../../scheduler/core/events.ts';
import { SchedulerCore } from '../../scheduler/core/scheduler-core.ts';
import { SERVER_LIMITS } from '../../scheduler/server/limits.ts';
import { SchedulerServer } from '../../scheduler/server/server.ts';
import { memberNode } from './member-node.ts';

export interface SchedulerResult {
  readonly ms: number;
  readonly cpuMs: number;
  readonly received: number;
  readonly sent: number;
  readonly decisionP50Ms: number;
  readonly decisionP99Ms: number;
  readonly flushP99Ms: number;
  /** In time of the processor. */
  readonly flushP99CpuMs: number;
  readonly rssBytes: number;
  readonly lagP99Ms: number;
}

const [directory = '', profiles = ''] = process.argv.slice(2);
const node = await memberNode(directory, 'scheduler', ['/ip4/127.0.0.1/tcp/0'], 1_000);
const lag = monitorEventLoopDelay({ resolution: 5 });
lag.enable();

let [received, sent, began] = [0, 0, performance.now()];
let cpu = process.cpuUsage();
let decisions: number[] = [];
let flushes: number[] = [];
let flushCpu: number[] = [];

// What goes wrong must be seen: a scheduler that turns everybody away is fast.
const log: Logger = {
  ...silentLogger,
  error: (message, fields) => console.error('scheduler:', message, fields),
  warn: (message, fields) => console.error('scheduler:', message, fields),
  info: (message, fields) => console.error('scheduler:', message, fields),
};
const core = new SchedulerCore({ random: Math.random });
const server = new SchedulerServer(
  {
    node: node.libp2p,
    core: {
      handle: handled,
      get hasNews() {
        return core.hasNews;
      },
      get isBehind() {
        return core.isBehind;
      },
    },
    clock: systemClock,
    log,
    meter: {
      // Pings are the benchmark's own.
      onMessage: kind => {
        if (kind !== 'ping' && kind !== 'pong') received++;
      },
      onSent: () => void sent++,
      onDropped: () => {},
      onDecision: (kind, ms) => {
        if (kind === 'message') decisions.push(ms);
        else if (kind === 'flush') flushes.push(ms);
      },
    },
  },
  // All nodes are one process, which may be late for reasons of its own: none is dropped for silence.
  { limits: { ...SERVER_LIMITS, quietMs: 600_000 }, batchMs: batchIntervalMs, peerOf: nextPeer },
);
await server.start();

/**
 * Flushes are long enough to be taken off the processor in between: what they cost, with putting their messages into bytes,
 * is measured in its own time, too.
 */
function handled(event: SchedulerEvent, now: number): Iterable<SchedulerEffect> {
  return event.kind === 'flush' ? flushed(event, now) : core.handle(event, now);
}

function* flushed(event: SchedulerEvent, now: number): Generator<SchedulerEffect> {
  const before = process.threadCpuUsage();
  yield* core.handle(event, now);
  const { user, system } = process.threadCpuUsage(before);
  flushCpu.push((user + system) / 1000);
}

let peers = 0;
/** Any 32 bytes look like a key to who need not verify anything by it. */
function nextPeer(): string {
  const bytes = Buffer.alloc(38);
  bytes.set([0x00, 0x24, 0x08, 0x01, 0x12, 0x20]);
  bytes.writeUInt32BE(++peers, 6);
  return peerIdFromBytes(bytes);
}

const inspector = new Session();
let phases = 0;

async function beginProfile(): Promise<void> {
  if (profiles === '') return;
  if (phases++ === 0) {
    inspector.connect();
    await inspector.post('Profiler.enable');
  }
  await inspector.post('Profiler.start');
}

async function endProfile(): Promise<void> {
  if (profiles === '') return;
  const { profile } = await inspector.post('Profiler.stop');
  writeFileSync(join(profiles, `scheduler-${phases}.cpuprofile`), JSON.stringify(profile));
}

process.on('message', async what => {
  if (what === 'address') process.send?.({ address: node.addresses[0] });
  if (what === 'begin') {
    await beginProfile();
    [received, sent, began, decisions, flushes, flushCpu] = [0, 0, performance.now(), [], [], []];
    cpu = process.cpuUsage();
    lag.reset();
    process.send?.({});
  }
  if (what === 'end') {
    // Nodes have all been heard; what follows from it belongs to it.
    while (core.hasNews) await setTimeout(1);
    const answer = result();
    await endProfile();
    process.send?.(answer);
  }
});
process.on('disconnect', () => process.exit(0));

function result(): SchedulerResult {
  const { user, system } = process.cpuUsage(cpu);
  const ms = performance.now() - began;
  return {
    ms,
    cpuMs: (user + system) / 1000,
    received,
    sent,
    decisionP50Ms: quantile(decisions, 0.5),
    decisionP99Ms: quantile(decisions, 0.99),
    flushP99Ms: quantile(flushes, 0.99),
    flushP99CpuMs: quantile(flushCpu, 0.99),
    rssBytes: process.memoryUsage.rss(),
    lagP99Ms: Math.max(0, lag.percentile(99) / 1e6 - 5),
  };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
