// Answers "these bytes of that file" from the cache files, or says that a chunk is missing. The same code runs in the
// threads that read requests (hits) and in the completer (reads that waited for a chunk).
// The rule that nothing may break: bytes are used only if every chunk's sequence counter was odd before the file was
// read and is the same after (design §6 rule 8), and a reply is whole or an error (rule 4).

import { closeSync, openSync, readSync } from 'node:fs';
import { ChunkMap, isPresent, ShoalError } from '../../core/index.ts';
import { type BootstrapReader, emptyAttributes, type InodeAttributes, NO_CHUNK } from '../../image/index.ts';

/** A blob as threads get it: shared memory and a path. */
export interface SharedBlob {
  readonly map: SharedArrayBuffer;
  readonly path: string;
}

export interface OpenBlob {
  readonly map: ChunkMap;
  readonly fd: number;
}

/** What knows where the bytes of files are: the reader of a tree, or of devices. */
export type ServedFiles = Pick<BootstrapReader, 'extents' | 'maxExtents' | 'stat'>;

/** Like fs.readSync; an argument so that tests can put an eviction into the middle of a read. */
export type PositionedRead = (fd: number, into: Uint8Array, at: number, length: number, position: number) => number;

export const MISS = -1;

/** The sequence of what is no chunk, as if it were always there. */
const ALWAYS_PRESENT = 1;

/** All or none: a thread that lives on must not keep what it opened before it failed. */
export function openBlobs(blobs: readonly SharedBlob[]): OpenBlob[] {
  const opened: OpenBlob[] = [];
  try {
    for (const { map, path } of blobs) opened.push({ map: new ChunkMap(map), fd: openSync(path, 'r') });
    return opened;
  } catch (error) {
    closeBlobs(opened);
    throw error;
  }
}

export function closeBlobs(blobs: readonly OpenBlob[]): void {
  for (const { fd } of blobs) closeSync(fd);
}

export class ReadServer {
  readonly #files: ServedFiles;
  readonly #blobs: readonly OpenBlob[];
  readonly #pread: PositionedRead;
  readonly #attributes: InodeAttributes = emptyAttributes();
  // The extents of the read being served, in columns: nothing is allocated per request.
  readonly #blobOf: Int32Array;
  readonly #chunkOf: Int32Array;
  readonly #sequenceOf: Int32Array;
  readonly #lengthOf: Int32Array;
  readonly #offsetOf: Float64Array;
  #count = 0;
  #total = 0;

  /** `maxRead`: the largest read that will be asked for, bytes. */
  constructor(
    files: ServedFiles,
    blobs: readonly OpenBlob[],
    options: { readonly maxRead: number; readonly pread?: PositionedRead },
  ) {
    const capacity = files.maxExtents(options.maxRead);
    this.#files = files;
    this.#blobs = blobs;
    this.#pread = options.pread ?? readSync;
    this.#blobOf = new Int32Array(capacity);
    this.#chunkOf = new Int32Array(capacity);
    this.#sequenceOf = new Int32Array(capacity);
    this.#lengthOf = new Int32Array(capacity);
    this.#offsetOf = new Float64Array(capacity);
  }

  /**
   * Reads [offset, offset + size) of a file, cut at its end, into `out` at `at`. Returns the number of bytes, or MISS
   * when a chunk is not there (or went meanwhile); `out` may then hold anything. Throws `malformed`, `system`.
   */
  read(nid: number, offset: number, size: number, out: Uint8Array, at: number): number {
    this.#count = 0;
    this.#total = 0;
    this.#files.extents(nid, offset, size, this.#addExtent);
    if (this.#total < size) this.#checkEnd(nid, offset, size);
    if (!this.#loadSequences()) return MISS;
    this.#readFiles(out, at);
    this.#clearGaps(out, at);
    return this.#sequencesHold() ? this.#total : MISS;
  }

  readonly #addExtent = (blobIndex: number, chunkIndex: number, deviceOffset: number, length: number): void => {
    const at = this.#count;
    if (blobIndex >= this.#blobs.length || at >= this.#blobOf.length) {
      throw new ShoalError('malformed', `file data: extent ${at} in blob ${blobIndex} of ${this.#blobs.length}`);
    }
    this.#blobOf[at] = blobIndex;
    this.#chunkOf[at] = chunkIndex;
    this.#offsetOf[at] = deviceOffset;
    this.#lengthOf[at] = length;
    this.#count = at + 1;
    this.#total += length;
  };

  /** Fewer bytes than asked for are right only at the end of the file. */
  #checkEnd(nid: number, offset: number, size: number): void {
    this.#files.stat(nid, this.#attributes);
    const expected = Math.max(0, Math.min(size, this.#attributes.size - offset));
    if (this.#total === expected) return;
    throw new ShoalError(
      'malformed',
      `inode ${nid}: ${this.#total} bytes of data at ${offset}; expected ${expected} of size ${this.#attributes.size}`,
    );
  }

  #sequence(at: number): number {
    const chunk = this.#chunkOf[at] ?? 0;
    if (chunk === NO_CHUNK) return ALWAYS_PRESENT;
    return this.#blobs[this.#blobOf[at] ?? 0]?.map.sequence(chunk) ?? 0;
  }

  #loadSequences(): boolean {
    for (let at = 0; at < this.#count; at++) {
      const sequence = this.#sequence(at);
      if (!isPresent(sequence)) return false;
      this.#sequenceOf[at] = sequence;
    }
    return true;
  }

  #sequencesHold(): boolean {
    for (let at = 0; at < this.#count; at++) if (this.#sequence(at) !== this.#sequenceOf[at]) return false;
    return true;
  }

  /** One pread for each run of extents that touch each other in the same file. */
  #readFiles(out: Uint8Array, start: number): void {
    for (let at = 0; at < this.#count; ) {
      const blob = this.#blobOf[at] ?? 0;
      const offset = this.#offsetOf[at] ?? 0;
      let length = 0;
      while (at < this.#count && this.#blobOf[at] === blob && this.#offsetOf[at] === offset + length) {
        length += this.#lengthOf[at] ?? 0;
        at++;
      }
      this.#readFile(blob, out, start, length, offset);
      start += length;
    }
  }

  /** Between chunks the file has holes. No digest covers them, so they are zeros whatever it says. */
  #clearGaps(out: Uint8Array, start: number): void {
    for (let at = 0; at < this.#count; at++) {
      const end = start + (this.#lengthOf[at] ?? 0);
      if (this.#chunkOf[at] === NO_CHUNK) out.fill(0, start, end);
      start = end;
    }
  }

  #readFile(blob: number, out: Uint8Array, start: number, length: number, offset: number): void {
    const fd = this.#blobs[blob]?.fd ?? -1;
    for (let done = 0; done < length; ) {
      const got = this.#pread(fd, out, start + done, length - done, offset + done);
      if (got === 0) throw new ShoalError('system', `cache file of blob ${blob} ends at ${offset + done}`);
      done += got;
    }
  }
}
