// What the fetch engine counts, for Prometheus. Moved on the main thread, once per request and once per chunk.

import { Counter, Histogram, type Registry } from 'prom-client';
import type { ChunkPayload, ChunkSource, ErrorCode, Lane } from '../../core/index.ts';

/** A cached answer of a near registry takes milliseconds; an attempt is given up when it stalls for 30 s. Seconds. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class FetchMetrics {
  readonly #requests: Counter<'source' | 'lane'>;
  readonly #bytes: Counter<'source'>;
  readonly #chunks: Counter<'source'>;
  readonly #errors: Counter<'source' | 'code'>;
  readonly #verifyFailures: Counter<'source'>;
  readonly #storeErrors: Counter<'code'>;
  readonly #duration: Histogram<'source'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'shoal_fetch_requests_total',
      help: 'Requests sent to sources.',
      labelNames: ['source', 'lane'],
      registers,
    });
    this.#bytes = new Counter({
      name: 'shoal_fetch_bytes_total',
      help: 'Bytes of chunks that came from sources, as they came (compressed).',
      labelNames: ['source'],
      registers,
    });
    this.#chunks = new Counter({
      name: 'shoal_fetch_chunks_total',
      help: 'Chunks that came from sources, were verified and stored.',
      labelNames: ['source'],
      registers,
    });
    this.#errors = new Counter({
      name: 'shoal_fetch_errors_total',
      help: 'Requests to sources that failed, by error code.',
      labelNames: ['source', 'code'],
      registers,
    });
    this.#verifyFailures = new Counter({
      name: 'shoal_chunk_verify_failures_total',
      help: 'Chunks that did not have the digest or form that the bootstrap says; thrown away and fetched again.',
      labelNames: ['source'],
      registers,
    });
    this.#storeErrors = new Counter({
      name: 'shoal_store_errors_total',
      help: 'Verified chunks that could not be written to the cache, by error code.',
      labelNames: ['code'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'shoal_fetch_duration_seconds',
      help: 'Time from sending a request to a source until its last chunk was stored, for requests that did not fail.',
      labelNames: ['source'],
      buckets: DURATION_BUCKETS,
      registers,
    });
  }

  requestSent(source: string, lane: Lane): void {
    this.#requests.inc({ source, lane });
  }

  requestServed(source: string, ms: number): void {
    this.#duration.observe({ source }, ms / 1000);
  }

  requestFailed(source: string, code: ErrorCode): void {
    this.#errors.inc({ source, code });
  }

  /** A chunk came, whatever it is worth. What a node had from the origin by its own lease is counted as the origin's. */
  payloadArrived({ name }: ChunkSource, { bytes, originBytes = 0 }: ChunkPayload): void {
    this.#bytes.inc({ source: name }, bytes.length - originBytes);
    if (originBytes > 0) this.#bytes.inc({ source: 'origin' }, originBytes);
  }

  chunkStored(source: string): void {
    this.#chunks.inc({ source });
  }

  chunkRefused(source: string, code: ErrorCode): void {
    if (code === 'digest-mismatch' || code === 'malformed') this.#verifyFailures.inc({ source });
    else this.#storeErrors.inc({ code });
  }
}
