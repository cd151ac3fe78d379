// What is compared: Shoal's drivers, the plain libfuse program, and the machine's own file system, each showing the same
// tree in a directory of its own.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { ShoalUnderTest } from '../shoal.ts';
import type { Programs } from './programs.ts';
import type { BenchTree } from './tree.ts';

const run = promisify(execFile);

export interface Contestant {
  readonly name: string;
  readonly directory: string;
  /** The process that answers; undefined when the kernel does everything. */
  readonly pid: number | undefined;
  /** The files that its bytes lie in, which stand in memory when it is measured; none: it is its own. */
  readonly files: readonly string[];
  readonly end: () => Promise<void>;
}

const RINGS_PARAMETER = '/sys/module/fuse/parameters/enable_uring';

/**
 * What is said as `fuse-uring`: the driver `fuse` where the kernel has FUSE over io_uring turned on. As `erofs-complete`: all
 * of the image was there when it was mounted; with the other drivers nothing was. `erofs-loop`: by loop devices.
 */
function driverOf(name: string): { readonly options: readonly string[]; readonly rings: boolean } {
  const [driver = '', ...kinds] = name.startsWith('fuse-native') ? [name] : name.split('-');
  const backing = kinds.includes('loop') ? ['--erofs-backing', 'loop'] : [];
  return { options: ['--driver', driver, ...backing], rings: kinds.includes('uring') };
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
  const { options, rings } = driverOf(name);
  const mountpoint = await directoryIn(directory, name);
  const root = join(directory, `root-${name}`);
  const shoal = new ShoalUnderTest(root);
  const mount = () => withRings(rings, () => shoal.run('mount', ...options, reference, mountpoint));
  await mount();
  if (name.includes('complete')) {
    await run('sh', ['-c', 'find "$0" -type f -exec cat {} + > /dev/null', mountpoint]);
    await shoal.run('umount', mountpoint);
    await mount();
  }
  const files = await readdir(root, { recursive: true });
  return {
    name,
    directory: mountpoint,
    pid: await shoal.daemonPid(),
    // The cache, and the bootstrap where the kernel reads it.
    files: files.filter(file => /\.data$|^mounts\/.*\/shoal:[^/]*$/.test(file)).map(file => join(root, file)),
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
    files: [join(directory, 'libfuse-data')],
    end: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The same tree as an EROFS image of one file, made by mkfs.erofs and mounted from it: nobody but the kernel is involved. */
export async function startPlainErofs(
  directory: string,
  tree: BenchTree,
  { mountFile }: Programs,
): Promise<Contestant> {
  const mountpoint = await directoryIn(directory, 'plain-erofs');
  const image = join(directory, 'plain.erofs');
  await run('mkfs.erofs', ['--quiet', image, tree.directory]);
  await run(mountFile, [image, mountpoint]);
  return {
    name: 'plain-erofs',
    directory: mountpoint,
    pid: undefined,
    files: [image],
    end: async () => {
      await run(mountFile, [mountpoint]);
    },
  };
}

/** The directory that the tree was made in. */
export function ownFileSystem(tree: BenchTree, type: string): Contestant {
  return { name: type, directory: tree.directory, pid: undefined, files: [], end: async () => {} };
}

async function directoryIn(directory: string, name: string): Promise<string> {
  const path = join(directory, `mnt-${name}`);
  await mkdir(path);
  return path;
}
