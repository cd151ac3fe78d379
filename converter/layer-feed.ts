// Carries the compressed bytes of layers to the layer thread in a fixed set of buffers, which go back and forth: no
// buffer, no next piece, so a slow conversion slows the download instead of filling memory.

import { INPUT_BUFFER_BYTES, INPUT_BUFFER_COUNT } from './config.ts';
import { Credits } from './credits.ts';
import type { ToLayerThread } from './messages.ts';
import type { UnpackLimit } from './unpack-limit.ts';

export class LayerFeed {
  readonly #post: (message: ToLayerThread, transfer?: ArrayBuffer[]) => void;
  readonly #buffers = new Credits<ArrayBuffer>(
    Array.from({ length: INPUT_BUFFER_COUNT }, () => new ArrayBuffer(INPUT_BUFFER_BYTES)),
  );

  constructor(post: (message: ToLayerThread, transfer?: ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /** A buffer came back. */
  give(buffer: ArrayBuffer): void {
    this.#buffers.give(buffer);
  }

  /** Whoever waits for a buffer gets this error instead. */
  close(error: unknown): void {
    this.#buffers.close(error);
  }

  /** Sends one layer, which may unpack to `limit`. `onBytes` hears of every piece. Rejects with what the source throws or `close` was given. */
  async send(pieces: AsyncIterable<Uint8Array>, limit: UnpackLimit, onBytes: (count: number) => void): Promise<void> {
    this.#post({ kind: 'begin', limit });
    let buffer: ArrayBuffer | undefined;
    let length = 0;
    const flush = () => {
      if (buffer) this.#post({ kind: 'piece', buffer, length }, [buffer]);
      buffer = undefined;
      length = 0;
    };
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; ) {
        buffer ??= await this.#buffers.take();
        const part = piece.subarray(at, at + INPUT_BUFFER_BYTES - length);
        new Uint8Array(buffer).set(part, length);
        at += part.length;
        length += part.length;
        if (length === INPUT_BUFFER_BYTES) flush();
      }
      onBytes(piece.length);
      free(piece);
    }
    flush();
    this.#post({ kind: 'end' });
  }
}

/** Gives a piece's memory back at once: left to the garbage collector, hundreds of megabytes of them keep it running. */
function free(piece: Uint8Array): void {
  const { buffer } = piece;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === piece.byteLength) buffer.transfer(0);
}
