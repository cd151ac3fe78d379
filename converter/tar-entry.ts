// What one entry of a tar archive says: its header together with the extended headers before it.

import { ShoalError } from '../core/index.ts';
import type { PaxRecords } from './pax.ts';
import { type TarHeader, TYPE } from './tar-header.ts';

export type TarEntryKind = 'file' | 'directory' | 'hardlink' | 'symlink' | 'char' | 'block' | 'fifo';

/** One entry, plain data that survives a structured clone. Path and target are byte strings as the archive has them. */
export interface TarEntry {
  readonly kind: TarEntryKind;
  readonly path: string;
  /** Of symbolic and hard links; '' otherwise. */
  readonly target: string;
  /** Permission bits: st_mode & 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content with holes filled in; 0 for everything but files. */
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly major: number;
  readonly minor: number;
  /** By full name (byte string); absent when there are none. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** What hostile archives must not exceed. Defaults in config.ts. */
export interface TarLimits {
  /** Bytes of one extended header. */
  readonly extendedHeaderBytes: number;
  /** Bytes of a path. */
  readonly pathBytes: number;
  /** Bytes of a link's target. */
  readonly targetBytes: number;
  /** Bytes of one file, holes included. */
  readonly fileBytes: number;
  /** Names and values of one entry's extended attributes, bytes. */
  readonly xattrBytes: number;
}

/** What the extended headers in front of an entry said. GNU's long names win over pax, as in every reader. */
export interface Extensions {
  pax?: PaxRecords;
  longName?: string;
  longLink?: string;
}

/**
 * The entry of a header at offset `at`, checked against the limits. Undefined for members that are no files (a volume
 * label). Throws `malformed`, `limit`, or `unsupported` for types that no container runtime unpacks.
 */
export function tarEntryOf(
  header: TarHeader,
  extensions: Extensions,
  limits: TarLimits,
  at: number,
): TarEntry | undefined {
  if (header.type === TYPE.volumeLabel) return undefined;
  const { pax } = extensions;
  const path = extensions.longName ?? pax?.sparse?.name ?? pax?.path ?? header.name;
  if (path.length > limits.pathBytes) throw limitError(at, `a path of ${path.length} bytes`, limits.pathBytes);
  const kind = kindOf(header.type, path, at);
  const target = kind === 'symlink' || kind === 'hardlink' ? targetOf(header, extensions, limits, at) : '';
  const xattrs = checkedXattrs(pax, limits, at);
  return {
    kind,
    path,
    target,
    mode: header.mode & 0o7777,
    uid: pax?.uid ?? header.uid,
    gid: pax?.gid ?? header.gid,
    size: kind === 'file' ? checkedSize(pax?.sparse?.realSize ?? pax?.size ?? header.size, limits, at) : 0,
    mtimeSeconds: pax?.mtime?.seconds ?? header.mtime,
    mtimeNanoseconds: pax?.mtime?.nanoseconds ?? 0,
    major: header.major,
    minor: header.minor,
    ...(xattrs && { xattrs }),
  };
}

export function checkedSize(size: number, limits: TarLimits, at: number): number {
  if (size > limits.fileBytes) throw limitError(at, `a file of ${size} bytes`, limits.fileBytes);
  return size;
}

export function limitError(at: number, found: string, limit: number): ShoalError {
  return new ShoalError('limit', `tar entry at byte ${at}: ${found}; at most ${limit} are accepted`);
}

const KINDS: ReadonlyMap<number, TarEntryKind> = new Map<number, TarEntryKind>([
  [TYPE.oldFile, 'file'],
  [TYPE.file, 'file'],
  [TYPE.contiguous, 'file'],
  [TYPE.gnuSparse, 'file'],
  [TYPE.hardlink, 'hardlink'],
  [TYPE.symlink, 'symlink'],
  [TYPE.char, 'char'],
  [TYPE.block, 'block'],
  [TYPE.directory, 'directory'],
  [TYPE.dumpDirectory, 'directory'],
  [TYPE.fifo, 'fifo'],
]);

/** Tars from before directories had a type of their own mark them by a slash at the end of the name. */
function kindOf(type: number, path: string, at: number): TarEntryKind {
  if (type === TYPE.oldFile && path.endsWith('/')) return 'directory';
  const kind = KINDS.get(type);
  if (kind) return kind;
  throw new ShoalError(
    'unsupported',
    `tar entry at byte ${at}: type ${JSON.stringify(String.fromCharCode(type))} of ${JSON.stringify(path.slice(0, 200))}`,
  );
}

function targetOf(header: TarHeader, extensions: Extensions, limits: TarLimits, at: number): string {
  const target = extensions.longLink ?? extensions.pax?.linkPath ?? header.linkName;
  if (target === '') throw new ShoalError('malformed', `tar entry at byte ${at}: a link without a target`);
  if (target.length > limits.targetBytes) {
    throw limitError(at, `a link target of ${target.length} bytes`, limits.targetBytes);
  }
  return target;
}

function checkedXattrs(
  pax: PaxRecords | undefined,
  limits: TarLimits,
  at: number,
): ReadonlyMap<string, Uint8Array> | undefined {
  const xattrs = pax?.xattrs;
  if (!xattrs) return undefined;
  let bytes = 0;
  for (const [name, value] of xattrs) bytes += name.length + value.length;
  if (bytes > limits.xattrBytes) throw limitError(at, `extended attributes of ${bytes} bytes`, limits.xattrBytes);
  return xattrs;
}
