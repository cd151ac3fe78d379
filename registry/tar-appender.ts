// Writes a tar, member by member, at the end of a file. A member that fails is cut off again, so the file is always the
// beginning of a legal archive. Headers are made by tar-stream; the same members give the same bytes.

import type { FileHandle } from 'node:fs/promises';
import type { Pack } from 'tar-stream';
import { pack } from 'tar-stream';
import { ShoalError } from '../core/index.ts';
import type { TarPlace } from './tar-index.ts';

const BLOCK_BYTES = 512;
/** Two blocks of zeros. */
const END_BYTES = 2 * BLOCK_BYTES;
const FIXED = { mtime: new Date(0), uid: 0, gid: 0 };

/** One call at a time. */
export class TarAppender {
  readonly #file: FileHandle;
  #end = 0;

  /** `file` is empty, and stays the caller's to close. */
  constructor(file: FileHandle) {
    this.#file = file;
  }

  async addDirectory(name: string): Promise<void> {
    await this.#append([await headerOf({ ...FIXED, name, type: 'directory', mode: 0o755 })]);
  }

  /**
   * Appends a file of exactly `size` bytes; resolves to where its content lies. Rejects with what the content throws;
   * then nothing of it is there.
   */
  async add(name: string, size: number, content: AsyncIterable<Uint8Array>): Promise<TarPlace> {
    const header = await headerOf({ ...FIXED, name, size, mode: 0o644 });
    const offset = this.#end + header.length;
    await this.#append(member(header, size, content));
    return { offset, size };
  }

  async end(): Promise<void> {
    await this.#append([Buffer.alloc(END_BYTES)]);
  }

  async #append(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    let at = this.#end;
    try {
      for await (const piece of pieces) {
        await writeFully(this.#file, piece, at);
        at += piece.length;
      }
      this.#end = at;
    } catch (error) {
      await this.#file.truncate(this.#end);
      throw error;
    }
  }
}

async function* member(
  header: Uint8Array,
  size: number,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield header;
  let length = 0;
  for await (const piece of content) {
    length += piece.length;
    yield piece;
  }
  if (length !== size) throw new ShoalError('internal', `a tar member of ${size} bytes got ${length}`);
  const padding = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
  if (padding > 0) yield Buffer.alloc(padding);
}

/** What tar-stream writes before it asks for content. */
async function headerOf(header: Parameters<Pack['entry']>[0]): Promise<Uint8Array> {
  const tar = pack();
  tar.entry(header).on('error', () => {}); // it is left without its content
  for await (const bytes of tar) {
    if (bytes instanceof Uint8Array && bytes.length % BLOCK_BYTES === 0) return Uint8Array.from(bytes);
    break;
  }
  throw new ShoalError('internal', `no tar header for ${header.name}`);
}

/** A write may be short (a nearly full disk). */
async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
