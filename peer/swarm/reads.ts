// The reads of a blob that wait for pieces. Each read has its own buffer, into which arriving pieces are copied; several
// may wait for one piece, and a read that is aborted leaves the others alone.

import {
  abortedError,
  type ByteRange,
  LANES,
  type Lane,
  pieceRange,
  piecesOf,
  type SwarmTally,
} from '../../core/index.ts';

export interface FinishedRead {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tally: SwarmTally;
}

export interface WaitingRead {
  readonly range: ByteRange;
  readonly lane: Lane;
  /** Monotonic. */
  readonly since: number;
}

interface Waiting extends WaitingRead {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tally: { peerBytes: number; originBytes: number };
  readonly missing: Set<number>;
  readonly settle: (error?: unknown) => void;
}

export class Reads {
  readonly #blobSize: number;
  readonly #byPiece = new Map<number, Set<Waiting>>();
  readonly #all = new Set<Waiting>();

  constructor(blobSize: number) {
    this.#blobSize = blobSize;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Oldest first. */
  get waiting(): Iterable<WaitingRead> {
    return this.#all;
  }

  isWaitedFor(piece: number): boolean {
    return this.#byPiece.has(piece);
  }

  /** The most urgent lane of those who wait for it. */
  laneOf(piece: number): Lane | undefined {
    const lanes = [...(this.#byPiece.get(piece) ?? [])].map(read => read.lane);
    return LANES.find(lane => lanes.includes(lane));
  }

  /**
   * Resolves when `deliver` was called for every piece of the range, which must lie in the blob. `released` is called when
   * the read ended before that, with the pieces whose readers it changed.
   */
  add(
    read: WaitingRead,
    options: { readonly signal: AbortSignal; readonly released: (pieces: readonly number[]) => void },
  ): Promise<FinishedRead> {
    const { signal, released } = options;
    if (signal.aborted) return Promise.reject(abortedError(signal));
    return new Promise((resolve, reject) => {
      const { first, end } = piecesOf(read.range.offset, read.range.length);
      const waiting: Waiting = {
        ...read,
        bytes: new Uint8Array(read.range.length),
        tally: { peerBytes: 0, originBytes: 0 },
        missing: new Set(Array.from({ length: end - first }, (_, index) => first + index)),
        settle: error => {
          signal.removeEventListener('abort', onAbort);
          this.#all.delete(waiting);
          const left = [...waiting.missing];
          for (const piece of left) this.#leave(piece, waiting);
          if (error === undefined) resolve({ bytes: waiting.bytes, tally: waiting.tally });
          else {
            reject(error);
            released(left);
          }
        },
      };
      const onAbort = () => waiting.settle(abortedError(signal));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#all.add(waiting);
      for (const piece of waiting.missing) {
        const readers = this.#byPiece.get(piece);
        if (readers === undefined) this.#byPiece.set(piece, new Set([waiting]));
        else readers.add(waiting);
      }
    });
  }

  /** The piece's bytes, for all who wait for it; they are copied. */
  deliver(piece: number, bytes: Uint8Array, from: 'peer' | 'origin'): void {
    const { offset, length } = pieceRange(this.#blobSize, piece);
    for (const read of [...(this.#byPiece.get(piece) ?? [])]) {
      const begin = Math.max(offset, read.range.offset);
      const end = Math.min(offset + length, read.range.offset + read.range.length);
      read.bytes.set(bytes.subarray(begin - offset, end - offset), begin - read.range.offset);
      if (from === 'peer') read.tally.peerBytes += end - begin;
      else read.tally.originBytes += end - begin;
      read.missing.delete(piece);
      this.#leave(piece, read);
      if (read.missing.size === 0) read.settle();
    }
  }

  /** Ends those that `which` picks, with the error. */
  fail(which: (read: WaitingRead, missing: ReadonlySet<number>) => boolean, error: Error): void {
    for (const read of [...this.#all]) if (which(read, read.missing)) read.settle(error);
  }

  #leave(piece: number, read: Waiting): void {
    const readers = this.#byPiece.get(piece);
    readers?.delete(read);
    if (readers?.size === 0) this.#byPiece.delete(piece);
  }
}
