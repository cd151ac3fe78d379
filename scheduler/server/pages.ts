// What the scheduler shows over HTTP: whether it is well, its metrics, and who holds what. Read only. Task ids and peer
// ids, never a digest or a credential: it has none.

import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Clock, fromSystemError, ShoalError } from '../../core/index.ts';
import type { SchedulerCore } from '../core/scheduler-core.ts';
import { MAX_PAGE, type Page, viewMembers, viewNodes, viewTasks } from '../core/view.ts';
import type { SchedulerMetrics } from './metrics.ts';

/** Nobody has a body or many words to send here. */
const MAX_BODY_BYTES = 1_024;
const REQUEST_MS = 10_000;
const MAX_CONNECTIONS = 256;
const LAST_ANSWERS_MS = 1_000;

export interface PagesPorts {
  readonly core: SchedulerCore;
  readonly metrics: SchedulerMetrics;
  readonly clock: Clock;
}

export interface PagesOptions {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  readonly version: string;
  readonly peerId: string;
}

export interface Pages {
  readonly port: number;
  /** Resolves when nobody is connected any more. */
  stop(): Promise<void>;
}

/** Listens. Rejects with `busy` where somebody else does, and with `system`. */
export async function startPages(ports: PagesPorts, options: PagesOptions): Promise<Pages> {
  const server = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 64 },
  });
  server.server.maxConnections = MAX_CONNECTIONS;
  addRoutes(server, ports, options);
  try {
    await server.listen({ host: options.host, port: options.port });
  } catch (error) {
    await server.close();
    throw listenError(error, options);
  }
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    stop: () => closeServer(server, ports.clock),
  };
}

function listenError(error: unknown, { host, port }: PagesOptions): ShoalError {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  if (isTaken)
    return new ShoalError('busy', `HTTP on ${host} port ${port}: somebody else listens there`, { cause: error });
  return fromSystemError(error, `HTTP on ${host} port ${port}`);
}

async function closeServer(server: FastifyInstance, clock: Clock): Promise<void> {
  const closed = new AbortController();
  clock.sleep(LAST_ANSWERS_MS, { signal: closed.signal }).then(
    () => server.server.closeAllConnections(),
    () => {}, // closed in time
  );
  await server.close();
  closed.abort();
}

function addRoutes(server: FastifyInstance, { core, metrics, clock }: PagesPorts, options: PagesOptions): void {
  const startedAt = clock.monotonic();
  server.setErrorHandler((error, _request, reply) => answerError(reply, error));
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'no such page' }));
  server.get('/healthz', () => {
    const uptimeMs = Math.round(clock.monotonic() - startedAt);
    const { version, peerId } = options;
    return { status: 'ok', version, peer: peerId, uptimeMs, nodes: core.nodes.size, tasks: core.tasks.size };
  });
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics.page();
    return reply.type(contentType).send(text);
  });
  server.get('/v1/nodes', request => viewNodes(core, pageOf(request), clock.monotonic()));
  server.get('/v1/tasks', request => viewTasks(core, pageOf(request), clock.monotonic()));
  server.get<{ Params: { id: string } }>('/v1/tasks/:id', (request, reply) => {
    const members = viewMembers(core, request.params.id, pageOf(request));
    return members ?? reply.code(404).send({ error: 'no such task' });
  });
}

/** Throws `usage`. */
function pageOf(request: FastifyRequest): Page {
  const query = request.query as Readonly<Record<string, unknown>>;
  return {
    offset: wholeNumber(query['offset'], Number.MAX_SAFE_INTEGER, 'offset'),
    limit: wholeNumber(query['limit'], MAX_PAGE, 'limit'),
  };
}

function wholeNumber(value: unknown, most: number, name: string): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : -1;
  if (number >= 0 && number <= most) return number;
  throw new ShoalError('usage', `${name}: expected a whole number from 0 to ${most}`);
}

function answerError(reply: FastifyReply, error: unknown): FastifyReply {
  const isUsage = error instanceof ShoalError && error.code === 'usage';
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  const isRefusal = isUsage || (status >= 400 && status < 500);
  // What went wrong inside is for the log, not for whoever asks.
  const message = isRefusal && error instanceof Error ? error.message : 'internal error';
  return reply.code(isUsage ? 400 : isRefusal ? status : 500).send({ error: message });
}
