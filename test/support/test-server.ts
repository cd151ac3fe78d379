// An HTTP server on an ephemeral port that can go away, breaking every socket, and come back on the same port.

import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { ServerOptions } from 'node:https';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { errnoOf } from '../../core/index.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export class TestServer {
  readonly sockets = new Set<Socket>();
  readonly #handler: Handler;
  readonly #tls: ServerOptions | undefined;
  #server: Server | undefined;
  #port = 0;

  /** `tls`: as of node:https; it speaks plain HTTP without. */
  constructor(handler: Handler, tls?: ServerOptions) {
    this.#handler = handler;
    this.#tls = tls;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      this.#handler(request, response).catch(error => {
        response.destroy();
        // A client that breaks off is what tests are about; any other failure is a mistake of the test's server.
        if (errnoOf(error) !== 'ECONNRESET') process.emitWarning(error);
      });
    };
    const server = this.#tls ? createTlsServer(this.#tls, listener) : createServer(listener);
    server.on('connection', socket => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
    this.#server = server;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
