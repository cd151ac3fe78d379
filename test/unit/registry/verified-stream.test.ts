import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestFromHex, isShoalError } from '../../../core/index.ts';
import { verifiedStream, verifyBytes } from '../../../registry/index.ts';
import { noise, sha256Hex } from '../../support/fake-blob.ts';
import { bytesBeforeError, collect, inPieces } from '../../support/streams.ts';

const content = noise(100_000, 'verified');
const expected = { digest: digestFromHex(sha256Hex(content)), size: content.length };

test('passes right bytes on, whatever the pieces', async () => {
  for (const size of [1000, 33_333, 99_999, 100_000, 200_000]) {
    assert.deepEqual(await collect(verifiedStream(inPieces(content, size), expected, 'x')), content);
  }
});

test('passes an empty stream when nothing is expected, and drops empty pieces', async () => {
  const nothing = { digest: digestFromHex(sha256Hex(Buffer.alloc(0))), size: 0 };
  assert.equal((await collect(verifiedStream(inPieces(Buffer.alloc(0), 1), nothing, 'x'))).length, 0);
  const gappy = async function* () {
    yield Buffer.alloc(0);
    yield content;
    yield Buffer.alloc(0);
  };
  assert.deepEqual(await collect(verifiedStream(gappy(), expected, 'x')), content);
});

test('is cut before the last piece when the digest is wrong', async () => {
  const wrong = Buffer.from(content);
  wrong[0] = (wrong[0] ?? 0) ^ 1;
  for (const size of [1000, 99_999, 100_000]) {
    const { bytes, error } = await bytesBeforeError(verifiedStream(inPieces(wrong, size), expected, 'image'));
    assert.ok(isShoalError(error, 'digest-mismatch'));
    assert.match(error.message, new RegExp(`image: expected ${expected.digest}, found sha256:${sha256Hex(wrong)}`));
    assert.ok(bytes < content.length, `gave ${bytes} bytes`);
  }
});

test('refuses a stream that is too short, and one that is too long as soon as it is', async () => {
  const short = await bytesBeforeError(verifiedStream(inPieces(content.subarray(1), 1000), expected, 'x'));
  assert.ok(isShoalError(short.error, 'malformed'));
  assert.match(short.error.message, /has 99999 bytes, expected 100000/);
  let asked = 0;
  const endless = async function* () {
    for (;;) {
      asked++;
      yield content;
    }
  };
  const long = await bytesBeforeError(verifiedStream(endless(), expected, 'x'));
  assert.ok(isShoalError(long.error, 'malformed'));
  assert.equal(asked, 2);
});

test('stops its source when the reader leaves', async () => {
  let stopped = false;
  const source = async function* () {
    try {
      yield* inPieces(content, 1000);
    } finally {
      stopped = true;
    }
  };
  for await (const _ of verifiedStream(source(), expected, 'x')) break;
  assert.ok(stopped);
});

test('checks whole buffers the same way', () => {
  verifyBytes(content, expected, 'x');
  assert.throws(
    () => verifyBytes(content.subarray(1), expected, 'x'),
    error => isShoalError(error, 'malformed'),
  );
  const wrong = Buffer.from(content).fill(0, 0, 10);
  assert.throws(
    () => verifyBytes(wrong, expected, 'x'),
    error => isShoalError(error, 'digest-mismatch'),
  );
});
