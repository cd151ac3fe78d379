// A shared link of a given rate, for the demonstration: every byte the embedded registry sends passes through here, so
// that two downloads at once are each half as fast, as on a real wire.

import type { Clock } from '../../core/index.ts';

/** About what one wake-up of a network card delivers: small enough to share the link fairly between requests. */
const SLICE_BYTES = 64 << 10;

export class ThrottledLink {
  readonly #bytesPerSecond: number;
  readonly #clock: Clock;
  #freeAt = 0;
  #sentBytes = 0;

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** Bytes sent so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Passes a stream on at the link's rate. */
  async *send(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      for (let at = 0; at < piece.length; at += SLICE_BYTES) {
        const slice = piece.subarray(at, at + SLICE_BYTES);
        await this.#transmit(slice.length);
        yield slice;
      }
    }
  }

  async #transmit(length: number): Promise<void> {
    const now = this.#clock.monotonic();
    this.#freeAt = Math.max(now, this.#freeAt) + (length / this.#bytesPerSecond) * 1000;
    this.#sentBytes += length;
    // Timers are no finer than a millisecond: short waits are saved up until they are worth one.
    if (this.#freeAt - now > 2) await this.#clock.sleep(this.#freeAt - now);
  }
}
