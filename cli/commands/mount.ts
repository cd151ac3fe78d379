// shoal mount and shoal umount.

import { existsSync } from 'node:fs';
import { readFile, realpath, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fromSystemError, type MountRequest } from '../../core/index.ts';
import { isMountOfOurs } from '../../daemon/index.ts';
import type { CommandContext } from '../command.ts';
import { absoluteReference, type ReferenceOptions } from '../compose.ts';
import { givenCredentials } from '../credentials.ts';
import { findDaemon, requireDaemon, withDaemon } from '../daemon-launch.ts';
import { bytes, printJson, printLine } from '../output.ts';
import { readPlatform } from '../settings.ts';

export interface MountOptions extends ReferenceOptions {
  readonly rw?: boolean;
  readonly nonEmpty?: boolean;
}

export async function mount(
  context: CommandContext,
  reference: string,
  directory: string,
  options: MountOptions,
): Promise<void> {
  // Refused here, before a daemon is started for nothing.
  const absolute = absoluteReference(reference);
  const mountpoint = await realpath(directory).catch(error => {
    throw fromSystemError(error, `mountpoint ${directory}`);
  });
  const request: MountRequest = {
    reference: absolute,
    mountpoint,
    driver: context.settings.driver,
    erofsBacking: context.settings.erofsBacking,
    writable: options.rw ?? false,
    nonEmpty: options.nonEmpty ?? false,
    platform: options.platform === undefined ? undefined : readPlatform(options.platform),
    plainHttp: options.plainHttp ?? false,
    insecure: options.insecure ?? false,
    credentials: await givenCredentials(context, options)?.(),
    readDeadlineMs: context.settings.readDeadlineMs,
  };
  const info = await withDaemon(context, daemon => daemon.mount(request, { signal: context.signal }));
  if (info.driverReason !== undefined) {
    context.log.info(`driver ${info.driver}, because ${info.driverReason}; docs/drivers.md lists its limits`);
  }
  if (context.settings.json) return printJson(info);
  printLine(`${info.mountpoint}: ${info.reference} (${bytes(info.stats.totalBytes)}, driver ${info.driver})`);
}

export async function umount(
  context: CommandContext,
  directory: string,
  options: { readonly force?: boolean },
): Promise<void> {
  // No realpath: it would touch the mount, which may be stuck.
  const path = resolve(directory);
  if ((await findDaemon(context)) === undefined && (await removeDead(context, path))) return;
  const daemon = await requireDaemon(context);
  await daemon.unmount(path, { signal: context.signal, force: options.force });
  await removeContainer(context, path);
}

/** What `shoal run` made around a root file system that was kept, or that was left because the command was killed. */
async function removeContainer(context: CommandContext, rootfs: string): Promise<void> {
  const directory = dirname(rootfs);
  if (dirname(directory) !== join(context.settings.root, 'containers')) return;
  await rm(join(directory, 'config.json'), { force: true });
  for (const path of [rootfs, directory]) await rmdir(path).catch(() => {}); // somebody's files are in it
}

/** Removes what a daemon that was killed left at this path: the next daemon of the root does that when it starts. */
async function removeDead(context: CommandContext, path: string): Promise<boolean> {
  const isThere = async () => isMountOfOurs(await readFile('/proc/self/mountinfo', 'utf8'), path);
  const hadDaemon = existsSync(join(context.settings.root, 'state.json'));
  if (!hadDaemon || !(await isThere())) return false;
  await withDaemon(context, async daemon => {
    const mounts = await daemon.list({ signal: context.signal });
    if (mounts.length === 0) await daemon.stop({ signal: context.signal });
  });
  return !(await isThere());
}
