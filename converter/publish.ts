// The last steps of a conversion: bootstrap layer, config and manifest, pushed in the order in which each names the one
// before.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Digest, digestFromHex, type ImageSink } from '../core/index.ts';
import { encodePieceTable } from '../image/index.ts';
import { writeBootstrapLayer } from './bootstrap-layer.ts';
import type { ConvertedLayers } from './layers-conversion.ts';
import {
  acceleratedConfig,
  acceleratedManifest,
  blobDescriptor,
  bootstrapDescriptor,
  documentBytes,
  type ManifestForm,
  mediaTypesOf,
} from './manifest.ts';
import type { ConvertReport } from './report.ts';
import type { SourceImage } from './source-image.ts';
import type { Uploads } from './uploads.ts';

export interface PublishOptions {
  readonly sink: ImageSink;
  /** Where temporary files go. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly uploads: Uploads;
  readonly form: ManifestForm;
  readonly onPhase: (phase: 'push') => void;
}

export interface PublishedImage {
  readonly manifestDigest: Digest;
  readonly bootstrap: ConvertReport['bootstrap'];
}

/** Packs the bootstrap and pushes everything that is not pushed yet; the manifest goes last. */
export async function publishImage(
  source: SourceImage,
  converted: ConvertedLayers,
  options: PublishOptions,
): Promise<PublishedImage> {
  const { sink, directory, signal, uploads, form, onPhase } = options;
  const types = mediaTypesOf(form);
  const content = { bootstrap: converted.bootstrap, pieceTable: encodePieceTable(converted.pieces) };
  const layer = await writeBootstrapLayer(content, join(directory, 'bootstrap.tar.gz'), signal);
  const blobs = converted.layers.map(({ blob }) => blob);
  const config = documentBytes(acceleratedConfig(source.config, blobs, layer.diffId));
  const configDescriptor = { mediaType: types.config, digest: sha256(config), size: config.length };
  const bootstrapLayer = bootstrapDescriptor(layer, types.bootstrap);
  const layers = [...converted.blobs.map(blobDescriptor), bootstrapLayer];
  const manifest = documentBytes(acceleratedManifest(source.manifest, configDescriptor, layers, form));

  onPhase('push');
  uploads.add(bootstrapLayer, layer.path);
  await sink.putBlob(configDescriptor, () => once(config), { signal });
  await uploads.finished();
  const manifestDigest = await sink.putManifest(manifest, types.manifest, { signal });
  return {
    manifestDigest,
    bootstrap: { digest: layer.digest, size: layer.size, uncompressedSize: converted.bootstrap.length },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function sha256(bytes: Uint8Array): Digest {
  return digestFromHex(createHash('sha256').update(bytes).digest('hex'));
}
