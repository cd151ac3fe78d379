// A forward proxy: absolute-form requests and CONNECT tunnels, with a table of names instead of DNS, so that tests see that
// names are the proxy's business.
//
//   const proxy = await startTestProxy(t, { 'registry.test:443': registry.host });   // or later: proxy.hosts[…] = …
//   proxy.address          // http://127.0.0.1:port
//   proxy.lines            // `CONNECT registry.test:443`, `GET http://registry.test/v2/…`
//   proxy.authorizations   // what each request showed it
// Knobs: `user` (asks for basic auth), `refuse` (a status for every request), `silent` (takes requests and says nothing).

import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { ServerOptions } from 'node:https';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Ending } from './docker-registry.ts';

export class TestProxy {
  readonly lines: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  user: string | undefined;
  refuse: number | undefined;
  silent = false;
  /** `name:port` to where it is. */
  readonly hosts: Record<string, string>;
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  readonly #sockets = new Set<Socket | Duplex>();
  #port = 0;

  constructor(hosts: Readonly<Record<string, string>>, tls?: ServerOptions) {
    this.hosts = { ...hosts };
    const forward = (request: IncomingMessage, response: ServerResponse) => this.#forward(request, response);
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createTlsServer(tls, forward) : createServer(forward);
  }

  get address(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server.on('connect', (request: IncomingMessage, socket: Duplex) => this.#tunnel(request, socket));
    this.#server.on('connection', socket => this.#sockets.add(socket));
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** A status to refuse with, or undefined. */
  #refusal(request: IncomingMessage): number | undefined {
    const shown = request.headers['proxy-authorization'];
    this.lines.push(`${request.method} ${request.url}`);
    this.authorizations.push(shown);
    const wanted = this.user && `Basic ${Buffer.from(this.user).toString('base64')}`;
    return this.refuse ?? (wanted !== undefined && shown !== wanted ? 407 : undefined);
  }

  #whereIs(authority: string): { host: string; port: number } | undefined {
    const [host = '', port] = this.hosts[authority]?.split(':') ?? [];
    return host === '' ? undefined : { host, port: Number(port) };
  }

  #tunnel(request: IncomingMessage, socket: Duplex): void {
    socket.on('error', () => {}); // either end may break off
    const status = this.#refusal(request);
    if (this.silent) return;
    const target = this.#whereIs(request.url ?? '');
    if (status !== undefined || target === undefined) {
      socket.end(`HTTP/1.1 ${status ?? 502} refused\r\n\r\n`);
      return;
    }
    const outgoing = connect(target, () => {
      socket.write('HTTP/1.1 200 connected\r\n\r\n');
      outgoing.pipe(socket).pipe(outgoing);
    });
    this.#sockets.add(outgoing);
    outgoing.on('error', () => socket.destroy());
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const status = this.#refusal(request);
    const url = new URL(request.url ?? '');
    const target = this.#whereIs(`${url.hostname}:${url.port || 80}`);
    if (status !== undefined || target === undefined) {
      response.writeHead(status ?? 502).end();
      return;
    }
    const { 'proxy-authorization': _mine, ...headers } = request.headers;
    const onward = httpRequest(
      { ...target, method: request.method, path: url.pathname + url.search, headers },
      answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}

/** `tls`: options of node:https, for a proxy that is spoken to with TLS itself. */
export async function startTestProxy(
  t: Ending,
  hosts: Readonly<Record<string, string>> = {},
  tls?: ServerOptions,
): Promise<TestProxy> {
  const proxy = new TestProxy(hosts, tls);
  await proxy.start();
  t.after(() => proxy.close());
  return proxy;
}
