// The devices of an image as files: a flat directory, two files for each blob, named by its id and as large as its device
// slot says. These are what the kernel's EROFS reads where it has mounted the bootstrap itself; the second is for large files
// (straight-devices.ts). Answers in the words of `BootstrapReader`, so that one server can show either.
// In a chunk's journey this is the step from "device, offset, length" to "blob, chunk, place in the device".

import { ShoalError } from '../core/index.ts';
import type { BootstrapReader, InodeAttributes } from './bootstrap-reader.ts';
import type { ChunkTable } from './chunk-table.ts';
import { type EmitExtent, NO_CHUNK } from './extents.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';

const PAGE_BYTES = 4096;

const ROOT_NID = 0;
/** The first blob's. */
const FIRST_NID = 1;

const STRAIGHT_SUFFIX = '.straight';

/** The nid of a blob's device, by the blob's place in the table. The second devices' follow, in the same order. */
export function deviceNid(blobIndex: number): number {
  return blobIndex + FIRST_NID;
}

/** The name of a blob's second device. */
export function straightName(blobId: string): string {
  return `${blobId}${STRAIGHT_SUFFIX}`;
}

/** One for each thread: it shares the reader's bytes, nothing else. */
export class DeviceReader {
  readonly rootNid = ROOT_NID;
  readonly hasXattrs = false;
  readonly #reader: BootstrapReader;
  readonly #table: ChunkTable;
  readonly #names: readonly Buffer[];
  /** The numbers of the chunks that the table describes, in order, for a blob that has others too. */
  readonly #described: (Uint32Array | undefined)[] = [];

  /**
   * Throws as `BootstrapReader.chunkTable`, and `unsupported` when a device is not whole pages: the kernel reads whole ones,
   * and whoever shows the last one must not answer short.
   */
  constructor(reader: BootstrapReader) {
    const torn = reader.blobs.find(({ deviceSize }) => deviceSize % PAGE_BYTES !== 0);
    if (torn !== undefined) throw unsupported(`blob ${torn.id}: a device of ${torn.deviceSize} bytes, not whole pages`);
    this.#reader = reader;
    this.#table = reader.chunkTable();
    const ids = reader.blobs.map(({ id }) => id);
    this.#names = [...ids, ...ids.map(straightName)].map(name => Buffer.from(name, 'latin1'));
  }

  /** The most extents that a read of so many bytes can have: a chunk in each block, and a gap behind it. */
  maxExtents(bytes: number): number {
    return 2 * (Math.ceil(bytes / this.#reader.blockSize) + 1);
  }

  /** Fills `out`. Throws `malformed` when there is no such file. */
  stat(nid: number, out: InodeAttributes): void {
    const isRoot = nid === ROOT_NID;
    out.nid = nid;
    out.mode = isRoot ? layout.MODE_DIRECTORY | 0o500 : layout.MODE_FILE | 0o400;
    out.nlink = isRoot ? 2 : 1;
    out.uid = 0;
    out.gid = 0;
    out.rdev = 0;
    out.size = isRoot ? 0 : this.#sizeOf(nid);
    out.mtimeSeconds = 0;
    out.mtimeNanoseconds = 0;
  }

  /** Its pages are not to be kept. */
  isStraight(nid: number): boolean {
    return nid - FIRST_NID >= this.#reader.blobCount;
  }

  /** The nid of a name, the raw bytes [start, end) of `bytes`, or -1. */
  lookup(dirNid: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
    if (dirNid !== ROOT_NID) throw malformed(`device ${dirNid}: not a directory`);
    const index = this.#names.findIndex(name => name.compare(bytes, start, end) === 0);
    return index < 0 ? -1 : deviceNid(index);
  }

  /**
   * The pieces of [offset, offset + length) of a device, in order, without a gap between them; the range is cut at the
   * device's end. What no chunk covers is `NO_CHUNK`, and zeros. No allocation but at the first call for some blobs.
   */
  extents(nid: number, offset: number, length: number, emit: EmitExtent): void {
    const end = Math.min(this.#sizeOf(nid), offset + length);
    const blobIndex = this.#blobOf(nid);
    let at = offset;
    for (let place = this.#placeAt(blobIndex, offset); at < end; place++) {
      const index = this.#chunkAt(blobIndex, place);
      const start = index < 0 ? end : this.#table.deviceOffset(blobIndex, index);
      const gapEnd = Math.min(start, end);
      if (at < gapEnd) emit(blobIndex, NO_CHUNK, at, gapEnd - at);
      at = Math.max(at, gapEnd);
      if (index < 0 || at >= end) break;
      const chunkEnd = Math.min(start + this.#table.uncompressedSize(blobIndex, index), end);
      if (at >= chunkEnd) continue; // the range begins in the gap behind this chunk
      emit(blobIndex, index, at, chunkEnd - at);
      at = chunkEnd;
    }
  }

  #sizeOf(nid: number): number {
    const blob = this.#reader.blobs[this.#blobOf(nid)];
    if (blob === undefined) throw malformed(`device ${nid}: not one of ${2 * this.#reader.blobCount}`);
    return blob.deviceSize;
  }

  #blobOf(nid: number): number {
    const { blobCount } = this.#reader;
    const place = nid - FIRST_NID;
    return place >= blobCount ? place - blobCount : place;
  }

  /** Among the described chunks, the last that begins at or before this byte of the device; the first when none does. */
  #placeAt(blobIndex: number, offset: number): number {
    let low = 0;
    let high = this.#table.chunks[blobIndex]?.count ?? 0;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#table.deviceOffset(blobIndex, this.#chunkAt(blobIndex, middle)) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The number of a described chunk, by its place among them; -1 behind the last. */
  #chunkAt(blobIndex: number, place: number): number {
    const chunks = this.#table.chunks[blobIndex];
    if (chunks === undefined || place >= chunks.count) return -1;
    if (chunks.count === chunks.positions.length) return place;
    this.#described[blobIndex] ??= numbersOf(chunks.positions, chunks.count);
    return this.#described[blobIndex]?.[place] ?? -1;
  }
}

/** Numbers of the chunks that have a position. */
function numbersOf(positions: Uint32Array, count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  let at = 0;
  for (let index = 0; index < positions.length; index++) if (positions[index] !== 0) numbers[at++] = index;
  if (at !== count) throw new ShoalError('internal', `chunk table: ${at} chunks described; expected ${count}`);
  return numbers;
}
