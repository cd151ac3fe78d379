// A source that asks once what its name stands for. Whoever looks at an image more than once (its index, one platform, then
// another) then sees one image even when the tag moves meanwhile, and registries that count manifests as pulls count one.

import { LRUCache } from 'lru-cache';
import type {
  ByteRange,
  Descriptor,
  Digest,
  FetchedManifest,
  ManifestPreference,
  Platform,
  Referrer,
  TransferOptions,
} from '../core/index.ts';
import { chooseManifest } from './index-choice.ts';
import { isManifestType } from './manifest.ts';
import type { OpenedSource } from './open.ts';
import type { ExpectedContent } from './verified-stream.ts';

/** Bytes of manifests that are kept: an index has some twenty of a few kilobytes, a hostile one hundreds of megabytes. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;

export class PinnedSource implements OpenedSource {
  readonly name: string;
  readonly #source: OpenedSource;
  #named: FetchedManifest | undefined;
  readonly #documents = new LRUCache<Digest, Uint8Array>({
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: bytes => Math.max(1, bytes.length),
  });

  constructor(source: OpenedSource) {
    this.name = source.name;
    this.#source = source;
  }

  async named(options: TransferOptions): Promise<FetchedManifest> {
    if (this.#named) return this.#named;
    const found = await this.#source.named(options);
    // Of several that asked at once, the first one's answer is everybody's.
    this.#named ??= found;
    return this.#named;
  }

  async manifest(
    platform: Platform,
    options: TransferOptions & { readonly prefer?: ManifestPreference | undefined },
  ): Promise<FetchedManifest> {
    const choice = { platform, prefer: options.prefer ?? 'oci', what: this.name };
    return chooseManifest(await this.named(options), choice, descriptor => this.document(descriptor, options));
  }

  async document(descriptor: Descriptor, options: TransferOptions): Promise<Uint8Array> {
    const { digest, mediaType, size } = descriptor;
    if (digest === this.#named?.digest && size === this.#named.bytes.length) return this.#named.bytes;
    const known = this.#documents.get(digest);
    if (known?.length === size) return known;
    const bytes = await this.#source.document(descriptor, options);
    if (isManifestType(mediaType)) this.#documents.set(digest, bytes);
    return bytes;
  }

  blob(descriptor: Descriptor, options: TransferOptions & { readonly range?: ByteRange }): AsyncIterable<Uint8Array> {
    return this.#source.blob(descriptor, options);
  }

  readRange(blob: ExpectedContent, range: ByteRange, options: TransferOptions): AsyncIterable<Uint8Array> {
    return this.#source.readRange(blob, range, options);
  }

  referrers(subject: Digest, options: TransferOptions): Promise<readonly Referrer[]> {
    return this.#source.referrers(subject, options);
  }
}
