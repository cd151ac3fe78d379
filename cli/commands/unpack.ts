// shoal unpack: an accelerated image's files, or its devices, as ordinary files.

import { resolve } from 'node:path';
import { ShoalError } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { openLazily, type ReferenceOptions } from '../compose.ts';
import { bytes, ProgressDisplay, printJson, printLine } from '../output.ts';
import { unpackDevices } from '../unpack/devices.ts';
import { unpackTree } from '../unpack/tree.ts';

export interface UnpackCommandOptions extends ReferenceOptions {
  readonly devices?: string;
}

export async function unpack(
  context: CommandContext,
  reference: string,
  directory: string | undefined,
  options: UnpackCommandOptions,
): Promise<void> {
  if ((directory === undefined) === (options.devices === undefined)) {
    throw new ShoalError('usage', 'unpack: give either a directory for the files or --devices DIR');
  }
  const image = await openLazily(context, reference, options);
  using display = new ProgressDisplay(context.settings.json);
  let fetched = 0;
  const onBytes = (count: number) => {
    fetched += count;
    display.update('unpack', { label: 'unpacking', readBytes: fetched, totalBytes: image.totalBytes });
  };
  const target = resolve(options.devices ?? directory ?? '');
  const settings = { signal: context.signal, onBytes };
  const result =
    options.devices === undefined
      ? await unpackTree(image.reader, image.blobs, image.origin, target, settings)
      : await unpackDevices(image.bootstrap, image.blobs, image.origin, target, settings);
  const report = { reference: image.name, manifestDigest: image.manifestDigest, directory: target, fetched, ...result };
  if (context.settings.json) return printJson(report);
  printLine(`${target}: ${image.name}, ${bytes(fetched)} fetched`);
}
