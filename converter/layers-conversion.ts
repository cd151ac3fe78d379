// Converts the layers of one image: each through the packing line into a blob, all of them into one tree.

import { digestFromHex, type ImageSource, ShoalError } from '../core/index.ts';
import type { HashedBlob } from '../image/index.ts';
import type { BlobFile } from './blob-assembly.ts';
import type { CheckedSettings } from './config.ts';
import { blobDescriptor, type LayerBlob } from './manifest.ts';
import type { ParsedLayer } from './messages.ts';
import { PackingLine } from './packing-line.ts';
import type { LayerReport } from './report.ts';
import type { SourceImage, SourceLayer } from './source-image.ts';
import { unpackLimit } from './unpack-limit.ts';
import type { Uploads } from './uploads.ts';
import type { ConvertWarning } from './warnings.ts';

export interface ConvertProgress {
  readonly phase: 'layers' | 'bootstrap' | 'push';
  /** The layer being read, from 1; the last one in later phases. */
  readonly layer: number;
  readonly layers: number;
  /** Bytes of the source's layers: read so far, and in all. */
  readonly readBytes: number;
  readonly totalBytes: number;
}

export interface LayersOptions extends CheckedSettings {
  /** Where blob files are made. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ConvertProgress) => void;
  readonly uploads: Uploads;
}

export interface ConvertedLayer {
  readonly blob: LayerBlob | undefined;
  readonly report: LayerReport;
}

export interface ConvertedLayers {
  readonly layers: readonly ConvertedLayer[];
  /** The blobs that the image has in the end, in the order of the bootstrap, and the digests of their pieces. */
  readonly blobs: readonly LayerBlob[];
  readonly pieces: readonly HashedBlob[];
  readonly bootstrap: Uint8Array<ArrayBuffer>;
  readonly warnings: readonly ConvertWarning[];
}

interface PackedLayer {
  readonly source: SourceLayer;
  readonly parsed: ParsedLayer;
  readonly blob: Promise<BlobFile | undefined>;
}

/** One use: `run`. */
export class LayersConversion {
  readonly #image: SourceImage;
  readonly #options: LayersOptions;
  readonly #totalBytes: number;
  #readBytes = 0;
  #unpackedBytes = 0;
  #layer = 0;

  constructor(image: SourceImage, options: LayersOptions) {
    this.#image = image;
    this.#options = options;
    this.#totalBytes = image.layers.reduce((sum, layer) => sum + layer.descriptor.size, 0);
  }

  /** Tells how far the conversion is. */
  readonly report = (phase: ConvertProgress['phase']): void => {
    this.#options.onProgress({
      phase,
      layer: this.#layer,
      layers: this.#image.layers.length,
      readBytes: this.#readBytes,
      totalBytes: this.#totalBytes,
    });
  };

  /** Resolves when all layers are packed and their blobs complete; uploads of these may still be under way. */
  async run(source: ImageSource): Promise<ConvertedLayers> {
    const { directory, workers, chunkSize, level, signal } = this.#options;
    const line = new PackingLine({ directory, workers, chunkSize, level, signal });
    try {
      const packed: PackedLayer[] = [];
      // One after another: what an upper layer means depends on all those below it.
      for (const layer of this.#image.layers) packed.push(await this.#pack(line, layer, source));
      const files = await Promise.all(packed.map(({ blob }) => blob));
      this.report('bootstrap');
      const { kept, ...image } = await line.finishImage(files.flatMap(file => (file ? [file.finished] : [])));
      return { ...image, ...finished(packed, files, kept) };
    } finally {
      await line.stop();
    }
  }

  async #pack(line: PackingLine, layer: SourceLayer, source: ImageSource): Promise<PackedLayer> {
    this.#layer++;
    this.report('layers');
    try {
      const { parsed, blob } = await line.packLayer(
        signal => source.blob(layer.descriptor, { signal }),
        unpackLimit({ compressedBytes: layer.descriptor.size, unpackedBytes: this.#unpackedBytes }, this.#options),
        count => {
          this.#readBytes += count;
          this.report('layers');
        },
      );
      checkDiffId(layer, parsed);
      this.#unpackedBytes += parsed.uncompressedBytes;
      return { source: layer, parsed, blob: this.#uploading(blob) };
    } catch (error) {
      throw inLayer(layer, error);
    }
  }

  /** The same blob, and its upload on the way as soon as it is complete. */
  #uploading(blob: Promise<BlobFile | undefined>): Promise<BlobFile | undefined> {
    const uploading = blob.then(file => {
      if (file) this.#options.uploads.add(blobDescriptor(file.finished), file.path);
      return file;
    });
    uploading.catch(() => {}); // a failure is reported by the line too, before anyone waits for this
    return uploading;
  }
}

/** Layers and blobs of the finished image, which has only the blobs at the positions `kept` among all. */
function finished(
  packed: readonly PackedLayer[],
  files: readonly (BlobFile | undefined)[],
  kept: readonly number[],
): Pick<ConvertedLayers, 'layers' | 'blobs' | 'pieces'> {
  const all = files.flatMap(file => file ?? []);
  const left = kept.flatMap(position => all[position] ?? []);
  const blobs = left.map(file => file.finished);
  const pieces = left.map(file => ({
    digest: digestFromHex(file.finished.id),
    size: file.finished.blobSize,
    digests: file.pieces,
  }));
  const layers = packed.map(({ source, parsed }, i) => {
    const blob = files[i]?.finished;
    const own = blob && blobs.includes(blob) ? blob : undefined;
    return { blob: own, report: layerReport(source, parsed, own) };
  });
  return { layers, blobs, pieces };
}

function layerReport({ descriptor }: SourceLayer, parsed: ParsedLayer, blob: LayerBlob | undefined): LayerReport {
  return {
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    compressedBytes: descriptor.size,
    uncompressedBytes: parsed.uncompressedBytes,
    ...parsed.tally,
    ...(blob && { blob: { digest: digestFromHex(blob.id), size: blob.blobSize } }),
  };
}

function checkDiffId(layer: SourceLayer, parsed: ParsedLayer): void {
  const found = digestFromHex(parsed.diffIdHex);
  if (found === layer.diffId) return;
  throw new ShoalError('digest-mismatch', `uncompressed it is ${found}, the config's diff id is ${layer.diffId}`);
}

/** What can be wrong with the bytes of a layer; everything else is not the layer's fault. */
const ABOUT_LAYERS: ReadonlySet<string> = new Set(['malformed', 'unsupported', 'limit', 'digest-mismatch']);

/** The error with the layer's name in front, where it is about the layer. */
export function inLayer(layer: SourceLayer, error: unknown): unknown {
  if (!(error instanceof ShoalError) || !ABOUT_LAYERS.has(error.code)) return error;
  return new ShoalError(error.code, `${layer.label}: ${error.message}`, { cause: error, retryable: error.retryable });
}
