// From whatever a reference names to the manifest for one platform, through indexes. Both kinds of source use it.

import type { Descriptor, Digest, FetchedManifest, ManifestPreference, Platform } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import { describeDocument, parseIndex } from './manifest.ts';
import { chooseEntry } from './platform.ts';

/** Indexes within indexes: one level is common, two exist, more is a loop or an attack. */
const MAX_INDEX_DEPTH = 4;

export interface NamedDocument {
  readonly digest: Digest;
  /** As the descriptor or the registry's answer claims. */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export interface ManifestChoice {
  readonly platform: Platform;
  readonly prefer: ManifestPreference;
  /** The image, for messages. */
  readonly what: string;
}

/** Follows indexes from `start`. `fetch` gives a document whole and verified. Throws `not-found`, `malformed`. */
export async function chooseManifest(
  start: NamedDocument,
  choice: ManifestChoice,
  fetch: (descriptor: Descriptor) => Promise<Uint8Array>,
): Promise<FetchedManifest> {
  let { digest, mediaType, bytes } = start;
  for (let depth = 0; depth <= MAX_INDEX_DEPTH; depth++) {
    const found = describeDocument(bytes, mediaType, choice.what);
    if (found.kind === 'manifest') {
      const isStart = digest === start.digest;
      return { digest, mediaType: found.mediaType, bytes, ...(!isStart && { indexDigest: start.digest }) };
    }
    const { manifests } = parseIndex(bytes, choice.what);
    const entry = chooseEntry(manifests, choice.platform, choice.prefer, choice.what);
    bytes = await fetch(entry);
    ({ digest, mediaType } = entry);
  }
  throw new ShoalError('malformed', `${choice.what}: indexes within indexes, more than ${MAX_INDEX_DEPTH} deep`);
}
