// One source as the engine uses it: a gate that spares it while it fails, a queue with a bounded number of requests
// under way, and the step that turns queued wants into coalesced requests.

import {
  type ChunkSource,
  type Clock,
  LANES,
  type Lane,
  LaneQueue,
  type Logger,
  type StoredBlob,
} from '../../core/index.ts';
import type { FetchLimits, SourceLimits } from '../config.ts';
import { Batch, type BatchWork, cacheName, type Outcome } from './batch.ts';
import type { ByteBudget } from './byte-budget.ts';
import { planRange, type Standing } from './coalesce.ts';
import type { DemandWatch } from './demand-watch.ts';
import type { FetchMetrics } from './fetch-metrics.ts';
import { type Permit, SourceGate } from './source-gate.ts';
import type { Board, Want } from './want.ts';

export interface ChannelPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: FetchMetrics;
  readonly budget: ByteBudget;
  readonly board: Board<Batch>;
  readonly demand: DemandWatch;
}

interface Entry {
  readonly want: Want;
  readonly permit: Permit;
  readonly signal: AbortSignal;
  readonly settle: (outcome: Promise<Outcome> | Outcome) => void;
}

export class SourceChannel {
  readonly source: ChunkSource;
  readonly gate: SourceGate;
  readonly #ports: ChannelPorts;
  readonly #limits: SourceLimits;
  readonly #queue: LaneQueue<Entry>;
  readonly #queued = new Map<Want, Entry>();
  readonly #createdAt: number;
  #waitingForQuiet = false;

  constructor(source: ChunkSource, ports: ChannelPorts, limits: FetchLimits) {
    this.source = source;
    this.#ports = ports;
    this.#limits = source.kind === 'peers' ? limits.peers : limits;
    this.gate = new SourceGate(source.name, ports, limits);
    this.#createdAt = ports.clock.monotonic();
    this.#queue = new LaneQueue(
      { total: this.#limits.requestsPerSource, perLane: this.#limits.requestsPerLane },
      (entry, lane, done) => this.#start(entry, lane, done),
      lane => lane !== 'background' || this.#isQuiet(),
    );
  }

  /**
   * One attempt to get a chunk from this source, with a permit of its gate; joins a request that brings it already.
   * Never rejects. When the signal fires the outcome is of no interest and may not come.
   */
  attempt(want: Want, permit: Permit, signal: AbortSignal): Promise<Outcome> {
    const underWay = this.#underWay(want);
    if (underWay === undefined) return this.#enqueue(want, permit, signal);
    permit.dropped();
    return underWay.outcome(want.index, signal);
  }

  /** The want's lane rose: if it still waits here, it moves up; if it is under way without haste, it is asked for anew. */
  promote(want: Want): void {
    const entry = this.#queued.get(want);
    if (entry !== undefined) this.#queue.promote(entry, want.lane);
    else if (this.#ports.board.underWay(want.blob, want.index)?.serves(want.lane) === false) want.hurryUp();
  }

  /** The request that brings the chunk already, as soon as one of the want's own would. */
  #underWay(want: Want): Batch | undefined {
    const batch = this.#ports.board.underWay(want.blob, want.index);
    return batch?.serves(want.lane) ? batch : undefined;
  }

  #isQuiet(): boolean {
    const { quietMs } = this.#limits;
    if (quietMs === 0) return true;
    // A new source is taken for one that is just about to be read from.
    const ofItself = this.#createdAt + quietMs - this.#ports.clock.monotonic();
    const left = Math.max(ofItself, this.#ports.demand.quietInMs(quietMs));
    if (left > 0) void this.#resumeAfter(left);
    return left <= 0;
  }

  async #resumeAfter(ms: number): Promise<void> {
    if (this.#waitingForQuiet) return;
    this.#waitingForQuiet = true;
    await this.#ports.clock.sleep(ms);
    this.#waitingForQuiet = false;
    this.#queue.resume();
  }

  #enqueue(want: Want, permit: Permit, signal: AbortSignal): Promise<Outcome> {
    return new Promise(resolve => {
      const entry: Entry = { want, permit, signal, settle: resolve };
      this.#queued.set(want, entry);
      const leave = () => {
        if (!this.#queue.remove(entry)) return; // its request has started; the batch watches the signal
        this.#dequeue(entry);
        permit.dropped();
        resolve({ kind: 'refused' });
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.enqueue(entry, want.lane);
    });
  }

  #dequeue(entry: Entry): void {
    if (this.#queued.get(entry.want) === entry) this.#queued.delete(entry.want);
  }

  #start(seed: Entry, lane: Lane, finished: () => void): void {
    this.#dequeue(seed);
    const { want, permit } = seed;
    const demandEnds = lane === 'demand' ? this.#ports.demand.begin() : () => {};
    const done = () => {
      demandEnds();
      finished();
    };
    if (this.gate.shut && !permit.probe) {
      // It shut while this one queued: back to the gate, like everybody else.
      permit.dropped();
      seed.settle({ kind: 'refused' });
      done();
      return;
    }
    const underWay = this.#underWay(want);
    if (underWay !== undefined) {
      permit.dropped();
      seed.settle(underWay.outcome(want.index, seed.signal));
      done();
      return;
    }
    const chunks = planRange(
      want.blob.layout,
      want.index,
      index => this.#standing(want.blob, index, lane),
      // Only a reader's own neighbours come along: who fetches in advance has said what, and how fast.
      lane === 'demand' ? this.#limits : { ...this.#limits, amplifyBytes: 0 },
    );
    const batch = this.#launch({ blob: want.blob, chunks, lane, sourceOrders: this.#limits.waitsForOthers });
    seed.settle(batch.outcome(want.index, seed.signal));
    this.#adopt(batch, want);
    const { clock, log, metrics } = this.#ports;
    const { name } = this.source;
    const startedAt = clock.monotonic();
    metrics.requestSent(name, lane);
    log.debug('request', { source: name, lane, cache: cacheName(want.blob), chunk: want.index, chunks: chunks.length });
    const { waitsForOthers, stallTimeoutMs } = this.#limits;
    void batch.run(waitsForOthers && lane !== 'demand' ? undefined : stallTimeoutMs).then(failure => {
      if (batch.dropped) {
        permit.dropped();
      } else if (failure === undefined) {
        metrics.requestServed(name, clock.monotonic() - startedAt);
        permit.succeeded();
      } else {
        metrics.requestFailed(name, failure.code);
        if (waitsForOthers && failure.code === 'timeout') permit.dropped();
        else permit.failed(failure);
      }
      done();
    });
  }

  #launch(work: BatchWork): Batch {
    const { board } = this.#ports;
    const { blob, chunks } = work;
    const batch: Batch = new Batch({ ...this.#ports, source: this.source }, work, (index, outcome) => {
      board.finish(blob, index, batch);
      if (outcome.kind === 'stored') board.want(blob, index)?.arrive(outcome.from);
    });
    for (const index of chunks) board.start(blob, index, batch);
    return batch;
  }

  /** Wants in this queue that the request brings along need no slot of their own. */
  #adopt(batch: Batch, seed: Want): void {
    for (const index of batch.chunks) {
      const want = this.#ports.board.want(batch.blob, index);
      const entry = want === undefined || want === seed ? undefined : this.#queued.get(want);
      if (entry === undefined || !this.#queue.remove(entry)) continue;
      this.#dequeue(entry);
      entry.permit.dropped();
      entry.settle(batch.outcome(index, entry.signal));
    }
  }

  #standing(blob: StoredBlob, index: number, lane: Lane): Standing {
    if (blob.map.has(index) || this.#ports.board.underWay(blob, index)?.serves(lane)) return 'skip';
    const want = this.#ports.board.want(blob, index);
    if (want === undefined) return 'missing';
    if (want.state === 'pausing') return 'skip';
    // Somebody in less of a hurry does not make this request longer than amplification would.
    return LANES.indexOf(want.lane) <= LANES.indexOf(lane) ? 'wanted' : 'missing';
  }
}
