// Pushes finished blobs while later layers are still being converted. A blob's file goes as soon as the sink has it, so
// a conversion needs disk space for what is not pushed yet, not for the whole image.

import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import pLimit from 'p-limit';
import { abortedError, type Descriptor, fromSystemError, type ImageSink } from '../core/index.ts';
import { UPLOADS_AT_ONCE } from './config.ts';

/** Bytes of a file that are read at once. */
const READ_BYTES = 256 << 10;

export class Uploads {
  readonly #sink: ImageSink;
  readonly #signal: AbortSignal;
  readonly #onFailure: (error: unknown) => void;
  readonly #limit = pLimit(UPLOADS_AT_ONCE);
  readonly #running: Promise<void>[] = [];

  /** `onFailure` hears of the first failure at once; `finished` rejects with it later. */
  constructor(sink: ImageSink, signal: AbortSignal, onFailure: (error: unknown) => void) {
    this.#sink = sink;
    this.#signal = signal;
    this.#onFailure = onFailure;
  }

  /** Queues the file's upload; the file is removed when it is done. */
  add(descriptor: Descriptor, path: string): void {
    const upload = this.#limit(() => this.#push(descriptor, path));
    upload.catch(error => this.#onFailure(error));
    this.#running.push(upload);
  }

  /** Resolves when everything is in the sink. */
  async finished(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Resolves when nothing runs any more, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #push(descriptor: Descriptor, path: string): Promise<void> {
    if (this.#signal.aborted) throw abortedError(this.#signal);
    await this.#sink.putBlob(descriptor, () => fileContent(path), { signal: this.#signal, file: path });
    await rm(path, { force: true });
  }
}

async function* fileContent(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: READ_BYTES });
  } catch (error) {
    throw fromSystemError(error, `read ${path}`);
  }
}
