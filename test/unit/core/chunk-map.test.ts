import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  bitmapBytes,
  bitmapHas,
  bitmapSet,
  ChunkMap,
  createChunkMap,
  encodeMapFile,
  isShoalError,
  MAX_CHUNKS_PER_BLOB,
  snapshotBitmap,
  trustedChunks,
} from '../../../core/index.ts';

const LAYOUT = 'ab'.repeat(32);
const BOOT = '01'.repeat(16);
const OTHER_BOOT = '02'.repeat(16);

test('a chunk is absent until marked, and its sequence changes with every store and eviction', () => {
  const map = createChunkMap(3);
  assert.equal(map.has(1), false);
  assert.equal(map.markPresent(1), true);
  assert.equal(map.markPresent(1), false);
  assert.equal(map.has(1), true);
  const stored = map.sequence(1);
  assert.equal(map.markAbsent(1), true);
  assert.equal(map.markAbsent(1), false);
  assert.equal(map.markPresent(1), true);
  assert.notEqual(map.sequence(1), stored, 'evicted and stored again must not look unchanged');
  assert.equal(map.presentCount, 1);
  assert.equal(map.has(0) || map.has(2), false);
});

test('another thread sees a chunk through the shared memory', async () => {
  const map = createChunkMap(8);
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads');
     const words = new Int32Array(workerData);
     Atomics.add(words, 4 + 5, 1);`,
    { eval: true, workerData: map.buffer },
  );
  await new Promise(done => worker.once('exit', done));
  assert.equal(new ChunkMap(map.buffer).has(5), true);
});

test('threads that mark the same chunks count each of them once', async () => {
  const map = createChunkMap(1000);
  const url = new URL('../../../core/index.ts', import.meta.url).href;
  const body = `import { workerData } from 'node:worker_threads';
    import { ChunkMap } from ${JSON.stringify(url)};
    const map = new ChunkMap(workerData);
    for (let index = 0; index < map.chunkCount; index++) map.markPresent(index);`;
  const workers = [1, 2].map(
    () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(body)}`), { workerData: map.buffer }),
  );
  await Promise.all(workers.map(worker => new Promise(done => worker.once('exit', done))));
  assert.equal(map.presentCount, 1000);
});

test('indexes outside the blob and impossible chunk counts are refused', () => {
  const map = createChunkMap(2);
  assert.throws(
    () => map.has(2),
    error => isShoalError(error, 'internal'),
  );
  assert.throws(
    () => map.markPresent(-1),
    error => isShoalError(error, 'internal'),
  );
  assert.throws(
    () => createChunkMap(MAX_CHUNKS_PER_BLOB + 1),
    error => isShoalError(error, 'limit'),
  );
  assert.throws(
    () => new ChunkMap(new SharedArrayBuffer(64)),
    error => isShoalError(error, 'internal'),
  );
});

test('in the boot that wrote it the map file trusts what was written, after another boot only what was synced', () => {
  const written = new Uint8Array(bitmapBytes(10));
  const synced = new Uint8Array(bitmapBytes(10));
  for (const index of [0, 7, 9]) bitmapSet(written, index);
  bitmapSet(synced, 7);
  const bytes = encodeMapFile({ layoutKey: LAYOUT, bootId: BOOT, chunkCount: 10, written, synced });
  const trusted = (bootId: string) => {
    const bitmap = trustedChunks(bytes, { layoutKey: LAYOUT, chunkCount: 10, bootId });
    return bitmap && [...Array(10).keys()].filter(index => bitmapHas(bitmap, index));
  };
  assert.deepEqual(trusted(BOOT), [0, 7, 9]);
  assert.deepEqual(trusted(OTHER_BOOT), [7]);
});

test('a map file of another layout, another size, another version, or torn, is not trusted at all', () => {
  const empty = new Uint8Array(bitmapBytes(10));
  const bytes = encodeMapFile({ layoutKey: LAYOUT, bootId: BOOT, chunkCount: 10, written: empty, synced: empty });
  const expected = { layoutKey: LAYOUT, chunkCount: 10, bootId: BOOT };
  assert.ok(trustedChunks(bytes, expected));
  assert.equal(trustedChunks(bytes, { ...expected, layoutKey: 'cd'.repeat(32) }), undefined);
  assert.equal(trustedChunks(bytes, { ...expected, chunkCount: 9 }), undefined);
  assert.equal(trustedChunks(bytes.subarray(0, bytes.length - 1), expected), undefined);
  const version = bytes.slice();
  version[4] = 99;
  assert.equal(trustedChunks(version, expected), undefined);
});

test('a snapshot holds exactly the present chunks', () => {
  const map = createChunkMap(17);
  for (const index of [0, 8, 16]) map.markPresent(index);
  const bitmap = snapshotBitmap(map);
  assert.deepEqual(
    [...Array(17).keys()].filter(index => bitmapHas(bitmap, index)),
    [0, 8, 16],
  );
});
