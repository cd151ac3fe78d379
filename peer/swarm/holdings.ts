// The pieces of a blob that are here: held, and so served to others, or aside (an image without a piece table: kept until
// the chunks that touch them are verified), and the chunks in the daemon's cache that can be served instead. Changes are
// collected, and told once per turn.
// Without a table, what came straight from the origin is served at once: pieces of one chunk are leased to different
// nodes, and would otherwise wait for each other for ever. What came from a peer is not passed on before it is proven, so
// wrong bytes get one step far, and to somebody who can say who sent them.

import { type CachedChunks, PieceSet, pieceRange, type SharedBlob } from '../../core/index.ts';
import type { ServedTaskListener } from '../ports.ts';
import type { PieceBox, PieceStore } from './piece-store.ts';

/** Pieces whose chunks are asked for at one look: a thousand take about a millisecond. */
const LOOKED_AT = 1024;

export interface Changes {
  readonly pieces: readonly number[];
  readonly chunks: readonly number[];
}

export class Holdings {
  readonly pieces: PieceSet;
  readonly chunks: PieceSet;
  /** Without a piece table: chunks have not shown yet that they are right. Those of peers are aside. */
  readonly #unproven = new Set<number>();
  readonly #fromOrigin: PieceSet;
  readonly #blob: SharedBlob;
  readonly #cached: CachedChunks | undefined;
  readonly #box: PieceBox;
  readonly #listeners = new Set<ServedTaskListener>();
  readonly #changed: () => void;
  readonly #onProven: (piece: number) => void;
  #touched = { pieces: new Set<number>(), chunks: new Set<number>() };
  /** Each once, in however many ways it failed: a child takes a second answer for one to nothing. */
  #gone = new Set<number>();
  /** Where the look at the cache's chunks goes on; undefined: it is done. */
  #look: number | undefined;
  readonly #unwatch: (() => void) | undefined;

  constructor(
    blob: SharedBlob,
    ports: { readonly store: PieceStore; readonly cached: CachedChunks | undefined; readonly count: number },
    events: { readonly changed: () => void; readonly proven: (piece: number) => void },
  ) {
    this.#blob = blob;
    this.pieces = new PieceSet(ports.count);
    this.chunks = new PieceSet(ports.count);
    this.#fromOrigin = new PieceSet(ports.count);
    this.#cached = ports.cached;
    this.#changed = events.changed;
    this.#onProven = events.proven;
    this.#box = ports.store.open(lost => this.#forget(lost));
    if (this.#cached === undefined) return;
    this.#look = 0;
    this.#unwatch = this.#cached.onChange(() => {
      this.#look = 0;
      this.#changed();
    });
  }

  /** Here, held or aside. */
  has(piece: number): boolean {
    return this.pieces.has(piece) || this.#unproven.has(piece);
  }

  isUnproven(piece: number): boolean {
    return this.#unproven.has(piece);
  }

  /** Is there a rest of the cache to look at? */
  get isLooking(): boolean {
    return this.#look !== undefined;
  }

  sourceOf(piece: number): 'peer' | 'origin' {
    return this.#fromOrigin.has(piece) ? 'origin' : 'peer';
  }

  /** Keeps an arrived piece if there is room; `bytes` are not to be changed any more. */
  keep(piece: number, bytes: Uint8Array<ArrayBuffer>, from: 'peer' | 'origin'): void {
    const hasTable = this.#blob.pieces !== undefined;
    // Chunks that are verified already were so by other bytes than these: they would prove nothing.
    if (!hasTable && from === 'peer' && this.#isCovered(piece)) return;
    if (!this.#box.put(piece, bytes)) return;
    if (from === 'origin') this.#fromOrigin.add(piece);
    else this.#fromOrigin.delete(piece);
    if (!hasTable) this.#unproven.add(piece);
    if (hasTable || from === 'origin') this.#gain(piece);
  }

  read(piece: number): Promise<Uint8Array | undefined> {
    return this.#box.get(piece);
  }

  /** These may be wrong. */
  drop(pieces: readonly number[]): void {
    this.#box.drop(pieces);
    this.#forget(pieces);
  }

  setInUse(inUse: boolean): void {
    this.#box.setInUse(inUse);
  }

  onChange(listener: ServedTaskListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** These are no longer coming: children that wait for them are told with the next `flush`. */
  notComing(pieces: readonly number[]): void {
    if (this.#listeners.size === 0) return;
    for (const piece of pieces) this.#gone.add(piece);
    this.#changed();
  }

  /** Looks at some more of the cache's chunks. Unproven pieces go first: children may wait for them. */
  look(): void {
    if (this.#look === undefined || this.#cached === undefined) return;
    if (this.#look === 0) for (const piece of [...this.#unproven]) this.#lookAt(piece);
    const end = Math.min(this.pieces.count, this.#look + LOOKED_AT);
    for (let piece = this.#look; piece < end; piece++) this.#lookAt(piece);
    this.#look = end < this.pieces.count ? end : undefined;
  }

  /** Tells listeners what changed since the last time, and returns it. `isComing`: not lost to those who wait. */
  flush(isComing: (piece: number) => boolean): { readonly gained: Changes; readonly lost: Changes } {
    const { pieces, chunks } = this.#touched;
    this.#touched = { pieces: new Set(), chunks: new Set() };
    const gained = {
      pieces: [...pieces].filter(piece => this.pieces.has(piece)),
      chunks: [...chunks].filter(piece => this.chunks.has(piece)),
    };
    const lost = {
      pieces: [...pieces].filter(piece => !this.pieces.has(piece)),
      chunks: [...chunks].filter(piece => !this.chunks.has(piece)),
    };
    const gone = [...this.#gone].filter(piece => !this.pieces.has(piece) && !isComing(piece));
    this.#gone.clear();
    for (const listener of [...this.#listeners]) {
      if (gained.pieces.length + gained.chunks.length > 0) listener.onGained(gained.pieces, gained.chunks);
      if (lost.pieces.length + lost.chunks.length > 0) listener.onLost(lost.pieces, lost.chunks);
      if (gone.length > 0) listener.onFailed(gone);
    }
    return { gained, lost };
  }

  close(): void {
    this.#unwatch?.();
    this.#box.close();
    this.#listeners.clear();
  }

  #isCovered(piece: number): boolean {
    return this.#cached?.covers(pieceRange(this.#blob.size, piece)) ?? false;
  }

  #lookAt(piece: number): void {
    const isCovered = this.#isCovered(piece);
    const isNew = isCovered ? this.chunks.add(piece) : this.chunks.delete(piece);
    if (isNew) this.#touched.chunks.add(piece);
    if (isCovered && this.#unproven.delete(piece)) {
      this.#gain(piece);
      this.#onProven(piece);
    }
    if (isNew) this.#changed();
  }

  #gain(piece: number): void {
    if (!this.pieces.add(piece)) return;
    this.#touched.pieces.add(piece);
    this.#changed();
  }

  #forget(lost: readonly number[]): void {
    for (const piece of lost) {
      this.#unproven.delete(piece);
      if (this.pieces.delete(piece)) this.#touched.pieces.add(piece);
    }
    this.#changed();
  }
}
