// Order among calls: those for one mountpoint run one after the other, and no two mounts share a mountpoint.

export class MountpointQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` after all earlier work for the same mountpoint; its result is the caller's. */
  async run<T>(mountpoint: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(mountpoint) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => {});
    this.#last.set(mountpoint, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(mountpoint) === settled) this.#last.delete(mountpoint);
    }
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
