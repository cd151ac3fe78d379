// The one place that opens sockets to registries: bounded pools, TLS as each host wants it, tunnels through proxies.

import type { Socket } from 'node:net';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { type ProxySettings, type ProxyTarget, proxyFor } from './proxy.ts';
import type { TlsProfiles } from './tls-profiles.ts';

/**
 * Sockets to one host. More gain nothing on one link, and each costs the registry memory. Whoever queues requests by
 * priority (the fetch engine) keeps its total below this, since the pool's own queue is first in, first out.
 */
export const MAX_SOCKETS_PER_HOST = 32;
/** Hosts with open sockets at once; a registry that redirects to ever new hosts ends here. */
const MAX_HOSTS = 256;
/** Idle sockets are kept a little shorter than common load balancers keep theirs (60 s). */
const IDLE_SOCKET_MS = 50_000;

/** How a request travels: what undici is asked for besides method and body. */
export interface Route {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly path: string;
  /** For the proxy, when the request itself is shown to one. */
  readonly headers: Readonly<Record<string, string>>;
  /** For messages. */
  readonly proxy: string | undefined;
}

/** The proxy did not let us through, by its answer's status, or could not be spoken to (the cause). */
export class TunnelError extends Error {
  readonly status: number | undefined;

  constructor(reason: number | { readonly cause: unknown }) {
    super('no tunnel through the proxy', typeof reason === 'number' ? {} : reason);
    this.status = typeof reason === 'number' ? reason : undefined;
  }
}

export class Connections {
  readonly #tls: TlsProfiles;
  readonly #proxies: ProxySettings;
  readonly #connectMs: number;
  readonly #plain: buildConnector.connector;
  /** Two pools, so that a connection whose certificate nobody looked at never carries a request that relies on it. */
  readonly #verified: Agent;
  readonly #unverified: Agent;
  /** To proxies, which are never reached through one. */
  readonly #toProxies: Agent;

  constructor(tls: TlsProfiles, options: { readonly proxies: ProxySettings; readonly connectMs: number }) {
    this.#tls = tls;
    this.#proxies = options.proxies;
    this.#connectMs = options.connectMs;
    this.#plain = buildConnector({ timeout: options.connectMs, allowH2: false });
    this.#verified = this.#pool(target => this.#open(target, false));
    this.#unverified = this.#pool(target => this.#open(target, true));
    this.#toProxies = this.#pool(target => this.#openDirectly(target, false));
  }

  /** Throws `usage` for a proxy setting that makes no sense. */
  route(url: URL, insecure: boolean): Route {
    const proxy = proxyFor(url, this.#proxies);
    const path = url.pathname + url.search;
    const shown = proxy && new URL(proxy.origin).host;
    // With TLS the proxy only passes bytes on: the connector opens a tunnel through it.
    if (proxy === undefined || url.protocol === 'https:') {
      const dispatcher = insecure ? this.#unverified : this.#verified;
      return { dispatcher, origin: url.origin, path, headers: {}, proxy: shown };
    }
    const headers = { host: url.host, ...authorization(proxy) };
    return { dispatcher: this.#toProxies, origin: proxy.origin, path: url.origin + path, headers, proxy: shown };
  }

  /** Closes every socket; requests under way reject. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#verified.destroy(), this.#unverified.destroy(), this.#toProxies.destroy()]);
  }

  #pool(open: (target: buildConnector.Options) => Promise<Socket>): Agent {
    return new Agent({
      connections: MAX_SOCKETS_PER_HOST,
      maxOrigins: MAX_HOSTS,
      keepAliveTimeout: IDLE_SOCKET_MS,
      allowH2: false,
      connect: (target, callback) => {
        open(target).then(
          socket => callback(null, socket),
          error => callback(error, null),
        );
      },
    });
  }

  async #open(target: buildConnector.Options, insecure: boolean): Promise<Socket> {
    const proxy = target.protocol === 'https:' ? proxyFor(urlOf(target), this.#proxies) : undefined;
    if (proxy === undefined) return this.#openDirectly(target, insecure);
    const httpSocket = await this.#openTunnel(urlOf(target), proxy);
    return this.#openDirectly({ ...target, httpSocket }, insecure);
  }

  async #openDirectly(target: buildConnector.Options, insecure: boolean): Promise<Socket> {
    const isTls = target.protocol === 'https:';
    const connector = isTls ? await this.#tls.connector(urlOf(target).host, insecure) : this.#plain;
    // The name that undici would take is of the Host header, which to a proxy names the target: TLS's is the host's own.
    const named = { ...target, servername: '' };
    return new Promise((resolve, reject) => {
      connector(named, (error, socket) => {
        if (error !== null) return reject(error);
        // TLS leaves the socket open after an alert (1.3 sends "your certificate is bad" this late), and undici would
        // then report the end that follows in place of the reason.
        socket.once('error', () => socket.destroy());
        resolve(socket);
      });
    });
  }

  /** HTTP's CONNECT (RFC 9110 §9.3.6). Rejects with TunnelError when the proxy refuses. */
  async #openTunnel(target: URL, proxy: ProxyTarget): Promise<Socket> {
    const authority = `${target.hostname}:${target.port || 443}`;
    const headers = { host: authority, ...authorization(proxy) };
    const signal = AbortSignal.timeout(this.#connectMs);
    const { statusCode, socket } = await this.#toProxies
      .connect({ origin: proxy.origin, path: authority, headers, signal })
      .catch((error: unknown) => {
        // Not as it is: undici would take a broken socket of the proxy's for one that only has to be opened again.
        throw new TunnelError({ cause: error });
      });
    if (statusCode >= 200 && statusCode < 300) return socket as Socket; // CONNECT's is a socket; undici's type says Duplex
    socket.on('error', () => {}).destroy();
    throw new TunnelError(statusCode);
  }
}

function authorization(proxy: ProxyTarget): Record<string, string> {
  return proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization };
}

function urlOf({ protocol, host, hostname }: buildConnector.Options): URL {
  return new URL(`${protocol}//${host ?? hostname}`);
}
