// pax extended headers: `LENGTH KEY=VALUE\n` records that override or extend the header that follows them. Values are
// bytes: extended attributes are binary and paths may be in any encoding, so nothing is decoded as UTF-8.
// Sources: POSIX pax ("pax Extended Header"), the GNU tar manual (GNU.sparse.*), star (SCHILY.xattr.*), libarchive
// (LIBARCHIVE.xattr.*).

import { ShoalError } from '../core/index.ts';
import { joinSparsePairs, type PaxSparse, parseSparseMapText } from './sparse.ts';

/** What Shoal uses of an extended header. Absent fields leave the header's own value. */
export interface PaxRecords {
  /** Byte strings. */
  path?: string;
  linkPath?: string;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: PaxTime;
  /** By full name (byte string), in the order of the archive. */
  xattrs?: Map<string, Uint8Array>;
  sparse?: PaxSparse;
  /** True when it holds anything besides a comment. */
  isMeaningful: boolean;
}

export interface PaxTime {
  /** Whole seconds, rounded down, and 0..999_999_999 nanoseconds on top. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

/**
 * Parses the body of one extended header. `at` is the body's offset in the archive, for messages. Xattr values are
 * copies. Throws `malformed` for records that break the grammar and for values that cannot be.
 */
export function parsePax(body: Buffer, at: number): PaxRecords {
  const state: ParseState = { records: { isMeaningful: false }, sparse: {}, pairs: [], at };
  let start = 0;
  while (start < body.length) {
    const end = recordEnd(body, start, at);
    const space = body.indexOf(SPACE, start);
    const equals = body.indexOf(EQUALS, space);
    if (equals === -1 || equals >= end) throw malformed(at + start, 'pax record without "="');
    applyRecord(state, body.toString('latin1', space + 1, equals), body.subarray(equals + 1, end - 1));
    start = end;
  }
  if (state.pairs.length > 0) state.sparse.map = joinSparsePairs(state.pairs, at);
  if (Object.keys(state.sparse).length > 0) state.records.sparse = state.sparse;
  return state.records;
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const ZERO_DIGIT = 0x30;
/** A record's length has as many digits as the 1 MiB bound of a header needs, and then some. */
const MAX_LENGTH_DIGITS = 10;
const MAX_ID = 0xffff_ffff;

interface ParseState {
  readonly records: PaxRecords;
  readonly sparse: PaxSparse;
  /** Values of GNU.sparse.offset and .numbytes (format 0.0), alternating. */
  readonly pairs: number[];
  readonly at: number;
}

function recordEnd(body: Buffer, start: number, at: number): number {
  let length = 0;
  let digits = start;
  for (; digits < start + MAX_LENGTH_DIGITS; digits++) {
    const digit = (body[digits] ?? 0) - ZERO_DIGIT;
    if (digit < 0 || digit > 9) break;
    length = length * 10 + digit;
  }
  const end = start + length;
  if (digits === start || body[digits] !== SPACE || end > body.length || end <= digits + 1) {
    throw malformed(at + start, 'pax record with a wrong length');
  }
  if (body[end - 1] !== NEWLINE) throw malformed(at + start, 'pax record that does not end in a newline');
  return end;
}

const SCHILY_XATTR = 'SCHILY.xattr.';
const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.';

/** An empty value takes a record back: the header's own field counts. For xattrs it is a value like any other. */
function applyRecord(state: ParseState, key: string, value: Buffer): void {
  const { records, at } = state;
  if (key === 'comment') return;
  records.isMeaningful = true;
  if (key.startsWith(SCHILY_XATTR)) {
    setXattr(records, key.slice(SCHILY_XATTR.length), Uint8Array.from(value), at);
  } else if (key.startsWith(LIBARCHIVE_XATTR)) {
    // bsdtar writes both forms; the raw one is taken, whichever comes first.
    const name = percentDecoded(key.slice(LIBARCHIVE_XATTR.length));
    const bytes = Uint8Array.from(Buffer.from(value.toString('latin1'), 'base64'));
    if (!records.xattrs?.has(name)) setXattr(records, name, bytes, at);
  } else if (key.startsWith('GNU.sparse.')) {
    applySparseRecord(state, key.slice('GNU.sparse.'.length), value);
  } else {
    applyField(records, key, value, at);
  }
}

function applyField(records: PaxRecords, key: string, value: Buffer, at: number): void {
  const isEmpty = value.length === 0;
  switch (key) {
    case 'path':
      if (isEmpty) delete records.path;
      else records.path = pathValue(key, value, at);
      break;
    case 'linkpath':
      if (isEmpty) delete records.linkPath;
      else records.linkPath = pathValue(key, value, at);
      break;
    case 'size':
    case 'uid':
    case 'gid':
      if (isEmpty) delete records[key];
      else records[key] = decimal(key, value, at, key === 'size' ? Number.MAX_SAFE_INTEGER : MAX_ID);
      break;
    case 'mtime':
      if (isEmpty) delete records.mtime;
      else records.mtime = time(value, at);
      break;
    default: // uname, gname, atime, ctime, hdrcharset, vendor keys: an image has no place for them.
  }
}

function applySparseRecord(state: ParseState, key: string, value: Buffer): void {
  const { sparse, pairs, at } = state;
  const whole = () => decimal(`GNU.sparse.${key}`, value, at, Number.MAX_SAFE_INTEGER);
  switch (key) {
    case 'major':
      sparse.major = whole();
      break;
    case 'minor':
      sparse.minor = whole();
      break;
    case 'name':
      sparse.name = pathValue('GNU.sparse.name', value, at);
      break;
    case 'size':
    case 'realsize':
      sparse.realSize = whole();
      break;
    case 'map':
      sparse.map = parseSparseMapText(value.toString('latin1'), at);
      break;
    case 'offset':
    case 'numbytes': {
      const isOffset = pairs.length % 2 === 0;
      if (isOffset !== (key === 'offset')) throw malformed(at, `GNU.sparse.${key} out of order`);
      pairs.push(whole());
      break;
    }
    default: // numblocks: the pairs themselves are counted.
  }
}

function setXattr(records: PaxRecords, name: string, value: Uint8Array, at: number): void {
  if (name === '' || name.includes('\0')) throw malformed(at, `xattr name ${JSON.stringify(name.slice(0, 300))}`);
  records.xattrs ??= new Map();
  records.xattrs.set(name, value);
}

function pathValue(key: string, value: Buffer, at: number): string {
  if (value.includes(0)) throw malformed(at, `pax ${key} with a NUL byte`);
  return value.toString('latin1');
}

function decimal(key: string, value: Buffer, at: number, max: number): number {
  const digits = value.toString('latin1');
  const parsed = /^[0-9]{1,20}$/.test(digits) ? Number(digits) : Number.NaN;
  if (parsed <= max) return parsed;
  throw malformed(at, `pax ${key} is no possible number: ${JSON.stringify(digits.slice(0, 40))}`);
}

/** Decimal seconds with any number of digits behind the point; digits beyond nanoseconds are cut off. */
function time(value: Buffer, at: number): PaxTime {
  const match = /^(-?)([0-9]{1,16})(?:\.([0-9]*))?$/.exec(value.toString('latin1'));
  const whole = Number(match?.[2]);
  if (!match || !Number.isSafeInteger(whole)) {
    throw malformed(at, `pax mtime is no time: ${JSON.stringify(value.toString('latin1', 0, 40))}`);
  }
  const nanoseconds = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return { seconds: whole, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - whole, nanoseconds: 0 }
    : { seconds: -whole - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

function percentDecoded(name: string): string {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function malformed(at: number, what: string): ShoalError {
  return new ShoalError('malformed', `tar extended header at byte ${at}: ${what}`);
}
