// One repository of one registry: addresses, authentication with one refresh, and the errors of the HTTP table.

import type { Clock } from '../core/index.ts';
import { ShoalError, systemClock } from '../core/index.ts';
import type { RegistryEndpoint } from './auth.ts';
import { Authenticator } from './auth.ts';
import { statusError } from './body.ts';
import type { CredentialLookup } from './credentials.ts';
import { anonymous } from './credentials.ts';
import type { HttpOptions, HttpRequest, HttpResponse } from './http.ts';
import { HttpClient } from './http.ts';
import type { RegistryReference } from './reference.ts';
import { formatReference } from './reference.ts';

/** The host that serves Docker Hub's API. */
const DOCKER_HUB_API = 'registry-1.docker.io';

export interface RegistryAccessOptions extends HttpOptions {
  /** Default: anonymous. */
  readonly credentials?: CredentialLookup;
  readonly clock?: Clock;
}

/**
 * What all images of a process share: sockets, tokens, clock. Make one, open every reference with it, close it at the
 * end.
 */
export class RegistryAccess {
  readonly http: HttpClient;
  readonly auth: Authenticator;
  readonly clock: Clock;

  constructor(options: RegistryAccessOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.http = new HttpClient(options);
    this.auth = new Authenticator({
      http: this.http,
      credentials: options.credentials ?? anonymous,
      clock: this.clock,
    });
  }

  /** Closes every socket; transfers under way reject. Idempotent. */
  close(): Promise<void> {
    return this.http.close();
  }
}

export interface RepositoryRequest {
  readonly method: HttpRequest['method'];
  /** A path under `/v2/<repository>/`, or an address that the registry gave us. */
  readonly target: string | URL;
  /** What it needs: `pull`, `push` (which includes pull), and repositories to pull from besides. */
  readonly action: 'pull' | 'push';
  readonly alsoPullFrom?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called again when the request is sent again with a fresh token. */
  readonly body?: () => Uint8Array | AsyncIterable<Uint8Array>;
}

export class RegistryClient {
  /** The reference, for messages. */
  readonly name: string;
  readonly endpoint: RegistryEndpoint;
  readonly #repository: string;
  readonly #access: RegistryAccess;

  constructor(reference: RegistryReference, access: RegistryAccess, options: { readonly plainHttp: boolean }) {
    const apiHost = reference.host === 'docker.io' ? DOCKER_HUB_API : reference.host;
    const { origin } = new URL(`${options.plainHttp ? 'http' : 'https'}://${apiHost}`);
    this.name = formatReference(reference);
    this.endpoint = { host: reference.host, origin };
    this.#repository = reference.repository;
    this.#access = access;
  }

  get clock(): Clock {
    return this.#access.clock;
  }

  /**
   * Sends a request and, after a 401, once more with what the registry asked for. Resolves with any status: see
   * `expect`. Rejects with `unauthorized`, `unreachable`, `timeout`, `aborted`, and with what the body threw.
   */
  async send(request: RepositoryRequest, signal: AbortSignal): Promise<HttpResponse> {
    const url = this.#address(request.target);
    const authRequest = { endpoint: this.endpoint, scopes: this.#scopes(request), what: this.name, signal };
    const isOurs = url.origin === this.endpoint.origin;
    const authorization = isOurs ? await this.#access.auth.header(authRequest) : undefined;
    const response = await this.#exchange(url, request, authorization, signal);
    // A 401 of a place that we were sent on to is not about our token, and its challenge must not be answered.
    if (response.status !== 401 || response.url.origin !== this.endpoint.origin) return response;
    const demand = response.header('www-authenticate') ?? '';
    await response.discard();
    const renewed = await this.#access.auth.answer(authRequest, demand, authorization);
    return this.#exchange(url, request, renewed, signal);
  }

  /** Passes a response with one of these statuses; otherwise throws the error for its status. */
  async expect(response: HttpResponse, statuses: readonly number[], what: string): Promise<HttpResponse> {
    if (statuses.includes(response.status)) return response;
    throw await statusError(response, `${this.name}: ${what}`, this.clock);
  }

  #exchange(
    url: URL,
    { method, headers, body }: RepositoryRequest,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    return this.#access.http.send({
      method,
      url,
      what: this.name,
      authorization,
      signal,
      ...(headers && { headers }),
      ...(body && { body: body() }),
    });
  }

  #address(target: string | URL): URL {
    if (typeof target === 'string') return new URL(`/v2/${this.#repository}/${target}`, this.endpoint.origin);
    if (target.protocol === 'http:' && this.endpoint.origin.startsWith('https:')) {
      throw new ShoalError('unsupported', `${this.name}: the registry sends us to http://${target.host}: refused`);
    }
    return target;
  }

  #scopes({ action, alsoPullFrom }: RepositoryRequest): string[] {
    const scopes = [`repository:${this.#repository}:${action === 'push' ? 'pull,push' : 'pull'}`];
    if (alsoPullFrom !== undefined) scopes.push(`repository:${alsoPullFrom}:pull`);
    return scopes;
  }
}
