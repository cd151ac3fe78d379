// An image as one file: the bootstrap, and behind it the devices where their slots say. The kernel's EROFS reads it from one
// block device, and must, where it reads from block devices at all: of several, it may take blocks that have subsequent
// numbers on two of them for neighbours, and give one's bytes for the other's (Linux 6.18; every kernel, as far as seen).

import type { BootstrapReader, InodeAttributes } from './bootstrap-reader.ts';
import { DeviceReader, deviceNid } from './device-reader.ts';
import type { EmitExtent } from './extents.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';

const ROOT_NID = 0;
const FILE_NID = 1;
const PAGE_BYTES = 4096;

/** One for each thread, as `DeviceReader`. */
export class FlatReader {
  /** The file's. */
  static readonly FILE_NAME = 'image';
  readonly rootNid = ROOT_NID;
  readonly hasXattrs = false;
  /** Bytes of the file. */
  readonly size: number;
  readonly #reader: BootstrapReader;
  readonly #devices: DeviceReader;

  /** Throws as `DeviceReader`, and `unsupported` when the devices have no places one behind the other. */
  constructor(reader: BootstrapReader) {
    const problem = FlatReader.problem(reader);
    if (problem !== undefined) throw unsupported(problem);
    this.#reader = reader;
    this.#devices = new DeviceReader(reader);
    const { mappedOffset, deviceSize } = reader.blobs.at(-1) ?? { mappedOffset: reader.bytes.length, deviceSize: 0 };
    this.size = mappedOffset + deviceSize;
  }

  /** Why there cannot be such a file of the image. */
  static problem(reader: BootstrapReader): string | undefined {
    let end = reader.bytes.length;
    for (const { id, mappedOffset, deviceSize } of reader.blobs) {
      if (mappedOffset < end || mappedOffset % PAGE_BYTES !== 0) {
        return `blob ${id}: its device has no place behind the bootstrap and the devices before it`;
      }
      end = mappedOffset + deviceSize;
    }
    return undefined;
  }

  /** As `DeviceReader`: where a device ends a block ends. */
  maxExtents(bytes: number): number {
    return this.#devices.maxExtents(bytes);
  }

  stat(nid: number, out: InodeAttributes): void {
    this.#devices.stat(ROOT_NID, out);
    if (nid === ROOT_NID) return;
    this.#check(nid);
    out.nid = FILE_NID;
    out.mode = layout.MODE_FILE | 0o400;
    out.nlink = 1;
    out.size = this.size;
  }

  lookup(dirNid: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
    if (dirNid !== ROOT_NID) throw malformed(`file ${dirNid}: not a directory`);
    return Buffer.from(FlatReader.FILE_NAME).compare(bytes, start, end) === 0 ? FILE_NID : -1;
  }

  /**
   * As `DeviceReader.extents`. What is outside of the devices is said to be chunk 0 of one more blob behind the last: a file
   * as this one, in which the bootstrap is.
   */
  extents(nid: number, offset: number, length: number, emit: EmitExtent): void {
    this.#check(nid);
    const { blobs } = this.#reader;
    const end = Math.min(this.size, offset + length);
    let at = offset;
    for (let index = this.#firstBehind(offset); at < end; index++) {
      const { mappedOffset = this.size, deviceSize = 0 } = blobs[index] ?? {};
      const deviceStart = Math.min(mappedOffset, end);
      if (at < deviceStart) emit(blobs.length, 0, at, deviceStart - at);
      at = Math.max(at, deviceStart);
      const deviceEnd = Math.min(mappedOffset + deviceSize, end);
      if (at >= deviceEnd) break;
      this.#devices.extents(deviceNid(index), at - mappedOffset, deviceEnd - at, emit);
      at = deviceEnd;
    }
  }

  /** The first device that ends behind this byte; their number when none does. */
  #firstBehind(offset: number): number {
    const found = this.#reader.blobs.findIndex(({ mappedOffset, deviceSize }) => mappedOffset + deviceSize > offset);
    return found < 0 ? this.#reader.blobs.length : found;
  }

  #check(nid: number): void {
    if (nid !== FILE_NID) throw malformed(`file ${nid}: there is one`);
  }
}
