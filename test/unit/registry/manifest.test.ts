import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../core/index.ts';
import { isShoalError } from '../../../core/index.ts';
import { describeDocument, MEDIA_TYPES, parseConfig, parseIndex, parseManifest } from '../../../registry/index.ts';
import { sampleImage } from '../../support/sample-image.ts';

const digest = `sha256:${'1'.repeat(64)}`;
const descriptor = { mediaType: 'x', digest, size: 1 };
const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: descriptor, layers: [descriptor] };
const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digest] } };

const bytesOf = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

function refuses(
  parse: (bytes: Uint8Array, what: string) => unknown,
  value: unknown,
  code: ErrorCode,
  message: RegExp,
) {
  assert.throws(
    () => parse(bytesOf(value), 'r.example/app:1'),
    error => isShoalError(error, code) && message.test(error.message) && error.message.startsWith('r.example/app:1: '),
    `${JSON.stringify(value)} should be refused as ${code} with ${message}`,
  );
}

test('reads manifests, indexes and configs of OCI and Docker', () => {
  const image = sampleImage();
  const [first] = image.manifests;
  assert.ok(first);
  assert.deepEqual(
    parseManifest(first.bytes, 'x').layers.map(layer => layer.digest),
    image.layers.map(l => l.descriptor.digest),
  );
  assert.equal(parseIndex(image.index.bytes, 'x').manifests.length, 3);
  assert.equal(parseManifest(bytesOf({ ...manifest, mediaType: MEDIA_TYPES.dockerManifest }), 'x').layers.length, 1);
  assert.equal(parseManifest(bytesOf({ ...manifest, mediaType: undefined }), 'x').mediaType, undefined);
});

test('keeps fields that it does not know and takes null for absent', () => {
  const parsed = parseConfig(
    bytesOf({ ...config, 'moby.special': { a: 1 }, config: { Env: null, Cmd: ['a'], OnBuild: ['b'] }, history: null }),
    'x',
  );
  assert.deepEqual(parsed, { ...config, 'moby.special': { a: 1 }, config: { Cmd: ['a'], OnBuild: ['b'] } });
});

test('refuses manifests with impossible values and says where', () => {
  refuses(parseManifest, 'no json', 'malformed', /no valid JSON/);
  refuses(parseManifest, Buffer.from([0x22, 0xff, 0x22]).toString('latin1').slice(0, 2), 'malformed', /no valid JSON/);
  refuses(parseManifest, [], 'malformed', /no JSON object/);
  refuses(parseManifest, { ...manifest, config: undefined }, 'malformed', /config/);
  refuses(parseManifest, { ...manifest, layers: [{ ...descriptor, size: -1 }] }, 'malformed', /layers\.0\.size/);
  refuses(parseManifest, { ...manifest, layers: [{ ...descriptor, size: 2 ** 53 }] }, 'malformed', /layers\.0\.size/);
  refuses(parseManifest, { ...manifest, layers: [{ ...descriptor, size: 1.5 }] }, 'malformed', /layers\.0\.size/);
  refuses(
    parseManifest,
    { ...manifest, layers: [{ ...descriptor, digest: 'sha256:../x' }] },
    'malformed',
    /layers\.0\.digest/,
  );
  refuses(parseManifest, { ...manifest, layers: [null] }, 'malformed', /layers\.0/);
  refuses(parseManifest, { ...manifest, annotations: { a: 1 } }, 'malformed', /annotations\.a/);
  refuses(parseConfig, { ...config, rootfs: { type: 'tar', diff_ids: [] } }, 'malformed', /rootfs\.type/);
});

test('refuses a document of the wrong kind, and one that could be two', () => {
  refuses(parseManifest, { schemaVersion: 1, fsLayers: [] }, 'unsupported', /schema 1/);
  refuses(parseManifest, { schemaVersion: 2, manifests: [] }, 'malformed', /expected an image manifest, found a index/);
  refuses(parseManifest, { ...manifest, mediaType: 'text/html' }, 'malformed', /text\/html/);
  refuses(parseManifest, { ...manifest, mediaType: MEDIA_TYPES.ociIndex }, 'malformed', /expected an image manifest/);
  refuses(parseIndex, manifest, 'malformed', /expected an image index/);
  refuses(parseIndex, { ...manifest, manifests: [] }, 'malformed', /both an index/);
});

test('describes a document by its own media type first, then by the claimed one', () => {
  assert.deepEqual(describeDocument(bytesOf(manifest), 'claimed', 'x'), {
    kind: 'manifest',
    mediaType: MEDIA_TYPES.ociManifest,
  });
  assert.deepEqual(describeDocument(bytesOf({ schemaVersion: 2, manifests: [] }), 'claimed', 'x'), {
    kind: 'index',
    mediaType: 'claimed',
  });
});

test('kinds and platforms with control characters are refused', () => {
  const evil = 'linux\x1b]0;owned\x07';
  const manifests = [{ mediaType: 'm', digest: `sha256:${'0'.repeat(64)}`, size: 1 }];
  for (const bad of [
    { mediaType: evil },
    { artifactType: evil },
    { platform: { os: evil, architecture: 'amd64' } },
    { platform: { os: 'linux', architecture: 'amd64', variant: evil } },
  ]) {
    const index = { schemaVersion: 2, manifests: manifests.map(entry => ({ ...entry, ...bad })) };
    assert.throws(() => parseIndex(Buffer.from(JSON.stringify(index)), 'image'), {
      code: 'malformed',
      message: /^image: index is wrong at manifests.*no control characters/,
    });
  }
});
