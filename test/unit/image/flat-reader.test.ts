// An image as one file: what it says of every byte is what the devices say, and the bootstrap's place.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BootstrapReader,
  DeviceReader,
  emptyAttributes,
  FlatReader,
  NO_CHUNK,
  writeBootstrap,
} from '../../../image/index.ts';
import { directory, ImageBuilder } from './image-builder.ts';
import { richTree } from './rich-tree.ts';

const SLOTS = 1408;
const SLOT_BYTES = 128;
const MAPPED_AT = 68;
const FILE = 1;

function richImage() {
  const builder = new ImageBuilder(1 << 16);
  const { tree, blobs } = builder.finish(richTree(builder));
  return { bootstrap: writeBootstrap(tree), blobs };
}

/** The whole file, put together from what the extents say. */
function assemble(flat: FlatReader, sources: readonly Buffer[], step: number): Buffer {
  const out = Buffer.alloc(flat.size);
  for (let at = 0; at < flat.size; at += step) {
    let done = at;
    let count = 0;
    flat.extents(FILE, at, step, (blob, chunk, offset, length) => {
      if (chunk !== NO_CHUNK) sources[blob]?.copy(out, done, offset, offset + length);
      done += length;
      count++;
    });
    assert.equal(done, Math.min(at + step, flat.size), 'no gap, no overlap');
    assert.ok(count <= flat.maxExtents(step));
  }
  return out;
}

test('the bootstrap is at its beginning, each device at its place, and zeros between them, however it is read', () => {
  const { bootstrap, blobs } = richImage();
  const reader = new BootstrapReader(bootstrap);
  const flat = new FlatReader(reader);
  assert.ok(blobs.length > 1);
  const expected = Buffer.alloc(flat.size);
  expected.set(bootstrap);
  for (const [at, { device }] of blobs.entries()) expected.set(device, reader.blobs[at]?.mappedOffset ?? -1);
  const own = Buffer.alloc(flat.size);
  own.set(bootstrap);
  const sources = [...blobs.map(({ device }) => device), own];
  for (const step of [4096, 12_288, 1 << 20, flat.size]) {
    assert.ok(assemble(flat, sources, step).equals(expected), `in steps of ${step}`);
  }
});

test('it is found by its name, and has the size of all', () => {
  const { bootstrap } = richImage();
  const flat = new FlatReader(new BootstrapReader(bootstrap));
  assert.equal(flat.lookup(flat.rootNid, Buffer.from(FlatReader.FILE_NAME)), FILE);
  assert.equal(flat.lookup(flat.rootNid, Buffer.from('other')), -1);
  const found = emptyAttributes();
  flat.stat(FILE, found);
  assert.deepEqual([found.size, found.mode, found.size % 4096], [flat.size, 0o100400, 0]);
  assert.throws(() => flat.stat(2, found), { code: 'malformed' });
  assert.throws(() => flat.extents(2, 0, 1, () => {}), { code: 'malformed' });
});

test('an image without blobs is its bootstrap', () => {
  const { tree } = new ImageBuilder().finish(directory({ d: directory() }));
  const bootstrap = writeBootstrap(tree);
  assert.equal(new FlatReader(new BootstrapReader(bootstrap)).size, bootstrap.length);
});

test('devices without places of their own are refused, as one file, and only so', () => {
  const { bootstrap } = richImage();
  const view = new DataView(bootstrap.buffer);
  for (const index of [0, 1]) {
    const at = SLOTS + index * SLOT_BYTES + MAPPED_AT;
    const before = view.getUint32(at, true);
    view.setUint32(at, 0, true);
    const reader = new BootstrapReader(bootstrap);
    assert.match(FlatReader.problem(reader) ?? '', /has no place behind the bootstrap/);
    assert.throws(() => new FlatReader(reader), { code: 'unsupported' });
    assert.doesNotThrow(() => new DeviceReader(reader));
    view.setUint32(at, before, true);
  }
});
