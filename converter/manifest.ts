// The accelerated image's manifest and config, from those of the source (nydus.md §1.32-1.33). Pure.
//
// Data layers come first, each one blob; the bootstrap is the last layer. The config is the source's with other diff
// ids, so the image runs the same; its history keeps every step, and those whose layer became no blob are marked empty.

import { type Descriptor, type Digest, digestFromHex } from '../core/index.ts';
import { encodePieceAnnotation, type FinishedBlob } from '../image/index.ts';
import {
  type HistoryEntry,
  type ImageConfig,
  type ImageManifest,
  MEDIA_TYPES,
  NYDUS_ANNOTATIONS,
  NYDUS_BOOTSTRAP_HISTORY,
  NYDUS_MEDIA_TYPES,
  SHOAL_ANNOTATIONS,
} from '../registry/index.ts';
import type { BootstrapLayer } from './bootstrap-layer.ts';
import type { TargetFormat } from './config.ts';

const FS_VERSION = '6';

export interface ManifestForm {
  readonly format: TargetFormat;
  /** The manifest stands beside the original in an index. */
  readonly isMerged: boolean;
}

/**
 * Media types of an accelerated image's parts. Blobs have their own in either format, as stock converters have it; a
 * config in a merged index is one that ordinary runtimes do not know, so that they skip the manifest (nydus.md §1.32).
 */
export function mediaTypesOf({ format, isMerged }: ManifestForm) {
  const types =
    format === 'docker'
      ? {
          manifest: MEDIA_TYPES.dockerManifest,
          config: MEDIA_TYPES.dockerConfig,
          bootstrap: MEDIA_TYPES.dockerLayerGzip,
        }
      : { manifest: MEDIA_TYPES.ociManifest, config: MEDIA_TYPES.ociConfig, bootstrap: MEDIA_TYPES.ociLayerGzip };
  return isMerged ? { ...types, config: NYDUS_MEDIA_TYPES.config } : types;
}

/** What the manifest says of a layer's blob. */
export type LayerBlob = Pick<FinishedBlob, 'id' | 'blobSize'>;

export function blobDescriptor(blob: LayerBlob): Descriptor {
  const digest = digestFromHex(blob.id);
  return {
    mediaType: NYDUS_MEDIA_TYPES.blob,
    digest,
    size: blob.blobSize,
    // A blob is not compressed as a whole: uncompressed it is what it is.
    annotations: { [NYDUS_ANNOTATIONS.blob]: 'true', [NYDUS_ANNOTATIONS.uncompressed]: digest },
  };
}

export function bootstrapDescriptor(layer: BootstrapLayer, mediaType: string): Descriptor {
  const { digest, size, pieces } = layer;
  const annotation = encodePieceAnnotation({ digest, size, digests: pieces });
  return {
    mediaType,
    digest,
    size,
    annotations: {
      [NYDUS_ANNOTATIONS.bootstrap]: 'true',
      [NYDUS_ANNOTATIONS.fsVersion]: FS_VERSION,
      [NYDUS_ANNOTATIONS.uncompressed]: layer.diffId,
      ...(annotation !== undefined && { [SHOAL_ANNOTATIONS.pieces]: annotation }),
    },
  };
}

/** The config of the accelerated image; `blobs` are those of the source's layers, in order; some layers have none. */
export function acceleratedConfig(
  source: ImageConfig,
  blobs: readonly (LayerBlob | undefined)[],
  bootstrapDiffId: Digest,
): ImageConfig {
  const diffIds = blobs.flatMap(blob => (blob ? [digestFromHex(blob.id)] : []));
  return {
    ...source,
    rootfs: { ...source.rootfs, diff_ids: [...diffIds, bootstrapDiffId] },
    history: [
      ...historyOf(source.history ?? [], blobs),
      {
        ...(source.created !== undefined && { created: source.created }),
        created_by: NYDUS_BOOTSTRAP_HISTORY,
      },
    ],
  };
}

export function acceleratedManifest(
  source: ImageManifest,
  config: Pick<Descriptor, 'digest' | 'size'>,
  layers: readonly Descriptor[],
  form: ManifestForm,
): ImageManifest {
  const types = mediaTypesOf(form);
  return {
    schemaVersion: 2,
    mediaType: types.manifest,
    ...(form.isMerged && { artifactType: NYDUS_MEDIA_TYPES.manifestArtifact }),
    config: { mediaType: types.config, digest: config.digest, size: config.size },
    layers,
    ...(source.annotations && { annotations: source.annotations }),
  };
}

/** The form in which documents are stored; the same value gives the same bytes. */
export function documentBytes(document: ImageConfig | ImageManifest): Uint8Array {
  return Buffer.from(JSON.stringify(document));
}

/**
 * The source's history with a step for each data layer. A history that does not fit the source's layers (it is
 * optional, and builders get it wrong) says nothing about them, and is replaced by a plain one.
 */
function historyOf(history: readonly HistoryEntry[], blobs: readonly (LayerBlob | undefined)[]): HistoryEntry[] {
  const steps = history.filter(entry => entry.empty_layer !== true);
  if (steps.length !== blobs.length) {
    return blobs.flatMap((blob, i) => (blob ? [{ created_by: `layer ${i + 1} of the source image` }] : []));
  }
  let layer = 0;
  return history.map(entry => {
    if (entry.empty_layer === true || blobs[layer++]) return entry;
    return { ...entry, empty_layer: true };
  });
}
