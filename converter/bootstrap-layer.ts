// The layer that carries the bootstrap: a tar with `image/image.boot` in it, gzipped (nydus.md §1.32), and our piece table
// beside it. The same content gives the same layer: fixed times, owners and compression.

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Digest, digestFromHex, fromSystemError, ShoalError } from '../core/index.ts';
import { PieceHasher } from '../image/index.ts';
import { NYDUS_BOOTSTRAP_PATH, SHOAL_PIECES_PATH } from '../registry/index.ts';
import { BOOTSTRAP_GZIP_LEVEL } from './config.ts';

export interface BootstrapLayer {
  readonly path: string;
  readonly digest: Digest;
  /** Bytes of the compressed layer. */
  readonly size: number;
  /** Digest of the tar. */
  readonly diffId: Digest;
  /** Digests of the compressed layer's pieces, 32 bytes each. */
  readonly pieces: Uint8Array;
}

export interface BootstrapLayerContent {
  readonly bootstrap: Uint8Array;
  readonly pieceTable: Uint8Array<ArrayBuffer>;
}

/** Writes the layer to `path`, which must not exist. Rejects with `no-space`, `system`, or `aborted`. */
export async function writeBootstrapLayer(
  { bootstrap, pieceTable }: BootstrapLayerContent,
  path: string,
  signal: AbortSignal,
): Promise<BootstrapLayer> {
  const tar = pack();
  const directory = NYDUS_BOOTSTRAP_PATH.slice(0, NYDUS_BOOTSTRAP_PATH.indexOf('/'));
  tar.entry({ ...FIXED, name: `${directory}/`, type: 'directory', mode: 0o755 });
  tar.entry({ ...FIXED, name: NYDUS_BOOTSTRAP_PATH, mode: 0o444 }, Buffer.from(bootstrap));
  tar.entry({ ...FIXED, name: SHOAL_PIECES_PATH, mode: 0o444 }, Buffer.from(pieceTable.buffer));
  tar.finalize();
  const diffId = createHash('sha256');
  const digest = createHash('sha256');
  const hasher = new PieceHasher();
  let size = 0;
  try {
    await pipeline(
      async function* () {
        for await (const piece of tar) {
          if (!(piece instanceof Uint8Array)) throw new ShoalError('internal', 'a tar of something else than bytes');
          diffId.update(piece);
          yield piece;
        }
      },
      createGzip({ level: BOOTSTRAP_GZIP_LEVEL }),
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          if (size === 0) piece[GZIP_SYSTEM_OFFSET] = GZIP_SYSTEM_UNKNOWN;
          size += piece.length;
          digest.update(piece);
          hasher.update(piece);
          yield piece;
        }
      },
      createWriteStream(path, { flags: 'wx' }),
      { signal },
    );
  } catch (error) {
    throw fromSystemError(error, `write ${path}`);
  }
  return {
    path,
    size,
    digest: digestFromHex(digest.digest('hex')),
    diffId: digestFromHex(diffId.digest('hex')),
    pieces: hasher.finish(),
  };
}

const FIXED = { mtime: new Date(0), uid: 0, gid: 0 };

/** A gzip header names the system that it was written on (RFC 1952 §2.3.1); 255 is "unknown", and the same everywhere. */
const GZIP_SYSTEM_OFFSET = 9;
const GZIP_SYSTEM_UNKNOWN = 255;
