// One missing chunk that somebody waits for, and the board of all of them. Bookkeeping only: no I/O, no time.

import { type ChunkSource, LANES, type Lane, type StoredBlob } from '../../core/index.ts';

/**
 * `idle`: waits for its source's gate or for a free slot. `pausing`: failed, and is left alone for a while.
 * Whether it is under way right now is the board's knowledge, because chunks that nobody wants can be under way too.
 */
export type WantState = 'idle' | 'pausing';

export class Want {
  readonly blob: StoredBlob;
  readonly index: number;
  lane: Lane;
  state: WantState = 'idle';
  /** Fires when the chunk is stored, whoever fetched it. */
  readonly arrival = new AbortController();
  readonly #sources: ChunkSource[] = [];
  #news = new AbortController();

  constructor(blob: StoredBlob, index: number, lane: Lane) {
    this.blob = blob;
    this.index = index;
    this.lane = lane;
  }

  /** Where it can be fetched from, first choice first. */
  get sources(): readonly ChunkSource[] {
    return this.#sources;
  }

  /** Fires when the next source is added: a wait for the known ones may be over. */
  get news(): AbortSignal {
    return this.#news.signal;
  }

  /** Another caller wants it too, knows these sources and is in this much of a hurry. Returns whether the lane rose. */
  join(sources: readonly ChunkSource[], lane: Lane): boolean {
    const added = sources.filter(source => !this.#sources.includes(source));
    if (added.length > 0) {
      this.#sources.push(...added);
      this.#news.abort();
      this.#news = new AbortController();
    }
    const rose = LANES.indexOf(lane) < LANES.indexOf(this.lane);
    if (rose) this.lane = lane;
    return rose;
  }
}

/** All wants and all chunks under way, by blob and chunk. */
export class Board<F> {
  readonly #wants = new Map<string, Want>();
  readonly #underWay = new Map<string, F>();

  static key(blob: StoredBlob, index: number): string {
    return `${blob.layout.layoutKey}:${index}`;
  }

  want(blob: StoredBlob, index: number): Want | undefined {
    return this.#wants.get(Board.key(blob, index));
  }

  add(want: Want): void {
    this.#wants.set(Board.key(want.blob, want.index), want);
  }

  /** Takes a want off, unless a newer one for the same chunk stands in its place. */
  remove(want: Want): void {
    const key = Board.key(want.blob, want.index);
    if (this.#wants.get(key) === want) this.#wants.delete(key);
  }

  underWay(blob: StoredBlob, index: number): F | undefined {
    return this.#underWay.get(Board.key(blob, index));
  }

  start(blob: StoredBlob, index: number, flight: F): void {
    this.#underWay.set(Board.key(blob, index), flight);
  }

  finish(blob: StoredBlob, index: number): void {
    this.#underWay.delete(Board.key(blob, index));
  }
}
