// What the daemon needs from outside: images by reference. `cli/compose.ts` implements it with the registry folder, so
// that the daemon never learns how a manifest is found or a blob is asked for.

import type { ChunkSource, Descriptor, Digest, MountRequest, PeerNode, RangeReader, SwarmBlob } from '../core/index.ts';
import type { BlobPieces } from '../image/index.ts';

/** An image, opened: everything needed to mount it, and a way to fetch the rest later. */
export interface LazyImage {
  /** As a person would write it; for lists and logs. Never holds credentials. */
  readonly reference: string;
  readonly manifestDigest: Digest;
  /** The uncompressed bootstrap, verified against the manifest. The daemon's to keep. */
  readonly bootstrap: Uint8Array;
  /** The manifest's data layers, in order; what `BootstrapReader.blobLayouts` wants. */
  readonly layers: readonly Descriptor[];
  /** Asked before the origin, in order; what they give wrong is fetched again from the next. */
  readonly mirrors?: readonly ChunkSource[];
  /** Fetches chunks of the image's blobs. Usable until the daemon ends, credentials and all. */
  readonly origin: ChunkSource;
  /**
   * The blobs where the image comes from, for what is fetched on behalf of other nodes as well. Absent: the image is not
   * shared (it comes from a directory or a file of this machine).
   */
  readonly ranges?: RangeReader | undefined;
  /** The digests of the blobs' pieces, where the image has them. */
  readonly pieces?: ReadonlyMap<Digest, BlobPieces> | undefined;
  /** Compressed bytes of all data layers. */
  readonly totalBytes: number;
}

/** The other nodes, which the daemon knows as a source of chunks and as who wants some of its own. */
export interface Peers {
  /** Called once, when the root is the daemon's own. What it rejects with ends the daemon's start. */
  start(): Promise<PeerNode>;
  /** What they have of blobs that this node shares. */
  chunkSource(find: (digest: Digest) => SwarmBlob | undefined): ChunkSource;
}

/**
 * Contract: `open` may be called any number of times at once. It rejects with `usage` for a reference that makes no
 * sense, `not-found`, `unauthorized`, `unreachable`, `unsupported` (the image is not of this format), `malformed` or
 * `digest-mismatch`; when the signal fires, with `aborted`, and everything it acquired is released.
 */
export interface ImageLibrary {
  open(
    request: Pick<MountRequest, 'reference' | 'platform' | 'plainHttp' | 'insecure' | 'credentials'>,
    options: { readonly signal: AbortSignal },
  ): Promise<LazyImage>;
  /** Where the bytes of an image that was opened before come from. Asks nobody yet. Throws `usage`. */
  sources(
    request: Pick<MountRequest, 'reference' | 'plainHttp' | 'insecure'>,
  ): Pick<LazyImage, 'mirrors' | 'origin' | 'ranges'>;
}
