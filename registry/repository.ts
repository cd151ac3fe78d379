// One repository at one place (the registry, or a mirror of it), to read from. One attempt each: who retries, or goes to
// another place, is registry-source.ts's business.

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ByteRange, Clock, Descriptor, Digest, RangeReader, Referrer, TransferOptions } from '../core/index.ts';
import { digestFromHex, isDigest, ShoalError } from '../core/index.ts';
import { MAX_DOCUMENT_BYTES, readAll } from './body.ts';
import type { HttpResponse } from './http.ts';
import type { NamedDocument } from './index-choice.ts';
import { ACCEPTED_MANIFESTS, isManifestType } from './manifest.ts';
import { bodyOfRange, checkRange } from './range.ts';
import type { RegistryReference } from './reference.ts';
import type { RegistryClient } from './registry-client.ts';
import { registryReferrers } from './registry-referrers.ts';
import type { ExpectedContent } from './verified-stream.ts';
import { verifiedStream } from './verified-stream.ts';

/** Signed addresses of blobs are good for minutes; this saves the detour for the ranges of one burst of reads. */
const BLOB_ADDRESS_MS = 60_000;
const MAX_BLOB_ADDRESSES = 512;

export class Repository implements RangeReader {
  readonly name: string;
  readonly #client: RegistryClient;
  readonly #addresses: LRUCache<Digest, URL>;

  constructor(client: RegistryClient) {
    this.name = client.name;
    this.#client = client;
    this.#addresses = new LRUCache({
      max: MAX_BLOB_ADDRESSES,
      ttl: BLOB_ADDRESS_MS,
      ttlResolution: 0,
      perf: { now: () => client.clock.monotonic() },
    });
  }

  /** Its name at that place. */
  get path(): string {
    return this.#client.repository;
  }

  get clock(): Clock {
    return this.#client.clock;
  }

  /** What refers to a manifest in it. */
  referrers(subject: Digest, options: TransferOptions): Promise<readonly Referrer[]> {
    return registryReferrers(this.#client, subject, options);
  }

  /** The document that the reference names, verified against the digest of the reference or of the answer. */
  async namedDocument({ tag, digest: wanted }: RegistryReference, signal: AbortSignal): Promise<NamedDocument> {
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

  /** A manifest or config, whole and verified. */
  async document(descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    const response = isManifestType(descriptor.mediaType)
      ? await this.#getManifest(descriptor.digest, signal)
      : await this.#getBlob(descriptor.digest, {}, signal);
    return readAll(verifiedStream(response.body, descriptor, this.name), descriptor.size, this.name);
  }

  /** All of a blob, unverified. */
  async *wholeBlob(blob: ExpectedContent, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const response = await this.#getBlob(blob.digest, {}, signal);
    yield* response.body;
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
}
