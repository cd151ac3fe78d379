// One helper process, from its start to its end: gives it orders one after the other, each with a deadline.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ShoalError } from '../../core/index.ts';
import { parseErrorCode } from '../error-codes.ts';
import { siblingScript } from '../worker-threads.ts';
import { type HelperAnswer, type HelperOrder, type HelperRequest, helperAnswer } from './helper-protocol.ts';

/** Longest answer and complaint that are kept; both are a few hundred bytes. */
const MAX_OUTPUT_BYTES = 1 << 20;

export class HelperProcess {
  readonly #timeoutMs: number;
  readonly #child: ChildProcess;
  readonly #ended = Promise.withResolvers<void>();
  #answers = '';
  #complaint = '';
  /** Somebody waits for an answer. */
  #wake: () => void = () => {};
  #failure: ShoalError | undefined;
  #hasEnded = false;

  /** `fuseFd`: an open /dev/fuse for its mount; it may be closed here at any time. */
  constructor(timeoutMs: number, fuseFd?: number) {
    this.#timeoutMs = timeoutMs;
    const script = fileURLToPath(siblingScript(import.meta.url, 'helper'));
    const child = spawn(process.execPath, [script], {
      detached: true, // a session of its own: Ctrl-C is for the daemon, which then needs its helpers
      stdio: ['pipe', 'pipe', 'pipe', ...(fuseFd === undefined ? [] : [fuseFd])],
    });
    this.#child = child;
    child.stdin?.on('error', () => {}); // it ended early; its answer, or the lack of one, says why
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#answers.length < MAX_OUTPUT_BYTES) this.#answers += text;
      this.#wake();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#complaint.length < MAX_OUTPUT_BYTES) this.#complaint += text;
    });
    child.on('error', error => {
      this.#failure ??= new ShoalError('system', `mount helper: ${error.message}`, { cause: error });
      this.#leave();
    });
    child.on('close', () => this.#leave());
  }

  /** Undefined: it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * One order at a time. Rejects with what the helper says, `system` when it ended, and `timeout`: then it is killed and
   * not waited for, because it may be stuck where not even SIGKILL reaches.
   */
  async ask(request: HelperRequest): Promise<HelperAnswer> {
    const order: HelperOrder = { daemonPid: process.pid, request };
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    const line = await this.#line(request.op);
    const parsed = helperAnswer.safeParse(parseJson(line));
    if (!parsed.success) {
      throw new ShoalError('system', `mount helper (${request.op}) failed: ${this.#complaint.trim() || 'no answer'}`);
    }
    const { failure } = parsed.data;
    if (failure !== undefined) throw new ShoalError(parseErrorCode(failure.code), failure.message);
    return parsed.data;
  }

  /** No more orders. Resolves when it has ended, or was killed. */
  end(): Promise<void> {
    this.#child.stdin?.end();
    return this.#ended.promise;
  }

  #leave(): void {
    this.#hasEnded = true;
    this.#ended.resolve();
    this.#wake();
  }

  /** The next line of its output; what there is when it ended. */
  async #line(op: HelperRequest['op']): Promise<string> {
    const late = setTimeout(() => {
      this.#failure = new ShoalError('timeout', `mount helper (${op}) did not end within ${this.#timeoutMs} ms`);
      this.#child.kill('SIGKILL');
      this.#child.unref();
      this.#leave();
    }, this.#timeoutMs);
    try {
      while (!this.#answers.includes('\n') && !this.#hasEnded && this.#failure === undefined) {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(late);
    }
    if (this.#failure !== undefined) throw this.#failure;
    const [line = '', ...rest] = this.#answers.split('\n');
    this.#answers = rest.join('\n');
    return line;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
