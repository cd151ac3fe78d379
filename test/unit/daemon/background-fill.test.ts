// The rest of an image, fetched in the background.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShoalError, silentLogger } from '../../../core/index.ts';
import { defaultFillLimits, type FillLimits } from '../../../daemon/config.ts';
import { BackgroundFill } from '../../../daemon/fetch/background-fill.ts';
import { Pace } from '../../../daemon/fetch/pace.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { until } from '../../support/until.ts';
import { bench, chunksOf, SINGLE, settle } from './engine-bench.ts';

const CHUNKS = 40;

async function fillBench(
  limits: Partial<FillLimits> = {},
  options: { readonly bytesPerSecond?: number; readonly freePart?: () => Promise<number> } = {},
) {
  const made = await bench({}, CHUNKS);
  const { clock, engine, stored, source, blob } = made;
  const lines: string[] = [];
  const log = { ...silentLogger, info: note, warn: note, error: note };
  function note(message: string): void {
    lines.push(message);
  }
  const { freePart = async () => 1, bytesPerSecond } = options;
  const fill = new BackgroundFill(
    { clock, log, engine, pace: new Pace(clock, bytesPerSecond), freePart },
    { blobs: [stored], sources: [source] },
    { ...defaultFillLimits, ...limits },
  );
  const { compressedSize } = blob.layout.chunk(0);
  return { ...made, fill, lines, compressedSize };
}

function isWhole({ stored }: { readonly stored: { readonly map: { readonly presentCount: number } } }): boolean {
  return stored.map.presentCount === CHUNKS;
}

test('fetches what is missing, in the order of the blob, in large requests, and then says so', async () => {
  const made = await fillBench();
  const { fill, source, stored, ensure, lines } = made;
  await ensure([0, 1, 17]);
  source.requests.length = 0;
  fill.start();
  fill.start();
  await until(() => isWhole(made), 'the blob is whole');
  await fill.stop();
  const asked = chunksOf(source).flat();
  assert.deepEqual(
    asked,
    asked.toSorted((a, b) => a - b),
  );
  assert.ok(source.requests.length <= 2, `${source.requests.length} requests`);
  assert.ok(source.requests.every(({ lane }) => lane === 'background'));
  assert.equal(stored.map.presentCount, CHUNKS);
  assert.deepEqual(lines, ['all of the image is here']);
});

test('has only so many bytes under way, and ends when it is stopped', async () => {
  const made = await fillBench();
  const size = made.compressedSize;
  const { fill, source, stored } = await fillBench({ outstandingBytes: 4 * size, groupBytes: size });
  source.pause();
  fill.start();
  await settle();
  const asked = chunksOf(source).flat();
  const bytes = asked.reduce((sum, index) => sum + made.blob.layout.chunk(index).compressedSize, 0);
  assert.ok(bytes > 2 * size && bytes <= 4 * size, `${bytes} bytes, ${size} in the largest chunk`);
  const before = source.requests.length;
  await fill.stop();
  source.resume();
  await settle();
  assert.equal(source.requests.length, before);
  assert.ok(stored.map.presentCount < CHUNKS);
});

test('goes on when a source that was down is back', async () => {
  const made = await fillBench();
  const { fill, source, clock, lines } = made;
  for (let failure = 0; failure < 12; failure++) source.failNext(new ShoalError('unreachable', 'down'));
  fill.start();
  await clock.advance(100_000);
  await until(() => isWhole(made), 'the blob is whole');
  await fill.stop();
  assert.deepEqual(lines, ['all of the image is here']);
});

test('leaves out what is wrong again and again, and says so once', async () => {
  const { fill, source, clock, stored, lines } = await fillBench();
  source.corrupt.add(7);
  fill.start();
  await clock.advance(100_000);
  await until(() => lines.length > 0, 'it gave up');
  await fill.stop();
  assert.equal(stored.map.presentCount, CHUNKS - 1);
  assert.deepEqual(lines, ['parts of the image could not be fetched in advance']);
});

test('is no faster than the operator wants', async () => {
  const probe = await fillBench();
  const total = Array.from({ length: CHUNKS }, (_, index) => probe.blob.layout.chunk(index).compressedSize);
  const bytesPerSecond = Math.ceil(total.reduce((sum, size) => sum + size, 0) / 10);
  const made = await fillBench({}, { bytesPerSecond });
  made.fill.start();
  await made.clock.advance(4_500);
  const after = made.stored.presentBytes;
  assert.ok(after <= 6 * bytesPerSecond && after >= 3 * bytesPerSecond, `${after} of ${10 * bytesPerSecond} bytes`);
  await made.clock.advance(10_000);
  await until(() => isWhole(made), 'the blob is whole');
  await made.fill.stop();
});

test('waits while the disk is nearly full', async () => {
  let free = 0.05;
  const made = await fillBench({}, { freePart: async () => free });
  made.fill.start();
  await settle();
  await made.clock.advance(200_000);
  assert.equal(made.source.requests.length, 0);
  free = 0.5;
  await made.clock.advance(defaultFillLimits.roomPollMs);
  await until(() => isWhole(made), 'the blob is whole');
  await made.fill.stop();
  assert.deepEqual(made.lines, [
    'the disk is nearly full: the rest of the image waits for room',
    'all of the image is here',
  ]);
});

test('what peers lack is fetched from the origin, in the same pass', async () => {
  const { engine, clock, stored, source, blob } = await bench(SINGLE, CHUNKS);
  const peers = new MemorySource('peers', 'peers');
  peers.add(blob.layout, blob.bytes);
  for (let index = 20; index < CHUNKS; index++) peers.lacks.add(index);
  const fill = new BackgroundFill(
    { clock, log: silentLogger, engine, pace: new Pace(clock), freePart: async () => 1 },
    { blobs: [stored], sources: [peers, source] },
    defaultFillLimits,
  );
  fill.start();
  await until(() => isWhole({ stored }), 'the blob is whole');
  await fill.stop();
  assert.deepEqual(
    chunksOf(source)
      .flat()
      .toSorted((a, b) => a - b),
    Array.from({ length: CHUNKS - 20 }, (_, at) => at + 20),
  );
});
