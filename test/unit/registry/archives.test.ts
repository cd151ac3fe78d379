// Archives as sources and as a target: what Docker, skopeo and others write, and what nobody honest writes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type ErrorCode, isShoalError } from '../../../core/index.ts';
import { MEDIA_TYPES, openSink, openSource, parseManifest } from '../../../registry/index.ts';
import { dockerArchive, type SavedImage } from '../../support/docker-archive.ts';
import { publishTo, temporaryDirectory, testAccess } from '../../support/registry-targets.ts';
import { sampleImage } from '../../support/sample-image.ts';
import { collect, inPieces } from '../../support/streams.ts';
import { rawMember, type TarItem, tarHeader, tarMember, tarOf } from '../../support/tar-bytes.ts';

const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const LAYER = tarOf([{ path: 'hello', content: 'world' }]);
const OTHER = tarOf([{ path: 'other', content: 'layer' }]);

const sha256 = (bytes: Uint8Array | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function saved(names: readonly string[], layers: readonly Buffer[], options: Partial<SavedImage> = {}): SavedImage {
  const config = JSON.stringify({
    ...AMD64,
    config: { Cmd: names },
    rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
  });
  return { names, config, layers: layers.map(bytes => ({ bytes })), ...options };
}

async function archive(t: TestContext, bytes: Uint8Array): Promise<string> {
  const file = join(await temporaryDirectory(t), 'image.tar');
  await writeFile(file, bytes);
  return file;
}

async function readImage(t: TestContext, reference: string) {
  const source = openSource(reference, { access: testAccess(t) });
  const fetched = await source.manifest(AMD64, { signal });
  const manifest = parseManifest(fetched.bytes, source.name);
  const layers = await Promise.all(manifest.layers.map(layer => collect(source.blob(layer, { signal }))));
  return { fetched, manifest, layers };
}

async function refused(t: TestContext, reference: string, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(readImage(t, reference), error => {
    assert.ok(isShoalError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  });
}

for (const form of ['classic', 'hybrid'] as const) {
  test(`reads what docker save writes, ${form}, and makes the same manifest each time`, async t => {
    const file = await archive(t, dockerArchive([saved(['app:1'], [LAYER, OTHER])], { form }));
    const { fetched, manifest, layers } = await readImage(t, `docker-archive:${file}`);
    assert.deepEqual(layers, [LAYER, OTHER]);
    assert.equal(fetched.mediaType, MEDIA_TYPES.dockerManifest);
    assert.deepEqual(
      manifest.layers.map(({ mediaType, digest }) => [mediaType, digest]),
      [LAYER, OTHER].map(bytes => [MEDIA_TYPES.dockerLayer, sha256(bytes)]),
    );
    assert.equal(fetched.digest, sha256(fetched.bytes as Buffer));
    const copy = await archive(t, dockerArchive([saved(['app:1'], [LAYER, OTHER])], { form }));
    assert.equal((await readImage(t, `docker-archive:${copy}`)).fetched.digest, fetched.digest);
  });
}

test('compressed layers of a Docker archive keep their bytes, and get the digest of these', async t => {
  const image = saved(['app:1'], [LAYER, OTHER]);
  const stored = [gzipSync(LAYER), zstdCompressSync(OTHER)];
  const file = await archive(t, dockerArchive([{ ...image, layers: stored.map(bytes => ({ bytes })) }]));
  const { manifest, layers } = await readImage(t, `docker-archive:${file}`);
  assert.deepEqual(layers, stored);
  assert.deepEqual(
    manifest.layers.map(({ mediaType, digest }) => [mediaType, digest]),
    [
      [MEDIA_TYPES.dockerLayerGzip, sha256(stored[0] ?? '')],
      [MEDIA_TYPES.dockerLayerZstd, sha256(stored[1] ?? '')],
    ],
  );
});

test('a layer that is a link to its twin is found', async t => {
  const config = saved([], [LAYER, LAYER]).config;
  const list = [{ Config: 'c.json', RepoTags: ['app:1'], Layers: ['a/layer.tar', 'b/layer.tar'] }];
  const file = await archive(
    t,
    tarOf([
      { path: './a/layer.tar', content: LAYER },
      { path: 'b/layer.tar', type: 'symlink', target: '../a/layer.tar' },
      { path: 'c.json', content: config },
      { path: 'manifest.json', content: JSON.stringify(list) },
    ]),
  );
  assert.deepEqual((await readImage(t, `docker-archive:${file}`)).layers, [LAYER, LAYER]);
});

test('of several images in a Docker archive the named one is read, by its short or its full name', async t => {
  const images = [saved(['app:1', 'r.example:5000/app:x'], [LAYER]), saved(['docker.io/library/app:2'], [OTHER])];
  const file = await archive(t, dockerArchive(images));
  for (const [name, layer] of [
    ['app:1', LAYER],
    ['docker.io/library/app:1', LAYER],
    ['r.example:5000/app:x', LAYER],
    ['app:2', OTHER],
  ] as const) {
    assert.deepEqual((await readImage(t, `docker-archive:${file}:${name}`)).layers, [layer], name);
  }
  const names = /docker\.io\/library\/app:1, r\.example:5000\/app:x, docker\.io\/library\/app:2/;
  await refused(t, `docker-archive:${file}`, 'not-found', new RegExp(`several images, none chosen.*${names.source}`));
  await refused(t, `docker-archive:${file}:app:3`, 'not-found', new RegExp(`no such image.*${names.source}`));
});

test('one image with two names needs none of them', async t => {
  const file = await archive(t, dockerArchive([saved(['app:1', 'app:2'], [LAYER])]));
  assert.deepEqual((await readImage(t, `docker-archive:${file}`)).layers, [LAYER]);
});

test('says what is wrong with a Docker archive', async t => {
  const list = (value: unknown) => tarOf([{ path: 'manifest.json', content: JSON.stringify(value) }]);
  const cases: readonly (readonly [Uint8Array, ErrorCode, RegExp])[] = [
    [tarOf([{ path: 'x', content: 'y' }]), 'not-found', /no manifest\.json in the archive/],
    [tarOf([{ path: 'manifest.json', content: '{' }]), 'malformed', /manifest\.json is no valid JSON/],
    [list({}), 'malformed', /manifest\.json is wrong at its top/],
    [list([{ Config: 7 }]), 'malformed', /wrong at 0\.Config/],
    [list(Array.from({ length: 1001 }, () => ({ Config: 'c' }))), 'malformed', /wrong at its top.*1000/],
    [list([{ Config: 'c', Layers: Array.from({ length: 1001 }, () => 'l') }]), 'malformed', /0\.Layers.*1000/],
    [list([{ Config: 'none.json', Layers: [] }]), 'malformed', /names "none\.json", which is not in the archive/],
    [list([{ Config: '../../etc/passwd', Layers: [] }]), 'malformed', /which is not in the archive/],
    [gzipSync(list([])), 'unsupported', /compressed with gzip; decompress it first/],
    [zstdCompressSync(list([])), 'unsupported', /compressed with zstd/],
    [Buffer.from('no tar at all'.repeat(100)), 'malformed', /no tar header at byte 0/],
    [list([]), 'not-found', /no image/],
  ];
  for (const [bytes, code, message] of cases) {
    await refused(t, `docker-archive:${await archive(t, bytes)}`, code, message);
  }
});

test('a layer whose bytes are not those of its diff id is refused', async t => {
  const image = saved(['app:1'], [LAYER]);
  const file = await archive(t, dockerArchive([{ ...image, layers: [{ bytes: OTHER }] }]));
  await refused(t, `docker-archive:${file}`, 'digest-mismatch', /expected sha256:/);
});

test('nothing that a hostile tar claims is believed', async t => {
  const sized = (size: number) => Buffer.concat([tarHeader({ path: 'big', size }, size), Buffer.alloc(1024)]);
  const list: TarItem = { path: 'manifest.json', content: '[]' };
  const cycle: TarItem[] = [
    { path: 'manifest.json', type: 'symlink', target: 'other' },
    { path: 'other', type: 'symlink', target: 'manifest.json' },
  ];
  const cases: readonly (readonly [string, Uint8Array, ErrorCode, RegExp])[] = [
    ['a size of 2^40', sized(2 ** 40), 'malformed', /"big" has 1099511627776 bytes at byte 512 of an archive/],
    ['a size beyond 2^53', sized(2 ** 60), 'malformed', /cut off or no tar/],
    ['a file cut off', tarMember({ path: 'x', content: 'y'.repeat(5000) }).subarray(0, 2048), 'malformed', /cut off/],
    ['a header cut off', tarOf([list]).subarray(0, 300), 'malformed', /cut off in the header at byte 0/],
    ['a wrong checksum', tarOf([list]).fill(9, 0, 5), 'malformed', /no tar header at byte 0/],
    ['a long name of 8 MiB', rawMember('x', 'L', Buffer.alloc(8 << 20, 'n')), 'malformed', /no tar header|more than/],
    ['a long name of 1 MiB', rawMember('x', 'L', Buffer.alloc(1 << 20, 'n')), 'limit', /a tar header of more than/],
    ['links in a circle', tarOf(cycle), 'not-found', /no manifest\.json/],
    ['a link out', tarOf([{ path: 'manifest.json', type: 'symlink', target: '../x' }]), 'not-found', /no manifest/],
    ['a huge list', tarOf([{ path: 'manifest.json', content: ' '.repeat(17 << 20) }]), 'limit', /at most 16777216/],
  ];
  for (const [name, bytes, code, message] of cases) {
    const reference = `docker-archive:${await archive(t, bytes)}`;
    await t.test(name, () => refused(t, reference, code, message));
  }
});

test('an OCI archive without an index says so, and points to the other form', async t => {
  const file = await archive(t, dockerArchive([saved(['app:1'], [LAYER])]));
  await refused(
    t,
    `oci-archive:${file}`,
    'not-found',
    /no index\.json\); it has a manifest\.json: use docker-archive:/,
  );
  await refused(t, `oci-archive:${file}.none`, 'not-found', /ENOENT/);
  await refused(t, `oci-archive:${join(file, '..')}`, 'malformed', /no regular file/);
});

test('an archive that was replaced is read as it is now', async t => {
  const file = join(await temporaryDirectory(t), 'image.tar');
  const options = { access: testAccess(t) };
  const [first, second] = [sampleImage('first'), sampleImage('second')];
  await publishTo(`oci-archive:${file}:one`, first, options);
  const source = openSource(`oci-archive:${file}:one`, options);
  assert.equal((await source.named({ signal })).digest, first.index.descriptor.digest);
  await publishTo(`oci-archive:${file}:one`, second, options);
  assert.equal((await source.named({ signal })).digest, second.index.descriptor.digest);
  for (const { descriptor, bytes } of second.blobs) {
    assert.deepEqual(await collect(source.blob(descriptor, { signal })), bytes);
  }
});

test('a target that is given up leaves nothing, also of what it held before', async t => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'image.tar');
  const options = { access: testAccess(t) };
  const image = sampleImage();
  await publishTo(`oci-archive:${file}:one`, image, options);
  const before = await readFile(file);
  {
    await using sink = openSink(`oci-archive:${file}:two`, options);
    for (const { descriptor, bytes } of sampleImage('next').layers) {
      await sink.putBlob(descriptor, () => inPieces(bytes, 10_000), { signal });
    }
    assert.equal((await readdir(directory)).length, 2, 'it grows beside the target');
  }
  assert.deepEqual(await readdir(directory), ['image.tar']);
  assert.deepEqual(await readFile(file), before);
});

test('an image that is replaced leaves nothing in the archive; others stay', async t => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'image.tar');
  const options = { access: testAccess(t) };
  const [first, other, second] = [sampleImage('first'), sampleImage('other'), sampleImage('second')];
  await publishTo(`oci-archive:${file}:one`, first, options);
  await publishTo(`oci-archive:${file}:two`, other, options);
  const { size } = await stat(file);
  await publishTo(`oci-archive:${file}:one`, second, options);
  assert.equal((await stat(file)).size, size);
  const source = openSource(`oci-archive:${file}:two`, options);
  for (const { descriptor, bytes } of other.blobs) {
    assert.deepEqual(await collect(source.blob(descriptor, { signal })), bytes);
  }
  const [gone] = first.layers;
  assert.ok(gone);
  await assert.rejects(collect(source.blob(gone.descriptor, { signal })), { code: 'not-found' });
});

test('the same image gives the same archive', async t => {
  const options = { access: testAccess(t) };
  const files = [join(await temporaryDirectory(t), 'a.tar'), join(await temporaryDirectory(t), 'b.tar')];
  const image = sampleImage();
  for (const file of files) {
    await using sink = openSink(`oci-archive:${file}:one`, options);
    for (const { descriptor, bytes } of image.blobs) {
      await sink.putBlob(descriptor, () => inPieces(bytes, 10_000), { signal });
    }
    await sink.putManifest(image.manifests[0]?.bytes ?? Buffer.alloc(0), MEDIA_TYPES.ociManifest, { signal });
  }
  const [a, b] = await Promise.all(files.map(file => readFile(file)));
  assert.deepEqual(a, b);
});

test('does not write over what somebody else wrote meanwhile', async t => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'image.tar');
  const options = { access: testAccess(t) };
  const image = sampleImage();
  await using slow = openSink(`oci-archive:${file}:slow`, options);
  const [layer] = image.layers;
  assert.ok(layer);
  await slow.putBlob(layer.descriptor, () => inPieces(layer.bytes, 10_000), { signal });
  await publishTo(`oci-archive:${file}:quick`, image, options);
  const { bytes, descriptor } = image.index;
  await assert.rejects(slow.putManifest(bytes, descriptor.mediaType, { signal }), { code: 'busy' });
  assert.deepEqual(await readdir(directory), ['image.tar']);
  assert.equal(
    (await openSource(`oci-archive:${file}:quick`, options).named({ signal })).digest,
    image.index.descriptor.digest,
  );
});

test('does not write over a file that is no archive, and says when its directory is missing', async t => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'precious');
  await writeFile(file, 'precious '.repeat(200));
  const options = { access: testAccess(t) };
  const image = sampleImage();
  const write = (reference: string) => publishTo(reference, image, options);
  await assert.rejects(write(`oci-archive:${file}:one`), { code: 'malformed', message: /no tar header at byte 0/ });
  assert.deepEqual(await readdir(directory), ['precious']);
  await assert.rejects(write(`oci-archive:${directory}/none/x.tar:one`), { code: 'not-found', message: /ENOENT/ });
});

test('does not put an archive into the place of a device', async t => {
  const base = await temporaryDirectory(t);
  const file = join(base, 'device');
  await symlink('/dev/null', file);
  const [layer] = sampleImage().layers;
  assert.ok(layer);
  await using sink = openSink(`oci-archive:${file}:a`, { access: testAccess(t) });
  const put = sink.putBlob(layer.descriptor, () => inPieces(layer.bytes, 999), { signal });
  await assert.rejects(put, { code: 'usage', message: /is no regular file/ });
  assert.deepEqual(await readdir(base), ['device']);
});

test("refuses to write Docker's archives by name", t => {
  assert.throws(() => openSink('docker-archive:/tmp/x.tar:app:1', { access: testAccess(t) }), {
    code: 'unsupported',
    message: /docker load takes ordinary images only/,
  });
});
