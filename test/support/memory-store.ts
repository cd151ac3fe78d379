// A ChunkStore out of memory, for tests of what fetches and serves chunks. It verifies like the real one.
//
//   const store = new MemoryStore();
//   store.failNextPut(new ShoalError('no-space', '…'));   // the next put rejects and stores nothing
//   store.hold(); … store.release();                       // puts wait in between (a slow disk)
//   new MemoryStore(store.contents)                        // what a later process would find
//
// There are no files: `path` of its blobs is empty, and only `read` gives bytes.

import {
  type BlobLayout,
  type ChunkMap,
  type ChunkPayload,
  type ChunkStore,
  createChunkMap,
  type ShoalError,
  type StoredBlob,
} from '../../core/index.ts';
import { packVerified, unpackVerified } from '../../image/index.ts';

/** Chunks by layout key and index. */
export type MemoryContents = Map<string, Map<number, Uint8Array<ArrayBuffer>>>;

interface Shared {
  readonly map: ChunkMap;
  readonly chunks: Map<number, Uint8Array<ArrayBuffer>>;
  readonly listeners: Set<() => void>;
  holders: number;
}

export class MemoryStore implements ChunkStore {
  readonly contents: MemoryContents;
  readonly #open = new Map<string, Shared>();
  readonly #failures: ShoalError[] = [];
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(contents: MemoryContents = new Map()) {
    this.contents = contents;
  }

  failNextPut(error: ShoalError): void {
    this.#failures.push(error);
  }

  hold(): void {
    this.#gate ??= Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async open(layout: BlobLayout): Promise<StoredBlob> {
    const shared = this.#open.get(layout.layoutKey) ?? this.#load(layout);
    shared.holders++;
    let open = true;
    return {
      layout,
      map: shared.map,
      path: '',
      get presentBytes() {
        return [...shared.chunks.keys()].reduce((sum, index) => sum + layout.chunk(index).compressedSize, 0);
      },
      put: payload => this.#put(layout, shared, payload),
      read: async index => (shared.map.has(index) ? shared.chunks.get(index)?.slice() : undefined),
      pack: async index => {
        const bytes = shared.map.has(index) ? shared.chunks.get(index) : undefined;
        return bytes && packVerified(layout, layout.chunk(index), bytes);
      },
      evict: async index => {
        if (shared.map.markAbsent(index)) shared.chunks.delete(index);
        notify(shared);
      },
      pin: async () => undefined,
      onChange: listener => {
        shared.listeners.add(listener);
        return () => shared.listeners.delete(listener);
      },
      close: async () => {
        if (!open) return;
        open = false;
        if (--shared.holders === 0) this.#open.delete(layout.layoutKey);
      },
    };
  }

  async stop(): Promise<void> {
    this.release();
    this.#open.clear();
  }

  #load(layout: BlobLayout): Shared {
    const chunks = this.contents.get(layout.layoutKey) ?? new Map();
    this.contents.set(layout.layoutKey, chunks);
    const map = createChunkMap(layout.chunkCount);
    for (const index of chunks.keys()) map.markPresent(index);
    const shared = { map, chunks, listeners: new Set<() => void>(), holders: 0 };
    this.#open.set(layout.layoutKey, shared);
    return shared;
  }

  async #put(layout: BlobLayout, shared: Shared, payload: ChunkPayload): Promise<void> {
    await this.#gate?.promise;
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    const chunk = layout.chunk(payload.index);
    if (shared.map.has(payload.index)) return;
    shared.chunks.set(payload.index, unpackVerified(layout, chunk, payload).slice());
    shared.map.markPresent(payload.index);
    notify(shared);
  }
}

function notify({ listeners }: Shared): void {
  setImmediate(() => {
    for (const listener of listeners) listener();
  });
}
