// The tables that a blob has of itself: chunk table (CCT) of both versions, as in the blob and as nydusd caches it, with
// zran contexts; table of contents.

import { isShoalError } from '../../../core/index.ts';
import type { CompressionTable } from '../../../image/index.ts';
import {
  parseBlobToc,
  parseCachedCompressionTable,
  parseCompressionTable,
  TOC_TAIL_BYTES,
} from '../../../image/index.ts';
import { FIXTURE_BLOB_ID, fixture } from '../../unit/image/fixtures.ts';
import { directory, ImageBuilder } from '../../unit/image/image-builder.ts';
import { type FuzzTarget, mutated } from '../fuzzing.ts';

const HEADER_BYTES = 4096;
const nydusBlob = fixture(FIXTURE_BLOB_ID);
const zranTable = fixture('zran-233c72f2.blob.meta');

/** A blob of ours whose table is stored compressed. */
function ownBlob() {
  const builder = new ImageBuilder(4096);
  const root = directory({ file: builder.file(Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) >> 9))) });
  const [blob] = builder.finish(root).blobs;
  if (!blob) throw new Error('no blob');
  return blob;
}

const own = ownBlob();
const { offset, storedSize } = own.compressionTable;
const ownTable = own.file.subarray(offset, offset + storedSize + HEADER_BYTES);
const nydusTable = nydusBlob.subarray(8314, 8314 + 32 + HEADER_BYTES);

const MAX_ENTRIES_READ = 5000;

function readAll(table: CompressionTable): void {
  const count = Math.min(table.header.chunkCount, MAX_ENTRIES_READ);
  for (let index = 0; index <= count; index++) {
    attempt(() => table.entry(index));
  }
  attempt(() => table.zranContexts());
}

function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!isShoalError(error) || error.code === 'internal') throw error;
  }
}

/** As it stands in a blob. */
export const chunkTableTarget: FuzzTarget = {
  name: 'chunk-table',
  runs: 1000,
  input: mutated([ownTable, nydusTable]),
  allows: ['malformed', 'unsupported', 'limit'],
  run(input) {
    readAll(parseCompressionTable(input));
  },
};

/** As nydusd keeps it beside its cache, with zran contexts. */
export const cachedChunkTableTarget: FuzzTarget = {
  name: 'cached-chunk-table',
  runs: 500,
  input: mutated([nydusTable, zranTable]),
  allows: ['malformed', 'unsupported', 'limit'],
  run(input) {
    readAll(parseCachedCompressionTable(input));
  },
};

export const tableOfContentsTarget: FuzzTarget = {
  name: 'table-of-contents',
  runs: 1500,
  input: mutated([own.file.subarray(-TOC_TAIL_BYTES), nydusBlob.subarray(-TOC_TAIL_BYTES)]),
  allows: ['malformed'],
  run(input) {
    parseBlobToc(input);
  },
};
