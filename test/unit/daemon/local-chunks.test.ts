// Chunks that two blobs of one node have in common.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Chunk, type StoredBlob, silentLogger } from '../../../core/index.ts';
import { NodeChunks } from '../../../daemon/sharing/local-chunks.ts';
import { type FakeBlob, fakeBlob, layoutOf } from '../../support/fake-blob.ts';
import { MemoryStore } from '../../support/memory-store.ts';

/** Two blobs: of the second, chunk 0 is the first's chunk 5, and the others are its own. */
async function bench(maxIndexed?: number) {
  const [old, other] = [fakeBlob({ seed: 'old' }), fakeBlob({ seed: 'new' })];
  const chunks: Chunk[] = [0, 1, 2].map(index => other.layout.chunk(index));
  const [first, ...rest] = chunks;
  assert.ok(first);
  const shared = { ...first, digest: old.layout.chunk(5).digest };
  const layout = layoutOf(other.bytes, [shared, ...rest], other.layout.chunkSize);
  const store = new MemoryStore();
  const [from, to] = await Promise.all([store.open(old.layout), store.open(layout)]);
  return { node: new NodeChunks(silentLogger, maxIndexed), old, from, to };
}

function put(blob: FakeBlob, stored: StoredBlob, index: number): Promise<void> {
  return stored.put({ index, packing: 'none', bytes: Uint8Array.from(blob.plain(index)) });
}

test('a chunk is copied from another open blob that has it, and counted', async () => {
  const { node, old, from, to } = await bench();
  const known = node.add(from);
  const mine = node.add(to);
  assert.equal(node.copy(to, 0), undefined, 'the other blob does not have it yet');
  await put(old, from, 5);
  assert.equal(node.copy(to, 1), undefined, 'nobody has it');
  assert.equal(await node.copy(to, 0), true);
  assert.ok(old.plain(5).equals((await to.read(0)) ?? Buffer.alloc(0)));
  assert.equal(node.copied, 1);
  assert.equal(mine.copiedBytes, to.layout.chunk(0).compressedSize);
  assert.equal(known.copiedBytes, 0);
});

test('a blob that nobody holds any more is not looked into', async () => {
  const { node, old, from, to } = await bench();
  const [first, second] = [node.add(from), node.add(from)];
  node.add(to);
  await put(old, from, 5);
  first.forget();
  first.forget();
  assert.ok(node.copy(to, 0) !== undefined);
  second.forget();
  assert.equal(node.copy(to, 0), undefined);
});

test('a chunk that goes while it is copied, or that is not what it should be, is left to the sources', async () => {
  const { node, old, from, to } = await bench();
  node.add(from);
  node.add(to);
  await put(old, from, 5);
  const copying = node.copy(to, 0);
  await from.evict(5);
  assert.equal(await copying, false);
  await put(old, from, 5);
  const lying = new NodeChunks(silentLogger);
  lying.add({ ...from, read: async () => new Uint8Array(old.layout.chunk(5).uncompressedSize) });
  lying.add(to);
  assert.equal(await lying.copy(to, 0), false);
  assert.equal(to.map.has(0), false);
});

test('what is indexed is bounded: blobs beyond it are not looked into', async () => {
  const { node, old, from, to } = await bench(7);
  node.add(from);
  node.add(to);
  await put(old, from, 5);
  assert.equal(node.copy(to, 0), undefined);
});
