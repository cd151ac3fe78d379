// Which bytes of a bootstrap belong to something already: no two things may share any. That is a check of its own, and it
// is what bounds every walk over a hostile image: whoever claims what it reads can read each byte only once.

/** Granularity, bytes: everything in the format starts at a multiple of this. */
const UNIT = 4;

export class ClaimedBytes {
  /** One bit per unit. */
  readonly #bits: Uint8Array;

  constructor(size: number) {
    this.#bits = new Uint8Array(Math.ceil(size / UNIT / 8));
  }

  /**
   * Claims [offset, offset + length), which lies inside the file. Returns false as soon as it meets a byte that is taken
   * (what was claimed before that stays claimed, so even then no work is done twice).
   */
  claim(offset: number, length: number): boolean {
    const end = Math.ceil((offset + length) / UNIT);
    for (let unit = Math.floor(offset / UNIT); unit < end; unit++) {
      const mask = 1 << (unit & 7);
      const byte = this.#bits[unit >>> 3] ?? 0;
      if ((byte & mask) !== 0) return false;
      this.#bits[unit >>> 3] = byte | mask;
    }
    return true;
  }

  /** Bytes in units that nobody claimed and that are not zero. */
  countStray(bytes: Uint8Array): number {
    let stray = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === 0) continue;
      const unit = Math.floor(at / UNIT);
      if (((this.#bits[unit >>> 3] ?? 0) & (1 << (unit & 7))) === 0) stray++;
    }
    return stray;
  }
}
