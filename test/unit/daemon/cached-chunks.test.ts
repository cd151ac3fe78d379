// What a node gives of a blob out of its cache.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import type { Chunk, StoredBlob } from '../../../core/index.ts';
import { BlobChunks } from '../../../daemon/sharing/cached-chunks.ts';
import { type FakeBlob, fakeBlob, layoutOf } from '../../support/fake-blob.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const signal = new AbortController().signal;

async function bench() {
  const blob = fakeBlob();
  const stored = await new MemoryStore().open(blob.layout);
  return { blob, stored, chunks: new BlobChunks(stored), put: (...indexes: number[]) => put(blob, stored, indexes) };
}

async function put(blob: FakeBlob, stored: StoredBlob, indexes: readonly number[]): Promise<void> {
  for (const index of indexes) await stored.put({ index, packing: 'none', bytes: Uint8Array.from(blob.plain(index)) });
}

function placeOf({ compressedOffset, compressedSize, uncompressedSize }: Chunk) {
  return { offset: compressedOffset, compressedSize, uncompressedSize };
}

test('covers a range when every chunk that touches it is there, whatever lies between chunks', async () => {
  const { blob, chunks, put } = await bench();
  await put(2, 3);
  const [second, third, fourth] = [2, 3, 4].map(index => placeOf(blob.layout.chunk(index)));
  assert.ok(second && third && fourth);
  const upTo = (end: number) => chunks.covers({ offset: second.offset + 5, length: end - second.offset - 5 });
  assert.equal(upTo(second.offset + 10), true);
  assert.equal(upTo(fourth.offset), true, 'up to the next one');
  assert.equal(upTo(fourth.offset + 1), false, 'one byte of the next one');
  assert.equal(chunks.covers({ offset: second.offset - 101, length: 200 }), false, 'a byte of the one before');
  assert.equal(chunks.covers({ offset: second.offset - 50, length: 40 }), false, 'no chunk at all');
});

test('does not vouch for gaps of a blob of which the image describes only a part', async () => {
  const blob = fakeBlob({ gap: 0 });
  const layout = { ...blob.layout, describes: (index: number) => index !== 3 };
  const stored = await new MemoryStore().open(layout);
  const chunks = new BlobChunks(stored);
  await put(blob, stored, [2, 4]);
  const { offset, compressedSize } = placeOf(blob.layout.chunk(2));
  assert.equal(chunks.covers({ offset, length: compressedSize }), true);
  assert.equal(chunks.covers({ offset, length: compressedSize + 1 }), false);
});

test('knows chunks that share bytes, in any order of the image', async () => {
  const blob = fakeBlob();
  const chunk = blob.layout.chunk(2);
  const inner = { ...chunk, index: 0, compressedOffset: chunk.compressedOffset + 10, compressedSize: 20 };
  const layout = layoutOf(blob.bytes, [inner, { ...chunk, index: 1 }], blob.layout.chunkSize);
  const stored = await new MemoryStore().open(layout);
  const chunks = new BlobChunks(stored);
  stored.map.markPresent(1);
  assert.equal(chunks.covers({ offset: chunk.compressedOffset, length: 10 }), true);
  assert.equal(chunks.covers({ offset: chunk.compressedOffset, length: 11 }), false);
  assert.equal(chunks.covers({ offset: chunk.compressedOffset + 40, length: 11 }), true);
});

test('packs a chunk by its place, and nothing for a place that is none', async () => {
  const { blob, chunks, put } = await bench();
  await put(0, 1);
  for (const index of [0, 1]) {
    const frame = await chunks.pack(placeOf(blob.layout.chunk(index)), { signal });
    assert.ok(frame && blob.plain(index).equals(zstdDecompressSync(frame)));
  }
  const place = placeOf(blob.layout.chunk(1));
  assert.equal(await chunks.pack({ ...place, compressedSize: place.compressedSize + 1 }, { signal }), undefined);
  assert.equal(await chunks.pack({ ...place, offset: place.offset + 1 }, { signal }), undefined);
  assert.equal(await chunks.pack(placeOf(blob.layout.chunk(5)), { signal }), undefined, 'not here');
  await assert.rejects(chunks.pack(place, { signal: AbortSignal.abort() }));
});

test('says when chunks came, and has nothing once it is closed', async () => {
  const { blob, chunks, put } = await bench();
  const called = Promise.withResolvers<void>();
  chunks.onChange(() => called.resolve());
  await put(1);
  await called.promise;
  const place = placeOf(blob.layout.chunk(1));
  const range = { offset: place.offset, length: place.compressedSize };
  assert.equal(chunks.covers(range), true);
  chunks.close();
  assert.equal(chunks.covers(range), false);
  assert.equal(await chunks.pack(place, { signal }), undefined);
});
