// The blob table and the device slots beside it (docs/image-format.md §5; nydus.md §1.7-1.9): what the bootstrap says
// about each blob, read at mount time, written last.

import type { Compressor, Digester } from '../core/index.ts';
import { byteString, readU64, writeByteString, writeI64 } from './fields.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';
import type { Superblock } from './superblock.ts';
import type { FinishedBlob } from './tree.ts';

/** One blob of a bootstrap. Sizes and offsets are bytes. */
export interface BlobEntry {
  /** 64 hex digits, or `PLACEHOLDER_ID` in a bootstrap that lies inside its own blob. */
  readonly id: string;
  readonly chunkCount: number;
  readonly compressor: Compressor | 'gzip';
  readonly digester: Digester;
  readonly features: number;
  readonly encrypted: boolean;
  /** Size of the file that the chunks are read from. */
  readonly compressedSize: number;
  /** Size of the device: what the slot says, a multiple of the block size. */
  readonly deviceSize: number;
  /** Where the device begins when bootstrap and devices lie in one file; may be 0, or anywhere. */
  readonly mappedOffset: number;
  readonly compressionTable: {
    readonly offset: number;
    readonly storedSize: number;
    readonly uncompressedSize: number;
    readonly compressor: Compressor | 'gzip';
  };
  readonly tocSize: number;
}

/** What a writer puts where its own hash should be. */
export const PLACEHOLDER_ID = 'x'.repeat(layout.BLOB_ID_BYTES);

const BLOB_ID_PATTERN = /^[0-9a-f]{64}$/;
/** log2 of the limit is 24: chunk numbers have 24 bits in an index entry. */
const MAX_CHUNKS = 2 ** 24;

/** All entries, checked each for itself. Throws `malformed`, or `unsupported` for unknown features and algorithms. */
export function readBlobTable(bytes: Uint8Array, view: DataView, superblock: Superblock): readonly BlobEntry[] {
  const blobs: BlobEntry[] = [];
  const ids = new Set<string>();
  for (let index = 0; index < superblock.deviceCount; index++) {
    const entry = readEntry(bytes, view, superblock, index);
    if (ids.has(entry.id)) throw malformed(`blob table: two blobs have the id ${entry.id}`);
    ids.add(entry.id);
    blobs.push(entry);
  }
  return blobs;
}

function readEntry(bytes: Uint8Array, view: DataView, superblock: Superblock, index: number): BlobEntry {
  const at = superblock.blobTable.offset + index * layout.BLOB_ENTRY_BYTES;
  const slot = layout.DEVICE_TABLE_OFFSET + index * layout.DEVICE_SLOT_BYTES;
  const name = `blob table entry ${index}`;
  const u32 = (offset: number) => view.getUint32(at + offset, true);
  const u64 = (offset: number) => readU64(view, at + offset, name);
  const id = byteString(bytes, at, at + layout.BLOB_ID_BYTES);
  if (!BLOB_ID_PATTERN.test(id) && id !== PLACEHOLDER_ID) {
    throw malformed(`${name}: id ${JSON.stringify(id)} is not 64 hex digits`);
  }
  expectEqual(name, 'index', u32(64), index);
  expectEqual(name, 'chunk size', u32(68), superblock.chunkSize);
  const features = u32(84);
  if ((features & ~layout.BLOB_FEATURES_KNOWN) !== 0) {
    throw unsupported(`${name}: unknown features 0x${features.toString(16)}`);
  }
  if ((features & (layout.BLOB_ALIGNED | layout.BLOB_TARFS)) === 0) throw malformed(`${name}: chunks are not aligned`);
  const cipher = u32(216);
  if (cipher > 1) throw unsupported(`${name}: unknown cipher ${cipher}`);
  const entry = {
    id,
    chunkCount: atMost(name, 'chunk count', u32(72), MAX_CHUNKS),
    compressor: compressorOf(name, u32(76)),
    digester: digesterOf(name, u32(80)),
    features,
    encrypted: cipher !== layout.CIPHER_NONE || (features & layout.BLOB_ENCRYPTED) !== 0,
    compressedSize: atMost(name, 'compressed size', u64(88), layout.MAX_COMPRESSED_BLOB_BYTES),
    deviceSize: view.getUint32(slot + 64, true) * superblock.blockSize,
    mappedOffset: view.getUint32(slot + 68, true) * superblock.blockSize,
    compressionTable: {
      offset: u64(112),
      storedSize: u64(120),
      uncompressedSize: u64(128),
      compressor: compressorOf(name, u32(108)),
    },
    tocSize: u32(104),
  };
  checkDevice(name, entry, u64(96), superblock);
  return entry;
}

function checkDevice(name: string, entry: BlobEntry, uncompressedSize: number, superblock: Superblock): void {
  const { deviceSize, chunkCount } = entry;
  if (deviceSize === 0) throw malformed(`${name}: its device has no blocks`);
  atMost(name, 'uncompressed size', uncompressedSize, Math.min(deviceSize, layout.MAX_UNCOMPRESSED_BLOB_BYTES));
  // Each chunk starts a block of its own, so this also bounds what a reader allocates for them.
  atMost(name, 'chunk count', chunkCount, deviceSize / superblock.blockSize);
}

/** The algorithm with this number in any of the tables. Throws `unsupported`. */
export function compressorOf(name: string, algorithm: number): Compressor | 'gzip' {
  switch (algorithm) {
    case layout.COMPRESSION_NONE:
      return 'none';
    case layout.COMPRESSION_LZ4_BLOCK:
      return 'lz4_block';
    case layout.COMPRESSION_GZIP:
      return 'gzip';
    case layout.COMPRESSION_ZSTD:
      return 'zstd';
    default:
      throw unsupported(`${name}: unknown compression algorithm ${algorithm}`);
  }
}

function digesterOf(name: string, algorithm: number): Digester {
  if (algorithm === layout.DIGEST_BLAKE3) return 'blake3';
  if (algorithm === layout.DIGEST_SHA256) return 'sha256';
  throw unsupported(`${name}: unknown digest algorithm ${algorithm}`);
}

function expectEqual(name: string, field: string, found: number, expected: number): void {
  if (found !== expected) throw malformed(`${name}: ${field} is ${found}; expected ${expected}`);
}

function atMost(name: string, field: string, found: number, limit: number): number {
  if (found > limit) throw malformed(`${name}: ${field} is ${found}; expected at most ${limit}`);
  return found;
}

/** Writes the entry of a blob that Shoal made: zstd, blake3, with digests and table of contents in the blob. */
export function writeBlobEntry(
  bytes: Uint8Array,
  at: number,
  blob: FinishedBlob,
  index: number,
  chunkSize: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, layout.BLOB_ENTRY_BYTES);
  const table = blob.compressionTable;
  writeByteString(bytes, at, blob.id);
  view.setUint32(64, index, true);
  view.setUint32(68, chunkSize, true);
  view.setUint32(72, blob.chunks.length, true);
  view.setUint32(76, layout.COMPRESSION_ZSTD, true);
  view.setUint32(80, layout.DIGEST_BLAKE3, true);
  view.setUint32(84, layout.BLOB_FEATURES_WRITTEN, true);
  writeI64(view, 88, blob.blobSize);
  writeI64(view, 96, blob.deviceSize);
  view.setUint32(104, blob.tocSize, true);
  view.setUint32(108, table.compressor === 'zstd' ? layout.COMPRESSION_ZSTD : layout.COMPRESSION_NONE, true);
  writeI64(view, 112, table.offset);
  writeI64(view, 120, table.storedSize);
  writeI64(view, 128, table.uncompressedSize);
  bytes.set(blob.tocDigest, at + 136);
}

/** Writes a device slot: the id as tag, and where the device stands when all are laid end to end, in blocks. */
export function writeDeviceSlot(
  bytes: Uint8Array,
  at: number,
  device: { readonly id: string; readonly blocks: number; readonly mappedBlock: number },
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, layout.DEVICE_SLOT_BYTES);
  writeByteString(bytes, at, device.id);
  view.setUint32(64, device.blocks, true);
  view.setUint32(68, device.mappedBlock, true);
}
