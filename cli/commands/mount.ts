// shoal mount and shoal umount.

import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fromSystemError, type MountRequest } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { absoluteReference, type ReferenceOptions } from '../compose.ts';
import { requireDaemon, withDaemon } from '../daemon-launch.ts';
import { bytes, printJson, printLine } from '../output.ts';
import { readPlatform } from '../settings.ts';

export interface MountOptions extends ReferenceOptions {
  readonly driver: MountRequest['driver'];
  readonly rw?: boolean;
  /** Seconds. */
  readonly readDeadline?: number;
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
    driver: options.driver,
    writable: options.rw ?? false,
    platform: options.platform === undefined ? undefined : readPlatform(options.platform),
    plainHttp: options.plainHttp ?? false,
    readDeadlineMs: options.readDeadline === undefined ? undefined : options.readDeadline * 1000,
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
  const daemon = await requireDaemon(context);
  // No realpath: it would touch the mount, which may be stuck.
  await daemon.unmount(resolve(directory), { signal: context.signal, force: options.force });
}
