// The fetch engine: makes missing chunks present. One fetch per chunk however many readers want it; waits and retries
// for as long as somebody waits (design §6 rule 10: like a hard NFS mount), at a pace that spares a failing source.
// In a chunk's journey it stands between the miss and the store; verification is the store's.

import {
  abortedError,
  type ChunkSource,
  type Clock,
  type Lane,
  type Logger,
  OVER,
  ShoalError,
  SingleFlight,
  type StoredBlob,
} from '../../core/index.ts';
import type { FetchLimits } from '../config.ts';
import { blamesSource, retryDelayMs } from './backoff.ts';
import type { Batch, Outcome } from './batch.ts';
import { ByteBudget } from './byte-budget.ts';
import { DemandWatch } from './demand-watch.ts';
import type { FetchMetrics } from './fetch-metrics.ts';
import { SourceChannel } from './source-channel.ts';
import { type Answerer, Board, farthest, Want } from './want.ts';

export interface EnsureOptions {
  readonly lane: Lane;
  /** First choice first; one that fails is passed over while another works. Not empty. */
  readonly sources: readonly ChunkSource[];
  readonly signal: AbortSignal;
  /**
   * Give up on a chunk that has failed so often by its own fault (wrong bytes, nobody has it): for who only fetches in
   * advance. Absent: never.
   */
  readonly tries?: number | undefined;
}

/** Chunks that lie on this node already, in other blobs. */
export interface LocalChunks {
  /** Copies the chunk from where it is; resolves to whether it is there now. Undefined: nowhere here. Never rejects. */
  copy(blob: StoredBlob, index: number): Promise<boolean> | undefined;
}

const NO_LOCAL_CHUNKS: LocalChunks = { copy: () => undefined };

export class FetchEngine {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: FetchLimits;
  readonly #board = new Board<Batch>();
  readonly #budget: ByteBudget;
  readonly #flights = new SingleFlight<string, Answerer | undefined>();
  readonly #metrics: FetchMetrics;
  readonly #local: LocalChunks;
  readonly #demand: DemandWatch;
  readonly #channels = new WeakMap<ChunkSource, SourceChannel>();

  constructor(
    ports: {
      readonly clock: Clock;
      readonly log: Logger;
      readonly metrics: FetchMetrics;
      readonly local?: LocalChunks | undefined;
    },
    limits: FetchLimits,
  ) {
    this.#clock = ports.clock;
    this.#metrics = ports.metrics;
    this.#local = ports.local ?? NO_LOCAL_CHUNKS;
    this.#log = ports.log;
    this.#limits = limits;
    this.#demand = new DemandWatch(ports.clock);
    this.#budget = new ByteBudget(limits.maxUnstoredBytes);
  }

  /**
   * Resolves when every one of these chunks was present at some moment since the call (an evictor may be at work, so
   * the caller looks again), or was given up as `tries` says. To the farthest of the places that they came from. Rejects
   * only when the signal fires, with its reason; that fails no other caller.
   */
  async ensure(blob: StoredBlob, chunks: readonly number[], options: EnsureOptions): Promise<Answerer> {
    if (options.sources.length === 0) throw new ShoalError('internal', `no source for blob ${blob.layout.id}`);
    const missing = chunks.filter(index => !blob.map.has(index));
    // All wants stand on the board before the first request starts (`#copy` yields), so
    // neighbours travel together.
    return farthest(await Promise.all(missing.map(index => this.#ensureOne(blob, index, options))));
  }

  #ensureOne(blob: StoredBlob, index: number, options: EnsureOptions): Promise<Answerer | undefined> {
    const { sources, lane, tries = Number.POSITIVE_INFINITY } = options;
    const key = Board.key(blob, index);
    const running = this.#flights.has(key) ? this.#board.want(blob, index) : undefined;
    if (running?.join(sources, lane, tries)) {
      for (const source of running.sources) this.#channel(source).promote(running);
    }
    return this.#flights.run(key, signal => this.#obtain(blob, index, options, signal), { signal: options.signal });
  }

  async #obtain(
    blob: StoredBlob,
    index: number,
    options: EnsureOptions,
    signal: AbortSignal,
  ): Promise<Answerer | undefined> {
    const want = new Want(blob, index, options.lane);
    want.join(options.sources, options.lane, options.tries ?? Number.POSITIVE_INFINITY);
    this.#board.add(want);
    try {
      if (await this.#copy(want)) return 'cache';
      return await this.#pursue(want, AbortSignal.any([signal, want.arrival]));
    } catch (error) {
      if (!want.arrival.aborted) throw error;
      return want.answerer;
    } finally {
      this.#board.remove(want);
    }
  }

  /** Always yields, so that the wants of one call all stand on the board before the first is asked for. */
  async #copy(want: Want): Promise<boolean> {
    const copied = this.#local.copy(want.blob, want.index);
    if (copied === undefined) return false;
    want.state = 'pausing'; // nobody brings it along meanwhile
    const isHere = await copied;
    want.state = 'idle';
    return isHere;
  }

  /** Goes round the sources until the chunk is there. Ends by success, by the signal, or by giving up. */
  async #pursue(want: Want, signal: AbortSignal): Promise<Answerer | undefined> {
    for (let failures = 0; !want.blob.map.has(want.index); ) {
      if (signal.aborted) throw abortedError(signal);
      const news = want.news;
      const outcome = await this.#round(want, signal);
      if (outcome?.kind === 'stored') return outcome.from;
      const disturbed = AbortSignal.any([signal, news]);
      if (outcome === undefined) await this.#gatesChange(want, disturbed);
      else if (outcome.kind !== 'refused') {
        failures++;
        if (failures >= want.tries && isChunksFault(outcome)) return undefined;
        await this.#pause(want, outcome, failures, disturbed);
      }
    }
    return 'cache';
  }

  /**
   * Asks each source whose gate lets it once, in order, until one has the chunk. The last outcome, or undefined when a
   * gate was shut and no source behind an open one has it.
   */
  async #round(want: Want, signal: AbortSignal): Promise<Outcome | undefined> {
    let last: Outcome | undefined;
    let shut = false;
    const either = AbortSignal.any([signal, want.hurry]);
    for (const source of [...want.sources]) {
      const channel = this.#channel(source);
      const permit = channel.gate.tryEnter();
      if (permit === undefined) {
        shut = true;
        continue;
      }
      try {
        last = await raced(channel.attempt(want, permit, either), either);
      } catch (error) {
        if (signal.aborted || !either.aborted) throw error;
        return { kind: 'refused' }; // it is wanted more urgently now
      }
      if (last.kind === 'stored') break;
    }
    return shut && last?.kind === 'absent' ? undefined : last;
  }

  /** Until one of the shut gates may open, or the signal fires (also: a source that was not known before joined). */
  async #gatesChange(want: Want, signal: AbortSignal): Promise<void> {
    const gates = want.sources.map(source => this.#channel(source).gate).filter(gate => gate.shut);
    if (gates.length === 0) return; // one opened meanwhile
    const decided = new AbortController();
    const either = AbortSignal.any([signal, decided.signal]);
    await Promise.race(gates.map(gate => gate.change(either)));
    decided.abort(OVER);
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
      demand: this.#demand,
    };
    const channel = new SourceChannel(source, ports, this.#limits);
    this.#channels.set(source, channel);
    return channel;
  }
}

/** Wrong bytes, or no source has it: then trying again soon is of no use to anybody who does not wait for it. */
function isChunksFault(outcome: Outcome): boolean {
  return outcome.kind === 'absent' || (outcome.kind === 'failed' && !blamesSource(outcome.error));
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
