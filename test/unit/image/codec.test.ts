import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import test from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';
import { compressSync } from 'lz4-napi';
import { isShoalError } from '../../../core/index.ts';
import { compressChunk, digestOf, unpackChunk, verifyChunk } from '../../../image/index.ts';

const SIZES = [1, 17, 63, 64, 65, 2047, 4095, 4096, 4097, 65536, 1 << 20];

function text(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => 97 + ((i * i) % 13));
}

function ownsItsBuffer(bytes: Uint8Array): boolean {
  return bytes.byteOffset === 0 && bytes.buffer.byteLength === bytes.length;
}

test('compresses to zstd and back, in buffers that nobody else has', () => {
  for (const size of SIZES) {
    const chunk = text(size);
    const packed = compressChunk(chunk, { level: 3 });
    assert.equal(packed.compressed, packed.bytes.length < size);
    const unpacked = unpackChunk(packed.bytes, packed.compressed ? 'zstd' : 'none', size);
    assert.deepEqual(unpacked, chunk);
    assert.ok(ownsItsBuffer(packed.bytes) && ownsItsBuffer(unpacked), `${size} bytes`);
    assert.notEqual(packed.bytes.buffer, chunk.buffer);
  }
});

test('stores what does not shrink as it is', () => {
  const chunk = randomBytes(5000);
  const packed = compressChunk(chunk, { level: 3 });
  assert.equal(packed.compressed, false);
  assert.deepEqual(packed.bytes, new Uint8Array(chunk));
});

test('the same chunk compresses to the same bytes', () => {
  const chunk = text(100_000);
  assert.deepEqual(compressChunk(chunk, { level: 3 }), compressChunk(chunk.slice(), { level: 3 }));
});

test('unpacks bare lz4 blocks', () => {
  for (const size of SIZES) {
    const chunk = text(size);
    const block = compressSync(Buffer.from(chunk)).subarray(4); // the library puts the size in front, Nydus does not
    const unpacked = unpackChunk(block, 'lz4_block', size);
    assert.deepEqual(unpacked, chunk);
    assert.ok(ownsItsBuffer(unpacked));
  }
});

test('refuses stored bytes that do not unpack to exactly the expected size', () => {
  const chunk = text(10_000);
  const zstd = compressChunk(chunk, { level: 3 }).bytes;
  const lz4 = compressSync(Buffer.from(chunk)).subarray(4);
  const cases: [Uint8Array, 'zstd' | 'lz4_block' | 'none', number][] = [
    [zstd, 'zstd', 9_999],
    [zstd, 'zstd', 10_001],
    [zstd, 'zstd', 0],
    [zstd.subarray(0, -3), 'zstd', 10_000],
    [new Uint8Array(), 'zstd', 10],
    [randomBytes(100), 'zstd', 10],
    [lz4, 'lz4_block', 9_999],
    [lz4, 'lz4_block', 10_001],
    [lz4.subarray(0, -3), 'lz4_block', 10_000],
    [new Uint8Array(), 'lz4_block', 10],
    [randomBytes(1000), 'lz4_block', 16 << 20],
    [chunk, 'none', 9_999],
    [chunk, 'none', 10_001],
  ];
  for (const [stored, compressor, size] of cases) {
    assert.throws(
      () => unpackChunk(stored, compressor, size),
      error => isShoalError(error, 'malformed'),
      `${compressor} of ${stored.length} bytes to ${size}`,
    );
  }
});

test('a bomb costs no more memory than the chunk that it claims to be', () => {
  const bomb = zstdCompressSync(Buffer.alloc(256 << 20));
  const lz4Bomb = compressSync(Buffer.alloc(256 << 20)).subarray(4);
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 20; i++) {
    assert.throws(() => unpackChunk(bomb, 'zstd', 65536), { code: 'malformed' });
    assert.throws(() => unpackChunk(lz4Bomb, 'lz4_block', 65536), { code: 'malformed' });
  }
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < 32 << 20, `resident memory grew by ${grown} bytes`);
});

test('refuses a zstd frame that wants a window larger than any chunk', () => {
  const options = { params: { [constants.ZSTD_c_windowLog]: 26 } };
  const frame = zstdCompressSync(Buffer.alloc(80 << 20), options);
  assert.throws(() => unpackChunk(frame, 'zstd', 16 << 20), { code: 'malformed', message: /memory|window/i });
});

test('digests are the known ones', () => {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const abc = Buffer.from('abc');
  assert.equal(hex(digestOf('sha256', abc)), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(hex(digestOf('blake3', abc)), '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85');
  assert.equal(hex(digestOf('sha256', text(1 << 20))), hash('sha256', text(1 << 20)));
  assert.ok(ownsItsBuffer(digestOf('sha256', abc)) && ownsItsBuffer(digestOf('blake3', abc)));
});

test('refuses a chunk whose digest differs, and names blob and chunk', () => {
  const chunk = text(1000);
  for (const digester of ['blake3', 'sha256'] as const) {
    const expected = { blobId: 'b'.repeat(64), index: 7, digester, digest: digestOf(digester, chunk) };
    verifyChunk(chunk, expected);
    const wrong = chunk.slice();
    wrong[500] = 0;
    assert.throws(() => verifyChunk(wrong, expected), { code: 'digest-mismatch', message: /chunk 7 of blob bbbb/ });
  }
});
