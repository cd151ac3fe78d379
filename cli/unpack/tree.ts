// `unpack REF DIR`: the image's file tree as plain files. Two passes: first everything that is metadata (directories,
// links, empty files of the right length), then the blobs streamed once, each chunk written to every place that uses
// it; last the attributes that writing would have disturbed (owner, mode, xattrs, times), deepest directories first.

import { constants } from 'node:fs';
import { chmod, lchown, link, mkdir, open, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { type BlobLayout, type ChunkSource, fromSystemError } from '../../core/index.ts';
import type { BootstrapReader, InodeAttributes } from '../../image/index.ts';
import { walkTree } from '../../image/index.ts';
import { mknod, setModificationTime, setXattr } from '../syscalls.ts';
import { prepareEmptyDirectory } from './devices.ts';
import { fetchBlob } from './fetch-blob.ts';
import { writeFully } from './write-fully.ts';

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK } = constants;

/** One use of a chunk: this file holds the chunk's first `length` bytes at `offset`. */
interface Placement {
  readonly path: Buffer;
  readonly offset: number;
  readonly length: number;
}

interface Finishing {
  readonly path: Buffer;
  readonly attributes: InodeAttributes;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

export interface UnpackOptions {
  readonly signal: AbortSignal;
  /** Compressed bytes that arrived. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Writes into `directory`, which must be empty or not exist; on failure or abort it is emptied again, or
 * removed when it was made here. The walk refuses
 * names with `/`, every parent was made by us, and a repeated name fails because it exists: nothing is written outside. Needs root for owners and devices.
 */
export async function unpackTree(
  reader: BootstrapReader,
  blobs: readonly BlobLayout[],
  source: ChunkSource,
  directory: string,
  options: UnpackOptions,
): Promise<{ entries: number }> {
  const created = await prepareEmptyDirectory(directory);
  try {
    const skeleton = await makeSkeleton(reader, blobs, directory, options.signal);
    for (const [index, blob] of blobs.entries()) {
      await fillFiles(blob, source, skeleton.placements[index] ?? [], options);
    }
    // Deepest first: a directory's time is set after everything in it was made.
    for (const entry of skeleton.finishing.toReversed()) await finish(entry);
    return { entries: skeleton.entries };
  } catch (error) {
    await emptyDirectory(directory);
    if (created !== undefined) await rm(created, { recursive: true, force: true });
    throw fromSystemError(error, directory);
  }
}

/** Names as bytes: they need not be UTF-8. */
async function emptyDirectory(directory: string): Promise<void> {
  for (const name of await readdir(directory, { encoding: 'buffer' })) {
    await rm(Buffer.concat([Buffer.from(`${directory}/`), name]), { recursive: true, force: true });
  }
}

interface Skeleton {
  readonly entries: number;
  /** By blob, then by chunk. */
  readonly placements: Placement[][][];
  readonly finishing: Finishing[];
}

async function makeSkeleton(
  reader: BootstrapReader,
  blobs: readonly BlobLayout[],
  directory: string,
  signal: AbortSignal,
): Promise<Skeleton> {
  const placements: Placement[][][] = blobs.map(() => []);
  const finishing: Finishing[] = [];
  const firstPath = new Map<number, Buffer>();
  let entries = 0;
  for (const { path, nid, attributes } of walkTree(reader)) {
    signal.throwIfAborted();
    entries++;
    const at = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, 'latin1')]);
    const linked = firstPath.get(nid);
    if (linked) {
      await link(linked, at);
      continue;
    }
    // By inode, whatever its link count says: a hostile image may name one inode a million times.
    if ((attributes.mode & S_IFMT) !== S_IFDIR) firstPath.set(nid, at);
    if (path !== '') await makeEntry(reader, nid, attributes, at);
    if ((attributes.mode & S_IFMT) === S_IFREG) collectPlacements(reader, blobs, nid, attributes.size, at, placements);
    finishing.push({ path: at, attributes, xattrs: reader.xattrs(nid) });
  }
  return { entries, placements, finishing };
}

async function makeEntry(reader: BootstrapReader, nid: number, attributes: InodeAttributes, at: Buffer): Promise<void> {
  switch (attributes.mode & S_IFMT) {
    case S_IFDIR:
      return mkdir(at, 0o700).then(() => {});
    case S_IFREG:
      await writeFile(at, '', { flag: 'wx', mode: 0o600 });
      return attributes.size > 0 ? truncate(at, attributes.size) : undefined;
    case S_IFLNK:
      return symlink(Buffer.from(reader.readlink(nid)), at);
    default:
      return mknod(at, attributes.mode, attributes.rdev);
  }
}

function collectPlacements(
  reader: BootstrapReader,
  blobs: readonly BlobLayout[],
  nid: number,
  size: number,
  path: Buffer,
  placements: Placement[][][],
): void {
  let offset = 0;
  reader.extents(nid, 0, size, (blobIndex, chunkIndex, deviceOffset, length) => {
    const startsChunk = deviceOffset === blobs[blobIndex]?.chunk(chunkIndex).deviceOffset;
    const ofBlob = placements[blobIndex];
    if (startsChunk && ofBlob) {
      ofBlob[chunkIndex] ??= [];
      ofBlob[chunkIndex].push({ path, offset, length });
    }
    offset += length;
  });
}

async function fillFiles(
  blob: BlobLayout,
  source: ChunkSource,
  placements: readonly (readonly Placement[] | undefined)[],
  options: UnpackOptions,
): Promise<void> {
  for await (const { chunk, bytes } of fetchBlob(blob, source, options)) {
    for (const { path, offset, length } of placements[chunk.index] ?? []) {
      const file = await open(path, 'r+');
      try {
        await writeFully(file, bytes.subarray(0, length), offset);
      } finally {
        await file.close();
      }
    }
  }
}

async function finish({ path, attributes, xattrs }: Finishing): Promise<void> {
  await lchown(path, attributes.uid, attributes.gid);
  // After the owner: chown takes setuid bits and file capabilities away.
  if ((attributes.mode & S_IFMT) !== S_IFLNK) await chmod(path, attributes.mode & 0o7777);
  for (const [name, value] of xattrs) setXattr(path, name, value);
  setModificationTime(path, attributes.mtimeSeconds, attributes.mtimeNanoseconds);
}
