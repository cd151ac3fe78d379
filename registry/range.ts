// Ranges of a blob: what may be asked for, and what a registry answers (RFC 9110 §14, §15.3.7): the range, the whole, or
// something else.

import type { ByteRange } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import type { HttpResponse } from './http.ts';
import type { ExpectedContent } from './verified-stream.ts';

/** Throws `malformed` unless the range lies within the blob. */
export function checkRange(blob: ExpectedContent, { offset, length }: ByteRange, what: string): void {
  const fits = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (fits && offset + length <= blob.size) return;
  const range = `${length} bytes from ${offset}`;
  throw new ShoalError('malformed', `${what}: ${range} wanted of blob ${blob.digest}, which has ${blob.size}`);
}

/**
 * Some registries ignore Range and send the whole blob. Reading past this much (some 20 s at 100 Mbit/s) for one chunk
 * is worse than saying so; below it, such a registry works, slowly.
 */
const MAX_SKIPPED_BYTES = 256 * 1024 * 1024;

/**
 * Exactly the bytes of `range`, from a 206 with the range or a 200 with the whole blob (then the rest is not read).
 * Throws `malformed` for another range, another size of the blob, too few or too many bytes; `unsupported` when the
 * registry ignores ranges and the range is too far in.
 */
export async function* bodyOfRange(
  response: HttpResponse,
  blob: ExpectedContent,
  range: ByteRange,
  what: string,
): AsyncGenerator<Uint8Array> {
  const name = `${what}: ${range.length} bytes from ${range.offset} of blob ${blob.digest}`;
  const isWhole = response.status === 200;
  const wrong = isWhole
    ? checkSkip(range, name)
    : checkContentRange(response.header('content-range'), blob, range, name);
  if (wrong) {
    await response.discard();
    throw wrong;
  }
  let skip = isWhole ? range.offset : 0;
  let missing = range.length;
  for await (let piece of response.body) {
    const skipped = Math.min(skip, piece.length);
    skip -= skipped;
    piece = piece.subarray(skipped);
    if (piece.length > missing) {
      // The end of a 206 is read to the end, so that the socket can serve the next range; of a 200 it is not.
      if (!isWhole) throw new ShoalError('malformed', `${name}: the answer is longer`);
      piece = piece.subarray(0, missing);
    }
    missing -= piece.length;
    if (piece.length > 0) yield piece;
    if (isWhole && missing === 0) return;
  }
  if (missing > 0) throw new ShoalError('malformed', `${name}: the answer ends ${missing} bytes early`);
}

function checkSkip({ offset }: ByteRange, name: string): ShoalError | undefined {
  if (offset <= MAX_SKIPPED_BYTES) return undefined;
  return new ShoalError('unsupported', `${name}: the registry ignores ranges and sends the whole blob instead`);
}

function checkContentRange(
  header: string | undefined,
  blob: ExpectedContent,
  { offset, length }: ByteRange,
  name: string,
): ShoalError | undefined {
  const expected = `bytes ${offset}-${offset + length - 1}/${blob.size}`;
  // The size may be unknown to the server, the rest may not differ.
  if (header === expected || header === expected.replace(/\d+$/, '*')) return undefined;
  const found = header === undefined ? 'none' : JSON.stringify(header.slice(0, 100));
  return new ShoalError('malformed', `${name}: expected content-range "${expected}", found ${found}`);
}
