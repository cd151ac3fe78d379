// A registry in memory behind a real HTTP server, with knobs for everything that registries do to their clients.
//
//   const registry = await startMemoryRegistry(t);            // closed with the test
//   const layer = registry.putBlob('app', bytes);              // a descriptor
//   registry.putManifest('app', 'latest', manifest, mediaType);
//   openSource(`${registry.host}/app:latest`, { access, plainHttp: true })
//
// Knobs, all to be changed at any time (`registry.knobs.delayMs = 50`):
//   auth            none | basic | bearer: see RegistryAuth; `expireTokens()` makes all issued tokens worthless
//   redirectBlobs   blobs are answered by a 307 to a second origin (`storage`), which records the headers it gets
//   identityToken   with bearer: POST grants tokens for this refresh token; `tokenPosts: false` answers POST with 404
//   realm           address of the token service in challenges, when it is not its own
//   renewIdentity   each POST replaces the identity token by the next
//   bytesPerSecond  one link shared by all bodies of both origins
//   delayMs         before every answer
//   ignoreRange     ranges are answered with the whole blob; wrongRange: with another Content-Range
//   cutBodiesAfter  every body of a blob breaks off after so many bytes (the socket is destroyed)
//   noMounts        cross-repository mounts open an upload instead
//   cutUploadsAfter an upload's connection breaks after so many bytes (each time); the registry keeps what it got
//   forgetUploads   a broken upload is forgotten instead; oddUploads: asked for its state, it says nonsense
//   referrersApi    answers the referrers API, a page of `referrersPage` entries at a time; default: 404, as old ones do
// Events:
//   failNext({...})  the next requests that match get a status; `registry.failures` counts what is left
//   corrupt(digest)  flips a byte of a blob in the store;  remove(digest) takes it out
//   hold('PUT /v2')  requests whose `METHOD path` contains this wait until the function that it returns is called
//   pause()/resume() requests and bodies hang in between ("gone", without a word)
//   goAway()/comeBack() sockets break and nobody listens; then again, on the same port
// Records: `requests` (method, path, headers, origin), `requestsTo(part)`, `bytesSent`, `openSockets()`.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Digest } from '../../core/index.ts';
import { digestFromHex } from '../../core/index.ts';
import type { Ending } from './docker-registry.ts';
import { sha256Hex } from './fake-blob.ts';
import { answerRegistry } from './memory-registry-api.ts';
import { TestServer } from './test-server.ts';

export type RegistryAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** Without a user name the token service gives tokens to anybody. */
  | { readonly kind: 'bearer'; readonly tokenSeconds: number; readonly username?: string; readonly password?: string };

export interface RegistryKnobs {
  auth: RegistryAuth;
  redirectBlobs: boolean;
  identityToken: string | undefined;
  tokenPosts: boolean;
  renewIdentity: boolean;
  realm: string | undefined;
  bytesPerSecond: number | undefined;
  delayMs: number;
  ignoreRange: boolean;
  wrongRange: boolean;
  cutBodiesAfter: number | undefined;
  noMounts: boolean;
  cutUploadsAfter: number | undefined;
  forgetUploads: boolean;
  oddUploads: string | undefined;
  referrersApi: boolean;
  referrersPage: number;
}

export interface Failure {
  readonly status: number;
  readonly count?: number;
  /** Only requests whose `METHOD path` contains this. */
  readonly matching?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of an answer the socket is destroyed. */
  readonly reset?: boolean;
}

export interface RecordedRequest {
  readonly origin: 'registry' | 'storage';
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface StoredManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

export interface Repository {
  readonly blobs: Map<Digest, Buffer>;
  readonly manifests: Map<Digest, StoredManifest>;
  readonly tags: Map<string, Digest>;
  readonly uploads: Map<string, Buffer[]>;
}

export class MemoryRegistry {
  readonly knobs: RegistryKnobs = {
    auth: { kind: 'none' },
    redirectBlobs: false,
    identityToken: undefined,
    tokenPosts: true,
    renewIdentity: false,
    realm: undefined,
    bytesPerSecond: undefined,
    delayMs: 0,
    ignoreRange: false,
    wrongRange: false,
    cutBodiesAfter: undefined,
    noMounts: false,
    cutUploadsAfter: undefined,
    forgetUploads: false,
    oddUploads: undefined,
    referrersApi: false,
    referrersPage: 1,
  };
  readonly requests: RecordedRequest[] = [];
  readonly failures: { failure: Failure; left: number }[] = [];
  readonly repositories = new Map<string, Repository>();
  /** Issued tokens to the scopes they are good for. */
  readonly tokens = new Map<string, readonly string[]>();
  readonly scheme: 'http' | 'https';
  /** With TLS, of each request: the common name of the client's certificate, if it showed a good one. */
  readonly clientNames: (string | undefined)[] = [];
  bytesSent = 0;
  readonly #held = new Map<string, Promise<void>>();
  readonly #releases: (() => void)[] = [];
  readonly #registry: TestServer;
  readonly #storage: TestServer;
  #gate: PromiseWithResolvers<void> | undefined;
  #linkFreeAt = 0;

  /** `tls`: options of node:https for both origins. */
  constructor(tls?: ServerOptions) {
    this.scheme = tls ? 'https' : 'http';
    this.#registry = new TestServer((request, response) => this.#answer('registry', request, response), tls);
    this.#storage = new TestServer((request, response) => this.#answer('storage', request, response), tls);
  }

  async start(): Promise<void> {
    await Promise.all([this.#registry.listen(), this.#storage.listen()]);
  }

  async close(): Promise<void> {
    this.resume();
    for (const release of this.#releases) release();
    await Promise.all([this.#registry.close(), this.#storage.close()]);
  }

  /** For references. */
  get host(): string {
    return this.#registry.host;
  }

  get storageHost(): string {
    return this.#storage.host;
  }

  repository(name: string): Repository {
    let repository = this.repositories.get(name);
    if (!repository) {
      repository = { blobs: new Map(), manifests: new Map(), tags: new Map(), uploads: new Map() };
      this.repositories.set(name, repository);
    }
    return repository;
  }

  putBlob(repository: string, bytes: Uint8Array, mediaType = 'application/octet-stream') {
    const digest = digestFromHex(sha256Hex(bytes));
    this.repository(repository).blobs.set(digest, Buffer.from(bytes));
    return { mediaType, digest, size: bytes.length };
  }

  /** `tag` undefined: only by digest. A manifest that is no Uint8Array is written as JSON. */
  putManifest(repository: string, tag: string | undefined, manifest: unknown, mediaType: string) {
    const bytes = manifest instanceof Uint8Array ? Buffer.from(manifest) : Buffer.from(JSON.stringify(manifest));
    const digest = digestFromHex(sha256Hex(bytes));
    const { manifests, tags } = this.repository(repository);
    manifests.set(digest, { bytes, mediaType });
    if (tag !== undefined) tags.set(tag, digest);
    return { mediaType, digest, size: bytes.length };
  }

  /** Flips one byte of the blob wherever it is stored; the size stays. */
  corrupt(digest: Digest, at = 0): void {
    for (const { blobs } of this.repositories.values()) {
      const bytes = blobs.get(digest);
      if (bytes) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    }
  }

  remove(digest: Digest): void {
    for (const { blobs, manifests } of this.repositories.values()) {
      blobs.delete(digest);
      manifests.delete(digest);
    }
  }

  failNext(failure: Failure): void {
    this.failures.push({ failure, left: failure.count ?? 1 });
  }

  expireTokens(): void {
    this.tokens.clear();
  }

  requestsTo(part: string): RecordedRequest[] {
    return this.requests.filter(({ method, path }) => `${method} ${path}`.includes(part));
  }

  openSockets(): number {
    return this.#registry.sockets.size + this.#storage.sockets.size;
  }

  hold(matching: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(matching, promise);
    this.#releases.push(resolve);
    return () => {
      this.#held.delete(matching);
      resolve();
    };
  }

  pause(): void {
    this.#gate ??= Promise.withResolvers();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async goAway(): Promise<void> {
    await Promise.all([this.#registry.close(), this.#storage.close()]);
  }

  async comeBack(): Promise<void> {
    await this.start();
  }

  /** Sends a body through the gate and over the shared link. */
  async sendBody(response: ServerResponse, bytes: Uint8Array): Promise<void> {
    const { cutBodiesAfter } = this.knobs;
    for (let at = 0; at < bytes.length && !response.destroyed; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, Math.min(at + PIECE_BYTES, cutBodiesAfter ?? bytes.length));
      await this.#gate?.promise;
      await this.#overLink(piece.length);
      this.bytesSent += piece.length;
      if (!response.write(piece)) await drained(response);
      if (cutBodiesAfter !== undefined && at + PIECE_BYTES >= cutBodiesAfter) {
        // Let what was written leave before the socket breaks.
        await new Promise(resolve => setImmediate(resolve));
        response.destroy();
      }
    }
    response.end();
  }

  async #answer(origin: RecordedRequest['origin'], request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    this.requests.push({ origin, method, path, headers });
    if (request.socket instanceof TLSSocket) this.clientNames.push(clientName(request.socket));
    await this.#gate?.promise;
    for (const [matching, release] of this.#held) if (`${method} ${path}`.includes(matching)) await release;
    if (this.knobs.delayMs > 0) await new Promise(resolve => setTimeout(resolve, this.knobs.delayMs));
    const failure = this.#failureFor(`${method} ${path}`);
    if (failure?.reset) response.destroy();
    else if (failure) response.writeHead(failure.status, failure.headers).end();
    else await answerRegistry(this, origin, request, response);
  }

  #failureFor(line: string): Failure | undefined {
    const index = this.failures.findIndex(({ failure }) => line.includes(failure.matching ?? ''));
    const found = this.failures[index];
    if (found && --found.left === 0) this.failures.splice(index, 1);
    return found?.failure;
  }

  async #overLink(bytes: number): Promise<void> {
    const { bytesPerSecond } = this.knobs;
    if (bytesPerSecond === undefined) return;
    this.#linkFreeAt = Math.max(performance.now(), this.#linkFreeAt) + (bytes / bytesPerSecond) * 1000;
    const wait = this.#linkFreeAt - performance.now();
    if (wait > 1) await new Promise(resolve => setTimeout(resolve, wait));
  }
}

/** Small enough for a throttled link to be shared fairly. */
const PIECE_BYTES = 16 * 1024;

export async function startMemoryRegistry(t: Ending, tls?: ServerOptions): Promise<MemoryRegistry> {
  const registry = new MemoryRegistry(tls);
  await registry.start();
  t.after(() => registry.close());
  return registry;
}

function clientName(socket: TLSSocket): string | undefined {
  const name: unknown = socket.authorized ? socket.getPeerCertificate().subject?.CN : undefined;
  return typeof name === 'string' ? name : undefined;
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    if (response.destroyed) resolve();
    else response.once('drain', done).once('close', done);
  });
}
