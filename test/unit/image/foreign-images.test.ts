// What Nydus wrote, read by Shoal: golden values of the fixtures.

import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import test from 'node:test';
import {
  BootstrapReader,
  checkBootstrap,
  emptyAttributes,
  parseBlobToc,
  parseCachedCompressionTable,
  parseCompressionTable,
} from '../../../image/index.ts';
import { descriptorOf, FIXTURE_BLOB_ID, fixture } from './fixtures.ts';
import { names, nidOf, readFile } from './reading.ts';

const bootstrap = fixture('rafs-v6-2.2.boot');
const blob = fixture(FIXTURE_BLOB_ID);

test('reads the superblock and blob table of a Nydus 2.2 image', () => {
  const reader = new BootstrapReader(bootstrap);
  assert.equal(reader.rootNid, 128);
  assert.equal(reader.blockSize, 4096);
  assert.equal(reader.chunkSize, 1 << 20);
  assert.equal(reader.inodeCount, 3);
  assert.equal(reader.hasXattrs, false);
  assert.equal(reader.blobCount, 1);
  assert.equal(reader.superblock.flags, 0x194);
  assert.deepEqual(reader.blobs[0], {
    id: FIXTURE_BLOB_ID,
    chunkCount: 2,
    compressor: 'zstd',
    digester: 'blake3',
    features: 0x70000021,
    encrypted: false,
    compressedSize: 14554,
    deviceSize: 36864,
    mappedOffset: 2 << 20,
    compressionTable: { offset: 8314, storedSize: 32, uncompressedSize: 32, compressor: 'none' },
    tocSize: 1024,
  });
});

test('lists, looks up and describes the files of a Nydus 2.2 image', () => {
  const reader = new BootstrapReader(bootstrap);
  assert.deepEqual(names(reader, reader.rootNid), ['.', '..', 'lib.rs', 'sync_io.rs']);
  assert.equal(nidOf(reader, 'lib.rs'), 133);
  assert.equal(nidOf(reader, 'sync_io.rs'), 136);
  assert.equal(nidOf(reader, 'lib.r'), -1);
  assert.equal(nidOf(reader, 'lib.rs2'), -1);
  assert.equal(nidOf(reader, '!'), -1);
  assert.equal(nidOf(reader, 'zzz'), -1);
  const attributes = emptyAttributes();
  reader.stat(133, attributes);
  assert.deepEqual(attributes, {
    nid: 133,
    mode: 0o100644,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    size: 16931,
    mtimeSeconds: 1676819553,
    mtimeNanoseconds: 628661334,
  });
});

test('maps a blob by position when its id is not the digest of its file', () => {
  const reader = new BootstrapReader(bootstrap);
  const descriptor = descriptorOf(blob);
  assert.match(descriptor.digest, /^sha256:4b16fb83/);
  const [layout] = reader.blobLayouts([descriptor]);
  assert.equal(layout?.id, FIXTURE_BLOB_ID);
  assert.equal(layout?.digest, descriptor.digest);
  assert.deepEqual(
    {
      ...layout?.chunk(1),
      digest: Buffer.from(layout?.chunk(1).digest ?? [])
        .toString('hex')
        .slice(0, 8),
    },
    {
      index: 1,
      compressedOffset: 4828,
      compressedSize: 2974,
      compressed: true,
      deviceOffset: 20480,
      uncompressedSize: 13400,
      digest: '812465bc',
    },
  );
});

test('reads both files of a Nydus 2.2 image through chunk table, zstd and blake3', () => {
  const reader = new BootstrapReader(bootstrap);
  const image = { descriptors: [descriptorOf(blob)], files: [blob] };
  const library = readFile(reader, nidOf(reader, 'lib.rs'), image);
  const syncIo = readFile(reader, nidOf(reader, 'sync_io.rs'), image);
  assert.equal(library.length, 16931);
  assert.equal(hash('md5', library), '4709cf8873e419ecedc7d43fdee4a75f');
  assert.equal(syncIo.length, 13400);
  assert.equal(hash('md5', syncIo), '5442bc7dc9dc5f985c7594e23866ae6f');
});

test('reads a bootstrap in shared memory as well', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(bootstrap.length));
  shared.set(bootstrap);
  const reader = new BootstrapReader(shared);
  const image = { descriptors: [descriptorOf(blob)], files: [blob] };
  assert.equal(hash('md5', readFile(reader, nidOf(reader, 'lib.rs'), image)), '4709cf8873e419ecedc7d43fdee4a75f');
  assert.equal(checkBootstrap(reader).problemCount, 0);
});

test('finds nothing wrong with a Nydus 2.2 image', () => {
  const report = checkBootstrap(new BootstrapReader(bootstrap));
  assert.deepEqual(report.problems, []);
  assert.deepEqual(
    { ...report, inodes: { file: report.inodes.file, directory: report.inodes.directory }, unreachableBytes: 0 },
    {
      inodes: { file: 2, directory: 1 },
      names: 2,
      fileBytes: 30331,
      blobs: 1,
      chunks: 2,
      compressedBytes: 7802,
      unreachableBytes: 0,
      problems: [],
      problemCount: 0,
    },
  );
});

test('refuses a RAFS v5 bootstrap by name', () => {
  assert.throws(() => new BootstrapReader(fixture('rafs-v5-sha256-nocompress.boot')), {
    code: 'unsupported',
    message: /RAFS v5/,
  });
});

test('reads the table of contents of a Nydus blob in spite of the garbage in its reserved bytes', () => {
  const toc = parseBlobToc(blob.subarray(-4096));
  assert.deepEqual(
    toc.map(({ name, packing, offset, storedSize, uncompressedSize }) => [
      name,
      packing,
      offset,
      storedSize,
      uncompressedSize,
    ]),
    [
      ['image.blob', 'none', 7802, 7802, 36864],
      ['blob.meta', 'none', 8314, 32, 32],
      ['blob.meta.header', 'none', 8346, 4096, 4096],
      ['blob.digest', 'none', 12954, 64, 64],
    ],
  );
  const digests = toc.map(({ digest }) => Buffer.from(digest).toString('hex'));
  assert.deepEqual(digests, [
    hash('sha256', blob.subarray(0, 7802 + 512)),
    hash('sha256', blob.subarray(8314, 8346)),
    hash('sha256', blob.subarray(8346, 12442)),
    hash('sha256', blob.subarray(12954, 13018)),
  ]);
});

test('reads the compression table of a Nydus blob, which agrees with the chunk table', () => {
  const table = parseCompressionTable(blob.subarray(8314, 8314 + 32 + 4096));
  const [layout] = new BootstrapReader(bootstrap).blobLayouts([descriptorOf(blob)]);
  assert.equal(table.version, 1);
  assert.equal(table.header.chunkCount, 2);
  for (const index of [0, 1]) {
    const { compressedOffset, compressedSize, deviceOffset, uncompressedSize, compressed } = table.entry(index);
    const { digest: _, ...expected } = layout?.chunk(index) ?? { digest: '' };
    assert.deepEqual({ index, compressedOffset, compressedSize, compressed, deviceOffset, uncompressedSize }, expected);
  }
  assert.throws(() => table.entry(2), { code: 'malformed' });
});

test('reads a compression table with zran contexts', () => {
  const table = parseCachedCompressionTable(fixture('zran-233c72f2.blob.meta'));
  assert.equal(table.version, 2);
  assert.equal(table.header.chunkCount, 163);
  const contexts = table.zranContexts();
  assert.equal(contexts.length, 21);
  const [first, second] = contexts;
  assert.equal(first?.inputOffset, 10);
  assert.equal(first?.dictionary.length, 0);
  assert.deepEqual(
    { ...second, inputLength: 0, outputLength: 0, dictionary: second?.dictionary.length },
    {
      inputOffset: 187761,
      inputLength: 0,
      outputOffset: 987149,
      outputLength: 0,
      bitsByte: 103,
      bitsCount: 5,
      dictionary: 32768,
    },
  );
  for (let index = 0; index < 163; index++) {
    const entry = table.entry(index);
    assert.ok(entry.zran && entry.context < 21, `entry ${index} lies in context ${entry.context}`);
    assert.equal(entry.deviceOffset % 4096, 0);
  }
});
