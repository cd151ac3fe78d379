// Layers: a tar through the reader, the packer, the overlay and the bootstrap writer, as the converter's threads do it,
// but in one; and the compressed stream before it. Whatever becomes an image must be an image without problems.

import assert from 'node:assert/strict';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { MAX_BLOBS, TAR_LIMITS } from '../../../converter/config.ts';
import { LayerPacker } from '../../../converter/layer-packer.ts';
import { Overlay } from '../../../converter/overlay.ts';
import type { TarEntry } from '../../../converter/tar-entry.ts';
import { TarReader } from '../../../converter/tar-reader.ts';
import { unpack } from '../../../converter/unpack.ts';
import { Warnings } from '../../../converter/warnings.ts';
import type { FinishedBlob } from '../../../image/index.ts';
import {
  BootstrapReader,
  blobDataTrailer,
  buildBlobTail,
  ChunkList,
  checkBootstrap,
  writeBootstrap,
} from '../../../image/index.ts';
import { paxMember, rawMember, tarMember, tarOf, withChecksum } from '../../support/tar-bytes.ts';
import { fixture } from '../../unit/image/fixtures.ts';
import { type FuzzTarget, mutated } from '../fuzzing.ts';

const BLOCK = 512;
const CHUNK_SIZE = 4096;
/** A few kilobytes may claim a file of a terabyte in holes; here that is enough to see what happens. */
const LIMITS = { ...TAR_LIMITS, fileBytes: 64 << 20 };
const PIECE_BYTES = 700;

const ARCHIVES = [
  fixture('all-entry-type.tar'),
  tarOf([
    { path: 'a/' },
    { path: 'a/b', content: 'x'.repeat(6000) },
    { path: 'a/l', type: 'hardlink', target: 'a/b' },
    { path: 's', type: 'symlink', target: 'a/b' },
    { path: 's2', type: 'symlink', target: '../a' },
    { path: 's2/through', content: 'y' },
    { path: 'a/.wh.old', content: '' },
    { path: 'a/.wh..wh..opq', content: '' },
    { path: 'dev', type: 'char', major: 5, minor: 1 },
  ]),
  tarOf([
    {
      path: 'n'.repeat(200),
      content: 'named',
      xattrs: { 'security.capability': Buffer.alloc(20, 1), 'user.a': 'b' },
      pax: { mtime: '1.5', uid: '70000' },
    },
  ]),
  Buffer.concat([rawMember('x', 'L', `${'y'.repeat(200)}\0`), tarOf([{ path: 'z', content: 'abc' }])]),
  Buffer.concat([
    paxMember({ 'GNU.sparse.size': '99999', 'GNU.sparse.map': '0,3,5000,4' }),
    tarOf([{ path: 's', content: 'abcdefg' }]),
  ]),
  Buffer.concat([
    paxMember({
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.realsize': '20000',
      'GNU.sparse.name': 'sp',
    }),
    tarMember({
      path: 'sp',
      content: Buffer.concat([Buffer.from('1\n10000\n4\n'), Buffer.alloc(502), Buffer.from('data')]),
    }),
    Buffer.alloc(1024),
  ]),
];

/** Checksums that fit again, or no mutation of a header would get past them. */
function repairChecksums(bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + BLOCK <= buffer.length; at += BLOCK) {
    const block = buffer.subarray(at, at + BLOCK);
    if (block.toString('latin1', 257, 262) === 'ustar') withChecksum(block);
  }
}

/** Converts one layer in one thread; chunks are described, their bytes forgotten. */
function convertLayer(tar: Uint8Array): Uint8Array {
  const reader = new TarReader(LIMITS);
  const packer = new LayerPacker({ chunkSize: CHUNK_SIZE, maxReferences: 1 << 20, maxBlobs: MAX_BLOBS });
  const overlay = new Overlay({ warnings: new Warnings(), maxEntries: 10_000 });
  const chunks = new ChunkList();
  let deviceOffset = 0;
  const change = (next: { slot: number; bytes: Uint8Array } | undefined) => {
    const { packed } = packer.changeSlab(next);
    packed?.lengths.forEach((length, i) => {
      const digest = packed.digests.subarray(32 * i, 32 * i + 32);
      const compressedOffset = chunks.length * CHUNK_SIZE;
      const sizes = { uncompressedSize: length, compressedSize: length, compressed: false };
      chunks.push({ index: chunks.length, compressedOffset, deviceOffset, ...sizes, digest });
      deviceOffset += Math.ceil(length / CHUNK_SIZE) * CHUNK_SIZE;
    });
  };
  const room = () => {
    if (packer.isFull) change({ slot: 0, bytes: new Uint8Array(4 * CHUNK_SIZE) });
  };
  let current: TarEntry | undefined;
  const merge = () => {
    if (current) overlay.add(current, packer.takeReferences());
    current = undefined;
  };
  packer.beginLayer();
  for (let at = 0, isOver = false; !isOver; ) {
    const event = reader.read();
    switch (event.kind) {
      case 'input':
        if (at < tar.length) reader.feed(tar.subarray(at, at + PIECE_BYTES));
        else reader.finish();
        at += PIECE_BYTES;
        break;
      case 'entry':
        merge();
        packer.begin(event.entry);
        current = event.entry;
        break;
      case 'data':
        for (let done = 0; done < event.bytes.length; ) {
          room();
          done += packer.write(event.bytes.subarray(done));
        }
        break;
      case 'zeros':
        for (let done = 0; done < event.count; ) {
          done += packer.skipKnownZeros(event.count - done);
          if (done === event.count) break;
          room();
          done += packer.zeros(event.count - done);
        }
        break;
      case 'end':
        isOver = true;
        break;
    }
  }
  merge();
  change(undefined);
  overlay.endLayer();
  const blobs = chunks.length > 0 ? [describedBlob(chunks)] : [];
  return writeBootstrap({ root: overlay.root, blobs, chunkSize: CHUNK_SIZE });
}

function describedBlob(chunks: ChunkList): FinishedBlob {
  const dataSize = chunks.length * CHUNK_SIZE;
  const { tail, ...tables } = buildBlobTail({ dataSize, dataDigest: new Uint8Array(32), chunks });
  return { id: 'a'.repeat(64), blobSize: dataSize + tail.length + blobDataTrailer(0).length, chunks, ...tables };
}

export const layerTarget: FuzzTarget = {
  name: 'layer',
  runs: 1500,
  input: mutated(ARCHIVES, repairChecksums),
  allows: ['malformed', 'unsupported', 'limit'],
  run(input) {
    const { problems } = checkBootstrap(new BootstrapReader(convertLayer(input)));
    assert.deepEqual(problems, []);
  },
};

const plain = tarOf([{ path: 'a', content: Buffer.from(Array.from({ length: 20_000 }, (_, i) => i >> 5)) }]);
const zstd = zstdCompressSync(plain);
const skippable = Buffer.from('502a4d1804000000aabbccdd', 'hex');

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield { bytes: bytes.subarray(at, at + size), release: () => {} };
}

/** A ratio of a thousand is zlib's most; of these bases none has more than a hundred. */
const MAX_UNPACKED_BYTES = 256 << 20;

export const compressedLayerTarget: FuzzTarget = {
  name: 'compressed-layer',
  runs: 400,
  input: mutated([
    gzipSync(plain),
    Buffer.concat([gzipSync(plain), gzipSync('more')]),
    zstd,
    Buffer.concat([skippable, zstd, zstd]),
  ]),
  allows: ['malformed', 'unsupported', 'limit'],
  async run(input) {
    let bytes = 0;
    for await (const piece of unpack(pieces(input, 100))) {
      bytes += piece.length;
      assert.ok(bytes <= MAX_UNPACKED_BYTES, 'a small stream unpacks without end');
    }
  },
};
