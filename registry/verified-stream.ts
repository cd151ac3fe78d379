// The one digest check for streams. Whoever has read such a stream to its end has the right bytes; whoever has not
// knows that it is not the whole. Blobs pass through here whole, on their way in and on their way out.

import { createHash } from 'node:crypto';
import type { Digest } from '../core/index.ts';
import { hexOf, ShoalError } from '../core/index.ts';

export interface ExpectedContent {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * Passes pieces on, one behind: the last is held back until length and digest are right. Throws `malformed` for too
 * many or too few bytes (too many as soon as they are), `digest-mismatch` for wrong ones. Empty pieces are dropped.
 * Memory: one piece. The pieces are not copied.
 */
export async function* verifiedStream(
  pieces: AsyncIterable<Uint8Array>,
  expected: ExpectedContent,
  what: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let length = 0;
  let held: Uint8Array | undefined;
  for await (const piece of pieces) {
    if (piece.length === 0) continue;
    length += piece.length;
    if (length > expected.size) throw wrongLength(`more than ${expected.size}`, expected, what);
    hash.update(piece);
    if (held) yield held;
    held = piece;
  }
  if (length !== expected.size) throw wrongLength(`${length}`, expected, what);
  checkHash(hash.digest('hex'), expected, what);
  if (held) yield held;
}

/** The same check for bytes that are there as a whole. */
export function verifyBytes(bytes: Uint8Array, expected: ExpectedContent, what: string): void {
  if (bytes.length !== expected.size) throw wrongLength(`${bytes.length}`, expected, what);
  checkHash(createHash('sha256').update(bytes).digest('hex'), expected, what);
}

function wrongLength(found: string, expected: ExpectedContent, what: string): ShoalError {
  return new ShoalError('malformed', `${what}: ${expected.digest} has ${found} bytes, expected ${expected.size}`);
}

function checkHash(hex: string, expected: ExpectedContent, what: string): void {
  if (hex === hexOf(expected.digest)) return;
  throw new ShoalError('digest-mismatch', `${what}: expected ${expected.digest}, found sha256:${hex}`);
}
