// One request to one source on its way: payloads are stored as they come, and whoever waits for one of its chunks
// learns the outcome the moment it is known. In a chunk's journey: from "asked for" to "verified and stored".

import {
  type ChunkPayload,
  type ChunkSource,
  type Clock,
  fromSystemError,
  LANES,
  type Lane,
  type Logger,
  OVER,
  ShoalError,
  type StoredBlob,
} from '../../core/index.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { FetchMetrics } from './fetch-metrics.ts';
import type { Answerer } from './want.ts';

/** `absent`: the source ended without the chunk. `refused`: it was not tried to the end; ask again at once. */
export type Outcome =
  | { readonly kind: 'stored'; readonly from: Answerer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly error: ShoalError };

/** How the logs call a blob: by the beginning of its cache file's name. A digest opens a private image to who reads it. */
export function cacheName({ layout }: StoredBlob): string {
  return layout.layoutKey.slice(0, 12);
}

export interface BatchPorts {
  readonly source: ChunkSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: FetchMetrics;
  readonly budget: ByteBudget;
}

export interface BatchWork {
  readonly blob: StoredBlob;
  readonly chunks: readonly number[];
  readonly lane: Lane;
  /** The source brings what is asked for in a higher lane sooner. */
  readonly sourceOrders: boolean;
}

export class Batch {
  readonly blob: StoredBlob;
  readonly chunks: readonly number[];
  readonly #work: BatchWork;
  readonly #ports: BatchPorts;
  readonly #open: Map<number, PromiseWithResolvers<Outcome>>;
  readonly #stop = new AbortController();
  readonly #onSettled: (index: number, outcome: Outcome) => void;
  #interested = 0;

  constructor(ports: BatchPorts, work: BatchWork, onSettled: (index: number, outcome: Outcome) => void) {
    this.#ports = ports;
    this.#work = work;
    this.blob = work.blob;
    this.chunks = work.chunks;
    this.#onSettled = onSettled;
    this.#open = new Map(work.chunks.map(index => [index, Promise.withResolvers<Outcome>()]));
  }

  /**
   * The outcome of one of its chunks, for somebody who stops caring when the signal fires. When the last such
   * somebody has stopped, the request is aborted. Never rejects; the caller races it with its own signal.
   */
  outcome(index: number, signal: AbortSignal): Promise<Outcome> {
    const open = this.#open.get(index);
    if (open === undefined) return Promise.resolve({ kind: 'absent' });
    this.#interested++;
    const leave = () => {
      // Once the chunk is there, its reader is served; that is no reason to break off what comes behind it.
      if (this.#open.has(index)) this.#leave();
    };
    signal.addEventListener('abort', leave, { once: true });
    return open.promise;
  }

  /** Is it as good as a request of its own for somebody in this lane? */
  serves(lane: Lane): boolean {
    return !this.#work.sourceOrders || LANES.indexOf(this.#work.lane) <= LANES.indexOf(lane);
  }

  /**
   * Runs the request to its end. Never rejects; resolves to the error of the source, if it failed. Without a timeout it
   * waits for as long as the source does.
   */
  async run(stallTimeoutMs: number | undefined): Promise<ShoalError | undefined> {
    const puts: Promise<void>[] = [];
    const failure = await this.#receive(stallTimeoutMs, puts);
    await Promise.all(puts);
    for (const index of this.chunks) this.#settle(index, this.#rest(failure));
    return failure;
  }

  /** True when it ended because nobody wanted it any more. */
  get dropped(): boolean {
    return this.#stop.signal.aborted && this.#stop.signal.reason === NOBODY_WAITS;
  }

  #leave(): void {
    if (--this.#interested === 0) this.#stop.abort(NOBODY_WAITS);
  }

  /** What became of the chunks that did not come. Somebody who joined while it was being dropped just asks again. */
  #rest(failure: ShoalError | undefined): Outcome {
    if (this.dropped) return { kind: 'refused' };
    return failure === undefined ? { kind: 'absent' } : { kind: 'failed', error: failure };
  }

  async #receive(stallTimeoutMs: number | undefined, puts: Promise<void>[]): Promise<ShoalError | undefined> {
    const { source, budget, metrics } = this.#ports;
    const { lane } = this.#work;
    const watch = new StallWatch(this.#ports.clock, this.#stop, stallTimeoutMs, source.name);
    try {
      const request = { blob: this.blob.layout, chunks: this.chunks, lane };
      for await (const payload of source.fetch(request, { signal: this.#stop.signal })) {
        watch.pause(); // waiting for our own disk is not the source's fault
        if (!this.#open.has(payload.index)) {
          throw new ShoalError(
            'malformed',
            `source ${source.name} sent chunk ${payload.index}, which was not asked for`,
          );
        }
        const bytes = payload.bytes.length;
        metrics.payloadArrived(source, payload);
        await budget.take(bytes, this.#stop.signal);
        puts.push(this.#put(payload).finally(() => budget.give(bytes)));
        watch.resume();
      }
      return undefined;
    } catch (error) {
      return this.#stop.signal.reason instanceof ShoalError
        ? this.#stop.signal.reason
        : fromSystemError(error, `fetch from ${source.name}`);
    } finally {
      watch.pause();
    }
  }

  async #put(payload: ChunkPayload): Promise<void> {
    const { index } = payload;
    const { source, log, metrics } = this.#ports;
    const bytes = payload.bytes.length; // the payload's memory goes to the thread that unpacks it
    const from = originOf(source, payload);
    try {
      await this.blob.put(payload);
      metrics.chunkStored(source.name);
      log.trace('chunk stored', {
        source: source.name,
        cache: cacheName(this.blob),
        chunk: index,
        bytes,
      });
      this.#settle(index, { kind: 'stored', from });
    } catch (error) {
      const failure = fromSystemError(error, `store chunk ${index} of blob ${this.blob.layout.id}`);
      metrics.chunkRefused(source.name, failure.code);
      if (failure.code === 'digest-mismatch' || failure.code === 'malformed') {
        source.distrust?.({ blob: this.blob.layout, index });
      }
      log.error('chunk could not be stored', { source: source.name, error: failure.message });
      this.#settle(index, { kind: 'failed', error: failure });
    }
  }

  #settle(index: number, outcome: Outcome): void {
    const open = this.#open.get(index);
    if (open === undefined) return;
    this.#open.delete(index);
    this.#onSettled(index, outcome);
    open.resolve(outcome);
  }
}

/** Who brought it, and where most of it was from: a node's own lease makes it the origin's. */
function originOf(source: ChunkSource, { bytes, originBytes = 0 }: ChunkPayload): Answerer {
  return source.kind === 'peers' && 2 * originBytes > bytes.length ? 'origin' : source.kind;
}

const NOBODY_WAITS = new ShoalError('aborted', 'nobody waits for these chunks any more');

/** Aborts a request that brings nothing for too long, if that is bounded. Counts the time between `resume` and `pause`. */
class StallWatch {
  readonly #clock: Clock;
  readonly #target: AbortController;
  readonly #timeoutMs: number | undefined;
  readonly #sourceName: string;
  #timer = new AbortController();

  constructor(clock: Clock, target: AbortController, timeoutMs: number | undefined, sourceName: string) {
    this.#clock = clock;
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#sourceName = sourceName;
    this.resume();
  }

  pause(): void {
    this.#timer.abort(OVER);
  }

  resume(): void {
    this.#timer = new AbortController();
    if (this.#timeoutMs === undefined) return;
    this.#clock.sleep(this.#timeoutMs, { signal: this.#timer.signal }).then(
      () =>
        this.#target.abort(
          new ShoalError('timeout', `source ${this.#sourceName} brought no chunk for ${this.#timeoutMs} ms`),
        ),
      () => {}, // paused in time
    );
  }
}
