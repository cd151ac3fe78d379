// What was asked of a parent for one task, so that every answer can be told to be one: of a request under way, of one that
// was given up a moment ago, or of nothing that we said. Pure.

/** Answers that may still come although nobody waits for them; beyond this many, the oldest do not come any more. */
const MAX_STRAY = 8_192;

export class Asked {
  readonly #pending = new Set<number>();
  /** Piece to how many answers to it may still be on their way: requests that were cancelled. */
  readonly #stray = new Map<number, number>();

  get size(): number {
    return this.#pending.size;
  }

  has(piece: number): boolean {
    return this.#pending.has(piece);
  }

  /** Which of these must be said to the parent. */
  ask(pieces: readonly number[]): number[] {
    const asked = pieces.filter(piece => !this.#pending.has(piece));
    for (const piece of asked) this.#pending.add(piece);
    return asked;
  }

  /** Which of these were asked for, and are no longer. */
  cancel(pieces: readonly number[]): number[] {
    return pieces.filter(piece => {
      if (!this.#pending.delete(piece)) return false;
      this.#mayCome(piece);
      return true;
    });
  }

  /** An answer came. wanted: somebody waits for it; stray: nobody does any more; unasked: nobody ever did. */
  answer(piece: number): 'wanted' | 'stray' | 'unasked' {
    if (this.#pending.delete(piece)) return 'wanted';
    const expected = this.#stray.get(piece) ?? 0;
    if (expected === 0) return 'unasked';
    if (expected === 1) this.#stray.delete(piece);
    else this.#stray.set(piece, expected - 1);
    return 'stray';
  }

  clear(): void {
    this.#pending.clear();
    this.#stray.clear();
  }

  #mayCome(piece: number): void {
    const expected = (this.#stray.get(piece) ?? 0) + 1;
    this.#stray.delete(piece);
    this.#stray.set(piece, expected);
    const oldest = this.#stray.keys().next().value;
    if (this.#stray.size > MAX_STRAY && oldest !== undefined) this.#stray.delete(oldest);
  }
}
