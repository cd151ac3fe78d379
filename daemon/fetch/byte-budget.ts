// A bounded number of bytes in memory: whoever brings more waits, in order.

import { abortedError } from '../../core/index.ts';

export class ByteBudget {
  readonly #limit: number;
  readonly #queue: { readonly bytes: number; readonly admit: () => void }[] = [];
  #used = 0;

  /** `limit` in bytes. Something larger than the whole budget is admitted alone, so nothing can wait for ever. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Resolves when the bytes fit; each `take` is matched by one `give`. Rejects when the signal fires before. */
  take(bytes: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(abortedError(signal));
    if (this.#queue.length === 0 && this.#fits(bytes)) {
      this.#used += bytes;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiter = {
        bytes,
        admit: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(abortedError(signal));
        this.#admit();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(waiter);
    });
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#admit();
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#limit;
  }

  #admit(): void {
    for (let first = this.#queue[0]; first !== undefined && this.#fits(first.bytes); first = this.#queue[0]) {
      this.#queue.shift();
      this.#used += first.bytes;
      first.admit();
    }
  }
}
