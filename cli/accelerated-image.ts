// Opens an accelerated image: manifest, config and bootstrap, each verified against the digest that names it.
// This is where a chunk's journey gets its map: everything later (mount, check, unpack, run) starts from the result.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { type Descriptor, type Digest, type ImageSource, messageOf, type Platform, ShoalError } from '../core/index.ts';
import {
  type ImageConfig,
  type ImageManifest,
  NYDUS_ANNOTATIONS,
  NYDUS_BOOTSTRAP_PATH,
  parseConfig,
  parseManifest,
} from '../registry/index.ts';

/** The default of 16 KiB costs an event per piece; metadata is tens of megabytes for large images. */
const GUNZIP_CHUNK_BYTES = 256 << 10;

/**
 * A bootstrap is read into memory whole. 1 GiB is an image of about ten million files; more is not an image but an
 * attack (the layer is gzip, so its own size says little).
 */
const MAX_BOOTSTRAP_BYTES = 1 << 30;

export interface AcceleratedImage {
  readonly name: string;
  readonly manifestDigest: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  /** The bootstrap's bytes, verified by way of the manifest. Lies in shared memory, for worker threads. */
  readonly bootstrap: Uint8Array<SharedArrayBuffer>;
  /** The data layers, in order. */
  readonly layers: readonly Descriptor[];
  /** Sum of the data layers' sizes, bytes. */
  readonly totalBytes: number;
}

/** Throws `unsupported` when the image is an ordinary one, and what the source throws. */
export async function openAcceleratedImage(
  source: ImageSource,
  platform: Platform,
  signal: AbortSignal,
): Promise<AcceleratedImage> {
  const fetched = await source.manifest(platform, { signal, prefer: 'nydus' });
  const manifest = parseManifest(fetched.bytes, source.name);
  const bootstrapLayer = manifest.layers.at(-1);
  if (bootstrapLayer?.annotations?.[NYDUS_ANNOTATIONS.bootstrap] !== 'true') {
    throw new ShoalError(
      'unsupported',
      `${source.name}: an ordinary image (its last layer is no bootstrap); convert it first with: shoal convert`,
    );
  }
  const [configBytes, bootstrap] = await Promise.all([
    source.document(manifest.config, { signal }),
    readBootstrap(source, bootstrapLayer, signal),
  ]);
  const layers = manifest.layers.slice(0, -1);
  return {
    name: source.name,
    manifestDigest: fetched.digest,
    manifest,
    config: parseConfig(configBytes, source.name),
    bootstrap,
    layers,
    totalBytes: layers.reduce((sum, layer) => sum + layer.size, 0),
  };
}

async function readBootstrap(
  source: ImageSource,
  layer: Descriptor,
  signal: AbortSignal,
): Promise<Uint8Array<SharedArrayBuffer>> {
  const tar = extract();
  const compressed = Readable.from(source.blob(layer, { signal }), { objectMode: false });
  const flow = pipeline(compressed, createGunzip({ chunkSize: GUNZIP_CHUNK_BYTES }), tar);
  let bootstrap: Uint8Array<SharedArrayBuffer> | undefined;
  try {
    const entries = (async () => {
      for await (const entry of tar) {
        if (normalised(entry.header.name) === NYDUS_BOOTSTRAP_PATH) {
          bootstrap = await readEntry(entry, entry.header.size ?? 0, source.name);
        } else {
          entry.resume();
        }
      }
    })();
    // The digest is checked at the end of the stream: nothing is returned before both have ended well.
    await Promise.all([flow, entries]);
  } catch (error) {
    if (error instanceof ShoalError) throw error;
    throw new ShoalError('malformed', `${source.name}: bootstrap layer ${layer.digest}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (!bootstrap) {
    throw new ShoalError(
      'malformed',
      `${source.name}: bootstrap layer ${layer.digest} holds no ${NYDUS_BOOTSTRAP_PATH}`,
    );
  }
  return bootstrap;
}

function normalised(name: string): string {
  return name.replace(/^(\.?\/)+/, '');
}

async function readEntry(
  entry: AsyncIterable<unknown>,
  size: number,
  image: string,
): Promise<Uint8Array<SharedArrayBuffer>> {
  if (size > MAX_BOOTSTRAP_BYTES) {
    throw new ShoalError('limit', `${image}: bootstrap of ${size} bytes; at most ${MAX_BOOTSTRAP_BYTES} are accepted`);
  }
  const bytes = new Uint8Array(new SharedArrayBuffer(size));
  let at = 0;
  for await (const piece of entry) {
    if (!(piece instanceof Uint8Array)) continue;
    bytes.set(piece, at);
    at += piece.length;
  }
  if (at !== size) throw new ShoalError('malformed', `${image}: bootstrap ends after ${at} of ${size} bytes`);
  return bytes;
}
