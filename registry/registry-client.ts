// One repository of one registry: addresses, authentication with one refresh, and the errors of the HTTP table.

import type { Clock } from '../core/index.ts';
import { ShoalError, systemClock } from '../core/index.ts';
import { Authenticator } from './auth.ts';
import { statusError } from './body.ts';
import type { Credential } from './credential.ts';
import type { CredentialLookup } from './credentials.ts';
import { anonymous, credentialFor } from './credentials.ts';
import type { RegistryEndpoint } from './endpoint.ts';
import type { HostSettingsTable } from './host-settings.ts';
import { HostSettings } from './host-settings.ts';
import type { HttpOptions, HttpRequest, HttpResponse } from './http.ts';
import { HttpClient } from './http.ts';
import { MirrorHealth } from './mirror-health.ts';
import type { RegistryReference } from './reference.ts';
import { formatReference } from './reference.ts';

/** A mirror that does not answer within this time is no help: whoever waits goes on to the next place. */
const MIRROR_PATIENCE_MS = 5_000;

export interface RegistryAccessOptions extends HttpOptions {
  /** Default: anonymous. */
  readonly credentials?: CredentialLookup;
  /** By host as in references: `docker.io`, `localhost:5000`. */
  readonly hosts?: HostSettingsTable | undefined;
  readonly clock?: Clock;
}

interface SharedParts {
  readonly http: HttpClient;
  readonly hosts: HostSettings;
  readonly mirrors: MirrorHealth;
  readonly clock: Clock;
}

/**
 * What all images of a process share: sockets, tokens, clock, what is known of mirrors. Make one, open every reference
 * with it, close it at the end.
 */
export class RegistryAccess implements SharedParts {
  readonly http: HttpClient;
  readonly hosts: HostSettings;
  readonly mirrors: MirrorHealth;
  readonly auth: Authenticator;
  readonly clock: Clock;
  readonly #credentials: CredentialLookup;

  constructor(options: RegistryAccessOptions = {}, shared: SharedParts = sharedParts(options)) {
    this.http = shared.http;
    this.hosts = shared.hosts;
    this.mirrors = shared.mirrors;
    this.clock = shared.clock;
    this.#credentials = options.credentials ?? anonymous;
    this.auth = new Authenticator({ http: this.http, credentials: this.#credentials, clock: this.clock });
  }

  /**
   * The same sockets, with this credential for one host (asked for at each use) and ours for every other one. What is
   * got with it stays there: no image that is opened otherwise is let in with its tokens. Ends with this access.
   */
  withCredential(host: string, credential: () => Promise<Credential>): RegistryAccess {
    return new RegistryAccess({ credentials: credentialFor(host, credential, this.#credentials) }, this);
  }

  /** Loads now what the first request would load. Who is going to speak to registries does it while nobody waits. */
  prepare(): Promise<void> {
    return this.http.prepare();
  }

  /** Closes every socket; transfers under way reject. Idempotent. */
  close(): Promise<void> {
    return this.http.close();
  }
}

function sharedParts(options: RegistryAccessOptions): SharedParts {
  const clock = options.clock ?? systemClock;
  const hosts = new HostSettings(options.hosts);
  return { clock, hosts, http: new HttpClient(options, { clock, hosts }), mirrors: new MirrorHealth(clock) };
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
  /** The reference (and the mirror), for messages. */
  readonly name: string;
  readonly endpoint: RegistryEndpoint;
  /** With the endpoint's prefix. */
  readonly repository: string;
  readonly #access: RegistryAccess;

  constructor(reference: RegistryReference, endpoint: RegistryEndpoint, access: RegistryAccess) {
    const name = formatReference(reference);
    this.name = endpoint.mirrorOf === undefined ? name : `${name} (mirror ${endpoint.host})`;
    this.endpoint = endpoint;
    this.repository = endpoint.prefix + reference.repository;
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
    if (this.endpoint.mirrorOf === undefined) return this.#send(request, signal);
    const answered = new AbortController();
    const late = new AbortController();
    this.clock.sleep(MIRROR_PATIENCE_MS, { signal: answered.signal }).then(
      () => late.abort(new ShoalError('timeout', `${this.name}: no answer within ${MIRROR_PATIENCE_MS} ms`)),
      () => {}, // answered in time
    );
    try {
      return await this.#send(request, AbortSignal.any([signal, late.signal]));
    } finally {
      answered.abort();
    }
  }

  async #send(request: RepositoryRequest, signal: AbortSignal): Promise<HttpResponse> {
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
      insecure: this.endpoint.insecure,
      authorization,
      signal,
      ...(headers && { headers }),
      ...(body && { body: body() }),
    });
  }

  #address(target: string | URL): URL {
    const { origin, mirrorOf } = this.endpoint;
    if (typeof target === 'string') {
      const url = new URL(`/v2/${this.repository}/${target}`, origin);
      // By containerd's convention, a mirror of several registries learns so which one is meant.
      if (mirrorOf !== undefined) url.searchParams.set('ns', mirrorOf);
      return url;
    }
    if (target.protocol === 'http:' && origin.startsWith('https:')) {
      throw new ShoalError('unsupported', `${this.name}: the registry sends us to http://${target.host}: refused`);
    }
    return target;
  }

  #scopes({ action, alsoPullFrom }: RepositoryRequest): string[] {
    const scopes = [`repository:${this.repository}:${action === 'push' ? 'pull,push' : 'pull'}`];
    if (alsoPullFrom !== undefined) scopes.push(`repository:${alsoPullFrom}:pull`);
    return scopes;
  }
}
