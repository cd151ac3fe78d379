// A repacked chunk on its way: parts of at most 64 KiB that must follow one another.

import { ShoalError } from '../../core/index.ts';

export class IncomingChunk {
  readonly #maxBytes: number;
  /** An answer to an earlier, cancelled request for the same chunk may still be on its way: its rest is passed over. */
  readonly #mayBeStale: boolean;
  #frame: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;

  constructor(maxBytes: number, mayBeStale: boolean) {
    this.#maxBytes = maxBytes;
    this.#mayBeStale = mayBeStale;
  }

  /** The whole frame, once it is there. Throws `malformed`. */
  add(part: Uint8Array, position: number, total: number): Uint8Array<ArrayBuffer> | undefined {
    if (total > this.#maxBytes || position + part.length > total || part.length === 0) {
      throw new ShoalError(
        'malformed',
        `part of ${part.length} bytes at ${position} of a chunk of ${total}: at most ${this.#maxBytes} were asked for`,
      );
    }
    if (position === 0 && (this.#frame === undefined || this.#mayBeStale)) {
      this.#frame = new Uint8Array(total);
      this.#filled = 0;
    }
    if (this.#frame === undefined && this.#mayBeStale) return undefined;
    if (position !== this.#filled || total !== this.#frame?.length) {
      throw new ShoalError(
        'malformed',
        `part at ${position} of a chunk of ${total}: expected the one at ${this.#filled}`,
      );
    }
    this.#frame.set(part, position);
    this.#filled += part.length;
    return this.#filled === total ? this.#frame : undefined;
  }
}
