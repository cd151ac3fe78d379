// Does a blob describe itself as the bootstrap does? Stock readers take a chunk's place from the blob's own compression
// table, ours from the bootstrap's chunk table: an image is only right when both say the same.

import {
  type BlobLayout,
  type Chunk,
  type Descriptor,
  type ImageSource,
  ShoalError,
  shortDigest,
} from '../../core/index.ts';
import {
  type BlobEntry,
  COMPRESSION_HEADER_BYTES,
  type CompressionEntry,
  parseBlobToc,
  parseCompressionTable,
} from '../../image/index.ts';

/** 24 bytes for each of the 2^24 chunks a blob may have, and the header: more cannot be meant. */
const MAX_TABLE_BYTES = 24 * 2 ** 24 + COMPRESSION_HEADER_BYTES;

/** A contradiction is usually one in every chunk; a few say it all. */
const MAX_PROBLEMS = 10;

/** What can be wrong with a table; everything else is about the way to it. */
const ABOUT_TABLES: ReadonlySet<string> = new Set(['malformed', 'limit', 'unsupported']);

const COMPARED = ['compressedOffset', 'compressedSize', 'deviceOffset', 'uncompressedSize', 'compressed'] as const;

/** One line per contradiction. Throws what the source throws. */
export async function checkBlobTables(
  source: ImageSource,
  blob: { readonly descriptor: Descriptor; readonly entry: BlobEntry; readonly layout: BlobLayout },
  signal: AbortSignal,
): Promise<string[]> {
  const name = `blob ${shortDigest(blob.descriptor.digest)}`;
  const read = (offset: number, length: number) => readRange(source, blob.descriptor, { offset, length }, signal);
  try {
    const { offset, storedSize } = blob.entry.compressionTable;
    const table = parseCompressionTable(await read(offset, storedSize + COMPRESSION_HEADER_BYTES));
    const problems: string[] = [];
    if (table.header.chunkCount !== blob.layout.chunkCount) {
      problems.push(
        `${name}: its table has ${table.header.chunkCount} chunks, the bootstrap ${blob.layout.chunkCount}`,
      );
    }
    const count = Math.min(table.header.chunkCount, blob.layout.chunkCount);
    for (let index = 0; index < count && problems.length < MAX_PROBLEMS; index++) {
      if (!blob.layout.describes(index)) continue;
      const difference = compareChunk(table.entry(index), blob.layout.chunk(index));
      if (difference) problems.push(`${name}: chunk ${index}: ${difference}`);
    }
    if (blob.entry.tocSize > 0) parseBlobToc(await read(blob.descriptor.size - blob.entry.tocSize, blob.entry.tocSize));
    return problems;
  } catch (error) {
    if (error instanceof ShoalError && ABOUT_TABLES.has(error.code)) {
      return [`${name}: ${error.message}`];
    }
    throw error;
  }
}

function compareChunk(inBlob: CompressionEntry, inBootstrap: Chunk): string | undefined {
  for (const key of COMPARED) {
    if (inBlob[key] !== inBootstrap[key]) {
      return `${key} is ${inBlob[key]} in the blob's table and ${inBootstrap[key]} in the bootstrap`;
    }
  }
  return undefined;
}

async function readRange(
  source: ImageSource,
  descriptor: Descriptor,
  range: { readonly offset: number; readonly length: number },
  signal: AbortSignal,
): Promise<Buffer> {
  const { offset, length } = range;
  if (offset < 0 || length > MAX_TABLE_BYTES || offset + length > descriptor.size) {
    throw new ShoalError('malformed', `a table of ${length} bytes at ${offset}, in a blob of ${descriptor.size} bytes`);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of source.blob(descriptor, { signal, range })) pieces.push(piece);
  return Buffer.concat(pieces);
}
