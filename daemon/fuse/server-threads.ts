// Threads that will serve mounts. They load their code before they know which: while an image is still on its way, and not
// earlier, because each takes 16 MB.

import { Worker } from 'node:worker_threads';
import { endWorker, siblingScript } from '../worker-threads.ts';
import type { ServerOrder } from './messages.ts';

export class ServerThreads {
  readonly #script: URL;
  readonly #waiting = new Set<Worker>();
  readonly #ending = new Set<Promise<void>>();
  #expected = 0;

  /** `script`: what they run; only tests of their death run something else. */
  constructor(script = siblingScript(import.meta.url, 'server-worker')) {
    this.#script = script;
  }

  /** A mount is on its way: its first thread begins to load. To be disposed of when the mount is there, or will not come. */
  expectMount(): Disposable {
    this.#expected++;
    if (this.#waiting.size < this.#expected) this.#prepare();
    return {
      [Symbol.dispose]: () => {
        this.#expected--;
        while (this.#waiting.size > this.#expected) this.#end(this.take());
      },
    };
  }

  /** One that has loaded or soon will, else a new one; the caller's from now on. */
  take(): Worker {
    for (const worker of this.#waiting) {
      this.#waiting.delete(worker);
      return worker;
    }
    return new Worker(this.#script);
  }

  /** Resolves when none is left of those that nobody took. */
  async stop(): Promise<void> {
    for (const worker of [...this.#waiting]) this.#end(worker);
    await Promise.all(this.#ending);
  }

  #prepare(): void {
    const worker = new Worker(this.#script);
    this.#waiting.add(worker);
    worker.on('error', () => {}); // who needs one takes another, and is told
    worker.once('exit', () => this.#waiting.delete(worker));
  }

  #end(worker: Worker): void {
    this.#waiting.delete(worker);
    const order: ServerOrder = { kind: 'quit' };
    const ending = endWorker(worker, order).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
