// The image to convert: its manifest and config, checked to be of a kind that can be converted.

import { type Descriptor, type Digest, type ImageSource, type Platform, ShoalError } from '../core/index.ts';
import {
  type ImageConfig,
  type ImageManifest,
  LAYER_COMPRESSION,
  NYDUS_ANNOTATIONS,
  parseConfig,
  parseManifest,
} from '../registry/index.ts';

export interface SourceLayer {
  readonly descriptor: Descriptor;
  /** What the sha256 of the uncompressed layer must be. */
  readonly diffId: Digest;
  /** For messages: `layer 2 of 5 (sha256:...)`. */
  readonly label: string;
}

export interface SourceImage {
  readonly digest: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly layers: readonly SourceLayer[];
}

/** Throws `unsupported` for images that are accelerated already or whose layers are no file systems, `malformed`, ... */
export async function loadSourceImage(
  source: ImageSource,
  platform: Platform,
  signal: AbortSignal,
): Promise<SourceImage> {
  const { bytes, digest } = await source.manifest(platform, { signal });
  const manifest = parseManifest(bytes, source.name);
  if (manifest.layers.some(layer => layer.annotations?.[NYDUS_ANNOTATIONS.bootstrap] === 'true')) {
    throw new ShoalError('unsupported', `${source.name}: is an accelerated image already`);
  }
  for (const layer of manifest.layers) checkLayer(layer, source.name);
  const config = parseConfig(await source.document(manifest.config, { signal }), source.name);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw new ShoalError(
      'malformed',
      `${source.name}: the config has ${diffIds.length} diff ids for ${manifest.layers.length} layers`,
    );
  }
  const layers = diffIds.flatMap((diffId, i) => {
    const descriptor = manifest.layers[i];
    if (!descriptor) return [];
    return [{ descriptor, diffId, label: `layer ${i + 1} of ${diffIds.length} (${descriptor.digest})` }];
  });
  return { digest, manifest, config, layers };
}

function checkLayer(layer: Descriptor, name: string): void {
  if (LAYER_COMPRESSION.has(layer.mediaType)) return;
  throw new ShoalError('unsupported', `${name}: layer ${layer.digest} is of type ${layer.mediaType}, no file system`);
}
