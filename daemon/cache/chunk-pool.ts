// The store's worker threads: hands out jobs, replaces a worker that died and fails the jobs it held.

import { Worker } from 'node:worker_threads';
import { type Logger, ShoalError } from '../../core/index.ts';
import { endWorker, siblingScript } from '../worker-threads.ts';
import {
  type ChunkJob,
  type ChunkJobMessage,
  type ChunkJobResult,
  END,
  type PackJob,
  type PunchJob,
  type StoreJob,
  type VerifyJob,
} from './chunk-job.ts';
import type { Damage } from './verification.ts';

interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, PromiseWithResolvers<ChunkJobResult>>;
}

export class ChunkPool {
  readonly #log: Logger;
  readonly #limits: { readonly workers: number; readonly maxWorkerRestarts: number };
  readonly #script: URL;
  readonly #members = new Set<Member>();
  #lastId = 0;
  #restarts = 0;
  #stopped = false;

  /** `script` is what the threads run; only tests of their death run something else. */
  constructor(
    log: Logger,
    limits: { readonly workers: number; readonly maxWorkerRestarts: number },
    script: URL = siblingScript(import.meta.url, 'chunk-worker'),
  ) {
    this.#log = log;
    this.#limits = limits;
    this.#script = script;
  }

  /** Starts the threads, so that the first chunk finds them warm. Idempotent; `run` does it when needed. */
  start(): void {
    while (this.#mayHire && this.#members.size < this.#limits.workers) this.#hire();
  }

  /**
   * Runs a job on the least busy thread. A store job's payload bytes are transferred. Rejects with the job's error, or
   * with a retryable `internal` when its thread died.
   */
  async run(job: StoreJob | PunchJob): Promise<void> {
    await this.#run(job);
  }

  /** The same for a pack job; resolves to its frame, the caller's. */
  async pack(job: PackJob): Promise<Uint8Array<ArrayBuffer>> {
    const { frame } = await this.#run(job);
    if (frame === undefined) throw new ShoalError('internal', 'chunk worker: no frame');
    return frame;
  }

  /** The same for a verify job; resolves to what is wrong. */
  async verify(job: VerifyJob): Promise<readonly Damage[]> {
    const { damage } = await this.#run(job);
    if (damage === undefined) throw new ShoalError('internal', 'chunk worker: no finding');
    return damage;
  }

  #run(job: ChunkJob): Promise<ChunkJobResult> {
    this.start();
    const [member] = [...this.#members].sort((a, b) => a.jobs.size - b.jobs.size);
    if (member === undefined) {
      return Promise.reject(new ShoalError('internal', 'chunk workers: none left', { retryable: true }));
    }
    const result = Promise.withResolvers<ChunkJobResult>();
    const message: ChunkJobMessage = { id: ++this.#lastId, job };
    member.jobs.set(message.id, result);
    member.worker.postMessage(message, job.kind === 'store' ? [job.payload.bytes.buffer] : []);
    return result.promise;
  }

  /** Ends the threads when their jobs are done. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#members].map(member => endWorker(member.worker, END)));
  }

  get #mayHire(): boolean {
    return !this.#stopped && this.#restarts <= this.#limits.maxWorkerRestarts;
  }

  #hire(): void {
    const worker = new Worker(this.#script);
    const member: Member = { worker, jobs: new Map() };
    this.#members.add(member);
    worker.unref(); // open mounts and the control socket keep the process alive, not its idle threads
    worker.on('message', (result: ChunkJobResult) => this.#answer(member, result));
    worker.on('error', error => this.#log.error('chunk worker failed', { error: error.message }));
    worker.on('exit', code => this.#bury(member, code));
  }

  #answer(member: Member, result: ChunkJobResult): void {
    const { id, failure } = result;
    const job = member.jobs.get(id);
    member.jobs.delete(id);
    if (failure === undefined) job?.resolve(result);
    else job?.reject(new ShoalError(failure.code, failure.message));
  }

  #bury(member: Member, exitCode: number): void {
    this.#members.delete(member);
    for (const job of member.jobs.values()) {
      job.reject(new ShoalError('internal', `chunk worker ended with code ${exitCode}`, { retryable: true }));
    }
    if (this.#stopped) return;
    this.#restarts++;
    if (this.#mayHire) this.#hire();
    else this.#log.error('chunk workers die again and again; no more are started', { restarts: this.#restarts });
  }
}
