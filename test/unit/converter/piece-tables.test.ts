// The piece tables of converted images, judged by the blobs themselves, wherever the image went.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { convertImage, convertIndex, listImages } from '../../../converter/index.ts';
import { type ImageSource, PIECE_BYTES, type Platform } from '../../../core/index.ts';
import { digestOf, parsePieceAnnotation, parsePieceTable } from '../../../image/index.ts';
import { openSink, openSource, parseManifest } from '../../../registry/index.ts';
import { noise } from '../../support/fake-blob.ts';
import { buildImage, buildIndex } from '../../support/image-builder.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { testAccess } from '../../support/registry-targets.ts';
import { collect } from '../../support/streams.ts';
import { makeWorkspace, PLATFORM, type Workspace } from './converted-image.ts';
import { readArchive } from './read-archive.ts';

const signal = AbortSignal.timeout(60_000);

/** More than a slab, less than a piece, and what ends anywhere. */
const BASE = [
  { path: 'noise', content: noise(5_000_000, 'noise') },
  { path: 'zeros', content: Buffer.alloc(3_000_000) },
  ...Array.from({ length: 50 }, (_, i) => ({ path: `small/${i}`, content: noise(i * 97, `${i}`) })),
];
const TOP = [{ path: 'top', content: 'of one piece' }];

function digestsOf(bytes: Uint8Array): Buffer {
  const digests: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    digests.push(digestOf('blake3', bytes.subarray(at, at + PIECE_BYTES)));
  }
  return Buffer.concat(digests);
}

/** Compares table and annotation with the blobs; returns how many pieces each data layer has. */
async function checkPieces(source: ImageSource, platform: Platform): Promise<number[]> {
  const { bytes } = await source.manifest(platform, { signal, prefer: 'nydus' });
  const { layers } = parseManifest(bytes, source.name);
  const bootstrapLayer = layers.at(-1) ?? assert.fail('a manifest without layers');
  const stored = await collect(source.blob(bootstrapLayer, { signal }));
  const entries = readArchive(gunzipSync(stored));
  const names = entries.map(({ path }) => path);
  assert.deepEqual(names, ['image/', 'image/image.boot', 'image/shoal.pieces'], 'stock tools take the second');
  const dataLayers = layers.slice(0, -1);
  const table = parsePieceTable(entries[2]?.content ?? Buffer.alloc(0), dataLayers);
  assert.equal(table.size, dataLayers.length, 'no blob is left out');
  for (const layer of dataLayers) {
    const expected = digestsOf(await collect(source.blob(layer, { signal })));
    assert.deepEqual(Buffer.from(table.get(layer.digest)?.digests ?? []), expected);
  }
  const annotation = bootstrapLayer.annotations?.['io.shoal.pieces.v1'] ?? '';
  const pieces = parsePieceAnnotation(annotation, bootstrapLayer);
  assert.deepEqual(Buffer.from(pieces?.digests ?? []), digestsOf(stored));
  return dataLayers.map(({ digest }) => table.get(digest)?.count ?? 0);
}

async function convertTo(
  t: TestContext,
  { workDir }: Workspace,
  options: {
    readonly from: string;
    readonly to: string;
    readonly format?: 'oci' | 'docker';
    readonly workers?: number;
  },
) {
  const { from, to, ...rest } = options;
  const open = { access: testAccess(t), plainHttp: true };
  const source = openSource(from, open);
  const common = { source, platform: PLATFORM, workDir, signal };
  const report = await (async () => {
    await using sink = openSink(to, open);
    return convertImage({ ...common, ...rest, sink });
  })();
  return { report, target: openSource(to, open) };
}

const TARGETS = [
  { kind: 'a layout', to: (directory: string, _host: string) => `oci:${join(directory, 'out')}:app` },
  { kind: 'an archive', to: (directory: string, _host: string) => `oci-archive:${join(directory, 'out.tar')}:app` },
  { kind: 'a registry', to: (_directory: string, host: string) => `${host}/app:1` },
  { kind: "a registry, in Docker's format", format: 'docker', to: (_: string, host: string) => `${host}/app:1` },
] as const;
for (const { kind, to, ...rest } of TARGETS) {
  test(`an image in ${kind} has the digests of every piece of its blobs and of its bootstrap's layer`, async t => {
    const space = await makeWorkspace(t);
    const { host } = await startMemoryRegistry(t);
    const image = await buildImage(space.source, { layers: [{ tar: BASE }, { tar: TOP }] });
    const { target } = await convertTo(t, space, { from: image.reference, to: to(space.directory, host), ...rest });
    const [base = 0, top] = await checkPieces(target, PLATFORM);
    assert.ok(base > 5_000_000 / PIECE_BYTES);
    assert.equal(top, 1);
  });
}

test('a second conversion, with other threads and with all blobs there already, makes the same image', async t => {
  const space = await makeWorkspace(t);
  const { host } = await startMemoryRegistry(t);
  const image = await buildImage(space.source, { layers: [{ tar: BASE }, { tar: TOP }] });
  const digests: string[] = [];
  for (const [workers, name] of [
    [1, 'one:1'],
    [3, 'one:2'],
    [2, 'other:1'],
  ] as const) {
    const { report, target } = await convertTo(t, space, { from: image.reference, to: `${host}/${name}`, workers });
    digests.push(report.target.digest);
    await checkPieces(target, PLATFORM);
  }
  assert.equal(new Set(digests).size, 1);
});

test('each platform of an index has the pieces of its own blobs, shared ones too', async t => {
  const space = await makeWorkspace(t);
  const platforms = ['amd64', 'arm64'].map(architecture => ({ os: 'linux', architecture }));
  const { reference } = await buildIndex(space.source, {
    tag: 'app',
    images: platforms.map(platform => ({
      platform,
      layers: [{ tar: BASE }, { tar: [{ path: 'arch', content: platform.architecture }] }],
    })),
  });
  const open = { access: testAccess(t) };
  const source = openSource(reference, open);
  const [to, list] = [`oci:${space.target}:app`, await listImages(source, signal)];
  await using sink = openSink(to, open);
  const { workDir } = space;
  await convertIndex({ source, sink, list, platform: 'all', mergeIndex: false, workDir, signal });
  const counts: number[][] = [];
  for (const platform of platforms) counts.push(await checkPieces(openSource(to, open), platform));
  assert.deepEqual(counts[0], counts[1]);
  assert.equal(counts[0]?.length, 2);
});

test('blobs that are no part of the image are not in its table', async t => {
  const space = await makeWorkspace(t);
  const layers = [
    { tar: [{ path: 'download', content: noise(300_000, 'download') }] },
    { tar: [{ path: '.wh.download' }, ...TOP] },
  ];
  const image = await buildImage(space.source, { layers });
  const { target } = await convertTo(t, space, { from: image.reference, to: `oci:${space.target}:app` });
  assert.deepEqual(await checkPieces(target, PLATFORM), [1]);
});

test('an image without any file has a table without blobs', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [] });
  const { target } = await convertTo(t, space, { from: image.reference, to: `oci:${space.target}:app` });
  assert.deepEqual(await checkPieces(target, PLATFORM), []);
});
