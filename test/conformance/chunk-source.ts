// The contract of ChunkSource (core/chunk-source.ts), for every implementation of it.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import type { BlobLayout, Chunk, ChunkPayload, ChunkSource } from '../../core/index.ts';
import { isShoalError } from '../../core/index.ts';
import type { FakeBlob } from '../support/fake-blob.ts';
import { fakeBlob, layoutOf } from '../support/fake-blob.ts';
import { collectItems, firstOf } from '../support/streams.ts';

export interface ChunkSourceUnderTest {
  readonly source: ChunkSource;
  /** Makes fetches that are under way or yet to come hang, where that is possible. */
  readonly hang?: () => void;
  /** Makes the next fetch break in a way that may pass. */
  readonly breakOnce?: () => void;
}

/** Prepares a source that holds the blob. */
type Setup = (t: TestContext, blob: FakeBlob) => Promise<ChunkSourceUnderTest>;

const signal = new AbortController().signal;
/** More than any source has sockets or files for at once. */
const MANY = 70;

export function chunkSourceConformance(name: string, setup: Setup): void {
  describe(`chunk source: ${name}`, () => {
    const blob = fakeBlob();
    const all = Array.from({ length: blob.layout.chunkCount }, (_, index) => index);
    const fetch = (source: ChunkSource, chunks: readonly number[], layout: BlobLayout = blob.layout) =>
      collectItems(source.fetch({ blob: layout, chunks, lane: 'demand' }, { signal }));

    test('gives each asked chunk once, as the blob stores it', async t => {
      const { source } = await setup(t, blob);
      for (const chunks of [all, [0], [7], [1, 2], [0, 3, 6]]) checkPayloads(await fetch(source, chunks), chunks, blob);
    });

    test('gives the same again, and to many at once', async t => {
      const { source } = await setup(t, blob);
      const results = await Promise.all(Array.from({ length: 20 }, () => fetch(source, all)));
      for (const payloads of results) checkPayloads(payloads, all, blob);
    });

    test('gives each payload a buffer of its own that can be transferred away', async t => {
      const { source } = await setup(t, blob);
      const kept: Uint8Array[] = [];
      for await (const { bytes } of source.fetch({ blob: blob.layout, chunks: all, lane: 'trace' }, { signal })) {
        assert.equal(bytes.byteOffset, 0);
        assert.equal(bytes.byteLength, bytes.buffer.byteLength);
        kept.push(structuredClone(bytes, { transfer: [bytes.buffer] }));
        assert.equal(bytes.byteLength, 0, 'the buffer was not transferred');
      }
      assert.deepEqual(
        kept.map(bytes => Buffer.from(bytes)),
        all.map(index => blob.stored(index)),
      );
    });

    test('gives chunks that share stored bytes to each of their indexes', async t => {
      const { source } = await setup(t, blob);
      const chunk = blob.layout.chunk(2);
      const inner = { ...chunk, index: 1, compressedOffset: chunk.compressedOffset + 10, compressedSize: 20 };
      const layout = layoutOf(blob.bytes, [{ ...chunk, index: 0 }, inner], blob.layout.chunkSize);
      const payloads = new Map((await fetch(source, [0, 1], layout)).map(({ index, bytes }) => [index, bytes]));
      assert.deepEqual(Buffer.from(payloads.get(0) ?? []), blob.stored(2));
      assert.deepEqual(Buffer.from(payloads.get(1) ?? []), blob.stored(2).subarray(10, 30));
    });

    test('refuses a chunk that lies outside its blob', async t => {
      const { source } = await setup(t, blob);
      const last = blob.layout.chunk(7);
      const outside: Chunk = { ...last, index: 0, compressedOffset: blob.layout.blobSize - 1 };
      const layout = layoutOf(blob.bytes, [outside], blob.layout.chunkSize);
      await assert.rejects(fetch(source, [0], layout), error => isShoalError(error, 'malformed'));
      await assert.rejects(fetch(source, [8]), error => isShoalError(error, 'malformed'));
    });

    test('gives nothing of a blob that it does not hold', async t => {
      const { source } = await setup(t, blob);
      const stranger = fakeBlob({ seed: 'stranger' });
      const outcome = await fetch(source, [0], stranger.layout).catch((error: unknown) => error);
      // Who may not hold a blob ends without it; who should hold it says that it is not there.
      if (Array.isArray(outcome)) assert.deepEqual(outcome, []);
      else assert.ok(isShoalError(outcome, 'not-found'), String(outcome));
    });

    test('rejects with aborted when the signal has fired before', async t => {
      const { source } = await setup(t, blob);
      const items = source.fetch({ blob: blob.layout, chunks: all, lane: 'demand' }, { signal: AbortSignal.abort() });
      await assert.rejects(collectItems(items), error => isShoalError(error, 'aborted'));
    });

    test('rejects with aborted at once when the signal fires while it waits', async t => {
      const { source, hang } = await setup(t, blob);
      if (!hang) return t.skip('this source cannot hang');
      hang();
      const controller = new AbortController();
      const items = source.fetch({ blob: blob.layout, chunks: all, lane: 'demand' }, { signal: controller.signal });
      const fetched = collectItems(items);
      setImmediate(() => controller.abort());
      await assert.rejects(fetched, error => isShoalError(error, 'aborted'));
    });

    test('gives everything back when readers leave early', async t => {
      const { source } = await setup(t, blob);
      for (let round = 0; round < MANY; round++) {
        const items = source.fetch({ blob: blob.layout, chunks: all, lane: 'background' }, { signal });
        assert.ok(await firstOf(items));
      }
      checkPayloads(await fetch(source, all), all, blob);
    });

    test('says that a broken transfer may be tried again, and does not try itself', async t => {
      const { source, breakOnce } = await setup(t, blob);
      if (!breakOnce) return t.skip('this source does not break');
      breakOnce();
      await assert.rejects(fetch(source, all), error => {
        assert.ok(isShoalError(error));
        assert.equal(error.retryable, true, error.message);
        return true;
      });
      checkPayloads(await fetch(source, all), all, blob);
    });
  });
}

function checkPayloads(payloads: readonly ChunkPayload[], chunks: readonly number[], blob: FakeBlob): void {
  assert.deepEqual(
    payloads.map(({ index }) => index).sort((a, b) => a - b),
    [...chunks],
  );
  for (const { index, bytes, packing } of payloads) {
    assert.equal(packing, 'blob');
    assert.ok(blob.stored(index).equals(bytes), `chunk ${index} has other bytes`);
  }
}
