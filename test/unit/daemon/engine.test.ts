import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isShoalError, ShoalError } from '../../../core/index.ts';
import { defaultFetchLimits } from '../../../daemon/config.ts';
import { fakeBlob } from '../../support/fake-blob.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { until } from '../../support/until.ts';
import { bench, chunksOf, never, SINGLE, settle } from './engine-bench.ts';

describe('fetch engine', () => {
  test('makes missing chunks present and does not ask for present ones', async () => {
    const { ensure, stored, source, blob } = await bench();
    await ensure([3]);
    await ensure([3, 4]);
    assert.deepEqual(chunksOf(source), [[3], [4]]);
    assert.ok(blob.plain(4).equals((await stored.read(4)) ?? Buffer.alloc(0)));
  });

  test('fetches a chunk once however many want it', async () => {
    const { ensure, source } = await bench();
    await Promise.all(Array.from({ length: 50 }, () => ensure([7])));
    assert.deepEqual(chunksOf(source), [[7]]);
  });

  test('sends neighbours of one call, and of calls of one tick, in one request', async () => {
    const { ensure, source } = await bench({ amplifyBytes: 0 });
    await Promise.all([ensure([4, 5]), ensure([6]), ensure([3])]);
    assert.deepEqual(chunksOf(source), [[3, 4, 5, 6]]);
  });

  test('takes chunks behind a small demand along, and a reader that wants one of them joins', async () => {
    const { ensure, source, stored } = await bench({ amplifyBytes: 8000 });
    source.pause();
    const first = ensure([0]);
    await settle();
    const second = ensure([1]);
    await settle();
    source.resume();
    await Promise.all([first, second]);
    await until(() => stored.map.presentCount >= 2, 'what came along is stored');
    assert.equal(source.requests.length, 1);
  });

  test('what comes along arrives even though nobody waits for it any more', async () => {
    const { ensure, stored } = await bench({ amplifyBytes: 40_000 });
    await ensure([0]);
    await until(() => stored.map.presentCount > 4, 'what came along is stored');
  });

  test("one caller's abort does not disturb another; the last one's aborts the request", async () => {
    const { ensure, source } = await bench();
    source.pause();
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [first, second].map(({ signal }) => ensure([2], { signal }));
    await settle();
    first.abort();
    await assert.rejects(calls[0] ?? Promise.resolve(), error => isShoalError(error, 'aborted'));
    assert.equal(source.active, 1);
    second.abort();
    await assert.rejects(calls[1] ?? Promise.resolve(), error => isShoalError(error, 'aborted'));
    await settle();
    assert.equal(source.active, 0);
  });

  test('a caller that comes while the request is being dropped starts a new one', async () => {
    const { ensure, source } = await bench();
    source.pause();
    const leaving = new AbortController();
    const left = ensure([2], { signal: leaving.signal });
    await settle();
    leaving.abort();
    const staying = ensure([2]);
    await assert.rejects(left);
    source.resume();
    await staying;
    assert.deepEqual(chunksOf(source), [[2], [2]]);
  });

  test('serves demand before trace before background, and moves up what a reader comes to want', async () => {
    const limits = { ...SINGLE, requestsPerSource: 1, requestsPerLane: { demand: 1, trace: 1, background: 1 } };
    const { ensure, source } = await bench(limits);
    source.pause();
    const calls = [
      ensure([0], { lane: 'background' }),
      ensure([10], { lane: 'background' }),
      ensure([20], { lane: 'background' }),
      ensure([30], { lane: 'trace' }),
    ];
    await settle();
    calls.push(ensure([35]), ensure([20]));
    await settle();
    source.resume();
    await Promise.all(calls);
    assert.deepEqual(chunksOf(source).flat(), [0, 20, 35, 30, 10]);
  });

  test('retries for as long as somebody waits, with growing waits', async () => {
    const { ensure, source, clock, stored } = await bench();
    for (let attempt = 0; attempt < 6; attempt++) source.failNext(new ShoalError('unreachable', 'down'));
    const call = ensure([1]);
    for (let minute = 0; minute < 60; minute++) await clock.advance(1000);
    await call;
    assert.equal(source.requests.length, 7);
    assert.equal(stored.map.has(1), true);
  });

  test('two hundred waiting reads send a dead source one probe at a time, and all go on when it is back', async () => {
    const { ensure, source, clock, stored } = await bench(SINGLE, 200);
    for (let failure = 0; failure < 40; failure++) source.failNext(new ShoalError('unreachable', 'down'));
    const calls = Array.from({ length: 200 }, (_, index) => ensure([index]));
    await clock.advance(0);
    const burst = source.requests.length;
    const { requestsPerSource, failuresToShut } = defaultFetchLimits;
    assert.ok(burst < requestsPerSource + failuresToShut, `${burst} requests at once`);
    await clock.advance(60_000);
    const probes = source.requests.length - burst;
    assert.ok(probes >= 10 && probes <= 24, `${probes} probes in a minute`);
    await clock.advance(60_000);
    await Promise.all(calls);
    assert.equal(stored.map.presentCount, 200);
  });

  test('bounds the requests under way', async () => {
    const { ensure, source } = await bench(SINGLE, 40);
    source.pause();
    const calls = Array.from({ length: 40 }, (_, index) => ensure([index]));
    await settle();
    assert.equal(source.active, defaultFetchLimits.requestsPerSource);
    source.resume();
    await Promise.all(calls);
  });

  test('a source that hangs does not hold up another image', async () => {
    const { engine, store, ensure, source } = await bench(SINGLE, 40);
    source.pause();
    const stop = new AbortController();
    const hanging = Array.from({ length: 40 }, (_, index) => ensure([index], { signal: stop.signal }));
    await settle();
    const other = fakeBlob({ seed: 'other' });
    const healthy = new MemorySource('healthy');
    healthy.add(other.layout, other.bytes);
    const stored = await store.open(other.layout);
    await engine.ensure(stored, [0, 5], { lane: 'demand', signal: never, sources: [healthy] });
    stop.abort();
    await Promise.allSettled(hanging);
  });

  test('gives up an attempt that brings nothing, and tries again', async () => {
    const { ensure, source, clock } = await bench();
    source.pause();
    const call = ensure([1]);
    await clock.advance(defaultFetchLimits.stallTimeoutMs);
    assert.equal(source.active, 0);
    source.resume();
    await clock.advance(1000);
    await call;
    assert.equal(source.requests.length, 2);
  });

  test('never stores wrong bytes: fetches the chunk again, slowly, and goes on with the right ones', async () => {
    const { ensure, source, clock, stored, blob } = await bench();
    source.corrupt.add(6);
    const call = ensure([6]);
    await clock.advance(20_000);
    assert.equal(stored.map.has(6), false);
    assert.ok(source.requests.length >= 3 && source.requests.length <= 8, `${source.requests.length} requests`);
    source.corrupt.clear();
    await clock.advance(60_000);
    await call;
    assert.ok(blob.plain(6).equals((await stored.read(6)) ?? Buffer.alloc(0)));
  });

  test('counts requests, bytes, chunks, failures and wrong bytes by source, and how long requests took', async () => {
    const { ensure, source, clock, registry, blob } = await bench();
    source.corrupt.add(6);
    const call = ensure([6]);
    await clock.advance(100);
    source.corrupt.clear();
    await clock.advance(60_000);
    await call;
    source.failNext(new ShoalError('unavailable', 'busy'));
    const second = ensure([9]);
    await clock.advance(10_000);
    await second;
    const page = await registry.metrics();
    const bytes = 2 * blob.layout.chunk(6).compressedSize + blob.layout.chunk(9).compressedSize;
    for (const line of [
      'shoal_fetch_requests_total{source="origin",lane="demand"} 4',
      `shoal_fetch_bytes_total{source="origin"} ${bytes}`,
      'shoal_fetch_chunks_total{source="origin"} 2',
      'shoal_fetch_errors_total{source="origin",code="unavailable"} 1',
      'shoal_chunk_verify_failures_total{source="origin"} 1',
      'shoal_fetch_duration_seconds_count{source="origin"} 3',
    ]) {
      assert.ok(page.includes(`${line}\n`), `${line}\n${page}`);
    }
  });

  test('a corrupt chunk does not disturb its neighbours', async () => {
    const { ensure, source, clock } = await bench({ amplifyBytes: 0 });
    source.corrupt.add(6);
    const stop = new AbortController();
    const corrupt = ensure([6], { signal: stop.signal });
    await Promise.all([ensure([5]), ensure([7])]);
    await clock.advance(100);
    await ensure([8]);
    assert.deepEqual(chunksOf(source).at(-1), [8], 'the corrupt one rests and is not taken along');
    stop.abort();
    await assert.rejects(corrupt);
  });

  test('asks the next source for what the first one lacks', async () => {
    const { ensure, source, blob } = await bench();
    const peer = new MemorySource('peer');
    peer.add(blob.layout, blob.bytes);
    peer.lacks.add(2);
    await ensure([1, 2], { sources: [peer, source] });
    assert.deepEqual(chunksOf(peer).flat().sort(), [1, 2]);
    assert.deepEqual(chunksOf(source), [[2]]);
  });

  test('passes over a source that is shut while another works', async () => {
    const { ensure, source, blob, clock } = await bench();
    const peer = new MemorySource('peer');
    peer.add(blob.layout, blob.bytes);
    for (let failure = 0; failure < 3; failure++) peer.failNext(new ShoalError('unreachable', 'down'));
    for (const index of [0, 10, 20]) await ensure([index], { sources: [peer, source] });
    assert.equal(peer.requests.length, 3);
    await ensure([30], { sources: [peer, source] });
    assert.equal(peer.requests.length, 3);
    await clock.advance(1000);
    await ensure([35], { sources: [peer, source] });
    assert.equal(peer.requests.length, 4, 'it is probed when the time has come');
  });

  test('a reader of another image brings a source that works to those who wait for a dead one', async () => {
    const { ensure, source, blob } = await bench();
    for (let failure = 0; failure < 100; failure++) source.failNext(new ShoalError('unreachable', 'down'));
    const waiting = [0, 10, 20, 30].map(index => ensure([index]));
    await settle();
    const mirror = new MemorySource('mirror');
    mirror.add(blob.layout, blob.bytes);
    await ensure([10], { sources: [mirror] });
    await waiting[1];
    assert.deepEqual(chunksOf(mirror), [[10]]);
  });

  test('bounds the bytes that came and are not stored', async () => {
    const limits = { amplifyBytes: 0, maxUnstoredBytes: 10_000, requestsPerSource: 1 };
    const { ensure, store, stored, registry, blob } = await bench(limits, 20);
    const all = Array.from({ length: 20 }, (_, index) => index);
    const sizes = all.map(index => blob.layout.chunk(index).compressedSize);
    store.hold();
    const call = ensure(all);
    await settle();
    const came = Number(/^shoal_fetch_bytes_total\{.*\} (\d+)$/m.exec(await registry.metrics())?.[1]);
    // What is beyond the budget is in hand, but nothing is asked for behind it.
    const bound = limits.maxUnstoredBytes + Math.max(...sizes);
    assert.ok(came > 0 && came <= bound, `${came} bytes came; at most ${bound} may`);
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) > 2 * bound, 'without the bound more would have come');
    store.release();
    await call;
    assert.equal(stored.map.presentCount, 20);
  });

  test('a full disk is tried again until there is room', async () => {
    const { ensure, store, clock, stored } = await bench();
    store.failNextPut(new ShoalError('no-space', 'full'));
    const call = ensure([1]);
    await clock.advance(1000);
    await call;
    assert.equal(stored.map.has(1), true);
  });
});
