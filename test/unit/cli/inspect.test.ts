// Where a file is from, and what an image is made of: the original and what was converted from it must agree.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CommandContext } from '../../../cli/command.ts';
import { buildSteps } from '../../../cli/inspect/history.ts';
import { reportImage } from '../../../cli/inspect/image-report.ts';
import { findInLayers } from '../../../cli/inspect/layered-file.ts';
import { type LookedAtImage, openToLookAt } from '../../../cli/inspect/open.ts';
import { reportPath, withLayer } from '../../../cli/inspect/path-report.ts';
import { readPlatform, readSettings } from '../../../cli/settings.ts';
import { convertImage } from '../../../converter/index.ts';
import { silentLogger } from '../../../core/index.ts';
import { openSink, openSource, RegistryAccess } from '../../../registry/index.ts';
import { buildImage } from '../../support/image-builder.ts';
import { buildLayeredImage } from '../../support/layered-image.ts';

const { signal } = new AbortController();
const registry = new RegistryAccess();
const context: CommandContext = {
  settings: readSettings({ json: true, config: '/dev/null' }, {}),
  env: {},
  log: silentLogger,
  registry,
  signal,
  leaveSignalsToProgram: () => ({ [Symbol.dispose]: () => {} }),
  setExitCode: () => {},
};

let directory: string;
let original: LookedAtImage;
let converted: LookedAtImage;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  const { reference } = await buildLayeredImage(directory);
  const target = `oci:${join(directory, 'converted')}:app`;
  await convertImage({
    source: openSource(reference, { access: registry }),
    sink: openSink(target, { access: registry }),
    platform: readPlatform(undefined),
    workDir: directory,
    signal,
  });
  original = await openToLookAt(context, reference, {});
  converted = await openToLookAt(context, target, {});
});

after(async () => {
  await registry.close();
  await rm(directory, { recursive: true, force: true });
});

const stay = { follow: false };

/** Path, the layers that its data was stored with first, and the layer that the file is really from. */
const FILES: readonly (readonly [string, readonly number[], number | undefined])[] = [
  ['/data/one', [1], 1],
  ['/data/two', [2], 2],
  ['/data/copy', [1], 2],
  ['/data/hard', [1], 1],
  ['/data/replaced', [3], 3],
  ['/data/empty', [], 2],
  ['/data', [], 2],
  ['/link', [], 3],
  ['/implicit', [], undefined],
  ['/lib/late', [3], 3],
];
for (const [path, data, layer] of FILES) {
  test(`${path} is from layer ${layer ?? 'none'}, with its data in ${data.length > 0 ? data.join() : 'none'}`, async () => {
    const plain = await findInLayers(context, original, path, stay);
    assert.equal(plain.layer?.number, layer);
    assert.equal(plain.layer?.createdBy, layer && `step ${layer}`);
    const alone = await reportPath(converted, path, { ...stay, signal });
    assert.equal(alone.layer, undefined, 'an accelerated image does not say');
    assert.deepEqual(
      (alone.dataLayers ?? []).map(({ number }) => number),
      data,
    );
    const both = withLayer(alone, plain);
    assert.deepEqual(both.layer, plain.layer);
    for (const key of ['path', 'kind', 'mode', 'uid', 'gid', 'mtime', 'target', 'xattrs'] as const) {
      assert.deepEqual(alone[key], plain[key], key);
    }
    if (plain.kind !== 'directory') assert.equal(alone.size, plain.size);
  });
}

test('a file has the inode that the tar says, and chunks at whose place its content is', async () => {
  const report = await reportPath(converted, 'data/one', { ...stay, signal });
  assert.deepEqual([report.mode, report.uid, report.gid, report.nlink], [0o100640, 5, 6, 2]);
  assert.deepEqual(report.mtime, { seconds: 1_000_000_000, nanoseconds: 0 });
  assert.deepEqual(report.xattrs, { 'user.note': Buffer.from('hi').toString('base64') });
  const [chunk, ...more] = report.chunks ?? [];
  assert.ok(chunk && more.length === 0);
  assert.deepEqual([chunk.offset, chunk.length, chunk.compressed], [0, 5, false]);
  const blob = await readFile(join(directory, 'converted/blobs', chunk.blob.replace(':', '/')));
  assert.equal(blob.subarray(chunk.blobOffset, chunk.blobOffset + chunk.compressedSize).toString(), 'first');
});

test('a link is shown as it is, or followed inside the image', async () => {
  const link = await reportPath(converted, '/link', { ...stay, signal });
  assert.deepEqual([link.kind, link.target], ['symlink', '../../data/one']);
  const target = await reportPath(converted, '/link', { follow: true, signal });
  assert.deepEqual([target.path, target.size], ['/data/one', 5]);
  assert.equal((await findInLayers(context, original, '/link', { follow: true })).path, '/data/one');
  await assert.rejects(reportPath(converted, '/etc/hostname', { ...stay, signal }), { code: 'not-found' });
});

test('an original that is not the one is refused', async () => {
  const tar = [{ path: 'data/one', content: 'others' }];
  const { reference } = await buildImage(join(directory, 'other'), { layers: [{ tar }] });
  const other = await openToLookAt(context, reference, {});
  const report = await reportPath(converted, '/data/one', { ...stay, signal });
  const stranger = await findInLayers(context, other, '/data/one', stay);
  assert.throws(() => withLayer(report, stranger), { code: 'usage', message: /not the image that this one was made/ });
  await assert.rejects(findInLayers(context, converted, '/data/one', stay), { code: 'unsupported' });
});

test('layers, sizes, chunks and steps of an image agree with one another', async () => {
  const report = await reportImage(converted, signal);
  assert.deepEqual(
    report.layers.map(({ role }) => role),
    ['data', 'data', 'data', 'bootstrap'],
  );
  assert.deepEqual(
    report.layers.map(({ pieces }) => pieces),
    [1, 1, 1, 1],
    'each layer is smaller than a piece, and has a digest of it',
  );
  assert.equal(
    report.totalBytes,
    report.layers.reduce((sum, { size }) => sum + size, 0),
  );
  assert.ok(report.content);
  const { files, blobs } = report.content;
  assert.deepEqual([files.byKind['symlink'], files.byKind['directory']], [2, 5]);
  assert.equal(files.referencedBytes, files.bytes);
  // What was replaced is still stored; the copy is not stored again.
  const stored = blobs.reduce((sum, { uncompressedBytes }) => sum + uncompressedBytes, 0);
  assert.equal(stored, files.bytes - 'first'.length + 'before'.length);

  const ordinary = await reportImage(original, signal);
  assert.deepEqual([ordinary.kind, ordinary.content], ['ordinary', undefined]);
  assert.ok(ordinary.layers.every(({ pieces }) => pieces === undefined));
  assert.deepEqual(
    ordinary.layers.map(({ createdBy }) => createdBy),
    ['step 1', 'step 2', 'step 3'],
  );
  for (const { config, manifest } of [original, converted]) {
    const { steps, fits } = buildSteps(config.history ?? [], manifest.layers);
    assert.equal(fits, true);
    assert.deepEqual(
      steps.flatMap(({ layer }) => layer ?? []),
      manifest.layers,
    );
  }
});
