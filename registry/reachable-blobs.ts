// Which blobs of a layout its images need: what the entries of an index name, and what that names in turn.

import type { Descriptor, Digest } from '../core/index.ts';
import { isShoalError } from '../core/index.ts';
import type { IndexEntry } from './manifest.ts';
import { isIndexType, isManifestType, parseIndex, parseManifest } from './manifest.ts';

/** Manifests and indexes that are looked into; a layout with more is taken as it is. */
const MAX_DOCUMENTS = 10_000;

/**
 * The blobs that `entries` need, or undefined when that cannot be told: a document of a kind that we do not know, or that
 * is missing or wrong. `read` gives a document whole and verified.
 */
export async function reachableBlobs(
  entries: readonly IndexEntry[],
  read: (descriptor: Descriptor) => Promise<Uint8Array>,
  what: string,
): Promise<ReadonlySet<Digest> | undefined> {
  const reached = new Set<Digest>();
  const ahead: Descriptor[] = [...entries];
  let documents = 0;
  for (let next = ahead.pop(); next; next = ahead.pop()) {
    if (reached.has(next.digest)) continue;
    reached.add(next.digest);
    if (!isManifestType(next.mediaType) || ++documents > MAX_DOCUMENTS) return undefined;
    try {
      const bytes = await read(next);
      if (isIndexType(next.mediaType)) {
        ahead.push(...parseIndex(bytes, what).manifests);
      } else {
        const { config, layers } = parseManifest(bytes, what);
        for (const { digest } of [config, ...layers]) reached.add(digest);
      }
    } catch (error) {
      if (!isShoalError(error) || error.code === 'aborted') throw error;
      return undefined;
    }
  }
  return reached;
}
