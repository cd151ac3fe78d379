// One 512-byte header block of a tar archive, in any of the dialects that layers come in: old v7, POSIX ustar, star,
// GNU. Only decoding; what the fields mean for the entry is decided in tar-reader.ts.
// Sources: POSIX pax (ustar interchange format), the GNU tar manual ("Basic Tar Format"), and for what is tolerated
// the behaviour of Go's archive/tar, through which containerd and Docker see the same layers.

import { ShoalError } from '../core/index.ts';

export const TAR_BLOCK_BYTES = 512;

/** Type flags by name. Everything else is refused by name in tar-reader.ts. */
export const TYPE = {
  oldFile: 0x00,
  file: 0x30, // '0'
  hardlink: 0x31,
  symlink: 0x32,
  char: 0x33,
  block: 0x34,
  directory: 0x35,
  fifo: 0x36,
  contiguous: 0x37, // '7': a file on systems that have no contiguous files
  dumpDirectory: 0x44, // 'D': a directory with GNU's list of names as data
  longLink: 0x4b, // 'K'
  longName: 0x4c, // 'L'
  gnuSparse: 0x53, // 'S'
  volumeLabel: 0x56, // 'V'
  solarisPax: 0x58, // 'X'
  paxGlobal: 0x67, // 'g'
  pax: 0x78, // 'x'
} as const;

export interface TarHeader {
  readonly type: number;
  /** Byte strings. */
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow, before pax overrides it. */
  readonly size: number;
  /** Seconds since 1970, may be negative. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/** True when all 512 bytes are zero: two such blocks end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block.compare(ZERO_BLOCK) === 0;
}

/**
 * Decodes a header block. `at` is its offset in the archive, for messages. Throws `malformed` for a wrong checksum, a
 * field that is no number, or a number that cannot be (negative sizes, ids beyond 32 bits).
 */
export function parseTarHeader(block: Buffer, at: number): TarHeader {
  checkSum(block, at);
  const dialect = dialectOf(block);
  const type = block[TYPE_OFFSET] ?? 0;
  const hasDevice = dialect !== 'v7' && (type === TYPE.char || type === TYPE.block);
  return {
    type,
    name: nameOf(block, dialect),
    linkName: text(block, 157, 100),
    mode: number(block, 100, 8, { what: 'mode', at, max: MAX_U32 }),
    uid: number(block, 108, 8, { what: 'uid', at, max: MAX_U32 }),
    gid: number(block, 116, 8, { what: 'gid', at, max: MAX_U32 }),
    size: number(block, 124, 12, { what: 'size', at, max: Number.MAX_SAFE_INTEGER }),
    mtime: number(block, 136, 12, { what: 'mtime', at, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
    major: hasDevice ? number(block, 329, 8, { what: 'device major', at, max: MAX_MAJOR }) : 0,
    minor: hasDevice ? number(block, 337, 8, { what: 'device minor', at, max: MAX_MINOR }) : 0,
  };
}

/** Decodes a numeric field of a GNU sparse header: octal or base-256, not negative. */
export function sparseNumber(block: Buffer, start: number, at: number): number {
  return number(block, start, 12, { what: 'sparse map entry', at, max: Number.MAX_SAFE_INTEGER });
}

const TYPE_OFFSET = 156;
const CHECKSUM_START = 148;
const CHECKSUM_END = 156;
const ZERO_BLOCK = Buffer.alloc(TAR_BLOCK_BYTES);
const MAX_U32 = 0xffff_ffff;
/** Linux has 12 bits of major and 20 bits of minor number; mknod refuses more. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

const SPACE = 0x20;
const ZERO_DIGIT = 0x30;

type Dialect = 'v7' | 'ustar' | 'star' | 'gnu';

function dialectOf(block: Buffer): Dialect {
  const magic = block.toString('latin1', 257, 265);
  if (magic.startsWith('ustar\0')) return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar';
  return magic === 'ustar  \0' ? 'gnu' : 'v7';
}

/** POSIX splits long names at a slash into a prefix and a name; GNU keeps other things where the prefix would be. */
function nameOf(block: Buffer, dialect: Dialect): string {
  const name = text(block, 0, 100);
  if (dialect !== 'ustar' && dialect !== 'star') return name;
  const prefix = text(block, 345, dialect === 'star' ? 131 : 155);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function text(block: Buffer, start: number, length: number): string {
  const nul = block.indexOf(0, start);
  return block.toString('latin1', start, nul === -1 || nul > start + length ? start + length : nul);
}

/** The sum of all bytes with the checksum field taken as spaces; some old tars summed signed bytes. */
function checkSum(block: Buffer, at: number): void {
  let unsigned = (CHECKSUM_END - CHECKSUM_START) * SPACE;
  let negatives = 0;
  // Every file has a header, and this is most of what is done with it: no branch in the loop.
  for (let i = 0; i < TAR_BLOCK_BYTES; i++) {
    const byte = block[i] ?? 0;
    unsigned += byte;
    negatives += byte >>> 7;
  }
  for (let i = CHECKSUM_START; i < CHECKSUM_END; i++) {
    const byte = block[i] ?? 0;
    unsigned -= byte;
    negatives -= byte >>> 7;
  }
  const expected = number(block, CHECKSUM_START, 8, { what: 'checksum', at, max: MAX_U32 });
  if (expected === unsigned || expected === unsigned - 256 * negatives) return;
  throw new ShoalError(
    'malformed',
    `tar header at byte ${at}: the checksum field says ${expected}, the bytes sum up to ${unsigned}`,
  );
}

interface NumberField {
  readonly what: string;
  readonly at: number;
  readonly min?: number;
  readonly max: number;
}

function number(block: Buffer, start: number, length: number, field: NumberField): number {
  const isBinary = ((block[start] ?? 0) & 0x80) !== 0;
  const value = isBinary ? base256(block, start, length) : octal(block, start, length);
  if (value >= (field.min ?? 0) && value <= field.max) return value;
  const raw = JSON.stringify(block.toString('latin1', start, start + length));
  throw new ShoalError('malformed', `tar header at byte ${field.at}: ${field.what} is no possible number: ${raw}`);
}

/**
 * Digits, with spaces before and a space or NUL (or the end of the field) behind. An empty field is 0, as everywhere.
 * Anything else is NaN, which fits in no range.
 */
function octal(block: Buffer, start: number, length: number): number {
  const end = start + length;
  let at = start;
  while (at < end && (block[at] === SPACE || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - ZERO_DIGIT;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  const stop = at < end ? block[at] : 0;
  return stop === 0 || stop === SPACE ? value : Number.NaN;
}

/** Two's complement, big-endian; the top bit only marks the encoding, the next one is the sign. */
function base256(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  const isNegative = (first & 0x40) !== 0;
  const flip = isNegative ? 0xff : 0;
  let value = (first ^ flip) & 0x7f;
  for (let i = 1; i < length; i++) value = value * 256 + ((block[start + i] ?? 0) ^ flip);
  return isNegative ? -value - 1 : value;
}
