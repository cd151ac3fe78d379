import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acceleratedConfig,
  acceleratedManifest,
  blobDescriptor,
  bootstrapDescriptor,
} from '../../../converter/manifest.ts';
import { digestFromHex } from '../../../core/index.ts';
import { ChunkList, type FinishedBlob } from '../../../image/index.ts';
import { type HistoryEntry, type ImageConfig, MEDIA_TYPES } from '../../../registry/index.ts';

function blob(digit: string): FinishedBlob {
  return {
    id: digit.repeat(64),
    blobSize: 100,
    deviceSize: 4096,
    chunks: new ChunkList(),
    compressionTable: { offset: 0, storedSize: 0, uncompressedSize: 0, compressor: 'none' },
    tocSize: 0,
    tocDigest: new Uint8Array(32),
  };
}

const DIFF_ID = digestFromHex('f'.repeat(64));

function config(history?: readonly HistoryEntry[]): ImageConfig {
  return {
    os: 'linux',
    architecture: 'amd64',
    created: '2024-01-01T00:00:00Z',
    config: { Entrypoint: ['/bin/x'] },
    rootfs: { type: 'layers', diff_ids: [] },
    ...(history && { history }),
  };
}

test('the config keeps what the image runs and names the new layers', () => {
  const result = acceleratedConfig(config(), [blob('a'), undefined, blob('b')], DIFF_ID);
  assert.deepEqual(result.config, { Entrypoint: ['/bin/x'] });
  assert.deepEqual(result.rootfs.diff_ids, [digestFromHex('a'.repeat(64)), digestFromHex('b'.repeat(64)), DIFF_ID]);
});

const BOOTSTRAP_STEP = { created: '2024-01-01T00:00:00Z', created_by: 'Nydus Bootstrap Layer' };

test('history keeps every step and marks those whose layer became no blob', () => {
  const history = [
    { created_by: 'one' },
    { created_by: 'env', empty_layer: true },
    { created_by: 'two' },
    { created_by: 'three' },
  ];
  assert.deepEqual(acceleratedConfig(config(history), [blob('a'), undefined, blob('b')], DIFF_ID).history, [
    { created_by: 'one' },
    { created_by: 'env', empty_layer: true },
    { created_by: 'two', empty_layer: true },
    { created_by: 'three' },
    BOOTSTRAP_STEP,
  ]);
});

for (const history of [undefined, [], [{ created_by: 'only one' }]]) {
  test(`a history of ${history?.length ?? 'no'} steps for two layers is replaced by one that fits`, () => {
    const result = acceleratedConfig(config(history), [blob('a'), blob('b')], DIFF_ID);
    assert.equal(result.history?.filter(step => !step.empty_layer).length, result.rootfs.diff_ids.length);
    assert.deepEqual(result.history?.at(-1), BOOTSTRAP_STEP);
  });
}

test('layers carry the media types and annotations that Nydus snapshotters look for', () => {
  assert.deepEqual(blobDescriptor(blob('a')), {
    mediaType: 'application/vnd.oci.image.layer.nydus.blob.v1',
    digest: `sha256:${'a'.repeat(64)}`,
    size: 100,
    annotations: {
      'containerd.io/snapshot/nydus-blob': 'true',
      'containerd.io/uncompressed': `sha256:${'a'.repeat(64)}`,
    },
  });
  const digest = digestFromHex('c'.repeat(64));
  const layer = { path: '', digest, size: 7, diffId: DIFF_ID, pieces: Buffer.alloc(32, 1) };
  assert.deepEqual(bootstrapDescriptor(layer, MEDIA_TYPES.ociLayerGzip), {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest,
    size: 7,
    annotations: {
      'containerd.io/snapshot/nydus-bootstrap': 'true',
      'containerd.io/snapshot/nydus-fs-version': '6',
      'containerd.io/uncompressed': DIFF_ID,
      'io.shoal.pieces.v1': Buffer.from(`00${'cc'.repeat(32)}${'01'.repeat(32)}`, 'hex').toString('base64'),
    },
  });
  const large = bootstrapDescriptor({ ...layer, pieces: Buffer.alloc(32 << 20) }, MEDIA_TYPES.ociLayerGzip);
  assert.equal(large.annotations?.['io.shoal.pieces.v1'], undefined, 'a manifest has to stay small');
});

test('the manifest is an OCI one and keeps annotations', () => {
  const digest = digestFromHex('d'.repeat(64));
  const descriptor = { mediaType: 'x', digest, size: 1 };
  const source = { schemaVersion: 2, config: descriptor, layers: [], annotations: { note: 'kept' } } as const;
  const manifest = acceleratedManifest(source, descriptor, [descriptor], { format: 'oci', isMerged: false });
  assert.equal(manifest.mediaType, 'application/vnd.oci.image.manifest.v1+json');
  assert.equal(manifest.config.mediaType, 'application/vnd.oci.image.config.v1+json');
  assert.deepEqual(manifest.annotations, { note: 'kept' });
  assert.deepEqual(manifest.layers, [descriptor]);
});
