// What the origin needs of a place that has blobs: ranges, as they are, without retries.

import type { ByteRange } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import type { ExpectedContent } from './verified-stream.ts';

/** A registry repository or an OCI layout, as a source of blob ranges. */
export interface BlobReader {
  /** The image, for messages. */
  readonly name: string;
  /**
   * Exactly the bytes of `range` of the blob, in pieces of any size that are the caller's to keep. Unverified. One
   * attempt: errors go to the caller, who knows better whether to wait, to ask elsewhere, or to give up. Rejects with
   * `malformed` when the blob is shorter or the answer is another range, and with the codes of core's ChunkSource.
   */
  readRange(
    blob: ExpectedContent,
    range: ByteRange,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array>;
}

/** Throws `malformed` unless the range lies within the blob. */
export function checkRange(blob: ExpectedContent, { offset, length }: ByteRange, what: string): void {
  const fits = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (fits && offset + length <= blob.size) return;
  const range = `${length} bytes from ${offset}`;
  throw new ShoalError('malformed', `${what}: ${range} wanted of blob ${blob.digest}, which has ${blob.size}`);
}
