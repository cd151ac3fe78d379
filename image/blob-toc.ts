// The table of contents at the end of a blob (docs/image-format.md §12; nydus.md §1.21, §1.24): entries of 128 bytes, then
// a tar header. Every section of a blob is *followed* by such a header, so the file reads as a tar from its end.

import { byteString, readU64, writeByteString, writeI64 } from './fields.ts';
import { malformed } from './refusals.ts';

/** Size of the tar header that follows each section of a blob, bytes. */
export const SECTION_HEADER_BYTES = 512;
/** Name of the last section. */
export const TOC_SECTION = 'rafs.blob.toc';

/** One section of a blob. Bytes. */
export interface TocEntry {
  /** `image.blob`, `blob.meta`, `blob.meta.header`, `blob.digest`, `image.boot`. */
  readonly name: string;
  readonly packing: 'none' | 'zstd' | 'lz4';
  /**
   * sha256 of the unpacked section, 32 bytes; for `image.blob` of the chunk data **and the header that follows it**.
   */
  readonly digest: Uint8Array;
  /** Where the section starts; for `image.blob`, which starts at 0, where it ends. */
  readonly offset: number;
  readonly storedSize: number;
  readonly uncompressedSize: number;
}

const ENTRY_BYTES = 128;
const NAME_AT = 8;
const NAME_BYTES = 16;
const PACKINGS = [
  [1, 'none'],
  [2, 'zstd'],
  [4, 'lz4'],
] as const;

/** Bytes from the end of a blob that hold any table of contents; reading them is one request. */
export const TOC_TAIL_BYTES = 4096;

/**
 * The entries, from the last bytes of a blob (as many as there are, up to `TOC_TAIL_BYTES`). Digests are copies.
 * Throws `malformed` when there is no table. What old writers leave in reserved bytes is ignored (nydus.md §1.36).
 */
export function parseBlobToc(tail: Uint8Array): readonly TocEntry[] {
  const headerAt = tail.length - SECTION_HEADER_BYTES;
  if (headerAt < 0) throw malformed(`blob of ${tail.length} bytes; a table of contents ends with 512`);
  const header = parseSectionHeader(tail.subarray(headerAt));
  if (header.name !== TOC_SECTION)
    throw malformed(`blob ends with ${JSON.stringify(header.name)}; expected ${TOC_SECTION}`);
  if (header.size % ENTRY_BYTES !== 0 || header.size > headerAt) {
    throw malformed(`blob table of contents of ${header.size} bytes; expected a multiple of 128, at most ${headerAt}`);
  }
  const start = headerAt - header.size;
  return Array.from({ length: header.size / ENTRY_BYTES }, (_, index) => parseEntry(tail, start + index * ENTRY_BYTES));
}

function parseEntry(bytes: Uint8Array, at: number): TocEntry {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, ENTRY_BYTES);
  const flags = view.getUint32(0, true);
  const packing = PACKINGS.find(([bit]) => bit === flags);
  if (packing === undefined) throw malformed(`blob table of contents: an entry with the flags ${flags}`);
  return {
    name: byteString(bytes, at + NAME_AT, at + NAME_AT + NAME_BYTES).replace(/\0.*$/s, ''),
    packing: packing[1],
    digest: bytes.slice(at + 24, at + 56),
    offset: readU64(view, 56, 'a section offset'),
    storedSize: readU64(view, 64, 'a section size'),
    uncompressedSize: readU64(view, 72, 'a section size'),
  };
}

/** The entries and the header that follows them. Reserved bytes are 0. */
export function encodeBlobToc(entries: readonly TocEntry[]): Uint8Array<ArrayBuffer> {
  const size = entries.length * ENTRY_BYTES;
  const bytes = new Uint8Array(size + SECTION_HEADER_BYTES);
  entries.forEach((entry, index) => {
    const at = index * ENTRY_BYTES;
    const view = new DataView(bytes.buffer, at, ENTRY_BYTES);
    view.setUint32(0, PACKINGS.find(([, name]) => name === entry.packing)?.[0] ?? 0, true);
    writeByteString(bytes, at + NAME_AT, entry.name);
    bytes.set(entry.digest, at + 24);
    writeI64(view, 56, entry.offset);
    writeI64(view, 64, entry.storedSize);
    writeI64(view, 72, entry.uncompressedSize);
  });
  bytes.set(encodeSectionHeader(TOC_SECTION, size), size);
  return bytes;
}

// Fields of a tar header; all others stay 0 (nydus.md §1.21).
const SIZE_AT = 124;
const SIZE_DIGITS = 11;
const MTIME_AT = 136;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const TYPE_AT = 156;
const MAGIC_AT = 257;
const GNU_MAGIC = 'ustar  \0';
/** From here on a size no longer fits its octal digits and is written in base 256, as GNU tar does. */
const OCTAL_LIMIT = 8 ** SIZE_DIGITS;

/** The tar header that follows a section of `size` bytes. */
export function encodeSectionHeader(name: string, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SECTION_HEADER_BYTES);
  writeByteString(bytes, 0, name);
  if (size < OCTAL_LIMIT) {
    writeByteString(bytes, SIZE_AT, size.toString(8).padStart(SIZE_DIGITS, '0'));
  } else {
    const view = new DataView(bytes.buffer);
    view.setUint8(SIZE_AT, 0x80);
    view.setUint32(SIZE_AT + 4, Math.floor(size / 2 ** 32));
    view.setUint32(SIZE_AT + 8, size % 2 ** 32);
  }
  writeByteString(bytes, MTIME_AT, '00000000000');
  writeByteString(bytes, TYPE_AT, '0');
  writeByteString(bytes, MAGIC_AT, GNU_MAGIC);
  const checksum = bytes.reduce((sum, byte) => sum + byte, CHECKSUM_BYTES * 0x20);
  writeByteString(bytes, CHECKSUM_AT, checksum.toString(8).padStart(CHECKSUM_BYTES - 1, '0'));
  return bytes;
}

/** Name and size of a section from the header that follows it. Throws `malformed`. */
export function parseSectionHeader(bytes: Uint8Array): { readonly name: string; readonly size: number } {
  if (bytes.length !== SECTION_HEADER_BYTES || byteString(bytes, MAGIC_AT, MAGIC_AT + 5) !== 'ustar') {
    throw malformed('blob section without the tar header that should follow it');
  }
  const name = byteString(bytes, 0, 100).replace(/\0.*$/s, '');
  const digits = byteString(bytes, SIZE_AT, SIZE_AT + SIZE_DIGITS);
  if (/^[0-7]{11}$/.test(digits)) return { name, size: Number.parseInt(digits, 8) };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(SIZE_AT) !== 0x8000_0000) throw malformed(`blob section ${JSON.stringify(name)} without a size`);
  const high = view.getUint32(SIZE_AT + 4);
  if (high > 0x1f_ffff) throw malformed(`blob section ${JSON.stringify(name)}: its size is beyond 2^53`);
  return { name, size: high * 2 ** 32 + view.getUint32(SIZE_AT + 8) };
}
