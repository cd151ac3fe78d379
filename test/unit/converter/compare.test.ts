// Does the comparison with the original find what differs, and nothing else?

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import type { CompareReport, Difference } from '../../../converter/index.ts';
import { compareWithOriginal } from '../../../converter/index.ts';
import { openSource, parseConfig } from '../../../registry/index.ts';
import { blobPath, buildImage, type ImageSpec, type LayerSpec } from '../../support/image-builder.ts';
import { testAccess } from '../../support/registry-targets.ts';
import type { TarItem } from '../../support/tar-bytes.ts';
import {
  convert,
  makeWorkspace,
  PLATFORM,
  readBootstrap,
  readDocument,
  type StoredManifest,
} from './converted-image.ts';

const signal = new AbortController().signal;
const LARGE = randomBytes(2_500_000);
const CONFIG = { Entrypoint: ['/bin/a'], Cmd: ['x'], Env: ['A=1', 'B=2'], Labels: { one: '1' } };

const LOWER: readonly TarItem[] = [
  { path: './', mtime: 5 },
  { path: 'bin/', mtime: 6 },
  { path: 'bin/a', content: LARGE, mode: 0o4755, xattrs: { 'security.capability': 'cap', 'user.n': 'v' } },
  { path: 'bin/b', type: 'hardlink', target: 'bin/a' },
  { path: 'bin/hidden', content: 'gone' },
  { path: 'dev/' },
  { path: 'dev/null', type: 'char', major: 1, minor: 3 },
  { path: 'dev/disk', type: 'block', major: 300, minor: 70_000 },
  { path: 'fifo', type: 'fifo' },
  { path: 'link', type: 'symlink', target: 'bin/a' },
  { path: 'caf\xe9', content: 'latin1', pax: { mtime: '1600000000.123456789' } },
  { path: 'opaque/' },
  { path: 'opaque/old', content: 'old' },
];
const UPPER: readonly TarItem[] = [
  { path: 'bin/.wh.hidden' },
  { path: 'opaque/.wh..wh..opq' },
  { path: 'opaque/new', content: '' },
  { path: 'etc/file', content: 'implicit parent' },
];

const LAYERS: readonly LayerSpec[] = [{ tar: LOWER }, { tar: UPPER, compression: 'zstd' }];

/** Converts `converted` and compares the result with `original`. */
async function compared(
  t: TestContext,
  { original, converted }: { readonly original: ImageSpec; readonly converted: ImageSpec },
  chunkSize?: number,
): Promise<CompareReport> {
  const space = await makeWorkspace(t);
  const report = await convert(space, await buildImage(space.source, { ...converted, tag: 'converted' }), {
    chunkSize,
  });
  const { reference } = await buildImage(space.source, { ...original, tag: 'original' });
  const manifest = await readDocument<StoredManifest>(space.target, report.target.digest);
  const config = parseConfig(await readFile(blobPath(space.target, manifest.config.digest)), 'converted');
  let seen = 0;
  const result = await compareWithOriginal({
    source: openSource(reference, { access: testAccess(t) }),
    platform: PLATFORM,
    reader: await readBootstrap(space.target, report.target.digest),
    config,
    signal,
    onProgress: readBytes => {
      seen = readBytes;
    },
  });
  assert.ok(seen > 0, 'progress was told');
  return result;
}

const lowerWith = (change: (items: TarItem[]) => TarItem[]): ImageSpec => ({
  layers: [{ tar: change([...LOWER]) }, { tar: UPPER }],
  config: CONFIG,
});
const changed = (path: string, change: Partial<TarItem>) =>
  lowerWith(items => items.map(item => (item.path === path ? { ...item, ...change } : item)));
const without = (path: string) => lowerWith(items => items.filter(item => item.path !== path));
const ORIGINAL = lowerWith(items => items);

test('a converted image equals its original, whatever the chunk size', async t => {
  for (const chunkSize of [undefined, 4096]) {
    const report = await compared(t, { original: { layers: LAYERS, config: CONFIG }, converted: ORIGINAL }, chunkSize);
    assert.deepEqual(report.differences, []);
    assert.equal(report.differenceCount, 0);
    assert.equal(report.entries, LOWER.length + UPPER.length);
  }
});

const flipped = Buffer.from(LARGE);
flipped[1_500_000] = (flipped[1_500_000] ?? 0) ^ 1;

const CASES: readonly (readonly [string, ImageSpec, readonly Difference[]])[] = [
  [
    'a changed byte',
    changed('bin/a', { content: flipped }),
    [diff('/bin/a', 'content', 'the original file', `other bytes from offset ${1 << 20} on`)],
  ],
  ['another size', changed('caf\xe9', { content: 'latin-1' }), [diff('/caf\ufffd', 'size', '6', '7')]],
  ['a missing file', without('link'), [diff('/link', 'missing', 'a symlink', 'nothing')]],
  [
    'an extra directory, told once',
    lowerWith(items => [...items, { path: 'extra/' }, { path: 'extra/file', content: 'x' }]),
    [diff('/extra', 'extra', 'nothing', 'an entry')],
  ],
  ['another mode', changed('bin/a', { mode: 0o755 }), [diff('/bin/a', 'mode', '04755', '0755')]],
  ['another owner', changed('bin/', { uid: 7 }), [diff('/bin', 'owner', '0:0', '7:0')]],
  ['another time', changed('bin/', { mtime: 7 }), [diff('/bin', 'mtime', '6.000000000', '7.000000000')]],
  [
    'another nanosecond',
    changed('caf\xe9', { pax: { mtime: '1600000000.123456788' } }),
    [diff('/caf\ufffd', 'mtime', '1600000000.123456789', '1600000000.123456788')],
  ],
  ['another time of the root', changed('./', { mtime: 9 }), [diff('/', 'mtime', '5.000000000', '9.000000000')]],
  [
    'another xattr, and a missing one',
    changed('bin/a', { xattrs: { 'security.capability': 'cop' } }),
    [
      diff('/bin/a', 'xattr', 'security.capability=0x636170', 'security.capability=0x636f70'),
      diff('/bin/a', 'xattr', 'user.n=0x76', 'no user.n'),
    ],
  ],
  [
    'a hard link that became a copy',
    changed('bin/b', {
      type: 'file',
      content: LARGE,
      mode: 0o4755,
      xattrs: { 'security.capability': 'cap', 'user.n': 'v' },
    }),
    [diff('/bin/b', 'hard link', 'the same file as "/bin/a"', 'a file of its own')],
  ],
  ['another target', changed('link', { target: 'bin/b' }), [diff('/link', 'target', '"bin/a"', '"bin/b"')]],
  ['another device', changed('dev/null', { minor: 5 }), [diff('/dev/null', 'device', '259', '261')]],
  ['another type', changed('fifo', { type: 'file', content: '' }), [diff('/fifo', 'type', 'fifo', 'file')]],
  [
    'another environment and a lost label',
    { ...ORIGINAL, config: { ...CONFIG, Env: ['B=2', 'A=1'], Labels: {} } },
    [
      diff('config.config.Env', 'config', '["A=1","B=2"]', '["B=2","A=1"]'),
      diff('config.config.Labels.one', 'config', '"1"', 'nothing'),
    ],
  ],
];

function diff(path: string, kind: Difference['kind'], expected: string, found: string): Difference {
  return { path, kind, expected, found };
}

for (const [name, converted, expected] of CASES) {
  test(`finds ${name}`, async t => {
    const report = await compared(t, { original: ORIGINAL, converted });
    assert.deepEqual(report.differences, expected);
    assert.equal(report.differenceCount, expected.length);
  });
}

test('finds two files that became one', async t => {
  const copies: TarItem[] = [
    { path: 'one', content: 'same' },
    { path: 'two', content: 'same' },
  ];
  const [one] = copies;
  const linked: TarItem[] = [one ?? { path: 'one' }, { path: 'two', type: 'hardlink', target: 'one' }];
  const report = await compared(t, {
    original: { layers: [{ tar: copies }] },
    converted: { layers: [{ tar: linked }] },
  });
  assert.deepEqual(report.differences, [diff('/two', 'hard link', 'a file of its own', 'the same file as "/one"')]);
});

test('holes of any size are compared without being filled', async t => {
  const hole = (content: string): TarItem => ({
    path: 'sparse',
    content: Buffer.from(content.padEnd(512, '\0')),
    pax: {
      'GNU.sparse.major': '0',
      'GNU.sparse.minor': '1',
      'GNU.sparse.size': String(2 ** 34),
      'GNU.sparse.map': `${2 ** 33},512`,
    },
  });
  const spec = (content: string): ImageSpec => ({ layers: [{ tar: [hole(content)] }] });
  const same = await compared(t, { original: spec('middle'), converted: spec('middle') });
  assert.equal(same.differenceCount, 0);
  const other = await compared(t, { original: spec('middle'), converted: spec('muddle') });
  assert.deepEqual(other.differences, [
    diff('/sparse', 'content', 'the original file', `other bytes from offset ${2 ** 33} on`),
  ]);
});

test('lists the first hundred differences and counts all', async t => {
  const files = (content: string) =>
    Array.from({ length: 150 }, (_, i): TarItem => ({ path: `f${i}`, content: `${content}${i}` }));
  const report = await compared(t, {
    original: { layers: [{ tar: files('a') }] },
    converted: { layers: [{ tar: files('b') }] },
  });
  assert.equal(report.differences.length, 100);
  assert.equal(report.differenceCount, 150);
});

test('what no accelerated image can hold is told, and is no difference', async t => {
  const spec: ImageSpec = {
    layers: [{ tar: [{ path: 'f', content: 'x', xattrs: { 'strange.name': 'y', 'user.kept': 'z' } }] }],
  };
  const report = await compared(t, { original: spec, converted: spec });
  assert.equal(report.differenceCount, 0);
  assert.deepEqual(
    report.notStored.map(({ kind, count }) => [kind, count]),
    [['xattr-dropped', 1]],
  );
});

test('an original whose layer is not what its config says is refused, not compared', async t => {
  const wrong: ImageSpec = { layers: [{ tar: LOWER, diffId: `sha256:${'0'.repeat(64)}` }] };
  await assert.rejects(compared(t, { original: wrong, converted: ORIGINAL }), {
    code: 'digest-mismatch',
    message: /layer 1 of 1/,
  });
});

test('an original that ends in the middle of a layer is refused', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, ORIGINAL);
  const report = await convert(space, image);
  const path = blobPath(space.source, image.layers[0]?.digest ?? '');
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length - 100));
  const comparing = compareWithOriginal({
    source: openSource(image.reference, { access: testAccess(t) }),
    platform: PLATFORM,
    reader: await readBootstrap(space.target, report.target.digest),
    config: parseConfig(Buffer.from('{"os":"linux","architecture":"amd64","rootfs":{"type":"layers"}}'), 'none'),
    signal,
    onProgress: () => {},
  });
  await assert.rejects(comparing, { code: 'malformed' });
});
