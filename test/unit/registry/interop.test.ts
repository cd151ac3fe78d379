// What others read of ours, and what we read of theirs: skopeo with Debian's registry and with the one in memory.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { ImageSource } from '../../../core/index.ts';
import type { OpenOptions } from '../../../registry/index.ts';
import {
  credentialOf,
  MEDIA_TYPES,
  openSink,
  openSource,
  parseConfig,
  parseManifest,
} from '../../../registry/index.ts';
import { noDockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { noise } from '../../support/fake-blob.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { temporaryDirectory, testAccess } from '../../support/registry-targets.ts';
import type { SampleDocument } from '../../support/sample-image.ts';
import { document } from '../../support/sample-image.ts';
import { collect, inPieces } from '../../support/streams.ts';

const SKOPEO = '/usr/bin/skopeo';
const skip = existsSync(SKOPEO) ? noDockerRegistry : `${SKOPEO} is not installed`;
const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };

const run = promisify(execFile);
const skopeo = (...words: string[]) => run(SKOPEO, ['--insecure-policy', ...words], { timeout: 60_000 });

/** A real image: skopeo looks into layers. */
async function realImage(): Promise<{ blobs: SampleDocument[]; manifest: SampleDocument }> {
  const tar = pack();
  tar.entry({ name: 'data' }, noise(200_000, 'interop'));
  tar.finalize();
  const tarBytes = await collect(tar.pipe(new PassThrough()));
  const layer = document(gzipSync(tarBytes), MEDIA_TYPES.ociLayerGzip);
  const diffId = `sha256:${createHash('sha256').update(tarBytes).digest('hex')}`;
  const config = { ...AMD64, config: { Cmd: ['/data'] }, rootfs: { type: 'layers', diff_ids: [diffId] } };
  const configDocument = document(Buffer.from(JSON.stringify(config)), MEDIA_TYPES.ociConfig);
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: configDocument.descriptor,
    layers: [layer.descriptor],
  };
  return {
    blobs: [configDocument, layer],
    manifest: document(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.ociManifest),
  };
}

async function write(reference: string, options: OpenOptions): Promise<Awaited<ReturnType<typeof realImage>>> {
  const image = await realImage();
  const sink = openSink(reference, options);
  for (const { descriptor, bytes } of image.blobs)
    await sink.putBlob(descriptor, () => inPieces(bytes, 30_000), { signal });
  await sink.putManifest(image.manifest.bytes, MEDIA_TYPES.ociManifest, { signal });
  return image;
}

async function readLayers(source: ImageSource): Promise<Buffer[]> {
  const fetched = await source.manifest(AMD64, { signal });
  const manifest = parseManifest(fetched.bytes, source.name);
  const config = parseConfig(await source.document(manifest.config, { signal }), source.name);
  assert.deepEqual(config.config?.Cmd, ['/data']);
  return Promise.all(manifest.layers.map(layer => collect(source.blob(layer, { signal }))));
}

test("skopeo copies our layout to Debian's registry, and we read it there", { skip }, async t => {
  const directory = await temporaryDirectory(t);
  const registry = await startDockerRegistry(t);
  const access = testAccess(t);
  const { blobs, manifest } = await write(`oci:${directory}:one`, { access });
  await skopeo('copy', '--dest-tls-verify=false', `oci:${directory}:one`, `docker://${registry.host}/copied:one`);
  const source = openSource(`docker://${registry.host}/copied:one`, { access, plainHttp: true });
  assert.equal((await source.manifest(AMD64, { signal })).digest, manifest.descriptor.digest);
  assert.deepEqual(await readLayers(source), [blobs[1]?.bytes]);
});

test("skopeo reads what we push, in OCI's and in Docker's form, and we read what it writes", { skip }, async t => {
  const directory = await temporaryDirectory(t);
  const registry = await startDockerRegistry(t);
  const access = testAccess(t);
  const { blobs } = await write(`${registry.host}/pushed:one`, { access, plainHttp: true });
  const from = ['--src-tls-verify=false', `docker://${registry.host}/pushed:one`];
  await skopeo('copy', ...from, `oci:${directory}:back`);
  assert.deepEqual(await readLayers(openSource(`oci:${directory}:back`, { access })), [blobs[1]?.bytes]);
  const docker = `docker://${registry.host}/docker:one`;
  await skopeo('copy', '--dest-tls-verify=false', '--format', 'v2s2', ...from, docker);
  const source = openSource(docker, { access, plainHttp: true });
  assert.equal((await source.manifest(AMD64, { signal })).mediaType, MEDIA_TYPES.dockerManifest);
  assert.deepEqual(await readLayers(source), [blobs[1]?.bytes]);
});

test('skopeo pushes to and pulls from the registry in memory, so that it is one', { skip }, async t => {
  const directory = await temporaryDirectory(t);
  const registry = await startMemoryRegistry(t);
  registry.knobs.auth = { kind: 'bearer', tokenSeconds: 300, username: 'ada', password: 'secret' };
  registry.knobs.redirectBlobs = true;
  const access = testAccess(t, { credentials: async () => credentialOf('ada', 'secret') });
  const { blobs } = await write(`oci:${join(directory, 'a')}:one`, { access });
  const remote = `docker://${registry.host}/team/app:one`;
  await skopeo('copy', '--dest-tls-verify=false', '--dest-creds=ada:secret', `oci:${join(directory, 'a')}:one`, remote);
  assert.deepEqual(await readLayers(openSource(remote, { access, plainHttp: true })), [blobs[1]?.bytes]);
  await skopeo('copy', '--src-tls-verify=false', '--src-creds=ada:secret', remote, `oci:${join(directory, 'b')}:two`);
  assert.deepEqual(await readLayers(openSource(`oci:${join(directory, 'b')}:two`, { access })), [blobs[1]?.bytes]);
});
