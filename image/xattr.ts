// Extended attributes, which stand between an inode and its data (docs/image-format.md §9; nydus.md §1.16).

import { ShoalError } from '../core/index.ts';
import { alignUp, byteString, isPlainByteString, writeByteString } from './fields.ts';
import type { InodeCursor } from './inode.ts';
import * as layout from './layout.ts';
import { malformed, unsupported } from './refusals.ts';

/** The namespaces of the format by index. The two ACL names are complete: nothing follows them. */
const PREFIXES: ReadonlyMap<number, string> = new Map([
  [1, 'user.'],
  [2, 'system.posix_acl_access'],
  [3, 'system.posix_acl_default'],
  [4, 'trusted.'],
  [6, 'security.'],
]);
const COMPLETE_INDEXES: ReadonlySet<number> = new Set([2, 3]);

/** All attributes of the inode that the cursor stands on. Values are views on `bytes`. Throws `malformed`. */
export function readXattrs(bytes: Uint8Array, view: DataView, inode: InodeCursor): Map<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  if (inode.xattrBytes === 0) return xattrs;
  const { nid, bodyOffset } = inode;
  // Shared attributes would lie at xattr_blkaddr, which must be 0.
  if (view.getUint8(inode.xattrOffset + 4) !== 0) throw unsupported(`inode ${nid} has shared extended attributes`);
  let at = inode.xattrOffset + layout.XATTR_HEADER_BYTES;
  while (at < bodyOffset) {
    const nameLength = view.getUint8(at);
    const index = view.getUint8(at + 1);
    const valueStart = at + layout.XATTR_ENTRY_BYTES + nameLength;
    const end = valueStart + view.getUint16(at + 2, true);
    if (end > bodyOffset) throw malformed(`inode ${nid}: an extended attribute ends outside their area`);
    const prefix = PREFIXES.get(index);
    if (prefix === undefined) throw malformed(`inode ${nid}: an extended attribute of the unknown namespace ${index}`);
    const name = prefix + byteString(bytes, valueStart - nameLength, valueStart);
    if (!isWritableXattr(name)) throw malformed(`inode ${nid}: the extended attribute name ${JSON.stringify(name)}`);
    if (xattrs.has(name)) throw malformed(`inode ${nid} has the extended attribute ${JSON.stringify(name)} twice`);
    xattrs.set(name, bytes.subarray(valueStart, end));
    at = alignUp(end, layout.XATTR_ENTRY_BYTES);
  }
  return xattrs;
}

const TRUSTED_INDEX = 4;
const OVERLAY_NAME = Buffer.from('overlay.');

/**
 * Whether there may be an attribute `trusted.overlay.*` anywhere in a bootstrap, wherever the kernel would look for it: an
 * overlayfs on top would obey it. One pass over the bytes, at the speed of memory. Bytes that only look like one count, too.
 */
export function hasOverlayXattrs(bootstrap: Uint8Array): boolean {
  const bytes = Buffer.from(bootstrap.buffer, bootstrap.byteOffset, bootstrap.byteLength);
  for (let at = bytes.indexOf(OVERLAY_NAME); at >= 0; at = bytes.indexOf(OVERLAY_NAME, at + 1)) {
    const entry = at - layout.XATTR_ENTRY_BYTES;
    const isEntry = entry >= 0 && entry % layout.XATTR_ENTRY_BYTES === 0 && bytes[entry + 1] === TRUSTED_INDEX;
    if (isEntry && (bytes[entry] ?? 0) >= OVERLAY_NAME.length) return true;
  }
  return false;
}

/** Whether the format can hold an attribute of this full name: one of the five namespaces, at most 255 bytes more. */
export function isWritableXattr(name: string): boolean {
  const found = split(name);
  return found !== undefined && found.suffix.length <= layout.MAX_XATTR_NAME_BYTES && isPlainByteString(found.suffix);
}

interface SplitName {
  readonly index: number;
  readonly suffix: string;
}

function split(name: string): SplitName | undefined {
  for (const [index, prefix] of PREFIXES) {
    if (COMPLETE_INDEXES.has(index)) {
      if (name === prefix) return { index, suffix: '' };
    } else if (name.length > prefix.length && name.startsWith(prefix)) {
      return { index, suffix: name.slice(prefix.length) };
    }
  }
  return undefined;
}

/** An attribute on its way to the disk. */
export interface EncodedXattr extends SplitName {
  readonly value: Uint8Array;
}

const NONE: readonly EncodedXattr[] = [];

/**
 * The attributes in the order they are written in: by namespace, then by name. Throws `unsupported` or `limit` for what
 * the format cannot hold; `path` is for the message.
 */
export function encodableXattrs(xattrs: ReadonlyMap<string, Uint8Array>, path: () => string): readonly EncodedXattr[] {
  if (xattrs.size === 0) return NONE;
  const encoded: EncodedXattr[] = [];
  for (const [name, value] of xattrs) {
    const found = split(name);
    if (found === undefined || !isWritableXattr(name)) {
      throw unsupported(`${path()}: extended attribute ${JSON.stringify(name)} cannot be stored`);
    }
    if (value.length > layout.MAX_XATTR_VALUE_BYTES) {
      throw new ShoalError('limit', `${path()}: extended attribute ${name} has ${value.length} bytes; at most 65535`);
    }
    encoded.push({ ...found, value });
  }
  if (xattrUnits(xattrAreaBytes(encoded)) > layout.MAX_XATTR_COUNT) {
    throw new ShoalError('limit', `${path()}: extended attributes of more than 256 KiB`);
  }
  return encoded.sort((a, b) => a.index - b.index || (a.suffix < b.suffix ? -1 : 1));
}

/** Bytes that the attributes take after the inode. */
export function xattrAreaBytes(xattrs: readonly EncodedXattr[]): number {
  if (xattrs.length === 0) return 0;
  return xattrs.reduce((sum, xattr) => sum + entryBytes(xattr), layout.XATTR_HEADER_BYTES);
}

/** What `xattr_icount` says for an area of this size. */
export function xattrUnits(areaBytes: number): number {
  return areaBytes === 0 ? 0 : (areaBytes - layout.XATTR_HEADER_BYTES) / layout.XATTR_ENTRY_BYTES + 1;
}

/** Writes the area; its header stays 0. */
export function writeXattrs(bytes: Uint8Array, at: number, xattrs: readonly EncodedXattr[]): void {
  let next = at + layout.XATTR_HEADER_BYTES;
  for (const { index, suffix, value } of xattrs) {
    bytes[next] = suffix.length;
    bytes[next + 1] = index;
    bytes[next + 2] = value.length & 0xff;
    bytes[next + 3] = value.length >> 8;
    writeByteString(bytes, next + layout.XATTR_ENTRY_BYTES, suffix);
    bytes.set(value, next + layout.XATTR_ENTRY_BYTES + suffix.length);
    next += alignUp(layout.XATTR_ENTRY_BYTES + suffix.length + value.length, layout.XATTR_ENTRY_BYTES);
  }
}

function entryBytes({ suffix, value }: EncodedXattr): number {
  return alignUp(layout.XATTR_ENTRY_BYTES + suffix.length + value.length, layout.XATTR_ENTRY_BYTES);
}
