// Conversions of what is not what it claims, and conversions that are given up: the right error, nothing left behind.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { convertImage } from '../../../converter/index.ts';
import { type ImageSink, type ImageSource, isShoalError, parseDigest, ShoalError } from '../../../core/index.ts';
import { openSink, openSource, RegistryAccess } from '../../../registry/index.ts';
import { type BuiltImage, blobPath, buildImage, type LayerSpec } from '../../support/image-builder.ts';
import { type TarItem, tarOf } from '../../support/tar-bytes.ts';
import { convert, leftovers, makeWorkspace, PLATFORM, type Workspace } from './converted-image.ts';

const GOOD: LayerSpec = { tar: [{ path: 'good', content: 'good' }] };
const WRONG_DIGEST = `sha256:${'0'.repeat(64)}`;

const BAD_LAYERS: readonly (readonly [string, LayerSpec, string, RegExp])[] = [
  ['a wrong diff id', { ...GOOD, diffId: WRONG_DIGEST }, 'digest-mismatch', /layer 2 of 2 .*diff id is sha256:0000/],
  ['bytes that do not have the digest', { ...GOOD, digest: WRONG_DIGEST }, 'digest-mismatch', /0000/],
  [
    'a gzip stream that is cut off',
    { ...GOOD, stored: gzipSync(tarOf([{ path: 'x' }])).subarray(0, -9) },
    'malformed',
    /layer 2 of 2 .*gzip stream/,
  ],
  [
    'a tar that is cut off',
    { tar: tarOf([{ path: 'x', content: 'y'.repeat(2000) }]).subarray(0, 1500) },
    'malformed',
    /cut off/,
  ],
  ['something that is no tar', { tar: Buffer.alloc(5000, 'x') }, 'malformed', /layer 2 of 2/],
  [
    'a path with ".."',
    { tar: [{ path: 'a/../../etc/passwd' }] },
    'malformed',
    /layer 2 of 2 .*"a\/\.\.\/\.\.\/etc\/passwd"/,
  ],
  [
    'a hard link to nothing',
    { tar: [{ path: 'l', type: 'hardlink', target: 'none' }] },
    'malformed',
    /layer 2 of 2 .*"l"/,
  ],
  ['an entry of an unknown type', { tar: [{ path: 'x', type: 'M' }] }, 'unsupported', /layer 2 of 2/],
  ['xz', { tar: [], stored: Buffer.from('fd377a585a00000000', 'hex') }, 'unsupported', /xz/],
  [
    'an artifact that is no file system',
    { ...GOOD, mediaType: 'application/vnd.cncf.helm.chart' },
    'unsupported',
    /helm/,
  ],
];

for (const [what, layer, code, message] of BAD_LAYERS) {
  test(`refuses a layer with ${what}, and leaves nothing behind`, async t => {
    const space = await makeWorkspace(t);
    const image = await buildImage(space.source, { layers: [GOOD, layer] });
    await assert.rejects(convert(space, image), { code, message });
    await assertNothingLeft(space);
  });
}

test('a gzip file that is padded with zeros converts, however long the padding, and layers go on after it', async t => {
  const space = await makeWorkspace(t);
  const tar = tarOf([{ path: 'padded', content: 'padded' }]);
  // More than all buffers on the way to the layer thread hold.
  const stored = Buffer.concat([gzipSync(tar), Buffer.alloc(4 << 20)]);
  const image = await buildImage(space.source, { layers: [{ tar, stored }, GOOD] });
  const report = await convert(space, image);
  assert.deepEqual(
    report.layers.map(layer => layer.entries),
    [1, 1],
  );
});

test('bytes that are corrupt and make no sense are reported as corrupt', async t => {
  const space = await makeWorkspace(t);
  const tar = Array.from({ length: 50 }, (_, i): TarItem => ({ path: `f${i}`, content: randomBytes(100_000) }));
  const image = await buildImage(space.source, { layers: [{ tar, compression: 'none' }] });
  const path = blobPath(space.source, image.layers[0]?.digest ?? '');
  const bytes = await readFile(path);
  bytes.fill('corrupt', 0, 512); // the first tar header: the reader fails long before the end
  await writeFile(path, bytes);
  await assert.rejects(convert(space, image), { code: 'digest-mismatch' });
  await assertNothingLeft(space);
});

test('refuses a config whose diff ids do not count the layers', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [GOOD, GOOD] });
  const source = sourceOf(image);
  const layers = {
    ...source,
    manifest: async () => withoutLastLayer(await source.manifest(PLATFORM, { signal: noSignal() })),
  };
  await assert.rejects(run(space, layers), { code: 'malformed', message: /2 diff ids for 1 layers/ });
});

test('refuses an image that is accelerated already', async t => {
  const space = await makeWorkspace(t);
  await convert(space, await buildImage(space.source, { layers: [GOOD] }));
  const again = { reference: `oci:${space.target}:latest` };
  await assert.rejects(convert(space, again), { code: 'unsupported', message: /accelerated image already/ });
});

const WRONG_SETTINGS = [{ chunkSize: 5000 }, { chunkSize: 2048 }, { workers: 0 }, { workers: 1.5 }, { level: 23 }];

for (const settings of WRONG_SETTINGS) {
  test(`refuses ${JSON.stringify(settings)} before it reads anything`, async t => {
    const space = await makeWorkspace(t);
    await assert.rejects(convert(space, { reference: `oci:${space.source}:none` }, settings), { code: 'usage' });
  });
}

test('a signal that has fired already rejects at once', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [GOOD] });
  await assert.rejects(convert(space, image, { signal: AbortSignal.abort() }), { code: 'aborted' });
  await assertNothingLeft(space);
});

test('an abort in the middle stops all threads and removes everything', async t => {
  const space = await makeWorkspace(t);
  const tar = Array.from({ length: 40 }, (_, i): TarItem => ({ path: `f${i}`, content: randomBytes(1 << 20) }));
  const image = await buildImage(space.source, { layers: [{ tar, compression: 'none' }, GOOD] });
  for (const fraction of [0, 0.2, 0.6, 0.95]) {
    const controller = new AbortController();
    const conversion = convert(space, image, {
      signal: controller.signal,
      onProgress: ({ readBytes, totalBytes }) => {
        if (readBytes > fraction * totalBytes) controller.abort();
      },
    });
    await assert.rejects(conversion, { code: 'aborted' });
    await assertNothingLeft(space);
  }
});

test('an abort while the source does not answer is prompt', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [GOOD] });
  const controller = new AbortController();
  const source: ImageSource = {
    ...sourceOf(image),
    async *blob(_descriptor, { signal }) {
      yield Buffer.alloc(10);
      queueMicrotask(() => controller.abort());
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new ShoalError('aborted', 'aborted')));
      });
    },
  };
  await assert.rejects(run(space, source, { signal: controller.signal }), { code: 'aborted' });
  await assertNothingLeft(space);
});

test('a target that fails stops the conversion, with its own error', async t => {
  const space = await makeWorkspace(t);
  const tar = Array.from({ length: 20 }, (_, i): TarItem => ({ path: `f${i}`, content: randomBytes(1 << 20) }));
  const image = await buildImage(space.source, { layers: [GOOD, { tar, compression: 'none' }] });
  const sink: ImageSink = {
    name: 'broken',
    hasBlob: async () => false,
    putBlob: async () => {
      throw new ShoalError('no-space', 'the target is full');
    },
    putManifest: async () => parseDigest(WRONG_DIGEST),
  };
  await assert.rejects(run(space, sourceOf(image), { sink }), { code: 'no-space', message: 'the target is full' });
  await assertNothingLeft(space);
});

test('a work directory that does not exist is named', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [GOOD] });
  const workDir = join(space.directory, 'nowhere');
  await assert.rejects(convert(space, image, { workDir }), { code: 'not-found', message: /nowhere/ });
});

test('mutated layers convert or are refused by a Shoal error, and nothing hangs', async t => {
  const space = await makeWorkspace(t);
  const seed = tarOf([
    { path: 'd/' },
    { path: 'd/f', content: 'x'.repeat(3000), xattrs: { 'user.a': 'b' } },
    { path: 'd/l', type: 'hardlink', target: 'd/f' },
    { path: 'd/.wh.gone' },
    { path: 's', type: 'symlink', target: 'd' },
    { path: 's/through', content: 'y' },
  ]);
  let refused = 0;
  for (let round = 0; round < 12; round++) {
    const tar = Buffer.from(seed);
    // Deterministic: a different byte of a different block each time.
    const at = (round * 2111) % tar.length;
    tar[at] = (tar[at] ?? 0) ^ (1 << (round & 7));
    const compression = (['none', 'gzip', 'zstd'] as const)[round % 3] ?? 'none';
    const image = await buildImage(space.source, { layers: [{ tar, compression }] });
    await convert(space, image, { workers: 1 }).catch((error: unknown) => {
      assert.ok(isShoalError(error), String(error));
      assert.notEqual(error.code, 'internal');
      refused++;
    });
    assert.deepEqual(await leftovers(space), []);
  }
  assert.ok(refused > 0);
});

async function assertNothingLeft(space: Workspace): Promise<void> {
  assert.deepEqual(await leftovers(space), []);
  const index = await readFile(join(space.target, 'index.json'), 'utf8').catch(() => '{"manifests":[]}');
  assert.deepEqual(JSON.parse(index).manifests, [], 'no tag was written');
  const blobs = await readdir(join(space.target, 'blobs/sha256')).catch(() => []);
  for (const name of blobs) assert.match(name, /^[0-9a-f]{64}$/, 'only whole blobs');
}

function noSignal(): AbortSignal {
  return new AbortController().signal;
}

function sourceOf(image: BuiltImage): ImageSource {
  const source = openSource(image.reference, { access: new RegistryAccess() });
  return {
    name: source.name,
    manifest: (...args) => source.manifest(...args),
    document: (...args) => source.document(...args),
    blob: (...args) => source.blob(...args),
  };
}

async function run(
  space: Workspace,
  source: ImageSource,
  options: { readonly sink?: ImageSink; readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  const sink = options.sink ?? openSink(`oci:${space.target}:latest`, { access: new RegistryAccess() });
  const signal = options.signal ?? AbortSignal.timeout(60_000);
  return convertImage({ source, sink, platform: PLATFORM, workDir: space.workDir, signal });
}

function withoutLastLayer(fetched: Awaited<ReturnType<ImageSource['manifest']>>) {
  const manifest = JSON.parse(Buffer.from(fetched.bytes).toString());
  manifest.layers.pop();
  return { ...fetched, bytes: Buffer.from(JSON.stringify(manifest)) };
}
