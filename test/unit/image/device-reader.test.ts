// The devices of an image as files: names, sizes, and which chunks and gaps a range of one has.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isShoalError } from '../../../core/index.ts';
import {
  BootstrapReader,
  DeviceReader,
  emptyAttributes,
  NO_CHUNK,
  straightName,
  writeBootstrap,
} from '../../../image/index.ts';
import { content } from '../daemon/lazy-image.ts';
import { directory, ImageBuilder } from './image-builder.ts';

const CHUNK = 1 << 14;
const BLOCK = 4096;
/** Where the extended superblock says how large the chunk table is, and the size of an entry (nydus.md §1.6, §1.11). */
const CHUNK_TABLE_SIZE_AT = 1024 + 128 + 32;
const CHUNK_ENTRY_BYTES = 80;

function makeImage() {
  const builder = new ImageBuilder(CHUNK);
  const sizes = [1, BLOCK, BLOCK + 1, CHUNK, 3 * CHUNK + 5, 100, 2 * BLOCK];
  const files = sizes.map((size, i) => [`a${i}`, builder.file(content(size, `first ${i}`))] as const);
  builder.nextBlob();
  const other = builder.file(content(CHUNK + 7, 'second'));
  const { tree, blobs } = builder.finish(directory({ ...Object.fromEntries(files), other }));
  return { bootstrap: writeBootstrap(tree), blobs };
}

/** The chunk with the greatest digest, whose entry ends the table, is taken off it. */
function withoutLastEntry(bootstrap: Uint8Array): Uint8Array {
  const cut = Uint8Array.from(bootstrap);
  const view = new DataView(cut.buffer);
  view.setUint32(CHUNK_TABLE_SIZE_AT, view.getUint32(CHUNK_TABLE_SIZE_AT, true) - CHUNK_ENTRY_BYTES, true);
  return cut;
}

interface Extent {
  readonly blob: number;
  readonly chunk: number;
  readonly at: number;
  readonly length: number;
}

function extentsOf(devices: DeviceReader, nid: number, offset: number, length: number): Extent[] {
  const found: Extent[] = [];
  devices.extents(nid, offset, length, (blob, chunk, at, bytes) => found.push({ blob, chunk, at, length: bytes }));
  return found;
}

/** For each byte of a blob's device the chunk that covers it, by the chunk table alone. */
function coverage(reader: BootstrapReader, blobIndex: number): Int32Array {
  const { deviceSize = 0, chunkCount = 0 } = reader.blobs[blobIndex] ?? {};
  const table = reader.chunkTable();
  const chunks = new Int32Array(deviceSize).fill(NO_CHUNK);
  for (let index = 0; index < chunkCount; index++) {
    const start = table.deviceOffset(blobIndex, index);
    if (start >= 0) chunks.fill(index, start, start + table.uncompressedSize(blobIndex, index));
  }
  return chunks;
}

const { bootstrap, blobs } = makeImage();

test('a directory of two files for each blob, by its id, as large as the device and for its owner to read', () => {
  const devices = new DeviceReader(new BootstrapReader(bootstrap));
  const found = emptyAttributes();
  const nids = new Set<number>();
  for (const { id, device } of blobs) {
    for (const name of [id, straightName(id)]) {
      const nid = devices.lookup(devices.rootNid, Buffer.from(`/${name}/`), 1, 1 + name.length);
      devices.stat(nid, found);
      assert.deepEqual([found.size, found.mode, found.nid], [device.length, 0o100400, nid]);
      assert.equal(found.size % BLOCK, 0);
      assert.equal(devices.isStraight(nid), name !== id);
      nids.add(nid);
    }
  }
  assert.equal(nids.size, 2 * blobs.length);
  devices.stat(devices.rootNid, found);
  assert.equal(found.mode, 0o040500);
  assert.equal(devices.lookup(devices.rootNid, Buffer.from('0'.repeat(64))), -1);
  assert.equal(devices.lookup(devices.rootNid, Buffer.from(blobs[0]?.id.slice(1) ?? '')), -1);
});

test('what is no file of the directory is malformed', () => {
  const devices = new DeviceReader(new BootstrapReader(bootstrap));
  const isMalformed = (error: unknown) => isShoalError(error, 'malformed');
  for (const nid of [-1, 2 * blobs.length + 1, Number.NaN, 0]) {
    assert.throws(() => devices.extents(nid, 0, 1, () => {}), isMalformed);
  }
  assert.throws(() => devices.stat(2 * blobs.length + 1, emptyAttributes()), isMalformed);
  assert.throws(() => devices.lookup(1, Buffer.from('x')), isMalformed);
});

for (const [name, bytes] of [
  ['every chunk is described', bootstrap],
  ['the chunk table leaves one out', withoutLastEntry(bootstrap)],
] as const) {
  suite(`where ${name}`, () => {
    const reader = new BootstrapReader(bytes);
    const devices = new DeviceReader(reader);

    for (const [blobIndex, { device }] of blobs.entries()) {
      test(`the extents of any range of device ${blobIndex} are what the chunk table says, without a gap`, () => {
        const expected = coverage(reader, blobIndex);
        const marks = new Set([0, device.length]);
        for (let at = 0; at <= device.length; at += BLOCK) for (const near of [-1, 0, 1]) marks.add(at + near);
        const places = [...marks].filter(at => at >= 0);
        for (const start of places) {
          for (const end of places.filter(at => at > start)) {
            const extents = extentsOf(devices, blobIndex + 1, start, end - start);
            assert.ok(extents.length <= devices.maxExtents(end - start));
            let at = start;
            for (const extent of extents) {
              assert.deepEqual([extent.blob, extent.at, extent.length > 0], [blobIndex, at, true]);
              for (const byte of [at, at + extent.length - 1]) assert.equal(expected[byte], extent.chunk);
              at += extent.length;
            }
            assert.equal(at, Math.max(start, Math.min(end, device.length)));
            assert.deepEqual(extentsOf(devices, blobs.length + blobIndex + 1, start, end - start), extents);
          }
        }
      });
    }
  });
}

test('the chunk that the table leaves out is a gap', () => {
  const reader = new BootstrapReader(withoutLastEntry(bootstrap));
  const missing = reader.blobs.map((_, blobIndex) => new Set(coverage(reader, blobIndex)));
  const named = missing.reduce((sum, chunks) => sum + chunks.size, 0);
  const all = new BootstrapReader(bootstrap).blobs.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
  assert.equal(named - missing.length, all - 1); // each has bytes of no chunk as well
});
