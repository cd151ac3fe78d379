// How referrers are found where nothing but tags can say it: the distribution specification's fallback tag `sha256-HEX`
// ("Referrers Tag Schema": an index of referrers), and cosign's `sha256-HEX.sig`, `.att` and `.sbom` (a manifest each).
// Pure functions, for registries without the referrers API and for OCI layouts.

import type { Digest, Referrer } from '../core/index.ts';
import { hexOf, ShoalError } from '../core/index.ts';
import type { ImageIndex, IndexEntry } from './manifest.ts';
import { MEDIA_TYPES, parseManifest } from './manifest.ts';

/** More than any image has; each costs requests. */
export const MAX_REFERRERS = 1000;

/** cosign's suffixes, and what such a manifest holds. */
export const COSIGN_TYPES: ReadonlyMap<string, string> = new Map([
  ['sig', 'cosign signature'],
  ['att', 'cosign attestation'],
  ['sbom', 'cosign SBOM'],
]);

export function fallbackTag(subject: Digest): string {
  return `sha256-${hexOf(subject)}`;
}

/** cosign's tags for a subject, with what each stands for. */
export function cosignTags(subject: Digest): readonly { readonly tag: string; readonly type: string }[] {
  return [...COSIGN_TYPES].map(([suffix, type]) => ({ tag: `${fallbackTag(subject)}.${suffix}`, type }));
}

/** Is this tag no image of its own, but one of the above? */
export function isReferrerTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}(\.[a-z]+)?$/.test(tag);
}

/** What an index of referrers lists. */
export function listedReferrers({ manifests }: ImageIndex): readonly Referrer[] {
  return manifests.map(({ mediaType, digest, size, annotations, artifactType }) => ({
    descriptor: { mediaType, digest, size, ...(annotations && { annotations }) },
    type: artifactType ?? 'unnamed type',
  }));
}

/** Each manifest once. Throws `limit`. */
export function distinctReferrers(found: readonly Referrer[], what: string): readonly Referrer[] {
  const byDigest = new Map(found.map(referrer => [referrer.descriptor.digest, referrer]));
  if (byDigest.size <= MAX_REFERRERS) return [...byDigest.values()];
  throw new ShoalError(
    'limit',
    `${what}: ${byDigest.size} manifests refer to it; at most ${MAX_REFERRERS} are followed`,
  );
}

/** An index of referrers with one more, as the specification wants it: with its artifact type and its annotations. */
export function withReferrer(index: ImageIndex, referrer: Referrer, manifestBytes: Uint8Array): ImageIndex {
  const { mediaType, digest, size } = referrer.descriptor;
  const manifest = parseManifest(manifestBytes, `referrer ${digest}`);
  const entry: IndexEntry = {
    mediaType,
    digest,
    size,
    artifactType: manifest.artifactType ?? manifest.config.mediaType,
    ...(manifest.annotations && { annotations: manifest.annotations }),
  };
  const others = index.manifests.filter(other => other.digest !== digest);
  return { ...index, manifests: [...others, entry] };
}

export const NO_REFERRERS: ImageIndex = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] };
