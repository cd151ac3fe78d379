// Archives between us and others: skopeo's oci-archive and docker-archive, umoci's layouts and GNU tar, both ways.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { openSink, openSource, parseConfig, parseManifest } from '../../../registry/index.ts';
import { blobPath, buildImage } from '../../support/image-builder.ts';
import { temporaryDirectory, testAccess } from '../../support/registry-targets.ts';
import { collect } from '../../support/streams.ts';

const missing = ['/usr/bin/skopeo', '/usr/bin/umoci'].filter(path => !existsSync(path));
const skip = missing.length > 0 ? `${missing.join(' and ')} not installed` : false;
const signal = new AbortController().signal;
const PLATFORM = { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' };

const call = promisify(execFile);
const run = (command: string, ...args: string[]) => call(command, args, { timeout: 60_000 });
const skopeo = (...args: string[]) => run('skopeo', '--insecure-policy', ...args);

async function layout(t: TestContext) {
  const directory = join(await temporaryDirectory(t), 'layout');
  const image = await buildImage(directory, {
    tag: 'app',
    config: { Cmd: ['/hello'], Env: ['A=b'] },
    layers: [
      { tar: [{ path: 'hello', content: 'world'.repeat(1000) }] },
      { tar: [{ path: 'second', content: 'layer' }], compression: 'none' },
    ],
  });
  return { directory, image };
}

async function configAndLayers(t: TestContext, reference: string) {
  const source = openSource(reference, { access: testAccess(t) });
  const fetched = await source.manifest(PLATFORM, { signal });
  const manifest = parseManifest(fetched.bytes, source.name);
  const config = parseConfig(await source.document(manifest.config, { signal }), source.name);
  const layers = await Promise.all(manifest.layers.map(layer => collect(source.blob(layer, { signal }))));
  return { digest: fetched.digest, config, layers };
}

test('we read the OCI archive that skopeo writes', { skip }, async t => {
  const { directory, image } = await layout(t);
  const file = join(directory, '../image.tar');
  await skopeo('copy', '--preserve-digests', `oci:${directory}:app`, `oci-archive:${file}:v1`);
  for (const reference of [`oci-archive:${file}:v1`, `oci-archive:${file}`]) {
    const found = await configAndLayers(t, reference);
    assert.equal(found.digest, image.manifestDigest);
    assert.deepEqual(found.config.config?.Cmd, ['/hello']);
    const stored = image.layers.map(({ digest }) => readFile(blobPath(directory, digest)));
    assert.deepEqual(found.layers, await Promise.all(stored));
  }
});

test('we read the Docker archive that skopeo writes, by its name and without', { skip }, async t => {
  const { directory, image } = await layout(t);
  const file = join(directory, '../image.tar');
  await skopeo('copy', `oci:${directory}:app`, `docker-archive:${file}:r.example:5000/team/app:v1`);
  for (const reference of [`docker-archive:${file}:r.example:5000/team/app:v1`, `docker-archive:${file}`]) {
    const { config, layers } = await configAndLayers(t, reference);
    assert.deepEqual(config.config?.Env, ['A=b']);
    assert.deepEqual(
      config.rootfs.diff_ids,
      image.layers.map(({ diffId }) => diffId),
    );
    assert.equal(layers.length, 2);
  }
});

test('skopeo and, unpacked by GNU tar, umoci read the OCI archive that we write', { skip }, async t => {
  const { directory, image } = await layout(t);
  const scratch = join(directory, '..');
  const file = join(scratch, 'ours.tar');
  const access = testAccess(t);
  const source = openSource(`oci:${directory}:app`, { access });
  const fetched = await source.manifest(PLATFORM, { signal });
  const manifest = parseManifest(fetched.bytes, source.name);
  await using sink = openSink(`oci-archive:${file}:v2`, { access });
  for (const blob of [manifest.config, ...manifest.layers]) {
    await sink.putBlob(blob, () => source.blob(blob, { signal }), { signal });
  }
  await sink.putManifest(fetched.bytes, fetched.mediaType, { signal });

  const { stdout } = await skopeo('inspect', `oci-archive:${file}:v2`);
  assert.equal(JSON.parse(stdout).Digest, image.manifestDigest);
  await skopeo('copy', '--preserve-digests', `oci-archive:${file}:v2`, `oci:${scratch}/back:v2`);
  assert.equal((await configAndLayers(t, `oci:${scratch}/back:v2`)).digest, image.manifestDigest);

  await mkdir(join(scratch, 'tarred'));
  await run('tar', '-C', join(scratch, 'tarred'), '-xf', file);
  await run('umoci', 'unpack', '--rootless', '--image', `${scratch}/tarred:v2`, join(scratch, 'bundle'));
  assert.equal(await readFile(join(scratch, 'bundle/rootfs/second'), 'utf8'), 'layer');
});

test('we read a layout of umoci that GNU tar packed', { skip }, async t => {
  const scratch = await temporaryDirectory(t);
  const made = join(scratch, 'made');
  await run('umoci', 'init', '--layout', made);
  await run('umoci', 'new', '--image', `${made}:empty`);
  await run('umoci', 'config', '--image', `${made}:empty`, '--tag', 'app', '--config.cmd', '/made');
  await run('tar', '-C', made, '-cf', join(scratch, 'made.tar'), '.');
  const { config } = await configAndLayers(t, `oci-archive:${scratch}/made.tar:app`);
  assert.deepEqual(config.config?.Cmd, ['/made']);
});
