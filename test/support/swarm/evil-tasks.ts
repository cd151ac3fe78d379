// What a malicious peer serves, behind the same port as an honest one: the real transport carries it, so that what the
// others meet is what a member with a changed program could send.

import { randomFillSync } from 'node:crypto';
import { type ChunkPlace, type Digest, PIECE_BYTES, PieceSet, pieceCount, pieceRange } from '../../../core/index.ts';
import type { ServedTask, ServedTaskListener, ServedTasks } from '../../../peer/ports.ts';
import { type TaskId, taskIdOf } from '../../../proto/index.ts';

export const MALICES = ['wrong-bytes', 'lying-bitmap', 'silent', 'one-byte', 'never-reads'] as const;
/**
 * - `wrong-bytes`: has every piece, and sends something else.
 * - `lying-bitmap`: says that it has every piece, and refuses each.
 * - `silent`: says that it has every piece, lets every request wait, and says truly how many wait.
 * - `one-byte`: the same as wrong-bytes, but nothing of it ever arrives whole (trickle-relay.ts holds it up).
 * - `never-reads`: asks everybody for everything, and stops reading.
 */
export type Malice = (typeof MALICES)[number];

export interface EvilBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export class EvilTasks implements ServedTasks {
  readonly #tasks: ReadonlyMap<TaskId, EvilTask>;

  constructor(blobs: readonly EvilBlob[], malice: Malice) {
    this.#tasks = new Map(blobs.map(blob => [taskIdOf(blob.digest), new EvilTask(blob, malice)]));
  }

  find(taskId: TaskId): ServedTask | undefined {
    return this.#tasks.get(taskId);
  }
}

export class EvilTask implements ServedTask {
  readonly digest: Digest;
  readonly pieceCount: number;
  readonly pieces: PieceSet;
  readonly chunks: PieceSet;
  readonly #size: number;
  readonly #malice: Malice;

  constructor({ digest, size }: EvilBlob, malice: Malice) {
    this.digest = digest;
    this.pieceCount = pieceCount(size);
    this.pieces = new PieceSet(this.pieceCount);
    this.chunks = new PieceSet(this.pieceCount);
    this.#size = size;
    this.#malice = malice;
    if (malice === 'never-reads') return; // a child that has nothing
    for (let piece = 0; piece < this.pieceCount; piece++) this.pieces.add(piece);
  }

  isComing(): boolean {
    return false;
  }

  fetchFor(): boolean {
    return false;
  }

  async readPiece(piece: number): Promise<Uint8Array | undefined> {
    if (this.#malice === 'silent') return new Promise(() => {});
    if (this.#malice === 'lying-bitmap' || this.#malice === 'never-reads') return undefined;
    return randomFillSync(new Uint8Array(pieceRange(this.#size, piece).length));
  }

  async packChunk(_place: ChunkPlace): Promise<Uint8Array | undefined> {
    return this.#malice === 'wrong-bytes' ? randomFillSync(new Uint8Array(PIECE_BYTES)) : undefined;
  }

  holders(): readonly string[] {
    return [];
  }

  onChange(_listener: ServedTaskListener): () => void {
    return () => {};
  }
}
