// shoal inspect: what an image is made of, or where one of its files comes from. shoal history: how it was built.

import { ShoalError } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { accessOfTwo, type ReferenceOptions, type TwoSidedOptions } from '../compose.ts';
import { buildSteps } from '../inspect/history.ts';
import { reportImage } from '../inspect/image-report.ts';
import { findInLayers } from '../inspect/layered-file.ts';
import { type LookedAtImage, openToLookAt } from '../inspect/open.ts';
import { type PathReport, reportPath, withLayer } from '../inspect/path-report.ts';
import { printImage, printPath, shortened } from '../inspect/print.ts';
import { bytes, printJson, printLine, printTable } from '../output.ts';

export interface InspectOptions extends TwoSidedOptions {
  /** The image that an accelerated one was made from. */
  readonly source?: string;
  readonly follow?: boolean;
}

const NOT_RECORDED =
  'not recorded in an accelerated image; --source ORIGINAL reads it from the layers it was made from';
const NOT_LISTED = 'none: no layer lists this directory, only files below it';

export async function inspect(
  context: CommandContext,
  reference: string,
  path: string | undefined,
  options: InspectOptions,
): Promise<void> {
  if (path === undefined && (options.source !== undefined || options.follow)) {
    throw new ShoalError('usage', '--source and --follow are about a PATH in the image; name one');
  }
  const creds = accessOfTwo(context, options, { source: options.source ?? reference, target: reference });
  const image = await openToLookAt(context, reference, { ...options, creds: creds.target });
  if (path === undefined) {
    const report = await reportImage(image, context.signal);
    if (context.settings.json) printJson(report);
    else printImage(report);
    return;
  }
  const report = await lookAtPath(context, image, path, { ...options, creds: creds.source });
  if (context.settings.json) printJson({ reference: image.source.name, ...report });
  else printPath(report, image.isAccelerated && options.source === undefined ? NOT_RECORDED : NOT_LISTED);
}

/** The credentials of `options` are for the original. */
async function lookAtPath(
  context: CommandContext,
  image: LookedAtImage,
  path: string,
  options: InspectOptions,
): Promise<PathReport> {
  const follow = options.follow ?? false;
  if (!image.isAccelerated) {
    if (options.source !== undefined)
      throw new ShoalError('usage', `${image.source.name}: has its own layers; --source is for an accelerated image`);
    return findInLayers(context, image, path, { follow });
  }
  const report = await reportPath(image, path, { follow, signal: context.signal });
  if (options.source === undefined) return report;
  const original = await openToLookAt(context, options.source, options);
  return withLayer(report, await findInLayers(context, original, report.path, { follow: false }));
}

export async function history(context: CommandContext, reference: string, options: ReferenceOptions): Promise<void> {
  const { manifest, config, source, manifestDigest } = await openToLookAt(context, reference, options);
  const { steps, fits } = buildSteps(config.history ?? [], manifest.layers);
  if (context.settings.json) {
    printJson({ reference: source.name, manifestDigest, fits, steps });
    return;
  }
  printTable(
    ['CREATED', 'SIZE', 'LAYER', 'CREATED BY'],
    steps.map(({ created, layer, createdBy, comment }) => [
      created?.replace(/\.\d+/, '') ?? '-',
      layer ? bytes(layer.size) : '-',
      layer ? layer.digest.slice('sha256:'.length, 'sha256:'.length + 12) : 'none',
      shortened(createdBy ?? comment ?? '-'),
    ]),
    ['SIZE'],
  );
  if (!fits) printLine('the history does not fit the layers: nothing says which step made which');
}
