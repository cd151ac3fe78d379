// A ChunkSource that does to another one's chunks what networks and servers do, by chance, until it is healed.
//
//   const source = new FaultySource(inner, { seed: 7, part: 0.4 });   // four of ten requests go wrong somehow
//   source.heal();                                                     // from now on nothing does; what hangs fails
//   source.done                                                        // how often each fault has happened

import {
  abortedError,
  type ChunkPayload,
  type ChunkRequest,
  type ChunkSource,
  ShoalError,
  type SourceKind,
  systemClock,
} from '../../core/index.ts';
import { SeededRandom } from './swarm/random.ts';

export const FAULTS = [
  'unreachable', // before anything came
  'busy', // 503
  'io-error', // EIO
  'reset', // in the middle
  'lacks', // ends without an error, before everything has come
  'short', // a payload is cut
  'long', // a payload has bytes at its end
  'corrupt', // a byte is wrong
  'zeros', // all are
  'swapped', // another chunk's bytes
  'unasked', // a chunk that was not asked for
  'late', // each payload waits
  'hangs', // nothing comes any more
] as const;

export type Fault = (typeof FAULTS)[number];

const MAX_LATE_MS = 40;

export class FaultySource implements ChunkSource {
  readonly name = 'faulty';
  readonly kind: SourceKind;
  readonly done = new Map<Fault, number>();
  readonly #inner: ChunkSource;
  readonly #random: SeededRandom;
  readonly #part: number;
  readonly #faults: readonly Fault[];
  readonly #healed = new AbortController();

  constructor(
    inner: ChunkSource,
    options: { readonly seed: number; readonly part: number; readonly faults?: readonly Fault[] },
  ) {
    this.kind = inner.kind;
    this.#inner = inner;
    this.#random = new SeededRandom(options.seed);
    this.#part = options.part;
    this.#faults = options.faults ?? FAULTS;
  }

  heal(): void {
    this.#healed.abort();
  }

  async *fetch(request: ChunkRequest, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<ChunkPayload> {
    const fault = this.#draw();
    if (fault === undefined) {
      yield* this.#inner.fetch(request, { signal });
      return;
    }
    this.done.set(fault, (this.done.get(fault) ?? 0) + 1);
    refuse(fault);
    const brokenAt = this.#random.below(request.chunks.length);
    let at = 0;
    for await (const payload of this.#inner.fetch(request, { signal })) {
      if (fault === 'late') await systemClock.sleep(this.#random.below(MAX_LATE_MS), { signal });
      if (at++ !== brokenAt) {
        yield payload;
        continue;
      }
      if (fault === 'lacks') return;
      if (fault === 'reset') throw new ShoalError('unreachable', 'connection reset by peer', { retryable: true });
      if (fault === 'hangs') await this.#hang(signal);
      yield this.#spoilt(fault, payload, request);
    }
  }

  #draw(): Fault | undefined {
    if (this.#healed.signal.aborted || this.#random.next() >= this.#part) return undefined;
    return this.#faults[this.#random.below(this.#faults.length)];
  }

  #spoilt(fault: Fault, payload: ChunkPayload, { blob, chunks }: ChunkRequest): ChunkPayload {
    const bytes = payload.bytes.slice();
    switch (fault) {
      case 'short':
        return { ...payload, bytes: bytes.slice(0, this.#random.below(bytes.length)) };
      case 'long': {
        const longer = new Uint8Array(bytes.length + 1 + this.#random.below(5000));
        longer.set(bytes);
        return { ...payload, bytes: longer };
      }
      case 'corrupt': {
        const wrong = this.#random.below(bytes.length);
        bytes[wrong] = (bytes[wrong] ?? 0) ^ (1 << this.#random.below(8));
        return { ...payload, bytes };
      }
      case 'zeros':
        return { ...payload, bytes: new Uint8Array(blob.chunk(payload.index).uncompressedSize), packing: 'none' };
      case 'swapped':
        return { ...payload, index: chunks[this.#random.below(chunks.length)] ?? payload.index, bytes };
      case 'unasked':
        return {
          ...payload,
          index: (payload.index + 1 + this.#random.below(blob.chunkCount)) % blob.chunkCount,
          bytes,
        };
      default:
        return payload;
    }
  }

  /** Until it is healed: then what hung breaks off. */
  async #hang(signal: AbortSignal): Promise<never> {
    const either = AbortSignal.any([signal, this.#healed.signal]);
    await new Promise<void>(resolve => {
      if (either.aborted) resolve();
      else either.addEventListener('abort', () => resolve(), { once: true });
    });
    if (signal.aborted) throw abortedError(signal);
    throw new ShoalError('unreachable', 'connection timed out', { retryable: true });
  }
}

function refuse(fault: Fault): void {
  if (fault === 'unreachable') throw new ShoalError('unreachable', 'connection refused', { retryable: true });
  if (fault === 'busy') throw new ShoalError('unavailable', '503', { retryable: true, retryAfterMs: 20 });
  if (fault === 'io-error') throw new ShoalError('system', 'EIO: i/o error, read');
}
