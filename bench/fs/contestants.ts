// What is compared: Shoal's drivers, the plain libfuse program, and the machine's own file system, each showing the same
// tree in a directory of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ShoalUnderTest } from '../shoal.ts';
import type { Programs } from './programs.ts';
import type { BenchTree } from './tree.ts';

export interface Contestant {
  readonly name: string;
  readonly directory: string;
  /** The process that answers; undefined when the kernel does everything. */
  readonly pid: number | undefined;
  readonly end: () => Promise<void>;
}

const RINGS_PARAMETER = '/sys/module/fuse/parameters/enable_uring';

/** What is said as `fuse-uring`: the driver `fuse` where the kernel has FUSE over io_uring turned on. */
function driverOf(name: string): { readonly driver: string; readonly rings: boolean } {
  return name === 'fuse-uring' ? { driver: 'fuse', rings: true } : { driver: name, rings: false };
}

/** Runs `work` with the kernel's parameter so, and puts it back. Without the parameter there is only "off". */
async function withRings<T>(rings: boolean, work: () => Promise<T>): Promise<T> {
  if (!existsSync(RINGS_PARAMETER)) {
    if (rings) throw new Error('\nthis kernel has no FUSE over io_uring');
    return work();
  }
  const before = await readFile(RINGS_PARAMETER, 'latin1');
  await writeFile(RINGS_PARAMETER, rings ? 'Y' : 'N');
  try {
    return await work();
  } finally {
    await writeFile(RINGS_PARAMETER, before.trim());
  }
}

/** A Shoal mount of the image with a daemon of its own. Rejects when this driver is not to be had here. */
export async function startShoal(directory: string, reference: string, name: string): Promise<Contestant> {
  const { driver, rings } = driverOf(name);
  const mountpoint = await directoryIn(directory, name);
  const shoal = new ShoalUnderTest(join(directory, `root-${name}`));
  await withRings(rings, () => shoal.run('mount', '--driver', driver, reference, mountpoint));
  return {
    name,
    directory: mountpoint,
    pid: await shoal.daemonPid(),
    end: async () => {
      await shoal.run('umount', mountpoint); // the daemon ends with its last mount
    },
  };
}

export async function startLibfuse(directory: string, tree: BenchTree, { plainfs }: Programs): Promise<Contestant> {
  const mountpoint = await directoryIn(directory, 'libfuse');
  const child = spawn(plainfs, [tree.directory, join(directory, 'libfuse-data'), mountpoint], {
    // A session of its own, as daemons have: kernels with autogroup scheduling share the processor between sessions.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) if (line === 'ready') break;
  if (child.pid === undefined || child.exitCode !== null) throw new Error('plainfs did not start');
  return {
    name: 'libfuse',
    directory: mountpoint,
    pid: child.pid,
    end: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The directory that the tree was made in. */
export function ownFileSystem(tree: BenchTree, type: string): Contestant {
  return { name: type, directory: tree.directory, pid: undefined, end: async () => {} };
}

async function directoryIn(directory: string, name: string): Promise<string> {
  const path = join(directory, `mnt-${name}`);
  await mkdir(path);
  return path;
}
