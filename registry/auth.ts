// Getting let in: anonymous, basic, bearer (the distribution specification's token protocol). Remembers per registry
// what it asked for last time, so that only the first request is refused; fetches each token once, however many
// requests wait for it; and keeps every token to the registry that it is for.

import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/index.ts';
import { isShoalError, ShoalError, SingleFlight } from '../core/index.ts';
import { parseChallenges } from './challenge.ts';
import type { CredentialLookup } from './credentials.ts';
import type { RegistryEndpoint } from './endpoint.ts';
import type { HttpClient } from './http.ts';
import type { Token } from './token-service.ts';
import { basic, TokenService } from './token-service.ts';

/** One token is for one repository; a node uses a few dozen. The oldest beyond this are asked for again. */
const MAX_TOKENS = 1024;
const MAX_REGISTRIES = 256;

export interface AuthRequest {
  readonly endpoint: RegistryEndpoint;
  /** What the request needs, as `repository:NAME:pull,push`. */
  readonly scopes: readonly string[];
  /** The image, for messages. */
  readonly what: string;
  readonly signal: AbortSignal;
}

/** What a registry asked for, last time it asked. */
type Demand = { readonly kind: 'basic' } | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string };

export class Authenticator {
  readonly #credentials: CredentialLookup;
  readonly #clock: Clock;
  readonly #service: TokenService;
  readonly #demands = new LRUCache<string, Demand>({ max: MAX_REGISTRIES });
  readonly #tokens = new LRUCache<string, Token>({ max: MAX_TOKENS });
  readonly #flights = new SingleFlight<string, string>();

  constructor(parts: { readonly http: HttpClient; readonly credentials: CredentialLookup; readonly clock: Clock }) {
    this.#credentials = parts.credentials;
    this.#clock = parts.clock;
    this.#service = new TokenService(parts);
  }

  /**
   * The Authorization header to send along at once, or undefined when this registry has not asked for one so far, or
   * when there is none to be had: what it asked for one image it may not ask for another. Replaces a token that is
   * about to expire. Rejects like `answer`, but never with `unauthorized`: that is for the registry to say.
   */
  async header(request: AuthRequest): Promise<string | undefined> {
    const demand = this.#demands.get(registryKey(request.endpoint));
    if (demand === undefined) return undefined;
    const token = this.#tokens.get(tokenKey(request));
    if (token && token.freshUntil > this.#clock.monotonic()) return token.header;
    return this.#obtain(request, demand).catch((error: unknown) => {
      if (isShoalError(error, 'unauthorized')) return undefined;
      throw error;
    });
  }

  /**
   * After a 401: the header to try once more with. `refused` is the header that the registry did not accept; when
   * another request has fetched a newer one meanwhile, that is used. Rejects with `unauthorized` when there is nothing
   * to try, `malformed` or `unsupported` when the registry asks for something odd, or with what the token service met.
   */
  async answer(request: AuthRequest, wwwAuthenticate: string, refused: string | undefined): Promise<string> {
    const demand = readDemand(wwwAuthenticate, request);
    this.#demands.set(registryKey(request.endpoint), demand);
    const key = tokenKey(request);
    const known = this.#tokens.get(key);
    if (known && known.header !== refused && known.freshUntil > this.#clock.monotonic()) return known.header;
    this.#tokens.delete(key);
    const joined = this.#flights.has(key);
    let header = await this.#obtain(request, demand);
    // Whoever was asking already may have looked before the password changed.
    if (header === refused && joined) header = await this.#obtain(request, demand);
    if (header === refused) throw refusedCredentials(request); // basic, and still the same password
    return header;
  }

  #obtain(request: AuthRequest, demand: Demand): Promise<string> {
    const key = tokenKey(request);
    const work = async (signal: AbortSignal) => {
      const token = await (demand.kind === 'basic'
        ? this.#basic(request, signal)
        : this.#bearer(request, demand, signal));
      this.#tokens.set(key, token);
      return token.header;
    };
    return this.#flights.run(key, work, { signal: request.signal });
  }

  async #basic({ endpoint: { host }, what }: AuthRequest, signal: AbortSignal): Promise<Token> {
    const credential = await this.#credentials(host, { signal });
    if (credential?.kind === 'password') {
      return { header: basic(credential.username, credential.password), freshUntil: Number.POSITIVE_INFINITY };
    }
    const found = credential === undefined ? 'there are none' : 'there is only an identity token';
    throw new ShoalError('unauthorized', `${what}: ${host} wants a user name and password, and ${found} for it`);
  }

  async #bearer(request: AuthRequest, demand: Demand & { kind: 'bearer' }, signal: AbortSignal): Promise<Token> {
    const { endpoint, scopes } = request;
    return this.#service.fetch({
      realm: demand.realm,
      service: demand.service,
      scopes,
      credential: await this.#credentials(endpoint.host, { signal }),
      what: `${request.what}: token for ${endpoint.host}`,
      insecure: endpoint.insecure,
      signal,
    });
  }
}

/** What is learned from a registry whose certificate nobody checks stays there: a liar could name any token service. */
function registryKey({ origin, insecure }: RegistryEndpoint): string {
  return insecure ? `${origin} insecure` : origin;
}

/** A token is known by the registry it is for, not by the service that issued it: it must never reach another one. */
function tokenKey({ endpoint, scopes }: AuthRequest): string {
  return `${registryKey(endpoint)} ${scopes.join(' ')}`;
}

/** The strongest demand that we can meet. */
function readDemand(wwwAuthenticate: string, request: AuthRequest): Demand {
  const challenges = parseChallenges(wwwAuthenticate);
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  if (bearer) {
    const realm = URL.parse(bearer.parameters.get('realm') ?? '');
    checkRealm(realm, request);
    return { kind: 'bearer', realm, service: bearer.parameters.get('service') ?? '' };
  }
  if (challenges.some(({ scheme }) => scheme === 'basic')) return { kind: 'basic' };
  const asked = challenges.map(({ scheme }) => scheme).join(', ') || 'nothing we know';
  throw new ShoalError(
    'unauthorized',
    `${request.what}: ${request.endpoint.host} asks for ${asked}, not basic or bearer`,
  );
}

/** The token service may be another host, by design of the protocol; but it must not be a step down from TLS. */
function checkRealm(realm: URL | null, { what, endpoint }: AuthRequest): asserts realm is URL {
  if (realm === null || (realm.protocol !== 'https:' && realm.protocol !== 'http:')) {
    throw new ShoalError('malformed', `${what}: ${endpoint.host} names no usable token service`);
  }
  if (realm.protocol === 'http:' && endpoint.origin.startsWith('https:')) {
    throw new ShoalError('unsupported', `${what}: ${endpoint.host} names a token service without TLS: refused`);
  }
}

function refusedCredentials({ what, endpoint }: AuthRequest): ShoalError {
  return new ShoalError('unauthorized', `${what}: ${endpoint.host} refused our credentials`);
}
