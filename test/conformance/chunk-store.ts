// The contract of ChunkStore (core/chunk-store.ts), for every implementation of it.

import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import type { ChunkPayload, ChunkStore, StoredBlob } from '../../core/index.ts';
import { ChunkMap, isShoalError } from '../../core/index.ts';
import type { FakeBlob } from '../support/fake-blob.ts';
import { fakeBlob } from '../support/fake-blob.ts';

export interface ChunkStoreUnderTest {
  readonly store: ChunkStore;
  /** The store that a process would get which starts after `store` was stopped. */
  readonly reopen: () => ChunkStore;
}

export function chunkStoreConformance(
  name: string,
  setup: (t: TestContext) => Promise<ChunkStoreUnderTest>,
  options: { readonly hasFiles: boolean },
): void {
  describe(`chunk store: ${name}`, () => {
    const blob = fakeBlob();
    const { chunkCount } = blob.layout;
    const all = Array.from({ length: chunkCount }, (_, index) => index);

    test('gives back what was put, and says so in the map', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      assert.equal(stored.map.presentCount, 0);
      assert.equal(await stored.read(3), undefined);
      for (const index of all) await stored.put(payloadOf(blob, index));
      assert.equal(stored.map.presentCount, chunkCount);
      for (const index of all) await assertChunk(stored, blob, index);
      await stored.close();
    });

    test('takes every packing, and puts of many chunks and of one chunk at once', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      const packings = all.flatMap(index => [
        payloadOf(blob, index),
        { index, packing: 'none', bytes: owned(blob.plain(index)) } as const,
        { index, packing: 'zstd', bytes: owned(zstdCompressSync(blob.plain(index))) } as const,
      ]);
      await Promise.all(packings.map(payload => stored.put(payload)));
      for (const index of all) await assertChunk(stored, blob, index);
    });

    test('refuses wrong bytes, and the chunk stays absent and can be put afterwards', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      for (const [index, code] of [
        [0, 'digest-mismatch'], // stored raw
        [1, 'malformed'], // zstd
      ] as const) {
        const wrong = payloadOf(blob, index);
        wrong.bytes[0] = (wrong.bytes[0] ?? 0) ^ 0xff;
        await assert.rejects(stored.put(wrong), error => isShoalError(error, code));
        const truncated = { ...wrong, bytes: payloadOf(blob, index).bytes.slice(1) };
        await assert.rejects(stored.put(truncated), error => isShoalError(error, 'malformed'));
        assert.equal(stored.map.has(index), false);
        assert.equal(await stored.read(index), undefined);
        await stored.put(payloadOf(blob, index));
        await assertChunk(stored, blob, index);
      }
      const foreign = { index: 2, packing: 'none', bytes: owned(blob.plain(4)) } as const;
      await assert.rejects(stored.put(foreign), error => isShoalError(error, 'digest-mismatch'));
    });

    test('shares a blob among everyone who opens it, until each has closed it', async t => {
      const { store } = await setup(t);
      const [first, second] = await Promise.all([store.open(blob.layout), store.open(blob.layout)]);
      await first.put(payloadOf(blob, 5));
      await assertChunk(second, blob, 5);
      assert.equal(new ChunkMap(second.map.buffer).has(5), true, 'the map is shared memory');
      await first.close();
      await first.close();
      await second.put(payloadOf(blob, 6));
      await assertChunk(second, blob, 6);
      await second.close();
      const third = await store.open(blob.layout);
      await assertChunk(third, blob, 5);
      await assertChunk(third, blob, 6);
    });

    test('keeps blobs apart whose layouts differ', async t => {
      const { store } = await setup(t);
      const lying = { ...blob.layout, layoutKey: 'f'.repeat(64) };
      const [honest, other] = await Promise.all([store.open(blob.layout), store.open(lying)]);
      await honest.put(payloadOf(blob, 0));
      assert.equal(other.map.has(0), false);
      assert.equal(await other.read(0), undefined);
    });

    test('forgets an evicted chunk, changes its sequence for readers, and takes it again', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      await stored.put(payloadOf(blob, 2));
      const before = stored.map.sequence(2);
      await Promise.all([stored.evict(2), stored.evict(2)]);
      assert.equal(stored.map.has(2), false);
      assert.equal(await stored.read(2), undefined);
      await stored.put(payloadOf(blob, 2));
      assert.notEqual(stored.map.sequence(2), before);
      await assertChunk(stored, blob, 2);
    });

    test('never shows wrong bytes while chunks are stored and evicted over and over', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      let busy = true;
      const churn = Promise.all(
        [0, 1].map(async index => {
          for (let round = 0; round < 30; round++) {
            await Promise.all([stored.put(payloadOf(blob, index)), stored.evict(index), stored.read(index)]);
          }
        }),
      ).finally(() => {
        busy = false;
      });
      let reads = 0;
      while (busy) {
        await new Promise(resolve => setImmediate(resolve)); // an absent chunk is answered without any I/O
        for (const index of [0, 1]) {
          const bytes = await stored.read(index);
          reads++;
          if (bytes !== undefined) assert.ok(blob.plain(index).equals(bytes), `chunk ${index} was torn`);
        }
      }
      await churn;
      assert.ok(reads > 0);
    });

    test('has what was stored when it is stopped and opened again, and not what was evicted', async t => {
      const { store, reopen } = await setup(t);
      const stored = await store.open(blob.layout);
      await Promise.all(all.map(index => stored.put(payloadOf(blob, index))));
      await stored.evict(1);
      await Promise.all([store.stop(), store.stop()]);
      const again = reopen();
      t.after(() => again.stop());
      const reopened = await again.open(blob.layout);
      assert.equal(reopened.map.presentCount, chunkCount - 1);
      assert.equal(await reopened.read(1), undefined);
      for (const index of all.filter(other => other !== 1)) await assertChunk(reopened, blob, index);
    });

    test('packs a chunk that is there as a frame that another store takes', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      assert.equal(await stored.pack(1), undefined);
      for (const index of [0, 1]) await stored.put(payloadOf(blob, index));
      const frames = await Promise.all([0, 1].map(index => stored.pack(index)));
      await stored.evict(1);
      assert.equal(await stored.pack(1), undefined);
      const other = await store.open({ ...blob.layout, layoutKey: 'e'.repeat(64) });
      for (const [index, bytes] of frames.entries()) {
        assert.ok(bytes !== undefined);
        await other.put({ index, packing: 'zstd', bytes });
        await assertChunk(other, blob, index);
      }
    });

    test('says how many bytes of the blob are there, also when it is opened again, and calls back when that changes', async t => {
      const { store, reopen } = await setup(t);
      const stored = await store.open(blob.layout);
      const size = (...indexes: readonly number[]) =>
        indexes.reduce((sum, index) => sum + blob.layout.chunk(index).compressedSize, 0);
      let called = Promise.withResolvers<void>();
      const stop = stored.onChange(() => called.resolve());
      await Promise.all([3, 4, 4].map(index => stored.put(payloadOf(blob, index))));
      await called.promise;
      assert.equal(stored.presentBytes, size(3, 4));
      called = Promise.withResolvers();
      await stored.evict(3);
      await called.promise;
      assert.equal(stored.presentBytes, size(4));
      stop();
      await store.stop();
      const again = reopen();
      t.after(() => again.stop());
      assert.equal((await again.open(blob.layout)).presentBytes, size(4));
    });

    test('refuses a chunk that the layout does not have', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      await assert.rejects(
        async () => stored.put({ index: chunkCount, packing: 'none', bytes: new Uint8Array(1) }),
        error => isShoalError(error, 'malformed'),
      );
    });

    test('pins nothing that is not complete', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      for (const index of all.slice(1)) await stored.put(payloadOf(blob, index));
      assert.equal(await stored.pin(neverAborted), undefined);
      await stored.put(payloadOf(blob, 0));
      await assertChunk(stored, blob, 0);
    });

    if (!options.hasFiles) return;

    test('keeps a pinned file as it is, until the last pin is given back', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      for (const index of all) await stored.put(payloadOf(blob, index));
      const pins = await Promise.all([stored.pin(neverAborted), stored.pin(neverAborted)]);
      for (const pin of pins) {
        assert.ok(pin);
        await stored.put(payloadOf(blob, 1)); // it has it
        await assert.rejects(stored.evict(1), error => isShoalError(error, 'busy'));
        await assertChunk(stored, blob, 1);
        pin[Symbol.dispose]();
        pin[Symbol.dispose]();
      }
      await stored.evict(1);
      assert.equal(stored.map.has(1), false);
      await stored.put(payloadOf(blob, 1));
      await assertChunk(stored, blob, 1);
    });

    test('pins only what is what it should be, and forgets the rest', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      for (const index of all) await stored.put(payloadOf(blob, index));
      const file = await open(stored.path, 'r+');
      await file.write(Buffer.from('wrong'), 0, 5, blob.layout.chunk(2).deviceOffset);
      await file.close();
      assert.equal(await stored.pin(neverAborted), undefined);
      assert.deepEqual(
        all.filter(index => !stored.map.has(index)),
        [2],
      );
      await stored.put(payloadOf(blob, 2));
      assert.ok(await stored.pin(neverAborted));
      await assertChunk(stored, blob, 2);
    });

    test('gives up pinning when the signal fires, and can be asked again', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      for (const index of all) await stored.put(payloadOf(blob, index));
      await assert.rejects(stored.pin(AbortSignal.abort()), error => isShoalError(error, 'aborted'));
      await stored.evict(4);
      await stored.put(payloadOf(blob, 4));
      assert.ok(await stored.pin(neverAborted));
    });

    test('keeps every chunk at its device offset in a file as large as the device', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      await stored.put(payloadOf(blob, chunkCount - 2));
      const file = await open(stored.path);
      t.after(() => file.close());
      assert.equal((await file.stat()).size, blob.layout.deviceSize);
      const { deviceOffset, uncompressedSize } = blob.layout.chunk(chunkCount - 2);
      const { buffer } = await file.read(Buffer.alloc(uncompressedSize), 0, uncompressedSize, deviceOffset);
      assert.ok(blob.plain(chunkCount - 2).equals(buffer));
    });

    test('gives the space of an evicted chunk back', async t => {
      const { store } = await setup(t);
      const stored = await store.open(blob.layout);
      const file = await open(stored.path);
      t.after(() => file.close());
      for (const index of all) await stored.put(payloadOf(blob, index));
      await file.sync(); // before that, delayed allocation counts no blocks
      const full = (await file.stat()).blocks;
      for (const index of all) await stored.evict(index);
      assert.ok((await file.stat()).blocks < full / 2, `${(await file.stat()).blocks} of ${full} blocks left`);
    });
  });
}

const neverAborted = new AbortController().signal;

function payloadOf(blob: FakeBlob, index: number): ChunkPayload {
  return { index, packing: 'blob', bytes: owned(blob.stored(index)) };
}

/** A copy in a buffer of its own, as sources hand them over. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

async function assertChunk(stored: StoredBlob, blob: FakeBlob, index: number): Promise<void> {
  assert.equal(stored.map.has(index), true, `chunk ${index} is absent`);
  const bytes = await stored.read(index);
  assert.ok(bytes !== undefined && blob.plain(index).equals(bytes), `chunk ${index} has other bytes`);
}
