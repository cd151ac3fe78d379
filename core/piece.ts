// Pieces: the unit of leasing and of transfer between peers, 64 KiB ranges of a blob as it is stored (design §2). Here is
// where a chunk's bytes get the names that peers and scheduler use for them.

import { ShoalError } from './errors.ts';

/** Bytes of every piece but a blob's last. Part of the protocol: peers that disagree about it cannot speak. */
export const PIECE_BYTES = 65_536;

/** Most pieces of a blob: 2^24 pieces are 1 TiB, more than any registry takes, and a bitmap of 2 MiB. */
export const MAX_PIECES = 1 << 24;

/** Pieces of a blob of so many bytes. Throws `limit`. */
export function pieceCount(blobSize: number): number {
  const count = Math.ceil(blobSize / PIECE_BYTES);
  if (count <= MAX_PIECES) return count;
  throw new ShoalError('limit', `blob of ${blobSize} bytes: at most ${MAX_PIECES * PIECE_BYTES} can be shared`);
}

/** Where a piece lies in its blob, bytes. Throws `internal` when the blob has no such piece. */
export function pieceRange(blobSize: number, piece: number): { readonly offset: number; readonly length: number } {
  const offset = piece * PIECE_BYTES;
  if (piece < 0 || offset >= blobSize) throw new ShoalError('internal', `no piece ${piece} in ${blobSize} bytes`);
  return { offset, length: Math.min(PIECE_BYTES, blobSize - offset) };
}

/** First piece and the one after the last that a range of the blob touches. `length` in bytes, at least 1. */
export function piecesOf(offset: number, length: number): { readonly first: number; readonly end: number } {
  return { first: Math.floor(offset / PIECE_BYTES), end: Math.floor((offset + length - 1) / PIECE_BYTES) + 1 };
}

/** The digests of a blob's pieces, out of an image's piece table: covered by the manifest's digest. */
export interface PieceDigests {
  readonly count: number;
  /** Are these the bytes of the piece? At most PIECE_BYTES; synchronous, some 20 µs. */
  verify(piece: number, bytes: Uint8Array): boolean;
}
