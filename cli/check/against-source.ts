// `check --source`: the comparison with the original, and how it is told.

import { type CompareReport, compareWithOriginal } from '../../converter/index.ts';
import { ShoalError } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { type OpenedImage, openReferenceSource, type ReferenceOptions } from '../compose.ts';
import { bytes, type ProgressDisplay, printLine } from '../output.ts';
import { readPlatform } from '../settings.ts';

/** Differences that are shown to a person; the count is always told. */
const SHOWN_DIFFERENCES = 20;

export async function compareToSource(
  context: CommandContext,
  image: Pick<OpenedImage, 'reader' | 'config'>,
  reference: string,
  options: ReferenceOptions,
  display: ProgressDisplay,
): Promise<CompareReport> {
  const { reader, config } = image;
  return compareWithOriginal({
    source: openReferenceSource(context, reference, options),
    platform: readPlatform(options.platform),
    reader,
    config,
    signal: context.signal,
    onProgress: (readBytes, totalBytes) => display.update('compare', { label: 'comparing', readBytes, totalBytes }),
  });
}

/** The error that ends the command when there are differences. */
export function differencesError(name: string, { original, differenceCount }: CompareReport): ShoalError {
  const places = differenceCount === 1 ? 'one place' : `${differenceCount} places`;
  return new ShoalError('digest-mismatch', `${name}: differs from ${original.name}@${original.digest} in ${places}`);
}

export function printComparison(report: CompareReport, metadataOnly: boolean): void {
  const { original, differences, differenceCount, entries, fileBytes, notStored } = report;
  for (const { path, kind, expected, found } of differences.slice(0, SHOWN_DIFFERENCES)) {
    printLine(`difference: ${path}: ${kind}: expected ${expected}, found ${found}`);
  }
  const left = differenceCount - Math.min(differences.length, SHOWN_DIFFERENCES);
  if (left > 0) printLine(`and ${left} more`);
  for (const { message, count } of notStored) printLine(`not stored: ${message} (${count})`);
  if (differenceCount > 0) return;
  const what = `${entries} entries, ${bytes(fileBytes)} of files`;
  const proof = metadataOnly ? 'by the digests its bootstrap gives; chunks not fetched' : 'every byte';
  printLine(`equals ${original.name}@${original.digest}: ${what}, ${proof}`);
}
