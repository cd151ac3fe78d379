// The digests of one blob's pieces: what a piece that a peer sent is held against before anything else is done with it.
// They come out of an image's piece table or, for the bootstrap's layer, out of the manifest itself.

import { type PieceDigests, pieceCount, pieceRange } from '../core/index.ts';
import { digestOf } from './codec.ts';
import { malformed } from './refusals.ts';

/** BLAKE3. */
export const PIECE_DIGEST_BYTES = 32;

export class BlobPieces implements PieceDigests {
  readonly count: number;
  /** One behind the other; a view. */
  readonly digests: Uint8Array;
  readonly #blobSize: number;

  /** Keeps `digests`, and does not copy them. Throws `malformed` unless there is one for each piece of the blob. */
  constructor(blobSize: number, digests: Uint8Array) {
    this.count = pieceCount(blobSize);
    this.digests = digests;
    this.#blobSize = blobSize;
    if (digests.length === this.count * PIECE_DIGEST_BYTES) return;
    throw malformed(
      `${digests.length} bytes of digests for the ${this.count} pieces of ${blobSize} bytes: expected ` +
        `${this.count * PIECE_DIGEST_BYTES}`,
    );
  }

  verify(piece: number, bytes: Uint8Array): boolean {
    if (piece < 0 || piece >= this.count || bytes.length !== pieceRange(this.#blobSize, piece).length) return false;
    const at = piece * PIECE_DIGEST_BYTES;
    return Buffer.compare(digestOf('blake3', bytes), this.digests.subarray(at, at + PIECE_DIGEST_BYTES)) === 0;
  }

  /** The first piece with another digest in `found`, which are those of a file of this size. */
  firstDifference(found: Uint8Array): number | undefined {
    for (let at = 0; at < this.digests.length; at += PIECE_DIGEST_BYTES) {
      const end = at + PIECE_DIGEST_BYTES;
      if (Buffer.compare(found.subarray(at, end), this.digests.subarray(at, end)) !== 0) return at / PIECE_DIGEST_BYTES;
    }
    return undefined;
  }
}
