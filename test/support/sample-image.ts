// A small image for tests of transfers: two ordinary platforms and an accelerated one behind an index. The layers are
// noise: nothing here unpacks them.

import type { Descriptor, Digest } from '../../core/index.ts';
import { digestFromHex } from '../../core/index.ts';
import { MEDIA_TYPES, NYDUS_MEDIA_TYPES } from '../../registry/index.ts';
import { noise, sha256Hex } from './fake-blob.ts';

export interface SampleDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

export interface SampleImage {
  readonly layers: readonly SampleDocument[];
  /** Config and layers. */
  readonly blobs: readonly SampleDocument[];
  /** Manifests behind the index; the first two are linux/amd64 and linux/arm64/v8, the third linux/amd64 accelerated. */
  readonly manifests: readonly SampleDocument[];
  readonly index: SampleDocument;
}

const LAYER_BYTES = [300_000, 70_001, 1];

export function sampleImage(seed = 'sample'): SampleImage {
  const layers = LAYER_BYTES.map((size, at) => document(noise(size, `${seed} ${at}`), MEDIA_TYPES.ociLayerGzip));
  const config = json(configOf(layers.map(({ descriptor }) => descriptor.digest)), MEDIA_TYPES.ociConfig);
  const manifests = ['amd64', 'arm64', 'nydus'].map(name =>
    json(manifestOf(config.descriptor, layers, `${seed} ${name}`), MEDIA_TYPES.ociManifest),
  );
  const index = json(indexOf(manifests.map(({ descriptor }) => descriptor)), MEDIA_TYPES.ociIndex);
  return { layers, blobs: [config, ...layers], manifests, index };
}

export function document(bytes: Buffer, mediaType: string): SampleDocument {
  return { bytes, descriptor: { mediaType, digest: digestFromHex(sha256Hex(bytes)), size: bytes.length } };
}

function json(value: unknown, mediaType: string): SampleDocument {
  return document(Buffer.from(JSON.stringify(value)), mediaType);
}

function configOf(diffIds: readonly Digest[]): unknown {
  return {
    os: 'linux',
    architecture: 'amd64',
    config: { Cmd: ['/bin/true'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
  };
}

function manifestOf(config: Descriptor, layers: readonly SampleDocument[], name: string): unknown {
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: { 'org.opencontainers.image.title': name },
  };
}

function indexOf([amd64, arm64, nydus]: readonly Descriptor[]): unknown {
  const platform = { os: 'linux', architecture: 'amd64' };
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [
      { ...nydus, artifactType: NYDUS_MEDIA_TYPES.manifestArtifact, platform },
      { ...amd64, platform },
      { ...arm64, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    ],
  };
}
