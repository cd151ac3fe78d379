// One blob into an upload that the registry has opened (distribution specification, "Pushing blobs"): in one PUT, and when
// that breaks, on from where the registry says it is (GET of the upload, PATCH of the rest, PUT to close). The content is
// digest-checked on its way out: a wrong one is cut before its last piece, so that the registry never has a whole upload
// to commit.

import type { Descriptor } from '../core/index.ts';
import { isShoalError, messageOf, ShoalError } from '../core/index.ts';
import type { HttpResponse } from './http.ts';
import type { RegistryClient } from './registry-client.ts';
import { withRetry } from './retry.ts';
import { verifiedStream } from './verified-stream.ts';

export type Content = () => AsyncIterable<Uint8Array>;

export interface BlobToSend {
  readonly descriptor: Descriptor;
  /** Asked again, from its start, whenever bytes have to be sent again. */
  readonly content: Content;
}

const NO_BYTES = new Uint8Array(0);
/** What registries say of an upload that they do not know any more, or cannot tell the state of. */
const GONE = [400, 404, 405, 410, 416];

export class Upload {
  readonly #client: RegistryClient;
  readonly #blob: BlobToSend;
  readonly #signal: AbortSignal;
  /** Where the registry wants the next bytes. It changes with every answer. */
  #location: URL;
  /** Bytes that the registry has. */
  #offset = 0;
  #resumed = false;
  /** The last request broke: what arrived of it, only the registry knows. */
  #unsure = false;
  /** Why the last request broke. */
  #last: unknown;
  /** What the content threw, when that is why the upload broke. */
  #broken: { readonly error: unknown } | undefined;

  constructor(client: RegistryClient, location: URL, blob: BlobToSend, signal: AbortSignal) {
    this.#client = client;
    this.#location = location;
    this.#blob = blob;
    this.#signal = signal;
  }

  /**
   * Resolves when the registry has the blob. Progress renews the attempts: a slow but moving upload never gives up.
   * Rejects with `unavailable` (retryable) when the registry has lost the upload: a new one may succeed; with what the
   * content threw; and as requests do.
   */
  async run(): Promise<void> {
    for (;;) {
      const step = await withRetry(() => this.#step(), { signal: this.#signal, clock: this.#client.clock });
      if (step === 'done') return;
      if (step === 'lost') {
        const why = this.#last === undefined ? `${this.#what}: broke off` : messageOf(this.#last);
        throw new ShoalError('unavailable', `${why}; the registry cannot go on with the upload`, { cause: this.#last });
      }
    }
  }

  get #what(): string {
    return `${this.#client.name}: upload of blob ${this.#blob.descriptor.digest}`;
  }

  async #step(): Promise<'done' | 'moved' | 'lost'> {
    if (this.#unsure) {
      const found = await this.#ask();
      if (found === undefined) return 'lost';
      this.#unsure = false;
      this.#resumed = true;
      const moved = found > this.#offset;
      this.#offset = found;
      if (moved) return 'moved';
    }
    try {
      await (this.#resumed ? this.#sendRest() : this.#sendAll());
      return 'done';
    } catch (error) {
      if (this.#broken) throw this.#broken.error;
      this.#last = error;
      this.#unsure = isShoalError(error) && error.retryable;
      // Whatever a registry has against a resumed upload, it may not have against a new one.
      const isFinal = !isShoalError(error) || ['unauthorized', 'aborted'].includes(error.code);
      if (this.#resumed && !this.#unsure && !isFinal) return 'lost';
      throw error;
    }
  }

  /** How many bytes the registry has, or undefined when it cannot tell. */
  async #ask(): Promise<number | undefined> {
    const response = await this.#client.send({ method: 'GET', target: this.#location, action: 'push' }, this.#signal);
    const isGone = GONE.includes(response.status);
    if (!isGone) await this.#client.expect(response, [200, 202, 204], `state of the ${this.#label}`);
    await response.discard();
    // The end is inclusive, and `0-0` may mean one byte or none: too little to be worth finding out.
    const end = Number(/^(?:bytes=)?0-(\d{1,15})$/.exec(response.header('range') ?? '')?.[1] ?? 0);
    if (isGone || end === 0 || end >= this.#blob.descriptor.size) return undefined;
    this.#follow(response);
    return end + 1;
  }

  get #label(): string {
    return `upload of blob ${this.#blob.descriptor.digest}`;
  }

  async #sendAll(): Promise<void> {
    const { size } = this.#blob.descriptor;
    await this.#request('PUT', this.#closing(), { 'content-length': String(size) }, () => this.#content());
  }

  async #sendRest(): Promise<void> {
    const { size } = this.#blob.descriptor;
    if (this.#offset < size) {
      const range = `${this.#offset}-${size - 1}`;
      const headers = { 'content-length': String(size - this.#offset), 'content-range': range };
      this.#follow(await this.#request('PATCH', this.#location, headers, () => skipped(this.#content(), this.#offset)));
      this.#offset = size;
    }
    await this.#request('PUT', this.#closing(), {}, () => NO_BYTES);
  }

  async #request(
    method: 'PUT' | 'PATCH',
    target: URL,
    headers: Readonly<Record<string, string>>,
    body: () => Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<HttpResponse> {
    const allHeaders = { 'content-type': 'application/octet-stream', ...headers };
    const request = { method, target, action: 'push', headers: allHeaders, body } as const;
    const response = await this.#client.send(request, this.#signal);
    await this.#client.expect(response, method === 'PUT' ? [201, 204] : [202, 204], this.#label);
    await response.discard();
    return response;
  }

  #closing(): URL {
    const target = new URL(this.#location);
    target.searchParams.set('digest', this.#blob.descriptor.digest);
    return target;
  }

  #follow(response: HttpResponse): void {
    const location = response.header('location');
    const next = location === undefined ? null : URL.parse(location, response.url.href);
    if (next !== null) this.#location = next;
  }

  async *#content(): AsyncGenerator<Uint8Array> {
    const { content, descriptor } = this.#blob;
    this.#broken = undefined;
    try {
      yield* verifiedStream(content(), descriptor, this.#client.name);
    } catch (error) {
      this.#broken = { error };
      throw error;
    }
  }
}

async function* skipped(pieces: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const piece of pieces) {
    const dropped = Math.min(left, piece.length);
    left -= dropped;
    if (dropped < piece.length) yield piece.subarray(dropped);
  }
}
