// Conversions from end to end, judged by what umoci makes of the same image.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConvertProgress } from '../../../converter/index.ts';
import { type BuiltImage, blobPath, buildImage, type LayerSpec } from '../../support/image-builder.ts';
import type { TarItem } from '../../support/tar-bytes.ts';
import { compareTrees, readTree, type Tree } from '../../support/tree.ts';
import {
  convert,
  leftovers,
  makeWorkspace,
  readBootstrap,
  readConverted,
  readDocument,
  type StoredManifest,
  type Workspace,
} from './converted-image.ts';

const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');
const LARGE = randomBytes(2_500_000);
const HALF_ZEROS = Buffer.concat([Buffer.alloc(1 << 20), randomBytes(1000), Buffer.alloc(1 << 20)]);
const ROOT: TarItem = { path: './', mtime: 1_500_000_000 };

const BASE: readonly TarItem[] = [
  ROOT,
  { path: 'bin/', mtime: 11 },
  { path: 'bin/su', content: 'setuid', mode: 0o4755, mtime: 12 },
  { path: 'bin/ping', content: 'capable', xattrs: { 'security.capability': CAPABILITY, 'user.note': 'x' } },
  { path: 'etc/', mode: 0o750, uid: 3, gid: 4 },
  { path: 'etc/motd', content: 'welcome', pax: { mtime: '1600000000.123456789' } },
  { path: 'etc/before-epoch', content: '', mtime: -1000 },
  { path: 'usr/' },
  { path: 'usr/lib/' },
  { path: 'usr/lib/large', content: LARGE },
  { path: 'usr/lib/zeros', content: HALF_ZEROS },
  { path: 'lib', type: 'symlink', target: 'usr/lib' },
  { path: 'long-link', type: 'symlink', target: `/${'very/'.repeat(200)}far` },
  { path: 'caf\xe9', content: 'latin1' },
  { path: `${'n'.repeat(250)}`, content: 'long name' },
  { path: 'dev/' },
  { path: 'dev/null', type: 'char', major: 1, minor: 3, mode: 0o666 },
  { path: 'dev/big', type: 'block', major: 300, minor: 70_000 },
  { path: 'fifo', type: 'fifo' },
  { path: 'data/' },
  { path: 'data/one', content: 'one' },
  { path: 'data/two', type: 'hardlink', target: 'data/one' },
  { path: 'data/sub/' },
  { path: 'data/sub/old', content: 'old' },
  { path: 'opaque/' },
  { path: 'opaque/hidden', content: 'hidden' },
  { path: 'opaque/sub/' },
  { path: 'opaque/sub/hidden', content: 'hidden' },
  { path: 'becomes-dir', content: 'file' },
  { path: 'becomes-file/' },
  { path: 'becomes-file/x', content: 'x' },
];

const MIDDLE: readonly TarItem[] = [
  { path: 'etc/motd', content: 'welcome again' },
  { path: 'bin/.wh.su' },
  { path: 'data/', mode: 0o700, mtime: 77 },
  { path: 'data/three', type: 'hardlink', target: './data/one' },
  { path: 'data/one', content: 'replaced, the links keep the old one' },
  { path: 'opaque/', mtime: 78 },
  { path: 'opaque/new', content: 'new' },
  { path: 'opaque/sub/', mtime: 79 },
  { path: 'opaque/sub/new', content: 'new' },
  { path: 'opaque/.wh..wh..opq' },
  { path: 'lib/through-symlink', content: 'in usr/lib' },
  { path: 'becomes-dir/' },
  { path: 'becomes-dir/y', content: 'y' },
  { path: 'becomes-file', content: 'now a file' },
  { path: 'implicit/parent/file', content: 'no entries for the parents' },
  { path: 'twice', content: 'first' },
  { path: 'twice', content: 'second', mode: 0o600 },
  { path: 'same-layer', content: 'stays' },
  { path: '.wh.same-layer' },
];

const TOP: readonly TarItem[] = [
  { path: 'usr/lib/large-copy', content: LARGE },
  { path: '.wh.fifo' },
  { path: 'data/sub/', mode: 0o711, mtime: 80 },
];

/**
 * Times that are of no image: parents without entries get the time of the unpacking, and umoci leaves the time of the
 * unpacking on directories from which it removed something for a later layer.
 */
const UNDATED = new Set(['/implicit', '/implicit/parent', '/', '/opaque/sub']);

function umociTree(space: Workspace, tag = 'latest'): Promise<Tree> {
  const rootfs = join(space.directory, `rootfs-${tag}`);
  execFileSync('umoci', ['raw', 'unpack', '--image', `${space.source}:${tag}`, rootfs], { stdio: 'pipe' });
  return readTree(rootfs);
}

async function compareWithUmoci(t: TestContext, layers: readonly LayerSpec[], ignoreMtimeOf = UNDATED): Promise<Tree> {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers });
  const report = await convert(space, image);
  const found = await readConverted(space.target, report.target.digest);
  assert.deepEqual(compareTrees(await umociTree(space), found, { ignoreMtimeOf }), []);
  assert.deepEqual(await leftovers(space), []);
  return found;
}

test('a converted image is what umoci unpacks: whiteouts, opaque markers, links, devices, attributes, contents', async t => {
  const tree = await compareWithUmoci(t, [{ tar: BASE }, { tar: MIDDLE }, { tar: TOP }]);
  // What the comparison stands for, so that it cannot be true by both sides being empty.
  assert.ok(tree.size > 35);
  assert.equal(tree.get('/data/two')?.group, tree.get('/data/three')?.group);
  assert.notEqual(tree.get('/data/one')?.group, tree.get('/data/two')?.group);
  assert.match(tree.get('/bin/ping')?.xattrs ?? '', /security\.capability=0x01/);
  assert.deepEqual([tree.get('/')?.mtime, tree.get('/opaque/sub')?.mtime], ['1500000000.000000000', '79.000000000']);
  assert.equal(tree.has('/bin/su'), false);
  assert.equal(tree.has('/usr/lib/through-symlink'), true);
});

test('the Nydus fixture with every entry type converts, and its links stay links', async t => {
  const fixture = resolve(import.meta.dirname, '../../fixtures/nydus/all-entry-type.tar');
  const tree = await compareWithUmoci(t, [{ tar: await readFile(fixture) }], new Set(['/']));
  const group = tree.get('/tar/dir1/dir3/hardlink1.txt')?.group;
  for (const name of ['dir1/dir3/xfile.txt', 'dir1/hardlink2.txt', 'dir2/hardlink3.txt']) {
    assert.equal(tree.get(`/tar/${name}`)?.group, group);
  }
});

test('a hard link to a symlink becomes a symlink of its own', async t => {
  const space = await makeWorkspace(t);
  const links: TarItem[] = [
    { path: 's', type: 'symlink', target: 'x' },
    { path: 'copy', type: 'hardlink', target: 's' },
  ];
  const report = await convert(space, await buildImage(space.source, { layers: [{ tar: links }] }));
  const tree = await readConverted(space.target, report.target.digest);
  assert.deepEqual(
    [tree.get('/copy')?.type, tree.get('/copy')?.target, tree.get('/copy')?.group],
    ['symlink', 'x', '/copy'],
  );
});

test('GNU sparse files are expanded', async t => {
  const space = await makeWorkspace(t);
  const file = join(space.directory, 'sparse');
  execFileSync('truncate', ['-s', '5M', file]);
  execFileSync('dd', [`of=${file}`, 'bs=1', 'seek=3000000', 'conv=notrunc', 'status=none'], { input: 'data' });
  const tar = execFileSync('tar', ['--sparse', '--format=gnu', '-cf', '-', '-C', space.directory, 'sparse']);
  const report = await convert(space, await buildImage(space.source, { layers: [{ tar }] }));
  const tree = await readConverted(space.target, report.target.digest);
  const expected = (await readTree(space.directory)).get('/sparse');
  assert.deepEqual(tree.get('/sparse'), { ...expected, mtime: tree.get('/sparse')?.mtime });
  assert.equal(report.totals.duplicateChunks, 3, 'all-zero chunks are one chunk');
});

test('compression, layer media types and Docker manifests make no difference', async t => {
  const space = await makeWorkspace(t);
  const variants: readonly BuiltImage[] = [
    await buildImage(space.source, { tag: 'gzip', layers: [{ tar: BASE }, { tar: MIDDLE }] }),
    await buildImage(space.source, {
      tag: 'mixed',
      layers: [
        { tar: BASE, compression: 'zstd' },
        { tar: MIDDLE, compression: 'none' },
      ],
    }),
    await buildImage(space.source, { tag: 'docker', docker: true, layers: [{ tar: BASE }, { tar: MIDDLE }] }),
    // The bytes decide: a gzip layer that is called a plain tar.
    await buildImage(space.source, {
      tag: 'mislabelled',
      layers: [{ tar: BASE, mediaType: 'application/vnd.oci.image.layer.v1.tar' }, { tar: MIDDLE }],
    }),
  ];
  const reports = [];
  for (const [i, image] of variants.entries()) reports.push(await convert(space, image, { tag: `v${i}` }));
  const [first] = reports;
  for (const report of reports) {
    assert.equal(report.target.digest, first?.target.digest);
    const manifest = await readDocument<StoredManifest>(space.target, report.target.digest);
    assert.equal(manifest.mediaType, 'application/vnd.oci.image.manifest.v1+json');
  }
});

test('the number of workers changes nothing, and neither does a second conversion', async t => {
  const space = await makeWorkspace(t);
  const many = Array.from({ length: 300 }, (_, i) => ({ path: `many/${i}`, content: randomBytes(i * 211) }));
  const layers = [
    { tar: [...BASE, ...many] },
    { tar: MIDDLE },
    { tar: [{ path: 'again', content: LARGE.subarray(5) }] },
  ];
  const image = await buildImage(space.source, { layers });
  const digests = [];
  for (const workers of [1, 2, 2, 4]) digests.push((await convert(space, image, { workers })).target.digest);
  assert.equal(new Set(digests).size, 1);
});

test('chunks are deduplicated over the image, and a layer with nothing new has no blob', async t => {
  const space = await makeWorkspace(t);
  const layers = [
    { tar: [ROOT, { path: 'a', content: LARGE }] },
    { tar: [{ path: 'b', content: LARGE }] },
    { tar: [{ path: '.wh.a' }] },
    { tar: [{ path: 'c', content: 'new' }] },
  ];
  const image = await buildImage(space.source, { layers });
  const report = await convert(space, image);
  assert.deepEqual(
    report.layers.map(({ chunks, duplicateChunks, blob }) => [chunks, duplicateChunks, blob !== undefined]),
    [
      [3, 0, true],
      [3, 3, false],
      [0, 0, false],
      [1, 0, true],
    ],
  );
  assert.equal(report.totals.duplicateBytes, LARGE.length);
  const manifest = await readDocument<StoredManifest>(space.target, report.target.digest);
  assert.equal(manifest.layers.length, 3);
  const config = await readDocument<{ rootfs: { diff_ids: string[] }; history: { empty_layer?: boolean }[] }>(
    space.target,
    manifest.config.digest,
  );
  assert.deepEqual(
    config.rootfs.diff_ids,
    manifest.layers.map(layer => layer.annotations['containerd.io/uncompressed']),
  );
  assert.deepEqual(
    config.history.map(step => step.empty_layer === true),
    [false, true, true, false, false],
  );
});

test('a blob of which nothing is left is not part of the image', async t => {
  const space = await makeWorkspace(t);
  const layers = [
    { tar: [ROOT, { path: 'download', content: LARGE }] },
    { tar: [{ path: '.wh.download' }, { path: 'kept', content: 'kept' }] },
  ];
  const report = await convert(space, await buildImage(space.source, { layers }));
  assert.deepEqual(
    report.layers.map(({ blob }) => blob !== undefined),
    [false, true],
  );
  const tree = await readConverted(space.target, report.target.digest);
  assert.deepEqual([...tree.keys()], ['/', '/kept']);
});

test('a base layer gives the same blob whatever is on top of it', async t => {
  const space = await makeWorkspace(t);
  const one = await buildImage(space.source, { tag: 'one', layers: [{ tar: BASE }, { tar: MIDDLE }] });
  const two = await buildImage(space.source, { tag: 'two', layers: [{ tar: BASE }, { tar: TOP }] });
  const [a, b] = [await convert(space, one, { tag: 'one' }), await convert(space, two, { tag: 'two' })];
  assert.ok(a.layers[0]?.blob);
  assert.deepEqual(a.layers[0]?.blob, b.layers[0]?.blob);
});

test('an image without any layer, and one without any file, convert', async t => {
  const space = await makeWorkspace(t);
  const empty = await convert(space, await buildImage(space.source, { layers: [] }));
  assert.deepEqual([...(await readConverted(space.target, empty.target.digest)).keys()], ['/']);
  const noFiles = await buildImage(space.source, { layers: [{ tar: [{ path: 'd/' }] }, { tar: Buffer.alloc(0) }] });
  const report = await convert(space, noFiles);
  assert.deepEqual([...(await readConverted(space.target, report.target.digest)).keys()], ['/', '/d']);
  assert.equal(report.totals.blobs, 0);
});

test('other chunk sizes convert to the same files', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [{ tar: BASE }] });
  const trees = [];
  for (const chunkSize of [4096, 1 << 16, 1 << 22]) {
    const report = await convert(space, image, { chunkSize });
    assert.equal((await readBootstrap(space.target, report.target.digest)).chunkSize, chunkSize);
    trees.push(await readConverted(space.target, report.target.digest));
  }
  assert.deepEqual(trees[1], trees[0]);
  assert.deepEqual(trees[2], trees[0]);
});

test('progress goes through the phases and reads every byte of the layers', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [{ tar: BASE }, { tar: MIDDLE }] });
  const seen: ConvertProgress[] = [];
  await convert(space, image, { onProgress: progress => seen.push(progress) });
  assert.deepEqual([...new Set(seen.map(({ phase }) => phase))], ['layers', 'bootstrap', 'push']);
  const last = seen.at(-1);
  assert.equal(last?.readBytes, last?.totalBytes);
  assert.equal(
    last?.totalBytes,
    image.layers.reduce((sum, { size }) => sum + size, 0),
  );
  assert.deepEqual([...new Set(seen.map(({ layer }) => layer))], [1, 2]);
});

test('blobs in the target have the digests that the manifest names', async t => {
  const space = await makeWorkspace(t);
  const report = await convert(space, await buildImage(space.source, { layers: [{ tar: BASE }] }));
  const manifest = await readDocument<StoredManifest>(space.target, report.target.digest);
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    const path = blobPath(space.target, digest);
    assert.equal((await readFile(path)).length, size);
    assert.equal(`sha256:${execFileSync('sha256sum', [path], { encoding: 'utf8' }).slice(0, 64)}`, digest);
  }
});

test('warnings count what could not be kept', async t => {
  const space = await makeWorkspace(t);
  const tar: TarItem[] = [
    { path: 'mac', xattrs: { 'com.apple.quarantine': 'x' } },
    { path: 'overlay/', xattrs: { 'trusted.overlay.opaque': 'y' } },
    { path: 'whiteout', type: 'char', major: 0, minor: 0 },
  ];
  const report = await convert(space, await buildImage(space.source, { layers: [{ tar }] }));
  assert.deepEqual(
    report.warnings.map(({ kind, count, example }) => [kind, count, example]),
    [
      ['overlay-xattr-dropped', 1, '"overlay/"'],
      ['whiteout-device-skipped', 1, '"whiteout"'],
      ['xattr-dropped', 1, '"mac"'],
    ],
  );
});
