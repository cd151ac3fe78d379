// What `inspect REF PATH` tells of one file: its inode, its chunks, and which layer it comes from as far as that is known.

import { type BlobLayout, ShoalError } from '../../core/index.ts';
import { BootstrapReader, emptyAttributes, type InodeAttributes } from '../../image/index.ts';
import { openAcceleratedImage } from '../accelerated-image.ts';
import { creatorOf } from './history.ts';
import { kindName } from './kinds.ts';
import type { LayeredFile } from './layered-file.ts';
import type { LookedAtImage } from './open.ts';
import { type Resolved, resolvePath, type TreeView, text } from './resolve-path.ts';

/** A layer by its place in the image that the command was asked about or, with `--source`, in the original. */
export interface LayerName {
  /** From 1. */
  readonly number: number;
  readonly of: number;
  readonly digest: string;
  readonly createdBy?: string;
}

export interface ChunkLine {
  /** The part of the file that it holds: bytes. */
  readonly offset: number;
  readonly length: number;
  readonly layer: number;
  readonly blob: string;
  readonly index: number;
  readonly blobOffset: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly compressed: boolean;
  readonly digest: string;
}

export interface PathReport {
  readonly path: string;
  readonly kind: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  /** Of an accelerated image. */
  readonly nid?: number;
  readonly nlink?: number;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly target?: string;
  /** Values in base64. */
  readonly xattrs: Readonly<Record<string, string>>;
  readonly chunks?: readonly ChunkLine[];
  /** The layers whose blobs hold its data: where equal chunks were first, so not always where the file is from. */
  readonly dataLayers?: readonly LayerName[];
  /** Where the file is from; absent when that is not known. */
  readonly layer?: LayerName;
}

export async function reportPath(
  image: LookedAtImage,
  path: string,
  options: { readonly follow: boolean; readonly signal: AbortSignal },
): Promise<PathReport> {
  const { bootstrap, layers } = await openAcceleratedImage(image.source, image.platform, options.signal);
  const reader = new BootstrapReader(bootstrap);
  const found = resolvePath(bootstrapTree(reader), path, options);
  const attributes = attributesOf(reader, found.node);
  const chunks =
    kindName(attributes.mode) === 'file' ? chunksOf(image, reader, reader.blobLayouts(layers), attributes) : undefined;
  return {
    ...inodeReport(reader, found, attributes),
    ...(chunks && { chunks, dataLayers: dataLayersOf(image, chunks) }),
  };
}

/** Puts the layer that the original's layers say into the report. Throws `usage` when it is another image's original. */
export function withLayer(report: PathReport, original: LayeredFile): PathReport {
  if (original.kind !== report.kind || (report.kind === 'file' && original.size !== report.size)) {
    const found = `a ${original.kind} of ${original.size} bytes`;
    throw new ShoalError(
      'usage',
      `--source: its ${report.path} is ${found}, here it is a ${report.kind} of ${report.size} bytes: not the image that this one was made from`,
    );
  }
  return { ...report, ...(original.layer && { layer: original.layer }) };
}

function bootstrapTree(reader: BootstrapReader): TreeView<number> {
  const kindOf = (nid: number) => kindName(attributesOf(reader, nid).mode);
  return {
    root: reader.rootNid,
    isDirectory: nid => kindOf(nid) === 'directory',
    child: (directory, name) => {
      const nid = reader.lookup(directory, Buffer.from(name, 'latin1'));
      return nid < 0 ? undefined : nid;
    },
    target: nid => (kindOf(nid) === 'symlink' ? Buffer.from(reader.readlink(nid)).toString('latin1') : undefined),
  };
}

function attributesOf(reader: BootstrapReader, nid: number): InodeAttributes {
  const attributes = emptyAttributes();
  reader.stat(nid, attributes);
  return attributes;
}

function inodeReport(
  reader: BootstrapReader,
  { node: nid, path }: Resolved<number>,
  found: InodeAttributes,
): PathReport {
  const kind = kindName(found.mode);
  const xattrs = [...reader.xattrs(nid)].map(([name, value]) => [text(name), Buffer.from(value).toString('base64')]);
  return {
    path,
    kind,
    mode: found.mode,
    uid: found.uid,
    gid: found.gid,
    size: found.size,
    mtime: { seconds: found.mtimeSeconds, nanoseconds: found.mtimeNanoseconds },
    nid,
    nlink: found.nlink,
    ...((kind === 'char' || kind === 'block') && { device: deviceOf(found.rdev) }),
    ...(kind === 'symlink' && { target: Buffer.from(reader.readlink(nid)).toString('utf8') }),
    xattrs: Object.fromEntries(xattrs),
  };
}

/** The kernel's encoding (nydus.md §1.17): minor bits 0-7 and 20-31, major bits 8-19. */
function deviceOf(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}

function chunksOf(
  image: LookedAtImage,
  reader: BootstrapReader,
  blobs: readonly BlobLayout[],
  { nid, size }: InodeAttributes,
): ChunkLine[] {
  const lines: ChunkLine[] = [];
  let offset = 0;
  reader.extents(nid, 0, size, (blobIndex, chunkIndex, _deviceOffset, length) => {
    const blob = blobs[blobIndex];
    if (blob === undefined) throw new ShoalError('malformed', `inode ${nid}: no blob ${blobIndex}`);
    const chunk = blob.chunk(chunkIndex);
    lines.push({
      offset,
      length,
      layer: image.manifest.layers.findIndex(({ digest }) => digest === blob.digest) + 1,
      blob: blob.digest,
      index: chunkIndex,
      blobOffset: chunk.compressedOffset,
      compressedSize: chunk.compressedSize,
      uncompressedSize: chunk.uncompressedSize,
      compressed: chunk.compressed,
      digest: `${blob.digester}:${Buffer.from(chunk.digest).toString('hex')}`,
    });
    offset += length;
  });
  return lines;
}

function dataLayersOf({ manifest, config }: LookedAtImage, chunks: readonly ChunkLine[]): LayerName[] {
  const numbers = [...new Set(chunks.map(({ layer }) => layer))].sort((a, b) => a - b);
  return numbers.map(number => {
    const createdBy = creatorOf(config.history ?? [], manifest.layers, number - 1);
    return {
      number,
      of: manifest.layers.length - 1, // the last one is the bootstrap
      digest: manifest.layers[number - 1]?.digest ?? '',
      ...(createdBy !== undefined && { createdBy }),
    };
  });
}
