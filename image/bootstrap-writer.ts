// Writes a RAFS v6 bootstrap (docs/image-format.md; recipe: nydus.md §1.20): plans where every inode lies, then fills one
// buffer of the final size. The last step of a conversion before the manifest.
//
//   0  zeros | 1024 superblocks | 1408 device slots | blob table | inode area | block area | chunk table

import { ShoalError } from '../core/index.ts';
import { writeBlobEntry, writeDeviceSlot } from './blob-table.ts';
import { writeChunkTable } from './chunk-table.ts';
import { alignUp, writeI64 } from './fields.ts';
import type { InodePlan } from './inode-plan.ts';
import { planInodes } from './inode-plan.ts';
import { checkChunks, writeInode } from './inode-writer.ts';
import * as layout from './layout.ts';
import { tablesStart } from './superblock.ts';
import type { FinishedBlob, ImageTree } from './tree.ts';

/** 4096 bytes: what every kernel that knows EROFS can mount. */
const BLOCK_BITS = 12;

/**
 * The bootstrap of a tree, a buffer of the caller's. The same tree gives the same bytes, in whatever order its maps
 * were filled. Throws `unsupported` or `limit`, naming the path, for what the format cannot hold: names of 0 or more
 * than 255 bytes or with `/` or NUL, xattr namespaces outside the five, 255 or more blobs, ...; `internal` for a tree
 * that contradicts itself.
 */
export function writeBootstrap(tree: ImageTree): Uint8Array<ArrayBuffer> {
  return encodeBootstrap(tree, BLOCK_BITS);
}

/** The same for any block size the format has; `blockBits` is 12 or 9. */
export function encodeBootstrap(tree: ImageTree, blockBits: number): Uint8Array<ArrayBuffer> {
  checkImage(tree);
  const blockSize = 1 << blockBits;
  const plan = planInodes(tree, blockSize);
  const regions = layOut(tree, plan, blockSize);
  const bytes = new Uint8Array(regions.end);
  const view = new DataView(bytes.buffer);
  const context = { bytes, view, tree, blockBits, ...regions };
  for (const inode of plan.inodes) {
    checkChunks(tree, inode.node);
    writeInode(context, inode);
  }
  writeChunkTable(
    bytes,
    regions.chunkTable,
    tree.blobs.map(blob => blob.chunks),
  );
  writeBlobs(bytes, tree, regions, blockSize);
  writeSuperblock(view, tree, plan, regions, blockBits);
  writeExtendedSuperblock(view, tree, plan, regions);
  return bytes;
}

/** Bytes from the start of the file. */
interface Regions {
  readonly blobTable: number;
  readonly metaStart: number;
  readonly inodeArea: number;
  readonly firstNid: number;
  readonly blockArea: number;
  readonly chunkTable: number;
  readonly chunkTableBytes: number;
  readonly end: number;
}

/** nids count from this far before the first inode, so that the root is nid 128 and nid 0 is nobody (nydus.md §1.3). */
const META_LEAD_BYTES = 4096;

function layOut(tree: ImageTree, plan: InodePlan, blockSize: number): Regions {
  const blobTable = tablesStart(tree.blobs.length);
  const inodeArea = alignUp(blobTable + tree.blobs.length * layout.BLOB_ENTRY_BYTES, layout.TABLE_ALIGNMENT);
  const blockArea = alignUp(inodeArea + plan.inodeAreaBytes, blockSize);
  const chunkTable = alignUp(blockArea + plan.blockCount * blockSize, layout.TABLE_ALIGNMENT);
  const chunkTableBytes = tree.blobs.reduce((sum, blob) => sum + blob.chunks.length, 0) * layout.CHUNK_ENTRY_BYTES;
  return {
    blobTable,
    metaStart: inodeArea - META_LEAD_BYTES,
    inodeArea,
    firstNid: META_LEAD_BYTES / layout.INODE_SLOT_BYTES,
    blockArea,
    chunkTable,
    chunkTableBytes,
    end: alignUp(chunkTable + chunkTableBytes, layout.TABLE_ALIGNMENT),
  };
}

/** Devices are laid end to end at multiples of this behind the bootstrap, as the stock builder does. */
const DEVICE_ALIGNMENT = 512 * 1024;

function writeBlobs(bytes: Uint8Array, tree: ImageTree, regions: Regions, blockSize: number): void {
  let mapped = alignUp(regions.end, DEVICE_ALIGNMENT);
  tree.blobs.forEach((blob, index) => {
    writeBlobEntry(bytes, regions.blobTable + index * layout.BLOB_ENTRY_BYTES, blob, index, tree.chunkSize);
    writeDeviceSlot(bytes, layout.DEVICE_TABLE_OFFSET + index * layout.DEVICE_SLOT_BYTES, {
      id: blob.id,
      blocks: blob.deviceSize / blockSize,
      mappedBlock: mapped / blockSize,
    });
    mapped = alignUp(mapped + blob.deviceSize, DEVICE_ALIGNMENT);
  });
  if (mapped / blockSize > layout.MAX_U32) {
    throw new ShoalError('limit', `image devices of ${mapped} bytes; at most 2^32 blocks are possible`);
  }
}

function writeSuperblock(view: DataView, tree: ImageTree, plan: InodePlan, regions: Regions, blockBits: number): void {
  const at = layout.SUPERBLOCK_OFFSET;
  const deviceBytes = tree.blobs.reduce((sum, blob) => sum + blob.deviceSize, 0);
  view.setUint32(at, layout.EROFS_MAGIC, true);
  view.setUint32(at + 8, layout.COMPAT_RAFS_V6, true);
  view.setUint8(at + 12, blockBits);
  view.setUint16(at + 14, regions.firstNid, true);
  writeI64(view, at + 16, plan.nameCount);
  view.setUint32(at + 36, deviceBytes / (1 << blockBits), true);
  view.setUint32(at + 40, regions.metaStart / (1 << blockBits), true);
  view.setUint32(at + 80, layout.INCOMPAT_RAFS_V6, true);
  view.setUint16(at + 86, tree.blobs.length, true);
  view.setUint16(at + 88, layout.DEVICE_TABLE_SLOT, true);
}

function writeExtendedSuperblock(view: DataView, tree: ImageTree, plan: InodePlan, regions: Regions): void {
  const at = layout.EXTENDED_SUPERBLOCK_OFFSET;
  const flags =
    layout.FLAG_COMPRESSOR_ZSTD |
    layout.FLAG_DIGESTER_BLAKE3 |
    layout.FLAG_EXPLICIT_OWNERS |
    layout.FLAG_INLINED_DIGESTS |
    (plan.hasXattrs ? layout.FLAG_XATTRS : 0);
  view.setUint32(at, flags, true);
  writeI64(view, at + 8, regions.blobTable);
  view.setUint32(at + 16, tree.blobs.length * layout.BLOB_ENTRY_BYTES, true);
  view.setUint32(at + 20, tree.chunkSize, true);
  // An empty table has no place. There is no prefetch table: what to fetch first is learned from traces.
  writeI64(view, at + 24, regions.chunkTableBytes === 0 ? 0 : regions.chunkTable);
  writeI64(view, at + 32, regions.chunkTableBytes);
}

const BLOB_ID_PATTERN = /^[0-9a-f]{64}$/;

function checkImage(tree: ImageTree): void {
  const { chunkSize, blobs } = tree;
  const powerOfTwo = Number.isInteger(Math.log2(chunkSize));
  if (!powerOfTwo || chunkSize < layout.MIN_CHUNK_SIZE || chunkSize > layout.MAX_CHUNK_SIZE) {
    throw new ShoalError('usage', `chunk size ${chunkSize}; expected a power of two from 4 KiB to 16 MiB`);
  }
  if (blobs.length > layout.MAX_BLOBS) {
    throw new ShoalError('limit', `image has ${blobs.length} blobs; at most ${layout.MAX_BLOBS} are possible`);
  }
  const ids = new Set<string>();
  for (const blob of blobs) {
    checkBlob(blob);
    if (ids.has(blob.id)) throw new ShoalError('internal', `two blobs with the id ${blob.id}`);
    ids.add(blob.id);
  }
}

function checkBlob(blob: FinishedBlob): void {
  const { id, chunks, deviceSize } = blob;
  if (!BLOB_ID_PATTERN.test(id)) throw new ShoalError('internal', `blob id ${JSON.stringify(id)} is not 64 hex digits`);
  if (chunks.length === 0) throw new ShoalError('internal', `blob ${id} has no chunks; leave it out of the image`);
  if (deviceSize > layout.MAX_UNCOMPRESSED_BLOB_BYTES || blob.blobSize > layout.MAX_COMPRESSED_BLOB_BYTES) {
    throw new ShoalError('limit', `blob ${id} has ${blob.blobSize} bytes and ${deviceSize} uncompressed: too many`);
  }
  const end = chunks.deviceOffset(chunks.length - 1) + chunks.uncompressedSize(chunks.length - 1);
  if (deviceSize % layout.TABLE_ALIGNMENT !== 0 || end > deviceSize) {
    throw new ShoalError('internal', `blob ${id}: chunks end at ${end} of a device of ${deviceSize} bytes`);
  }
}
