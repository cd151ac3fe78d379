// An image in a registry, to write. A blob is asked for first, then mounted from another repository if one is named,
// then uploaded (upload.ts).

import { createHash } from 'node:crypto';
import type {
  Descriptor,
  Digest,
  ImageSink,
  ManifestOptions,
  PutResult,
  Referrer,
  ReferrerSink,
  TransferOptions,
} from '../core/index.ts';
import { digestFromHex, isShoalError, ShoalError } from '../core/index.ts';
import type { HttpResponse } from './http.ts';
import type { RegistryReference } from './reference.ts';
import type { RegistryClient } from './registry-client.ts';
import { pushReferrer } from './registry-referrers.ts';
import { withRetry } from './retry.ts';
import type { Content } from './upload.ts';
import { Upload } from './upload.ts';

interface PutOptions extends TransferOptions {
  readonly onBytes?: (bytes: number) => void;
}

export class RegistrySink implements ImageSink, ReferrerSink, AsyncDisposable {
  readonly name: string;
  readonly #client: RegistryClient;
  readonly #reference: RegistryReference;
  /** Undefined again once the registry would not let us look there. */
  #mountFrom: string | undefined;

  /** `mountFrom` is another repository of the same registry, whose blobs may be used without a transfer. */
  constructor(
    reference: RegistryReference,
    client: RegistryClient,
    options: { readonly mountFrom?: string | undefined } = {},
  ) {
    this.name = client.name;
    this.#client = client;
    this.#reference = reference;
    this.#mountFrom = options.mountFrom === reference.repository ? undefined : options.mountFrom;
  }

  hasBlob(digest: Digest, options: TransferOptions): Promise<boolean> {
    return this.#retried(() => this.#isThere(digest, options.signal), options);
  }

  putBlob(descriptor: Descriptor, content: Content, options: PutOptions): Promise<PutResult> {
    const progress = progressOf(options.onBytes);
    return this.#retried(async () => {
      if (await this.#isThere(descriptor.digest, options.signal)) return 'present';
      const session = await this.#openUpload(descriptor.digest, options.signal);
      if (session === 'mounted') return 'mounted';
      const blob = { descriptor, content: () => progress(content()) };
      await new Upload(this.#client, session, blob, options.signal).run();
      return 'written';
    }, options);
  }

  putManifest(bytes: Uint8Array, mediaType: string, options: ManifestOptions): Promise<Digest> {
    const digest = digestFromHex(createHash('sha256').update(bytes).digest('hex'));
    return this.#retried(async () => {
      const response = await this.#client.send(
        {
          method: 'PUT',
          target: `manifests/${options.untagged ? digest : (this.#reference.tag ?? digest)}`,
          action: 'push',
          headers: { 'content-type': mediaType },
          body: () => bytes,
        },
        options.signal,
      );
      await this.#client.expect(response, [200, 201, 202], 'manifest');
      await response.discard();
      const stored = response.header('docker-content-digest');
      if (stored?.startsWith('sha256:') && stored !== digest) {
        throw new ShoalError('digest-mismatch', `${this.name}: sent manifest ${digest}, the registry stored ${stored}`);
      }
      return digest;
    }, options);
  }

  putReferrer(subject: Digest, referrer: Referrer, manifest: Uint8Array, options: TransferOptions): Promise<void> {
    return pushReferrer(this.#client, subject, { referrer, manifest }, options);
  }

  /** Nothing is held: blobs that no manifest names are for the registry to collect. */
  async [Symbol.asyncDispose](): Promise<void> {}

  /** Asks with the right to push, so that one token serves the whole of a push. */
  async #isThere(digest: Digest, signal: AbortSignal): Promise<boolean> {
    const response = await this.#client.send({ method: 'HEAD', target: `blobs/${digest}`, action: 'push' }, signal);
    await this.#client.expect(response, [200, 404], `blob ${digest}`);
    await response.discard();
    return response.status === 200;
  }

  /** Starts an upload, asking for a mount in the same request: a registry that cannot mount opens the upload. */
  async #openUpload(digest: Digest, signal: AbortSignal): Promise<URL | 'mounted'> {
    const from = this.#mountFrom;
    if (from === undefined) return this.#askForUpload(digest, undefined, signal);
    try {
      return await this.#askForUpload(digest, from, signal);
    } catch (error) {
      // Who may write here need not be allowed to read there, and some token services then give no token at all.
      if (!isShoalError(error, 'unauthorized')) throw error;
      this.#mountFrom = undefined;
      return this.#askForUpload(digest, undefined, signal);
    }
  }

  async #askForUpload(digest: Digest, from: string | undefined, signal: AbortSignal): Promise<URL | 'mounted'> {
    const query = from === undefined ? '' : `?mount=${digest}&from=${encodeURIComponent(from)}`;
    const response = await this.#client.send(
      { method: 'POST', target: `blobs/uploads/${query}`, action: 'push', alsoPullFrom: from, body: () => NO_BYTES },
      signal,
    );
    await this.#client.expect(response, from === undefined ? [202] : [201, 202], `upload of blob ${digest}`);
    await response.discard();
    return response.status === 201 ? 'mounted' : this.#location(response);
  }

  #location(response: HttpResponse): URL {
    const location = response.header('location');
    const url = location === undefined ? null : URL.parse(location, response.url.href);
    if (url === null)
      throw new ShoalError('malformed', `${this.name}: the registry opened an upload but does not say where`);
    return url;
  }

  #retried<T>(work: () => Promise<T>, { signal }: TransferOptions): Promise<T> {
    return withRetry(work, { signal, clock: this.#client.clock });
  }
}

const NO_BYTES = new Uint8Array(0);

/** Reports each byte of the content once, however often a retry sends it. */
function progressOf(onBytes: ((bytes: number) => void) | undefined) {
  let reported = 0;
  return async function* (content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let sent = 0;
    for await (const piece of content) {
      yield piece;
      sent += piece.length;
      if (sent <= reported) continue;
      onBytes?.(sent - reported);
      reported = sent;
    }
  };
}
