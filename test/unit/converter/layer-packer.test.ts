import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LayerPacker, type PackerOptions } from '../../../converter/layer-packer.ts';
import type { TarEntry } from '../../../converter/tar-entry.ts';
import { digestOf } from '../../../image/index.ts';

const CHUNK = 4096;

function fileEntry(path: string, size: number): TarEntry {
  const common = { kind: 'file', target: '', mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0 } as const;
  return { ...common, major: 0, minor: 0, path, size };
}

/** Drives a packer as the layer thread does, with as many slabs as it wants; keeps the chunks in order. */
class Driver {
  readonly packer: LayerPacker;
  readonly chunks: Buffer[] = [];
  readonly slabSizes: number[] = [];
  #slab: Uint8Array = new Uint8Array(0);
  #slot = 0;
  readonly #references: Uint32Array[] = [];

  constructor(options: Partial<PackerOptions> = {}) {
    this.packer = new LayerPacker({ chunkSize: CHUNK, maxReferences: 1000, maxBlobs: 10, ...options });
    this.packer.beginLayer();
  }

  file(path: string, content: Uint8Array, pieceSize = content.length): void {
    this.packer.begin(fileEntry(path, content.length));
    for (let at = 0; at < content.length; ) {
      if (this.packer.isFull) this.#change(2 * CHUNK);
      at += this.packer.write(content.subarray(at, at + pieceSize));
    }
    this.#references.push(this.packer.takeReferences());
  }

  hole(path: string, size: number): void {
    this.packer.begin(fileEntry(path, size));
    for (let done = 0; done < size; ) {
      done += this.packer.skipKnownZeros(size - done);
      if (done === size) break;
      if (this.packer.isFull) this.#change(2 * CHUNK);
      done += this.packer.zeros(size - done);
    }
    this.#references.push(this.packer.takeReferences());
  }

  endLayer(): readonly number[] {
    this.#change(0);
    this.packer.beginLayer();
    return this.#references.splice(0).flatMap(references => [...references]);
  }

  #change(bytes: number): void {
    const before = this.#slab;
    this.#slab = new Uint8Array(bytes);
    const { packed } = this.packer.changeSlab(bytes > 0 ? { slot: this.#slot++, bytes: this.#slab } : undefined);
    if (!packed) return;
    let at = 0;
    packed.lengths.forEach((length, i) => {
      const chunk = Buffer.from(before.slice(at, at + length));
      assert.deepEqual(
        Buffer.from(packed.digests.subarray(32 * i, 32 * i + 32)),
        Buffer.from(digestOf('blake3', chunk)),
      );
      this.chunks.push(chunk);
      at += length;
    });
    this.slabSizes.push(at);
  }
}

/** Bytes that do not repeat. */
const bytes = (size: number, seed: number) =>
  Buffer.from(Array.from({ length: size }, (_, i) => Math.imul(i + seed, 0x9e3779b1) >>> 24));

test('cuts files in chunks and gives each file its references', () => {
  const driver = new Driver();
  const [small, large] = [bytes(10, 3), bytes(2 * CHUNK + 5, 7)];
  driver.file('small', small);
  driver.file('empty', Buffer.alloc(0));
  driver.file('large', large, 1000);
  assert.deepEqual(driver.endLayer(), [0, 0, 0, 1, 0, 2, 0, 3]);
  assert.deepEqual(driver.chunks, [
    small,
    large.subarray(0, CHUNK),
    large.subarray(CHUNK, 2 * CHUNK),
    large.subarray(2 * CHUNK),
  ]);
});

test('a chunk that the image has is not stored again, neither in the layer nor above it', () => {
  const driver = new Driver();
  const content = bytes(CHUNK + 100, 5);
  driver.file('a', content);
  driver.file('b', content);
  assert.deepEqual(driver.endLayer(), [0, 0, 0, 1, 0, 0, 0, 1]);
  driver.file('c', content.subarray(CHUNK));
  driver.file('new', bytes(50, 11));
  assert.deepEqual(driver.endLayer(), [0, 1, 1, 0]);
  assert.equal(driver.chunks.length, 3);
  driver.file('d', content);
  assert.deepEqual(driver.endLayer(), [0, 0, 0, 1]);
  driver.file('e', bytes(60, 13));
  assert.deepEqual(driver.endLayer(), [2, 0], 'a layer without new chunks has no blob');
});

test('small files share slabs, and no chunk is cut by the end of a slab', () => {
  const driver = new Driver();
  for (let i = 0; i < 40; i++) driver.file(`f${i}`, bytes(1000 + i, i + 3));
  driver.endLayer();
  assert.equal(driver.chunks.length, 40);
  assert.ok(driver.slabSizes.length < 10, `${driver.slabSizes.length} slabs for 40 KB`);
});

test('known zeros take neither memory nor time', () => {
  const driver = new Driver({ maxReferences: 1 << 24 });
  driver.hole('hole', 10 * CHUNK + 7);
  driver.hole('huge', CHUNK * 1_000_000);
  const references = driver.endLayer();
  assert.equal(references.length, 2 * (11 + 1_000_000));
  assert.deepEqual(
    driver.chunks.map(chunk => chunk.length),
    [CHUNK, 7],
  );
  assert.equal(driver.packer.tally.chunks, 0, 'the tally belongs to the layer');
});

test('a hole and zeros that are written are the same chunk', () => {
  const driver = new Driver();
  driver.file('zeros', Buffer.alloc(CHUNK));
  driver.hole('hole', 2 * CHUNK);
  assert.deepEqual(driver.endLayer(), [0, 0, 0, 0, 0, 0]);
});

test('counts what it did', () => {
  const driver = new Driver();
  driver.file('a', bytes(CHUNK + 10, 5));
  driver.file('b', bytes(CHUNK + 10, 5));
  assert.deepEqual(driver.packer.tally, {
    entries: 2,
    fileBytes: 2 * CHUNK + 20,
    chunks: 4,
    duplicateChunks: 2,
    duplicateBytes: CHUNK + 10,
  });
});

test('limits the references of files and the number of blobs', () => {
  const references = new Driver({ maxReferences: 3 });
  assert.throws(() => references.hole('hole', 5 * CHUNK), { code: 'limit' });
  const blobs = new Driver({ maxBlobs: 1 });
  blobs.file('a', bytes(10, 3));
  blobs.endLayer();
  assert.throws(() => blobs.file('b', bytes(20, 3)), { code: 'limit' });
});
