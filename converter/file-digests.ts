// Digests of file contents, cut as an image's chunks are, without keeping the contents: what a comparison holds of an
// original. Synchronous; memory is one chunk and 32 bytes for each chunk of each file.

import { type Digester, ShoalError } from '../core/index.ts';
import { digestOf } from '../image/index.ts';

const DIGEST_BYTES = 32;
const FIRST_CAPACITY = 1024;

export interface FileDigestsOptions {
  /** Bytes. */
  readonly chunkSize: number;
  readonly digester: Digester;
  /** More chunks of all files than this are refused, equal ones too: each takes memory. */
  readonly maxChunks: number;
}

/** Use: for each file `data` and `zeros` in order, then `endFile`; later `at` for the numbers it gave. */
export class FileDigests {
  readonly #options: FileDigestsOptions;
  readonly #chunk: Uint8Array;
  #filled = 0;
  #file: number[] = [];
  #references = 0;
  #table = new Uint8Array(FIRST_CAPACITY * DIGEST_BYTES);
  #count = 0;
  /** Number of the chunk of nothing but zeros: long holes take neither time nor memory. */
  #zeroChunk: number | undefined;

  constructor(options: FileDigestsOptions) {
    this.#options = options;
    this.#chunk = new Uint8Array(options.chunkSize);
  }

  data(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#chunk.length - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#chunk.length) this.#endChunk();
    }
  }

  zeros(count: number): void {
    const { length } = this.#chunk;
    for (let left = count; left > 0; ) {
      if (this.#filled === 0 && left >= length) {
        this.#zeroChunk ??= this.#add(digestOf(this.#options.digester, new Uint8Array(length)));
        this.#refer(this.#zeroChunk);
        left -= length;
        continue;
      }
      const part = Math.min(left, length - this.#filled);
      this.#chunk.fill(0, this.#filled, this.#filled + part);
      this.#filled += part;
      left -= part;
      if (this.#filled === length) this.#endChunk();
    }
  }

  /** The numbers of the file's chunks, in order. */
  endFile(): Uint32Array {
    if (this.#filled > 0) this.#endChunk();
    const numbers = Uint32Array.from(this.#file);
    this.#file = [];
    return numbers;
  }

  /** A view, valid until the next file. */
  at(number: number): Uint8Array {
    return this.#table.subarray(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES);
  }

  #endChunk(): void {
    this.#refer(this.#add(digestOf(this.#options.digester, this.#chunk.subarray(0, this.#filled))));
    this.#filled = 0;
  }

  #refer(number: number): void {
    if (++this.#references > this.#options.maxChunks) throw this.#tooMany();
    this.#file.push(number);
  }

  #add(digest: Uint8Array): number {
    if (this.#count * DIGEST_BYTES === this.#table.length) {
      const larger = new Uint8Array(2 * this.#table.length);
      larger.set(this.#table);
      this.#table = larger;
    }
    this.#table.set(digest, this.#count * DIGEST_BYTES);
    return this.#count++;
  }

  #tooMany(): ShoalError {
    return new ShoalError('limit', `the image's files have more than ${this.#options.maxChunks} chunks`);
  }
}
