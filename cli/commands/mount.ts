// shoal mount and shoal umount.

import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fromSystemError, type MountRequest } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { absoluteReference, type ReferenceOptions } from '../compose.ts';
import { givenCredentials } from '../credentials.ts';
import { requireDaemon, withDaemon } from '../daemon-launch.ts';
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
    writable: options.rw ?? false,
    nonEmpty: options.nonEmpty ?? false,
    platform: options.platform === undefined ? undefined : readPlatform(options.platform),
    plainHttp: options.plainHttp ?? false,
    insecure: options.insecure ?? false,
    credentials: await givenCredentials(context, options)?.(),
    readDeadlineMs: context.settings.readDeadlineMs,
  };
  const info = await withDaemon(context, daemon => daemon.mount(request, { signal: context.signal }));
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
