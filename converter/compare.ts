// `shoal check --source`: is an accelerated image its original? The original's layers are streamed once, nothing of their
// contents is kept, and every difference is named.

import type { Digest, ImageSource, Platform } from '../core/index.ts';
import type { BootstrapReader } from '../image/index.ts';
import type { ImageConfig } from '../registry/index.ts';
import { MAX_CHUNK_REFERENCES } from './config.ts';
import { compareConfigs } from './config-comparison.ts';
import { type Difference, Differences } from './differences.ts';
import { FileDigests } from './file-digests.ts';
import { readOriginalTree } from './original-tree.ts';
import { loadSourceImage } from './source-image.ts';
import { TreeComparison } from './tree-comparison.ts';
import type { ConvertWarning } from './warnings.ts';

export interface CompareOptions {
  /** The original. */
  readonly source: ImageSource;
  readonly platform: Platform;
  readonly reader: BootstrapReader;
  readonly config: ImageConfig;
  readonly signal: AbortSignal;
  /** Bytes of the original's layers: read so far, and in all. */
  readonly onProgress: (readBytes: number, totalBytes: number) => void;
}

export interface CompareReport {
  readonly original: { readonly name: string; readonly digest: Digest };
  /** Entries of the original's layers, and the bytes of the files among them. */
  readonly entries: number;
  readonly fileBytes: number;
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
  /** What the original has and no accelerated image can hold: not counted as differences. */
  readonly notStored: readonly ConvertWarning[];
}

/** Differences that are listed; the count is always whole. */
const MAX_DIFFERENCES = 100;

/**
 * Compares everything but the bytes of the accelerated image's chunks: these are to be checked against their digests
 * besides. Throws what reading the original throws (as a conversion would), and `malformed` for a bootstrap that cannot
 * be walked.
 */
export async function compareWithOriginal(options: CompareOptions): Promise<CompareReport> {
  const { source, platform, reader, config, signal, onProgress } = options;
  const image = await loadSourceImage(source, platform, signal);
  const totalBytes = image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  let readBytes = 0;
  const onBytes = (count: number) => {
    readBytes += count;
    onProgress(readBytes, totalBytes);
  };
  const { digester } = reader.superblock;
  const digests = new FileDigests({ chunkSize: reader.chunkSize, digester, maxChunks: MAX_CHUNK_REFERENCES });
  const tree = await readOriginalTree(image, source, { signal, digests, onBytes });
  const differences = new Differences(MAX_DIFFERENCES);
  compareConfigs(image.config, config, differences);
  new TreeComparison(reader, digests, differences).run(tree.root);
  return {
    original: { name: source.name, digest: image.digest },
    entries: tree.entries,
    fileBytes: tree.fileBytes,
    differences: differences.list,
    differenceCount: differences.count,
    notStored: tree.warnings,
  };
}
