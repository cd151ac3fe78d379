import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChunkSource, ErrorCode } from '../../../core/index.ts';
import { isShoalError } from '../../../core/index.ts';
import type { HttpTimeouts } from '../../../registry/index.ts';
import { DEFAULT_TIMEOUTS, openOrigin } from '../../../registry/index.ts';
import type { Ending } from '../../support/docker-registry.ts';
import { fakeBlob } from '../../support/fake-blob.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { testAccess } from '../../support/registry-targets.ts';
import { collectItems } from '../../support/streams.ts';
import { until } from '../../support/until.ts';

const signal = new AbortController().signal;
const blob = fakeBlob({ chunkCount: 40, chunkSize: 64 * 1024 });

async function setup(t: Ending, timeouts: Partial<HttpTimeouts> = {}) {
  const registry = await startMemoryRegistry(t);
  registry.putBlob('app', blob.bytes);
  const access = testAccess(t, { timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts } });
  return { registry, origin: openOrigin(`${registry.host}/app:1`, { access, plainHttp: true }) };
}

const fetch = (origin: ChunkSource, chunks: readonly number[], layout = blob.layout) =>
  collectItems(origin.fetch({ blob: layout, chunks, lane: 'demand' }, { signal }));

const code = (expected: ErrorCode, message: RegExp, retryable: boolean) => (error: unknown) => {
  assert.ok(isShoalError(error, expected), String(error));
  assert.match(error.message, message);
  assert.match(error.message, /127\.0\.0\.1:\d+\/app:1/);
  assert.equal(error.retryable, retryable);
  return true;
};

test('fetches neighbours with one request, from the first byte to the last', async t => {
  const { registry, origin } = await setup(t);
  assert.equal((await fetch(origin, [3, 4, 6])).length, 3);
  const [first, last] = [blob.layout.chunk(3), blob.layout.chunk(6)];
  const end = last.compressedOffset + last.compressedSize - 1;
  assert.deepEqual(
    registry.requests.map(({ headers }) => headers.range),
    [`bytes=${first.compressedOffset}-${end}`],
  );
});

test('gives each chunk as soon as it is whole, while the rest is still on its way', async t => {
  const { registry, origin } = await setup(t);
  registry.knobs.bytesPerSecond = 4_000_000;
  const chunks = Array.from({ length: 40 }, (_, index) => index);
  const seen: number[] = [];
  for await (const { index } of origin.fetch({ blob: blob.layout, chunks, lane: 'demand' }, { signal })) {
    seen.push(registry.bytesSent);
    assert.equal(index, seen.length - 1);
  }
  assert.ok((seen[0] ?? 0) < blob.bytes.length / 4, `the first chunk came after ${seen[0]} bytes`);
});

test('turns statuses into codes that say whether to try again, and tries nothing again itself', async t => {
  const { registry, origin } = await setup(t);
  const cases = [
    [401, 'unauthorized', /asks for/, false],
    [403, 'unauthorized', /answered 403/, false],
    [404, 'not-found', /answered 404/, false],
    [416, 'malformed', /shorter than the image says/, false],
    [429, 'unavailable', /too many requests/, true],
    [500, 'unavailable', /answered 500/, true],
    [503, 'unavailable', /answered 503/, true],
    [418, 'unsupported', /answered 418/, false],
  ] as const;
  for (const [status, expected, message, retryable] of cases) {
    registry.failNext({ status });
    await assert.rejects(fetch(origin, [0]), code(expected, message, retryable));
  }
  assert.equal(registry.requests.length, cases.length);
  registry.failNext({ status: 429, headers: { 'retry-after': '5' } });
  await assert.rejects(fetch(origin, [0]), error => isShoalError(error) && error.retryAfterMs === 5000);
});

test('names what it expected and what it found when the range is another one', async t => {
  const { registry, origin } = await setup(t);
  registry.knobs.wrongRange = true;
  await assert.rejects(
    fetch(origin, [0]),
    code('malformed', /expected content-range "bytes 0-65535\/\d+", found "bytes 1-65536\/\d+"/, false),
  );
});

test('refuses a blob that is shorter than the image says', async t => {
  const { registry, origin } = await setup(t);
  registry.repository('app').blobs.set(blob.layout.digest, blob.bytes.subarray(0, 70_000));
  await assert.rejects(fetch(origin, [0]), code('malformed', /expected content-range/, false));
  await assert.rejects(fetch(origin, [30]), code('malformed', /answered 416/, false));
  registry.knobs.ignoreRange = true;
  await assert.rejects(fetch(origin, [1]), code('malformed', /the answer ends \d+ bytes early/, false));
});

test('does not read through gigabytes where ranges are ignored', async t => {
  const { registry, origin } = await setup(t);
  registry.knobs.ignoreRange = true;
  const far = {
    ...blob.layout,
    blobSize: 2 ** 33,
    chunk: () => ({ ...blob.layout.chunk(0), compressedOffset: 2 ** 32 }),
  };
  await assert.rejects(fetch(origin, [0], far), code('unsupported', /ignores ranges/, false));
});

test('keeps the chunks that came before a connection breaks', async t => {
  const { registry, origin } = await setup(t);
  registry.knobs.cutBodiesAfter = 200_000;
  const got: number[] = [];
  const fetching = async () => {
    const request = { blob: blob.layout, chunks: [0, 1, 2, 3, 4, 5, 6, 7], lane: 'demand' } as const;
    for await (const { index, bytes } of origin.fetch(request, { signal })) {
      assert.ok(blob.stored(index).equals(bytes));
      got.push(index);
    }
  };
  await assert.rejects(fetching(), code('unreachable', /cannot reach/, true));
  assert.deepEqual(got, [0, 1, 2, 3]);
});

test('says timeout for a registry that is silent, and unreachable for one that is gone, until it is back', async t => {
  const { registry, origin } = await setup(t, { answerMs: 500 });
  registry.pause();
  await assert.rejects(fetch(origin, [0]), code('timeout', /stopped answering/, true));
  registry.resume();
  await registry.goAway();
  await assert.rejects(fetch(origin, [0]), code('unreachable', /ECONNREFUSED/, true));
  await registry.comeBack();
  assert.equal((await fetch(origin, [0])).length, 1);
});

test('an abort gives back the sockets of two hundred hanging fetches', async t => {
  const { registry, origin } = await setup(t);
  registry.pause();
  const controller = new AbortController();
  const fetches = Array.from({ length: 200 }, (_, at) => {
    const request = { blob: blob.layout, chunks: [at % 40], lane: 'demand' } as const;
    return collectItems(origin.fetch(request, { signal: controller.signal })).catch((error: unknown) => error);
  });
  await until(() => registry.openSockets() > 10, 'some sockets');
  controller.abort();
  for (const outcome of await Promise.all(fetches)) assert.ok(isShoalError(outcome, 'aborted'), String(outcome));
  await until(() => registry.openSockets() === 0, 'no sockets');
});

test('refuses to buffer a chunk beyond what compression can explain', async t => {
  const { registry, origin } = await setup(t);
  const giant = { ...blob.layout, chunk: () => ({ ...blob.layout.chunk(0), compressedSize: 200_000 }) };
  await assert.rejects(fetch(origin, [0], giant), code('limit', /200000 stored bytes/, false));
  assert.equal(registry.requests.length, 0);
});
