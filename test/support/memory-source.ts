// A ChunkSource out of memory with knobs for everything that can go wrong.
//
//   const source = new MemorySource();
//   source.add(blob.layout, blob.bytes);
//   source.failNext(new ShoalError('unreachable', '…'));   // the next fetch rejects; give an `after` to fail midway
//   source.lacks.add(3);                                    // chunk 3 is not held here: fetches end without it
//   source.corrupt.add(5);                                  // chunk 5 comes with a wrong byte
//   source.pause(); … source.resume();                      // fetches hang in between (a source that is gone)
//   source.requests                                         // every fetch, in order; `active` how many run now

import type { BlobLayout, ChunkPayload, ChunkRequest, ChunkSource, SourceKind } from '../../core/index.ts';
import { abortedError, ShoalError } from '../../core/index.ts';

export class MemorySource implements ChunkSource {
  readonly name: string;
  readonly kind: SourceKind;
  readonly requests: ChunkRequest[] = [];
  readonly lacks = new Set<number>();
  readonly corrupt = new Set<number>();
  /** Chunks that somebody said were wrong. */
  readonly distrusted: number[] = [];
  active = 0;
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #failures: { readonly error: ShoalError; readonly after: number }[] = [];
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(name = 'memory', kind: SourceKind = 'origin') {
    this.name = name;
    this.kind = kind;
  }

  add(layout: BlobLayout, bytes: Uint8Array): void {
    this.#blobs.set(layout.digest, bytes);
  }

  /** The next fetch (after those already set to fail) yields `after` payloads, then rejects with `error`. */
  failNext(error: ShoalError, options: { readonly after?: number } = {}): void {
    this.#failures.push({ error, after: options.after ?? 0 });
  }

  pause(): void {
    this.#gate ??= Promise.withResolvers();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async *fetch(request: ChunkRequest, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<ChunkPayload> {
    this.requests.push(request);
    const failure = this.#failures.shift();
    this.active++;
    try {
      let sent = 0;
      for (const index of request.chunks) {
        await this.#pass(signal);
        if (failure && sent === failure.after) throw failure.error;
        const payload = this.#payload(request.blob, index);
        if (!payload) continue;
        yield payload;
        sent++;
      }
      if (failure) throw failure.error;
    } finally {
      this.active--;
    }
  }

  distrust({ index }: { readonly index: number }): void {
    this.distrusted.push(index);
  }

  #payload(blob: BlobLayout, index: number): ChunkPayload | undefined {
    const stored = this.#blobs.get(blob.digest);
    if (!stored) throw new ShoalError('not-found', `${this.name}: no blob ${blob.digest}`);
    const { compressedOffset, compressedSize } = blob.chunk(index);
    if (compressedOffset + compressedSize > stored.length) {
      throw new ShoalError('malformed', `${this.name}: chunk ${index} ends beyond blob ${blob.digest}`);
    }
    if (this.lacks.has(index)) return undefined;
    const bytes = new Uint8Array(compressedSize);
    bytes.set(stored.subarray(compressedOffset, compressedOffset + compressedSize));
    if (this.corrupt.has(index)) bytes[0] = (bytes[0] ?? 0) ^ 0xff;
    return { index, packing: 'blob', bytes };
  }

  /** Waits while paused; rejects when the signal fires. */
  async #pass(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortedError(signal);
    const gate = this.#gate;
    if (!gate) return;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(abortedError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([gate.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
