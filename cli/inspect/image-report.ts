// What `inspect REF` tells: digests, layers, configuration, and of an accelerated image its files, blobs and chunks.

import { isShoalError } from '../../core/index.ts';
import { BootstrapReader } from '../../image/index.ts';
import { formatPlatform, type RuntimeConfig } from '../../registry/index.ts';
import { type AcceleratedImage, openAcceleratedImage } from '../accelerated-image.ts';
import { creatorOf } from './history.ts';
import type { LookedAtImage } from './open.ts';
import { type BlobStatistics, blobStatistics, type FileStatistics, fileStatistics } from './statistics.ts';

export interface LayerLine {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  /** `layer` of an ordinary image; `data` and `bootstrap` of an accelerated one. */
  readonly role: 'layer' | 'data' | 'bootstrap';
  /** Those that the image has a digest of, so that peers can share the layer piece by piece. */
  readonly pieces?: number;
  readonly createdBy?: string;
}

export interface ImageReport {
  readonly reference: string;
  readonly kind: 'ordinary' | 'accelerated';
  readonly platform: string;
  readonly created?: string;
  readonly manifestDigest: string;
  readonly indexDigest?: string;
  readonly configDigest: string;
  readonly layers: readonly LayerLine[];
  /** Sum of the layers' sizes. */
  readonly totalBytes: number;
  readonly config: RuntimeConfig;
  readonly content?: ContentReport;
}

export interface ContentReport {
  readonly bootstrapBytes: number;
  readonly chunkSize: number;
  readonly blockSize: number;
  readonly files: FileStatistics;
  /** Empty when `note` says why the chunks can't be told. */
  readonly blobs: readonly BlobStatistics[];
  readonly note?: string;
}

export async function reportImage(image: LookedAtImage, signal: AbortSignal): Promise<ImageReport> {
  const { manifest, config, isAccelerated, source, manifestDigest, indexDigest } = image;
  const history = config.history ?? [];
  const opened = isAccelerated ? await openAcceleratedImage(source, image.platform, signal) : undefined;
  const layers = manifest.layers.map((layer, at): LayerLine => {
    const createdBy = creatorOf(history, manifest.layers, at);
    const isLast = at === manifest.layers.length - 1;
    const pieces = isLast ? opened?.bootstrapLayer.pieces : opened?.pieces.get(layer.digest);
    return {
      digest: layer.digest,
      size: layer.size,
      mediaType: layer.mediaType,
      role: !isAccelerated ? 'layer' : isLast ? 'bootstrap' : 'data',
      ...(pieces && { pieces: pieces.count }),
      ...(createdBy !== undefined && { createdBy }),
    };
  });
  return {
    reference: source.name,
    kind: isAccelerated ? 'accelerated' : 'ordinary',
    platform: formatPlatform(config),
    ...(config.created !== undefined && { created: config.created }),
    manifestDigest,
    ...(indexDigest !== undefined && { indexDigest }),
    configDigest: manifest.config.digest,
    layers,
    totalBytes: layers.reduce((sum, { size }) => sum + size, 0),
    config: config.config ?? {},
    ...(opened && { content: reportContent(opened) }),
  };
}

function reportContent({ bootstrap, layers }: AcceleratedImage): ContentReport {
  const reader = new BootstrapReader(bootstrap);
  const { chunkSize, blockSize } = reader;
  const common = { bootstrapBytes: bootstrap.length, chunkSize, blockSize, files: fileStatistics(reader) };
  try {
    return { ...common, blobs: reader.blobLayouts(layers).map(blobStatistics) };
  } catch (error) {
    // An image of somebody else's making with chunks of a kind that we don't read: the rest is still worth telling.
    if (!isShoalError(error, 'unsupported')) throw error;
    return { ...common, blobs: [], note: error.message };
  }
}
