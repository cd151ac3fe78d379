// The origins and caches of all who share a blob, as one: images of different repositories may hold the same blob, each
// with credentials of its own, and one of them may leave.

import {
  abortedError,
  type ByteRange,
  type CachedChunks,
  type ChunkPlace,
  type Digest,
  type RangeReader,
  ShoalError,
  type Swarm,
} from '../../core/index.ts';

type Ports = Parameters<Swarm['join']>[1];

export class JoinedPorts {
  /** Who joined and has not left, in that order. */
  readonly #all = new Set<Ports>();
  readonly #listeners = new Set<() => void>();

  readonly origin: RangeReader = {
    name: 'origin',
    readRange: (blob, range, options) => this.#readRange(blob, range, options.signal),
  };

  readonly chunks: CachedChunks = {
    covers: range => [...this.#all].some(({ chunks }) => chunks?.covers(range)),
    onChange: listener => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
    pack: (place, { signal }) => this.#pack(place, signal),
  };

  /** Returns how to take it back. */
  add(ports: Ports): () => void {
    const own = { ...ports }; // one for each join, also of the same ports
    this.#all.add(own);
    const changed = () => {
      for (const listener of this.#listeners) listener();
    };
    const unwatch = own.chunks?.onChange(changed);
    if (own.chunks !== undefined) changed();
    return () => {
      unwatch?.();
      if (this.#all.delete(own) && own.chunks !== undefined) changed();
    };
  }

  /** Of the first that gives anything; one that fails half-way is not followed by another. */
  async *#readRange(
    blob: { readonly digest: Digest; readonly size: number },
    range: ByteRange,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let failed: unknown = new ShoalError('unreachable', 'nobody who reads the blob is left');
    for (const { origin } of [...this.#all]) {
      let hasBegun = false;
      try {
        for await (const bytes of origin.readRange(blob, range, { signal })) {
          hasBegun = true;
          yield bytes;
        }
        return;
      } catch (error) {
        if (signal.aborted) throw abortedError(signal);
        if (hasBegun) throw error;
        failed = error;
      }
    }
    throw failed;
  }

  async #pack(place: ChunkPlace, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (const { chunks } of [...this.#all]) {
      const frame = await chunks?.pack(place, { signal });
      if (frame !== undefined) return frame;
    }
    return undefined;
  }
}
