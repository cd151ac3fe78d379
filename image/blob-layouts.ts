// Turns what a bootstrap says about its blobs, and what the manifest says about its layers, into the layouts that the
// data path works with. Here the image is refused when its chunks are of a kind that cannot be read or verified.

import { createHash } from 'node:crypto';
import type { BlobLayout, Chunk, Compressor, Descriptor, Digest, Digester } from '../core/index.ts';
import { hexOf } from '../core/index.ts';
import type { BlobEntry } from './blob-table.ts';
import { PLACEHOLDER_ID } from './blob-table.ts';
import { CHUNK_RECORD_BYTES, type ChunkTable, type DescribedChunks } from './chunk-table.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';

/** See `BootstrapReader.blobLayouts`. */
export function makeBlobLayouts(
  blobs: readonly BlobEntry[],
  table: ChunkTable,
  descriptors: readonly Descriptor[],
  chunkSize: number,
): readonly BlobLayout[] {
  const matched = matchDescriptors(blobs, descriptors);
  return blobs.map((blob, blobIndex) => {
    const descriptor = matched[blobIndex];
    const chunks = table.chunks[blobIndex];
    if (descriptor === undefined || chunks === undefined) throw malformed(`blob ${blob.id} has no descriptor`);
    if (chunks.compressedEnd > descriptor.size) {
      throw malformed(
        `blob ${blob.id}: its chunks end at byte ${chunks.compressedEnd}; the manifest says ${descriptor.size} bytes`,
      );
    }
    const id = blob.id === PLACEHOLDER_ID ? hexOf(descriptor.digest) : blob.id;
    return new DescribedBlob({ blob, blobIndex, id, compressor: readableCompressor(blob, chunks) }, table, {
      digest: descriptor.digest,
      blobSize: descriptor.size,
      chunkSize,
    });
  });
}

/**
 * For each blob its descriptor: the one with its id as digest, else the one at its position, since some writers name
 * blobs by other hashes (nydus.md §1.26). Throws `malformed` when there is none or two blobs would share one.
 */
export function matchDescriptors(
  blobs: readonly Pick<BlobEntry, 'id'>[],
  descriptors: readonly Descriptor[],
): readonly Descriptor[] {
  const byHex = new Map(descriptors.map(descriptor => [hexOf(descriptor.digest), descriptor]));
  const taken = new Map<Digest, string>();
  return blobs.map(({ id }, index) => {
    const named = byHex.get(id);
    const descriptor = named ?? descriptors[index];
    if (descriptor === undefined || (named === undefined && descriptors.length !== blobs.length)) {
      throw malformed(
        `blob ${id} (${index + 1} of ${blobs.length}) is none of the manifest's ${descriptors.length} layers`,
      );
    }
    const other = taken.get(descriptor.digest);
    if (other !== undefined) throw malformed(`blobs ${other} and ${id} are both the layer ${descriptor.digest}`);
    taken.set(descriptor.digest, id);
    return descriptor;
  });
}

const UNREADABLE_FEATURES = [
  [layout.BLOB_ZRAN, 'zran (chunks inside the original gzip layer)'],
  [layout.BLOB_TARFS, 'tarfs (chunks without digests)'],
  [layout.BLOB_SEPARATE, 'chunks inside the original layer'],
  [layout.BLOB_BATCH, 'batched chunks'],
  [layout.BLOB_EXTERNAL, 'external chunks'],
] as const;

const UNREADABLE_FLAGS = [
  [layout.CHUNK_ENCRYPTED, 'encrypted chunks'],
  [layout.CHUNK_BATCH, 'batched chunks'],
  [layout.CHUNK_HOLE, 'chunks that are holes'],
] as const;

function readableCompressor(blob: BlobEntry, chunks: DescribedChunks): Compressor {
  if (blob.encrypted) throw unsupported(`blob ${blob.id}: encrypted chunks`);
  const feature = UNREADABLE_FEATURES.find(([bit]) => (blob.features & bit) !== 0);
  if (feature !== undefined) throw unsupported(`blob ${blob.id}: ${feature[1]}`);
  const flag = UNREADABLE_FLAGS.find(([bit]) => (chunks.flags & bit) !== 0);
  if (flag !== undefined) throw unsupported(`blob ${blob.id}: ${flag[1]}`);
  if (blob.compressor === 'gzip') throw unsupported(`blob ${blob.id}: gzip chunks`);
  return blob.compressor;
}

class DescribedBlob implements BlobLayout {
  readonly id: string;
  readonly digest: Digest;
  readonly blobSize: number;
  readonly compressor: Compressor;
  readonly digester: Digester;
  readonly chunkCount: number;
  readonly chunkSize: number;
  readonly deviceSize: number;
  readonly layoutKey: string;
  readonly #table: ChunkTable;
  readonly #blobIndex: number;

  constructor(
    from: { blob: BlobEntry; blobIndex: number; id: string; compressor: Compressor },
    table: ChunkTable,
    file: { digest: Digest; blobSize: number; chunkSize: number },
  ) {
    this.id = from.id;
    this.digest = file.digest;
    this.blobSize = file.blobSize;
    this.compressor = from.compressor;
    this.digester = from.blob.digester;
    this.chunkCount = from.blob.chunkCount;
    this.chunkSize = file.chunkSize;
    this.deviceSize = from.blob.deviceSize;
    this.#table = table;
    this.#blobIndex = from.blobIndex;
    this.layoutKey = layoutKeyOf(this, table, from.blobIndex);
  }

  describes(index: number): boolean {
    return (this.#table.chunks[this.#blobIndex]?.positions[index] ?? 0) !== 0;
  }

  chunk(index: number): Chunk {
    return this.#table.chunk(this.#blobIndex, index);
  }
}

/** Chunks hashed at once: 256 KiB, so a call into the hash costs nothing beside its work. */
const KEY_BATCH = 4096;

function layoutKeyOf(blob: Omit<BlobLayout, 'layoutKey'>, table: ChunkTable, blobIndex: number): string {
  const { id, compressor, digester, chunkCount, deviceSize } = blob;
  const hash = createHash('sha256').update(JSON.stringify([id, compressor, digester, chunkCount, deviceSize]));
  const batch = new Uint8Array(KEY_BATCH * CHUNK_RECORD_BYTES);
  const records = new DataView(batch.buffer);
  let at = 0;
  for (let index = 0; index < chunkCount; index++) {
    if (!blob.describes(index)) continue;
    table.putRecord(blobIndex, index, records, at);
    at += CHUNK_RECORD_BYTES;
    if (at === batch.length) {
      hash.update(batch);
      at = 0;
    }
  }
  return hash.update(batch.subarray(0, at)).digest('hex');
}
