// Reads against shared chunk maps: whole, right, or a miss; never torn.

import assert from 'node:assert/strict';
import { mkdtempSync, readSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { type ChunkMap, createChunkMap, isShoalError } from '../../../core/index.ts';
import { MISS, type OpenBlob, type PositionedRead, ReadServer } from '../../../daemon/fuse/read-server.ts';
import {
  BootstrapReader,
  DeviceReader,
  type DirectoryNode,
  type FileNode,
  writeBootstrap,
} from '../../../image/index.ts';
import { directory, ImageBuilder } from '../image/image-builder.ts';
import { atEnd, scratch } from './daemon-under-test.ts';
import { content } from './lazy-image.ts';

const CHUNK = 1 << 16;
const SIZE = 3 * CHUNK + 100;
const MAX_READ = 1 << 20;
const FILE = content(SIZE, 'file');

interface Bench {
  readonly reads: ReadServer;
  readonly map: ChunkMap;
  readonly nid: number;
  readonly out: Buffer;
}

async function bench(t: TestContext, pread?: PositionedRead): Promise<Bench> {
  const builder = new ImageBuilder(CHUNK);
  const file: FileNode = builder.file(FILE);
  const root: DirectoryNode = directory({ file });
  const { tree, blobs } = builder.finish(root);
  const path = join(mkdtempSync(join(scratch(t), 'device-')), 'data');
  writeFileSync(path, blobs[0]?.device ?? Buffer.alloc(0));
  const handle = await open(path);
  atEnd(t, () => handle.close());
  const map = createChunkMap(4);
  for (let index = 0; index < 4; index++) map.markPresent(index);
  const opened: readonly OpenBlob[] = [{ map, fd: handle.fd }];
  const reader = new BootstrapReader(writeBootstrap(tree));
  const reads = new ReadServer(reader, opened, { maxRead: MAX_READ, ...(pread && { pread }) });
  const nid = reader.lookup(reader.rootNid, Buffer.from('file'));
  return { reads, map, nid, out: Buffer.alloc(MAX_READ + 16) };
}

test('reads any range, across chunks and up to the end, and nothing behind it', async t => {
  const { reads, nid, out } = await bench(t);
  const table: readonly [offset: number, size: number, expected: number][] = [
    [0, 10, 10],
    [CHUNK - 5, 10, 10],
    [1, 3 * CHUNK, 3 * CHUNK],
    [0, MAX_READ, SIZE],
    [SIZE - 1, 4096, 1],
    [SIZE, 4096, 0],
    [SIZE + 5, 4096, 0],
  ];
  for (const [offset, size, expected] of table) {
    assert.equal(reads.read(nid, offset, size, out, 16), expected, `${size} at ${offset}`);
    assert.ok(out.subarray(16, 16 + expected).equals(FILE.subarray(offset, offset + expected)));
  }
});

test('reads touching chunks with one system call', async t => {
  let calls = 0;
  const counting: PositionedRead = (...call) => {
    calls++;
    return readSync(...call);
  };
  const { reads, nid, out } = await bench(t, counting);
  reads.read(nid, 0, SIZE, out, 0);
  assert.equal(calls, 1);
});

test('goes on after a short read of the cache file', async t => {
  const short: PositionedRead = (fd, into, at, length, position) =>
    readSync(fd, into, at, Math.min(length, 1000), position);
  const { reads, nid, out } = await bench(t, short);
  assert.equal(reads.read(nid, 5, 2 * CHUNK, out, 0), 2 * CHUNK);
  assert.ok(out.subarray(0, 2 * CHUNK).equals(FILE.subarray(5, 5 + 2 * CHUNK)));
});

test('is a miss when one chunk of the range is absent, and only then', async t => {
  const { reads, map, nid, out } = await bench(t);
  map.markAbsent(1);
  assert.equal(reads.read(nid, 0, CHUNK, out, 0), CHUNK);
  assert.equal(reads.read(nid, 0, CHUNK + 1, out, 0), MISS);
  assert.equal(reads.read(nid, CHUNK, 1, out, 0), MISS);
  assert.equal(reads.read(nid, 2 * CHUNK, CHUNK, out, 0), CHUNK);
});

test('is a miss when a chunk is evicted while it is read, even if it comes back at once', async t => {
  for (const comesBack of [false, true]) {
    let evict = () => {};
    const racing: PositionedRead = (...call) => {
      evict();
      return readSync(...call);
    };
    const { reads, map, nid, out } = await bench(t, racing);
    evict = () => {
      map.markAbsent(2);
      if (comesBack) map.markPresent(2);
    };
    assert.equal(reads.read(nid, CHUNK, 2 * CHUNK, out, 0), MISS);
    assert.equal(reads.read(nid, 0, 10, out, 0), 10, 'chunks beside it are not concerned');
  }
});

test('a cache file that is too short is an error, not zeros', async t => {
  const { reads, nid, out } = await bench(t, () => 0);
  assert.throws(
    () => reads.read(nid, 0, 10, out, 0),
    error => isShoalError(error, 'system'),
  );
});

test('reads a device whole: chunks, and zeros between them whatever the cache file has there', async t => {
  const builder = new ImageBuilder(CHUNK);
  const files = Object.fromEntries(
    [1, 5000, CHUNK, 4096, 70_000].map(size => [`f${size}`, builder.file(content(size, `${size}`))]),
  );
  const { tree, blobs } = builder.finish(directory(files));
  const device = blobs[0]?.device ?? Buffer.alloc(0);
  const reader = new BootstrapReader(writeBootstrap(tree));
  const dirty = Buffer.from(device);
  const table = reader.chunkTable();
  const map = createChunkMap(6);
  for (let index = 0; index < 6; index++) {
    map.markPresent(index);
    const end = table.deviceOffset(0, index) + table.uncompressedSize(0, index);
    dirty.fill(0xff, end, (end + 4095) & ~4095);
  }
  assert.ok(!dirty.equals(device));
  const path = join(mkdtempSync(join(scratch(t), 'device-')), 'data');
  writeFileSync(path, dirty);
  const handle = await open(path);
  atEnd(t, () => handle.close());
  const reads = new ReadServer(new DeviceReader(reader), [{ map, fd: handle.fd }], { maxRead: MAX_READ });
  const out = Buffer.alloc(MAX_READ);
  for (const [offset, size] of [
    [0, device.length],
    [0, MAX_READ],
    [4096, 8192],
    [5000, 1],
    [4095, 3 * CHUNK],
  ] as const) {
    const expected = device.subarray(offset, offset + size);
    assert.equal(reads.read(1, offset, size, out, 0), expected.length);
    assert.ok(out.subarray(0, expected.length).equals(expected), `${size} at ${offset}`);
  }
  map.markAbsent(5);
  assert.equal(reads.read(1, 0, device.length, out, 0), MISS);
  assert.equal(reads.read(1, 0, 8192, out, 0), 8192);
});
