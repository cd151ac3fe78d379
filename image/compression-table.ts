// The compression table of a blob (CCT, "blob meta"; docs/image-format.md §11; nydus.md §1.22, §1.23): where each chunk
// lies in the blob, for readers that have the blob and not the image's chunk table. Entries first, then, for zran and
// batched blobs, contexts, then a header of 4096 bytes. Shoal's daemon does not need it; `check` compares it, and every
// blob that Shoal writes has one, so that nydusd can read it.

import type { Compressor } from '../core/index.ts';
import { ShoalError } from '../core/index.ts';
import { compressorOf } from './blob-table.ts';
import type { ChunkList } from './chunk-list.ts';
import { unpackChunk } from './codec.ts';
import { readU64, writeI64 } from './fields.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';

export const COMPRESSION_HEADER_BYTES = 4096;

/** One chunk as the table describes it. Bytes. */
export interface CompressionEntry {
  readonly compressedOffset: number;
  /** 0 for a member of a batch: the batch has the size. */
  readonly compressedSize: number;
  readonly deviceOffset: number;
  readonly uncompressedSize: number;
  readonly compressed: boolean;
  readonly zran: boolean;
  readonly batch: boolean;
  /** Which context, and where in its output the chunk starts; 0 without zran and batch. */
  readonly context: number;
  readonly contextOffset: number;
}

/** A point from which a gzip layer can be inflated. Bytes. */
export interface ZranContext {
  readonly inputOffset: number;
  readonly inputLength: number;
  readonly outputOffset: number;
  readonly outputLength: number;
  /** The byte before `inputOffset`, and how many of its high bits belong to this block. */
  readonly bitsByte: number;
  readonly bitsCount: number;
  /** What the output refers back to; a view. */
  readonly dictionary: Uint8Array;
}

export interface CompressionHeader {
  readonly features: number;
  readonly compressor: Compressor | 'gzip';
  readonly chunkCount: number;
  readonly offset: number;
  readonly storedSize: number;
  readonly uncompressedSize: number;
  readonly contextsOffset: number;
  readonly contextsSize: number;
  readonly contextCount: number;
}

const MAGIC = 0xb10bb10b;
const MAGIC_END_AT = COMPRESSION_HEADER_BYTES - 4;
const V1_BYTES = 16;
const V2_BYTES = 24;
const CONTEXT_BYTES = 40;
const MAX_ENTRIES = 2 ** 24;
const MAX_DICTIONARY_BYTES = 32768;
/** Contexts with their dictionaries take 6 % of a gzip layer: this is enough for layers of 4 GiB. */
const MAX_CONTEXTS_BYTES = 256 * 1024 * 1024;
const V2_COMPRESSED = 0x1;
const V2_ZRAN = 0x2;
const V2_BATCH = 0x4;
const V2_KNOWN = 0x1f;

export class CompressionTable {
  readonly header: CompressionHeader;
  readonly version: 1 | 2;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  /** `bytes` are the uncompressed entries and contexts; kept. Throws `malformed`. */
  constructor(bytes: Uint8Array, header: CompressionHeader) {
    this.header = header;
    this.version = isVersion2(header.features) ? 2 : 1;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length !== header.uncompressedSize) {
      throw malformed(`compression table has ${bytes.length} bytes; expected ${header.uncompressedSize}`);
    }
  }

  /** Throws `malformed` when out of range or the entry makes no sense. */
  entry(index: number): CompressionEntry {
    if (!(index >= 0 && index < this.header.chunkCount)) {
      throw malformed(`compression table entry ${index} of ${this.header.chunkCount}`);
    }
    return this.version === 2 ? this.#version2(index * V2_BYTES, index) : this.#version1(index * V1_BYTES);
  }

  #version1(at: number): CompressionEntry {
    const view = this.#view;
    const [low, high] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const [storedLow, storedHigh] = [view.getUint32(at + 8, true), view.getUint32(at + 12, true)];
    const uncompressedSize = ((high >>> 12) | (((low >>> 8) & 0xf) << 20)) + 1;
    const compressedSize = ((storedHigh >>> 12) | (((storedHigh >>> 8) & 0xf) << 20)) + 1;
    return {
      compressedOffset: (storedHigh & 0xff) * 2 ** 32 + storedLow,
      compressedSize,
      deviceOffset: (high & 0xfff) * 2 ** 32 + ((low & ~0xfff) >>> 0),
      uncompressedSize,
      compressed: compressedSize !== uncompressedSize,
      ...NO_CONTEXT,
    };
  }

  #version2(at: number, index: number): CompressionEntry {
    const view = this.#view;
    const high = view.getUint32(at + 4, true);
    const storedHigh = view.getUint32(at + 12, true);
    const flags = high >>> 24;
    if ((flags & ~V2_KNOWN) !== 0)
      throw malformed(`compression table entry ${index} has the flags 0x${flags.toString(16)}`);
    const inContext = (flags & (V2_ZRAN | V2_BATCH)) !== 0;
    return {
      compressedOffset: (storedHigh & 0xff) * 2 ** 32 + view.getUint32(at + 8, true),
      compressedSize: storedHigh >>> 8,
      deviceOffset: view.getUint32(at, true) * 4096,
      uncompressedSize: (high & 0xffffff) + 1,
      compressed: (flags & V2_COMPRESSED) !== 0,
      zran: (flags & V2_ZRAN) !== 0,
      batch: (flags & V2_BATCH) !== 0,
      context: inContext ? view.getUint32(at + 20, true) : 0,
      contextOffset: inContext ? view.getUint32(at + 16, true) : 0,
    };
  }

  /** The contexts of a zran table. Throws `malformed`, or `unsupported` when the table is not zran. */
  zranContexts(): readonly ZranContext[] {
    if ((this.header.features & layout.BLOB_ZRAN) === 0) throw unsupported('compression table without zran contexts');
    const { contextsOffset, contextCount } = this.header;
    return Array.from({ length: contextCount }, (_, index) =>
      this.#zran(contextsOffset + index * CONTEXT_BYTES, index),
    );
  }

  #zran(at: number, index: number): ZranContext {
    const view = this.#view;
    const { contextsOffset, contextsSize, contextCount } = this.header;
    const dictionariesAt = contextsOffset + contextCount * CONTEXT_BYTES;
    const dictionaryAt = dictionariesAt + readU64(view, at + 16, 'a zran dictionary offset');
    const dictionarySize = view.getUint32(at + 32, true);
    const end = contextsOffset + contextsSize;
    if (dictionarySize > MAX_DICTIONARY_BYTES || (dictionarySize > 0 && dictionaryAt + dictionarySize > end)) {
      throw malformed(`zran context ${index}: its dictionary of ${dictionarySize} bytes ends outside the table`);
    }
    return {
      inputOffset: readU64(view, at, 'a zran offset'),
      inputLength: view.getUint32(at + 24, true),
      outputOffset: readU64(view, at + 8, 'a zran offset'),
      outputLength: view.getUint32(at + 28, true),
      bitsByte: view.getUint8(at + 36),
      bitsCount: view.getUint8(at + 37),
      dictionary: this.#bytes.subarray(dictionaryAt, dictionaryAt + dictionarySize),
    };
  }
}

const NO_CONTEXT = { zran: false, batch: false, context: 0, contextOffset: 0 } as const;

function isVersion2(features: number): boolean {
  return (features & layout.BLOB_CHUNK_INFO_V2) !== 0;
}

/**
 * Reads the table as it stands in a blob: the entries as stored, then the header. Throws `malformed` when the header
 * contradicts itself or the bytes, `unsupported` for algorithms that cannot be read, `limit` for sizes beyond reason.
 */
export function parseCompressionTable(stored: Uint8Array): CompressionTable {
  const header = parseHeader(stored);
  if (stored.length !== header.storedSize + COMPRESSION_HEADER_BYTES) {
    throw malformed(`compression table of ${stored.length} bytes; its header says ${header.storedSize} and 4096`);
  }
  const entries = stored.subarray(0, header.storedSize);
  const raw = header.storedSize === header.uncompressedSize;
  if (!raw && header.compressor === 'gzip') throw unsupported('compression table packed with gzip');
  const compressor = raw || header.compressor === 'gzip' ? 'none' : header.compressor;
  return new CompressionTable(unpackChunk(entries, compressor, header.uncompressedSize), header);
}

/** Reads the table as nydusd keeps it in its cache directory (`.blob.meta`): unpacked, padded to 4096, then the header. */
export function parseCachedCompressionTable(bytes: Uint8Array): CompressionTable {
  const header = parseHeader(bytes);
  return new CompressionTable(bytes.subarray(0, header.uncompressedSize), header);
}

function parseHeader(bytes: Uint8Array): CompressionHeader {
  const at = bytes.length - COMPRESSION_HEADER_BYTES;
  if (at < 0) throw malformed(`compression table of ${bytes.length} bytes; its header alone has 4096`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, COMPRESSION_HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(MAGIC_END_AT, true) !== MAGIC) {
    throw malformed('compression table: its header lacks the magic');
  }
  const u64 = (offset: number) => readU64(view, offset, 'compression table: a size or offset');
  const features = view.getUint32(4, true);
  if ((features & ~layout.BLOB_FEATURES_KNOWN) !== 0) {
    throw unsupported(`compression table: unknown features 0x${features.toString(16)}`);
  }
  const header: CompressionHeader = {
    features,
    compressor: compressorOf('compression table', view.getUint32(8, true)),
    chunkCount: view.getUint32(12, true),
    offset: u64(16),
    storedSize: u64(24),
    uncompressedSize: u64(32),
    contextsOffset: u64(40),
    contextsSize: u64(48),
    contextCount: view.getUint32(56, true),
  };
  checkHeader(header);
  return header;
}

function checkHeader(header: CompressionHeader): void {
  const { chunkCount, contextsOffset, contextsSize, contextCount, features, uncompressedSize } = header;
  if (chunkCount > MAX_ENTRIES || contextsSize > MAX_CONTEXTS_BYTES) {
    throw new ShoalError('limit', `compression table of ${chunkCount} chunks and ${contextsSize} bytes of contexts`);
  }
  const entriesSize = chunkCount * (isVersion2(features) ? V2_BYTES : V1_BYTES);
  const hasContexts = (features & (layout.BLOB_ZRAN | layout.BLOB_BATCH)) !== 0;
  if (hasContexts && (contextsOffset !== entriesSize || contextCount * CONTEXT_BYTES > contextsSize)) {
    throw malformed(`compression table: ${contextCount} contexts of ${contextsSize} bytes at ${contextsOffset}`);
  }
  const expected = entriesSize + (hasContexts ? contextsSize : 0);
  if (uncompressedSize !== expected) {
    throw malformed(`compression table: ${uncompressedSize} bytes for ${chunkCount} chunks; expected ${expected}`);
  }
}

/** The entries of version 1 for a blob's chunks. Throws `internal` for a chunk that they cannot express. */
export function encodeCompressionEntries(chunks: ChunkList): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.length * V1_BYTES);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < chunks.length; index++) {
    const chunk = chunks.at(index);
    // Readers of version 1 take a chunk for compressed when its sizes differ.
    if (chunk.compressed !== (chunk.compressedSize !== chunk.uncompressedSize) || chunk.deviceOffset % 4096 !== 0) {
      throw new ShoalError('internal', `chunk ${index} cannot be written to a compression table`);
    }
    const at = index * V1_BYTES;
    const size = chunk.uncompressedSize - 1;
    const storedSize = chunk.compressedSize - 1;
    view.setUint32(at, (chunk.deviceOffset % 2 ** 32) + ((size >>> 20) << 8), true);
    view.setUint32(at + 4, ((size << 12) | Math.floor(chunk.deviceOffset / 2 ** 32)) >>> 0, true);
    view.setUint32(at + 8, chunk.compressedOffset % 2 ** 32, true);
    view.setUint32(
      at + 12,
      ((storedSize << 12) | ((storedSize >>> 20) << 8) | Math.floor(chunk.compressedOffset / 2 ** 32)) >>> 0,
      true,
    );
  }
  return bytes;
}

/** The header of a table of version 1. */
export function encodeCompressionHeader(header: {
  readonly chunkCount: number;
  readonly offset: number;
  readonly storedSize: number;
  readonly uncompressedSize: number;
  readonly compressor: 'none' | 'zstd';
}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(COMPRESSION_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, layout.BLOB_FEATURES_WRITTEN, true);
  view.setUint32(8, header.compressor === 'zstd' ? layout.COMPRESSION_ZSTD : layout.COMPRESSION_NONE, true);
  view.setUint32(12, header.chunkCount, true);
  writeI64(view, 16, header.offset);
  writeI64(view, 24, header.storedSize);
  writeI64(view, 32, header.uncompressedSize);
  view.setUint32(MAGIC_END_AT, MAGIC, true);
  return bytes;
}
