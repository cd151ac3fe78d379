// shoal convert: an ordinary image in, an accelerated image out.

import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type ConvertProgress, type ConvertReport, convertImage } from '../../converter/index.ts';
import { shortDigest } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { openReferenceSink, openReferenceSource, type ReferenceOptions } from '../compose.ts';
import { bytes, ProgressDisplay, printJson, printLine, printTable, seconds } from '../output.ts';
import { readPlatform } from '../settings.ts';

export interface ConvertCommandOptions extends ReferenceOptions {
  readonly workers?: number;
  readonly workDir?: string;
  readonly chunkSize?: number;
  readonly maxRatio?: number;
  readonly maxUnpacked?: number;
}

export async function convert(
  context: CommandContext,
  from: string,
  to: string,
  options: ConvertCommandOptions,
): Promise<void> {
  const workDir = options.workDir ?? tmpdir();
  const source = openReferenceSource(context, from, options);
  const sink = openReferenceSink(context, to, { ...options, mountFrom: from });
  await mkdir(workDir, { recursive: true });
  const report = await withProgress(context, onProgress =>
    convertImage({
      source,
      sink,
      platform: readPlatform(options.platform),
      workDir,
      workers: options.workers,
      chunkSize: options.chunkSize,
      maxRatio: options.maxRatio,
      maxUnpackedBytes: options.maxUnpacked,
      signal: context.signal,
      log: context.log,
      onProgress,
    }),
  );
  if (context.settings.json) printJson({ ...report, peakRssBytes: process.resourceUsage().maxRSS * 1024 });
  else print(report);
}

async function withProgress<T>(
  context: CommandContext,
  work: (onProgress: (progress: ConvertProgress) => void) => Promise<T>,
): Promise<T> {
  using display = new ProgressDisplay(context.settings.json);
  return await work(({ phase, layer, layers, readBytes, totalBytes }) =>
    display.update('convert', {
      label: phase === 'layers' ? `layer ${layer} of ${layers}` : phase,
      readBytes,
      totalBytes,
    }),
  );
}

function print(report: ConvertReport): void {
  const right = ['SIZE', 'UNPACKED', 'ENTRIES', 'CHUNKS', 'SHARED', 'BLOB SIZE'];
  printTable(
    ['LAYER', 'SIZE', 'UNPACKED', 'ENTRIES', 'CHUNKS', 'SHARED', 'BLOB', 'BLOB SIZE'],
    report.layers.map(layer => [
      shortDigest(layer.digest),
      bytes(layer.compressedBytes),
      bytes(layer.uncompressedBytes),
      String(layer.entries),
      String(layer.chunks),
      String(layer.duplicateChunks),
      layer.blob ? shortDigest(layer.blob.digest) : '-',
      layer.blob ? bytes(layer.blob.size) : '-',
    ]),
    right,
  );
  const { totals, bootstrap, target, elapsedMs, bytesPerSecond } = report;
  printLine();
  printLine(`bootstrap  ${bytes(bootstrap.size)} (${bytes(bootstrap.uncompressedSize)} unpacked)`);
  printLine(`blobs      ${bytes(totals.blobBytes)} of ${bytes(totals.compressedBytes)} (the original's layers)`);
  printLine(`took       ${seconds(elapsedMs)}, ${bytes(bytesPerSecond)}/s of layer bytes`);
  for (const { message, count } of report.warnings) printLine(`warning    ${message} (${count})`);
  printLine(`${target.name}@${target.digest}`);
}
