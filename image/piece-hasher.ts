// Digests the pieces of a file while it is written, whatever the parts are that it is written in. The converter's blob
// thread does this beside the blob's sha256, so that nobody has to read the file again.

import { Blake3Hasher } from '@napi-rs/blake-hash';
import { PIECE_BYTES } from '../core/index.ts';
import { PIECE_DIGEST_BYTES } from './piece-digests.ts';

/** Pieces of 16 MiB: what a small blob has. */
const MIN_CAPACITY = 256;

/** Use: `update` with all of the file in order, then `finish`, once. */
export class PieceHasher {
  readonly #hasher = new Blake3Hasher();
  #digests = Buffer.alloc(MIN_CAPACITY * PIECE_DIGEST_BYTES);
  /** Pieces that are complete, and bytes of the one that is not. */
  #count = 0;
  #filled = 0;

  /** `bytes` are only read, and not kept. */
  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + PIECE_BYTES - this.#filled);
      this.#hasher.update(part);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === PIECE_BYTES) this.#endPiece();
    }
  }

  /** The digests of all pieces, one behind the other, the caller's; the last piece may be shorter than the others. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.#filled > 0) this.#endPiece();
    return new Uint8Array(this.#digests.subarray(0, this.#count * PIECE_DIGEST_BYTES));
  }

  #endPiece(): void {
    const at = this.#count * PIECE_DIGEST_BYTES;
    if (at === this.#digests.length) this.#digests = Buffer.concat([this.#digests], 2 * at);
    // As hex: a buffer of its own for each digest would cost more than the digits.
    this.#digests.write(this.#hasher.digest('hex'), at, 'hex');
    this.#hasher.reset();
    this.#count++;
    this.#filled = 0;
  }
}
