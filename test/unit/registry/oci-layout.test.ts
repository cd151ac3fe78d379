import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { hexOf, isShoalError } from '../../../core/index.ts';
import { openSink, openSource } from '../../../registry/index.ts';
import type { Ending } from '../../support/docker-registry.ts';
import { publishTo, temporaryDirectory, testAccess } from '../../support/registry-targets.ts';
import { document, sampleImage } from '../../support/sample-image.ts';
import { collect, inPieces } from '../../support/streams.ts';

const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const WRITERS = 20;

async function setup(t: Ending) {
  const directory = await temporaryDirectory(t);
  const access = testAccess(t);
  return {
    directory,
    access,
    source: (name = '') => openSource(`oci:${directory}${name}`, { access }),
    sink: (name = '') => openSink(`oci:${directory}${name}`, { access }),
    index: async () => JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')),
  };
}

const manifestNamed = (name: string) => document(sampleImage(name).manifests[0]?.bytes ?? Buffer.alloc(0), 'm');

test('twenty writers of one layout at once all find their tags in the index', async t => {
  const { sink, index, directory } = await setup(t);
  const names = Array.from({ length: WRITERS }, (_, at) => `v${at}`);
  await Promise.all(names.map(name => sink(`:${name}`).putManifest(manifestNamed(name).bytes, 'm', { signal })));
  const { manifests } = await index();
  const found = manifests.map(
    (entry: { annotations: Record<string, string> }) => entry.annotations['org.opencontainers.image.ref.name'],
  );
  assert.deepEqual(found.sort(), names.sort());
  assert.deepEqual(await readdir(join(directory, '.ingest')), []);
  assert.ok(!(await readdir(directory)).includes('.index.lock'));
});

test('takes over the lock of a writer that died, and waits for one that lives', async t => {
  const { sink, index, directory } = await setup(t);
  await sink(':a').putManifest(manifestNamed('a').bytes, 'm', { signal });
  const lock = join(directory, '.index.lock');
  await writeFile(lock, '');
  const waiting = sink(':b').putManifest(manifestNamed('b').bytes, 'm', { signal: AbortSignal.timeout(100) });
  await assert.rejects(waiting, error => isShoalError(error, 'timeout'));
  const minuteAgo = new Date(Date.now() - 60_000);
  await utimes(lock, minuteAgo, minuteAgo);
  await sink(':c').putManifest(manifestNamed('c').bytes, 'm', { signal });
  assert.equal((await index()).manifests.length, 2);
});

test('keeps what it does not know in the index of somebody else', async t => {
  const { sink, index, directory } = await setup(t);
  await sink(':a').putManifest(manifestNamed('a').bytes, 'm', { signal });
  const before = await index();
  await writeFile(join(directory, 'index.json'), JSON.stringify({ ...before, annotations: { who: 'me' }, other: [1] }));
  await sink(':b').putManifest(manifestNamed('b').bytes, 'm', { signal });
  const after = await index();
  assert.deepEqual(after.annotations, { who: 'me' });
  assert.deepEqual(after.other, [1]);
  assert.deepEqual(after.manifests[0], before.manifests[0]);
});

test('the unnamed image of a layout is replaced by the next unnamed one', async t => {
  const { sink, source, index } = await setup(t);
  const [one, two] = [manifestNamed('one'), manifestNamed('two')];
  await sink().putManifest(one.bytes, 'm', { signal });
  await sink().putManifest(two.bytes, 'm', { signal });
  assert.equal((await index()).manifests.length, 1);
  assert.equal((await source().manifest(AMD64, { signal })).digest, two.descriptor.digest);
  const earlier = source(`@${one.descriptor.digest}`);
  assert.equal((await earlier.manifest(AMD64, { signal })).digest, one.descriptor.digest);
});

test('without a tag the only image is meant; of several, the message lists the tags', async t => {
  const { sink, source } = await setup(t);
  await sink(':a').putManifest(manifestNamed('a').bytes, 'm', { signal });
  assert.equal((await source().manifest(AMD64, { signal })).digest, manifestNamed('a').descriptor.digest);
  await sink(':b').putManifest(manifestNamed('b').bytes, 'm', { signal });
  await assert.rejects(source().manifest(AMD64, { signal }), error => {
    assert.ok(isShoalError(error, 'not-found'));
    assert.match(error.message, /several images, none chosen; tags: a, b$/);
    return true;
  });
  await assert.rejects(source(':c').manifest(AMD64, { signal }), /no image c; tags: a, b$/);
});

test('says not-found for a directory that is no layout', async t => {
  const { source } = await setup(t);
  await assert.rejects(source(':a').manifest(AMD64, { signal }), error => {
    assert.ok(isShoalError(error, 'not-found'));
    assert.match(error.message, /no OCI layout/);
    return true;
  });
});

test('reads no index.json that is a fifo or a device', async t => {
  const directory = await temporaryDirectory(t);
  const source = openSource(`oci:${directory}:one`, { access: testAccess(t) });
  const refused = { code: 'malformed', message: /index\.json is no regular file/ };
  execFileSync('mkfifo', [join(directory, 'index.json')]);
  await assert.rejects(source.named({ signal }), refused);
  await rm(join(directory, 'index.json'));
  await symlink('/dev/zero', join(directory, 'index.json'));
  await assert.rejects(source.named({ signal }), refused);
});

test('does not wait for ever on a fifo in the place of a blob', async t => {
  const { directory, source, access } = await setup(t);
  const image = sampleImage();
  await publishTo(`oci:${directory}:a`, image, { access });
  const [layer] = image.layers;
  assert.ok(layer);
  const path = join(directory, 'blobs/sha256', hexOf(layer.descriptor.digest));
  await rm(path);
  execFileSync('mkfifo', [path]);
  const reading = collect(source(':a').blob(layer.descriptor, { signal }));
  await assert.rejects(reading, error => isShoalError(error, 'malformed'));
});

test('leaves no temporary file behind when content is wrong', async t => {
  const { sink, directory } = await setup(t);
  const [layer] = sampleImage().layers;
  assert.ok(layer);
  const wrong = Buffer.from(layer.bytes).fill(0, 100, 200);
  const put = sink(':a').putBlob(layer.descriptor, () => inPieces(wrong, 1000), { signal });
  await assert.rejects(put, error => isShoalError(error, 'digest-mismatch'));
  assert.deepEqual(await readdir(join(directory, '.ingest')), []);
  assert.deepEqual(await readdir(join(directory, 'blobs/sha256')), []);
});

test('a file of the caller becomes the blob without being read, and stays when the caller removes it', async t => {
  const { sink, directory } = await setup(t);
  const { descriptor, bytes } = document(Buffer.from('a blob'), 'text/plain');
  const file = join(directory, 'made-elsewhere');
  await writeFile(file, bytes);
  const content = () => assert.fail('the content is not asked for');
  const target = sink('/layout:a');
  let counted = 0;
  const onBytes = (count: number) => {
    counted += count;
  };
  assert.equal(await target.putBlob(descriptor, content, { signal, file, onBytes }), 'written');
  assert.equal(counted, bytes.length);
  await rm(file);
  assert.deepEqual(
    await readFile(join(directory, 'layout/blobs/sha256', hexOf(descriptor.digest))),
    Buffer.from(bytes),
  );
  assert.deepEqual(await readdir(join(directory, 'layout/.ingest')), []);
});

test('a file on another file system is copied, and one of another size refused', async t => {
  const { sink, directory } = await setup(t);
  const { descriptor, bytes } = document(Buffer.from('another blob'), 'text/plain');
  const target = sink('/layout:a');
  const file = join(directory, 'too-short');
  await writeFile(file, bytes.subarray(1));
  const content = () => inPieces(bytes, 5);
  await assert.rejects(target.putBlob(descriptor, content, { signal, file }), {
    code: 'malformed',
    message: /11 bytes/,
  });
  assert.deepEqual(await readdir(join(directory, 'layout/.ingest')), []);
  assert.equal(await target.putBlob(descriptor, content, { signal, file: '/proc/self/status' }), 'written');
  const stored = await readFile(join(directory, 'layout/blobs/sha256', hexOf(descriptor.digest)));
  assert.deepEqual(stored, Buffer.from(bytes));
});
