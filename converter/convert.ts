// The conversion as a table of contents: layers in, one blob each out, then the bootstrap over all of them, then config
// and manifest. Everything temporary lives in one directory that goes in the end, whatever happened.

import {
  abortedError,
  type Clock,
  type ImageSink,
  type ImageSource,
  type Logger,
  type Platform,
  silentLogger,
  systemClock,
} from '../core/index.ts';
import { type ConvertSettings, checkedSettings, type TargetFormat } from './config.ts';
import { type ConvertProgress, LayersConversion } from './layers-conversion.ts';
import { publishImage } from './publish.ts';
import { type ConvertReport, totalsOf } from './report.ts';
import { loadSourceImage } from './source-image.ts';
import { Uploads } from './uploads.ts';
import { WorkDirectory } from './work-directory.ts';

export interface ConvertOptions extends ConvertSettings {
  readonly source: ImageSource;
  readonly sink: ImageSink;
  readonly platform: Platform;
  /** Default: `oci`. */
  readonly format?: TargetFormat | undefined;
  /** The manifest will stand beside the original in an index: it is marked so that ordinary runtimes skip it. */
  readonly isMerged?: boolean | undefined;
  /** An existing directory for temporary files; needs room for the blobs that are not pushed yet. */
  readonly workDir: string;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: ConvertProgress) => void) | undefined;
  readonly log?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Converts an ordinary image and pushes the result, blobs first, the manifest last. The same image and settings give
 * the same digests. When the signal fires it rejects with `aborted` as soon as the threads have ended; whatever the
 * outcome, nothing temporary stays in `workDir`. Rejects with `digest-mismatch` or `malformed`, naming the layer, when
 * the source is not what it claims; `limit` for what is out of all proportion; `usage` for impossible settings; and
 * with what source and sink throw.
 */
export async function convertImage(options: ConvertOptions): Promise<ConvertReport> {
  checkedSettings(options);
  if (options.signal.aborted) throw abortedError(options.signal);
  await using directory = await WorkDirectory.make(options.workDir);
  // One signal for everything: the caller's, and our own for when one part fails while others run.
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  const uploads = new Uploads(options.sink, signal, error => failing.abort(error));
  try {
    return await convertInto(directory.path, uploads, { ...options, signal });
  } catch (error) {
    failing.abort(error);
    // What failed first is the reason; what is thrown here may only be a consequence.
    throw failing.signal.reason;
  } finally {
    await uploads.settled();
  }
}

async function convertInto(directory: string, uploads: Uploads, options: ConvertOptions): Promise<ConvertReport> {
  const { source, sink, platform, signal, onProgress = () => {}, log = silentLogger, clock = systemClock } = options;
  const started = clock.monotonic();
  const image = await loadSourceImage(source, platform, signal);
  const conversion = new LayersConversion(image, {
    ...checkedSettings(options),
    directory,
    signal,
    onProgress,
    uploads,
  });
  const converted = await conversion.run(source);
  const target = await publishImage(image, converted, {
    sink,
    directory,
    signal,
    uploads,
    form: { format: options.format ?? 'oci', isMerged: options.isMerged ?? false },
    onPhase: conversion.report,
  });
  const totals = totalsOf(converted.layers.map(layer => layer.report));
  const elapsedMs = clock.monotonic() - started;
  const report: ConvertReport = {
    source: { name: source.name, digest: image.digest },
    target: { name: sink.name, digest: target.manifestDigest },
    layers: converted.layers.map(layer => layer.report),
    bootstrap: target.bootstrap,
    totals,
    warnings: converted.warnings,
    elapsedMs,
    bytesPerSecond: totals.uncompressedBytes / (Math.max(1, elapsedMs) / 1000),
  };
  for (const { message, count, example } of report.warnings) log.warn(message, { count, example });
  return report;
}
