import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../core/index.ts';
import { isShoalError } from '../../../core/index.ts';
import { MEDIA_TYPES, openSource } from '../../../registry/index.ts';
import type { Ending } from '../../support/docker-registry.ts';
import { noise } from '../../support/fake-blob.ts';
import { HastyClock } from '../../support/manual-clock.ts';
import type { MemoryRegistry } from '../../support/memory-registry.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { testAccess } from '../../support/registry-targets.ts';
import { sampleImage } from '../../support/sample-image.ts';
import { collect } from '../../support/streams.ts';

const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const content = noise(400_000, 'source');

const code = (expected: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(isShoalError(error, expected), String(error));
  assert.match(error.message, message);
  return true;
};

async function setup(t: Ending, tag = '1') {
  const registry = await startMemoryRegistry(t);
  const clock = new HastyClock();
  const access = testAccess(t, { clock });
  const open = (reference: string) => openSource(`${registry.host}/${reference}`, { access, plainHttp: true });
  return { registry, clock, open, source: open(`app:${tag}`) };
}

const bodiesSent = (registry: MemoryRegistry) =>
  registry.requestsTo('GET /v2/app/blobs').map(({ headers }) => headers.range);

test('a whole blob goes on where a broken connection left it', async t => {
  const { registry, source } = await setup(t);
  const blob = registry.putBlob('app', content);
  registry.knobs.cutBodiesAfter = 150_000;
  assert.deepEqual(await collect(source.blob(blob, { signal })), content);
  const [first, ...others] = bodiesSent(registry);
  assert.equal(first, undefined);
  assert.ok(others.length >= 2);
  for (const range of others) assert.match(range ?? '', /^bytes=[1-9]\d*-399999$/);
});

test('it goes on so too where ranges are ignored', async t => {
  const { registry, source } = await setup(t);
  const blob = registry.putBlob('app', content);
  registry.knobs.ignoreRange = true;
  registry.knobs.cutBodiesAfter = 250_000;
  const reading = collect(source.blob(blob, { signal }));
  while (registry.requests.length < 2) await new Promise(resolve => setImmediate(resolve));
  registry.knobs.cutBodiesAfter = undefined;
  assert.deepEqual(await reading, content);
});

test('waits as long as a busy registry asks for, then goes on', async t => {
  const { registry, clock, source } = await setup(t);
  const { manifests, index } = sampleImage();
  for (const { bytes, descriptor } of manifests) registry.putManifest('app', undefined, bytes, descriptor.mediaType);
  registry.putManifest('app', '1', index.bytes, MEDIA_TYPES.ociIndex);
  registry.failNext({ status: 429, headers: { 'retry-after': '7' } });
  registry.failNext({ status: 502 });
  assert.equal((await source.manifest(AMD64, { signal })).digest, manifests[0]?.descriptor.digest);
  assert.deepEqual(clock.sleeps, [7000, 375]);
});

test('does not wait for a registry that asks for more patience than anybody has', async t => {
  const { registry, clock, source } = await setup(t);
  registry.failNext({ status: 429, headers: { 'retry-after': '3600' } });
  await assert.rejects(source.manifest(AMD64, { signal }), error => {
    assert.ok(isShoalError(error, 'unavailable'));
    assert.equal(error.retryAfterMs, 3_600_000);
    return true;
  });
  assert.deepEqual(clock.sleeps, []);
});

test('gives up on a registry that stays broken, and does not retry what cannot change', async t => {
  const { registry, source } = await setup(t);
  registry.failNext({ status: 503, count: 100 });
  await assert.rejects(source.manifest(AMD64, { signal }), code('unavailable', /answered 503/));
  assert.equal(registry.requests.length, 5);
  registry.failures.length = 0;
  await assert.rejects(source.manifest(AMD64, { signal }), code('not-found', /app:1: manifest: not found/));
  assert.equal(registry.requests.length, 6);
});

test('verifies what a tag gives against what the registry promises, and a digest against itself', async t => {
  const { registry, open } = await setup(t);
  const [first, second] = sampleImage().manifests;
  assert.ok(first && second);
  registry.putManifest('app', '1', first.bytes, MEDIA_TYPES.ociManifest);
  const byDigest = open(`app@${first.descriptor.digest}`);
  assert.equal((await byDigest.manifest(AMD64, { signal })).digest, first.descriptor.digest);
  registry
    .repository('app')
    .manifests.set(first.descriptor.digest, { bytes: second.bytes, mediaType: MEDIA_TYPES.ociManifest });
  const mismatch = code(
    'digest-mismatch',
    new RegExp(`expected ${first.descriptor.digest}, found ${second.descriptor.digest}`),
  );
  await assert.rejects(byDigest.manifest(AMD64, { signal }), mismatch);
  await assert.rejects(open('app:1').manifest(AMD64, { signal }), mismatch);
});

test('follows indexes within indexes, but not for ever', async t => {
  const { registry, source } = await setup(t);
  const [manifest] = sampleImage().manifests;
  assert.ok(manifest);
  registry.putManifest('app', undefined, manifest.bytes, MEDIA_TYPES.ociManifest);
  let inner = { ...manifest.descriptor, platform: AMD64 };
  const wrap = (tag: string) => {
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [inner] };
    inner = { ...registry.putManifest('app', tag, index, MEDIA_TYPES.ociIndex), platform: AMD64 };
  };
  wrap('1');
  wrap('1');
  assert.equal((await source.manifest(AMD64, { signal })).digest, manifest.descriptor.digest);
  for (let depth = 0; depth < 4; depth++) wrap('1');
  await assert.rejects(source.manifest(AMD64, { signal }), code('malformed', /indexes within indexes/));
});

test('reads no manifest of more than 16 MiB', async t => {
  const { registry, source } = await setup(t);
  registry.putManifest('app', '1', Buffer.alloc(16 * 1024 * 1024 + 1, ' '), MEDIA_TYPES.ociManifest);
  await assert.rejects(source.manifest(AMD64, { signal }), code('limit', /longer than 16777216 bytes/));
});

test('goes to the storage address of a blob directly for a while, and asks again when it is refused', async t => {
  const { registry, clock, source } = await setup(t);
  const blob = registry.putBlob('app', content);
  registry.knobs.redirectBlobs = true;
  const read = async () => {
    const range = { offset: 1000, length: 5000 };
    assert.deepEqual(await collect(source.blob(blob, { signal, range })), content.subarray(1000, 6000));
    return registry.requestsTo('GET /v2/').length;
  };
  assert.equal(await read(), 1);
  assert.equal(await read(), 1);
  registry.failNext({ status: 403, matching: 'signature' });
  assert.equal(await read(), 2);
  await clock.advance(61_000);
  assert.equal(await read(), 3);
});
