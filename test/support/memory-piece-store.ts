// Pieces kept in memory, with a knob for a full disk.

import type { PieceBox, PieceStore } from '../../peer/swarm/piece-store.ts';

export class MemoryPieceStore implements PieceStore {
  /** Nothing more is kept. */
  isFull = false;
  readonly boxes = new Set<MemoryPieceBox>();

  get storedBytes(): number {
    return [...this.boxes].reduce((sum, box) => sum + box.bytes, 0);
  }

  open(onLost: (pieces: readonly number[]) => void): PieceBox {
    const box: MemoryPieceBox = new MemoryPieceBox(this, onLost);
    this.boxes.add(box);
    return box;
  }
}

export class MemoryPieceBox implements PieceBox {
  isInUse = true;
  readonly #store: MemoryPieceStore;
  readonly #onLost: (pieces: readonly number[]) => void;
  readonly #pieces = new Map<number, Uint8Array<ArrayBuffer>>();

  constructor(store: MemoryPieceStore, onLost: (pieces: readonly number[]) => void) {
    this.#store = store;
    this.#onLost = onLost;
  }

  get bytes(): number {
    return [...this.#pieces.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  }

  put(piece: number, bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#store.isFull) return false;
    this.#pieces.set(piece, bytes);
    return true;
  }

  get(piece: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#pieces.get(piece));
  }

  drop(pieces: readonly number[]): void {
    for (const piece of pieces) this.#pieces.delete(piece);
  }

  /** As an eviction: the owner is told. */
  evict(pieces: readonly number[]): void {
    this.drop(pieces);
    queueMicrotask(() => this.#onLost(pieces));
  }

  setInUse(inUse: boolean): void {
    this.isInUse = inUse;
  }

  close(): void {
    this.#pieces.clear();
    this.#store.boxes.delete(this);
  }
}
