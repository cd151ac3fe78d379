// The piece table of an image (docs/image-format.md §13): the digests of the pieces of its blobs, beside the bootstrap, so
// covered by the manifest's digest. Written by the converter when all blobs are there, read when an image is opened.

import { type Digest, digestFromHex, hexOf, MAX_PIECES, PIECE_BYTES, pieceCount } from '../core/index.ts';
import { readU64, writeByteString, writeI64 } from './fields.ts';
import { DIGEST_BLAKE3 } from './layout.ts';
import { BlobPieces, PIECE_DIGEST_BYTES } from './piece-digests.ts';
import { malformed, unsupported } from './refusals.ts';

/** A blob as the manifest names it: by the sha256 and the size, in bytes, of its file. */
export interface SizedBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** A blob with the digests of its pieces, one behind the other (PieceHasher). */
export interface HashedBlob extends SizedBlob {
  readonly digests: Uint8Array;
}

const MAGIC = 'SHOALPCS';
const MAGIC_HEX = Buffer.from(MAGIC).toString('hex');
const VERSION = 1;
const HEADER_BYTES = 24;
const ENTRY_BYTES = 48;
const ID_BYTES = 32;

/** 1 TiB of blobs. A table is held in memory for as long as the image is in use. */
export const MAX_PIECE_TABLE_BYTES = MAX_PIECES * PIECE_DIGEST_BYTES;

/** The largest table that an image with these data layers can have, whether or not that is too large to be read. */
export function largestPieceTable(layers: readonly Pick<SizedBlob, 'size'>[]): number {
  return layers.reduce(
    (sum, { size }) => sum + ENTRY_BYTES + Math.ceil(size / PIECE_BYTES) * PIECE_DIGEST_BYTES,
    HEADER_BYTES,
  );
}

/**
 * The table of these blobs, in this order; the caller's. The same blobs give the same bytes. Blobs with which it would be
 * larger than `maxBytes` are left out: readers do without them. Throws `malformed` when digests do not fit a size.
 */
export function encodePieceTable(
  blobs: readonly HashedBlob[],
  maxBytes = MAX_PIECE_TABLE_BYTES,
): Uint8Array<ArrayBuffer> {
  let size = HEADER_BYTES;
  const taken = blobs.filter(({ digests }) => {
    const fits = size + ENTRY_BYTES + digests.length <= maxBytes;
    if (fits) size += ENTRY_BYTES + digests.length;
    return fits;
  });
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  writeByteString(bytes, 0, MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, DIGEST_BLAKE3, true);
  view.setUint32(16, PIECE_BYTES, true);
  view.setUint32(20, taken.length, true);
  let digestsAt = HEADER_BYTES + taken.length * ENTRY_BYTES;
  taken.forEach((blob, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    const { count, digests } = new BlobPieces(blob.size, blob.digests);
    bytes.set(Buffer.from(hexOf(blob.digest), 'hex'), at);
    writeI64(view, at + ID_BYTES, blob.size);
    view.setUint32(at + 40, count, true);
    bytes.set(digests, digestsAt);
    digestsAt += digests.length;
  });
  return bytes;
}

/**
 * The digests of those of the data layers that the table has; they are views of `bytes`, which must not change any more.
 * Allocates nothing but these. Throws `malformed`, `limit`, or `unsupported` for a version, digester or size of pieces of the
 * future: then the image is to be taken as one without a table.
 */
export function parsePieceTable(bytes: Uint8Array, layers: readonly SizedBlob[]): ReadonlyMap<Digest, BlobPieces> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const blobs = readHeader(bytes, view);
  const sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
  const found = new Map<Digest, BlobPieces>();
  let digestsAt = HEADER_BYTES + blobs * ENTRY_BYTES;
  for (let index = 0; index < blobs; index++) {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    const name = `piece table: blob ${index + 1} of ${blobs}`;
    const digest = digestFromHex(Buffer.from(bytes.subarray(at, at + ID_BYTES)).toString('hex'));
    const size = sizes.get(digest);
    if (size === undefined) throw malformed(`${name}: ${digest} is none of the manifest's data layers`);
    if (found.has(digest)) throw malformed(`${name}: ${digest} is there twice`);
    expectEqual(name, 'size', readU64(view, at + ID_BYTES, `${name}: its size`), size);
    const count = view.getUint32(at + 40, true);
    expectEqual(name, 'number of pieces', count, pieceCount(size));
    expectEqual(name, 'reserved field', view.getUint32(at + 44, true), 0);
    const end = digestsAt + count * PIECE_DIGEST_BYTES;
    if (end > bytes.length) throw malformed(`${name}: its digests end at byte ${end} of ${bytes.length}`);
    found.set(digest, new BlobPieces(size, bytes.subarray(digestsAt, end)));
    digestsAt = end;
  }
  if (digestsAt !== bytes.length) throw malformed(`piece table of ${bytes.length} bytes; expected ${digestsAt}`);
  return found;
}

/** How many blobs follow; their entries lie within the table. */
function readHeader(bytes: Uint8Array, view: DataView): number {
  if (bytes.length < HEADER_BYTES) throw malformed(`piece table of ${bytes.length} bytes; expected ${HEADER_BYTES}`);
  const magic = Buffer.from(bytes.subarray(0, MAGIC.length)).toString('hex');
  if (magic !== MAGIC_HEX) throw malformed(`piece table: magic is 0x${magic}; expected 0x${MAGIC_HEX}`);
  expectKnown('version', view.getUint32(8, true), VERSION);
  expectKnown('digester', view.getUint32(12, true), DIGEST_BLAKE3);
  expectKnown('piece size', view.getUint32(16, true), PIECE_BYTES);
  const blobs = view.getUint32(20, true);
  const end = HEADER_BYTES + blobs * ENTRY_BYTES;
  if (end > bytes.length) throw malformed(`piece table of ${bytes.length} bytes; its ${blobs} blobs take ${end}`);
  return blobs;
}

function expectKnown(field: string, found: number, known: number): void {
  if (found !== known) throw unsupported(`piece table: ${field} ${found}; only ${known} can be read`);
}

function expectEqual(name: string, field: string, found: number, expected: number): void {
  if (found !== expected) throw malformed(`${name}: its ${field} is ${found}; expected ${expected}`);
}
