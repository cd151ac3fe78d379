import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { ChunkHasher, compressChunk, digestOf, frameBound, openFrameCompressor } from '../../../image/index.ts';

/** Bytes that repeat somewhat, and some that do not. */
function chunk(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i % 7 === 0 ? Math.imul(i + seed, 0x9e3779b1) >>> 24 : i % 31));
}

const CHUNKS = [0, 1, 13, 500, 4096, 70_000, 1 << 20].map((size, i) => chunk(size, i));

for (const level of [1, 3, 19]) {
  test(`frames of level ${level} are those of node:zlib, one context for all of them`, () => {
    const compressor = openFrameCompressor(level);
    try {
      for (const bytes of CHUNKS) {
        const into = new Uint8Array(frameBound(bytes.length));
        const size = compressor.compress(bytes, into);
        const expected = compressChunk(bytes, { level });
        assert.equal(size > 0, expected.compressed, `${bytes.length} bytes`);
        if (size === 0) continue;
        assert.deepEqual(into.subarray(0, size), expected.bytes);
        assert.deepEqual(new Uint8Array(zstdDecompressSync(into.subarray(0, size))), bytes);
      }
    } finally {
      compressor.close();
    }
  });
}

test('bytes in shared memory compress as others do', () => {
  const compressor = openFrameCompressor(3);
  const bytes = chunk(50_000, 1);
  const shared = new Uint8Array(new SharedArrayBuffer(50_000));
  shared.set(bytes);
  const [one, other] = [new Uint8Array(frameBound(50_000)), new Uint8Array(frameBound(50_000))];
  assert.equal(compressor.compress(shared, one), compressor.compress(bytes, other));
  assert.deepEqual(one, other);
  compressor.close();
});

test('too small an output is an error, and so is a compressor that is closed', () => {
  const compressor = openFrameCompressor(3);
  const noise = Uint8Array.from({ length: 5000 }, (_, i) => (Math.imul(i ^ 0x5bd1, 0x9e3779b1) ^ (i * 7919)) >>> 13);
  assert.throws(() => compressor.compress(noise, new Uint8Array(10)), { code: 'internal', message: /zstd/ });
  compressor.close();
  compressor.close();
  assert.throws(() => compressor.compress(noise, new Uint8Array(6000)), { code: 'internal', message: /closed/ });
});

test('a hasher gives the same digests as digestOf, whatever it hashed before', () => {
  const hasher = new ChunkHasher();
  for (const bytes of CHUNKS) {
    assert.equal(hasher.hex(bytes), Buffer.from(digestOf('blake3', bytes)).toString('hex'));
  }
});
