// Digests as OCI writes them ("sha256:<hex>"), parsed once at the edge and trusted as a type from there on.

import { ShoalError } from './errors.ts';

declare const digestBrand: unique symbol;

/** A validated OCI digest, algorithm sha256: `sha256:` and 64 lower-case hex digits. */
export type Digest = string & { readonly [digestBrand]: true };

const DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/;
const HEX_PATTERN = /^[0-9a-f]{64}$/;

/** Parses an OCI digest. Throws `malformed` when it is not a sha256 digest. */
export function parseDigest(text: string): Digest {
  if (!DIGEST_PATTERN.test(text)) {
    throw new ShoalError(
      'malformed',
      `digest ${JSON.stringify(text.slice(0, 100))}: expected sha256: and 64 hex digits`,
    );
  }
  return text as Digest;
}

export function isDigest(text: string): text is Digest {
  return DIGEST_PATTERN.test(text);
}

/** The digest with these 64 hex digits (what blob tables and cache file names carry). */
export function digestFromHex(hex: string): Digest {
  if (!HEX_PATTERN.test(hex)) {
    throw new ShoalError('malformed', `digest ${JSON.stringify(hex.slice(0, 100))}: expected 64 hex digits`);
  }
  return `sha256:${hex}` as Digest;
}

/** The 64 hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** First 12 hex digits: enough to tell digests apart in a log line. */
export function shortDigest(digest: Digest): string {
  return hexOf(digest).slice(0, 12);
}
