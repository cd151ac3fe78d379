// Port: somewhere that a blob's chunks can be fetched from (the origin registry, the peers, an oci directory).

import type { BlobLayout, ChunkPayload } from './chunk.ts';
import type { Lane } from './lanes.ts';

export interface ChunkRequest {
  readonly blob: BlobLayout;
  /**
   * Chunk indexes to fetch, not empty, ascending by compressed offset and without repetition. The engine coalesces:
   * they are near one another, so a source that speaks in ranges may use one range from the first to the last.
   */
  readonly chunks: readonly number[];
  readonly lane: Lane;
}

/**
 * Contract, checked by test/conformance/chunk-source.ts:
 * - **Idempotent**: fetching the same chunks again gives the same bytes.
 * - **Concurrent**: any number of fetches may run at once, also of the same chunks.
 * - **Result**: payloads of the asked chunks in any order, each at most once, each as soon as it is whole. A source
 *   that does not hold some of them ends without these: that is not an error, the engine asks the next source.
 *   Bytes are **unverified**: the store checks them. Never more than `compressedSize` (or, repacked, 2 × the
 *   uncompressed size + 4096) bytes for a chunk are buffered.
 * - **Ownership**: each payload's buffer is the caller's, to keep or to transfer; the source holds no reference.
 * - **Abort**: when `signal` fires, the iteration rejects with `aborted` within a tick or two, and sockets and buffers
 *   of this fetch are released. So they are when the caller stops iterating. The source sets its own deadlines for
 *   progress (not for the whole) below the caller's signal.
 * - **Errors**: ShoalError. `unreachable`, `unavailable`, `timeout` are retryable, here or elsewhere; `not-found`,
 *   `unauthorized`, `malformed` are not. Payloads that were yielded before an error stay valid.
 */
export interface ChunkSource {
  /** For logs and counters: `origin`, `peers`, `mirror HOST`. */
  readonly name: string;
  readonly kind: SourceKind;
  fetch(request: ChunkRequest, options: { readonly signal: AbortSignal }): AsyncIterable<ChunkPayload>;
  /** A chunk that it gave was not the chunk: for a source that can find out whose fault that is. Never throws. */
  distrust?(chunk: { readonly blob: BlobLayout; readonly index: number }): void;
}

/** What decides how a source is asked, and what its bytes are counted as. */
export type SourceKind = 'peers' | 'mirror' | 'origin';
