// A source that counts what goes through it: bytes and requests of one mount, and how many of them per second.

import type { BlobLayout, ChunkPayload, ChunkRequest, ChunkSource, Clock, SourceKind } from '../../core/index.ts';
import { RateMeter } from './rate-meter.ts';

export class MeteredSource implements ChunkSource {
  readonly name: string;
  readonly kind: SourceKind;
  readonly #source: ChunkSource;
  readonly #clock: Clock;
  readonly #requestRate: RateMeter;
  readonly #byteRate: RateMeter;
  #requests = 0;
  #bytes = 0;
  #originBytes = 0;

  constructor(source: ChunkSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    this.#requestRate = new RateMeter(clock.monotonic());
    this.#byteRate = new RateMeter(clock.monotonic());
    this.name = source.name;
    this.kind = source.kind;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Payload bytes as they came, compressed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Those of them that came from the origin, at first hand. */
  get originBytes(): number {
    return this.#originBytes;
  }

  get requestsPerSecond(): number {
    return this.#requestRate.rate(this.#clock.monotonic());
  }

  get bytesPerSecond(): number {
    return this.#byteRate.rate(this.#clock.monotonic());
  }

  async *fetch(request: ChunkRequest, options: { readonly signal: AbortSignal }): AsyncIterable<ChunkPayload> {
    this.#requests++;
    this.#requestRate.add(1, this.#clock.monotonic());
    for await (const payload of this.#source.fetch(request, options)) {
      this.#bytes += payload.bytes.length;
      this.#originBytes += this.kind === 'origin' ? payload.bytes.length : (payload.originBytes ?? 0);
      this.#byteRate.add(payload.bytes.length, this.#clock.monotonic());
      yield payload;
    }
  }

  distrust(chunk: { readonly blob: BlobLayout; readonly index: number }): void {
    this.#source.distrust?.(chunk);
  }
}
