// The pieces of the bootstrap's own layer (docs/image-format.md §13). They cannot stand inside it, and it is the first
// thing that many nodes fetch at once: so they are text in the manifest, an annotation of the layer's descriptor.

import { hexOf, PIECE_BYTES } from '../core/index.ts';
import { DIGEST_BLAKE3 } from './layout.ts';
import { BlobPieces, PIECE_DIGEST_BYTES } from './piece-digests.ts';
import type { HashedBlob, SizedBlob } from './piece-table.ts';
import { malformed } from './refusals.ts';

/** Characters. A bootstrap layer of 96 MiB; registries take manifests of a few MiB. */
export const MAX_PIECE_ANNOTATION = 65_536;

const LAYER_AT = 1;
const DIGESTS_AT = 33;

/** The annotation's value for this layer; undefined when it would be too long. */
export function encodePieceAnnotation({ digest, digests }: HashedBlob): string | undefined {
  const bytes = Buffer.alloc(DIGESTS_AT + digests.length);
  bytes[0] = DIGEST_BLAKE3;
  bytes.write(hexOf(digest), LAYER_AT, 'hex');
  bytes.set(digests, DIGESTS_AT);
  const text = bytes.toString('base64');
  return text.length <= MAX_PIECE_ANNOTATION ? text : undefined;
}

/**
 * The digests out of the layer's annotation. Undefined when it is about another layer, as tools leave it that compress
 * layers anew, or of a digester of the future. Throws `malformed`.
 */
export function parsePieceAnnotation(text: string, { digest, size }: SizedBlob): BlobPieces | undefined {
  const name = `piece annotation of layer ${digest}`;
  if (text.length > MAX_PIECE_ANNOTATION) {
    throw malformed(`${name}: ${text.length} characters; at most ${MAX_PIECE_ANNOTATION} are accepted`);
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw malformed(`${name}: no base64`);
  if (bytes.length < DIGESTS_AT) throw malformed(`${name}: ${bytes.length} bytes; expected at least ${DIGESTS_AT}`);
  if (bytes[0] !== DIGEST_BLAKE3 || bytes.toString('hex', LAYER_AT, DIGESTS_AT) !== hexOf(digest)) return undefined;
  const expected = DIGESTS_AT + Math.ceil(size / PIECE_BYTES) * PIECE_DIGEST_BYTES;
  if (bytes.length !== expected) throw malformed(`${name}: ${bytes.length} bytes; expected ${expected}`);
  return new BlobPieces(size, bytes.subarray(DIGESTS_AT));
}
