// A position in a stream of bytes that arrives in pieces: hands out exact amounts, joining pieces only where an amount
// straddles two of them. Knows nothing of tar.

const NOTHING = Buffer.alloc(0);

/**
 * Feed a piece only when the one before is used up, that is when `take` or `takeUpTo` returned undefined: from then on
 * it is not looked at any more, and its buffer may be somebody else's.
 */
export class ByteCursor {
  #piece: Buffer = NOTHING;
  #at = 0;
  #consumed = 0;
  /** An amount that is being joined from several pieces, and how much of it is there. */
  #joined: Buffer | undefined;
  #joinedBytes = 0;

  /** Bytes used since the beginning of the stream. */
  get offset(): number {
    return this.#consumed;
  }

  /** Bytes of a started amount that wait for the rest. */
  get pending(): number {
    return this.#joined ? this.#joinedBytes : 0;
  }

  /** Appends a piece; keeps it until it is used up. */
  feed(piece: Uint8Array): void {
    this.#piece = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    this.#at = 0;
  }

  /**
   * Exactly `size` bytes, or undefined when more input is needed; then call again with the same size. The bytes are a
   * view, valid until the next call. The caller bounds `size`: it may be allocated.
   */
  take(size: number): Buffer | undefined {
    const available = this.#piece.length - this.#at;
    if (!this.#joined) {
      if (available >= size) return this.#advance(size);
      this.#joined = Buffer.allocUnsafe(size);
      this.#joinedBytes = 0;
    }
    const count = Math.min(available, size - this.#joinedBytes);
    this.#piece.copy(this.#joined, this.#joinedBytes, this.#at, this.#at + count);
    this.#advance(count);
    this.#joinedBytes += count;
    if (this.#joinedBytes < size) return this.#usedUp();
    const joined = this.#joined;
    this.#joined = undefined;
    return joined;
  }

  /** Between 1 and `limit` bytes, as many as the piece has, or undefined when it has none. A view on the piece. */
  takeUpTo(limit: number): Buffer | undefined {
    const count = Math.min(limit, this.#piece.length - this.#at);
    return count > 0 ? this.#advance(count) : this.#usedUp();
  }

  #usedUp(): undefined {
    this.#piece = NOTHING;
    this.#at = 0;
    return undefined;
  }

  #advance(count: number): Buffer {
    const view = this.#piece.subarray(this.#at, this.#at + count);
    this.#at += count;
    this.#consumed += count;
    return view;
  }
}
