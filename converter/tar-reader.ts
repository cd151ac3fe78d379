// Reads a tar archive as it streams by. First step of a chunk's journey after decompression: bytes in, entries and
// file contents out, no threads and no I/O. Pull-style, so that whoever consumes it decides when to wait: `read`
// returns one event at a time and asks for input when it has none.
//
// Why not a library: docs/decisions/0001-tar-reader.md.

import { ShoalError } from '../core/index.ts';
import { ByteCursor } from './byte-cursor.ts';
import { parsePax } from './pax.ts';
import {
  checkSparseMap,
  OLD_SPARSE_EXTENSION,
  OLD_SPARSE_HEADER,
  OldSparseMap,
  type PaxSparse,
  type SparseMap,
  SparseMapParser,
} from './sparse.ts';
import { checkedSize, type Extensions, limitError, type TarEntry, type TarLimits, tarEntryOf } from './tar-entry.ts';
import { isZeroBlock, parseTarHeader, sparseNumber, TAR_BLOCK_BYTES, type TarHeader, TYPE } from './tar-header.ts';

/**
 * An `entry` of a file is followed by `data` and `zeros` events that add up to its size. `data` is a view on the piece
 * that was fed, valid until the next `feed`.
 */
export type TarEvent =
  | { readonly kind: 'input' }
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'zeros'; readonly count: number }
  | { readonly kind: 'end' };

/**
 * When `read` returns `input`, feed a piece, or call `finish` when there is none. After `end` the archive is over,
 * whatever may follow in the stream. Throws `malformed` with the offset in the archive for anything that is no tar,
 * also when it ends in the middle of an entry; `limit` for what exceeds the limits; `unsupported` for entry types that
 * no container runtime unpacks. After a throw the reader is of no more use.
 */
export class TarReader {
  readonly #limits: TarLimits;
  readonly #cursor = new ByteCursor();
  #state: 'header' | 'extension' | 'old-sparse' | 'sparse-map' | 'content' | 'skip' | 'end' = 'header';
  #finished = false;
  #sawZeroBlock = false;
  #ignoredGlobalHeaders = 0;

  /** The extended header that is being read, and what those before it said about the next entry. */
  #extension = { type: 0, size: 0 };
  #extensions: Extensions = {};

  /** The entry that is being read and the offset of its header. */
  #entry: TarEntry | undefined;
  #entryAt = 0;
  #oldSparse = new OldSparseMap();
  #mapParser = new SparseMapParser();
  #map: SparseMap | undefined;
  #mapAt = 0;
  /** Position in the file's content. */
  #position = 0;
  /** Bytes to skip, and then padding up to a whole block. */
  #skip = 0;
  #padding = 0;
  /** Bytes that the archive stores for a sparse file, without its map. */
  #stored = 0;

  constructor(limits: TarLimits) {
    this.#limits = limits;
  }

  /** How many global pax headers said more than a comment. Container runtimes ignore them, so they are ignored here. */
  get ignoredGlobalHeaders(): number {
    return this.#ignoredGlobalHeaders;
  }

  feed(piece: Uint8Array): void {
    this.#cursor.feed(piece);
  }

  finish(): void {
    this.#finished = true;
  }

  read(): TarEvent {
    for (;;) {
      const event = this.#step();
      if (!event) continue;
      if (event.kind !== 'input' || !this.#finished) return event;
      this.#endOfInput();
    }
  }

  /** One step of the machine; undefined when there is nothing to tell yet. */
  #step(): TarEvent | undefined {
    switch (this.#state) {
      case 'header':
        return this.#readHeader();
      case 'extension':
        return this.#readExtension();
      case 'old-sparse':
        return this.#readOldSparse();
      case 'sparse-map':
        return this.#readSparseMap();
      case 'content':
        return this.#map ? this.#readSparseContent(this.#map) : this.#readData(this.#entry?.size ?? 0);
      case 'skip':
        return this.#skipRest();
      case 'end':
        return END;
    }
  }

  /** Archives may lack the two zero blocks at the end, and the padding of the last file, but nothing else. */
  #endOfInput(): void {
    const isBetweenEntries = this.#state === 'header' && this.#cursor.pending === 0;
    const lacksOnlyPadding = this.#state === 'skip' && this.#skip === 0;
    if (!(isBetweenEntries || lacksOnlyPadding) || hasAny(this.#extensions)) {
      throw new ShoalError(
        'malformed',
        `tar archive is cut off at byte ${this.#cursor.offset}, in the ${this.#state} of the entry at byte ${this.#entryAt}`,
      );
    }
    this.#state = 'end';
  }

  #readHeader(): TarEvent | undefined {
    const block = this.#cursor.take(TAR_BLOCK_BYTES);
    if (!block) return NEEDS_INPUT;
    const at = this.#cursor.offset - TAR_BLOCK_BYTES;
    this.#entryAt = at;
    if (isZeroBlock(block)) {
      if (this.#sawZeroBlock) this.#state = 'end';
      this.#sawZeroBlock = true;
      return undefined;
    }
    if (this.#sawZeroBlock) throw new ShoalError('malformed', `tar header at byte ${at}: follows a block of zeros`);
    const header = parseTarHeader(block, at);
    if (EXTENSION_TYPES.has(header.type)) this.#startExtension(header);
    else return this.#startEntry(header, block);
    return undefined;
  }

  #startExtension({ type, size }: TarHeader): void {
    const isName = type === TYPE.longName || type === TYPE.longLink;
    // A name is followed by a NUL, and some writers round up to a block.
    const limit = isName ? this.#limits.pathBytes + TAR_BLOCK_BYTES : this.#limits.extendedHeaderBytes;
    if (size > limit) throw limitError(this.#entryAt, `an extended header of ${size} bytes`, limit);
    this.#extension = { type, size };
    this.#state = 'extension';
  }

  #readExtension(): TarEvent | undefined {
    const { type, size } = this.#extension;
    const body = this.#cursor.take(size);
    if (!body) return NEEDS_INPUT;
    const at = this.#cursor.offset - size;
    if (type === TYPE.longName) this.#extensions.longName = untilNul(body);
    else if (type === TYPE.longLink) this.#extensions.longLink = untilNul(body);
    else if (type !== TYPE.paxGlobal) this.#extensions.pax = parsePax(body, at);
    else if (parsePax(body, at).isMeaningful) this.#ignoredGlobalHeaders++;
    this.#startSkip(0, size);
    return undefined;
  }

  #startEntry(header: TarHeader, block: Buffer): TarEvent | undefined {
    const extensions = this.#extensions;
    const { sparse } = extensions.pax ?? {};
    this.#extensions = {};
    const stored = extensions.pax?.size ?? header.size;
    const entry = tarEntryOf(header, extensions, this.#limits, this.#entryAt);
    this.#entry = entry;
    this.#map = undefined;
    if (entry?.kind !== 'file') return this.#startWithoutContent(header.type, stored);
    this.#stored = stored;
    if (header.type === TYPE.gnuSparse) return this.#startOldSparse(entry, block);
    return sparse ? this.#startPaxSparse(entry, sparse) : this.#startContent(entry);
  }

  #startPaxSparse(entry: TarEntry, sparse: PaxSparse): TarEvent | undefined {
    if (sparse.realSize === undefined) {
      throw new ShoalError('malformed', `tar entry at byte ${this.#entryAt}: a sparse file without its real size`);
    }
    // Before 1.0 the map stands in the extended header; it is absent when the file is nothing but a hole.
    if (sparse.major === undefined || sparse.major === 0) {
      return this.#startSparseContent(entry, sparse.map ?? new Float64Array(0));
    }
    if (sparse.major !== 1) {
      throw new ShoalError('unsupported', `tar entry at byte ${this.#entryAt}: sparse format ${sparse.major}`);
    }
    this.#mapParser = new SparseMapParser();
    this.#state = 'sparse-map';
    return undefined;
  }

  /** Links, devices and the like may carry a size, but never data; other members have data that is of no interest. */
  #startWithoutContent(type: number, stored: number): TarEvent | undefined {
    const hasData = type === TYPE.dumpDirectory || type === TYPE.volumeLabel || type === TYPE.oldFile;
    this.#startSkip(hasData ? stored : 0, hasData ? stored : 0);
    return this.#entry && { kind: 'entry', entry: this.#entry };
  }

  #startContent(entry: TarEntry): TarEvent {
    this.#position = 0;
    this.#state = 'content';
    return { kind: 'entry', entry };
  }

  #startSparseContent(entry: TarEntry, map: SparseMap): TarEvent {
    checkSparseMap(map, this.#stored, entry.size, this.#entryAt);
    this.#map = map;
    this.#mapAt = 0;
    return this.#startContent(entry);
  }

  #startOldSparse(entry: TarEntry, block: Buffer): TarEvent | undefined {
    const realSize = sparseNumber(block, OLD_SPARSE_HEADER.realSize, this.#entryAt);
    this.#entry = { ...entry, size: checkedSize(realSize, this.#limits, this.#entryAt) };
    this.#oldSparse = new OldSparseMap();
    this.#state = 'old-sparse';
    const hasMore = this.#oldSparse.addBlock(block, OLD_SPARSE_HEADER, this.#entryAt);
    return hasMore ? undefined : this.#startSparseContent(this.#entry, this.#oldSparse.finish(this.#entryAt));
  }

  #readOldSparse(): TarEvent | undefined {
    const block = this.#cursor.take(TAR_BLOCK_BYTES);
    if (!block) return NEEDS_INPUT;
    const hasMore = this.#oldSparse.addBlock(block, OLD_SPARSE_EXTENSION, this.#entryAt);
    if (hasMore || !this.#entry) return undefined;
    return this.#startSparseContent(this.#entry, this.#oldSparse.finish(this.#entryAt));
  }

  #readSparseMap(): TarEvent | undefined {
    if (this.#stored < TAR_BLOCK_BYTES) {
      throw new ShoalError('malformed', `tar entry at byte ${this.#entryAt}: its sparse map is cut off`);
    }
    const block = this.#cursor.take(TAR_BLOCK_BYTES);
    if (!block) return NEEDS_INPUT;
    this.#stored -= TAR_BLOCK_BYTES;
    const map = this.#mapParser.addBlock(block, this.#entryAt);
    return map && this.#entry && this.#startSparseContent(this.#entry, map);
  }

  /** Data up to position `end`; there, the content is over. */
  #readData(end: number): TarEvent | undefined {
    if (this.#position === end) {
      this.#startSkip(0, this.#stored);
      return undefined;
    }
    const bytes = this.#cursor.takeUpTo(end - this.#position);
    if (!bytes) return NEEDS_INPUT;
    this.#position += bytes.length;
    return { kind: 'data', bytes };
  }

  #readSparseContent(map: SparseMap): TarEvent | undefined {
    const size = this.#entry?.size ?? 0;
    const start = map[this.#mapAt] ?? size;
    const end = start + (map[this.#mapAt + 1] ?? 0);
    if (this.#position < start) {
      const count = start - this.#position;
      this.#position = start;
      return { kind: 'zeros', count };
    }
    if (this.#mapAt < map.length && this.#position === end) {
      this.#mapAt += 2;
      return undefined;
    }
    return this.#readData(end);
  }

  /** Leaves what was being read: skips `data` bytes and the padding behind `stored` bytes, then reads a header. */
  #startSkip(data: number, stored: number): void {
    this.#skip = data;
    this.#padding = (TAR_BLOCK_BYTES - (stored % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
    this.#state = 'skip';
  }

  #skipRest(): TarEvent | undefined {
    while (this.#skip + this.#padding > 0) {
      const skipped = this.#cursor.takeUpTo(this.#skip + this.#padding)?.length;
      if (skipped === undefined) return NEEDS_INPUT;
      const fromData = Math.min(skipped, this.#skip);
      this.#skip -= fromData;
      this.#padding -= skipped - fromData;
    }
    this.#state = 'header';
    return undefined;
  }
}

const NEEDS_INPUT: TarEvent = { kind: 'input' };
const END: TarEvent = { kind: 'end' };

const EXTENSION_TYPES: ReadonlySet<number> = new Set([
  TYPE.longName,
  TYPE.longLink,
  TYPE.pax,
  TYPE.solarisPax,
  TYPE.paxGlobal,
]);

function hasAny(extensions: Extensions): boolean {
  return Object.keys(extensions).length > 0;
}

function untilNul(body: Buffer): string {
  const nul = body.indexOf(0);
  return body.toString('latin1', 0, nul === -1 ? body.length : nul);
}
