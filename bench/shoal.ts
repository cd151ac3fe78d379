// Shoal as the benchmarks use it: the real command line on a root of its own, and how images get from a tar into it.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import koffi from 'koffi';
import { ControlClient } from '../daemon/index.ts';

const run = promisify(execFile);
const MAIN = resolve(import.meta.dirname, '../cli/main.ts');
const MAX_OUTPUT = 64 << 20;

export class ShoalUnderTest {
  readonly #root: string;

  /** `root` need not exist. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Runs a command to its end; its standard output. Rejects, with what it said, when it fails. */
  async run(...args: readonly string[]): Promise<string> {
    // What is measured is what the benchmark does, not what comes in beside it.
    const env = { ...process.env, SHOAL_BACKGROUND_FILL: 'false' };
    const command = [MAIN, '--root', this.#root, ...args];
    const { stdout } = await run(process.execPath, command, { maxBuffer: MAX_OUTPUT, env });
    return stdout;
  }

  /** The daemon that a mount has started. */
  async daemonPid(): Promise<number> {
    const client = new ControlClient(join(this.#root, 'control.sock'));
    return (await client.info({ signal: AbortSignal.timeout(10_000) })).pid;
  }
}

/** The directory packed by tar, as `oci:LAYOUT:bench`: a layer for each list of what is in it. Needs umoci. */
export async function packImage(
  directory: string,
  layout: string,
  layers: readonly (readonly string[])[] = [['.']],
): Promise<string> {
  const layer = `${layout}.tar`;
  await run('umoci', ['init', '--layout', layout]);
  await run('umoci', ['new', '--image', `${layout}:bench`]);
  for (const names of layers) {
    await run('tar', ['-C', directory, '--sort=name', '--numeric-owner', '-cf', layer, ...names]);
    await run('umoci', ['raw', 'add-layer', '--image', `${layout}:bench`, layer]);
  }
  return `oci:${layout}:bench`;
}

/** CPU time so far of a process, its threads (ended ones, too) and the children that it has now, in nanoseconds. */
export async function cpuNanoseconds(pid: number): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []); // it has just ended
  const lists = await Promise.all(
    tasks.map(task => readFile(`/proc/${pid}/task/${task}/children`, 'latin1').catch(() => '')),
  );
  const children = lists.flatMap(list => list.split(' ')).filter(child => child !== '');
  const below = await Promise.all(children.map(child => cpuNanoseconds(Number(child))));
  return below.reduce((sum, ns) => sum + ns, ownNanoseconds(pid));
}

const clockGettime = koffi.load(null).func('int clock_gettime(int clock, _Out_ int64_t *time)');
/** The clock of another process's CPU time: MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of linux/posix-timers.h. */
const CPUCLOCK_SCHED = 2;

function ownNanoseconds(pid: number): number {
  const time = new BigInt64Array(2);
  const isThere = clockGettime((~pid << 3) | CPUCLOCK_SCHED, time) === 0;
  return isThere ? Number(time[0]) * 1e9 + Number(time[1]) : 0;
}

/** The middle one, or the mean of the middle two. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (position: number) => sorted[Math.floor(position)] ?? Number.NaN;
  return (at((sorted.length - 1) / 2) + at(sorted.length / 2)) / 2;
}
