import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { digestFromHex, PIECE_BYTES } from '../../../core/index.ts';
import {
  BlobPieces,
  digestOf,
  encodePieceAnnotation,
  encodePieceTable,
  type HashedBlob,
  largestPieceTable,
  MAX_PIECE_ANNOTATION,
  PieceHasher,
  parsePieceAnnotation,
  parsePieceTable,
} from '../../../image/index.ts';
import { noise, sha256Hex } from '../../support/fake-blob.ts';

/** The same by other means: each piece cut out and digested by itself. */
function digestsOf(bytes: Uint8Array): Buffer {
  const digests: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    digests.push(digestOf('blake3', bytes.subarray(at, at + PIECE_BYTES)));
  }
  return Buffer.concat(digests);
}

function hashed(bytes: Uint8Array): HashedBlob {
  return { digest: digestFromHex(sha256Hex(bytes)), size: bytes.length, digests: digestsOf(bytes) };
}

const LARGE = noise(3 * PIECE_BYTES + 1, 'large');
const BLOBS = [hashed(LARGE), hashed(noise(2 * PIECE_BYTES, 'whole pieces')), hashed(noise(5, 'small'))];
const TABLE = encodePieceTable(BLOBS);

for (const part of [1000, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, LARGE.length]) {
  test(`the pieces of a file that is written ${part} bytes at a time have their own digests`, () => {
    const hasher = new PieceHasher();
    for (let at = 0; at < LARGE.length; at += part) hasher.update(LARGE.subarray(at, at + part));
    assert.deepEqual(Buffer.from(hasher.finish()), digestsOf(LARGE));
  });
}

test('a file has no piece when it is empty, and as many as it takes when it is large', () => {
  assert.equal(new PieceHasher().finish().length, 0);
  const hasher = new PieceHasher();
  const zeros = new Uint8Array(PIECE_BYTES);
  for (let piece = 0; piece < 1000; piece++) hasher.update(zeros);
  hasher.update(Uint8Array.of(1));
  const digests = Buffer.from(hasher.finish());
  assert.equal(digests.length, 1001 * 32);
  assert.deepEqual(digests.subarray(999 * 32, 1000 * 32), Buffer.from(digestOf('blake3', zeros)));
  assert.deepEqual(digests.subarray(1000 * 32), Buffer.from(digestOf('blake3', Uint8Array.of(1))));
});

test('a table has the bytes of its description', () => {
  const empty = encodePieceTable([]);
  assert.equal(
    Buffer.from(empty).toString('hex'),
    `${Buffer.from('SHOALPCS').toString('hex')}01000000${'00'.repeat(4)}0000010000000000`,
  );
  const blob = hashed(Buffer.from('abc'));
  const table = Buffer.from(encodePieceTable([blob])).toString('hex');
  const entry = `${blob.digest.slice('sha256:'.length)}03000000000000000100000000000000`;
  assert.equal(table.slice(48), `${entry}6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85`);
  assert.equal(TABLE.length, largestPieceTable(BLOBS));
  assert.deepEqual(encodePieceTable(BLOBS), TABLE);
});

test('what is read of a table are views of it that tell right pieces from wrong ones', () => {
  const found = parsePieceTable(TABLE, BLOBS);
  assert.deepEqual(
    [...found.keys()],
    BLOBS.map(({ digest }) => digest),
  );
  for (const { digest, digests } of BLOBS) {
    const pieces = found.get(digest);
    assert.deepEqual(Buffer.from(pieces?.digests ?? []), Buffer.from(digests));
    assert.equal(pieces?.digests.buffer, TABLE.buffer);
  }
  const pieces = found.get(BLOBS[0]?.digest ?? digestFromHex('0'.repeat(64))) ?? assert.fail('the large blob is there');
  const piece = (index: number) => LARGE.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
  assert.equal(pieces.count, 4);
  assert.deepEqual(
    [0, 1, 2, 3].map(index => pieces.verify(index, piece(index))),
    [true, true, true, true],
  );
  assert.equal(pieces.verify(0, piece(1)), false);
  const flipped = Buffer.from(piece(2));
  flipped[PIECE_BYTES - 1] = (flipped[PIECE_BYTES - 1] ?? 0) ^ 1;
  assert.equal(pieces.verify(2, flipped), false);
});

test('no piece is right outside the blob, or of another length', () => {
  const pieces = new BlobPieces(LARGE.length, digestsOf(LARGE));
  const last = LARGE.subarray(3 * PIECE_BYTES);
  assert.equal(last.length, 1);
  for (const index of [-1, 4, 2 ** 32]) assert.equal(pieces.verify(index, last), false, `piece ${index}`);
  assert.equal(pieces.verify(3, new Uint8Array(0)), false);
  assert.equal(pieces.verify(2, LARGE.subarray(2 * PIECE_BYTES)), false);
  assert.throws(() => new BlobPieces(LARGE.length, digestsOf(LARGE).subarray(32)), { code: 'malformed' });
});

test('the first piece that differs is found', () => {
  const pieces = new BlobPieces(LARGE.length, digestsOf(LARGE));
  assert.equal(pieces.firstDifference(digestsOf(LARGE)), undefined);
  const other = Buffer.from(LARGE);
  other[2 * PIECE_BYTES] = (other[2 * PIECE_BYTES] ?? 0) ^ 1;
  assert.equal(pieces.firstDifference(digestsOf(other)), 2);
});

test('blobs that would make a table too large are left out, and the rest can be read', () => {
  const table = encodePieceTable(BLOBS, TABLE.length - 1);
  assert.deepEqual(
    [...parsePieceTable(table, BLOBS).keys()],
    BLOBS.slice(0, 2).map(({ digest }) => digest),
  );
  assert.ok(table.length < TABLE.length);
});

suite('a table that is wrong is refused', () => {
  const [HEADER, ENTRY] = [24, 48];
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(TABLE);
    change(bytes);
    return bytes;
  };
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['without a byte', new Uint8Array(0), /piece table of 0 bytes; expected 24/],
    ['cut in its header', TABLE.subarray(0, 23), /piece table of 23 bytes/],
    ['cut in its entries', TABLE.subarray(0, HEADER + ENTRY), /its 3 blobs take 168/],
    ['cut in its digests', TABLE.subarray(0, -1), /blob 3 of 3: its digests end at byte 392 of 391/],
    ['with a byte too many', Buffer.concat([TABLE, Buffer.of(0)]), /piece table of 393 bytes; expected 392/],
    [
      'with another magic',
      changed(bytes => bytes.write('shoalpcs')),
      /magic is 0x73686f616c706373; expected 0x53484f414c504353/,
    ],
    ['of 2^32 - 1 blobs', changed(bytes => bytes.writeUInt32LE(0xffff_ffff, 20)), /its 4294967295 blobs take/],
    [
      'of fewer blobs than it has',
      changed(bytes => bytes.writeUInt32LE(2, 20)),
      /piece table of 392 bytes; expected 312/,
    ],
    [
      'with a blob of another image',
      changed(bytes => bytes.fill(7, HEADER, HEADER + 32)),
      /none of the manifest's data layers/,
    ],
    [
      'with a blob that is there twice',
      changed(bytes => bytes.copyWithin(HEADER + ENTRY, HEADER, HEADER + ENTRY)),
      /is there twice/,
    ],
    [
      'with another size of a blob',
      changed(bytes => bytes.writeUInt8(2, HEADER + 32)),
      /its size is \d+; expected 196609/,
    ],
    [
      'with a size beyond 2^53',
      changed(bytes => bytes.fill(0xff, HEADER + 32, HEADER + 40)),
      /its size is beyond 2\^53/,
    ],
    [
      'with more pieces than the size has',
      changed(bytes => bytes.writeUInt32LE(5, HEADER + 40)),
      /number of pieces is 5; expected 4/,
    ],
    [
      'with something in a reserved field',
      changed(bytes => bytes.writeUInt32LE(1, HEADER + 44)),
      /reserved field is 1/,
    ],
  ];
  for (const [name, bytes, message] of cases) {
    test(name, () => assert.throws(() => parsePieceTable(bytes, BLOBS), { code: 'malformed', message }));
  }
  for (const [field, at] of [
    ['version', 8],
    ['digester', 12],
    ['piece size', 16],
  ] as const) {
    test(`as one of the future: its ${field}`, () => {
      const bytes = changed(table => table.writeUInt32LE(9, at));
      assert.throws(() => parsePieceTable(bytes, BLOBS), { code: 'unsupported', message: new RegExp(`${field} 9`) });
    });
  }
});

suite('the annotation of a layer', () => {
  const layer = hashed(LARGE);
  const text = encodePieceAnnotation(layer) ?? assert.fail('four pieces fit');

  test('brings back the digests of its pieces', () => {
    const pieces = parsePieceAnnotation(text, layer);
    assert.deepEqual(Buffer.from(pieces?.digests ?? []), Buffer.from(layer.digests));
    assert.equal(pieces?.verify(3, LARGE.subarray(3 * PIECE_BYTES)), true);
  });

  test('is left out where it would be too long', () => {
    const of = (pieces: number) => encodePieceAnnotation({ ...layer, digests: new Uint8Array(pieces * 32) });
    assert.equal(of(1534)?.length, 65_496);
    assert.equal(of(1535), undefined);
  });

  test('says nothing when it is about another layer, or of a digester of the future', () => {
    const other = { ...layer, digest: digestFromHex('a'.repeat(64)), size: 7 };
    assert.equal(parsePieceAnnotation(text, other), undefined);
    const bytes = Buffer.from(text, 'base64');
    bytes[0] = 1;
    assert.equal(parsePieceAnnotation(bytes.toString('base64'), layer), undefined);
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['empty', '', /0 bytes; expected at least 33/],
    ['cut off', Buffer.from(text, 'base64').subarray(0, -32).toString('base64'), /129 bytes; expected 161/],
    ['no base64', `${text.slice(0, -4)}!!!!`, /no base64/],
    ['too long', 'A'.repeat(MAX_PIECE_ANNOTATION + 4), /65540 characters; at most 65536/],
  ];
  for (const [name, value, message] of wrong) {
    test(`is refused when it is ${name}`, () =>
      assert.throws(() => parsePieceAnnotation(value, layer), { code: 'malformed', message }));
  }
});
