// One piece of work per key, shared by everyone who asks while it runs. A caller's abort never fails another caller;
// when the last one leaves, the work itself is aborted.

import { abortedError, OVER } from './clock.ts';

interface Flight<V> {
  readonly controller: AbortController;
  readonly result: Promise<V>;
  waiters: number;
}

export class SingleFlight<K, V> {
  readonly #flights = new Map<K, Flight<V>>();

  get size(): number {
    return this.#flights.size;
  }

  has(key: K): boolean {
    return this.#flights.has(key);
  }

  /**
   * Joins the running work for `key` or starts it. `work` gets a signal of its own, which fires when every caller has
   * left. Rejects with the caller's abort as soon as the caller's signal fires, whatever the work does.
   */
  run(
    key: K,
    work: (signal: AbortSignal) => Promise<V>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<V> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    const flight = this.#flights.get(key) ?? this.#launch(key, work);
    flight.waiters++;
    return new Promise<V>((resolve, reject) => {
      let left = false;
      const leave = () => {
        if (left) return;
        left = true;
        signal?.removeEventListener('abort', onAbort);
        if (--flight.waiters > 0) return;
        // Forget it before aborting: the next caller must start anew instead of joining work that is being aborted.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.controller.abort(OVER);
      };
      const onAbort = () => {
        leave();
        if (signal) reject(abortedError(signal));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      flight.result.then(
        value => {
          leave();
          resolve(value);
        },
        error => {
          leave();
          reject(error);
        },
      );
    });
  }

  #launch(key: K, work: (signal: AbortSignal) => Promise<V>): Flight<V> {
    const controller = new AbortController();
    // The async wrapper turns a synchronous throw of `work` into a rejection.
    const result = (async () => work(controller.signal))().finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    const flight: Flight<V> = { controller, result, waiters: 0 };
    this.#flights.set(key, flight);
    return flight;
  }
}
