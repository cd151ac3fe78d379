// Things of which there is a fixed number, handed out and given back: buffers, slots, permissions to send. Whoever wants
// one when there is none waits. This is what bounds the memory of a conversion.

/** First come, first served. `take` and `give` may be called in any order, from one thread. */
export class Credits<T> {
  readonly #free: T[];
  readonly #waiting: { readonly resolve: (item: T) => void; readonly reject: (reason: unknown) => void }[] = [];

  constructor(items: Iterable<T>) {
    this.#free = [...items];
  }

  take(): Promise<T> {
    const item = this.#free.pop();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  give(item: T): void {
    const first = this.#waiting.shift();
    if (first) first.resolve(item);
    else this.#free.push(item);
  }

  /** Rejects everyone who waits: nothing will be given back any more. */
  close(reason: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}
