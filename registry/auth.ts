// Getting let in: anonymous, basic, bearer (the distribution specification's token protocol). Remembers per registry
// what it asked for last time, so that only the first request is refused; fetches each token once, however many
// requests wait for it; and keeps every token to the registry that it is for.

import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Clock } from '../core/index.ts';
import { isShoalError, ShoalError, SingleFlight } from '../core/index.ts';
import { readAll, statusError } from './body.ts';
import { parseChallenges } from './challenge.ts';
import type { CredentialLookup } from './credentials.ts';
import type { HttpClient } from './http.ts';

/** One token is for one repository; a node uses a few dozen. The oldest beyond this are asked for again. */
const MAX_TOKENS = 1024;
const MAX_REGISTRIES = 256;
const MAX_TOKEN_ANSWER_BYTES = 1024 * 1024;
/** What the token specification says when the answer does not. */
const DEFAULT_TOKEN_SECONDS = 60;
const MAX_TOKEN_SECONDS = 24 * 3600;
/** A token is replaced this long before it expires, but never before four fifths of its life. */
const EXPIRY_MARGIN_MS = 10_000;

/** A registry as its requests see it. */
export interface RegistryEndpoint {
  /** As in references and credentials: `docker.io`. */
  readonly host: string;
  /** Scheme, host and port that requests go to. */
  readonly origin: string;
}

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

interface Token {
  readonly header: string;
  /** On the monotonic clock. */
  readonly freshUntil: number;
}

const tokenSchema = z.looseObject({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: z.number().nullish(),
});

export class Authenticator {
  readonly #http: HttpClient;
  readonly #credentials: CredentialLookup;
  readonly #clock: Clock;
  readonly #demands = new LRUCache<string, Demand>({ max: MAX_REGISTRIES });
  readonly #tokens = new LRUCache<string, Token>({ max: MAX_TOKENS });
  readonly #flights = new SingleFlight<string, string>();

  constructor(parts: { readonly http: HttpClient; readonly credentials: CredentialLookup; readonly clock: Clock }) {
    this.#http = parts.http;
    this.#credentials = parts.credentials;
    this.#clock = parts.clock;
  }

  /**
   * The Authorization header to send along at once, or undefined when this registry has not asked for one so far, or
   * when there is none to be had: what it asked for one image it may not ask for another. Replaces a token that is
   * about to expire. Rejects like `answer`, but never with `unauthorized`: that is for the registry to say.
   */
  async header(request: AuthRequest): Promise<string | undefined> {
    const demand = this.#demands.get(request.endpoint.origin);
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
    this.#demands.set(request.endpoint.origin, demand);
    const key = tokenKey(request);
    const known = this.#tokens.get(key);
    if (known && known.header !== refused && known.freshUntil > this.#clock.monotonic()) return known.header;
    this.#tokens.delete(key);
    const header = await this.#obtain(request, demand);
    if (header === refused) throw refusedCredentials(request); // basic, and still the same password
    return header;
  }

  #obtain(request: AuthRequest, demand: Demand): Promise<string> {
    const key = tokenKey(request);
    const work = async (signal: AbortSignal) => {
      const token = await (demand.kind === 'basic' ? this.#basic(request) : this.#bearer(request, demand, signal));
      this.#tokens.set(key, token);
      return token.header;
    };
    return this.#flights.run(key, work, { signal: request.signal });
  }

  async #basic(request: AuthRequest): Promise<Token> {
    const header = await this.#basicHeader(request.endpoint.host);
    if (header === undefined) {
      throw new ShoalError(
        'unauthorized',
        `${request.what}: ${request.endpoint.host} wants a user name and password, and there are none for it`,
      );
    }
    return { header, freshUntil: Number.POSITIVE_INFINITY };
  }

  async #basicHeader(host: string): Promise<string | undefined> {
    const credential = await this.#credentials(host);
    if (credential === undefined) return undefined;
    return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
  }

  /** Distribution specification, "Token Authentication": GET realm?service=…&scope=…, with basic auth if we have it. */
  async #bearer(request: AuthRequest, demand: Demand & { kind: 'bearer' }, signal: AbortSignal): Promise<Token> {
    const url = new URL(demand.realm);
    if (demand.service !== '') url.searchParams.set('service', demand.service);
    for (const scope of request.scopes) url.searchParams.append('scope', scope);
    const what = `${request.what}: token for ${request.endpoint.host}`;
    const authorization = await this.#basicHeader(request.endpoint.host);
    const response = await this.#http.send({ method: 'GET', url, what, authorization, signal });
    if (response.status !== 200) throw await statusError(response, what, this.#clock);
    const bytes = await readAll(response.body, MAX_TOKEN_ANSWER_BYTES, what);
    return this.#readToken(bytes, what);
  }

  #readToken(bytes: Uint8Array, what: string): Token {
    const answer = tokenSchema.safeParse(parseJson(bytes)).data;
    const token = answer?.token || answer?.access_token;
    // The token goes into a header: characters that could end it are refused.
    if (!token || !/^[\x21-\x7e]+$/.test(token))
      throw new ShoalError('malformed', `${what}: the answer holds no token`);
    const seconds = Math.min(MAX_TOKEN_SECONDS, Math.max(0, answer?.expires_in ?? DEFAULT_TOKEN_SECONDS));
    const lifeMs = seconds * 1000;
    const freshMs = Math.max(lifeMs - EXPIRY_MARGIN_MS, lifeMs * 0.8);
    return { header: `Bearer ${token}`, freshUntil: this.#clock.monotonic() + freshMs };
  }
}

/** A token is known by the registry it is for, not by the service that issued it: it must never reach another one. */
function tokenKey({ endpoint, scopes }: AuthRequest): string {
  return `${endpoint.origin} ${scopes.join(' ')}`;
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

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
