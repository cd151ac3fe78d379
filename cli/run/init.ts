// The first process of a container where there is no runc: started by unshare(1) in fresh mount, pid, ipc and uts
// namespaces, it builds the container's mounts, pivots into the root file system, becomes the user and turns into the
// program. Runs as a process of its own: node cli/run/init.ts (description as JSON on file descriptor 3).

import { closeSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isShoalError, messageOf, ShoalError } from '../../core/index.ts';
import {
  becomeUser,
  execve,
  limitCapabilities,
  MNT_DETACH,
  MS,
  mount,
  pivotRoot,
  setHostname,
  umount,
} from '../syscalls.ts';
import {
  type BindMount,
  type Container,
  INIT_CAPABILITY_NUMBERS,
  MASKED_PATHS,
  READ_ONLY_PATHS,
  SYSTEM_MOUNTS,
} from './container.ts';
import { resolveInRoot } from './rootfs-path.ts';

const DESCRIPTION_FD = 3;
/** What a shell says for "command not found" and "found, but cannot be executed". */
const EXIT_NOT_FOUND = 127;
const EXIT_CANNOT_EXECUTE = 126;

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
/** Programs expect these (runtime specification, "Default Devices" and "Default Filesystems"). */
const DEVICE_LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
] as const;
const FLAG_OF_OPTION: Readonly<Record<string, number>> = { nosuid: MS.nosuid, noexec: MS.noexec, nodev: MS.nodev };

async function main(): Promise<void> {
  const container = JSON.parse(readFileSync(DESCRIPTION_FD, 'utf8')) as Container; // written by our own parent
  closeSync(DESCRIPTION_FD);
  mount('none', '/', null, MS.rec | MS.private, null);
  mount(container.rootfs, container.rootfs, null, MS.bind | MS.rec, null);
  await mountSystem(container.rootfs);
  protectProc(container.rootfs);
  for (const bind of container.binds) await bindInto(container.rootfs, bind);
  setHostname(container.hostname);
  process.chdir(container.rootfs);
  pivotRoot('.', '.'); // the old root is stacked on the same place and taken off from above (pivot_root(2))
  umount('.', MNT_DETACH);
  start(container);
}

async function mountSystem(rootfs: string): Promise<void> {
  for (const { target, type, source, options } of SYSTEM_MOUNTS) {
    const at = await directoryIn(rootfs, target);
    const flags = options.reduce((sum, option) => sum | (FLAG_OF_OPTION[option] ?? 0), 0);
    const data = options.filter(option => option.includes('=') || option === 'newinstance').join(',');
    mount(source, at, type, flags, data || null);
  }
  const sys = await directoryIn(rootfs, '/sys');
  // Not what is mounted below it: cgroups and FUSE connections are the host's.
  mount('/sys', sys, null, MS.bind, null);
  mount('none', sys, null, MS.bind | MS.remount | MS.rdonly | MS.nosuid | MS.noexec | MS.nodev, null);
  for (const [name, target] of DEVICE_LINKS) symlinkSync(target, join(rootfs, 'dev', name));
  for (const name of DEVICES) {
    const at = join(rootfs, 'dev', name);
    writeFileSync(at, '');
    mount(`/dev/${name}`, at, null, MS.bind, null);
  }
}

/** As runc does it: files and directories that tell about the host are covered, switches of the kernel read-only. */
function protectProc(rootfs: string): void {
  for (const path of READ_ONLY_PATHS.map(inside => join(rootfs, inside)).filter(path => existsSync(path))) {
    mount(path, path, null, MS.bind | MS.rec, null);
    mount('none', path, null, MS.bind | MS.remount | MS.rdonly | MS.nosuid | MS.noexec | MS.nodev, null);
  }
  for (const path of MASKED_PATHS.map(inside => join(rootfs, inside)).filter(path => existsSync(path))) {
    if (statSync(path).isDirectory()) mount('tmpfs', path, 'tmpfs', MS.rdonly | MS.nosuid | MS.noexec | MS.nodev, null);
    else mount('/dev/null', path, null, MS.bind, null);
  }
}

async function directoryIn(rootfs: string, path: string): Promise<string> {
  const at = await resolveInRoot(rootfs, path);
  mkdirSync(at, { recursive: true });
  return at;
}

async function bindInto(rootfs: string, bind: BindMount): Promise<void> {
  const at = await resolveInRoot(rootfs, bind.target);
  if (statSync(bind.source).isDirectory()) {
    mkdirSync(at, { recursive: true });
  } else if (!existsSync(at)) {
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, '');
  }
  // A remount reaches only the top: what is mounted below a read-only volume would stay writable, so it is left out.
  mount(bind.source, at, null, bind.readOnly ? MS.bind : MS.bind | MS.rec, null);
  if (bind.readOnly) mount('none', at, null, MS.bind | MS.remount | MS.rdonly, null);
}

function start(container: Container): never {
  mkdirSync(container.process.cwd, { recursive: true });
  process.chdir(container.process.cwd);
  const [name = ''] = container.process.args;
  const program = name.includes('/') ? name : searchPath(name, container.process.env);
  if (program === undefined) {
    throw new ShoalError('not-found', `${name}: not found in the image's PATH`);
  }
  limitCapabilities(INIT_CAPABILITY_NUMBERS);
  becomeUser(container.user.uid, container.user.gid, container.user.additionalGids);
  return execve(program, container.process.args, container.process.env);
}

function searchPath(name: string, env: readonly string[]): string | undefined {
  const path = env.find(entry => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  return path
    .split(':')
    .map(folder => join(folder || '.', name))
    .find(candidate => existsSync(candidate));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`shoal: ${messageOf(error)}\n`);
  process.exitCode = isShoalError(error, 'not-found') ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
}
