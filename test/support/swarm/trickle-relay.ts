// A TCP relay that lets through what two programs need to know each other, and from then on one byte a second: a peer that
// is there, answers, and never brings anything. Below the encryption, so that no program has to be changed for it.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface TrickleOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Bytes from the target that pass at once on each connection. */
  readonly freeBytes: number;
  /** Between two bytes after that, ms. */
  readonly everyMs: number;
}

export class TrickleRelay {
  readonly #options: TrickleOptions;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(options: TrickleOptions) {
    this.#options = options;
    this.#server = createServer(socket => this.#join(socket));
  }

  /** Listens; port 0 is any. The port. */
  async start(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const target = connect(this.#options.target);
    for (const socket of [client, target]) {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // its close ends the other
      socket.once('close', () => this.#sockets.delete(socket));
    }
    client.pipe(target);
    const trickle = this.#trickle(target, client).catch(() => {});
    const end = () => {
      client.destroy();
      target.destroy();
    };
    client.once('close', end);
    target.once('close', () => trickle.then(end));
  }

  async #trickle(from: Socket, to: Socket): Promise<void> {
    let free = this.#options.freeBytes;
    // Not read from while a piece of it is on its way: the sender's window closes, as with a slow link.
    for await (const bytes of from as AsyncIterable<Buffer>) {
      const atOnce = bytes.subarray(0, free);
      free -= atOnce.length;
      if (atOnce.length > 0) to.write(atOnce);
      for (let at = atOnce.length; at < bytes.length; at++) {
        await new Promise(done => setTimeout(done, this.#options.everyMs));
        if (to.destroyed) return;
        to.write(bytes.subarray(at, at + 1));
      }
    }
  }
}
