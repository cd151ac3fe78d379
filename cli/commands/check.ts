// shoal check: everything about an accelerated image that can be verified: manifest rules, the bootstrap's structure,
// each blob's own tables, and the digest of every chunk. With --source also that it equals its original.

import type { CompareReport } from '../../converter/index.ts';
import { ShoalError, shortDigest } from '../../core/index.ts';
import { type CheckReport, checkBootstrap } from '../../image/index.ts';
import { compareToSource, differencesError, printComparison } from '../check/against-source.ts';
import { checkBlobTables } from '../check/blob-tables.ts';
import type { CommandContext } from '../command.ts';
import { accessOfTwo, type OpenedImage, openLazily, type TwoSidedOptions } from '../compose.ts';
import { bytes, ProgressDisplay, printJson, printLine, printTable } from '../output.ts';
import { fetchBlob } from '../unpack/fetch-blob.ts';

export interface CheckOptions extends TwoSidedOptions {
  readonly metadataOnly?: boolean;
  /** The original to compare with. */
  readonly source?: string;
}

/** Problems that are shown to a person; the count is always told. */
const SHOWN_PROBLEMS = 20;

export async function check(context: CommandContext, reference: string, options: CheckOptions): Promise<void> {
  const { source } = options;
  const creds = accessOfTwo(context, options, { source: source ?? reference, target: reference });
  const image = await openLazily(context, reference, { ...options, creds: creds.target });
  const structure = checkBootstrap(image.reader);
  using display = new ProgressDisplay(context.settings.json);
  const problems = structure.problems.map(({ path, message }) => `${path}: ${message}`);
  let chunks = 0;
  let checkedBytes = 0;
  if (!options.metadataOnly) {
    problems.push(...(await checkLayers(context, image)), ...(await checkTables(context, image)));
    for (const blob of image.blobs) {
      const onBytes = (count: number) => {
        checkedBytes += count;
        display.update('check', { label: 'checking', readBytes: checkedBytes, totalBytes: image.totalBytes });
      };
      try {
        for await (const _ of fetchBlob(blob, image.origin, { signal: context.signal, onBytes })) chunks++;
      } catch (error) {
        problems.push(problemOf(error, `blob ${shortDigest(blob.digest)}`));
      }
    }
  }
  // A bootstrap that contradicts itself is not worth comparing.
  const isLeftUncompared = source !== undefined && structure.problemCount > 0;
  const forSource = { ...options, creds: creds.source };
  const comparison =
    source === undefined || isLeftUncompared
      ? undefined
      : await compareToSource(context, image, source, forSource, display);
  display[Symbol.dispose]();
  const metadataOnly = options.metadataOnly ?? false;
  print(context, image, structure, { chunks, checkedBytes, problems, metadataOnly, comparison, isLeftUncompared });
  if (problems.length > 0) {
    throw new ShoalError('malformed', `${image.name}: ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  }
  if (comparison && comparison.differenceCount > 0) throw differencesError(image.name, comparison);
}

/** Streams each data layer whole: the source compares it with its descriptor. */
async function checkLayers(context: CommandContext, image: OpenedImage): Promise<string[]> {
  const problems: string[] = [];
  for (const layer of image.layers) {
    try {
      await drain(image.source.blob(layer, { signal: context.signal }));
    } catch (error) {
      problems.push(problemOf(error, `layer ${shortDigest(layer.digest)}`));
    }
  }
  return problems;
}

async function checkTables(context: CommandContext, image: OpenedImage): Promise<string[]> {
  const problems: string[] = [];
  for (const [index, layout] of image.blobs.entries()) {
    const entry = image.reader.blobs[index];
    const descriptor = image.layers.find(layer => layer.digest === layout.digest);
    if (!entry || !descriptor) throw new ShoalError('internal', `blob ${layout.id} has no layer`);
    problems.push(...(await checkBlobTables(image.source, { descriptor, entry, layout }, context.signal)));
  }
  return problems;
}

async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of content);
}

/** What the image is to blame for; errors of the way to it are thrown on. */
function problemOf(error: unknown, what: string): string {
  if (error instanceof ShoalError && (error.code === 'digest-mismatch' || error.code === 'malformed')) {
    return `${what}: ${error.message}`;
  }
  throw error;
}

interface Outcome {
  readonly chunks: number;
  readonly checkedBytes: number;
  readonly problems: readonly string[];
  readonly metadataOnly: boolean;
  readonly comparison: CompareReport | undefined;
  /** A comparison was asked for and made no sense. */
  readonly isLeftUncompared: boolean;
}

function print(context: CommandContext, image: OpenedImage, structure: CheckReport, outcome: Outcome): void {
  if (context.settings.json) {
    printJson({ reference: image.name, manifestDigest: image.manifestDigest, ...structure, ...outcome });
    return;
  }
  printTable(
    ['BLOB', 'SIZE', 'DEVICE', 'CHUNKS', 'COMPRESSOR', 'DIGESTER'],
    image.blobs.map(blob => [
      shortDigest(blob.digest),
      bytes(blob.blobSize),
      bytes(blob.deviceSize),
      String(blob.chunkCount),
      blob.compressor,
      blob.digester,
    ]),
    ['SIZE', 'DEVICE', 'CHUNKS'],
  );
  printLine();
  for (const problem of outcome.problems.slice(0, SHOWN_PROBLEMS)) printLine(`problem: ${problem}`);
  if (outcome.problems.length === 0) {
    const data = outcome.metadataOnly ? 'data not checked' : `${outcome.chunks} chunks verified`;
    printLine(`${image.name}: no problems; ${data}`);
  }
  if (outcome.isLeftUncompared) printLine('not compared with the original: the bootstrap itself is wrong');
  if (outcome.comparison) printComparison(outcome.comparison, outcome.metadataOnly);
}
