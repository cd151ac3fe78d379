// A thread that answers each request with one reply, in order.

import { ShoalError } from '../core/index.ts';
import type { Failure } from './messages.ts';
import { type ThreadName, WorkerThread } from './worker-thread.ts';

interface Call<Reply> {
  readonly resolve: (reply: Exclude<Reply, Failure>) => void;
  readonly reject: (error: ShoalError) => void;
}

export class CallThread<Request, Reply extends { readonly kind: string }> {
  readonly #thread: WorkerThread<Request, Reply>;
  readonly #calls: Call<Reply>[] = [];
  #failure: ShoalError | undefined;

  constructor(name: ThreadName, setup: unknown) {
    this.#thread = new WorkerThread<Request, Reply>(name, setup, {
      onMessage: reply => this.#calls.shift()?.resolve(reply),
      onFailure: error => this.#fail(error),
    });
  }

  /** Calls that wait for their reply. */
  get pending(): number {
    return this.#calls.length;
  }

  /** Rejects with the thread's failure; one failure is the end of all calls. */
  call(request: Request): Promise<Exclude<Reply, Failure>> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#calls.push({ resolve, reject });
      this.#thread.post(request);
    });
  }

  /** Ends the thread; calls that wait are rejected with `aborted`. */
  async stop(): Promise<void> {
    this.#fail(new ShoalError('aborted', 'the conversion has ended'));
    await this.#thread.stop();
  }

  /** The same for a thread that ends by itself at this request, which gets no reply. */
  async stopBy(request: Request): Promise<void> {
    this.#fail(new ShoalError('aborted', 'the conversion has ended'));
    await this.#thread.askToStop(request);
  }

  #fail(error: ShoalError): void {
    this.#failure ??= error;
    for (const { reject } of this.#calls.splice(0)) reject(this.#failure);
  }
}
