// Looks at the machine: every read of a file and every child process of doctor is here. What can't be found out is
// undefined, never an error; nothing here takes longer than a few seconds, whatever hangs.

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdtemp, open, readFile, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import {
  EROFS_BACKINGS,
  errnoOf,
  isShoalError,
  messageOf,
  ShoalError,
  siblingScript,
  systemClock,
} from '../../core/index.ts';
import { type BackingProblems, ControlClient, checkDriver, probeHoles, ringFacts } from '../../daemon/index.ts';
import { dockerConfigCredentials } from '../../registry/index.ts';
import type { CommandContext } from '../command.ts';
import { withoutCredentials } from '../credentials.ts';
import { findProgram } from '../run/launch.ts';
import { VERSION } from '../version.ts';
import type { CacheFact, DaemonFact, DeviceFact, DockerConfigFact, Facts } from './facts.ts';

const run = promisify(execFile);

/** A local question that takes longer hangs: a dead network file system, a daemon that is stuck. */
const PATIENCE_MS = 5_000;

const FUSE_DEVICE = '/dev/fuse';

export async function gatherFacts(context: CommandContext, configProblem: string | undefined): Promise<Facts> {
  const { settings } = context;
  const [cache, fuse, fuseNative, erofs, status, limits] = await Promise.all([
    within(lookAtCache(settings.root)).catch((error: unknown) => messageOf(error)),
    tryFuse(context),
    tryFuseNative(),
    tryErofs(),
    text('/proc/self/status'),
    text('/proc/self/limits'),
  ]);
  const fileSystems = parseFileSystems(await text('/proc/filesystems'));
  const mountTable = (await text('/proc/self/mountinfo')) ?? '';
  return {
    platform: process.platform,
    kernel: release(),
    nodeVersion: process.versions.node,
    shoalVersion: VERSION,
    uid: process.geteuid?.() ?? 0,
    capabilities: hexField(status, 'CapEff'),
    boundingCapabilities: hexField(status, 'CapBnd'),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status ?? ''),
    maxUserNamespaces: number(await text('/proc/sys/user/max_user_namespaces')),
    namespaceSwitches: await namespaceSwitches(),
    fileSystems,
    fusectlMounted: mountTable.includes(' - fusectl '),
    fuseDevice: await lookAtDevice(),
    rings: ringFacts(),
    serveWorkers: settings.daemon.serveWorkers,
    keepMounts: settings.keepMounts,
    fusermount: await lookAtFusermount(context.env['PATH'] ?? ''),
    userAllowOther: /^\s*user_allow_other\b/m.test((await text('/etc/fuse.conf')) ?? ''),
    tried: { fuse, fuseNative, erofs },
    overlayProblem: fileSystems.includes('overlay') ? undefined : 'the kernel has not loaded it',
    cache: typeof cache === 'string' ? undefined : cache,
    cacheProblem: typeof cache === 'string' ? cache : undefined,
    maxOpenFiles: limitOf(limits, 'Max open files'),
    maxLockedBytes: limitOf(limits, 'Max locked memory'),
    maxThreads: number(await text('/proc/sys/kernel/pid_max')),
    cgroupMemoryBytes: await cgroupNumber('memory', ['memory.max', 'memory.limit_in_bytes']),
    cgroupTasks: await cgroupNumber('pids', ['pids.max']),
    now: systemClock.now(),
    releasedAt: (await stat(import.meta.filename)).mtimeMs,
    dockerConfig: await lookAtDockerConfig(settings.dockerConfig, context.env),
    configFile: settings.config.file?.path,
    configProblem,
    daemon: await lookAtDaemon(settings.controlSocket),
  };
}

async function within<T>(work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = systemClock.sleep(PATIENCE_MS, { signal: done.signal }).then(() => {
    throw new Error(`no answer within ${PATIENCE_MS / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => {}); // ended in time
    done.abort();
  }
}

/** A file's text; undefined when it can't be read. */
function text(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

function number(found: string | undefined): number | undefined {
  return found !== undefined && /^\d+\s*$/.test(found) ? Number(found) : undefined;
}

function hexField(status: string | undefined, name: string): bigint | undefined {
  const found = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status ?? '')?.[1];
  return found === undefined ? undefined : BigInt(`0x${found}`);
}

/** The hard limit: Node raises its soft one to it. */
function limitOf(limits: string | undefined, name: string): number | undefined {
  const [, hard] = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(limits ?? '') ?? [];
  return hard === undefined ? undefined : Number(hard);
}

/** Lines of `nodev`, tab, name, or of tab, name. */
function parseFileSystems(table: string | undefined): string[] {
  return (table ?? '').split('\n').flatMap(line => line.split('\t')[1] ?? []);
}

/** What a cgroup (version 2, or the controller's own of version 1) allows; undefined: everything. */
async function cgroupNumber(controller: string, files: readonly string[]): Promise<number | undefined> {
  const groups = ((await text('/proc/self/cgroup')) ?? '').trim().split('\n');
  for (const group of groups) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(group) ?? [];
    if (controllers !== '' && !controllers.split(',').includes(controller)) continue;
    // In a container the path may be the host's, of which only the end is to be seen here.
    for (const folder of [join(`/sys/fs/cgroup/${controllers}`, path), `/sys/fs/cgroup/${controllers}`]) {
      for (const file of files) {
        const found = number(await text(join(folder, file)));
        if (found !== undefined) return found < Number.MAX_SAFE_INTEGER ? found : undefined;
      }
    }
  }
  return undefined;
}

async function namespaceSwitches(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of ['kernel.unprivileged_userns_clone', 'kernel.apparmor_restrict_unprivileged_userns']) {
    const value = number(await text(`/proc/sys/${name.replaceAll('.', '/')}`));
    if (value !== undefined) found[name] = value;
  }
  return found;
}

async function lookAtDevice(): Promise<DeviceFact> {
  const found = await stat(FUSE_DEVICE).catch(() => undefined);
  if (found === undefined) return { mode: undefined, isCharacterDevice: false, openError: 'ENOENT' };
  const openError = await open(FUSE_DEVICE, constants.O_RDWR).then(
    file => file.close(),
    (error: unknown) => errnoOf(error) ?? messageOf(error),
  );
  return { mode: found.mode & 0o7777, isCharacterDevice: found.isCharacterDevice(), openError: openError ?? undefined };
}

/** libfuse 2, which fuse-native has, looks for the older name; Debian's fuse3 has both. */
async function lookAtFusermount(path: string): Promise<Facts['fusermount']> {
  const program = await findProgram('fusermount', path);
  if (program === undefined) return undefined;
  const found = await stat(program).catch(() => undefined);
  return { path: program, setuid: ((found?.mode ?? 0) & 0o4000) !== 0 && found?.uid === 0 };
}

/**
 * The driver's own way, as far as it can be gone without leaving anything: a connection is mounted and removed by a
 * child process, in a mount namespace of its own where there is unshare(1), so that nobody else meets it.
 */
async function tryFuse({ env }: CommandContext): Promise<string | undefined> {
  if (process.platform !== 'linux') return `not on ${process.platform}`;
  if (process.geteuid?.() !== 0) return 'needs root';
  const directory = await mkdtemp(join(tmpdir(), 'shoal-doctor-'));
  const child = [process.execPath, ownScript('try-fuse'), directory];
  const unshare = await findProgram('unshare', env['PATH'] ?? '');
  const namespace = unshare === undefined ? [] : [unshare, '--mount', '--propagation', 'private', '--'];
  const problem = await inChild([...namespace, ...child]);
  await rmdir(directory).catch(() => {}); // still mounted: then the child said so
  return problem;
}

/** What the driver itself looks at, and then whether its package can be loaded. */
async function tryFuseNative(): Promise<string | undefined> {
  const { problem } = await checkDriver('fuse-native');
  return problem ?? inChild([process.execPath, ownScript('try-fuse-native')]);
}

/** The daemon's self-test, with both backings, in a child process: the kernel may be one on which it hangs. */
async function tryErofs(): Promise<string | BackingProblems> {
  const { problem } = await checkDriver('erofs');
  if (problem !== undefined) return problem;
  const directory = await mkdtemp(join(tmpdir(), 'shoal-doctor-'));
  const command = [process.execPath, ownScript('try-erofs'), directory] as const;
  try {
    const { stdout } = await run(command[0], command.slice(1), { timeout: SELF_TEST_MS, killSignal: 'SIGKILL' });
    return backingProblems.parse(JSON.parse(stdout));
  } catch (error) {
    return `the self-test failed: ${lastWords(error)}`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The test itself ends earlier. */
const SELF_TEST_MS = 30_000;

const backingProblems = z.partialRecord(z.enum(EROFS_BACKINGS), z.string());

function ownScript(name: string): string {
  return fileURLToPath(siblingScript(import.meta.url, name));
}

/** Why a child process failed, in its last words. */
async function inChild([file = '', ...args]: readonly string[]): Promise<string | undefined> {
  try {
    await run(file, args, { timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
    return undefined;
  } catch (error) {
    return lastWords(error);
  }
}

function lastWords(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const lines = stderr.trim().split('\n');
  const said = lines.find(line => /^(?:\w*Error|shoal)\b/.test(line)) ?? lines.at(-1);
  return said?.replace(/^(?:Error|shoal): /, '') || messageOf(error).split('\n')[0] || 'failed';
}

async function lookAtCache(root: string): Promise<CacheFact> {
  const directory = await nearestDirectory(join(root, 'cache'));
  const { bavail, blocks, bsize, ffree } = await statfs(directory);
  const mine = await mkdtemp(join(directory, '.shoal-doctor-'));
  try {
    return {
      directory,
      fsType: fsTypeAt((await text('/proc/self/mountinfo')) ?? '', directory),
      freeBytes: bavail * bsize,
      totalBytes: blocks * bsize,
      // File systems without a fixed number of files say 0 of 0.
      freeInodes: ffree === 0 ? Number.MAX_SAFE_INTEGER : ffree,
      holesProblem: await probeHoles(join(mine, 'file')).then(
        () => undefined,
        (error: unknown) => messageOf(error),
      ),
    };
  } finally {
    await rm(mine, { recursive: true, force: true });
  }
}

async function nearestDirectory(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() || path === '/') return path;
  if (found !== undefined) throw new ShoalError('system', `${path} is not a directory`);
  return nearestDirectory(dirname(path));
}

/** The type of the file system with the longest mountpoint above the path; of two at one place the later counts. */
function fsTypeAt(mountTable: string, path: string): string {
  let [length, type] = [-1, 'unknown'];
  for (const line of mountTable.split('\n')) {
    const [, mountpoint = '', found = ''] = /^(?:\S+ ){4}(\S+) .* - (\S+) /.exec(line) ?? [];
    const isAbove = path === mountpoint || path.startsWith(mountpoint === '/' ? '/' : `${mountpoint}/`);
    if (mountpoint !== '' && isAbove && mountpoint.length >= length) [length, type] = [mountpoint.length, found];
  }
  return type;
}

async function lookAtDockerConfig(path: string, env: CommandContext['env']): Promise<DockerConfigFact> {
  const found = await stat(path).catch(() => undefined);
  try {
    await dockerConfigCredentials(path, withoutCredentials(env))('registry.example');
    return { path, mode: found === undefined ? undefined : found.mode & 0o777, problem: undefined };
  } catch (error) {
    return { path, mode: undefined, problem: messageOf(error) };
  }
}

async function lookAtDaemon(socket: string): Promise<DaemonFact> {
  const socketExists = (await stat(socket).catch(() => undefined)) !== undefined;
  const client = new ControlClient(socket);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const { pid, version } = await client.info({ signal });
    const mounts = await client.list({ signal });
    return { socket, socketExists, running: { pid, version, mounts }, problem: undefined };
  } catch (error) {
    const none = isShoalError(error, 'unreachable') || isShoalError(error, 'not-found');
    const problem = signal.aborted ? `does not answer on ${socket} within ${PATIENCE_MS / 1000} s` : messageOf(error);
    return { socket, socketExists, running: undefined, problem: none ? undefined : problem };
  }
}
