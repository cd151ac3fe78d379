// Opens an accelerated image: manifest, config, bootstrap and piece table, each verified against the digest that names it.
// This is where a chunk's journey gets its map: everything later (mount, check, unpack, run) starts from the result.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import {
  abortedError,
  type Descriptor,
  type Digest,
  type ImageSource,
  isShoalError,
  messageOf,
  type Platform,
  type SharedBlob,
  ShoalError,
} from '../core/index.ts';
import {
  type BlobPieces,
  largestPieceTable,
  MAX_PIECE_TABLE_BYTES,
  parsePieceAnnotation,
  parsePieceTable,
} from '../image/index.ts';
import {
  type ImageConfig,
  type ImageManifest,
  NYDUS_ANNOTATIONS,
  NYDUS_BOOTSTRAP_PATH,
  parseConfig,
  parseManifest,
  SHOAL_ANNOTATIONS,
  SHOAL_PIECES_PATH,
  verifiedStream,
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
  /** The layer that held the bootstrap; with the digests of its pieces where the manifest has them. */
  readonly bootstrapLayer: BootstrapLayer;
  /** The bootstrap's bytes, verified by way of the manifest. Lies in shared memory, for worker threads. */
  readonly bootstrap: Uint8Array<SharedArrayBuffer>;
  /** The data layers, in order. */
  readonly layers: readonly Descriptor[];
  /** Sum of the data layers' sizes, bytes. */
  readonly totalBytes: number;
  /** Of the data layers that the image's piece table has; empty when it has none. Views of one buffer. */
  readonly pieces: ReadonlyMap<Digest, BlobPieces>;
}

export interface BootstrapLayer {
  readonly descriptor: Descriptor;
  readonly pieces?: BlobPieces | undefined;
}

/**
 * Another way to the bytes of a layer than the image's source, such as the swarm. All of them in order, in buffers of any
 * size; they are verified here. Undefined: this layer is better read from the source, which is also what happens when the
 * bytes are wrong or it throws. How long it may wait is its own affair; it ends when the signal fires.
 */
export type FetchLayer = (
  layer: SharedBlob,
  options: { readonly signal: AbortSignal },
) => AsyncIterable<Uint8Array> | undefined;

/**
 * Throws `unsupported` when the image is an ordinary one, `malformed` when bootstrap layer or piece table are wrong in
 * form, and what the source throws.
 */
export async function openAcceleratedImage(
  source: ImageSource,
  platform: Platform,
  signal: AbortSignal,
  fetchLayer?: FetchLayer,
): Promise<AcceleratedImage> {
  const fetched = await source.manifest(platform, { signal, prefer: 'nydus' });
  const manifest = parseManifest(fetched.bytes, source.name);
  const descriptor = manifest.layers.at(-1);
  if (descriptor?.annotations?.[NYDUS_ANNOTATIONS.bootstrap] !== 'true') {
    throw new ShoalError(
      'unsupported',
      `${source.name}: an ordinary image (its last layer is no bootstrap); convert it first with: shoal convert`,
    );
  }
  const layers = manifest.layers.slice(0, -1);
  const bootstrapLayer = { descriptor, pieces: piecesOfLayer(descriptor, source.name) };
  const read = (bytes: AsyncIterable<Uint8Array>) => readBootstrapLayer(bytes, { descriptor, layers }, source.name);
  const [configBytes, { bootstrap, pieces }] = await Promise.all([
    source.document(manifest.config, { signal }),
    fetchBootstrapLayer(source, bootstrapLayer, { signal, fetchLayer, read }),
  ]);
  return {
    name: source.name,
    manifestDigest: fetched.digest,
    manifest,
    config: parseConfig(configBytes, source.name),
    bootstrapLayer,
    bootstrap,
    layers,
    totalBytes: layers.reduce((sum, layer) => sum + layer.size, 0),
    pieces,
  };
}

function piecesOfLayer(layer: Descriptor, image: string): BlobPieces | undefined {
  const annotation = layer.annotations?.[SHOAL_ANNOTATIONS.pieces];
  if (annotation === undefined) return undefined;
  try {
    return parsePieceAnnotation(annotation, layer);
  } catch (error) {
    throw inImage(image, error);
  }
}

async function fetchBootstrapLayer<T>(
  source: ImageSource,
  { descriptor, pieces }: BootstrapLayer,
  options: {
    readonly signal: AbortSignal;
    readonly fetchLayer: FetchLayer | undefined;
    readonly read: (bytes: AsyncIterable<Uint8Array>) => Promise<T>;
  },
): Promise<T> {
  const { signal, fetchLayer, read } = options;
  const { digest, size } = descriptor;
  try {
    const elsewhere = fetchLayer?.({ digest, size, pieces }, { signal });
    if (elsewhere) return await read(verifiedStream(elsewhere, descriptor, source.name));
  } catch {
    // Whatever it was: if it is the layer's own fault, the source's bytes say so again.
    if (signal.aborted) throw abortedError(signal);
  }
  return read(source.blob(descriptor, { signal }));
}

interface LayerContent {
  readonly bootstrap: Uint8Array<SharedArrayBuffer>;
  readonly pieces: ReadonlyMap<Digest, BlobPieces>;
}

async function readBootstrapLayer(
  bytes: AsyncIterable<Uint8Array>,
  { descriptor, layers }: { readonly descriptor: Descriptor; readonly layers: readonly Descriptor[] },
  image: string,
): Promise<LayerContent> {
  const name = `${image}: bootstrap layer ${descriptor.digest}`;
  const tar = extract();
  const compressed = Readable.from(bytes, { objectMode: false });
  const flow = pipeline(compressed, createGunzip({ chunkSize: GUNZIP_CHUNK_BYTES }), tar);
  let bootstrap: Uint8Array<SharedArrayBuffer> | undefined;
  let table: Uint8Array<ArrayBuffer> | undefined;
  try {
    const entries = (async () => {
      for await (const entry of tar) {
        const size = entry.header.size ?? 0;
        const path = normalised(entry.header.name);
        if (path === NYDUS_BOOTSTRAP_PATH) {
          checkBootstrapSize(size, image);
          bootstrap = await readEntry(entry, new Uint8Array(new SharedArrayBuffer(size)), `${image}: bootstrap`);
        } else if (path === SHOAL_PIECES_PATH) {
          if (table) throw new ShoalError('malformed', `${name} holds two ${SHOAL_PIECES_PATH}`);
          checkTableSize(size, layers, image);
          table = await readEntry(entry, new Uint8Array(size), `${image}: piece table`);
        } else {
          entry.resume();
        }
      }
    })();
    // The digest is checked at the end of the stream: nothing is returned before both have ended well.
    await Promise.all([flow, entries]);
  } catch (error) {
    if (error instanceof ShoalError) throw error;
    throw new ShoalError('malformed', `${name}: ${messageOf(error)}`, { cause: error });
  }
  if (!bootstrap) throw new ShoalError('malformed', `${name} holds no ${NYDUS_BOOTSTRAP_PATH}`);
  return { bootstrap, pieces: table ? piecesOfTable(table, layers, image) : new Map() };
}

/** A table of the future is none: the image is the same without it. */
function piecesOfTable(
  table: Uint8Array,
  layers: readonly Descriptor[],
  image: string,
): ReadonlyMap<Digest, BlobPieces> {
  try {
    return parsePieceTable(table, layers);
  } catch (error) {
    if (isShoalError(error, 'unsupported')) return new Map();
    throw inImage(image, error);
  }
}

/** A parser's error with the image's name in front. */
function inImage(image: string, error: unknown): unknown {
  if (!(error instanceof ShoalError)) return error;
  return new ShoalError(error.code, `${image}: ${error.message}`, { cause: error });
}

function normalised(name: string): string {
  return name.replace(/^(\.?\/)+/, '');
}

function checkBootstrapSize(size: number, image: string): void {
  if (size <= MAX_BOOTSTRAP_BYTES) return;
  throw new ShoalError('limit', `${image}: bootstrap of ${size} bytes; at most ${MAX_BOOTSTRAP_BYTES} are accepted`);
}

/** The manifest tells how large it can be, so nothing else is allocated. */
function checkTableSize(size: number, layers: readonly Descriptor[], image: string): void {
  const largest = largestPieceTable(layers);
  if (size > largest) {
    const message = `piece table of ${size} bytes; that of these data layers has at most ${largest}`;
    throw new ShoalError('malformed', `${image}: ${message}`);
  }
  if (size <= MAX_PIECE_TABLE_BYTES) return;
  throw new ShoalError(
    'limit',
    `${image}: piece table of ${size} bytes; at most ${MAX_PIECE_TABLE_BYTES} are accepted`,
  );
}

async function readEntry<B extends ArrayBufferLike>(
  entry: AsyncIterable<unknown>,
  bytes: Uint8Array<B>,
  what: string,
): Promise<Uint8Array<B>> {
  let at = 0;
  for await (const piece of entry) {
    if (!(piece instanceof Uint8Array)) continue;
    bytes.set(piece, at);
    at += piece.length;
  }
  if (at !== bytes.length) throw new ShoalError('malformed', `${what} ends after ${at} of ${bytes.length} bytes`);
  return bytes;
}
