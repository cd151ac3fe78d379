// Conversions of several platforms, merged indexes, Docker's format, and what refers to the original.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { copyImage } from '../../../converter/image-copy.ts';
import { convertIndex, copyReferrers, findReferrers, listImages } from '../../../converter/index.ts';
import { type Descriptor, type Digest, type Platform, parseDigest } from '../../../core/index.ts';
import {
  type IndexEntry,
  MEDIA_TYPES,
  NYDUS_MEDIA_TYPES,
  type OpenedSource,
  openSink,
  openSource,
  parseIndex,
  parseManifest,
} from '../../../registry/index.ts';
import { cosignTag, sampleReferrer } from '../../conformance/referrers.ts';
import { noDockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { buildImage, buildIndex, type ImageSpec } from '../../support/image-builder.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../../support/memory-registry.ts';
import { testAccess } from '../../support/registry-targets.ts';
import { document } from '../../support/sample-image.ts';
import { inPieces } from '../../support/streams.ts';
import type { TarItem } from '../../support/tar-bytes.ts';
import { leftovers, makeWorkspace, type Workspace } from './converted-image.ts';

const signal = AbortSignal.timeout(60_000);
const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64', variant: 'v8' };
const SHARED: TarItem[] = [{ path: 'shared', content: randomBytes(100_000) }];

const imageFor = (platform: Platform, docker = false): ImageSpec => ({
  platform,
  docker,
  layers: [{ tar: SHARED }, { tar: [{ path: 'arch', content: platform.architecture }] }],
});

/** As buildkit lists its attestations. */
const ATTESTATION = imageFor({ os: 'unknown', architecture: 'unknown' });

async function buildAll(space: Workspace, docker = false) {
  const platforms = [AMD64, ARM64, { os: 'windows', architecture: 'amd64' }];
  return buildIndex(space.source, {
    tag: 'app',
    images: [...platforms.map(platform => imageFor(platform, docker)), ...(docker ? [] : [ATTESTATION])],
    docker,
    annotations: { 'org.opencontainers.image.title': 'app' },
  });
}

interface Converting {
  readonly source: OpenedSource;
  readonly target: string;
  readonly platform: Platform | 'all';
  readonly mergeIndex?: boolean;
  readonly format?: 'oci' | 'docker';
}

async function convertAll(t: TestContext, space: Workspace, options: Converting) {
  const access = testAccess(t);
  const { source, target, mergeIndex = false, ...rest } = options;
  await using sink = openSink(target, { access, plainHttp: true });
  const list = await listImages(source, signal);
  const common = { workDir: space.workDir, workers: 1, signal };
  const report = await convertIndex({ ...common, ...rest, source, sink, list, mergeIndex });
  const named = await openSource(target, { access, plainHttp: true }).named({ signal });
  assert.equal(named.digest, report.target.digest);
  assert.deepEqual(await leftovers(space), []);
  return { report, index: parseIndex(named.bytes, target), mediaType: named.mediaType };
}

/** `linux/arm64/v8` and what marks it. */
function described({ platform, artifactType }: IndexEntry): string {
  const features = platform?.['os.features'] ?? [];
  return [platform?.architecture, ...features, artifactType].filter(Boolean).join(' ');
}

async function pushIndex(t: TestContext, reference: string, target: string): Promise<void> {
  const access = testAccess(t);
  const source = openSource(reference, { access });
  await using sink = openSink(target, { access, plainHttp: true });
  const root = await source.named({ signal });
  await copyImage({ ...root, size: root.bytes.length }, { source, sink, signal });
  await sink.putManifest(root.bytes, root.mediaType, { signal });
}

test('every Linux platform of an index becomes one of the new index; the rest is left out and said', async t => {
  const space = await makeWorkspace(t);
  const { reference, digest } = await buildAll(space);
  const source = openSource(reference, { access: testAccess(t) });
  const { report, index, mediaType } = await convertAll(t, space, {
    source,
    target: `oci:${space.target}:all`,
    platform: 'all',
  });
  assert.equal(mediaType, MEDIA_TYPES.ociIndex);
  assert.deepEqual(index.manifests.map(described), ['amd64', 'arm64']);
  assert.deepEqual(index.manifests[1]?.platform, ARM64);
  assert.deepEqual(index.annotations, { 'org.opencontainers.image.title': 'app' });
  assert.equal(report.source.digest, digest);
  assert.deepEqual(
    report.platforms.map(({ platform }) => platform),
    ['linux/amd64', 'linux/arm64/v8'],
  );
  assert.deepEqual(
    report.leftOut.map(({ reason }) => reason),
    ['windows/amd64: only images for Linux can be mounted', 'an attestation about one of the images, no image'],
  );
});

test('a blob that platforms share is uploaded once', async t => {
  const space = await makeWorkspace(t);
  const { reference } = await buildAll(space);
  const registry = await startMemoryRegistry(t);
  const source = openSource(reference, { access: testAccess(t) });
  const { report } = await convertAll(t, space, { source, target: `${registry.host}/app:all`, platform: 'all' });
  const shared = report.platforms.map(({ layers }) => layers[0]?.blob?.digest);
  assert.equal(shared[0], shared[1]);
  assert.equal(uploadsOf(registry, shared[0]), 1);
});

function uploadsOf(registry: MemoryRegistry, digest: Digest | undefined): number {
  return registry.requestsTo('PUT /v2/app/blobs').filter(({ path }) => path.includes(encodeURIComponent(digest ?? '')))
    .length;
}

test('a merged index has each original in front of its accelerated form, marked so that others skip it', async t => {
  const space = await makeWorkspace(t);
  const { reference, images } = await buildAll(space);
  const registry = await startMemoryRegistry(t);
  await pushIndex(t, reference, `${registry.host}/app:1`);
  const access = testAccess(t);
  const source = openSource(`${registry.host}/app:1`, { access, plainHttp: true });
  const { index } = await convertAll(t, space, {
    source,
    target: `${registry.host}/merged:1`,
    platform: 'all',
    mergeIndex: true,
  });
  const mark = `nydus.remoteimage.v1 ${NYDUS_MEDIA_TYPES.manifestArtifact}`;
  assert.deepEqual(index.manifests.map(described), ['amd64', `amd64 ${mark}`, 'arm64', `arm64 ${mark}`]);
  const merged = openSource(`${registry.host}/merged:1`, { access, plainHttp: true });
  assert.equal((await merged.manifest(AMD64, { signal })).digest, images[0]?.manifestDigest);
  const accelerated = await merged.manifest(ARM64, { signal, prefer: 'nydus' });
  const manifest = parseManifest(accelerated.bytes, 'merged');
  assert.equal(manifest.config.mediaType, NYDUS_MEDIA_TYPES.config);
  assert.equal(manifest.artifactType, NYDUS_MEDIA_TYPES.manifestArtifact);
  for (const layer of parseManifest((await merged.manifest(AMD64, { signal })).bytes, 'original').layers) {
    assert.ok(registry.repository('merged').blobs.has(layer.digest), 'the original is there with its layers');
  }
  // Once more over the result: what is accelerated already is left out.
  const again = await listImages(merged, signal);
  assert.deepEqual(
    again.images.map(({ descriptor }) => descriptor.digest),
    images.slice(0, 2).map(({ manifestDigest }) => manifestDigest),
  );
});

test('one platform can be merged, too, also from a lone manifest', async t => {
  const space = await makeWorkspace(t);
  const { reference, manifestDigest } = await buildImage(space.source, { ...imageFor(AMD64), tag: 'one' });
  const source = openSource(reference, { access: testAccess(t) });
  const { index } = await convertAll(t, space, {
    source,
    target: `oci:${space.target}:merged`,
    platform: AMD64,
    mergeIndex: true,
  });
  assert.equal(index.manifests.length, 2);
  assert.equal(index.manifests[0]?.digest, manifestDigest);
});

test('platforms that were not asked for are left out of a merged index, and said', async t => {
  const space = await makeWorkspace(t);
  const { reference, images } = await buildAll(space);
  const { report, index } = await convertAll(t, space, {
    source: openSource(reference, { access: testAccess(t) }),
    target: `oci:${space.target}:merged`,
    platform: AMD64,
    mergeIndex: true,
  });
  assert.equal(index.manifests.length, 2);
  const said = report.leftOut.filter(({ reason }) => reason.includes('not the platform that was asked for'));
  assert.deepEqual(
    said.map(({ digest }) => digest),
    [images[1]?.manifestDigest],
  );
  assert.match(said[0]?.reason ?? '', /^linux\/arm64/);
});

test("Docker's lists and manifests go in, and come out when asked for", { skip: noDockerRegistry }, async t => {
  const space = await makeWorkspace(t);
  const { reference } = await buildAll(space, true);
  const registry = await startDockerRegistry(t);
  await pushIndex(t, reference, `${registry.host}/app:docker`);
  const access = testAccess(t);
  const source = openSource(`${registry.host}/app:docker`, { access, plainHttp: true });
  assert.equal((await source.named({ signal })).mediaType, MEDIA_TYPES.dockerIndex);
  for (const [format, types] of [
    ['docker', [MEDIA_TYPES.dockerIndex, MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerConfig]],
    ['oci', [MEDIA_TYPES.ociIndex, MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociConfig]],
  ] as const) {
    const target = `${registry.host}/app:to-${format}`;
    const { index, mediaType } = await convertAll(t, space, { source, target, platform: 'all', format });
    const converted = await openSource(target, { access, plainHttp: true }).manifest(ARM64, { signal });
    const manifest = parseManifest(converted.bytes, target);
    assert.deepEqual([mediaType, converted.mediaType, manifest.config.mediaType], types);
    assert.equal(index.manifests[0]?.mediaType, types[1]);
    const bootstrap = format === 'docker' ? MEDIA_TYPES.dockerLayerGzip : MEDIA_TYPES.ociLayerGzip;
    assert.deepEqual(
      manifest.layers.map(layer => layer.mediaType),
      [NYDUS_MEDIA_TYPES.blob, NYDUS_MEDIA_TYPES.blob, bootstrap],
    );
  }
});

test("a merged index in Docker's format is refused", async t => {
  const space = await makeWorkspace(t);
  const { reference } = await buildAll(space);
  const source = openSource(reference, { access: testAccess(t) });
  const options = { source, target: 'localhost/app', platform: 'all', mergeIndex: true, format: 'docker' } as const;
  await assert.rejects(convertAll(t, space, options), { code: 'usage', message: /has the OCI format/ });
});

test('schema 1 manifests are refused by name', async t => {
  const space = await makeWorkspace(t);
  const registry = await startMemoryRegistry(t);
  const schema1 = { schemaVersion: 1, name: 'app', tag: '1', fsLayers: [], history: [] };
  registry.putManifest('app', '1', schema1, 'application/vnd.docker.distribution.manifest.v1+prettyjws');
  const source = openSource(`${registry.host}/app:1`, { access: testAccess(t), plainHttp: true });
  const converting = convertAll(t, space, { source, target: `oci:${space.target}:x`, platform: 'all' });
  await assert.rejects(converting, { code: 'unsupported', message: /Docker schema 1 manifests are not supported/ });
});

test('an index with nothing to convert says what was left out', async t => {
  const space = await makeWorkspace(t);
  const { reference } = await buildIndex(space.source, { tag: 'none', images: [ATTESTATION] });
  const source = openSource(reference, { access: testAccess(t) });
  const converting = convertAll(t, space, { source, target: `oci:${space.target}:x`, platform: 'all' });
  await assert.rejects(converting, { code: 'not-found', message: /no image to convert; left out: an attestation/ });
});

test('a manifest that an index gives to several platforms is converted once, and serves all of them', async t => {
  const space = await makeWorkspace(t);
  const { reference } = await buildIndex(space.source, { tag: 'app', images: [imageFor(AMD64)] });
  const registry = await startMemoryRegistry(t);
  await pushIndex(t, reference, `${registry.host}/app:one`);
  const options = { access: testAccess(t), plainHttp: true };
  const descriptor = await descriptorOf(openSource(`${registry.host}/app:one`, options), AMD64);
  const variants = ['v6', 'v7'].map(variant => ({ os: 'linux', architecture: 'arm', variant }));
  const manifests = variants.map(platform => ({ ...descriptor, platform }));
  registry.putManifest('app', 'shared', { schemaVersion: 2, manifests }, MEDIA_TYPES.ociIndex);
  const { index, report } = await convertAll(t, space, {
    source: openSource(`${registry.host}/app:shared`, options),
    target: `oci:${space.target}:all`,
    platform: 'all',
  });
  assert.deepEqual(
    index.manifests.map(({ platform }) => platform),
    variants,
  );
  assert.equal(index.manifests[0]?.digest, index.manifests[1]?.digest);
  assert.equal(report.platforms.length, 2);
});

test('artifacts in an index are left out by name', async t => {
  const registry = await startMemoryRegistry(t);
  const { descriptor: config } = document(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
  const artifactType = 'application/vnd.amazon.soci.index.v2+json';
  const soci = registry.putManifest(
    'app',
    undefined,
    { schemaVersion: 2, config, layers: [] },
    MEDIA_TYPES.ociManifest,
  );
  const manifests = [{ ...soci, artifactType, platform: AMD64 }];
  registry.putManifest('app', 'soci', { schemaVersion: 2, manifests }, MEDIA_TYPES.ociIndex);
  const source = openSource(`${registry.host}/app:soci`, { access: testAccess(t), plainHttp: true });
  const { images, leftOut } = await listImages(source, signal);
  assert.deepEqual(images, []);
  assert.deepEqual(leftOut, [{ reason: `an artifact ("${artifactType}"), no image`, digest: soci.digest }]);
});

test('an index that holds itself by way of others ends', async t => {
  const space = await makeWorkspace(t);
  const registry = await startMemoryRegistry(t);
  let inner: Descriptor = registry.putManifest(
    'app',
    undefined,
    { schemaVersion: 2, manifests: [] },
    MEDIA_TYPES.ociIndex,
  );
  for (let depth = 0; depth < 6; depth++) {
    inner = registry.putManifest('app', 'deep', { schemaVersion: 2, manifests: [inner] }, MEDIA_TYPES.ociIndex);
  }
  const source = openSource(`${registry.host}/app:deep`, { access: testAccess(t), plainHttp: true });
  const converting = convertAll(t, space, { source, target: `oci:${space.target}:x`, platform: 'all' });
  await assert.rejects(converting, { code: 'malformed', message: /nested indexes/ });
});

test('a platform that fails leaves the tag of the target as it was', async t => {
  const space = await makeWorkspace(t);
  const broken: ImageSpec = { ...imageFor(ARM64), layers: [{ tar: SHARED, diffId: `sha256:${'0'.repeat(64)}` }] };
  const { reference } = await buildIndex(space.source, { tag: 'app', images: [imageFor(AMD64), broken] });
  const registry = await startMemoryRegistry(t);
  const source = openSource(reference, { access: testAccess(t) });
  const converting = convertAll(t, space, { source, target: `${registry.host}/app:all`, platform: 'all' });
  await assert.rejects(converting, { code: 'digest-mismatch', message: /layer 1 of 1/ });
  assert.deepEqual([...registry.repository('app').tags], []);
});

for (const to of ['oci', 'oci-archive', 'memory with the API', 'memory without it', 'docker-registry'] as const) {
  const skip = to === 'docker-registry' ? noDockerRegistry : false;
  test(`referrers of index and manifest go along with what they are about: ${to}`, { skip }, async t => {
    const space = await makeWorkspace(t);
    const { reference, images, digest } = await buildAll(space);
    const origin = await startMemoryRegistry(t);
    origin.knobs.referrersApi = true;
    await pushIndex(t, reference, `${origin.host}/app:1`);
    const access = testAccess(t);
    const options = { access, plainHttp: true };
    const source = openSource(`${origin.host}/app:1`, options);
    const root = await source.named({ signal });
    const index = { mediaType: root.mediaType, digest: parseDigest(digest), size: root.bytes.length };
    const manifest = await descriptorOf(source, AMD64);
    assert.equal(manifest.digest, images[0]?.manifestDigest);
    const sbom = await attach(t, `${origin.host}/app:1`, manifest, 'application/spdx+json');
    const signature = await attach(
      t,
      `${origin.host}/app:1`,
      index,
      'cosign signature',
      cosignTag(index.digest, 'sig'),
    );
    const ofSbom = await attach(t, `${origin.host}/app:1`, sbom, 'application/vnd.example.signature');

    const found = await findReferrers({ source, subjects: [index, manifest], signal });
    assert.deepEqual(
      found.map(({ referrers }) => referrers.map(({ type }) => type)),
      [['cosign signature'], ['application/spdx+json']],
    );
    const target = await targetFor(t, to, space);
    {
      await using sink = openSink(target, options);
      assert.equal(await copyReferrers(found, { source, sink, signal }), 3);
      const bytes = await source.document(manifest, { signal });
      await sink.putManifest(bytes, manifest.mediaType, { signal }); // completes what is written as a whole
    }
    const copy = openSource(target, options);
    const of = async (subject: Digest) =>
      (await copy.referrers(subject, { signal })).map(({ descriptor }) => descriptor.digest);
    assert.deepEqual(await of(index.digest), [signature.digest]);
    assert.deepEqual(await of(manifest.digest), [sbom.digest]);
    assert.deepEqual(await of(sbom.digest), [ofSbom.digest]);
    // The originals resolve: with all their manifests, whose layers are there.
    assert.equal((await copy.document(index, { signal })).length, index.size);
    for (const { digest: child } of parseIndex(root.bytes, 'index').manifests) {
      const entry = parseIndex(root.bytes, 'index').manifests.find(each => each.digest === child);
      assert.ok(entry && (await copy.document(entry, { signal })));
    }
  });
}

async function descriptorOf(source: OpenedSource, platform: Platform): Promise<Descriptor> {
  const { digest, mediaType, bytes } = await source.manifest(platform, { signal });
  return { digest, mediaType, size: bytes.length };
}

async function attach(t: TestContext, reference: string, to: Descriptor, type: string, tag?: string) {
  await using sink = openSink(reference, { access: testAccess(t), plainHttp: true });
  const { referrer, manifest, blobs } = sampleReferrer(to, type, tag);
  for (const { descriptor, bytes } of blobs) {
    await sink.putBlob(descriptor, () => inPieces(bytes, 1000), { signal });
  }
  await sink.putReferrer(to.digest, referrer, manifest.bytes, { signal });
  return referrer.descriptor;
}

async function targetFor(t: TestContext, to: string, space: Workspace): Promise<string> {
  if (to === 'oci') return `oci:${space.target}:copy`;
  if (to === 'oci-archive') return `oci-archive:${space.directory}/copy.tar:copy`;
  if (to === 'docker-registry') return `${(await startDockerRegistry(t)).host}/copy:1`;
  const registry = await startMemoryRegistry(t);
  registry.knobs.referrersApi = to === 'memory with the API';
  return `${registry.host}/copy:1`;
}
