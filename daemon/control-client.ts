// The daemon from another process, over its control socket. Errors come back as they were thrown there.

import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import {
  abortedError,
  errnoOf,
  fromSystemError,
  type ImageMounter,
  type MountInfo,
  type MountRequest,
  ShoalError,
} from '../core/index.ts';
import {
  DAEMON_PATH,
  type DaemonInfo,
  daemonInfo,
  failure,
  HAND_OVER_PATH,
  METRICS_PATH,
  MOUNTS_PATH,
  mountInfo,
  mountList,
  STOP_PATH,
  SWARM_PATH,
  swarmReport,
} from './control-protocol.ts';
import { parseErrorCode } from './error-codes.ts';
import type { SwarmReport } from './swarm-report.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Question {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** No socket, nobody behind it, or a daemon that ended before it answered. */
const NOBODY_ANSWERS: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

/** Every call rejects with `unreachable` when no daemon listens, with `aborted` when its signal fires. */
export class ControlClient implements ImageMounter {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** When the signal fires before the mount is ready, the daemon undoes it. */
  mount(request: MountRequest, { signal }: { readonly signal: AbortSignal }): Promise<MountInfo> {
    return this.#ask({ method: 'POST', path: MOUNTS_PATH, body: request, signal }, mountInfo);
  }

  async unmount(
    mountpoint: string,
    { signal, force = false }: { readonly signal: AbortSignal; readonly force?: boolean | undefined },
  ): Promise<void> {
    await this.#ask({ method: 'DELETE', path: MOUNTS_PATH, body: { mountpoint, force }, signal }, z.unknown());
  }

  list({ signal }: { readonly signal: AbortSignal }): Promise<readonly MountInfo[]> {
    return this.#ask({ method: 'GET', path: MOUNTS_PATH, signal }, mountList);
  }

  /** Who listens. */
  info({ signal }: { readonly signal: AbortSignal }): Promise<DaemonInfo> {
    return this.#ask({ method: 'GET', path: DAEMON_PATH, signal }, daemonInfo);
  }

  /** Rejects with `not-found` when it has no peers. */
  swarm({ signal }: { readonly signal: AbortSignal }): Promise<SwarmReport> {
    return this.#ask({ method: 'GET', path: SWARM_PATH, signal }, swarmReport);
  }

  /** Asks the daemon to end; resolves when it agreed, not when it is gone. */
  async stop({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#ask({ method: 'POST', path: STOP_PATH, body: {}, signal }, z.unknown());
  }

  /**
   * Asks the daemon to end without its mounts, for another one to go on with them; resolves when it agreed, and is about
   * to die. Rejects with `unsupported` when a mount would be lost.
   */
  async handOver({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#ask({ method: 'POST', path: HAND_OVER_PATH, body: {}, signal }, z.unknown());
  }

  /** The page that Prometheus gets. */
  async metrics({ signal }: { readonly signal: AbortSignal }): Promise<string> {
    const answer = await this.#exchange({ method: 'GET', path: METRICS_PATH, signal });
    if (answer.status >= 400) throw errorFrom(answer.status, parseJson(answer.body));
    return answer.body;
  }

  async #ask<T>(question: Question, schema: z.ZodType<T>): Promise<T> {
    const answer = await this.#exchange(question);
    const value = answer.body === '' ? undefined : parseJson(answer.body);
    if (answer.status >= 400) throw errorFrom(answer.status, value);
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw new ShoalError('internal', `daemon: answer to ${question.path} not understood`);
    return parsed.data;
  }

  #exchange({ method, path, body, signal }: Question): Promise<Answer> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const refuse = (error: unknown) => reject(this.#translate(error, signal));
      const outgoing = httpRequest(
        {
          socketPath: this.#socket,
          method,
          path,
          signal,
          headers:
            payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
        },
        incoming => {
          text(incoming).then(received => resolve({ status: incoming.statusCode ?? 500, body: received }), refuse);
        },
      );
      outgoing.on('error', refuse);
      outgoing.end(payload);
    });
  }

  #translate(error: unknown, signal: AbortSignal): ShoalError {
    if (signal.aborted) return abortedError(signal);
    const errno = errnoOf(error);
    if (errno !== undefined && NOBODY_ANSWERS.has(errno)) {
      return new ShoalError('unreachable', `no daemon answers on ${this.#socket} (${errno})`, { cause: error });
    }
    return fromSystemError(error, `ask the daemon on ${this.#socket}`);
  }
}

function errorFrom(status: number, body: unknown): ShoalError {
  const parsed = failure.safeParse(body);
  // Fastify's own word while it closes: the daemon is on its way out, and for whoever asks it is gone.
  if (!parsed.success && status === 503) return new ShoalError('unreachable', 'the daemon is ending');
  if (!parsed.success) return new ShoalError('internal', `daemon: status ${status} without a reason`);
  return new ShoalError(parseErrorCode(parsed.data.code), parsed.data.message);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new ShoalError('internal', 'daemon: answer is not JSON', { cause: error });
  }
}
