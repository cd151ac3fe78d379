import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, isShoalError, ShoalError } from '../../../core/index.ts';
import { credentialOf, openChunkSources, openSink, openSource } from '../../../registry/index.ts';
import { MirrorHealth } from '../../../registry/mirror-health.ts';
import type { Ending } from '../../support/docker-registry.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../../support/memory-registry.ts';
import { testAccess } from '../../support/registry-targets.ts';
import { sampleImage } from '../../support/sample-image.ts';
import { collect, inPieces } from '../../support/streams.ts';
import { until } from '../../support/until.ts';

const signal = new AbortController().signal;
const AMD64 = { os: 'linux', architecture: 'amd64' };
const image = sampleImage();
const layer = image.layers[0] ?? assert.fail('the sample has layers');

/** How long a mirror is waited for. */
const PATIENCE_MS = 5_000;

/** Back-off passes at once and is written down; the patience with mirrors stands still like every other time. */
class MirrorClock extends ManualClock {
  readonly backOffs: number[] = [];

  override sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    if (ms === PATIENCE_MS) return super.sleep(ms, options);
    this.backOffs.push(ms);
    return Promise.resolve();
  }
}

const code = (expected: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(isShoalError(error, expected), String(error));
  assert.match(error.message, message);
  return true;
};

function fill(registry: MemoryRegistry, repository: string): void {
  for (const { bytes } of image.blobs) registry.putBlob(repository, bytes);
  for (const { bytes, descriptor } of image.manifests) {
    registry.putManifest(repository, undefined, bytes, descriptor.mediaType);
  }
  registry.putManifest(repository, '1', image.index.bytes, image.index.descriptor.mediaType);
}

async function setup(t: Ending, { count = 1, prefix = '' } = {}) {
  const registry = await startMemoryRegistry(t);
  fill(registry, 'app');
  const mirrors: MemoryRegistry[] = [];
  for (let index = 0; index < count; index++) {
    const mirror = await startMemoryRegistry(t);
    fill(mirror, `${prefix}app`);
    mirrors.push(mirror);
  }
  const clock = new MirrorClock();
  const addresses = mirrors.map(({ host }) => `http://${host}${prefix && `/${prefix.replace(/\/$/, '')}`}`);
  const lookups: string[] = [];
  const access = testAccess(t, {
    clock,
    hosts: { [registry.host]: { mirrors: addresses, plainHttp: true } },
    credentials: async host => {
      lookups.push(host);
      return host === registry.host ? credentialOf('ada', 'for the registry') : undefined;
    },
  });
  const [mirror] = mirrors;
  assert.ok(mirror);
  const source = openSource(`${registry.host}/app:1`, { access });
  /** Manifest and the large layer, compared. */
  const readAll = async () => {
    assert.equal((await source.manifest(AMD64, { signal })).digest, image.manifests[0]?.descriptor.digest);
    assert.deepEqual(await collect(source.blob(layer.descriptor, { signal })), layer.bytes);
  };
  return { registry, mirror, mirrors, clock, access, source, lookups, readAll };
}

test('reads everything from the mirror, which is told whose it is, and bothers the registry not at all', async t => {
  const { registry, mirror, readAll } = await setup(t);
  await readAll();
  assert.equal(registry.requests.length, 0);
  assert.ok(mirror.requests.length >= 3);
  const query = `?ns=${encodeURIComponent(registry.host)}`;
  assert.deepEqual(
    mirror.requests.filter(({ path }) => !path.endsWith(query)),
    [],
  );
});

test("a mirror's prefix goes before the repository's name, in addresses and in the token's scope", async t => {
  const { registry, mirror, readAll } = await setup(t, { prefix: 'proxy/hub/' });
  mirror.knobs.auth = { kind: 'bearer', tokenSeconds: 300 };
  await readAll();
  assert.equal(registry.requests.length, 0);
  assert.match(mirror.requests[0]?.path ?? '', /^\/v2\/proxy\/hub\/app\/manifests\/1\?ns=/);
  assert.match(mirror.requestsTo('/token')[0]?.path ?? '', /scope=repository%3Aproxy%2Fhub%2Fapp%3Apull$/);
});

test('goes on to the next mirror and then to the registry, whatever is wrong with one', async t => {
  const troubles: Record<string, (mirror: MemoryRegistry) => unknown> = {
    'has nothing': mirror => mirror.repositories.clear(),
    'wants a password': mirror => {
      mirror.knobs.auth = { kind: 'basic', username: 'x', password: 'y' };
    },
    fails: mirror => mirror.failNext({ status: 503, count: 1000 }),
    'has had enough': mirror => mirror.failNext({ status: 429, count: 1000, headers: { 'retry-after': '3600' } }),
    'breaks off': mirror => mirror.failNext({ status: 0, reset: true, count: 1000 }),
    'is away': mirror => mirror.goAway(),
  };
  for (const [name, trouble] of Object.entries(troubles)) {
    const { registry, mirrors, clock, readAll } = await setup(t, { count: 2 });
    const [first, second] = mirrors;
    assert.ok(first && second);
    await trouble(first);
    await readAll();
    assert.equal(registry.requests.length, 0, name);
    assert.ok(second.requests.length >= 3, name);
    await trouble(second);
    await readAll();
    assert.ok(registry.requests.length >= 1, name);
    assert.deepEqual(clock.backOffs, [], `${name}: somebody waited`);
  }
});

test('never shows a mirror the credentials of the registry', async t => {
  const { registry, mirror, lookups, readAll } = await setup(t);
  registry.knobs.auth = { kind: 'basic', username: 'ada', password: 'for the registry' };
  mirror.knobs.auth = { kind: 'basic', username: 'ada', password: 'for the registry' };
  await readAll();
  assert.deepEqual(
    mirror.requests.map(({ headers }) => headers.authorization),
    mirror.requests.map(() => undefined),
  );
  assert.deepEqual(new Set(lookups), new Set([mirror.host, registry.host]));
});

test('nor those that were given for the image', async t => {
  const { registry, mirror, access } = await setup(t);
  registry.knobs.auth = { kind: 'basic', username: 'grace', password: 'for this image' };
  mirror.knobs.auth = registry.knobs.auth;
  const mine = access.withCredential(registry.host, async () => credentialOf('grace', 'for this image'));
  await openSource(`${registry.host}/app:1`, { access: mine }).manifest(AMD64, { signal });
  assert.ok(mirror.requests.length > 0);
  assert.ok(mirror.requests.every(({ headers }) => headers.authorization === undefined));
});

test('a mirror that fails is left alone for a while, longer each time, and then asked again', async t => {
  const { mirror, clock, readAll } = await setup(t);
  await mirror.goAway();
  const asked = async () => {
    const before = mirror.requests.length;
    await readAll();
    return mirror.requests.length > before;
  };
  await readAll();
  await mirror.comeBack();
  assert.equal(await asked(), false);
  await clock.advance(10_000);
  mirror.failNext({ status: 503 });
  assert.equal(await asked(), true);
  await clock.advance(19_000);
  assert.equal(await asked(), false);
  await clock.advance(1_000);
  assert.equal(await asked(), true);
  assert.equal(await asked(), true, 'a success is the end of it');
});

test('requests that fail together count as one failure, and no pause is longer than two minutes', async () => {
  const clock = new ManualClock();
  const health = new MirrorHealth(clock);
  const place = { origin: 'https://m.example', repository: 'app' };
  const failure = new ShoalError('unreachable', 'from the test', { retryAfterMs: 0 });
  for (let count = 0; count < 20; count++) health.failed(place, failure);
  assert.equal(health.pauseMs(place), 10_000);
  for (let round = 0; round < 10; round++) {
    await clock.advance(health.pauseMs(place));
    health.failed(place, new ShoalError('unavailable', 'from the test', { retryAfterMs: 86_400_000 }));
  }
  assert.equal(health.pauseMs(place), 120_000);
  health.worked(place);
  assert.equal(health.pauseMs(place), 0);
});

test('what a mirror does not have for one image does not keep others from it', async t => {
  const { registry, mirror, access, readAll } = await setup(t);
  fill(registry, 'other');
  await openSource(`${registry.host}/other:1`, { access }).manifest(AMD64, { signal });
  assert.equal(registry.requestsTo('/other/').length, 2);
  const before = mirror.requests.length;
  await openSource(`${registry.host}/other:1`, { access }).manifest(AMD64, { signal });
  assert.equal(mirror.requests.length, before, 'known not to have it');
  await readAll();
  assert.ok(mirror.requests.length > before);
});

test('a mirror that breaks off in the middle of a blob is continued elsewhere', async t => {
  const { registry, mirror, source } = await setup(t);
  mirror.knobs.cutBodiesAfter = 50_000;
  assert.deepEqual(await collect(source.blob(layer.descriptor, { signal })), layer.bytes);
  assert.match(registry.requestsTo('/blobs/')[0]?.headers.range ?? '', /^bytes=[1-9]/);
});

test('a mirror that lies about a manifest is passed over, one that lies about a blob is named and left alone', async t => {
  const { registry, mirror, source, readAll } = await setup(t);
  const [manifest] = image.manifests;
  assert.ok(manifest);
  mirror.repository('app').manifests.set(manifest.descriptor.digest, {
    bytes: Buffer.from('{}'),
    mediaType: manifest.descriptor.mediaType,
  });
  mirror.corrupt(layer.descriptor.digest);
  assert.equal((await source.manifest(AMD64, { signal })).digest, manifest.descriptor.digest);
  assert.equal(registry.requestsTo(manifest.descriptor.digest).length, 1);
  const { source: another, mirror: liar } = await setup(t);
  liar.corrupt(layer.descriptor.digest);
  await assert.rejects(
    collect(another.blob(layer.descriptor, { signal })),
    code('digest-mismatch', new RegExp(`bytes came from .*mirror ${liar.host}`)),
  );
  assert.deepEqual(await collect(another.blob(layer.descriptor, { signal })), layer.bytes);
  await readAll();
});

test("when all fail, the error is the registry's and tells what the mirrors said", async t => {
  const { registry, mirror, source } = await setup(t);
  mirror.repositories.clear();
  registry.repositories.clear();
  await assert.rejects(
    source.manifest(AMD64, { signal }),
    code(
      'not-found',
      new RegExp(`^${registry.host}/app:1: .*; before that, ${registry.host}/app:1 .mirror ${mirror.host}.: `),
    ),
  );
});

test('never pushes to a mirror', async t => {
  const { registry, mirror, access } = await setup(t);
  const sink = openSink(`${registry.host}/new:1`, { access });
  assert.equal(await sink.putBlob(layer.descriptor, () => inPieces(layer.bytes, 10_000), { signal }), 'written');
  assert.equal(mirror.requests.length, 0);
});

test('offers each place as a chunk source of its own, mirrors first', async t => {
  const { registry, mirrors, access } = await setup(t, { count: 2 });
  const { mirrors: sources, origin } = openChunkSources(`${registry.host}/app:1`, { access });
  assert.deepEqual(
    [...sources, origin].map(({ name }) => name),
    [...mirrors.map(({ host }) => `mirror ${host}`), 'origin'],
  );
});

test('offers ranges of blobs as they are stored, from the first place that has them', async t => {
  const { registry, mirror, access } = await setup(t);
  const { ranges = assert.fail('a registry has ranges') } = openChunkSources(`${registry.host}/app:1`, { access });
  const range = { offset: 65_536, length: 65_536 };
  const expected = layer.bytes.subarray(range.offset, range.offset + range.length);
  assert.deepEqual(await collect(ranges.readRange(layer.descriptor, range, { signal })), expected);
  assert.equal(registry.requests.length, 0);
  mirror.repositories.clear();
  assert.deepEqual(await collect(ranges.readRange(layer.descriptor, range, { signal })), expected);
  assert.equal(registry.requests.length, 1);
  assert.equal(openChunkSources('oci:here:1', { access }).ranges, undefined);
});

test('a mirror that says nothing costs a few seconds, not a deadline', async t => {
  const { mirror, registry, source, clock } = await setup(t);
  mirror.pause();
  const manifest = source.manifest(AMD64, { signal });
  await until(() => mirror.requests.length > 0, 'the mirror to be asked');
  await clock.advance(PATIENCE_MS);
  assert.equal((await manifest).digest, image.manifests[0]?.descriptor.digest);
  assert.ok(registry.requests.length > 0);
});

test('refuses a mirror that is no address', async t => {
  for (const mirror of [
    '',
    'ftp://m.example',
    'm.example/UPPER',
    'm.example?x=1',
    'https://user:secret@m.example',
    '/',
  ]) {
    const access = testAccess(t, { hosts: { 'r.example': { mirrors: [mirror] } } });
    assert.throws(
      () => openSource('r.example/app:1', { access }),
      error => code('usage', /mirror of r\.example: /)(error) && !/secret/.test(String(error)),
    );
  }
});
