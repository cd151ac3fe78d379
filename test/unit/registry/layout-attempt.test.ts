// Images that are given up in the middle: an OCI layout is then as it was before, whoever else writes to it.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isShoalError, systemClock } from '../../../core/index.ts';
import { openSink } from '../../../registry/index.ts';
import { temporaryDirectory, testAccess } from '../../support/registry-targets.ts';
import { sampleImage } from '../../support/sample-image.ts';
import { inPieces } from '../../support/streams.ts';

const signal = new AbortController().signal;
const { layers, manifests } = sampleImage();

test('a layout that was made for an image that is given up is gone, with the directories on the way to it', async t => {
  const base = await temporaryDirectory(t);
  await using sink = openSink(`oci:${join(base, 'a/b/layout')}:one`, { access: testAccess(t) });
  await Promise.all(
    layers.map(({ descriptor, bytes }) => sink.putBlob(descriptor, () => inPieces(bytes, 9999), { signal })),
  );
  assert.equal(readdirSync(join(base, 'a/b/layout/blobs/sha256')).length, 3);
  await sink[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(base), []);
});

test('a blob that another image counts on stays when the image that brought it is given up', async t => {
  const directory = join(await temporaryDirectory(t), 'layout');
  const [layer, other] = layers;
  const [manifest] = manifests;
  assert.ok(layer && other && manifest);
  const open = (tag: string) => openSink(`oci:${directory}:${tag}`, { access: testAccess(t) });
  const [first, second] = [open('one'), open('two')];
  const content = () => inPieces(layer.bytes, 9999);
  assert.equal(await first.putBlob(layer.descriptor, content, { signal }), 'written');
  await first.putBlob(other.descriptor, () => inPieces(other.bytes, 9999), { signal });
  assert.equal(await second.putBlob(layer.descriptor, content, { signal }), 'present');
  await first[Symbol.asyncDispose]();
  assert.equal(await second.hasBlob(layer.descriptor.digest, { signal }), true);
  assert.equal(await second.hasBlob(other.descriptor.digest, { signal }), false);
  await second.putManifest(manifest.bytes, manifest.descriptor.mediaType, { signal });
  await second[Symbol.asyncDispose]();
  assert.equal(await second.hasBlob(layer.descriptor.digest, { signal }), true);
});

test('a blob that two images bring at once belongs to the one that was first, and stays with it', async t => {
  const directory = join(await temporaryDirectory(t), 'layout');
  const [layer] = layers;
  const [manifest] = manifests;
  assert.ok(layer && manifest);
  const open = (tag: string) => openSink(`oci:${directory}:${tag}`, { access: testAccess(t) });
  const [slow, fast] = [open('one'), open('two')];
  const fastIsDone = Promise.withResolvers<void>();
  async function* late(bytes: Uint8Array) {
    yield bytes.subarray(0, 10);
    await fastIsDone.promise;
    yield bytes.subarray(10);
  }
  const started = slow.putBlob(layer.descriptor, () => late(layer.bytes), { signal });
  assert.equal(await fast.putBlob(layer.descriptor, () => inPieces(layer.bytes, 9999), { signal }), 'written');
  await fast.putManifest(manifest.bytes, manifest.descriptor.mediaType, { signal });
  fastIsDone.resolve();
  assert.equal(await started, 'present');
  await slow[Symbol.asyncDispose]();
  await fast[Symbol.asyncDispose]();
  assert.equal(await fast.hasBlob(layer.descriptor.digest, { signal }), true);
  assert.deepEqual(readdirSync(join(directory, '.ingest')), []);
});

test('what a killed writer left goes with the next image, what a living one writes does not', async t => {
  const directory = join(await temporaryDirectory(t), 'layout');
  const ingest = join(directory, '.ingest');
  await mkdir(ingest, { recursive: true });
  for (const name of ['dead', 'alive']) await writeFile(join(ingest, name), 'half a blob');
  const hoursAgo = new Date(systemClock.now() - 2 * 60 * 60 * 1000);
  await utimes(join(ingest, 'dead'), hoursAgo, hoursAgo);
  const [layer] = layers;
  assert.ok(layer);
  const sink = openSink(`oci:${directory}:one`, { access: testAccess(t) });
  await sink.putBlob(layer.descriptor, () => inPieces(layer.bytes, 9999), { signal });
  assert.deepEqual(readdirSync(ingest), ['alive']);
  await sink[Symbol.asyncDispose]();
  assert.ok(existsSync(ingest), 'a directory that was there before stays');
});

test('a layout where no directory can be made is refused, and does not wait for one for ever', async t => {
  const [layer] = layers;
  assert.ok(layer);
  for (const directory of ['/proc/no/layout', '/proc']) {
    await using sink = openSink(`oci:${directory}:one`, { access: testAccess(t) });
    await assert.rejects(
      sink.putBlob(layer.descriptor, () => inPieces(layer.bytes, 9999), { signal }),
      error => isShoalError(error, 'system') && error.message.includes(`oci:${directory}:one: making the layout`),
    );
  }
});
