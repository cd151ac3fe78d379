// Port: the node's cache of verified chunks. The daemon's disk cache implements it; a peer serves from it.

import type { BlobLayout, ChunkPayload } from './chunk.ts';
import type { ChunkMap } from './chunk-map.ts';

/**
 * Contract, checked by test/conformance/chunk-store.ts:
 * - `open` is idempotent by `layoutKey`: while one holder has it open, others get the same blob; each `open` is matched
 *   by one `close`. Concurrent opens of one blob are joined. What an earlier process stored is there again, as far as
 *   the rules of docs/architecture.md (persistence) allow.
 * - `stop` waits for writes under way, makes what is stored durable and releases everything. It is idempotent.
 */
export interface ChunkStore {
  open(blob: BlobLayout): Promise<StoredBlob>;
  stop(): Promise<void>;
}

export interface StoredBlob {
  readonly layout: BlobLayout;
  /** Which chunks are present; shared memory, so that worker threads see a chunk the moment it is there. */
  readonly map: ChunkMap;
  /** The file that holds the device (every chunk at its device offset), for readers in other threads. */
  readonly path: string;

  /** Stored bytes (compressed, as the blob has them) of the chunks that are present. */
  readonly presentBytes: number;

  /**
   * Unpacks and verifies a payload and stores the chunk. When it resolves, `map` says present and every reader sees
   * the bytes. Idempotent; concurrent puts of one chunk are safe. Takes ownership of `payload.bytes` (they may be
   * transferred). Rejects with `digest-mismatch` or `malformed` when the bytes are not the chunk's, with `no-space`
   * or `system` when they cannot be written; in each case the chunk is as absent as before.
   */
  put(payload: ChunkPayload): Promise<void>;

  /**
   * The verified uncompressed bytes of a chunk in a buffer that is the caller's, or undefined when it is absent (also
   * when it is evicted while being read). Rejects with `system` on I/O errors.
   */
  read(index: number): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /**
   * One zstd frame of a chunk's bytes, verified once more and the caller's, or undefined when it is absent. A chunk that
   * is not what it was any more (a bad disk) is forgotten. Rejects with `system` on I/O errors.
   */
  pack(index: number): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /** Calls back soon after chunks came or went, once for many. Returns how to stop that. */
  onChange(listener: () => void): () => void;

  /**
   * Verifies the whole file once more, unless that was done in this boot and it was not written to since, and keeps it as it
   * is until what it resolves to is disposed of: for the kernel, which reads it without asking the map. Undefined when a
   * chunk is missing, or was not what it should be (it is forgotten), and where there are no files. Rejects when the signal
   * fires, and with `system`. The blob must stay open meanwhile.
   */
  pin(signal: AbortSignal): Promise<Disposable | undefined>;

  /**
   * Forgets a chunk: readers miss from now on, its space is given back. Idempotent. Rejects with `busy` while the file is
   * pinned, or read by a mount that outlived its daemon.
   */
  evict(index: number): Promise<void>;

  /** Gives this holder's share back; the last one releases file and memory. Idempotent per `open`. */
  close(): Promise<void>;
}
