// The control socket: the daemon's ImageMounter for other processes of this machine. Only its owner may connect
// (0600 in a directory of 0700); whoever may is root already.

import { chmod, rm } from 'node:fs/promises';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { z } from 'zod';
import { type Clock, fromSystemError, type ImageMounter, type Logger, ShoalError } from '../core/index.ts';
import {
  DAEMON_PATH,
  type DaemonInfo,
  HAND_OVER_PATH,
  METRICS_PATH,
  MOUNTS_PATH,
  mountRequest,
  STATUS_BY_CODE,
  STOP_PATH,
  SWARM_PATH,
  unmountRequest,
} from './control-protocol.ts';
import { pidNamespace } from './pid-namespace.ts';
import type { SwarmReport } from './swarm-report.ts';

/** A mount request is a few hundred bytes. */
const MAX_BODY_BYTES = 64 * 1024;

/** How long answers under way may take once the daemon stops: they are small and local, but the machine may be busy. */
const LAST_ANSWERS_MS = 1_000;

export interface ControlApiPorts {
  readonly mounter: ImageMounter;
  /** A page for Prometheus. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Undefined: this node has no peers. */
  readonly swarm: () => SwarmReport | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** Stops the daemon; called after the answer was sent. */
  readonly onStop: () => void;
  /** Makes ready for another daemon to go on with the mounts; rejects when one would be lost. */
  readonly handOver: () => Promise<void>;
  /** Kills this process; called after the answer was sent, or nobody was there any more to get it. */
  readonly onHandedOver: () => void;
}

export interface ControlApiOptions {
  /** Path of the socket; a file left there by a dead daemon is replaced. The caller holds the daemon's lock. */
  readonly socket: string;
  readonly version: string;
}

export interface ControlApi {
  /** Stops listening and resolves when the calls under way are answered. Idempotent. */
  stop(): Promise<void>;
}

/** Listens. Rejects with `system` when it can't. */
export async function startControlApi(ports: ControlApiPorts, options: ControlApiOptions): Promise<ControlApi> {
  // Calls that are being answered when the daemon stops get their answer; connections that only wait are closed.
  const server = Fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: 'idle' });
  server.setErrorHandler((error, _request, reply) => answerError(reply, error));
  addMountRoutes(server, ports.mounter);
  addDaemonRoutes(server, ports, options.version);
  try {
    await rm(options.socket, { force: true });
    await server.listen({ path: options.socket });
    await chmod(options.socket, 0o600);
  } catch (error) {
    await server.close();
    throw fromSystemError(error, `listen on ${options.socket}`);
  }
  return { stop: () => closeServer(server, ports.clock) };
}

/** Answers that are being sent are sent (the one that ended an idle daemon is among them); who dawdles is cut off. */
async function closeServer(server: FastifyInstance, clock: Clock): Promise<void> {
  const closed = new AbortController();
  clock.sleep(LAST_ANSWERS_MS, { signal: closed.signal }).then(
    () => server.server.closeAllConnections(),
    () => {}, // closed in time
  );
  await server.close();
  closed.abort();
}

/** An abandoned mount is undone: its signal fires when the client goes away. */
function addMountRoutes(server: FastifyInstance, mounter: ImageMounter): void {
  server.post(MOUNTS_PATH, (request, reply) =>
    mounter.mount(parse(mountRequest, request.body), { signal: clientSignal(reply) }),
  );
  server.get(MOUNTS_PATH, (_request, reply) => mounter.list({ signal: clientSignal(reply) }));
  server.delete(MOUNTS_PATH, async (request, reply) => {
    const { mountpoint, force } = parse(unmountRequest, request.body);
    await mounter.unmount(mountpoint, { signal: clientSignal(reply), force });
    return reply.code(204).send();
  });
}

/**
 * Fires when the connection ends before the answer was sent. Fastify's `request.signal` fires as soon as the request
 * has been read (5.12: it listens to the request's own `close`), which is always before the answer.
 */
function clientSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new ShoalError('aborted', 'the client went away'));
  });
  return gone.signal;
}

function addDaemonRoutes(server: FastifyInstance, ports: ControlApiPorts, version: string): void {
  const startedAt = ports.clock.monotonic();
  server.get(
    DAEMON_PATH,
    (): Promise<DaemonInfo> =>
      Promise.resolve({
        pid: process.pid,
        pidNamespace: pidNamespace(),
        version,
        uptimeMs: Math.round(ports.clock.monotonic() - startedAt),
      }),
  );
  server.get(METRICS_PATH, async (_request, reply) => {
    const { contentType, text } = await ports.metrics();
    return reply.type(contentType).send(text);
  });
  server.get(SWARM_PATH, async () => {
    const report = ports.swarm();
    if (report === undefined) {
      throw new ShoalError('not-found', 'this daemon has no peers: peer-listen is not set (docs/configuration.md)');
    }
    return report;
  });
  server.post(HAND_OVER_PATH, async (_request, reply) => {
    await ports.handOver();
    reply.raw.once('close', ports.onHandedOver);
    return reply.code(204).header('connection', 'close').send();
  });
  server.post(STOP_PATH, async (_request, reply) => {
    reply.raw.once('finish', ports.onStop);
    return reply.code(204).send();
  });
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ShoalError('usage', `request: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'not valid'}`);
}

function answerError(reply: FastifyReply, error: unknown): FastifyReply {
  const { code, message } = toShoalError(error);
  return reply.code(STATUS_BY_CODE[code]).send({ code, message });
}

/** Fastify's own refusals (no JSON, too long) carry a status in the 400s: the request made no sense. */
function toShoalError(error: unknown): ShoalError {
  const isRefusal =
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500;
  return isRefusal ? new ShoalError('usage', error.message) : fromSystemError(error, 'request');
}
