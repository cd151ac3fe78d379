// The one place that opens sockets to registries: bounded pools, deadlines for progress, redirects, and the table from
// transport errors to error codes. It knows nothing of registries; statuses are the caller's business.

import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Agent, errors } from 'undici';
import { abortedError, errnoOf, messageOf, ShoalError } from '../core/index.ts';

/**
 * Sockets to one host. More gain nothing on one link, and each costs the registry memory. Whoever queues requests by
 * priority (the fetch engine) keeps its total below this, since the pool's own queue is first in, first out.
 */
export const MAX_SOCKETS_PER_HOST = 32;
/** Hosts with open sockets at once; a registry that redirects to ever new hosts ends here. */
const MAX_HOSTS = 256;
/** Registry, its load balancer, a storage service and its region make three; more is a loop. */
const MAX_REDIRECTS = 5;
/** Idle sockets are kept a little shorter than common load balancers keep theirs (60 s). */
const IDLE_SOCKET_MS = 50_000;
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
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  /** What is being done, for messages: usually the image. */
  readonly what: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes to the origin (scheme, host and port) of `url` and nowhere else, whatever redirects say. */
  readonly authorization?: string | undefined;
  /** A stream needs a content-length header. It is read once: requests with a body are never sent twice from here. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
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
  /** Instead of a pool of our own; whoever made it closes it. For tests and for proxies. */
  readonly dispatcher?: Dispatcher;
}

export class HttpClient {
  readonly #timeouts: HttpTimeouts;
  readonly #dispatcher: Dispatcher;
  readonly #ownsDispatcher: boolean;

  constructor(options: HttpOptions = {}) {
    this.#timeouts = options.timeouts ?? DEFAULT_TIMEOUTS;
    this.#ownsDispatcher = options.dispatcher === undefined;
    this.#dispatcher =
      options.dispatcher ??
      new Agent({
        connections: MAX_SOCKETS_PER_HOST,
        maxOrigins: MAX_HOSTS,
        keepAliveTimeout: IDLE_SOCKET_MS,
        connect: { timeout: this.#timeouts.connectMs },
        // One stream per socket: a stalled range must not hold up others, and progress is counted per request.
        allowH2: false,
      });
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

  /** Closes every socket; requests under way reject. Idempotent. */
  async close(): Promise<void> {
    if (this.#ownsDispatcher) await this.#dispatcher.destroy();
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    const { url, signal, body } = request;
    if (signal.aborted) throw abortedError(signal);
    try {
      const answer = await this.#dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        // Identity: a body that is compressed on the way would have neither the length nor the digest that it must.
        headers: {
          'accept-encoding': 'identity',
          'user-agent': 'shoal',
          ...request.headers,
          ...(request.authorization !== undefined && { authorization: request.authorization }),
        },
        body:
          body === undefined || body instanceof Uint8Array
            ? (body ?? null)
            : Readable.from(body, { objectMode: false }),
        signal,
        headersTimeout: body === undefined ? this.#timeouts.answerMs : this.#timeouts.uploadAnswerMs,
        bodyTimeout: this.#timeouts.progressMs,
      });
      return wrapAnswer(answer, request);
    } catch (error) {
      throw transportError(error, request);
    }
  }
}

function wrapAnswer(answer: Dispatcher.ResponseData, request: HttpRequest): HttpResponse {
  const { body, headers } = answer;
  return {
    status: answer.statusCode,
    url: request.url,
    header: name => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body: readBody(body, request),
    discard: async () => {
      // Errors of a body that nobody wants concern nobody; without a listener they would end the process.
      body.on('error', () => {});
      await body.dump({ limit: DISCARD_BYTES, signal: request.signal }).catch(() => {});
    },
  };
}

async function* readBody(body: Readable, request: HttpRequest): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of body) yield piece as Uint8Array; // a Readable without an encoding gives Buffers
  } catch (error) {
    throw transportError(error, request);
  }
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

/** Any error of undici or a socket as ours. A signal that fired explains everything else. */
function transportError(error: unknown, { what, url, signal }: HttpRequest): ShoalError {
  if (signal.aborted) return abortedError(signal);
  if (error instanceof ShoalError) return error;
  const options = { cause: error };
  if (error instanceof errors.ClientDestroyedError || error instanceof errors.ClientClosedError) {
    return new ShoalError('aborted', `${what}: the connections to registries were closed`, options);
  }
  if (error instanceof errors.ConnectTimeoutError) {
    return new ShoalError('timeout', `${what}: no connection to ${url.host} in time`, options);
  }
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return new ShoalError('timeout', `${what}: ${url.host} stopped answering`, options);
  }
  const reason = messageOf(error) || errnoOf(error) || 'connection failed';
  if (errnoOf(error) === 'ERR_SSL_WRONG_VERSION_NUMBER' || errnoOf(error) === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    const hint = `${url.host} does not speak TLS; if it should be used without, ask for plain HTTP (--plain-http)`;
    return new ShoalError('unreachable', `${what}: ${hint}`, { ...options, retryable: false });
  }
  const retryable = !CERTIFICATE_ERROR.test(errnoOf(error) ?? '');
  return new ShoalError('unreachable', `${what}: cannot reach ${url.host}: ${reason}`, { ...options, retryable });
}

/** OpenSSL's verdicts on a certificate, as Node names them: trying again changes nothing. */
const CERTIFICATE_ERROR = /CERT|^ERR_TLS_|^UNABLE_TO_/;
