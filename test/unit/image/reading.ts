// Reads whole files and trees through a bootstrap reader, from blobs in memory.

import type { BlobLayout, Descriptor } from '../../../core/index.ts';
import type { BootstrapReader } from '../../../image/index.ts';
import { unpackChunk, verifyChunk, walkTree } from '../../../image/index.ts';

/** The nid of a path (byte string). */
export function nidOf(reader: BootstrapReader, path: string): number {
  let nid = reader.rootNid;
  for (const name of path.split('/')) nid = reader.lookup(nid, Buffer.from(name, 'latin1'));
  return nid;
}

/** The content of a file, every chunk unpacked from its blob and verified. */
export function readFile(
  reader: BootstrapReader,
  nid: number,
  image: { readonly descriptors: readonly Descriptor[]; readonly files: readonly Uint8Array[] },
): Buffer {
  const layouts = reader.blobLayouts(image.descriptors);
  const pieces: Uint8Array[] = [];
  reader.extents(nid, 0, Number.MAX_SAFE_INTEGER, (blobIndex, chunkIndex, deviceOffset, length) => {
    const layout = layouts[blobIndex];
    const file = image.files[blobIndex];
    if (layout === undefined || file === undefined) throw new Error(`no blob ${blobIndex}`);
    const bytes = readChunk(layout, file, chunkIndex);
    const within = deviceOffset - layout.chunk(chunkIndex).deviceOffset;
    pieces.push(bytes.subarray(within, within + length));
  });
  return Buffer.concat(pieces);
}

function readChunk(layout: BlobLayout, file: Uint8Array, index: number): Uint8Array {
  const chunk = layout.chunk(index);
  const stored = file.subarray(chunk.compressedOffset, chunk.compressedOffset + chunk.compressedSize);
  const bytes = unpackChunk(stored, chunk.compressed ? layout.compressor : 'none', chunk.uncompressedSize);
  verifyChunk(bytes, { blobId: layout.id, index, digester: layout.digester, digest: chunk.digest });
  return bytes;
}

/** Every name of a directory in stored order, as byte strings. */
export function names(reader: BootstrapReader, nid: number): string[] {
  const found: string[] = [];
  reader.readdir(nid, 0, (_nid, _type, name) => {
    found.push(Buffer.from(name).toString('latin1'));
    return true;
  });
  return found;
}

export function walkedPaths(reader: BootstrapReader): string[] {
  return [...walkTree(reader)].map(entry => entry.path);
}
