// A tar file with images in it: indexed once, then read at random. When another file has taken its place (archives are
// replaced by rename), the next reader indexes that one.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { TransferOptions } from '../core/index.ts';
import { fromSystemError, isShoalError, ShoalError } from '../core/index.ts';
import { readAll } from './body.ts';
import type { StoredBlob } from './layout-store.ts';
import { contentOf } from './layout-store.ts';
import type { TarIndex, TarPlace } from './tar-index.ts';
import { indexTar } from './tar-index.ts';

/** An archive that is open. Close the handle. */
export interface OpenArchive {
  readonly file: FileHandle;
  readonly index: TarIndex;
  /** Changes whenever the file does. */
  readonly identity: string;
}

export class ArchiveFile {
  readonly path: string;
  readonly #what: string;
  #known: { readonly identity: string; readonly index: Promise<TarIndex> } | undefined;

  /** `what` names the image in messages. */
  constructor(path: string, what: string) {
    this.path = path;
    this.#what = what;
  }

  /** Throws `not-found` when there is no such file, and what indexing throws. */
  async open(options: TransferOptions): Promise<OpenArchive> {
    const file = await this.#openFile();
    try {
      const stats = await file.stat({ bigint: true });
      if (!stats.isFile()) throw new ShoalError('malformed', `${this.#what}: ${this.path} is no regular file`);
      const identity = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
      return { file, identity, index: await this.#indexOf(file, identity, options) };
    } catch (error) {
      await file.close();
      throw fromSystemError(error, `${this.#what}: reading ${this.path}`);
    }
  }

  /** Reads a member whole. Throws `limit` for one that is larger than `maxBytes`; undefined when there is none. */
  async document(path: string, maxBytes: number, options: TransferOptions): Promise<Uint8Array | undefined> {
    const archive = await this.open(options);
    const place = archive.index.find(path);
    if (!place) {
      await archive.file.close();
      return undefined;
    }
    const blob = blobAt(archive.file, place);
    try {
      const what = `${this.#what}: ${path}`;
      if (place.size > maxBytes) throw new ShoalError('limit', `${what} has ${place.size} bytes, at most ${maxBytes}`);
      const whole = { offset: 0, length: place.size };
      return await readAll(contentOf(blob, whole, { ...options, what }), maxBytes, what);
    } finally {
      await blob.close();
    }
  }

  /** Readers at once share one indexing; when the one that started it gives up, another goes on. */
  async #indexOf(file: FileHandle, identity: string, { signal }: TransferOptions): Promise<TarIndex> {
    for (;;) {
      if (this.#known?.identity !== identity) {
        this.#known = { identity, index: indexTar(file, { what: this.#what, signal }) };
      }
      const known = this.#known;
      try {
        return await known.index;
      } catch (error) {
        // A failed indexing is not kept.
        if (this.#known === known) this.#known = undefined;
        if (signal.aborted || !isShoalError(error, 'aborted')) throw error;
      }
    }
  }

  async #openFile(): Promise<FileHandle> {
    try {
      // Without O_NONBLOCK, opening a fifo would wait for ever.
      return await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw fromSystemError(error, this.#what);
    }
  }
}

/** A member as a blob; closing it closes `file`. */
export function blobAt(file: FileHandle, place: TarPlace): StoredBlob {
  return {
    read: async (piece, at) => {
      const length = Math.max(0, Math.min(piece.length, place.size - at));
      return length === 0 ? 0 : (await file.read(piece, 0, length, place.offset + at)).bytesRead;
    },
    close: () => file.close(),
  };
}
