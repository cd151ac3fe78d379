// A daemon in a container shaped like a pod of a Kubernetes DaemonSet that is privileged: pid, mount and cgroup namespaces of
// its own, a sysfs and a /dev of its own, and one directory of the host by rshared bind ("Bidirectional"), by which its
// mounts come to the host. The program's files are the host's, read-only.

import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_CAPABILITIES } from '../../cli/run/container.ts';
import { MAIN } from './shoal.ts';

const run = promisify(execFile);
const CHECKOUT = resolve(import.meta.dirname, '../..');
const MAX_COMMAND_MS = 30_000;
/** What programs are made of. Not /etc/mtab and the like: a pod has its own. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc'].filter(existsSync);
/** A privileged container gets the nodes that the host has when it starts; of loop devices this one has none, and makes them. */
const DEVICES: readonly (readonly [path: string, major: number, minor: number])[] = [
  ['/dev/fuse', 10, 229],
  ['/dev/loop-control', 10, 237],
];
/** Less than a privileged pod has: what containers have anyway, and what mounting takes. */
const CAPABILITIES = [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN'];

export interface PodOptions {
  /** Directories of the host that are in the pod at the same path, with what is mounted below them, both ways. */
  readonly shared: readonly string[];
  /** Of the daemon, in one of them. */
  readonly root: string;
  /** Where the container's own files go: in none of them, or runc makes that one private. */
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Pod {
  /** Of its first process, as the host sees it. */
  readonly pid: number;
  /** As `kubectl delete --force`: SIGKILL for all processes, and every namespace of it is gone. Also a second time. */
  delete(): Promise<void>;
}

/** Makes a directory of the host one that a pod can share: mounts below it are seen by all who have it. The caller's to unmount. */
export async function shareDirectory(path: string): Promise<void> {
  await run('mount', ['--bind', path, path]);
  await run('mount', ['--make-shared', path]);
}

/** Starts `shoal daemon` as the first process of a new container. Rejects with what runc says. */
export async function startPod(options: PodOptions): Promise<Pod> {
  const name = `shoal-test-${randomUUID()}`;
  const bundle = await mkdtemp(join(options.directory, 'pod-'));
  const pidFile = join(bundle, 'pid');
  const log = join(bundle, 'log');
  await mkdir(join(bundle, 'rootfs'));
  await writeFile(join(bundle, 'config.json'), JSON.stringify(podConfig(options)));
  const output = openSync(log, 'w');
  try {
    await started(['run', '--detach', '--pid-file', pidFile, '--bundle', bundle, name], output);
  } catch (error) {
    throw new Error(`runc: ${(await readFile(log, 'utf8')).trim()}`, { cause: error });
  } finally {
    closeSync(output);
  }
  const pid = Number(await readFile(pidFile, 'utf8'));
  let isGone = false;
  return {
    pid,
    delete: async () => {
      if (isGone) return;
      isGone = true;
      await run('runc', ['delete', '--force', name], { timeout: MAX_COMMAND_MS });
      await rm(bundle, { recursive: true, force: true });
    },
  };
}

/** A detached container keeps what runc was given as standard output: so it can be no pipe that we wait for. */
function started(args: readonly string[], output: number): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn('runc', args, { stdio: ['ignore', output, output], timeout: MAX_COMMAND_MS });
    child.once('error', fail);
    child.once('exit', code => (code === 0 ? done() : fail(new Error(`exit code ${code}`))));
  });
}

function podConfig({ shared, root, env = {} }: PodOptions): unknown {
  const bind = (path: string, ...options: string[]) => ({
    destination: path,
    source: path,
    type: 'bind',
    options: ['rbind', ...options],
  });
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args: [process.execPath, MAIN, '--root', root, 'daemon'],
      env: Object.entries({ PATH: process.env['PATH'] ?? '', HOME: '/root', ...env }).map(
        ([key, value]) => `${key}=${value}`,
      ),
      cwd: '/',
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
    },
    root: { path: 'rootfs' },
    hostname: 'pod',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'nodev', 'noexec'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'rw'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'rw'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev'] },
      ...SYSTEM.map(path => bind(path, 'ro', 'rprivate')),
      bind(CHECKOUT, 'ro', 'rprivate'),
      ...shared.map(path => bind(path, 'rw', 'rshared')),
    ],
    linux: {
      rootfsPropagation: 'rshared',
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'cgroup'].map(type => ({ type })),
      devices: DEVICES.map(([path, major, minor]) => ({
        path,
        type: 'c',
        major,
        minor,
        fileMode: 0o600,
        uid: 0,
        gid: 0,
      })),
      resources: { devices: [{ allow: true, access: 'rwm' }] },
    },
  };
}
