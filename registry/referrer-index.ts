// Makes a referrer findable in an OCI layout: under its own tag, or in the index that the fallback tag names.

import type { Descriptor, Digest, Referrer } from '../core/index.ts';
import { REF_NAME, withEntry } from './layout-files.ts';
import type { ImageIndex } from './manifest.ts';
import { MEDIA_TYPES, parseIndex } from './manifest.ts';
import { fallbackTag, NO_REFERRERS, withReferrer } from './referrer-tags.ts';

/** The documents of the layout that is being written. */
export interface DocumentStore {
  read(descriptor: Descriptor): Promise<Uint8Array>;
  write(bytes: Uint8Array, mediaType: string): Promise<Digest>;
}

export interface StoredReferrer {
  readonly subject: Digest;
  readonly referrer: Referrer;
  readonly manifest: Uint8Array;
}

/** The layout's index with the referrer in it. Its manifest is stored already. */
export async function indexWithReferrer(
  index: ImageIndex,
  { subject, referrer, manifest }: StoredReferrer,
  documents: DocumentStore,
): Promise<ImageIndex> {
  if (referrer.tag !== undefined) {
    return withEntry(index, { ...referrer.descriptor, annotations: { [REF_NAME]: referrer.tag } });
  }
  const tag = fallbackTag(subject);
  const present = index.manifests.find(entry => entry.annotations?.[REF_NAME] === tag);
  const before = present ? parseIndex(await documents.read(present), `referrers of ${subject}`) : NO_REFERRERS;
  const bytes = Buffer.from(JSON.stringify(withReferrer(before, referrer, manifest)));
  const digest = await documents.write(bytes, MEDIA_TYPES.ociIndex);
  const entry = { mediaType: MEDIA_TYPES.ociIndex, digest, size: bytes.length, annotations: { [REF_NAME]: tag } };
  return withEntry(index, entry);
}
