// The converter's numbers: defaults, limits, and why these.

import { availableParallelism } from 'node:os';
import { ShoalError } from '../core/index.ts';
import type { TarLimits } from './tar-entry.ts';

const KIB = 1 << 10;
const MIB = 1 << 20;

/**
 * Size of a chunk, bytes. The format's own default. Twice as much makes a random read fetch and unpack twice as much;
 * half doubles the number of requests and digests.
 */
export const DEFAULT_CHUNK_SIZE = MIB;
export const MIN_CHUNK_SIZE = 4 * KIB;
export const MAX_CHUNK_SIZE = 16 * MIB;

/** zstd level. 3 is zstd's own default: about gzip's ratio at several times its speed; 6 costs double for 3 % less. */
export const DEFAULT_COMPRESSION_LEVEL = 3;
export const MIN_COMPRESSION_LEVEL = 1;
export const MAX_COMPRESSION_LEVEL = 19;

/** Whose media types the target's documents have. */
export type TargetFormat = 'oci' | 'docker';

/** What a caller may choose; the result depends on the chunk size and the level only. */
export interface ConvertSettings {
  /** Threads that compress. Default: one for each core. */
  readonly workers?: number | undefined;
  /** Bytes, a power of two. */
  readonly chunkSize?: number | undefined;
  /** zstd level. */
  readonly level?: number | undefined;
  /** How many times its compressed size a layer may unpack to; see `RATIO_MATTERS_FROM`. */
  readonly maxRatio?: number | undefined;
  /** How many bytes all layers may unpack to. */
  readonly maxUnpackedBytes?: number | undefined;
}

export interface CheckedSettings {
  readonly workers: number;
  readonly chunkSize: number;
  readonly level: number;
  readonly maxRatio: number;
  readonly maxUnpackedBytes: number;
}

/** The settings with defaults filled in. Throws `usage`, naming the value and the allowed range. */
export function checkedSettings(settings: ConvertSettings): CheckedSettings {
  const chunkSize = settings.chunkSize ?? DEFAULT_CHUNK_SIZE;
  const workers = settings.workers ?? defaultWorkers();
  const level = settings.level ?? DEFAULT_COMPRESSION_LEVEL;
  const maxRatio = settings.maxRatio ?? DEFAULT_MAX_RATIO;
  const maxUnpackedBytes = settings.maxUnpackedBytes ?? DEFAULT_MAX_UNPACKED_BYTES;
  checkRange('chunk size', chunkSize, MIN_CHUNK_SIZE, MAX_CHUNK_SIZE);
  if (!Number.isInteger(Math.log2(chunkSize)))
    throw new ShoalError('usage', `chunk size ${chunkSize}: no power of two`);
  checkRange('number of workers', workers, 1, MAX_WORKERS);
  checkRange('compression level', level, MIN_COMPRESSION_LEVEL, MAX_COMPRESSION_LEVEL);
  checkRange('largest ratio', maxRatio, 1, Number.MAX_SAFE_INTEGER);
  checkRange('most unpacked bytes', maxUnpackedBytes, 1, Number.MAX_SAFE_INTEGER);
  return { workers, chunkSize, level, maxRatio, maxUnpackedBytes };
}

function checkRange(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new ShoalError('usage', `${what} ${value}: expected a whole number from ${min} to ${max}`);
}

/** Threads that compress. Decompression, parsing and digests take about one core beside them. */
export function defaultWorkers(): number {
  return Math.min(availableParallelism(), MAX_WORKERS);
}

/** One layer is unpacked by one thread, which feeds no more compressors than this. */
export const MAX_WORKERS = 16;

/**
 * Bytes of file content that travel between threads at once. A message costs some 20 microseconds, compressing a slab
 * some 10 milliseconds. At least two chunks, so that one chunk's end does not flush a half-empty slab.
 */
export function slabBytes(chunkSize: number): number {
  return Math.max(2 * MIB, 2 * chunkSize);
}

/** Two slabs for each compressor (one in work, one waiting), one being filled, one being written. */
export function slabCount(workers: number): number {
  return 2 * workers + 2;
}

/** Compressed layer bytes go to the layer thread in buffers of this size, and this many are under way at most. */
export const INPUT_BUFFER_BYTES = 256 * KIB;
export const INPUT_BUFFER_COUNT = 8;

/** Output of one decompression step. zlib's default of 16 KiB halves the speed. */
export const UNPACK_BUFFER_BYTES = 256 * KIB;
/** How far decompression, in a thread of its own, runs ahead of parsing, bytes. */
export const UNPACK_AHEAD_BYTES = MIB;

/**
 * Young generation of a thread's heap, MiB. Buffers that zlib made are freed when it is collected; with V8's default of
 * 48 each thread keeps 70 MB of dead ones.
 */
export const THREAD_YOUNG_GENERATION_MB = 3;

/** Blobs that are pushed at once, while later layers are converted. */
export const UPLOADS_AT_ONCE = 2;

/**
 * gzip level of the bootstrap layer. Everyone waits for it at the end, and half of it are digests, which do not shrink:
 * with 100 000 files level 9 takes 3.8 s instead of 0.3 s for 0.4 % fewer bytes.
 */
export const BOOTSTRAP_GZIP_LEVEL = 6;

/**
 * A layer may unpack to this many times its compressed size. File systems reach 2 to 10; gzip's end is at 1032, a file of
 * zeros, and zstd has none to speak of. Only layers that become larger than `RATIO_MATTERS_FROM` are measured: until then
 * zeros cost seconds.
 */
export const DEFAULT_MAX_RATIO = 200;
export const RATIO_MATTERS_FROM = 1024 * MIB;
/** All layers together: ten times the largest images there are, and some hours of work. */
export const DEFAULT_MAX_UNPACKED_BYTES = 2 ** 40;

/** What hostile archives must not exceed. */
export const TAR_LIMITS: TarLimits = {
  extendedHeaderBytes: MIB,
  // PATH_MAX and the longest target of a symbolic link on Linux, without the NUL.
  pathBytes: 4095,
  targetBytes: 4095,
  fileBytes: 2 ** 40,
  // What an inode can hold is 256 KiB with a little of its own for each attribute.
  xattrBytes: 192 * KIB,
};

/** Entries of all layers. One takes about 700 bytes of memory here; Linux distributions have some 100 000. */
export const MAX_ENTRIES = 2_000_000;

/**
 * Paths, link targets and extended attributes of all entries, bytes: they are held for the whole conversion. A path has
 * some 80 bytes, an SELinux label 50; without the bound a gzip of zeros could fill the memory with attributes.
 */
export const MAX_METADATA_BYTES = 256 * MIB;

/**
 * Directories that no layer lists but paths go through, over all layers. Builders list them; one path of 4 KiB can name
 * two thousand, so without the bound a few kilobytes of tar would take gigabytes here.
 */
export const MAX_IMPLICIT_DIRECTORIES = 100_000;

/**
 * References from files to chunks, 8 bytes each in memory and in the bootstrap: 16 TiB of files in chunks of 1 MiB.
 * Without the bound a few kilobytes of sparse headers could claim petabytes.
 */
export const MAX_CHUNK_REFERENCES = 1 << 24;

/** A blob's position must fit into one byte of a chunk's address, with 0 for "none" (nydus.md §1.14). */
export const MAX_BLOBS = 254;
