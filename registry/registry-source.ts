// An image in a registry, to read. Whole blobs survive broken connections (they resume where they stopped) and are
// digest-checked as they flow; ranges are handed on as they come, for origin.ts.

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type {
  ByteRange,
  Descriptor,
  Digest,
  FetchedManifest,
  ManifestPreference,
  NamedSource,
  Platform,
  Referrer,
  ReferrerSource,
  TransferOptions,
} from '../core/index.ts';
import { digestFromHex, isDigest, ShoalError } from '../core/index.ts';
import type { BlobReader } from './blob-reader.ts';
import { checkRange } from './blob-reader.ts';
import { checkDocumentSize, MAX_DOCUMENT_BYTES, readAll } from './body.ts';
import type { HttpResponse } from './http.ts';
import type { NamedDocument } from './index-choice.ts';
import { chooseManifest } from './index-choice.ts';
import { ACCEPTED_MANIFESTS, describeDocument, isManifestType } from './manifest.ts';
import { bodyOfRange } from './range.ts';
import type { RegistryReference } from './reference.ts';
import type { RegistryClient } from './registry-client.ts';
import { registryReferrers } from './registry-referrers.ts';
import { resumableStream, withRetry } from './retry.ts';
import type { ExpectedContent } from './verified-stream.ts';
import { verifiedStream } from './verified-stream.ts';

/** Signed addresses of blobs are good for minutes; this saves the detour for the ranges of one burst of reads. */
const BLOB_ADDRESS_MS = 60_000;
const MAX_BLOB_ADDRESSES = 512;

export class RegistrySource implements NamedSource, ReferrerSource, BlobReader {
  readonly name: string;
  readonly #client: RegistryClient;
  readonly #reference: RegistryReference;
  readonly #addresses: LRUCache<Digest, URL>;

  constructor(reference: RegistryReference, client: RegistryClient) {
    this.name = client.name;
    this.#client = client;
    this.#reference = reference;
    this.#addresses = new LRUCache({
      max: MAX_BLOB_ADDRESSES,
      ttl: BLOB_ADDRESS_MS,
      ttlResolution: 0,
      perf: { now: () => client.clock.monotonic() },
    });
  }

  async manifest(
    platform: Platform,
    options: TransferOptions & { readonly prefer?: ManifestPreference | undefined },
  ): Promise<FetchedManifest> {
    const start = await this.#retried(() => this.#namedDocument(options.signal), options);
    const choice = { platform, prefer: options.prefer ?? 'oci', what: this.name };
    return chooseManifest(start, choice, descriptor => this.document(descriptor, options));
  }

  async named(options: TransferOptions): Promise<FetchedManifest> {
    const { digest, mediaType, bytes } = await this.#retried(() => this.#namedDocument(options.signal), options);
    return { digest, mediaType: describeDocument(bytes, mediaType, this.name).mediaType, bytes };
  }

  referrers(subject: Digest, options: TransferOptions): Promise<readonly Referrer[]> {
    return registryReferrers(this.#client, subject, options);
  }

  async document(descriptor: Descriptor, options: TransferOptions): Promise<Uint8Array> {
    checkDocumentSize(descriptor, this.name);
    return this.#retried(async () => {
      const response = isManifestType(descriptor.mediaType)
        ? await this.#getManifest(descriptor.digest, options.signal)
        : await this.#getBlob(descriptor.digest, {}, options.signal);
      return readAll(verifiedStream(response.body, descriptor, this.name), descriptor.size, this.name);
    }, options);
  }

  blob(descriptor: Descriptor, options: TransferOptions & { readonly range?: ByteRange }): AsyncIterable<Uint8Array> {
    const { range, signal } = options;
    const { offset, length } = range ?? { offset: 0, length: descriptor.size };
    const open = (done: number) =>
      done === 0 && range === undefined
        ? this.#wholeBlob(descriptor, signal)
        : this.readRange(descriptor, { offset: offset + done, length: length - done }, { signal });
    const pieces = resumableStream(open, { signal, clock: this.#client.clock });
    return range === undefined ? verifiedStream(pieces, descriptor, this.name) : pieces;
  }

  async *readRange(
    blob: ExpectedContent,
    range: ByteRange,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    checkRange(blob, range, this.name);
    if (range.length === 0) return;
    const header = `bytes=${range.offset}-${range.offset + range.length - 1}`;
    const response = await this.#getBlob(blob.digest, { range: header }, signal);
    yield* bodyOfRange(response, blob, range, this.name);
  }

  async *#wholeBlob(descriptor: Descriptor, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const response = await this.#getBlob(descriptor.digest, {}, signal);
    yield* response.body;
  }

  /** The document that the reference names, verified against the digest of the reference or of the answer. */
  async #namedDocument(signal: AbortSignal): Promise<NamedDocument> {
    const { tag, digest: wanted } = this.#reference;
    const response = await this.#getManifest(wanted ?? tag ?? '', signal);
    const bytes = await readAll(response.body, MAX_DOCUMENT_BYTES, `${this.name}: manifest`);
    const digest = digestFromHex(createHash('sha256').update(bytes).digest('hex'));
    const promised = wanted ?? response.header('docker-content-digest') ?? digest;
    // Registries may promise by another algorithm; one that we cannot check is no promise.
    if (isDigest(promised) && promised !== digest) {
      throw new ShoalError('digest-mismatch', `${this.name}: manifest: expected ${promised}, found ${digest}`);
    }
    return { digest, mediaType: (response.header('content-type') ?? '').split(';')[0]?.trim() ?? '', bytes };
  }

  async #getManifest(name: string, signal: AbortSignal): Promise<HttpResponse> {
    const headers = { accept: ACCEPTED_MANIFESTS.join(', ') };
    const response = await this.#client.send(
      { method: 'GET', target: `manifests/${name}`, action: 'pull', headers },
      signal,
    );
    return this.#client.expect(response, [200], 'manifest');
  }

  async #getBlob(digest: Digest, headers: Record<string, string>, signal: AbortSignal): Promise<HttpResponse> {
    const known = this.#addresses.get(digest);
    if (known) {
      // Forgotten first: if this fails in whatever way, the next attempt asks the registry.
      this.#addresses.delete(digest);
      const response = await this.#client.send({ method: 'GET', target: known, action: 'pull', headers }, signal);
      if (response.status === 200 || response.status === 206) {
        this.#addresses.set(digest, known);
        return response;
      }
      await response.discard();
    }
    const response = await this.#client.send(
      { method: 'GET', target: `blobs/${digest}`, action: 'pull', headers },
      signal,
    );
    await this.#client.expect(response, [200, 206], `blob ${digest}`);
    if (response.url.origin !== this.#client.endpoint.origin) this.#addresses.set(digest, response.url);
    return response;
  }

  #retried<T>(work: () => Promise<T>, { signal }: TransferOptions): Promise<T> {
    return withRetry(work, { signal, clock: this.#client.clock });
  }
}
