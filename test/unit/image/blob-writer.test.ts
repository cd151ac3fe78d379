import assert from 'node:assert/strict';
import { createHash, hash } from 'node:crypto';
import test from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import {
  BootstrapReader,
  blobDataTrailer,
  buildBlobTail,
  ChunkList,
  parseBlobToc,
  parseCompressionTable,
  TOC_TAIL_BYTES,
} from '../../../image/index.ts';
import { descriptorOf, FIXTURE_BLOB_ID, fixture } from './fixtures.ts';

/** Bytes of a table of contents of four entries with its header. */
const TOC_BYTES = 1024;

/** Chunks of growing compressibility with gaps between nothing: every third is stored raw. */
function chunkList(count: number): ChunkList {
  const chunks = new ChunkList();
  let compressedOffset = 0;
  let deviceOffset = 0;
  for (let index = 0; index < count; index++) {
    const uncompressedSize = index % 5 === 0 ? 1 << 24 : 1 + ((index * 7919) % 300_000);
    const compressed = index % 3 !== 0;
    const compressedSize = compressed ? Math.max(1, uncompressedSize - 1 - index) : uncompressedSize;
    const digest = createHash('sha256').update(`${index}`).digest();
    chunks.push({ index, compressedOffset, compressedSize, compressed, deviceOffset, uncompressedSize, digest });
    compressedOffset += compressedSize;
    deviceOffset += Math.ceil(uncompressedSize / 4096) * 4096;
  }
  return chunks;
}

function tailOf(chunks: ChunkList, dataSize: number) {
  return buildBlobTail({ dataSize, dataDigest: createHash('sha256').update('data').digest(), chunks });
}

test('writes the very bytes that follow the data in a blob that Nydus made', () => {
  const blob = fixture(FIXTURE_BLOB_ID);
  const [layout] = new BootstrapReader(fixture('rafs-v6-2.2.boot')).blobLayouts([descriptorOf(blob)]);
  assert.ok(layout);
  const chunks = new ChunkList();
  for (let index = 0; index < layout.chunkCount; index++) chunks.push(layout.chunk(index));
  const dataSize = 7802;
  const digested = blob.subarray(0, dataSize + 512);
  const dataDigest = createHash('sha256').update(digested).digest();
  const { tail, compressionTable, tocSize, deviceSize } = buildBlobTail({ dataSize, dataDigest, chunks });
  const expected = Buffer.from(blob.subarray(dataSize));
  for (let entry = 0; entry < 4; entry++) {
    const garbage = expected.length - TOC_BYTES + entry * 128 + 124; // left by the old writer in reserved bytes
    expected.writeUInt32LE(0, garbage);
  }
  assert.deepEqual(Buffer.from(tail), expected);
  assert.deepEqual(tail.slice(0, 512), blobDataTrailer(dataSize));
  assert.deepEqual(compressionTable, { offset: 8314, storedSize: 32, uncompressedSize: 32, compressor: 'none' });
  assert.equal(tocSize, TOC_BYTES);
  assert.equal(deviceSize, 36864);
});

test('what it writes reads back: table of contents, compression table, digests', () => {
  for (const count of [1, 2, 500]) {
    const chunks = chunkList(count);
    const last = chunks.at(count - 1);
    const dataSize = last.compressedOffset + last.compressedSize;
    const built = tailOf(chunks, dataSize);
    const section = (offset: number, size: number) => built.tail.subarray(offset - dataSize, offset - dataSize + size);
    const toc = new Map(parseBlobToc(built.tail.subarray(-TOC_TAIL_BYTES)).map(entry => [entry.name, entry]));
    assert.deepEqual([...toc.keys()], ['image.blob', 'blob.meta', 'blob.meta.header', 'blob.digest']);
    assert.equal(toc.get('image.blob')?.uncompressedSize, built.deviceSize);
    for (const name of ['blob.meta', 'blob.meta.header', 'blob.digest']) {
      const entry = toc.get(name);
      assert.ok(entry);
      const stored = section(entry.offset, entry.storedSize);
      const plain = entry.packing === 'zstd' ? zstdDecompressSync(stored) : stored;
      assert.equal(plain.length, entry.uncompressedSize);
      assert.equal(hash('sha256', plain), Buffer.from(entry.digest).toString('hex'), name);
    }
    const { offset, storedSize } = built.compressionTable;
    const table = parseCompressionTable(section(offset, storedSize + 4096));
    assert.equal(table.header.chunkCount, count);
    assert.equal(table.header.offset, offset);
    for (let index = 0; index < count; index++) {
      const { digest: _, index: __, ...expected } = chunks.at(index);
      const { zran: ___, batch: ____, context: _____, contextOffset: ______, ...found } = table.entry(index);
      assert.deepEqual(found, expected);
    }
    assert.deepEqual(section(toc.get('blob.digest')?.offset ?? 0, 32 * count), chunks.digests);
    assert.equal(hash('sha256', built.tail.subarray(-built.tocSize)), Buffer.from(built.tocDigest).toString('hex'));
  }
});

test('offsets beyond 4 GiB and data beyond 8 GiB survive', () => {
  const chunks = new ChunkList();
  const digest = new Uint8Array(32).fill(1);
  const chunk = { compressedSize: 1 << 24, compressed: false, uncompressedSize: 1 << 24, digest };
  for (const [index, at] of [0, 2 ** 32 - 4096, 2 ** 40 - 2 ** 24].entries()) {
    chunks.push({ index, compressedOffset: at, deviceOffset: index === 2 ? 2 ** 44 - 2 ** 24 : at, ...chunk });
  }
  const built = tailOf(chunks, 2 ** 40);
  const table = parseCompressionTable(built.tail.subarray(512, 512 + built.compressionTable.storedSize + 4096));
  assert.equal(table.entry(1).compressedOffset, 2 ** 32 - 4096);
  assert.equal(table.entry(1).deviceOffset, 2 ** 32 - 4096);
  assert.equal(table.entry(2).compressedOffset, 2 ** 40 - 2 ** 24);
  assert.equal(table.entry(2).deviceOffset, 2 ** 44 - 2 ** 24);
  assert.equal(table.entry(2).uncompressedSize, 1 << 24);
  const [data] = parseBlobToc(built.tail.subarray(-TOC_TAIL_BYTES));
  assert.equal(data?.storedSize, 2 ** 40);
});

test('refuses tables of contents that are cut, foreign or of impossible size', () => {
  const { tail } = tailOf(chunkList(2), 1000);
  const toc = tail.slice(-TOC_TAIL_BYTES);
  const header = toc.length - 512;
  const change = (at: number, text: string) => {
    const copy = toc.slice();
    copy.set(Buffer.from(text), at);
    return copy;
  };
  for (const bytes of [
    new Uint8Array(),
    toc.subarray(-511),
    toc.subarray(-600),
    toc.subarray(0, -1),
    change(header, 'rafs.blob.tox'),
    change(header + 124, '00000000777'),
    change(header + 124, '77777777777'),
    change(header + 124, 'zzz'),
    change(header - 512, '\x09'),
  ]) {
    assert.throws(() => parseBlobToc(bytes), { code: 'malformed' });
  }
});

test('refuses compression tables that contradict themselves', () => {
  const { tail, compressionTable } = tailOf(chunkList(50), 1000);
  const stored = tail.slice(512, 512 + compressionTable.storedSize + 4096);
  const header = stored.length - 4096;
  const change = (at: number, value: number) => {
    const copy = stored.slice();
    new DataView(copy.buffer).setUint32(header + at, value, true);
    return copy;
  };
  const cases: [Uint8Array, string][] = [
    [stored.subarray(1), 'malformed'],
    [stored.subarray(0, 4000), 'malformed'],
    [change(0, 1), 'malformed'],
    [change(4092, 1), 'malformed'],
    [change(4, 0x8000_0000), 'unsupported'],
    [change(8, 9), 'unsupported'],
    [change(8, 2), 'unsupported'],
    [change(12, 51), 'malformed'],
    [change(12, 0xffff_ffff), 'limit'],
    [change(28, 0xffff_ffff), 'malformed'],
    [change(32, 16), 'malformed'],
    [change(36, 1), 'malformed'],
  ];
  parseCompressionTable(stored);
  cases.forEach(([bytes, code], index) => {
    assert.throws(() => parseCompressionTable(bytes), { code }, `case ${index}`);
  });
});
