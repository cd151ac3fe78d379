// A mount by erofs that needs nobody to serve it: the image has no blobs, or the kernel reads all of them from plain files.
// There is no connection whose end could be seen. But as long as the kernel has the file system, in whatever mount
// namespace, it has its bootstrap open, and that can be asked.

import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { type Clock, type Logger, messageOf } from '../core/index.ts';
import { isOpenElsewhere } from './system-calls.ts';

/** Somebody else may unmount it; a look takes 20 µs. */
const LOOK_MS = 2_000;
/** We have unmounted it, and the kernel is about to let go. */
const SOON_MS = 20;

/** Nobody waits: the kernel has all bytes. */
const NOTHING_PARKED = { waiting: 0, longestWaitMs: 0, slowEndedAt: 0 } as const;

export class UnservedMount {
  readonly parked = NOTHING_PARKED;
  readonly #ports: { readonly clock: Clock; readonly log: Logger };
  readonly #bootstrap: string;
  readonly #ended = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  #look = new AbortController();

  /** `bootstrap`: the file that the kernel has mounted, which is this mount's own. */
  constructor(ports: { readonly clock: Clock; readonly log: Logger }, bootstrap: string) {
    this.#ports = ports;
    this.#bootstrap = bootstrap;
  }

  /** Resolves when the kernel has let go of it, or nobody cares any more. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** It is mounted: looks for its end from now on. */
  watch(): void {
    void this.#watch().finally(() => this.#ended.resolve());
  }

  /** It is gone from the mount table: its end is near. */
  noteUnmounted(): void {
    this.#look.abort();
  }

  /** Lets go of it. Whoever uses it can go on: what the kernel reads stays as it is (cache/seal.ts). */
  abort(): void {
    this.#over.abort();
    this.#ended.resolve();
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#ports;
    try {
      for (let wait = LOOK_MS; this.#isUsed(); wait = Math.min(2 * wait, LOOK_MS)) {
        await clock.sleep(wait, { signal: AbortSignal.any([this.#look.signal, this.#over.signal]) }).catch(() => {});
        if (this.#over.signal.aborted) return;
        if (!this.#look.signal.aborted) continue;
        this.#look = new AbortController();
        wait = SOON_MS / 2;
      }
    } catch (error) {
      log.error('the end of a mount that nobody serves cannot be seen', { error: messageOf(error) });
      const told = AbortSignal.any([this.#look.signal, this.#over.signal]);
      if (!told.aborted) await once(told, 'abort');
    }
  }

  #isUsed(): boolean {
    const fd = openSync(this.#bootstrap, 'r');
    try {
      return isOpenElsewhere(fd);
    } finally {
      closeSync(fd);
    }
  }
}
