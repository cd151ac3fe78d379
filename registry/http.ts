// Requests to registries: deadlines for progress, redirects, streams in and out. It knows nothing of registries; statuses
// are the caller's business, sockets those of connections.ts.

import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '../core/index.ts';
import { abortedError, ShoalError, systemClock } from '../core/index.ts';
import type { Connections, Route } from './connections.ts';
import { HostSettings } from './host-settings.ts';
import type { ProxySettings } from './proxy.ts';

/** Registry, its load balancer, a storage service and its region make three; more is a loop. */
const MAX_REDIRECTS = 5;
/** Of a response that nobody wants, read at most this much to keep its socket; beyond it the socket is closed. */
const DISCARD_BYTES = 64 * 1024;

export interface HttpTimeouts {
  /** Until the connection stands (with TLS). Milliseconds. */
  readonly connectMs: number;
  /** From the request until the answer's headers, when the request carries no data. */
  readonly answerMs: number;
  /** The same after an upload: the registry may be copying a whole blob into its store. */
  readonly uploadAnswerMs: number;
  /** Between two pieces of a body. There is no deadline for the whole: a blob takes as long as it takes. */
  readonly progressMs: number;
}

export const DEFAULT_TIMEOUTS: HttpTimeouts = {
  connectMs: 10_000,
  answerMs: 30_000,
  uploadAnswerMs: 300_000,
  progressMs: 20_000,
};

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  /** What is being done, for messages: usually the image. */
  readonly what: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes to the origin (scheme, host and port) of `url` and nowhere else, whatever redirects say. */
  readonly authorization?: string | undefined;
  /** A stream needs a content-length header. It is read once: requests with a body are never sent twice from here. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Take any certificate, also of places that this one redirects to. Default: no. */
  readonly insecure?: boolean;
  /** Instead of the client's deadline for the answer's headers. Milliseconds. */
  readonly answerMs?: number;
  readonly signal: AbortSignal;
}

/** A response whose body must be either iterated or discarded: until then it holds a socket. */
export interface HttpResponse {
  readonly status: number;
  /** Where it came from, after redirects. */
  readonly url: URL;
  /** A header's value; repeated ones are joined by a comma, as HTTP says they may be. */
  header(name: string): string | undefined;
  /** Pieces are the caller's to keep. Rejects with `unreachable`, `timeout` or `aborted`; closes when left early. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the socket back. Never rejects. */
  discard(): Promise<void>;
}

export interface HttpOptions {
  readonly timeouts?: HttpTimeouts;
  /** Default: none. */
  readonly proxies?: ProxySettings | undefined;
  /** Holds a directory of certificates per host, as docker's /etc/docker/certs.d. Default: none. */
  readonly certificateDirectory?: string | undefined;
  /** Instead of connections of our own; whoever made it closes it. For tests. */
  readonly dispatcher?: Dispatcher;
}

export interface HttpPorts {
  readonly clock: Clock;
  readonly hosts: HostSettings;
}

export class HttpClient {
  readonly #timeouts: HttpTimeouts;
  readonly #options: HttpOptions;
  readonly #ports: HttpPorts;
  /** Made by the first request, or by `prepare`. */
  #connections: Promise<Pick<Connections, 'route' | 'close'>> | undefined;
  #closed = false;

  constructor(options: HttpOptions = {}, ports: HttpPorts = DEFAULT_PORTS) {
    this.#options = options;
    this.#ports = ports;
    this.#timeouts = options.timeouts ?? DEFAULT_TIMEOUTS;
  }

  /**
   * Sends one request and follows redirects of GET and HEAD. Resolves for every status. Rejects with `unreachable`,
   * `timeout`, `aborted`, or `unsupported` for a redirect that we do not follow.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    let { url, authorization } = request;
    for (let hops = 0; ; hops++) {
      const response = await this.#exchange({ ...request, url, authorization });
      const target = redirectTarget(response, request);
      if (target === undefined) return response;
      await response.discard();
      if (hops === MAX_REDIRECTS) {
        throw new ShoalError(
          'unsupported',
          `${request.what}: more than ${MAX_REDIRECTS} redirects, last to ${target.host}`,
        );
      }
      if (target.origin !== url.origin) authorization = undefined;
      url = target;
    }
  }

  /** Does now what the first request would wait for; no socket is opened. What fails, fails that request too. */
  async prepare(): Promise<void> {
    this.#connections ??= this.#connect();
    await this.#connections;
  }

  /** Closes every socket; requests under way reject. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const connections = await this.#connections?.catch(() => undefined); // there never were any
    await connections?.close();
  }

  /** undici is read and compiled only now: many commands never speak to a registry, and it takes as long as all else. */
  async #connect(): Promise<Pick<Connections, 'route' | 'close'>> {
    const { dispatcher, certificateDirectory, proxies = {} } = this.#options;
    if (dispatcher !== undefined) return givenRoutes(dispatcher);
    if (this.#closed) throw new ShoalError('aborted', 'the connections to registries were closed');
    const { connectMs } = this.#timeouts;
    const [{ Connections }, { TlsProfiles }] = await Promise.all([
      import('./connections.ts'),
      import('./tls-profiles.ts'),
    ]);
    const tls = new TlsProfiles(this.#ports, { certificateDirectory, connectMs });
    return new Connections(tls, { proxies, connectMs });
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    const { url, signal, body } = request;
    if (signal.aborted) throw abortedError(signal);
    const isStream = body !== undefined && !(body instanceof Uint8Array);
    this.#connections ??= this.#connect();
    const route = (await this.#connections).route(url, request.insecure === true);
    try {
      const answer = await route.dispatcher.request({
        origin: route.origin,
        path: route.path,
        method: request.method,
        // Identity: a body that is compressed on the way would have neither the length nor the digest that it must.
        headers: {
          'accept-encoding': 'identity',
          'user-agent': 'shoal',
          ...request.headers,
          ...(request.authorization !== undefined && { authorization: request.authorization }),
          ...route.headers,
        },
        body: isStream ? Readable.from(onlyRead(body), { objectMode: false }) : (body ?? null),
        signal,
        headersTimeout:
          request.answerMs ?? (body === undefined ? this.#timeouts.answerMs : this.#timeouts.uploadAnswerMs),
        bodyTimeout: this.#timeouts.progressMs,
      });
      return wrapAnswer(answer, request, route);
    } catch (error) {
      throw await explained(error, request, route);
    }
  }
}

const DEFAULT_PORTS: HttpPorts = { clock: systemClock, hosts: new HostSettings() };

function givenRoutes(dispatcher: Dispatcher): Pick<Connections, 'route' | 'close'> {
  return {
    route: url => ({ dispatcher, origin: url.origin, path: url.pathname + url.search, headers: {}, proxy: undefined }),
    close: async () => {},
  };
}

/**
 * The body without a way to throw into it: a stream that is destroyed throws the reason into the generator it is made from,
 * which could not tell the broken connection from an error of its own. It is told to end, no more.
 */
function onlyRead(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => {
      const pieces = body[Symbol.asyncIterator]();
      return {
        next: () => pieces.next(),
        return: async () => (await pieces.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

function wrapAnswer(answer: Dispatcher.ResponseData, request: HttpRequest, route: Route): HttpResponse {
  const { body, headers } = answer;
  return {
    status: answer.statusCode,
    url: request.url,
    header: name => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body: readBody(body, request, route),
    discard: async () => {
      // Errors of a body that nobody wants concern nobody; without a listener they would end the process.
      body.on('error', () => {});
      await body.dump({ limit: DISCARD_BYTES, signal: request.signal }).catch(() => {});
    },
  };
}

async function* readBody(body: Readable, request: HttpRequest, route: Route): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of body) yield piece as Uint8Array; // a Readable without an encoding gives Buffers
  } catch (error) {
    throw await explained(error, request, route);
  }
}

async function explained(error: unknown, request: HttpRequest, route: Route): Promise<ShoalError> {
  const { transportError } = await import('./transport-error.ts');
  return transportError(error, request, route.proxy);
}

/** Where to go on, if this is a redirect that is followed. Throws `unsupported` for one that must not be. */
function redirectTarget(response: HttpResponse, request: HttpRequest): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  const location = response.header('location');
  if (location === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return undefined;
  const target = URL.parse(location, response.url.href);
  if (target === null || (target.protocol !== 'https:' && target.protocol !== 'http:')) {
    throw new ShoalError('unsupported', `${request.what}: ${response.url.host} redirects to no HTTP address`);
  }
  if (target.protocol === 'http:' && response.url.protocol === 'https:') {
    throw new ShoalError(
      'unsupported',
      `${request.what}: ${response.url.host} redirects from https to http://${target.host}: refused`,
    );
  }
  return target;
}
