// A reverse proxy in front of a registry that makes its faults; a process of its own, because it lives in the registry's
// namespace (origin-proxy.ts starts it). Which requests meet a fault is drawn from the seed, in the order in which they come.

import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { type OriginFault, type ProxyPlan, proxyOrder, proxyPlan } from './origin-faults.ts';
import { SeededRandom } from './random.ts';

export class FaultProxy {
  faulted = 0;
  readonly #plan: ProxyPlan;
  readonly #random: SeededRandom;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #faults: readonly OriginFault[] = [];

  constructor(plan: ProxyPlan) {
    this.#plan = plan;
    this.#random = new SeededRandom(plan.seed);
  }

  /** Port it listens on; chosen by the system for a plan with 0. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address ? address.port : this.#plan.listen.port;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response));
    server.on('connection', socket => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.port, this.#plan.listen.host);
    await once(server, 'listening');
    this.#server = server;
  }

  /** Nobody listens any more, and every connection is reset. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const { port } = this;
    this.#plan.listen.port = port;
    this.#server = undefined;
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await once(server, 'close');
  }

  /** From now on, instead of what was before. */
  async set(faults: readonly OriginFault[]): Promise<void> {
    this.#faults = faults;
    const isGone = faults.some(({ kind }) => kind === 'gone');
    if (isGone) await this.stop();
    else if (!this.#server) await this.start();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const fault = this.#faultFor(request);
    if (fault) this.faulted++;
    if (fault?.kind === 'status') {
      const retryAfter = fault.retryAfterS === undefined ? {} : { 'retry-after': `${fault.retryAfterS}` };
      response.writeHead(fault.status, retryAfter).end();
      return;
    }
    const onward = this.#ask(request, answer => this.#passOn(answer, response, fault));
    response.once('close', () => onward.destroy());
    onward.once('error', () => response.destroy());
    request.pipe(onward);
  }

  #ask(request: IncomingMessage, then: (answer: IncomingMessage) => void): ClientRequest {
    const { method, url: path, headers } = request;
    return httpRequest({ ...this.#plan.target, method, path, headers, agent: false }, then);
  }

  /** Blobs only: without manifests there is nothing to read at all. */
  #faultFor({ method, url = '' }: IncomingMessage): OriginFault | undefined {
    if (method !== 'GET' || !url.includes('/blobs/')) return undefined;
    return this.#faults.find(fault => 'share' in fault && this.#random.next() < fault.share);
  }

  #passOn(answer: IncomingMessage, response: ServerResponse, fault: OriginFault | undefined): void {
    const length = Number(answer.headers['content-length'] ?? 0);
    const harm = fault === undefined || length === 0 ? undefined : this.#harm(fault, length);
    const headers = { ...answer.headers, ...harm?.headers };
    response.writeHead(answer.statusCode ?? 502, headers);
    answer.once('error', () => response.destroy());
    let position = 0;
    answer.on('data', (bytes: Buffer) => {
      const changed = harm ? harm.change(bytes, position) : bytes;
      position += bytes.length;
      if (!response.write(changed)) {
        answer.pause();
        response.once('drain', () => answer.resume());
      }
      if (harm?.breaksAt !== undefined && position >= harm.breaksAt) {
        answer.destroy();
        response.socket?.end(); // after what was written; the length in the headers says that more should come
      }
    });
    answer.once('end', () => response.end(harm?.more));
  }

  #harm(fault: OriginFault, length: number): Harm | undefined {
    const at = this.#random.below(length);
    if (fault.kind === 'cut') return { change: (bytes, position) => upTo(bytes, position, at), breaksAt: at };
    if (fault.kind === 'wrong-bytes') return { change: (bytes, position) => flipped(bytes, position, at) };
    if (fault.kind !== 'wrong-length') return undefined;
    const more = this.#random.next() < 0.5 ? Buffer.alloc(1 + this.#random.below(1000)) : undefined;
    const sent = more ? length + more.length : at;
    return {
      headers: { 'content-length': `${sent}` },
      change: (bytes, position) => upTo(bytes, position, sent),
      more,
    };
  }
}

/** How a body is changed on its way. */
interface Harm {
  readonly headers?: Readonly<Record<string, string>>;
  /** What becomes of the bytes at a position. */
  change(bytes: Buffer, position: number): Buffer;
  readonly breaksAt?: number;
  readonly more?: Buffer | undefined;
}

function upTo(bytes: Buffer, position: number, end: number): Buffer {
  return bytes.subarray(0, Math.max(0, end - position));
}

function flipped(bytes: Buffer, position: number, at: number): Buffer {
  if (at < position || at >= position + bytes.length) return bytes;
  const copy = Buffer.from(bytes);
  copy[at - position] = (copy[at - position] ?? 0) ^ 0xff;
  return copy;
}

/** Resolves when it listens; orders come over the channel to the parent. */
async function serve(plan: ProxyPlan): Promise<void> {
  const proxy = new FaultProxy(plan);
  const obey = async (order: unknown) => {
    const { number, faults } = proxyOrder.parse(order);
    await proxy.set(faults);
    process.send?.({ number, faulted: proxy.faulted });
  };
  process.on('message', order => {
    obey(order).catch(error => {
      process.emitWarning(error);
      process.exitCode = 1;
      process.disconnect();
    });
  });
  await proxy.start();
  process.send?.({ number: 0, faulted: 0 });
}

if (import.meta.main) await serve(proxyPlan.parse(JSON.parse(process.argv[2] ?? '')));
