// What a bootstrap says in numbers: files of each kind, chunks of each blob, and what sharing chunks saves. Pure.

import type { BlobLayout } from '../../core/index.ts';
import { type BootstrapReader, walkTree } from '../../image/index.ts';
import { kindName } from './kinds.ts';

export interface FileStatistics {
  /** Names, hard links counted each. */
  readonly names: number;
  /** Inodes by kind. */
  readonly byKind: Readonly<Record<string, number>>;
  /** Sum of the files' sizes, each inode once. */
  readonly bytes: number;
  /** Chunks that files refer to, and the bytes of these references: what would be stored if nothing were shared. */
  readonly references: number;
  readonly referencedBytes: number;
}

export interface BlobStatistics {
  readonly digest: string;
  readonly blobBytes: number;
  readonly deviceBytes: number;
  readonly compressor: string;
  readonly digester: string;
  /** Chunks that the bootstrap describes. */
  readonly chunks: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  readonly smallestChunk: number;
  readonly largestChunk: number;
}

export function fileStatistics(reader: BootstrapReader): FileStatistics {
  const seen = new Set<number>();
  const byKind: Record<string, number> = {};
  let [names, bytes, references, referencedBytes] = [0, 0, 0, 0];
  for (const { nid, attributes } of walkTree(reader)) {
    names++;
    if (seen.has(nid)) continue;
    seen.add(nid);
    const kind = kindName(attributes.mode);
    byKind[kind] = (byKind[kind] ?? 0) + 1;
    if (kind !== 'file') continue;
    bytes += attributes.size;
    reader.extents(nid, 0, attributes.size, (_blob, _chunk, _offset, length) => {
      references++;
      referencedBytes += length;
    });
  }
  return { names, byKind, bytes, references, referencedBytes };
}

export function blobStatistics(blob: BlobLayout): BlobStatistics {
  let [chunks, uncompressedBytes, compressedBytes, largestChunk] = [0, 0, 0, 0];
  let smallestChunk = Number.POSITIVE_INFINITY;
  for (let index = 0; index < blob.chunkCount; index++) {
    if (!blob.describes(index)) continue;
    const { compressedSize, uncompressedSize } = blob.chunk(index);
    chunks++;
    uncompressedBytes += uncompressedSize;
    compressedBytes += compressedSize;
    smallestChunk = Math.min(smallestChunk, uncompressedSize);
    largestChunk = Math.max(largestChunk, uncompressedSize);
  }
  return {
    digest: blob.digest,
    blobBytes: blob.blobSize,
    deviceBytes: blob.deviceSize,
    compressor: blob.compressor,
    digester: blob.digester,
    chunks,
    uncompressedBytes,
    compressedBytes,
    smallestChunk: chunks === 0 ? 0 : smallestChunk,
    largestChunk,
  };
}
