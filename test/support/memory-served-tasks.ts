// What a node serves, in memory: blobs whose pieces come and go as a test says.

import {
  type ChunkPlace,
  type Digest,
  type Lane,
  PIECE_BYTES,
  PieceSet,
  parseDigest,
  pieceCount,
} from '../../core/index.ts';
import type { ServedTask, ServedTaskListener, ServedTasks } from '../../peer/index.ts';
import { type TaskId, taskIdOf } from '../../proto/index.ts';

/** The digest of a made-up blob. */
export function someDigest(seed: number): Digest {
  return parseDigest(`sha256:${seed.toString(16).padStart(64, '0')}`);
}

export class MemoryServedTask implements ServedTask {
  readonly digest: Digest;
  readonly pieceCount: number;
  readonly pieces: PieceSet;
  readonly chunks: PieceSet;
  /** Pieces that are coming. */
  readonly coming = new Set<number>();
  /** Pieces that `fetchFor` was asked for. */
  readonly fetched: { readonly piece: number; readonly lane: Lane }[] = [];
  fetches = true;
  /** Who has any piece, for children that are turned away. */
  others: string[] = [];
  /** Called before each read; a test may make it wait. */
  beforeRead: (piece: number) => Promise<void> | void = () => {};
  reads: number[] = [];
  pack: (place: ChunkPlace, signal: AbortSignal) => Promise<Uint8Array | undefined> = async () => undefined;
  readonly #size: number;
  readonly #listeners = new Set<ServedTaskListener>();

  constructor(digest: Digest, size: number) {
    this.digest = digest;
    this.#size = size;
    this.pieceCount = pieceCount(size);
    this.pieces = new PieceSet(this.pieceCount);
    this.chunks = new PieceSet(this.pieceCount);
  }

  get taskId(): TaskId {
    return taskIdOf(this.digest);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** The bytes of a piece: its number, again and again. */
  bytesOf(piece: number): Uint8Array<ArrayBuffer> {
    const length = Math.min(PIECE_BYTES, this.#size - piece * PIECE_BYTES);
    return new Uint8Array(length).fill(piece % 251);
  }

  gain(pieces: readonly number[], chunks: readonly number[] = []): void {
    for (const piece of pieces) {
      this.pieces.add(piece);
      this.coming.delete(piece);
    }
    for (const chunk of chunks) this.chunks.add(chunk);
    for (const { onGained } of this.#listeners) onGained(pieces, chunks);
  }

  lose(pieces: readonly number[], chunks: readonly number[] = []): void {
    for (const piece of pieces) this.pieces.delete(piece);
    for (const chunk of chunks) this.chunks.delete(chunk);
    for (const { onLost } of this.#listeners) onLost(pieces, chunks);
  }

  fail(pieces: readonly number[]): void {
    for (const piece of pieces) this.coming.delete(piece);
    for (const { onFailed } of this.#listeners) onFailed(pieces);
  }

  isComing(piece: number): boolean {
    return this.coming.has(piece);
  }

  fetchFor(piece: number, lane: Lane): boolean {
    if (this.fetches) this.fetched.push({ piece, lane });
    return this.fetches;
  }

  async readPiece(piece: number): Promise<Uint8Array | undefined> {
    this.reads.push(piece);
    await this.beforeRead(piece);
    return this.pieces.has(piece) ? this.bytesOf(piece) : undefined;
  }

  packChunk(place: ChunkPlace, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.pack(place, signal);
  }

  holders(): readonly string[] {
    return this.others;
  }

  onChange(listener: ServedTaskListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export class MemoryServedTasks implements ServedTasks {
  readonly #tasks = new Map<TaskId, MemoryServedTask>();

  /** A blob of `pieces` whole pieces, all there unless `empty`. */
  add(seed: number, pieces: number, { empty = false } = {}): MemoryServedTask {
    const task = new MemoryServedTask(someDigest(seed), pieces * PIECE_BYTES);
    if (!empty) task.gain(Array.from({ length: pieces }, (_, piece) => piece));
    this.#tasks.set(task.taskId, task);
    return task;
  }

  find(taskId: TaskId): ServedTask | undefined {
    return this.#tasks.get(taskId);
  }
}
