// Reads of one mount that wait for chunks. They wait for as long as it takes (design §6 rule 10), unless the mount has
// a read deadline, the requester is being killed, or the mount ends. Lives on the main thread; what it holds is bounded
// by the kernel (max_background, and one synchronous read for each thread that reads).

import { LRUCache } from 'lru-cache';
import { type Clock, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import type { ServeLimits } from '../config.ts';
import { errnoFor } from './errno.ts';
import type { MissedRead } from './messages.ts';

export interface ParkedReadsPorts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Makes the chunks of a read present. Rejects when the signal fires, with its reason. */
  readonly fetch: (read: MissedRead, signal: AbortSignal) => Promise<void>;
  /** Answers the read from the cache. False: a chunk went again. */
  readonly complete: (read: MissedRead) => Promise<boolean>;
  /** Answers the read with an errno. */
  readonly fail: (read: MissedRead, errno: number) => void;
  readonly isDying: (pid: number) => Promise<boolean>;
  /** A read has waited for `slowReadMs`. */
  readonly onSlow: () => void;
}

export interface ParkedReadsOptions {
  readonly limits: Pick<ServeLimits, 'killPollMs' | 'slowReadMs' | 'slowReadRepeatMs' | 'rememberedInterrupts'>;
  readonly readDeadlineMs: number | undefined;
}

interface Parked {
  readonly read: MissedRead;
  readonly since: number;
  readonly stop: AbortController;
  interrupted: boolean;
  slow: boolean;
}

export class ParkedReads {
  readonly #ports: ParkedReadsPorts;
  readonly #options: ParkedReadsOptions;
  readonly #parked = new Map<string, Parked>();
  /** An interrupt may overtake the read it is for: two threads receive them. */
  readonly #early: LRUCache<string, true>;
  readonly #ended = new AbortController();
  #watchingKills = false;
  #watchingTime = false;
  #slowEndedAt = 0;

  constructor(ports: ParkedReadsPorts, options: ParkedReadsOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#early = new LRUCache({ max: options.limits.rememberedInterrupts });
  }

  /** Reads that wait right now. */
  get waiting(): number {
    return this.#parked.size;
  }

  /** For how long the read that has waited longest has waited; 0 when none waits. Milliseconds. */
  get longestWaitMs(): number {
    const [oldest] = this.#parked.values(); // in the order they were parked
    return oldest === undefined ? 0 : this.#ports.clock.monotonic() - oldest.since;
  }

  /** When a read that had been reported as slow ended last; 0: never. Wall time, milliseconds since 1970. */
  get slowEndedAt(): number {
    return this.#slowEndedAt;
  }

  /** Takes responsibility for a read: it is answered, some time, unless the mount ends. */
  park(read: MissedRead): void {
    // A thread may hand one over that it took before the end. Nobody waits for it, and nobody would ever stop its fetch.
    if (this.#ended.signal.aborted) return;
    const key = keyOf(read.uniqueLow, read.uniqueHigh);
    const parked: Parked = {
      read,
      since: this.#ports.clock.monotonic(),
      stop: new AbortController(),
      interrupted: this.#early.delete(key),
      slow: false,
    };
    this.#parked.set(key, parked);
    void this.#serve(parked).finally(() => {
      this.#parked.delete(key);
      if (parked.slow) this.#slowEndedAt = this.#ports.clock.now();
    });
    if (parked.interrupted) void this.#watchKills();
    void this.#watchTime();
  }

  /** The kernel says that the requester got a signal. */
  interrupt(uniqueLow: number, uniqueHigh: number): void {
    const key = keyOf(uniqueLow, uniqueHigh);
    const parked = this.#parked.get(key);
    if (parked === undefined) {
      this.#early.set(key, true);
      return;
    }
    parked.interrupted = true;
    void this.#watchKills();
  }

  /** The mount ends: nothing is answered any more, and nothing is fetched. */
  stop(): void {
    const reason = new ShoalError('aborted', 'the mount ends');
    this.#ended.abort(reason);
    for (const { stop } of this.#parked.values()) stop.abort(reason);
  }

  async #serve({ read, stop }: Parked): Promise<void> {
    const waitOver = this.#startDeadline(stop);
    try {
      do await this.#ports.fetch(read, stop.signal);
      while (!(await this.#ports.complete(read)));
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#fail(read, error);
    } finally {
      waitOver.abort();
    }
  }

  #fail(read: MissedRead, error: unknown): void {
    try {
      this.#ports.fail(read, errnoFor(error));
    } catch (failure) {
      this.#ports.log.error('read could not be answered', { error: messageOf(failure) });
    }
  }

  /** Returns what ends the deadline's timer. */
  #startDeadline(stop: AbortController): AbortController {
    const timer = new AbortController();
    const { readDeadlineMs } = this.#options;
    if (readDeadlineMs !== undefined) {
      this.#ports.clock.sleep(readDeadlineMs, { signal: timer.signal }).then(
        () => stop.abort(new ShoalError('timeout', `no source answered within ${readDeadlineMs} ms`)),
        () => {}, // answered in time
      );
    }
    return timer;
  }

  /** Looks at interrupted requesters until there are none. */
  async #watchKills(): Promise<void> {
    if (this.#watchingKills) return;
    this.#watchingKills = true;
    for (let some = true; some && !this.#ended.signal.aborted; ) {
      const interrupted = [...this.#parked.values()].filter(parked => parked.interrupted);
      // One after another: it is a handful, and each is a file read on one of Node's few I/O threads.
      for (const { read, stop } of interrupted) {
        if (await this.#ports.isDying(read.pid)) stop.abort(new ShoalError('aborted', 'the reader is being killed'));
      }
      some = interrupted.length > 0;
      if (some) await this.#pause(this.#options.limits.killPollMs);
    }
    this.#watchingKills = false;
  }

  /** Reports reads that wait for long, until none waits. */
  async #watchTime(): Promise<void> {
    if (this.#watchingTime) return;
    this.#watchingTime = true;
    const { clock, log } = this.#ports;
    const { slowReadMs, slowReadRepeatMs } = this.#options.limits;
    let reportedAt: number | undefined;
    while (this.#parked.size > 0 && !this.#ended.signal.aborted) {
      await this.#pause(slowReadMs / 4); // so a read is reported at most a quarter late
      const slow = this.#noteSlow(clock.monotonic() - slowReadMs);
      if (slow === 0) continue;
      if (reportedAt !== undefined && clock.monotonic() - reportedAt < slowReadRepeatMs) continue;
      reportedAt = clock.monotonic();
      log.warn('reads wait for chunks that no source delivers', { slow, waiting: this.#parked.size });
    }
    if (reportedAt !== undefined) log.info('no read waits any more');
    this.#watchingTime = false;
  }

  /** Counts the reads parked since before `limit`, and reports each once. */
  #noteSlow(limit: number): number {
    let count = 0;
    for (const parked of this.#parked.values()) {
      if (parked.since > limit) continue;
      count++;
      if (!parked.slow) this.#ports.onSlow();
      parked.slow = true;
    }
    return count;
  }

  async #pause(ms: number): Promise<void> {
    await this.#ports.clock.sleep(ms, { signal: this.#ended.signal }).catch(() => {}); // the loops look at the signal
  }
}

function keyOf(uniqueLow: number, uniqueHigh: number): string {
  return `${uniqueHigh}:${uniqueLow}`;
}
