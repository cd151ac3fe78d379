import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type InputPiece, unpack } from '../../../converter/unpack.ts';
import { isShoalError } from '../../../core/index.ts';

const A = Buffer.concat([Buffer.alloc(300_000, 'a'), randomBytes(200_000)]);
const B = Buffer.alloc(50_000, 'b');
const SKIPPABLE = Buffer.concat([Buffer.from('502a4d1804000000', 'hex'), Buffer.from('meta')]);
const EMPTY_FRAME = zstdCompressSync(Buffer.alloc(0));

async function unpacked(stored: Uint8Array, pieceSize: number): Promise<Buffer> {
  let unreleased = 0;
  async function* pieces(): AsyncGenerator<InputPiece> {
    for (let at = 0; at < stored.length; at += pieceSize) {
      unreleased++;
      const bytes = Uint8Array.from(stored.subarray(at, at + pieceSize));
      yield {
        bytes,
        release: () => {
          unreleased--;
          bytes.fill(0xee); // whoever still looks at it sees it
        },
      };
    }
  }
  const out: Buffer[] = [];
  for await (const piece of unpack(pieces())) out.push(Buffer.from(piece));
  assert.equal(unreleased, 0, 'every piece was released');
  return Buffer.concat(out);
}

/** A zstd frame without a content size, with a checksum or without, of raw and RLE blocks: made by hand (RFC 8878). */
function handMadeFrame(parts: readonly { readonly raw?: string; readonly rle?: number }[]): Buffer {
  const blocks = parts.map(({ raw, rle }, i) => {
    const isLast = i === parts.length - 1 ? 1 : 0;
    const header = rle === undefined ? ((raw?.length ?? 0) << 3) | isLast : (rle << 3) | 2 | isLast;
    const body = rle === undefined ? Buffer.from(raw ?? '') : Buffer.from('r');
    return Buffer.concat([Buffer.from([header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff]), body]);
  });
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]), ...blocks]);
}

const HAND_MADE = handMadeFrame([{ raw: 'hello' }, { rle: 1000 }, { raw: '' }]);
const HAND_MADE_CONTENT = Buffer.concat([Buffer.from('hello'), Buffer.alloc(1000, 'r')]);

const STREAMS: readonly (readonly [string, Buffer, Buffer])[] = [
  ['a plain tar', A, A],
  ['nothing at all', Buffer.alloc(0), Buffer.alloc(0)],
  ['gzip', gzipSync(A), A],
  ['several gzip members', Buffer.concat([gzipSync(A), gzipSync(B), gzipSync(A)]), Buffer.concat([A, B, A])],
  [
    'an empty gzip member between others',
    Buffer.concat([gzipSync(A), gzipSync(''), gzipSync(B)]),
    Buffer.concat([A, B]),
  ],
  ['zstd', zstdCompressSync(A), A],
  ['several zstd frames', Buffer.concat([zstdCompressSync(A), zstdCompressSync(B)]), Buffer.concat([A, B])],
  [
    'zstd frames with skippable ones around',
    Buffer.concat([SKIPPABLE, zstdCompressSync(A), SKIPPABLE, SKIPPABLE, zstdCompressSync(B), SKIPPABLE]),
    Buffer.concat([A, B]),
  ],
  [
    'an empty zstd frame between others',
    Buffer.concat([zstdCompressSync(A), EMPTY_FRAME, zstdCompressSync(B)]),
    Buffer.concat([A, B]),
  ],
  [
    'zstd frames of raw, RLE and empty blocks',
    Buffer.concat([HAND_MADE, zstdCompressSync(B), HAND_MADE]),
    Buffer.concat([HAND_MADE_CONTENT, B, HAND_MADE_CONTENT]),
  ],
];

for (const [what, stored, expected] of STREAMS) {
  test(`unpacks ${what}, in pieces of any size`, async () => {
    for (const pieceSize of [5, 997, 65_536, 1 << 20]) {
      // Byte by byte is a job for short streams.
      if (pieceSize === 5 && stored.length > 100_000) continue;
      assert.ok((await unpacked(stored, pieceSize)).equals(expected), `pieces of ${pieceSize}`);
    }
  });
}

test('finds zstd frame ends wherever pieces are cut', async () => {
  const stored = Buffer.concat([SKIPPABLE, zstdCompressSync(B), HAND_MADE, SKIPPABLE, zstdCompressSync('tiny')]);
  const expected = Buffer.concat([B, HAND_MADE_CONTENT, Buffer.from('tiny')]);
  for (let pieceSize = 4; pieceSize < 60; pieceSize++) {
    assert.ok((await unpacked(stored, pieceSize)).equals(expected), `pieces of ${pieceSize}`);
  }
});

const BROKEN: readonly (readonly [string, Buffer])[] = [
  ['gzip that is cut off', gzipSync(A).subarray(0, -5)],
  ['gzip with a flipped byte', flipped(gzipSync(A))],
  ['gzip with something else behind it', Buffer.concat([gzipSync(A), Buffer.from('something else')])],
  ['zstd that is cut off', zstdCompressSync(A).subarray(0, -5)],
  ['zstd that is cut off in a magic number', Buffer.concat([zstdCompressSync(A), Buffer.from('28b5', 'hex')])],
  ['zstd with something else behind it', Buffer.concat([zstdCompressSync(A), Buffer.from('something else')])],
  ['a skippable zstd frame that is cut off', SKIPPABLE.subarray(0, -1)],
];

function flipped(bytes: Buffer): Buffer {
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  return bytes;
}

for (const [what, stored] of BROKEN) {
  test(`refuses ${what}`, async () => {
    await assert.rejects(unpacked(stored, 10_000), { code: 'malformed' });
  });
}

test('refuses xz and bzip2 by name', async () => {
  await assert.rejects(unpacked(Buffer.from('fd377a585a000000', 'hex'), 8), { code: 'unsupported', message: /xz/ });
  await assert.rejects(unpacked(Buffer.from('BZh91AY'), 8), { code: 'unsupported', message: /bzip2/ });
});

test('an error of the input reaches the reader', async () => {
  async function* failing(): AsyncGenerator<InputPiece> {
    yield { bytes: gzipSync(A).subarray(0, 1000), release: () => {} };
    throw new Error('the network is down');
  }
  await assert.rejects(async () => {
    for await (const piece of unpack(failing())) assert.ok(piece.length > 0);
  }, /the network is down/);
});

test('zeros that pad a gzip file are dropped; what is no padding behind them is dropped or refused', async () => {
  const packed = gzipSync(A);
  assert.deepEqual(await unpacked(Buffer.concat([packed, Buffer.alloc(3 << 20)]), 262_144), A);
  for (const zeros of [1, 2, 3, 4]) {
    for (const pieceSize of [7777, 100_000, 262_144]) {
      const stored = Buffer.concat([packed, Buffer.alloc(zeros), packed]);
      const outcome = await unpacked(stored, pieceSize).catch((error: unknown) => error);
      if (outcome instanceof Buffer) assert.deepEqual(outcome, A);
      else assert.ok(isShoalError(outcome, 'malformed'), String(outcome));
    }
  }
});
