// The fetch engine: makes missing chunks present. One fetch per chunk however many readers want it; waits and retries
// for as long as somebody waits (design §6 rule 10: like a hard NFS mount), at a pace that spares a failing source.
// In a chunk's journey it stands between the miss and the store; verification is the store's.

import {
  abortedError,
  type ChunkSource,
  type Clock,
  type Lane,
  type Logger,
  ShoalError,
  SingleFlight,
  type StoredBlob,
} from '../../core/index.ts';
import type { FetchLimits } from '../config.ts';
import { retryDelayMs } from './backoff.ts';
import type { Batch, Outcome } from './batch.ts';
import { ByteBudget } from './byte-budget.ts';
import type { FetchMetrics } from './fetch-metrics.ts';
import { SourceChannel } from './source-channel.ts';
import { Board, Want } from './want.ts';

export interface EnsureOptions {
  readonly lane: Lane;
  /** First choice first; one that fails is passed over while another works. Not empty. */
  readonly sources: readonly ChunkSource[];
  readonly signal: AbortSignal;
}

export class FetchEngine {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: FetchLimits;
  readonly #board = new Board<Batch>();
  readonly #budget: ByteBudget;
  readonly #flights = new SingleFlight<string, void>();
  readonly #metrics: FetchMetrics;
  readonly #channels = new WeakMap<ChunkSource, SourceChannel>();

  constructor(
    ports: { readonly clock: Clock; readonly log: Logger; readonly metrics: FetchMetrics },
    limits: FetchLimits,
  ) {
    this.#clock = ports.clock;
    this.#metrics = ports.metrics;
    this.#log = ports.log;
    this.#limits = limits;
    this.#budget = new ByteBudget(limits.maxUnstoredBytes);
  }

  /**
   * Resolves when every one of these chunks was present at some moment since the call (an evictor may be at work, so
   * the caller looks again). Rejects only when the signal fires, with its reason; that fails no other caller.
   */
  async ensure(blob: StoredBlob, chunks: readonly number[], options: EnsureOptions): Promise<void> {
    if (options.sources.length === 0) throw new ShoalError('internal', `no source for blob ${blob.layout.id}`);
    const missing = chunks.filter(index => !blob.map.has(index));
    // All wants stand on the board before the first request starts (`#obtain` yields before it asks for one), so
    // neighbours travel together.
    await Promise.all(missing.map(index => this.#ensureOne(blob, index, options)));
  }

  #ensureOne(blob: StoredBlob, index: number, options: EnsureOptions): Promise<void> {
    const key = Board.key(blob, index);
    const running = this.#flights.has(key) ? this.#board.want(blob, index) : undefined;
    if (running?.join(options.sources, options.lane)) {
      for (const source of running.sources) this.#channel(source).promote(running);
    }
    return this.#flights.run(key, signal => this.#obtain(blob, index, options, signal), { signal: options.signal });
  }

  async #obtain(blob: StoredBlob, index: number, options: EnsureOptions, signal: AbortSignal): Promise<void> {
    const want = new Want(blob, index, options.lane);
    want.join(options.sources, options.lane);
    this.#board.add(want);
    try {
      await Promise.resolve();
      await this.#pursue(want, AbortSignal.any([signal, want.arrival.signal]));
    } catch (error) {
      if (!want.arrival.signal.aborted) throw error;
    } finally {
      this.#board.remove(want);
    }
  }

  /** Goes round the sources until the chunk is there. Ends by success or by the signal. */
  async #pursue(want: Want, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !want.blob.map.has(want.index); ) {
      if (signal.aborted) throw abortedError(signal);
      const news = want.news;
      const outcome = await this.#round(want, signal);
      if (outcome?.kind === 'stored') return;
      const disturbed = AbortSignal.any([signal, news]);
      if (outcome === undefined) await this.#gatesChange(want, disturbed);
      else if (outcome.kind !== 'refused') await this.#pause(want, outcome, ++failures, disturbed);
    }
  }

  /**
   * Asks each source whose gate lets it once, in order, until one has the chunk. The last outcome, or undefined when
   * no gate was open.
   */
  async #round(want: Want, signal: AbortSignal): Promise<Outcome | undefined> {
    let last: Outcome | undefined;
    for (const source of [...want.sources]) {
      const channel = this.#channel(source);
      const permit = channel.gate.tryEnter();
      if (permit === undefined) continue;
      last = await raced(channel.attempt(want, permit, signal), signal);
      if (last.kind === 'stored') break;
    }
    return last;
  }

  /** Until one of the gates may open, or the signal fires (also: a source that was not known before joined). */
  async #gatesChange(want: Want, signal: AbortSignal): Promise<void> {
    const decided = new AbortController();
    const either = AbortSignal.any([signal, decided.signal]);
    await Promise.race(want.sources.map(source => this.#channel(source).gate.change(either)));
    decided.abort();
  }

  async #pause(want: Want, outcome: Outcome, failures: number, signal: AbortSignal): Promise<void> {
    const error =
      outcome.kind === 'failed'
        ? outcome.error
        : new ShoalError('not-found', `chunk ${want.index} of blob ${want.blob.layout.id}: no source has it`);
    const delay = retryDelayMs(error, failures, this.#clock.random(), this.#limits);
    this.#log.debug('chunk will be fetched again', { error: error.message, failures, delayMs: Math.round(delay) });
    want.state = 'pausing';
    // The signal ends the pause early; the caller looks at why.
    await this.#clock.sleep(delay, { signal }).catch(() => {});
    want.state = 'idle';
  }

  #channel(source: ChunkSource): SourceChannel {
    const known = this.#channels.get(source);
    if (known !== undefined) return known;
    const ports = {
      clock: this.#clock,
      log: this.#log,
      metrics: this.#metrics,
      budget: this.#budget,
      board: this.#board,
    };
    const channel = new SourceChannel(source, ports, this.#limits);
    this.#channels.set(source, channel);
    return channel;
  }
}

/** The promise's result, or a rejection as soon as the signal fires. */
function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortedError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
