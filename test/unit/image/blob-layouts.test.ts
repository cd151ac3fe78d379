// Which blob of a bootstrap is which layer of a manifest, and which blobs are refused.

import assert from 'node:assert/strict';
import test from 'node:test';
import type { Descriptor } from '../../../core/index.ts';
import { digestFromHex } from '../../../core/index.ts';
import { BootstrapReader, writeBootstrap } from '../../../image/index.ts';
import { directory, ImageBuilder } from './image-builder.ts';
import { nidOf } from './reading.ts';

const BLOB_ENTRY = 4096;
const OTHER: Descriptor = { mediaType: 'x', digest: digestFromHex('0'.repeat(64)), size: 10_000_000 };

function twoBlobs() {
  const builder = new ImageBuilder(65536);
  const first = builder.file('first '.repeat(1000));
  builder.nextBlob();
  const image = builder.finish(directory({ first, second: builder.file('second '.repeat(1000)) }));
  const [a, b] = image.descriptors;
  assert.ok(a && b);
  return { bytes: writeBootstrap(image.tree), a, b };
}

function digests(bytes: Uint8Array, descriptors: readonly Descriptor[]) {
  return new BootstrapReader(bytes).blobLayouts(descriptors).map(layout => layout.digest);
}

test('matches blobs to layers by digest, whatever the order and whatever else the manifest has', () => {
  const { bytes, a, b } = twoBlobs();
  assert.deepEqual(digests(bytes, [a, b]), [a.digest, b.digest]);
  assert.deepEqual(digests(bytes, [b, a]), [a.digest, b.digest]);
  assert.deepEqual(digests(bytes, [OTHER, b, a]), [a.digest, b.digest]);
});

test('matches a blob by position when no layer has its id as digest', () => {
  const { bytes, a, b } = twoBlobs();
  assert.deepEqual(digests(bytes, [OTHER, b]), [OTHER.digest, b.digest]);
  assert.deepEqual(digests(bytes, [a, OTHER]), [a.digest, OTHER.digest]);
});

test('refuses manifests whose layers do not fit the blobs', () => {
  const { bytes, a, b } = twoBlobs();
  const third = { ...OTHER, digest: digestFromHex('1'.repeat(64)) };
  for (const descriptors of [[], [a], [a, OTHER, third], [b, OTHER]]) {
    assert.throws(() => digests(bytes, descriptors), { code: 'malformed' });
  }
  assert.throws(() => digests(bytes, [{ ...a, size: 10 }, b]), { code: 'malformed', message: /the manifest says 10/ });
});

test('a bootstrap inside its own blob takes the id that it cannot know from the layer', () => {
  const builder = new ImageBuilder(65536);
  const image = builder.finish(directory({ file: builder.file('content') }));
  const bytes = writeBootstrap(image.tree);
  bytes.fill(0x78, BLOB_ENTRY, BLOB_ENTRY + 64);
  const [layout] = new BootstrapReader(bytes).blobLayouts([OTHER]);
  assert.equal(layout?.id, '0'.repeat(64));
});

test('refuses by name what it cannot read or verify, while metadata stays readable', () => {
  const { bytes, a, b } = twoBlobs();
  const view = new DataView(bytes.buffer);
  const table = new BootstrapReader(bytes).superblock.chunkTable.offset;
  const cases: [number, number, RegExp][] = [
    [BLOB_ENTRY + 84, 0x8, /zran/],
    [BLOB_ENTRY + 84, 0x80, /batched/],
    [BLOB_ENTRY + 84, 0x40, /tarfs/],
    [BLOB_ENTRY + 84, 0x10, /original layer/],
    [BLOB_ENTRY + 84, 0x100, /encrypted/],
    [BLOB_ENTRY + 84, 0x800, /external/],
    [BLOB_ENTRY + 216, 1, /encrypted/],
    [BLOB_ENTRY + 76, 1, /gzip/], // 3 ^ 1 = 2
    [table + 36, 4, /encrypted/],
    [table + 36, 8, /batched/],
    [table + 36, 2, /holes/],
  ];
  for (const [at, bits, message] of cases) {
    const before = view.getUint32(at, true);
    view.setUint32(at, before ^ bits, true);
    const reader = new BootstrapReader(bytes);
    assert.ok(nidOf(reader, 'first') > 0);
    assert.throws(() => reader.blobLayouts([a, b]), { code: 'unsupported', message });
    view.setUint32(at, before, true);
  }
});

test('refuses blob layouts without a chunk table, while files can still be listed and mapped', () => {
  const { bytes, a, b } = twoBlobs();
  const view = new DataView(bytes.buffer);
  view.setUint32(1152 + 32, 0, true);
  const reader = new BootstrapReader(bytes);
  assert.throws(() => reader.blobLayouts([a, b]), { code: 'unsupported', message: /no chunk table/ });
  const found: number[] = [];
  reader.extents(nidOf(reader, 'second'), 0, 100, (...extent) => found.push(...extent));
  assert.deepEqual(found, [1, 0, 0, 100]);
});

test('each blob says for itself how its chunks are compressed and digested', () => {
  const { bytes, a, b } = twoBlobs();
  const view = new DataView(bytes.buffer);
  view.setUint32(BLOB_ENTRY + 76, 1, true);
  view.setUint32(BLOB_ENTRY + 80, 1, true);
  const [first, second] = new BootstrapReader(bytes).blobLayouts([a, b]);
  assert.deepEqual([first?.compressor, first?.digester], ['lz4_block', 'sha256']);
  assert.deepEqual([second?.compressor, second?.digester], ['zstd', 'blake3']);
});
