import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { cp, type FileHandle, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  bitmapHas,
  isShoalError,
  type StoredBlob,
  silentLogger,
  systemClock,
  trustedChunks,
} from '../../../core/index.ts';
import { ChunkPool } from '../../../daemon/cache/chunk-pool.ts';
import { DiskStore, defaultStoreLimits, type StoreLimits } from '../../../daemon/index.ts';
import { fakeBlob } from '../../support/fake-blob.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';
import { atEnd, scratch } from './daemon-under-test.ts';

const THIS_BOOT = '11'.repeat(16);
const NEXT_BOOT = '22'.repeat(16);
const blob = fakeBlob();
const { layout } = blob;

interface Bench {
  readonly store: DiskStore;
  readonly directory: string;
  readonly clock: ManualClock;
}

function bench(
  t: TestContext,
  options: { readonly directory?: string; readonly bootId?: string; readonly limits?: Partial<StoreLimits> } = {},
): Bench {
  const clock = new ManualClock();
  const { directory = join(scratch(t), 'cache'), bootId = THIS_BOOT, limits } = options;
  const store = new DiskStore(
    { clock, log: silentLogger },
    { directory, bootId, limits: { ...defaultStoreLimits, ...limits } },
  );
  atEnd(t, () => store.stop());
  return { store, directory, clock };
}

async function put(stored: StoredBlob, index: number): Promise<void> {
  const bytes = new Uint8Array(blob.stored(index).length);
  bytes.set(blob.stored(index));
  await stored.put({ index, packing: 'blob', bytes });
}

/** What a power cut or a SIGKILL at this moment would leave: a copy of the files as they are. */
async function crash(directory: string): Promise<string> {
  const copy = `${directory}-after-crash`;
  await cp(directory, copy, { recursive: true });
  return copy;
}

async function presentAfter(t: TestContext, directory: string, bootId: string): Promise<number[]> {
  const { store } = bench(t, { directory, bootId });
  const stored = await store.open(layout);
  return Array.from({ length: layout.chunkCount }, (_, index) => index).filter(index => stored.map.has(index));
}

/** Resolves when the map file says what is expected of it. */
async function mapFileSays(directory: string, bootId: string, index: number): Promise<void> {
  const expected = { layoutKey: layout.layoutKey, chunkCount: layout.chunkCount, bootId };
  await until(async () => {
    const bits = trustedChunks(await readFile(mapPath(directory)).catch(() => Buffer.alloc(0)), expected);
    return bits !== undefined && bitmapHas(bits, index);
  }, 'the map file has the chunk');
}

function mapPath(directory: string): string {
  return join(directory, `${layout.layoutKey}.map`);
}

function dataPath(directory: string): string {
  return join(directory, `${layout.layoutKey}.data`);
}

test('after a crash in the same boot, everything that was noted is trusted', async t => {
  const { store, directory, clock } = bench(t);
  const stored = await store.open(layout);
  await put(stored, 3);
  await clock.advance(defaultStoreLimits.mapFlushMs);
  await mapFileSays(directory, THIS_BOOT, 3);
  await put(stored, 5); // not noted yet
  assert.deepEqual(await presentAfter(t, await crash(directory), THIS_BOOT), [3]);
});

test('after another boot, only what a sync has covered is trusted', async t => {
  const { store, directory, clock } = bench(t);
  const stored = await store.open(layout);
  await put(stored, 3);
  await clock.advance(defaultStoreLimits.syncMs);
  await mapFileSays(directory, NEXT_BOOT, 3);
  await put(stored, 5);
  await clock.advance(defaultStoreLimits.mapFlushMs);
  await mapFileSays(directory, THIS_BOOT, 5);
  assert.deepEqual(await presentAfter(t, await crash(directory), NEXT_BOOT), [3]);
});

test('what was synced stays trusted through a restart and then a power cut', async t => {
  const first = bench(t);
  await put(await first.store.open(layout), 3);
  await first.store.stop();
  const second = bench(t, { directory: first.directory });
  await put(await second.store.open(layout), 5);
  assert.deepEqual(await presentAfter(t, await crash(first.directory), NEXT_BOOT), [3]);
});

test('what was noted after another boot is not trusted after the next one', async t => {
  const first = bench(t);
  await put(await first.store.open(layout), 3);
  await first.store.stop();
  const second = bench(t, { directory: first.directory, bootId: NEXT_BOOT });
  await put(await second.store.open(layout), 5);
  await second.clock.advance(defaultStoreLimits.mapFlushMs);
  await mapFileSays(first.directory, NEXT_BOOT, 5);
  assert.deepEqual(await presentAfter(t, await crash(first.directory), '33'.repeat(16)), [3]);
});

test('when the disk refuses a sync, what it may have lost is forgotten, also what was on its way', async t => {
  const { store, clock } = bench(t);
  const stored = await store.open(layout);
  for (const index of [2, 3]) await put(stored, index);
  const anyFile = await open('/dev/null');
  const handles: FileHandle = Object.getPrototypeOf(anyFile);
  await anyFile.close();
  const { datasync } = handles;
  const refused = Promise.withResolvers<Promise<void>>();
  t.mock.method(handles, 'datasync', function (this: FileHandle) {
    if (!readlinkSync(`/proc/self/fd/${this.fd}`).endsWith('.data')) return datasync.call(this);
    refused.resolve(put(stored, 5));
    return Promise.reject(new Error('EIO'));
  });
  await clock.advance(defaultStoreLimits.syncMs);
  await await refused.promise;
  await until(async () => stored.map.presentCount === 0, 'all is forgotten');
  t.mock.restoreAll();
  for (const index of [2, 3, 5]) {
    await put(stored, index);
    assert.ok(blob.plain(index).equals((await stored.read(index)) ?? Buffer.alloc(0)));
  }
});

test('an evicted chunk is trusted by nobody from the moment its bytes go', async t => {
  const { store, directory } = bench(t);
  await put(await store.open(layout), 3);
  await store.stop();
  const again = bench(t, { directory });
  const stored = await again.store.open(layout);
  await stored.evict(3);
  assert.deepEqual(await presentAfter(t, await crash(directory), THIS_BOOT), []);
});

test('a map file that is torn, foreign or missing, or a data file that does not fit, means an empty cache', async t => {
  const { store, directory } = bench(t);
  await put(await store.open(layout), 3);
  await store.stop();
  const damages: Readonly<Record<string, (copy: string) => Promise<void>>> = {
    torn: copy => truncate(mapPath(copy), 65),
    foreign: copy => writeFile(mapPath(copy), 'not a map file, but something else'),
    missing: copy => rm(mapPath(copy)),
    'without data': copy => rm(dataPath(copy)),
    'with short data': copy => truncate(dataPath(copy), layout.deviceSize - 4096),
  };
  for (const [name, damage] of Object.entries(damages)) {
    const copy = `${directory}-${name}`;
    await cp(directory, copy, { recursive: true });
    await damage(copy);
    assert.deepEqual(await presentAfter(t, copy, THIS_BOOT), [], name);
  }
  assert.deepEqual(await presentAfter(t, directory, THIS_BOOT), [3], 'undamaged');
});

test('a map that vouched for a data file that is gone vouches for nothing before a new one is made', async t => {
  const { store, directory } = bench(t);
  await put(await store.open(layout), 3);
  await store.stop();
  await rm(dataPath(directory));
  const again = bench(t, { directory });
  // Larger than most file systems allow: it ends in the middle of making the file, as a kill would.
  await again.store.open({ ...layout, deviceSize: 2 ** 52 }).catch(() => {});
  await again.store.stop();
  await truncate(dataPath(directory), layout.deviceSize);
  assert.deepEqual(await presentAfter(t, directory, THIS_BOOT), []);
});

test('a blob opened again while it is being released is whole', async t => {
  const { store } = bench(t);
  const stored = await store.open(layout);
  await put(stored, 1);
  for (let round = 0; round < 10; round++) {
    const handle = await store.open(layout);
    await handle.close();
  }
  await stored.close();
  const handles = await Promise.all([store.open(layout), store.open(layout)]);
  for (const handle of handles) assert.ok(blob.plain(1).equals((await handle.read(1)) ?? Buffer.alloc(0)));
});

test('a full disk refuses the chunk with no-space and keeps what it has', async t => {
  const directory = scratch(t);
  const { chunkSize } = layout;
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${3 * chunkSize}`, 'tmpfs', directory]);
  atEnd(t, () => execFileSync('umount', ['-l', directory]));
  const { store } = bench(t, { directory: join(directory, 'cache') });
  const stored = await store.open(layout);
  const results = [];
  for (let index = 0; index < layout.chunkCount; index++) results.push(await put(stored, index).catch(error => error));
  const refused = results.filter(result => result !== undefined);
  assert.ok(refused.length > 0 && refused.length < layout.chunkCount);
  for (const error of refused) assert.ok(isShoalError(error, 'no-space'), String(error));
  assert.equal(stored.map.presentCount, layout.chunkCount - refused.length);
  assert.ok(blob.plain(0).equals((await stored.read(0)) ?? Buffer.alloc(0)));
});

test('a store that was stopped refuses to open', async t => {
  const { store } = bench(t);
  await store.stop();
  await assert.rejects(store.open(layout), error => isShoalError(error, 'internal'));
});

test('a worker that dies fails its jobs in a retryable way and is replaced, but not for ever', async t => {
  const script = join(scratch(t), 'dying-worker.mjs');
  await writeFile(
    script,
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', () => process.exit(3));\n`,
  );
  const pool = new ChunkPool(silentLogger, { workers: 1, maxWorkerRestarts: 2 }, pathToFileURL(script));
  atEnd(t, () => pool.stop());
  const job = { kind: 'punch', fd: -1, offset: 0, length: 1 } as const;
  for (let death = 0; death < 3; death++) {
    await assert.rejects(pool.run(job), error => isShoalError(error, 'internal') && error.retryable);
  }
  await assert.rejects(pool.run(job), /none left/);
});

test('an open blob survives the real clock: flushes and syncs happen by themselves', async t => {
  const directory = join(scratch(t), 'cache');
  const limits = { ...defaultStoreLimits, mapFlushMs: 1, syncMs: 1 };
  const store = new DiskStore({ clock: systemClock, log: silentLogger }, { directory, bootId: THIS_BOOT, limits });
  atEnd(t, () => store.stop());
  await put(await store.open(layout), 4);
  await mapFileSays(directory, NEXT_BOOT, 4);
});

test('a chunk that the disk has changed is not packed for others, and forgotten', async t => {
  const { store, directory } = bench(t);
  const stored = await store.open(layout);
  for (const index of [2, 3]) await put(stored, index);
  const file = await open(join(directory, `${layout.layoutKey}.data`), 'r+');
  await file.write(Buffer.from('rot'), 0, 3, layout.chunk(2).deviceOffset + 50);
  await file.close();
  assert.equal(await stored.pack(2), undefined);
  assert.equal(stored.map.has(2), false);
  assert.equal(stored.presentBytes, layout.chunk(3).compressedSize);
  assert.ok(await stored.pack(3));
});
