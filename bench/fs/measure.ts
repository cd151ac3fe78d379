// One cell of the table: a row against a contestant, with the kernel's caches in a known state.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cpuNanoseconds } from '../shoal.ts';
import type { Contestant } from './contestants.ts';
import type { BenchTree } from './tree.ts';

const run = promisify(execFile);
/** A stuck mount must fail the bench, not hang it. */
const LIMIT_MS = 60_000;

export interface Row {
  /** What load.c knows it as. */
  readonly name: string;
  readonly list: keyof BenchTree['lists'];
  readonly threads: number;
}

const KINDS: readonly Pick<Row, 'name' | 'list'>[] = [
  { name: 'stat', list: 'files' },
  { name: 'lookup-miss', list: 'missing' },
  { name: 'readdir', list: 'directories' },
  { name: 'readdir-stat', list: 'directories' },
  { name: 'open-read-close', list: 'files' },
  { name: 'random-4k', list: 'large' },
  { name: 'sequential', list: 'large' },
];

export const ROWS: readonly Row[] = [1, 8].flatMap(threads => KINDS.map(kind => ({ ...kind, threads })));

/** All per operation. An operation is a path, a directory entry, a read, or for `sequential` a MiB. */
export interface Sample {
  readonly microseconds: number;
  /** CPU time of the contestant's process. */
  readonly daemonCpu: number;
  /** The same and the load's; what the kernel does in their names is in both. */
  readonly totalCpu: number;
}

export interface Load {
  readonly program: string;
  readonly tree: BenchTree;
  readonly randomReads: number;
}

/**
 * What the kernel has before a measurement. `warm`: names, attributes and the pages of inodes are dropped, so that with FUSE
 * every operation reaches the daemon; what EROFS reads from stays. `cold`: everything is dropped, and then the files that the
 * bytes lie in are read back into memory, which are the daemon's, or the kernel's where it reads them by itself.
 */
export type State = 'warm' | 'cold';

export async function measureDaemon(load: Load, contestant: Contestant, row: Row, state: State): Promise<Sample> {
  await drop(contestant, state);
  return measure(load, contestant, row, contestant.files.length === 0 ? 'keep' : 'drop');
}

/** Bytes that are in the page cache, for each byte of the large file, when it was read once and nothing before. */
export async function pageCachePerByte({ tree, program, randomReads }: Load, contestant: Contestant): Promise<number> {
  await writeFile('/proc/sys/vm/drop_caches', '3');
  const before = await cachedBytes();
  const args = ['sequential', '1', 'keep', contestant.directory, tree.lists.large, `${randomReads}`];
  const { stdout } = await run(program, args, { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  const { bytes }: { bytes: number } = JSON.parse(stdout);
  return ((await cachedBytes()) - before) / bytes;
}

async function cachedBytes(): Promise<number> {
  return Number(/^Cached:\s*(\d+) kB/m.exec(await readFile('/proc/meminfo', 'latin1'))?.[1]) * 1024;
}

/** The row done twice, the second time measured: the kernel answers what it keeps. */
export function measureKernel(load: Load, contestant: Contestant, row: Row): Promise<Sample> {
  return measure(load, contestant, row, 'again');
}

async function measure(
  { program, tree, randomReads }: Load,
  contestant: Contestant,
  { name, list, threads }: Row,
  pages: 'keep' | 'drop' | 'again',
): Promise<Sample> {
  const before = await daemonCpu(contestant);
  const args = [name, `${threads}`, pages, contestant.directory, tree.lists[list], `${randomReads}`];
  const { stdout } = await run(program, args, { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  const daemonNs = (await daemonCpu(contestant)) - before;
  const { ops, ns, cpuNs }: { ops: number; ns: number; cpuNs: number } = JSON.parse(stdout);
  const perOperation = (value: number) => value / 1000 / ops;
  return {
    microseconds: perOperation(ns),
    daemonCpu: perOperation(daemonNs),
    totalCpu: perOperation(daemonNs + cpuNs),
  };
}

async function daemonCpu({ pid }: Contestant): Promise<number> {
  return pid === undefined ? 0 : cpuNanoseconds(pid);
}

/**
 * Drops directory entries and inodes that nobody uses, on the whole machine, and waits until the daemon has digested
 * what the kernel tells it about that. An inode of FUSE or EROFS takes its pages along. `cold`: all pages as well.
 */
async function drop(contestant: Contestant, state: State): Promise<void> {
  await writeFile('/proc/sys/vm/drop_caches', state === 'warm' ? '2' : '3');
  if (state === 'cold') for (const file of contestant.files) await run('sh', ['-c', 'cat "$0" > /dev/null', file]);
  for (let before = -1, now = await daemonCpu(contestant); now !== before; ) {
    before = now;
    await setTimeout(3);
    now = await daemonCpu(contestant);
  }
}
