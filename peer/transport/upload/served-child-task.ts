// One task that a child has open: which of its requests wait for pieces that are still to come, and what has changed here
// that it was not told yet.

import type { Lane, PieceSet } from '../../../core/index.ts';
import type { ServedTask } from '../../ports.ts';

/** More changes than this are told as a new bitmap. */
const MAX_CHANGES = 16_384;

/** Piece to whether it is here now: what came and went again within a batch is told once. */
type Changes = Map<number, boolean>;

export interface News {
  readonly kind: 'have' | 'lost';
  readonly pieces: number[];
  readonly chunks: number[];
}

export interface ServedChildTaskOwner {
  /** So many requests more (or fewer) wait for pieces. */
  onParked(by: number): void;
  /** Something is to be told. */
  onNews(): void;
  /** These came for which requests wait here. */
  onArrived(task: ServedChildTask, pieces: readonly number[]): void;
  /** These will not come. */
  onFailed(task: ServedChildTask, pieces: readonly number[]): void;
}

export class ServedChildTask {
  readonly handle: number;
  readonly task: ServedTask;
  /** Wait for their piece, by number. */
  readonly #parked = new Map<number, Lane>();
  readonly #pieces: Changes = new Map();
  readonly #chunks: Changes = new Map();
  /** Bitmaps are to be sent; changes up to then are in them. */
  #wantsSnapshot = true;
  readonly #owner: ServedChildTaskOwner;
  readonly #unlisten: () => void;

  constructor(handle: number, task: ServedTask, owner: ServedChildTaskOwner) {
    this.#owner = owner;
    this.handle = handle;
    this.task = task;
    this.#unlisten = task.onChange({
      onGained: (pieces, chunks) => {
        this.#note(pieces, chunks, true);
        owner.onNews();
        const arrived = pieces.filter(piece => this.#parked.has(piece));
        if (arrived.length > 0) owner.onArrived(this, arrived);
      },
      onLost: (pieces, chunks) => {
        this.#note(pieces, chunks, false);
        owner.onNews();
      },
      onFailed: pieces => {
        const failed = pieces.filter(piece => this.#parked.has(piece));
        if (failed.length > 0) owner.onFailed(this, failed);
      },
    });
  }

  end(): void {
    this.#unlisten();
    this.#owner.onParked(-this.#parked.size);
    this.#parked.clear();
  }

  /** The request waits until the piece is here. */
  park(piece: number, lane: Lane): void {
    if (!this.#parked.has(piece)) this.#owner.onParked(1);
    this.#parked.set(piece, lane);
  }

  /** A request that waits for its piece is more urgent now. Returns whether there is one. */
  hurry(piece: number, lane: Lane): boolean {
    const isParked = this.#parked.has(piece);
    if (isParked) this.#parked.set(piece, lane);
    return isParked;
  }

  /** Its lane, if it waited. */
  unpark(piece: number): Lane | undefined {
    const lane = this.#parked.get(piece);
    if (this.#parked.delete(piece)) this.#owner.onParked(-1);
    return lane;
  }

  /** Both bitmaps as they are now, if it is time to send them. */
  takeSnapshot(): { readonly pieces: Uint8Array; readonly chunks: Uint8Array } | undefined {
    if (!this.#wantsSnapshot) return undefined;
    this.#wantsSnapshot = false;
    this.#pieces.clear();
    this.#chunks.clear();
    return { pieces: bitmapOf(this.task.pieces), chunks: bitmapOf(this.task.chunks) };
  }

  /** What has changed since the last time. */
  takeNews(): News[] {
    const news = ([true, false] as const).map(isHere => ({
      kind: isHere ? ('have' as const) : ('lost' as const),
      pieces: keysWith(this.#pieces, isHere),
      chunks: keysWith(this.#chunks, isHere),
    }));
    this.#pieces.clear();
    this.#chunks.clear();
    return news.filter(({ pieces, chunks }) => pieces.length + chunks.length > 0);
  }

  #note(pieces: readonly number[], chunks: readonly number[], isHere: boolean): void {
    if (this.#wantsSnapshot) return;
    for (const piece of pieces) this.#pieces.set(piece, isHere);
    for (const chunk of chunks) this.#chunks.set(chunk, isHere);
    if (this.#pieces.size + this.#chunks.size > MAX_CHANGES) this.#wantsSnapshot = true;
  }
}

function keysWith(changes: Changes, isHere: boolean): number[] {
  return [...changes].filter(([, here]) => here === isHere).map(([key]) => key);
}

function bitmapOf(set: PieceSet): Uint8Array {
  return set.toBytes();
}
