// The image of the self-test: one file, of one chunk of one blob, so that the chunk is there or not as the test needs it.
// Made anew each time, by what makes all images.

import { createHash } from 'node:crypto';
import {
  BootstrapReader,
  blobDataTrailer,
  buildBlobTail,
  ChunkList,
  type DescribedChunks,
  digestOf,
  type TreeNode,
  writeBootstrap,
} from '../../image/index.ts';

/** More than one page on any machine; the chunk's too. */
const FILE_BYTES = 256 << 10;
const CHUNK = 0;
const FILE_NAME = 'file';

const ATTRIBUTES = { uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: new Map() };

export interface TestImage {
  readonly bootstrap: SharedArrayBuffer;
  readonly chunks: readonly DescribedChunks[];
  /** Of the device, by which it is exported. */
  readonly blobId: string;
  /** Of the device, and of the file `path`. No byte is zero. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly path: string;
  /** Whose presence decides about all bytes. */
  readonly chunk: number;
}

export function makeTestImage(): TestImage {
  const bytes = Uint8Array.from({ length: FILE_BYTES }, (_, at) => 1 + ((at * 7 + (at >>> 8)) % 255));
  const chunks = new ChunkList();
  chunks.push({
    index: CHUNK,
    compressedOffset: 0,
    compressedSize: FILE_BYTES,
    compressed: false,
    deviceOffset: 0,
    uncompressedSize: FILE_BYTES,
    digest: digestOf('blake3', bytes),
  });
  const dataDigest = createHash('sha256').update(bytes).update(blobDataTrailer(FILE_BYTES)).digest();
  const { tail, ...described } = buildBlobTail({ dataSize: FILE_BYTES, dataDigest, chunks });
  const blobId = createHash('sha256').update(bytes).update(tail).digest('hex');
  const file: TreeNode = {
    ...ATTRIBUTES,
    kind: 'file',
    mode: 0o400,
    size: FILE_BYTES,
    chunks: Uint32Array.of(0, CHUNK),
  };
  const written = writeBootstrap({
    root: { ...ATTRIBUTES, kind: 'directory', mode: 0o500, children: new Map([[FILE_NAME, file]]) },
    blobs: [{ id: blobId, blobSize: FILE_BYTES + tail.length, chunks, ...described }],
    chunkSize: FILE_BYTES,
  });
  const bootstrap = new SharedArrayBuffer(written.length);
  new Uint8Array(bootstrap).set(written);
  const reader = new BootstrapReader(new Uint8Array(bootstrap));
  return { bootstrap, chunks: reader.chunkTable().chunks, blobId, bytes, path: FILE_NAME, chunk: CHUNK };
}
