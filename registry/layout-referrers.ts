// What refers to an image of an OCI layout. The image specification does not say how; three ways are in use: the fallback
// tag and cosign's tags, as in registries, and manifests without a name in index.json that name their subject.

import type { Descriptor, Digest, Referrer } from '../core/index.ts';
import { REF_NAME } from './layout-files.ts';
import type { ImageIndex, IndexEntry } from './manifest.ts';
import { isIndexType, isManifestType, parseIndex, parseManifest } from './manifest.ts';
import { cosignTags, distinctReferrers, fallbackTag, listedReferrers, MAX_REFERRERS } from './referrer-tags.ts';

/** `fetch` gives a document of the layout, whole and verified. */
export async function layoutReferrers(
  { manifests }: ImageIndex,
  subject: Digest,
  fetch: (descriptor: Descriptor) => Promise<Uint8Array>,
  what: string,
): Promise<readonly Referrer[]> {
  const named = (tag: string) => manifests.find(entry => entry.annotations?.[REF_NAME] === tag);
  const ofCosign = cosignTags(subject).flatMap(({ tag, type }): Referrer[] => {
    const entry = named(tag);
    return entry ? [{ descriptor: plain(entry), type, tag }] : [];
  });
  const fallback = named(fallbackTag(subject));
  const listed = fallback ? listedReferrers(parseIndex(await fetch(fallback), `${what}: referrers`)) : [];
  const unnamed = manifests.filter(entry => entry.annotations?.[REF_NAME] === undefined).slice(0, MAX_REFERRERS);
  const ofSubject: Referrer[] = [];
  for (const entry of unnamed) {
    if (!isManifestType(entry.mediaType) || isIndexType(entry.mediaType)) continue;
    const manifest = parseManifest(await fetch(entry), what);
    if (manifest.subject?.digest !== subject) continue;
    ofSubject.push({ descriptor: plain(entry), type: manifest.artifactType ?? manifest.config.mediaType });
  }
  return distinctReferrers([...ofCosign, ...ofSubject, ...listed], what);
}

/** Without the name that the layout gives it. */
function plain({ mediaType, digest, size }: IndexEntry): Descriptor {
  return { mediaType, digest, size };
}
