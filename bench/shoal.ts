// Shoal as the benchmarks use it: the real command line on a root of its own, and how images get from a tar into it.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
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
    const { stdout } = await run(process.execPath, [MAIN, '--root', this.#root, ...args], { maxBuffer: MAX_OUTPUT });
    return stdout;
  }

  /** The daemon that a mount has started. */
  async daemonPid(): Promise<number> {
    const client = new ControlClient(join(this.#root, 'control.sock'));
    return (await client.info({ signal: AbortSignal.timeout(10_000) })).pid;
  }
}

/** An image of one layer, the directory packed by tar, as `oci:LAYOUT:bench`. Needs umoci. */
export async function packImage(directory: string, layout: string): Promise<string> {
  const layer = `${layout}.tar`;
  await run('tar', ['-C', directory, '--sort=name', '--numeric-owner', '-cf', layer, '.']);
  await run('umoci', ['init', '--layout', layout]);
  await run('umoci', ['new', '--image', `${layout}:bench`]);
  await run('umoci', ['raw', 'add-layer', '--image', `${layout}:bench`, layer]);
  return `oci:${layout}:bench`;
}

/** CPU time so far of a process, its threads and its children, in nanoseconds. What has ended is not counted. */
export async function cpuNanoseconds(pid: number): Promise<number> {
  const read = (path: string) => readFile(path, 'latin1').catch(() => ''); // it has just ended
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const used = tasks.map(async task => {
    const [own, children] = await Promise.all(
      ['schedstat', 'children'].map(name => read(`/proc/${pid}/task/${task}/${name}`)),
    );
    const below = (children ?? '').split(' ').filter(child => child !== '');
    const ofChildren = await Promise.all(below.map(child => cpuNanoseconds(Number(child))));
    return ofChildren.reduce((sum, ns) => sum + ns, Number(own?.split(' ')[0]));
  });
  return (await Promise.all(used)).reduce((sum, ns) => sum + ns, 0);
}

/** The middle one, or the mean of the middle two. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (position: number) => sorted[Math.floor(position)] ?? Number.NaN;
  return (at((sorted.length - 1) / 2) + at(sorted.length / 2)) / 2;
}
