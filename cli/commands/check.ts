// shoal check: everything about an accelerated image that can be verified: manifest rules, the bootstrap's structure,
// each blob's own tables, and the digests of every chunk and every piece. With --source also that it equals its original.

import type { CompareReport } from '../../converter/index.ts';
import { ShoalError, shortDigest } from '../../core/index.ts';
import { type CheckReport, checkBootstrap } from '../../image/index.ts';
import { compareToSource, differencesError, printComparison } from '../check/against-source.ts';
import { checkBlobTables } from '../check/blob-tables.ts';
import { checkLayers, problemOf } from '../check/layer-bytes.ts';
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
  let pieces = 0;
  let checkedBytes = 0;
  if (!options.metadataOnly) {
    const layers = await checkLayers(image, context.signal);
    pieces = layers.pieces;
    problems.push(...layers.problems, ...(await checkTables(context, image)));
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
  print(context, image, structure, {
    chunks,
    pieces,
    checkedBytes,
    problems,
    metadataOnly,
    comparison,
    isLeftUncompared,
  });
  if (problems.length > 0) {
    throw new ShoalError('malformed', `${image.name}: ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  }
  if (comparison && comparison.differenceCount > 0) throw differencesError(image.name, comparison);
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

interface Outcome {
  readonly chunks: number;
  /** Of the layers, compared with their digests; 0 when the image has none. */
  readonly pieces: number;
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
    const data = outcome.metadataOnly
      ? 'data not checked'
      : `${outcome.chunks} chunks and ${outcome.pieces} pieces verified`;
    printLine(`${image.name}: no problems; ${data}`);
  }
  if (outcome.isLeftUncompared) printLine('not compared with the original: the bootstrap itself is wrong');
  if (outcome.comparison) printComparison(outcome.comparison, outcome.metadataOnly);
}
