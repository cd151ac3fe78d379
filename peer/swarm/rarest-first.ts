// The order of background pieces: by how many parents have them, fewest first, equals in random order. Every operation
// is O(1), so that a `Have` costs the same for a blob of a megabyte and of a terabyte. Pure: chance is an argument.

export class RarestFirst {
  readonly #buckets: number[][] = [];
  /** Where a piece stands in its bucket; -1: in none. */
  readonly #place: Int32Array;
  readonly #level: Uint8Array;
  #size = 0;

  constructor(count: number) {
    this.#place = new Int32Array(count).fill(-1);
    this.#level = new Uint8Array(count);
  }

  get size(): number {
    return this.#size;
  }

  has(piece: number): boolean {
    return this.#place[piece] !== -1 && piece < this.#place.length;
  }

  /** `level`: how many have it. `chance` in [0, 1). No effect when it is here. */
  add(piece: number, level: number, chance: number): void {
    if (this.has(piece)) return;
    const bucket = this.#bucket(level);
    // To a random place, whose piece goes to the end: a shuffle, one piece at a time.
    const at = Math.floor(chance * (bucket.length + 1));
    const moved = bucket[at];
    if (moved !== undefined) {
      this.#place[moved] = bucket.length;
      bucket.push(moved);
    }
    bucket[at] = piece;
    this.#place[piece] = at;
    this.#level[piece] = level;
    this.#size++;
  }

  delete(piece: number): boolean {
    if (!this.has(piece)) return false;
    const bucket = this.#bucket(this.#level[piece] ?? 0);
    const at = this.#place[piece] ?? 0;
    const last = bucket.pop();
    if (last !== undefined && last !== piece) {
      bucket[at] = last;
      this.#place[last] = at;
    }
    this.#place[piece] = -1;
    this.#size--;
    return true;
  }

  /** No effect when it is not here. */
  move(piece: number, level: number, chance: number): void {
    if (!this.has(piece) || this.#level[piece] === level) return;
    this.delete(piece);
    this.add(piece, level, chance);
  }

  /** From `level` upwards. Not to be changed meanwhile. */
  *from(level: number): Generator<number> {
    for (let at = level; at < this.#buckets.length; at++) yield* this.#buckets[at] ?? [];
  }

  #bucket(level: number): number[] {
    while (this.#buckets.length <= level) this.#buckets.push([]);
    return this.#buckets[level] ?? [];
  }
}
