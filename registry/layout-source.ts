// An image in an OCI layout, to read, from a directory or from a tar. The disk is trusted no more than a registry: every
// whole blob is digest-checked while it flows.

import { createHash } from 'node:crypto';
import type {
  ByteRange,
  Descriptor,
  Digest,
  FetchedManifest,
  ManifestPreference,
  NamedSource,
  Platform,
  RangeReader,
  Referrer,
  ReferrerSource,
  TransferOptions,
} from '../core/index.ts';
import { abortedError, digestFromHex, fromSystemError, ShoalError } from '../core/index.ts';
import { checkDocumentSize, readAll } from './body.ts';
import { chooseManifest } from './index-choice.ts';
import { REF_NAME } from './layout-files.ts';
import { layoutReferrers } from './layout-referrers.ts';
import type { LayoutStore } from './layout-store.ts';
import { contentOf } from './layout-store.ts';
import type { ImageIndex, IndexEntry } from './manifest.ts';
import { describeDocument, MEDIA_TYPES } from './manifest.ts';
import { chooseEntry } from './platform.ts';
import { checkRange } from './range.ts';
import type { ArchiveReference, LayoutReference } from './reference.ts';
import { formatReference } from './reference.ts';
import { isReferrerTag } from './referrer-tags.ts';
import type { ExpectedContent } from './verified-stream.ts';
import { verifiedStream } from './verified-stream.ts';

export class LayoutSource implements NamedSource, ReferrerSource, RangeReader {
  readonly name: string;
  readonly #reference: LayoutReference | ArchiveReference;
  readonly #store: LayoutStore;

  constructor(reference: LayoutReference | ArchiveReference, store: LayoutStore) {
    this.name = formatReference(reference);
    this.#reference = reference;
    this.#store = store;
  }

  async manifest(
    platform: Platform,
    options: TransferOptions & { readonly prefer?: ManifestPreference | undefined },
  ): Promise<FetchedManifest> {
    const choice = { platform, prefer: options.prefer ?? 'oci', what: this.name };
    const start = chooseEntry(await this.#entries(options), platform, choice.prefer, this.name);
    const bytes = await this.document(start, options);
    const fetch = (descriptor: Descriptor) => this.document(descriptor, options);
    return chooseManifest({ digest: start.digest, mediaType: start.mediaType, bytes }, choice, fetch);
  }

  async named(options: TransferOptions): Promise<FetchedManifest> {
    const entries = await this.#entries(options);
    const digests = new Set(entries.map(entry => entry.digest));
    const [only] = entries;
    if (only && digests.size === 1) {
      const bytes = await this.document(only, options);
      return { digest: only.digest, mediaType: describeDocument(bytes, only.mediaType, this.name).mediaType, bytes };
    }
    const index: ImageIndex = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries };
    const bytes = Buffer.from(JSON.stringify(index));
    const digest = digestFromHex(createHash('sha256').update(bytes).digest('hex'));
    return { digest, mediaType: MEDIA_TYPES.ociIndex, bytes };
  }

  async referrers(subject: Digest, options: TransferOptions): Promise<readonly Referrer[]> {
    const index = await this.#store.index(options);
    return layoutReferrers(index, subject, descriptor => this.document(descriptor, options), this.name);
  }

  async document(descriptor: Descriptor, options: TransferOptions): Promise<Uint8Array> {
    checkDocumentSize(descriptor, this.name);
    return readAll(this.blob(descriptor, options), descriptor.size, `${this.name}: ${descriptor.digest}`);
  }

  blob(descriptor: Descriptor, options: TransferOptions & { readonly range?: ByteRange }): AsyncIterable<Uint8Array> {
    if (options.range) return this.readRange(descriptor, options.range, options);
    const whole = { offset: 0, length: descriptor.size };
    return verifiedStream(this.readRange(descriptor, whole, options), descriptor, this.name);
  }

  async *readRange(
    blob: ExpectedContent,
    range: ByteRange,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    checkRange(blob, range, this.name);
    if (signal.aborted) throw abortedError(signal);
    const stored = await this.#store.openBlob(blob, { signal });
    try {
      yield* contentOf(stored, range, { what: `${this.name}: blob ${blob.digest}`, signal });
    } catch (error) {
      throw fromSystemError(error, `${this.name}: reading blob ${blob.digest}`);
    } finally {
      await stored.close();
    }
  }

  /** What the reference names: one entry, or the entries of several platforms. Throws `not-found`, and says what there is. */
  async #entries(options: TransferOptions): Promise<readonly IndexEntry[]> {
    const { tag, digest } = this.#reference;
    const { manifests } = await this.#store.index(options);
    if (digest !== undefined) {
      const size = await this.#store.blobSize(digest, options);
      if (size !== undefined) return [{ mediaType: '', digest, size }];
      throw new ShoalError('not-found', `${this.name}: not in the layout`);
    }
    const images = manifests.filter(entry => !isReferrerTag(nameOf(entry) ?? ''));
    const found = tag === undefined ? images : manifests.filter(entry => nameOf(entry) === tag);
    const names = [...new Set(images.map(nameOf))];
    const isOne = names.length === 1 || new Set(found.map(entry => entry.digest)).size === 1;
    if (found.length > 0 && (tag !== undefined || isOne)) return found;
    const list =
      names
        .map(name => name ?? '(without a tag)')
        .slice(0, MAX_LISTED)
        .join(', ') || 'none';
    const wanted = tag === undefined ? 'several images, none chosen' : `no image ${tag}`;
    throw new ShoalError(
      'not-found',
      `${this.name}: ${found.length > 0 || tag !== undefined ? wanted : 'no image'}; tags: ${list}`,
    );
  }
}

/** A layout may hold many images; a message should not list them all. */
const MAX_LISTED = 20;

function nameOf(entry: IndexEntry): string | undefined {
  return entry.annotations?.[REF_NAME];
}
