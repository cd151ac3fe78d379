// Reads and checks the two superblocks of a bootstrap (docs/image-format.md §3, §4; nydus.md §1.4-1.6). Everything else in the
// bootstrap is reached through the numbers found here, so they are checked against the size of the file first.

import type { Compressor, Digester } from '../core/index.ts';
import { alignUp, readU64 } from './fields.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';

/** A table inside the bootstrap; bytes. Its range lies inside the file. */
export interface TableRange {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

export interface Superblock {
  /** log2 of the block size: 12 or 9. */
  readonly blockBits: number;
  readonly blockSize: number;
  readonly rootNid: number;
  readonly inodeCount: number;
  /** Byte that nids count from. */
  readonly metaOffset: number;
  readonly buildTime: number;
  readonly buildTimeNanoseconds: number;
  readonly deviceCount: number;
  /** Low 32 bits; the high ones are 0. */
  readonly flags: number;
  /** The image's defaults; each blob says for itself what it has. */
  readonly compressor: Compressor | 'gzip';
  readonly digester: Digester;
  readonly chunkSize: number;
  readonly blobTable: TableRange;
  readonly chunkTable: TableRange;
  readonly prefetchTable: TableRange;
}

/** Throws `unsupported` for what is another format or an unknown feature, `malformed` for what contradicts itself. */
export function parseSuperblock(view: DataView): Superblock {
  refuseOtherFormats(view);
  const base = parseErofs(view);
  const extended = parseExtended(view, base.deviceCount);
  return { ...base, ...extended };
}

function refuseOtherFormats(view: DataView): void {
  const size = view.byteLength;
  if (size >= 8 && view.getUint32(0, true) === layout.RAFS_V5_MAGIC) {
    throw unsupported('bootstrap is RAFS v5; only RAFS v6 can be read');
  }
  if (size < layout.TABLE_ALIGNMENT) throw malformed(`bootstrap has ${size} bytes; expected at least 4096`);
  const magic = view.getUint32(layout.SUPERBLOCK_OFFSET, true);
  if (magic !== layout.EROFS_MAGIC) {
    throw malformed(`bootstrap magic is 0x${magic.toString(16)}; expected 0x${layout.EROFS_MAGIC.toString(16)}`);
  }
  if ((view.getUint32(layout.SUPERBLOCK_OFFSET + 8, true) & layout.COMPAT_RAFS_V6) === 0) {
    throw unsupported('bootstrap is an EROFS image without the RAFS v6 mark');
  }
}

function parseErofs(view: DataView) {
  const at = layout.SUPERBLOCK_OFFSET;
  const blockBits = view.getUint8(at + 12);
  if (blockBits !== 12 && blockBits !== 9) {
    throw unsupported(`bootstrap block size is 2^${blockBits}; expected 4096 or 512`);
  }
  const blockSize = 1 << blockBits;
  if (view.byteLength % blockSize !== 0) {
    throw malformed(`bootstrap has ${view.byteLength} bytes; expected a multiple of ${blockSize}`);
  }
  expectField('checksum', view.getUint32(at + 4, true), 0);
  expectField('extra slots', view.getUint8(at + 13), 0);
  expectField('xattr_blkaddr', view.getUint32(at + 44, true), 0);
  expectField('compression algorithms', view.getUint16(at + 84, true), 0);
  expectField('device slot offset', view.getUint16(at + 88, true), layout.DEVICE_TABLE_SLOT);
  const incompatible = view.getUint32(at + 80, true);
  if (incompatible !== layout.INCOMPAT_RAFS_V6) {
    throw unsupported(`bootstrap incompatible features 0x${incompatible.toString(16)}; expected 0xc`);
  }
  const deviceCount = view.getUint16(at + 86, true);
  if (deviceCount > layout.MAX_BLOBS) throw malformed(`bootstrap has ${deviceCount} devices; at most 254 are possible`);
  const blocks = view.getUint32(at + 36, true);
  if (deviceCount === 0 && blocks !== 0 && blocks !== layout.LEGACY_BLOCK_COUNT) {
    throw malformed(`bootstrap without devices has ${blocks} device blocks; expected 0`);
  }
  const metaOffset = view.getUint32(at + 40, true) * blockSize;
  if (metaOffset > view.byteLength) throw malformed(`bootstrap metadata starts at ${metaOffset}, after its end`);
  const inodeCount = readU64(view, at + 16, 'bootstrap inode count');
  if (inodeCount === 0) throw malformed('bootstrap has no inodes');
  return {
    blockBits,
    blockSize,
    rootNid: view.getUint16(at + 14, true),
    inodeCount,
    metaOffset,
    buildTime: readU64(view, at + 24, 'bootstrap build time'),
    buildTimeNanoseconds: view.getUint32(at + 32, true),
    deviceCount,
  };
}

function parseExtended(view: DataView, deviceCount: number) {
  const at = layout.EXTENDED_SUPERBLOCK_OFFSET;
  const flags = parseFlags(view);
  const chunkSize = view.getUint32(at + 20, true);
  if (chunkSize < layout.MIN_CHUNK_SIZE || chunkSize > layout.MAX_CHUNK_SIZE || (chunkSize & (chunkSize - 1)) !== 0) {
    throw malformed(`bootstrap chunk size ${chunkSize}; expected a power of two from 4 KiB to 16 MiB`);
  }
  const blobTable = { name: 'blob table', offset: u64(view, 8), size: view.getUint32(at + 16, true) };
  const chunkTable = { name: 'chunk table', offset: u64(view, 24), size: u64(view, 32) };
  const prefetchTable = { name: 'prefetch table', offset: u64(view, 40), size: view.getUint32(at + 48, true) };
  expectField('blob table size', blobTable.size, deviceCount * layout.BLOB_ENTRY_BYTES);
  checkTable(view, blobTable, { alignment: layout.TABLE_ALIGNMENT, entry: layout.BLOB_ENTRY_BYTES });
  checkTable(view, chunkTable, { alignment: layout.TABLE_ALIGNMENT, entry: layout.CHUNK_ENTRY_BYTES });
  // Old writers give an empty image's prefetch table a size, but no place (nydus.md §1.36).
  const prefetch = prefetchTable.offset === 0 ? { ...prefetchTable, size: 0 } : prefetchTable;
  checkTable(view, prefetch, { alignment: 1, entry: 4 });
  checkOverlap([devicesRange(deviceCount), blobTable, chunkTable, prefetch]);
  return { ...flags, chunkSize, blobTable, chunkTable, prefetchTable: prefetch };
}

function u64(view: DataView, field: number): number {
  return readU64(view, layout.EXTENDED_SUPERBLOCK_OFFSET + field, 'a table offset or size of the bootstrap');
}

const COMPRESSOR_FLAGS = [
  [layout.FLAG_COMPRESSOR_NONE, 'none'],
  [layout.FLAG_COMPRESSOR_LZ4, 'lz4_block'],
  [layout.FLAG_COMPRESSOR_GZIP, 'gzip'],
  [layout.FLAG_COMPRESSOR_ZSTD, 'zstd'],
] as const;

const DIGESTER_FLAGS = [
  [layout.FLAG_DIGESTER_BLAKE3, 'blake3'],
  [layout.FLAG_DIGESTER_SHA256, 'sha256'],
] as const;

const FLAGS_KNOWN =
  layout.FLAG_EXPLICIT_OWNERS |
  layout.FLAG_XATTRS |
  layout.FLAG_INLINED_DIGESTS |
  layout.FLAG_TARFS |
  layout.FLAG_ENCRYPTION_NONE |
  layout.FLAG_ENCRYPTION_AES |
  layout.FLAGS_PRESERVED |
  [...COMPRESSOR_FLAGS, ...DIGESTER_FLAGS].reduce((bits, [bit]) => bits | bit, 0);

function parseFlags(view: DataView) {
  const flags = view.getUint32(layout.EXTENDED_SUPERBLOCK_OFFSET, true);
  const high = view.getUint32(layout.EXTENDED_SUPERBLOCK_OFFSET + 4, true);
  if (high !== 0 || (flags & ~FLAGS_KNOWN) !== 0) {
    throw unsupported(`bootstrap has unknown flags (0x${high.toString(16)}, 0x${flags.toString(16)})`);
  }
  const compressors = COMPRESSOR_FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  const digesters = DIGESTER_FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  const [compressor] = compressors;
  const [digester] = digesters;
  if (compressor === undefined || digester === undefined || compressors.length + digesters.length !== 2) {
    throw malformed(`bootstrap flags 0x${flags.toString(16)} do not name one compressor and one digest algorithm`);
  }
  return { flags, compressor, digester };
}

function devicesRange(deviceCount: number): TableRange {
  return { name: 'device table', offset: 0, size: layout.DEVICE_TABLE_OFFSET + deviceCount * layout.DEVICE_SLOT_BYTES };
}

function checkTable(view: DataView, table: TableRange, rule: { alignment: number; entry: number }): void {
  if (table.size === 0) return;
  const { name, offset, size } = table;
  if (offset < layout.TABLE_ALIGNMENT || offset % rule.alignment !== 0) {
    throw malformed(`bootstrap ${name} starts at ${offset}; expected a multiple of ${rule.alignment} from 4096 on`);
  }
  if (size % rule.entry !== 0)
    throw malformed(`bootstrap ${name} has ${size} bytes; expected a multiple of ${rule.entry}`);
  if (offset + size > view.byteLength) {
    throw malformed(`bootstrap ${name} ends at ${offset + size}, after the file's ${view.byteLength} bytes`);
  }
}

function checkOverlap(tables: readonly TableRange[]): void {
  const inOrder = tables.filter(table => table.size > 0).sort((a, b) => a.offset - b.offset);
  let previous: TableRange | undefined;
  for (const table of inOrder) {
    if (previous !== undefined && table.offset < previous.offset + previous.size) {
      throw malformed(`bootstrap ${table.name} overlaps the ${previous.name}`);
    }
    previous = table;
  }
}

function expectField(name: string, found: number, expected: number): void {
  if (found !== expected) throw malformed(`bootstrap superblock: ${name} is ${found}; expected ${expected}`);
}

/** First byte after a device table of this many slots where tables may start. */
export function tablesStart(deviceCount: number): number {
  return alignUp(devicesRange(deviceCount).size, layout.TABLE_ALIGNMENT);
}
