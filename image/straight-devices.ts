// A bootstrap in which the kernel reads large files from devices of their own: the same blobs by another name, which the daemon
// exports a second time to be read without keeping pages in between (docs/decisions/0005). Only the copy that the kernel
// mounts is so; whoever else reads the image has it as it came.
// In a chunk's journey it decides by which of two ways the kernel will ask for it.

import { isShoalError } from '../core/index.ts';
import type { BootstrapReader } from './bootstrap-reader.ts';
import { ClaimedBytes } from './claimed-bytes.ts';
import * as layout from './layout.ts';
import { claimDirectory } from './walk.ts';

/** Files of at least this size, bytes: as much as the kernel reads ahead of a device, so that no other file comes along with them. */
export const STRAIGHT_FILE_BYTES = 512 << 10;
/** The kernel takes as many bits of a chunk index for the device as there are devices; beyond these they are the chunk's number. */
const MAX_DEVICES = 255;
/** The superblock has 16 bits for where the device table is, in slots. */
const MAX_TABLE_OFFSET = 0xffff * layout.DEVICE_SLOT_BYTES;
/** A chunk index of a hole. */
const NO_BLOCK = 0xffff_ffff;

/** From the start of the superblock, of a device slot, and of a chunk index: bytes. */
const Super = { DEVICE_COUNT: 86, DEVICE_TABLE: 88 } as const;
const Slot = { BLOCKS: 64, PLACE: 68 } as const;
const Index = { DEVICE: 2, BLOCK: 4 } as const;

/** How many inodes or indexes are looked at without a breath: a millisecond or two. */
const LOOKS_AT_ONCE = 4096;

export interface StraightBootstrap {
  /** The caller's. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whose second devices follow the first ones of all, in this order. */
  readonly blobs: readonly number[];
}

/** Where the chunk indexes of a file are that the kernel reads. */
interface IndexRange {
  readonly offset: number;
  readonly end: number;
}

/**
 * `isWanted`: of which blobs. `breathe` is awaited every now and then on the walk over all inodes and indexes. Undefined when no large file
 * is in one of these blobs, the format has no room for more devices, or the tree is damaged.
 */
export async function straightBootstrap(
  reader: BootstrapReader,
  isWanted: (blobIndex: number) => boolean,
  breathe: () => Promise<void>,
): Promise<StraightBootstrap | undefined> {
  const { blobs: all, superblock } = reader;
  if (superblock.blobTable.offset > MAX_TABLE_OFFSET || !all.some((_, index) => isWanted(index))) return undefined;
  const look = lookerWith(breathe);
  const ranges = await largeFiles(reader, look).catch(error => {
    if (isShoalError(error)) return []; // damage fails who meets it, not the mount
    throw error;
  });
  const source = new DataView(reader.bytes.buffer, reader.bytes.byteOffset, reader.bytes.byteLength);
  const used = new Set<number>();
  await forEachIndex(source, ranges, look, (_at, blobIndex) => used.add(blobIndex));
  const blobs = [...all.keys()].filter(blobIndex => used.has(blobIndex) && isWanted(blobIndex));
  if (blobs.length === 0 || reader.blobCount + blobs.length > MAX_DEVICES) return undefined;
  const bytes = Uint8Array.from(reader.bytes);
  writeDevices(bytes, reader, blobs);
  const devices = new Map(blobs.map((blobIndex, place) => [blobIndex, reader.blobCount + place + 1]));
  await forEachIndex(source, ranges, look, (at, blobIndex) => {
    const device = devices.get(blobIndex);
    if (device !== undefined) bytes[at + Index.DEVICE] = device;
  });
  return { bytes, blobs };
}

/** The new table goes where the blob table was, of which the kernel knows nothing, and whose entries are twice as large. */
function writeDevices(bytes: Uint8Array, { blobCount, superblock }: BootstrapReader, blobs: readonly number[]): void {
  const view = new DataView(bytes.buffer);
  const table = superblock.blobTable.offset;
  const first = layout.DEVICE_TABLE_OFFSET;
  const slots = bytes.slice(first, first + blobCount * layout.DEVICE_SLOT_BYTES);
  bytes.set(slots, table);
  for (const [place, blobIndex] of blobs.entries()) {
    const at = table + (blobCount + place) * layout.DEVICE_SLOT_BYTES;
    const slot = blobIndex * layout.DEVICE_SLOT_BYTES;
    bytes.set(slots.subarray(slot, slot + layout.DEVICE_SLOT_BYTES), at);
    view.setUint32(at + Slot.BLOCKS, 0, true); // statfs adds them up
    view.setUint32(at + Slot.PLACE, 0, true); // two devices can't have the same place
  }
  view.setUint16(layout.SUPERBLOCK_OFFSET + Super.DEVICE_COUNT, blobCount + blobs.length, true);
  view.setUint16(layout.SUPERBLOCK_OFFSET + Super.DEVICE_TABLE, table / layout.DEVICE_SLOT_BYTES, true);
}

/** To be asked at each look whether it is time for a breath, which is then to be awaited. */
type Look = () => Promise<void> | undefined;

function lookerWith(breathe: () => Promise<void>): Look {
  let looks = 0;
  return () => (++looks % LOOKS_AT_ONCE === 0 ? breathe() : undefined);
}

/** `blobIndex` is what the image says, which need not exist. */
async function forEachIndex(
  view: DataView,
  ranges: readonly IndexRange[],
  look: Look,
  visit: (at: number, blobIndex: number) => void,
): Promise<void> {
  for (const { offset, end } of ranges) {
    for (let at = offset; at < end; at += layout.CHUNK_INDEX_BYTES) {
      const breath = look();
      if (breath !== undefined) await breath;
      if (view.getUint32(at + Index.BLOCK, true) !== NO_BLOCK) visit(at, view.getUint8(at + Index.DEVICE) - 1);
    }
  }
}

/**
 * Each directory is listed once, and each file's indexes are taken once, however often they are reachable or share their bytes: so
 * the walk ends, and what it finds is no longer than the image, whatever that is.
 */
async function largeFiles(reader: BootstrapReader, look: Look): Promise<IndexRange[]> {
  const claimed = new ClaimedBytes(reader.bytes.length);
  const directories = [reader.rootNid];
  const ranges: IndexRange[] = [];
  for (let nid = directories.pop(); nid !== undefined; nid = directories.pop()) {
    if (!claimDirectory(reader, claimed, nid)) continue;
    const children: number[] = [];
    reader.readdir(nid, 0, child => children.push(child) > 0);
    for (const child of children) {
      const breath = look();
      if (breath !== undefined) await breath;
      const { type, size, dataLayout, indexOffset, announcedChunkSize } = reader.inode(child);
      if (type === layout.MODE_DIRECTORY) directories.push(child);
      const isLarge = type === layout.MODE_FILE && dataLayout === layout.LAYOUT_CHUNKED && size >= STRAIGHT_FILE_BYTES;
      // The kernel reads one index for as many bytes as the inode announces, which may be several chunks.
      const length = Math.ceil(size / announcedChunkSize) * layout.CHUNK_INDEX_BYTES;
      if (isLarge && claimed.claim(indexOffset, length))
        ranges.push({ offset: indexOffset, end: indexOffset + length });
    }
  }
  return ranges;
}
