// The daemon's side of the helper: starts it, gives it a deadline, reads its answer. The daemon itself never touches a
// mount (design §6 rule 1).

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { ShoalError } from '../../core/index.ts';
import { parseErrorCode } from '../error-codes.ts';
import { siblingScript } from '../worker-threads.ts';
import { type HelperAnswer, type HelperOrder, type HelperRequest, helperAnswer } from './helper-protocol.ts';

/** Longest answer and complaint that are kept; both are a few hundred bytes. */
const MAX_OUTPUT_BYTES = 1 << 20;

/** At once: each is a Node process of some 40 MB, and a stopping daemon may have a hundred mounts. */
const MAX_HELPERS = 4;

export class MountHelper {
  readonly #timeoutMs: number;
  readonly #few = pLimit(MAX_HELPERS);

  constructor(options: { readonly timeoutMs: number }) {
    this.#timeoutMs = options.timeoutMs;
  }

  /** The canonical path of a directory. Rejects with `not-found` when there is none. */
  async inspect(path: string): Promise<{ readonly canonical: string; readonly isEmpty: boolean }> {
    const answer = await this.#ask({ op: 'inspect', path });
    return { canonical: required(answer.canonical), isEmpty: required(answer.isEmpty) };
  }

  /** Mounts the connection of an open /dev/fuse; returns the device, `major:minor`. */
  async mountFuse(fd: number, order: Omit<Extract<HelperRequest, { op: 'mount-fuse' }>, 'op'>): Promise<string> {
    return required((await this.#ask({ op: 'mount-fuse', ...order }, fd)).device);
  }

  /** Mounts an overlay of the directory's `lower`, `upper` and `work`. */
  async mountOverlay(order: {
    readonly directory: string;
    readonly mountpoint: string;
    readonly source: string;
  }): Promise<void> {
    await this.#ask({ op: 'mount-overlay', ...order });
  }

  /** Unmounts what is ours at these mountpoints, in order. Rejects with `busy`. */
  async unmount(order: {
    readonly mountpoints: readonly string[];
    readonly source: string;
    readonly detach: boolean;
  }): Promise<void> {
    await this.#ask({ op: 'unmount', ...order });
  }

  /**
   * Aborts and detaches whatever these sources have mounted. `cleaned` describes what there was, `stuck` are the sources
   * that something keeps from going (another mount on top).
   */
  async clean(
    sources: readonly string[],
  ): Promise<{ readonly cleaned: readonly string[]; readonly stuck: readonly string[] }> {
    const answer = await this.#ask({ op: 'clean', sources });
    return { cleaned: required(answer.cleaned), stuck: required(answer.stuck) };
  }

  async abort(device: string): Promise<void> {
    await this.#ask({ op: 'abort', device });
  }

  async #ask(request: HelperRequest, fuseFd?: number): Promise<HelperAnswer> {
    const output = await this.#few(() => this.#run(request, fuseFd));
    const parsed = helperAnswer.safeParse(parseJson(output.stdout));
    if (!parsed.success) {
      throw new ShoalError('system', `mount helper (${request.op}) failed: ${output.stderr.trim() || 'no answer'}`);
    }
    const { failure } = parsed.data;
    if (failure !== undefined) throw new ShoalError(parseErrorCode(failure.code), failure.message);
    return parsed.data;
  }

  /** A helper that does not end in time is killed and not waited for: it may be stuck where not even SIGKILL reaches. */
  #run(request: HelperRequest, fuseFd: number | undefined): Promise<{ stdout: string; stderr: string }> {
    const script = fileURLToPath(siblingScript(import.meta.url, 'helper'));
    const child = spawn(process.execPath, [script], {
      detached: true, // a session of its own: Ctrl-C is for the daemon, which then needs its helpers
      stdio: ['pipe', 'pipe', 'pipe', ...(fuseFd === undefined ? [] : [fuseFd])],
    });
    const order: HelperOrder = { daemonPid: process.pid, request };
    child.stdin?.on('error', () => {}); // it ended early; its answer, or the lack of one, says why
    child.stdin?.end(JSON.stringify(order));
    const signal = AbortSignal.timeout(this.#timeoutMs);
    return new Promise((resolve, reject) => {
      const collected = { stdout: '', stderr: '' };
      const collect = (name: 'stdout' | 'stderr') => (chunk: string) => {
        if (collected[name].length < MAX_OUTPUT_BYTES) collected[name] += chunk;
      };
      child.stdout?.setEncoding('utf8').on('data', collect('stdout'));
      child.stderr?.setEncoding('utf8').on('data', collect('stderr'));
      child.on('error', error => reject(new ShoalError('system', `mount helper: ${error.message}`, { cause: error })));
      child.on('close', () => resolve(collected));
      signal.addEventListener('abort', () => {
        child.kill('SIGKILL');
        child.unref();
        reject(new ShoalError('timeout', `mount helper (${request.op}) did not end within ${this.#timeoutMs} ms`));
      });
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new ShoalError('internal', 'mount helper: answer without the field asked for');
  return value;
}
