// Signatures, SBOMs and attestations speak of the digest they were made for: the original's. A conversion finds them, says
// so, and, when asked, takes them along together with the original they are about. They say nothing about the
// accelerated image: that it holds the same files is what `shoal check --source` shows.

import type {
  Descriptor,
  Digest,
  ImageSink,
  ImageSource,
  Referrer,
  ReferrerSink,
  ReferrerSource,
} from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import { isIndexType, isManifestType, MAX_REFERRERS } from '../registry/index.ts';
import { copyBlobs, copyImage } from './image-copy.ts';

export interface FoundReferrers {
  readonly subject: Descriptor;
  readonly referrers: readonly Referrer[];
}

export interface ReferrersReport {
  /** Digests of the original: its index, if there is one, and its manifests. */
  readonly subjects: readonly Digest[];
  readonly count: number;
  /** How many of each type. */
  readonly types: Readonly<Record<string, number>>;
}

export interface FindOptions {
  readonly source: ReferrerSource;
  readonly subjects: readonly Descriptor[];
  readonly signal: AbortSignal;
}

export async function findReferrers({ source, subjects, signal }: FindOptions): Promise<readonly FoundReferrers[]> {
  const distinct = [...new Map(subjects.map(subject => [subject.digest, subject])).values()];
  const found: FoundReferrers[] = [];
  // One after another: each is a handful of requests already.
  for (const subject of distinct)
    found.push({ subject, referrers: await source.referrers(subject.digest, { signal }) });
  return found;
}

export function referrersReport(found: readonly FoundReferrers[]): ReferrersReport {
  const types: Record<string, number> = {};
  for (const { referrers } of found) for (const { type } of referrers) types[type] = (types[type] ?? 0) + 1;
  return {
    subjects: found.map(({ subject }) => subject.digest),
    count: found.reduce((sum, { referrers }) => sum + referrers.length, 0),
    types,
  };
}

export interface CopyReferrersOptions {
  readonly source: ImageSource & ReferrerSource;
  readonly sink: ImageSink & ReferrerSink;
  readonly signal: AbortSignal;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Copies what was found, what refers to that in turn (the signature of an SBOM), and the originals they are about.
 * Resolves to how many referrers were copied.
 */
export async function copyReferrers(found: readonly FoundReferrers[], options: CopyReferrersOptions): Promise<number> {
  const { source, signal } = options;
  const waiting = found.filter(({ referrers }) => referrers.length > 0);
  for (const { subject } of waiting) await copyImage(subject, options);
  const copied = new Set<Digest>();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const referrer of next.referrers) {
      await copyReferrer(next.subject.digest, referrer, options);
      if (copied.has(referrer.descriptor.digest)) continue;
      copied.add(referrer.descriptor.digest);
      if (copied.size > MAX_REFERRERS) throw new ShoalError('limit', `more than ${MAX_REFERRERS} referrers`);
      const referrers = await source.referrers(referrer.descriptor.digest, { signal });
      if (referrers.length > 0) waiting.push({ subject: referrer.descriptor, referrers });
    }
  }
  return copied.size;
}

async function copyReferrer(subject: Digest, referrer: Referrer, options: CopyReferrersOptions): Promise<void> {
  const { source, sink, signal } = options;
  const { digest, mediaType } = referrer.descriptor;
  if (!isManifestType(mediaType) || isIndexType(mediaType)) {
    throw new ShoalError('unsupported', `${source.name}: ${digest} refers to the image, but is a ${mediaType}`);
  }
  const manifest = await source.document(referrer.descriptor, { signal });
  await copyBlobs(manifest, options);
  await sink.putReferrer(subject, referrer, manifest, { signal });
}
