// One missing chunk that somebody waits for, and the board of all of them. Bookkeeping only: no I/O, no time.

import { type ChunkSource, LANES, type Lane, OVER, type SourceKind, type StoredBlob } from '../../core/index.ts';

/** Where a chunk came from; `cache`: it was on this node. In the order of how far that is. */
export const ANSWERERS = ['cache', 'peers', 'mirror', 'origin'] as const satisfies readonly ('cache' | SourceKind)[];
export type Answerer = (typeof ANSWERERS)[number];

/** The farthest of these; `cache` for none. */
export function farthest(answerers: readonly (Answerer | undefined)[]): Answerer {
  const ranks = answerers.map(answerer => (answerer === undefined ? 0 : ANSWERERS.indexOf(answerer)));
  return ANSWERERS[Math.max(0, ...ranks)] ?? 'cache';
}

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
  /** Failures that are the chunk's own after which nobody waits any more. */
  tries = 0;
  readonly #sources: ChunkSource[] = [];
  readonly #arrival = new AbortController();
  #answerer: Answerer | undefined;
  #news = new AbortController();
  #hurry = new AbortController();

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

  /** Fires when the chunk is stored, whoever fetched it. */
  get arrival(): AbortSignal {
    return this.#arrival.signal;
  }

  /** Who brought it; undefined before its arrival. */
  get answerer(): Answerer | undefined {
    return this.#answerer;
  }

  arrive(from: Answerer): void {
    this.#answerer = from;
    this.#arrival.abort(OVER);
  }

  /** Fires when the attempt under way is no longer urgent enough. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  hurryUp(): void {
    const slow = this.#hurry;
    this.#hurry = new AbortController();
    slow.abort(OVER);
  }

  /** Another caller wants it too, knows these sources and is in this much of a hurry. Returns whether the lane rose. */
  join(sources: readonly ChunkSource[], lane: Lane, tries: number): boolean {
    this.tries = Math.max(this.tries, tries);
    const added = sources.filter(source => !this.#sources.includes(source));
    if (added.length > 0) {
      this.#sources.push(...added);
      this.#news.abort(OVER);
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

  /** Not under way by this flight any more; a later one for the same chunk may be. */
  finish(blob: StoredBlob, index: number, flight: F): void {
    const key = Board.key(blob, index);
    if (this.#underWay.get(key) === flight) this.#underWay.delete(key);
  }
}
