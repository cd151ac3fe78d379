// Piece tables, and the annotation for the pieces of a bootstrap's own layer: what is read of them before anything of the
// image is.

import assert from 'node:assert/strict';
import { digestFromHex } from '../../../core/index.ts';
import {
  encodePieceAnnotation,
  encodePieceTable,
  type HashedBlob,
  parsePieceAnnotation,
  parsePieceTable,
} from '../../../image/index.ts';
import { noise } from '../../support/fake-blob.ts';
import { type FuzzTarget, mutated } from '../fuzzing.ts';

function blob(digit: string, size: number): HashedBlob {
  const pieces = Math.ceil(size / 65_536);
  return { digest: digestFromHex(digit.repeat(64)), size, digests: noise(pieces * 32, digit) };
}

const BLOBS = [blob('a', 200_000), blob('b', 65_536), blob('c', 1), blob('d', 1_000_000)];
const [layer = blob('e', 1)] = BLOBS;
const annotation = encodePieceAnnotation(layer) ?? '';

export const pieceTableTarget: FuzzTarget = {
  name: 'piece-table',
  runs: 1500,
  input: mutated([encodePieceTable(BLOBS), encodePieceTable(BLOBS.slice(1, 2)), encodePieceTable([])]),
  allows: ['malformed', 'unsupported'],
  run(input) {
    for (const [digest, pieces] of parsePieceTable(input, BLOBS)) {
      const known = BLOBS.find(each => each.digest === digest);
      assert.equal(pieces.digests.length, known?.digests.length);
      assert.equal(pieces.digests.buffer, input.buffer);
      for (const index of [-1, 0, pieces.count]) assert.equal(pieces.verify(index, new Uint8Array(1)), false);
    }
  },
};

/** As the text that stands in the manifest. */
export const pieceAnnotationTarget: FuzzTarget = {
  name: 'piece-annotation',
  runs: 1000,
  input: mutated([Buffer.from(annotation)]),
  allows: ['malformed'],
  run(input) {
    const pieces = parsePieceAnnotation(Buffer.from(input).toString('latin1'), layer);
    if (pieces) assert.equal(pieces.digests.length, layer.digests.length);
  },
};
