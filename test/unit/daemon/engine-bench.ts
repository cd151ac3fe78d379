// A fetch engine over a memory store and memory sources, on a clock that the test moves.

import { Registry } from 'prom-client';
import { type ChunkSource, type Lane, type StoredBlob, silentLogger } from '../../../core/index.ts';
import { defaultFetchLimits, type FetchLimits } from '../../../daemon/config.ts';
import { FetchEngine, type LocalChunks } from '../../../daemon/fetch/engine.ts';
import { FetchMetrics } from '../../../daemon/fetch/fetch-metrics.ts';
import type { Answerer } from '../../../daemon/fetch/want.ts';
import { type FakeBlob, fakeBlob } from '../../support/fake-blob.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { MemoryStore } from '../../support/memory-store.ts';

export const never = new AbortController().signal;
/** No amplification and one chunk a request, so that tests see single chunks; where they want more they say so. */
export const SINGLE: Partial<FetchLimits> = { amplifyBytes: 0, maxRangeBytes: 1, maxGapBytes: 0 };

export interface Bench {
  readonly clock: ManualClock;
  readonly engine: FetchEngine;
  /** What the engine counted. */
  readonly registry: Registry;
  readonly store: MemoryStore;
  readonly source: MemorySource;
  readonly blob: FakeBlob;
  readonly stored: StoredBlob;
  ensure(chunks: readonly number[], options?: Options): Promise<Answerer>;
}

interface Options {
  readonly lane?: Lane;
  readonly signal?: AbortSignal;
  readonly sources?: readonly ChunkSource[];
  readonly tries?: number;
}

export async function bench(
  changes: Partial<FetchLimits> = SINGLE,
  chunkCount = 40,
  local?: LocalChunks,
): Promise<Bench> {
  const clock = new ManualClock();
  const blob = fakeBlob({ chunkCount, chunkSize: 4096 });
  const source = new MemorySource('origin');
  source.add(blob.layout, blob.bytes);
  const store = new MemoryStore();
  const stored = await store.open(blob.layout);
  const registry = new Registry();
  const metrics = new FetchMetrics(registry);
  const engine = new FetchEngine(
    { clock, log: silentLogger, metrics, local },
    { ...defaultFetchLimits, quietMs: 0, peers: { ...defaultFetchLimits.peers, quietMs: 0 }, ...changes },
  );
  const ensure = (
    chunks: readonly number[],
    { lane = 'demand', signal = never, sources = [source], tries }: Options = {},
  ) => engine.ensure(stored, chunks, { lane, signal, sources, tries });
  return { clock, engine, registry, store, source, blob, stored, ensure };
}

export function chunksOf(source: MemorySource): (readonly number[])[] {
  return source.requests.map(request => request.chunks);
}

/** Lets everything run that needs no time to pass. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve));
}
