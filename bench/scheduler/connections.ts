// Question: how many messages per second does the scheduler's process take over real encrypted connections on one core,
// how long does each decision take, and how much memory does it need, with many nodes that are in many tasks?
//
//   sh scripts/with-node.sh bench/scheduler/connections.ts [--hosts 10000] [--tasks 100] [--active 10] [--connections 250]
//       [--pieces 512] [--seconds 20] [--rates 5000,20000,0] [--profile DIRECTORY] [--json]
//
// The scheduler runs on core 0, everything that loads it on core 1 (taskset); what else the machine does is printed. Nodes
// are played: each has a stream of its own, many share a connection (noise with membership, yamux). All hosts join all tasks
// first (so many as `active` says are new to all, the others all have); that is timed by itself, until all
// know their neighbours. Then, at each rate (messages per second; 0: as many as the scheduler takes), hosts send
// what they send in earnest: nine reports of pieces for one want of 8 pieces, and for each lease a report when it is
// done. A report has 1 to 4 pieces of a task. A host says five such messages and a ping, and the next host goes on: more
// of them share a packet than with a connection for each. "Decision" is from a decoded message to the last answer handed to the
// stream; flushes, which grant leases and tell the neighbours, are counted by themselves.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printJson, printLine, printTable } from '../../cli/output.ts';
import { createClusterKey } from '../../proto/index.ts';
import type { LoadOrder, LoadResult } from './played-nodes.ts';
import type { SchedulerResult } from './scheduler-under-load.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '10000' },
    tasks: { type: 'string', default: '100' },
    active: { type: 'string', default: '10' },
    connections: { type: 'string', default: '250' },
    pieces: { type: 'string', default: '512' },
    seconds: { type: 'string', default: '20' },
    rates: { type: 'string', default: '5000,20000,0' },
    profile: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});

interface Row {
  readonly phase: string;
  readonly received: number;
  /** What one core would take, if it had nothing else to do. */
  readonly receivedPerCpuSecond: number;
  readonly sent: number;
  readonly decisionP50Ms: number;
  readonly decisionP99Ms: number;
  readonly flushP99Ms: number;
  readonly flushP99CpuMs: number;
  readonly answerP50Ms: number;
  readonly answerP99Ms: number;
  readonly schedulerCpu: number;
  readonly loadCpu: number;
  readonly machineCpu: number;
  readonly rssMiB: number;
  readonly lagP99Ms: number;
}

const directory = await mkdtemp(join(tmpdir(), 'shoal-bench-scheduler-'));
const children: ChildProcess[] = [];
try {
  const { privatePem, publicPem } = createClusterKey();
  await writeFile(join(directory, 'cluster.key'), privatePem, { mode: 0o600 });
  await writeFile(join(directory, 'cluster.pub'), publicPem);
  const scheduler = started('scheduler-under-load.ts', 0, [directory, values.profile]);
  const { address } = await scheduler.ask<{ address: string }>('address');
  const shape = [values.hosts, values.tasks, values.active, values.connections, values.pieces];
  const load = started('played-nodes.ts', 1, [directory, address, ...shape]);
  await load.ask('connect');
  const rows = [await measured('join', { kind: 'join' }, scheduler, load)];
  for (const rate of values.rates.split(',').map(Number)) {
    const order: LoadOrder = { kind: 'run', rate, seconds: Number(values.seconds) };
    rows.push(await measured(rate === 0 ? 'as many as it takes' : `${rate}/s asked for`, order, scheduler, load));
  }
  report(rows);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
}

interface Started {
  ask<T>(what: unknown): Promise<T>;
}

function started(file: string, core: number, args: readonly string[]): Started {
  const command = [process.execPath, '--max-old-space-size=12000', join(import.meta.dirname, file), ...args];
  const pinned = availableParallelism() > 1 ? ['taskset', '-c', String(core), ...command] : command;
  const [program = '', ...rest] = pinned;
  const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  return {
    ask: <T>(what: unknown) =>
      new Promise<T>((resolve, reject) => {
        child.once('message', answer => resolve(answer as T));
        child.once('exit', code => reject(new Error(`${file} ended with ${code}`)));
        child.send(what as object);
      }),
  };
}

async function measured(phase: string, order: LoadOrder, scheduler: Started, load: Started): Promise<Row> {
  await scheduler.ask('begin');
  const machine = await machineCpu();
  const loaded = await load.ask<LoadResult>(order);
  const result = await scheduler.ask<SchedulerResult>('end');
  const seconds = result.ms / 1000;
  return {
    phase,
    received: Math.round(result.received / seconds),
    sent: Math.round(result.sent / seconds),
    decisionP50Ms: result.decisionP50Ms,
    decisionP99Ms: result.decisionP99Ms,
    flushP99Ms: result.flushP99Ms,
    flushP99CpuMs: result.flushP99CpuMs,
    receivedPerCpuSecond: Math.round((1000 * result.received) / result.cpuMs),
    answerP50Ms: loaded.answerP50Ms,
    answerP99Ms: loaded.answerP99Ms,
    schedulerCpu: result.cpuMs / result.ms,
    loadCpu: loaded.cpuMs / loaded.ms,
    machineCpu: ((await machineCpu()) - machine) / seconds,
    rssMiB: result.rssBytes / 2 ** 20,
    lagP99Ms: result.lagP99Ms,
  };
}

/** Seconds of all cores since the machine's start, of everything. */
async function machineCpu(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / 100;
}

function report(rows: readonly Row[]): void {
  if (values.json) {
    printJson({ ...values, node: process.version, rows });
    return;
  }
  printLine(
    `${values.hosts} hosts in ${values.tasks} tasks of ${values.pieces} pieces each, ${values.active} of them new to all, on ${values.connections} connections`,
  );
  const ms = (value: number) => value.toFixed(2);
  printTable(
    [
      'phase',
      'in/s',
      'in/cpu s',
      'out/s',
      'decision p50',
      'p99 ms',
      'flush p99',
      'of cpu',
      'answer p50',
      'p99 ms',
      'cpu',
      'load',
      'all',
      'RSS MiB',
      'lag p99',
    ],
    rows.map(row => [
      row.phase,
      String(row.received),
      String(row.receivedPerCpuSecond),
      String(row.sent),
      row.decisionP50Ms.toFixed(3),
      ms(row.decisionP99Ms),
      ms(row.flushP99Ms),
      ms(row.flushP99CpuMs),
      ms(row.answerP50Ms),
      ms(row.answerP99Ms),
      ms(row.schedulerCpu),
      ms(row.loadCpu),
      ms(row.machineCpu),
      row.rssMiB.toFixed(0),
      ms(row.lagP99Ms),
    ]),
  );
}
