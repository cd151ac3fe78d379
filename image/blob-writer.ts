// What follows the chunk data in a blob file that Shoal writes (docs/image-format.md §10; nydus.md §1.21, `blob-toc`):
//
//   data | header image.blob | entries, header (CCT) | header blob.meta | digests | header blob.digest | TOC | its header
//
// Pure: the converter streams the data out as it is made, and appends the tail when the layer ends.

import { hash } from 'node:crypto';
import type { TocEntry } from './blob-toc.ts';
import { encodeBlobToc, encodeSectionHeader, SECTION_HEADER_BYTES } from './blob-toc.ts';
import type { ChunkList } from './chunk-list.ts';
import { compressChunk } from './codec.ts';
import { COMPRESSION_HEADER_BYTES, encodeCompressionEntries, encodeCompressionHeader } from './compression-table.ts';
import { alignUp } from './fields.ts';
import type { FinishedBlob } from './tree.ts';

export interface BlobTailInput {
  /** Bytes of chunk data. */
  readonly dataSize: number;
  /** sha256, 32 bytes, over the chunk data *and* the header that `blobDataTrailer(dataSize)` returns. */
  readonly dataDigest: Uint8Array;
  /** All chunks of the blob, in order; at least one. */
  readonly chunks: ChunkList;
}

/** `tail` follows the chunk data and starts with its header; the rest is what the bootstrap's blob table wants to know. */
export interface BlobTail extends Pick<FinishedBlob, 'compressionTable' | 'tocSize' | 'tocDigest' | 'deviceSize'> {
  readonly tail: Uint8Array<ArrayBuffer>;
}

/** The 512-byte header that follows `dataSize` bytes of chunk data. */
export function blobDataTrailer(dataSize: number): Uint8Array<ArrayBuffer> {
  return encodeSectionHeader('image.blob', dataSize);
}

/**
 * Everything after the chunk data; buffers of the caller's. Blob file = data + tail; its sha256 is the blob's id. The same
 * input gives the same bytes. Throws `internal` for chunks that contradict themselves.
 */
export function buildBlobTail(input: BlobTailInput): BlobTail {
  const { dataSize, chunks } = input;
  const entries = encodeCompressionEntries(chunks);
  const packed = compressChunk(entries, { level: TABLE_LEVEL });
  const compressionTable = {
    offset: dataSize + SECTION_HEADER_BYTES,
    storedSize: packed.bytes.length,
    uncompressedSize: entries.length,
    compressor: packed.compressed ? ('zstd' as const) : ('none' as const),
  };
  const header = encodeCompressionHeader({ chunkCount: chunks.length, ...compressionTable });
  const metaSize = packed.bytes.length + COMPRESSION_HEADER_BYTES;
  const digestsOffset = compressionTable.offset + metaSize + SECTION_HEADER_BYTES;
  const deviceSize = deviceEnd(chunks);
  const toc = encodeBlobToc([
    // The stock builder gives the data's end as its offset, and readers know the data starts at 0: the same here.
    plainSection('image.blob', dataSize, {
      digest: input.dataDigest,
      storedSize: dataSize,
      uncompressedSize: deviceSize,
    }),
    { ...section('blob.meta', compressionTable.offset, entries), ...packing(packed) },
    section('blob.meta.header', compressionTable.offset + packed.bytes.length, header),
    section('blob.digest', digestsOffset, chunks.digests),
  ]);
  const tail = concat([
    blobDataTrailer(dataSize),
    packed.bytes,
    header,
    encodeSectionHeader('blob.meta', metaSize),
    chunks.digests,
    encodeSectionHeader('blob.digest', chunks.digests.length),
    toc,
  ]);
  return { tail, compressionTable, deviceSize, tocSize: toc.length, tocDigest: sha256(toc) };
}

/** zstd level of the compression table: small, and read once per mount by other tools. */
const TABLE_LEVEL = 3;
/** Chunks and devices are aligned to this. */
const DEVICE_UNIT = 4096;

/** The end of the device: chunks ascend, so the last one ends it. */
function deviceEnd(chunks: ChunkList): number {
  const last = chunks.at(chunks.length - 1);
  return alignUp(last.deviceOffset + last.uncompressedSize, DEVICE_UNIT);
}

function section(name: string, offset: number, bytes: Uint8Array): TocEntry {
  return plainSection(name, offset, {
    digest: sha256(bytes),
    storedSize: bytes.length,
    uncompressedSize: bytes.length,
  });
}

function plainSection(
  name: string,
  offset: number,
  content: Pick<TocEntry, 'digest' | 'storedSize' | 'uncompressedSize'>,
): TocEntry {
  return { name, packing: 'none', offset, ...content };
}

function packing(packed: { readonly bytes: Uint8Array; readonly compressed: boolean }) {
  return { packing: packed.compressed ? 'zstd' : 'none', storedSize: packed.bytes.length } as const;
}

function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hash('sha256', bytes, 'buffer'));
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
