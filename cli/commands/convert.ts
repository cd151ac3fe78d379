// shoal convert: an ordinary image in, an accelerated image out; or all its platforms, or both forms in one index.

import { tmpdir } from 'node:os';
import {
  type ConvertProgress,
  type ConvertReport,
  convertImage,
  convertIndex,
  type IndexReport,
  listImages,
  type TargetFormat,
} from '../../converter/index.ts';
import type { OpenedSink, OpenedSource } from '../../registry/index.ts';
import type { CommandContext } from '../command.ts';
import { ALL_PLATFORMS, accessOfTwo, openPinnedSource, openReferenceSink, type TwoSidedOptions } from '../compose.ts';
import { checkFormat, lookAfterOriginals, manifestOf } from '../convert/originals.ts';
import { printImageReport, printIndexReport } from '../convert/print-report.ts';
import { makeDirectory } from '../make-directory.ts';
import { ProgressDisplay, printJson } from '../output.ts';
import { readPlatform } from '../settings.ts';

export interface ConvertCommandOptions extends TwoSidedOptions {
  readonly workers?: number;
  readonly chunkSize?: number;
  readonly maxRatio?: number;
  readonly maxUnpacked?: number;
  readonly format: TargetFormat;
  readonly mergeIndex?: boolean;
  readonly copyReferrers?: boolean;
}

/** One conversion as the parts of this command see it. */
interface Conversion {
  readonly source: OpenedSource;
  readonly sink: OpenedSink;
  readonly display: ProgressDisplay;
  /** What every kind of conversion takes. */
  readonly settings: {
    readonly sink: OpenedSink;
    readonly workDir: string;
    readonly workers: number | undefined;
    readonly chunkSize: number | undefined;
    readonly maxRatio: number | undefined;
    readonly maxUnpackedBytes: number | undefined;
    readonly format: TargetFormat;
    readonly signal: AbortSignal;
    readonly log: CommandContext['log'];
  };
}

export async function convert(
  context: CommandContext,
  from: string,
  to: string,
  options: ConvertCommandOptions,
): Promise<void> {
  checkFormat(to, options.format);
  const { signal, log } = context;
  const workDir = context.settings.workDir ?? tmpdir();
  const { workers, chunkSize, maxRatio, maxUnpacked: maxUnpackedBytes, format } = options;
  const creds = accessOfTwo(context, options, { source: from, target: to });
  const source = openPinnedSource(context, from, { ...options, creds: creds.source });
  // Disposed whatever happens: a target that is not complete leaves nothing.
  await using sink = openReferenceSink(context, to, {
    ...options,
    creds: creds.target,
    mountFrom: from,
  });
  await makeDirectory(workDir, `--work-dir ${workDir}`);
  using display = new ProgressDisplay(context.settings.json);
  const settings = { sink, workDir, workers, chunkSize, maxRatio, maxUnpackedBytes, format, signal, log };
  const conversion: Conversion = { source, sink, display, settings };
  const isIndex = options.platform === ALL_PLATFORMS || options.mergeIndex === true;
  const convertThis = isIndex ? toIndex : toImage;
  await convertThis(context, conversion, { ...options, from, to });
}

type NamedOptions = ConvertCommandOptions & { readonly from: string; readonly to: string };

async function toImage(context: CommandContext, conversion: Conversion, options: NamedOptions): Promise<void> {
  const { source, display, settings } = conversion;
  const platform = readPlatform(options.platform);
  const manifests = [await manifestOf(source, platform, { signal: context.signal })];
  const originals = await lookAfterOriginals(context, conversion, {
    ...options,
    copy: options.copyReferrers ?? false,
    manifests,
    onBytes: copying(display),
  });
  const report = await convertImage({
    ...settings,
    source,
    platform,
    onProgress: progress => show(display, 'convert', '', progress),
  });
  display[Symbol.dispose]();
  if (context.settings.json) printReport(report, originals);
  else printImageReport(report, originals);
}

async function toIndex(context: CommandContext, conversion: Conversion, options: NamedOptions): Promise<void> {
  const { source, display, settings } = conversion;
  const { signal } = context;
  const list = await listImages(source, signal);
  const platform = options.platform === ALL_PLATFORMS ? ALL_PLATFORMS : readPlatform(options.platform);
  const manifests =
    platform === ALL_PLATFORMS
      ? list.images.map(image => image.descriptor)
      : [await manifestOf(source, platform, { signal })];
  const originals = await lookAfterOriginals(context, conversion, {
    ...options,
    copy: options.copyReferrers ?? false,
    manifests,
    onBytes: copying(display),
  });
  const report = await convertIndex({
    ...settings,
    source,
    list,
    platform,
    mergeIndex: options.mergeIndex ?? false,
    onProgress: progress => show(display, progress.platform, `${progress.platform} `, progress),
    onCopied: copying(display),
  });
  display[Symbol.dispose]();
  if (context.settings.json) printReport(report, originals);
  else printIndexReport(report, originals);
}

function show(display: ProgressDisplay, bar: string, prefix: string, progress: ConvertProgress): void {
  const { phase, layer, layers, readBytes, totalBytes } = progress;
  const label = `${prefix}${phase === 'layers' ? `layer ${layer} of ${layers}` : phase}`;
  display.update(bar, { label, readBytes, totalBytes });
}

/** Nobody knows beforehand how much of the original the target has: the bar grows with it. */
function copying(display: ProgressDisplay): (bytes: number) => void {
  let copied = 0;
  return count => {
    copied += count;
    display.update('copy', { label: 'copying original', readBytes: copied, totalBytes: copied });
  };
}

function printReport(report: ConvertReport | IndexReport, originals: unknown): void {
  printJson({ ...report, originals, peakRssBytes: process.resourceUsage().maxRSS * 1024 });
}
