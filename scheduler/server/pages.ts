// What the scheduler shows over HTTP: whether it is well, its metrics, and who holds what. Read only. Task ids and peer
// ids, never a digest or a credential: it has none.

import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Clock, fromSystemError, ShoalError } from '../../core/index.ts';
import type { SchedulerMetrics } from './metrics.ts';
import type { SchedulerView, TaskMemberView, TaskView } from './ports.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
/** Numbers of the runs of one member; a member's pieces may be scattered over a million of them. */
const MAX_RUN_NUMBERS = 2_000;
const MAX_LEASES = 1_000;
/** Nobody has a body or many words to send here. */
const MAX_BODY_BYTES = 1_024;
const REQUEST_MS = 10_000;
const MAX_CONNECTIONS = 256;
const LAST_ANSWERS_MS = 1_000;

export interface PagesPorts {
  readonly view: SchedulerView;
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

function addRoutes(server: FastifyInstance, { view, metrics, clock }: PagesPorts, options: PagesOptions): void {
  const startedAt = clock.monotonic();
  server.setErrorHandler((error, _request, reply) => answerError(reply, error));
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'no such page' }));
  server.get('/healthz', () => {
    const uptimeMs = Math.round(clock.monotonic() - startedAt);
    const { nodes, tasks } = view.counts();
    return { status: 'ok', version: options.version, peerId: options.peerId, uptimeMs, nodes, tasks };
  });
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics.page();
    return reply.type(contentType).send(text);
  });
  server.get('/v1/nodes', request => {
    const { items, ...page } = pageOf(view.nodes(), request);
    return { nodes: items, ...page };
  });
  server.get('/v1/tasks', request => {
    const { items, ...page } = pageOf(view.tasks(), request);
    return { tasks: items, ...page };
  });
  server.get<{ Params: { id: string } }>('/v1/tasks/:id', (request, reply) => {
    const { id } = request.params;
    const task = /^[0-9a-f]{64}$/.test(id) ? view.task(id, clock.monotonic()) : undefined;
    return task === undefined ? reply.code(404).send({ error: 'no such task' }) : taskPage(task, request);
  });
}

function taskPage({ memberList, leaseList, ...summary }: TaskView, request: FastifyRequest): unknown {
  const { items, ...page } = pageOf(memberList, request);
  return { ...summary, leaseList: first(leaseList, MAX_LEASES).items, memberList: items.map(shownMember), ...page };
}

/** `runs` end where there are too many; `held` says how many pieces there are. */
function shownMember({ runs, ...member }: TaskMemberView): unknown {
  const { items, isWhole } = first(runs, MAX_RUN_NUMBERS);
  return { ...member, runs: items, runsAreWhole: isWhole };
}

interface Page<T> {
  readonly items: T[];
  readonly offset: number;
  /** Where the next page begins; absent on the last one. */
  readonly next?: number;
}

/** By `offset` and `limit` of the query: what comes and goes meanwhile moves the rest. Throws `usage`. */
function pageOf<T>(all: Iterable<T>, request: FastifyRequest): Page<T> {
  const query = request.query as Readonly<Record<string, unknown>>;
  const offset = wholeNumber(query['offset'], 0, Number.MAX_SAFE_INTEGER, 'offset');
  const limit = wholeNumber(query['limit'], DEFAULT_LIMIT, MAX_LIMIT, 'limit');
  const items: T[] = [];
  let at = 0;
  for (const item of all) {
    if (items.length === limit) return { items, offset, next: offset + limit };
    if (at++ >= offset) items.push(item);
  }
  return { items, offset };
}

function wholeNumber(value: unknown, fallback: number, most: number, name: string): number {
  if (value === undefined) return fallback;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : -1;
  if (number >= 0 && number <= most) return number;
  throw new ShoalError('usage', `${name}: expected a whole number from 0 to ${most}`);
}

function first<T>(all: Iterable<T>, most: number): { readonly items: T[]; readonly isWhole: boolean } {
  const items: T[] = [];
  for (const item of all) {
    if (items.length === most) return { items, isWhole: false };
    items.push(item);
  }
  return { items, isWhole: true };
}

function answerError(reply: FastifyReply, error: unknown): FastifyReply {
  const isUsage = error instanceof ShoalError && error.code === 'usage';
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  const isRefusal = isUsage || (status >= 400 && status < 500);
  // What went wrong inside is for the log, not for whoever asks.
  const message = isRefusal && error instanceof Error ? error.message : 'internal error';
  return reply.code(isUsage ? 400 : isRefusal ? status : 500).send({ error: message });
}
