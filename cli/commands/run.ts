// shoal run: a program in a writable overlay on a lazily mounted image.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, realpath, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError, type MountRequest, ShoalError } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { absoluteReference, openConfig, type ReferenceOptions } from '../compose.ts';
import { givenCredentials } from '../credentials.ts';
import { findDaemon, requireDaemon, withDaemon } from '../daemon-launch.ts';
import { needRoot } from '../need-root.ts';
import type { BindMount, Container } from '../run/container.ts';
import { processOf, userOf } from '../run/image-config.ts';
import { findProgram, runContainer } from '../run/launch.ts';
import { readInRoot } from '../run/rootfs-path.ts';
import { readPlatform } from '../settings.ts';

export interface RunOptions extends ReferenceOptions {
  readonly rm?: boolean;
  readonly volume?: readonly string[];
  readonly env?: readonly string[];
  readonly runtime: 'auto' | 'runc' | 'namespaces';
}

/** Name resolution is the host's, like the network. */
const HOST_FILES = ['/etc/resolv.conf', '/etc/hosts'];

export async function run(
  context: CommandContext,
  reference: string,
  command: readonly string[],
  options: RunOptions,
): Promise<void> {
  needRoot('shoal run', 'mount the image (shoal mount) and start programs from there, for example with bwrap');
  const absolute = absoluteReference(reference);
  const credentials = givenCredentials(context, options, { standardInput: 'program' });
  const binds = await Promise.all((options.volume ?? []).map(parseVolume));
  const runc = await chooseRuntime(context, options.runtime);
  const config = await openConfig(context, absolute, options);
  const program = processOf(config.config ?? {}, command, options.env ?? []);

  const id = `shoal-${randomBytes(6).toString('hex')}`;
  const directory = join(context.settings.root, 'containers', id);
  const rootfs = join(directory, 'rootfs');
  const platform = options.platform === undefined ? undefined : readPlatform(options.platform);
  const image = {
    reference: absolute,
    platform,
    plainHttp: options.plainHttp ?? false,
    insecure: options.insecure ?? false,
    credentials: await credentials?.(),
  };
  await mountRoot(context, image, { directory, rootfs });
  try {
    const user = await userOf(config.config?.User ?? '', path => readInRoot(rootfs, path));
    const container: Container = {
      id,
      rootfs,
      hostname: id.slice('shoal-'.length),
      process: withHome(program, user.home),
      user,
      binds: [...hostFiles(), ...binds],
      terminal: runc !== undefined && process.stdin.isTTY === true && process.stdout.isTTY === true,
    };
    const runcRoot = join(context.settings.root, 'runc');
    using _ = context.leaveSignalsToProgram();
    context.setExitCode(await runContainer(container, { directory, runcRoot, runc }));
  } finally {
    if (options.rm) {
      // Not the command's signal: an interrupted run is cleaned up, too.
      const daemon = await requireDaemon(context);
      await daemon.unmount(rootfs, { signal: AbortSignal.timeout(UNMOUNT_TIMEOUT_MS) });
      await rm(directory, { recursive: true, force: true });
    } else {
      const { root } = context.settings;
      context.log.info(`the container stays mounted; remove it with: shoal --root ${root} umount ${rootfs}`);
    }
  }
}

const UNMOUNT_TIMEOUT_MS = 30_000;

/** Mounts the image writable at `rootfs`, which is made for it; when that fails, `directory` is gone again. */
async function mountRoot(
  context: CommandContext,
  image: Omit<MountRequest, 'mountpoint' | 'driver' | 'writable'>,
  { directory, rootfs }: { readonly directory: string; readonly rootfs: string },
): Promise<void> {
  try {
    await withDaemon(context, async daemon => {
      // Not before the daemon has made the root its own.
      await mkdir(rootfs, { recursive: true, mode: 0o700 });
      const { driver, erofsBacking, readDeadlineMs } = context.settings;
      const how = { driver, erofsBacking, readDeadlineMs, writable: true };
      const request: MountRequest = { ...image, mountpoint: rootfs, ...how };
      await daemon.mount(request, { signal: context.signal });
    });
  } catch (error) {
    await discard(context, rootfs, directory);
    throw error;
  }
}

/** After a mount that failed or was interrupted: the daemon may still be undoing it, and nothing is removed under it. */
async function discard(context: CommandContext, rootfs: string, directory: string): Promise<void> {
  const asking = { ...context, signal: AbortSignal.timeout(UNMOUNT_TIMEOUT_MS) };
  const daemon = await findDaemon(asking).catch(() => undefined); // what failed before is the reason to tell
  await daemon?.unmount(rootfs, { signal: AbortSignal.timeout(UNMOUNT_TIMEOUT_MS) }).catch(() => {}); // not mounted
  for (const path of [rootfs, directory]) await rmdir(path).catch(() => {}); // never made, or still in use
}

function hostFiles(): BindMount[] {
  return HOST_FILES.filter(path => existsSync(path)).map(path => ({ source: path, target: path, readOnly: true }));
}

function withHome(program: Container['process'], home: string): Container['process'] {
  const hasHome = program.env.some(entry => entry.startsWith('HOME='));
  return hasHome ? program : { ...program, env: [...program.env, `HOME=${home}`] };
}

async function parseVolume(text: string): Promise<BindMount> {
  const [source = '', target = '', mode = 'rw', ...rest] = text.split(':');
  if (!target.startsWith('/') || rest.length > 0 || !['ro', 'rw'].includes(mode)) {
    throw new ShoalError('usage', `--volume ${text}: expected SOURCE:TARGET[:ro] with an absolute TARGET`);
  }
  const path = await realpath(source).catch(error => {
    throw fromSystemError(error, `--volume ${text}`);
  });
  return { source: path, target, readOnly: mode === 'ro' };
}

async function chooseRuntime(context: CommandContext, runtime: RunOptions['runtime']): Promise<string | undefined> {
  if (runtime === 'namespaces') return undefined;
  const runc = await findProgram('runc', context.env['PATH'] ?? '');
  if (!runc && runtime === 'runc') throw new ShoalError('not-found', 'runc is not on the PATH');
  return runc;
}
