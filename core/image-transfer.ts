// Ports: where images come from and go to (a registry, an OCI layout directory). Manifests are small and handled as
// bytes, since their digest covers the bytes; blobs are streams, digest-checked while they flow.

import type { Digest } from './digest.ts';

/** A content descriptor of the OCI image specification. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** A manifest of one image for one platform, whose bytes have the digest. */
export interface FetchedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Digest of the index it was chosen from, when there was one. */
  readonly indexDigest?: Digest;
}

/** Which of two manifests for one platform to take, where an index offers both: the ordinary one or the accelerated. */
export type ManifestPreference = 'oci' | 'nydus';

export interface TransferOptions {
  readonly signal: AbortSignal;
}

export interface ManifestOptions extends TransferOptions {
  /** Store the manifest under its digest only: an index, or another manifest that refers to it, will name it. */
  readonly untagged?: boolean | undefined;
}

/** What a put took: `present` already there, `mounted` from another repository, `written` transferred. */
export type PutResult = 'present' | 'mounted' | 'written';

/** Inclusive start, length in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * One named image to read. Contract, checked by test/conformance/image-source.ts:
 * - Every method is idempotent and may run any number of times at once.
 * - `manifest` follows an index to the manifest for `platform`; its bytes are verified against the digest that the
 *   reference, the index or the registry's answer names. `not-found` names the image; a platform that is missing is
 *   `not-found` and the message lists the ones there are.
 * - `blob` without a range yields exactly `size` bytes and **throws `digest-mismatch` before the last piece** when they
 *   do not have the digest, `malformed` when the length differs: whoever has consumed the stream to its end has the
 *   right bytes. With a range the bytes cannot be verified: the caller checks them by other digests.
 * - Pieces are the caller's to keep, to transfer to another thread or to free; the source has no other use for their
 *   memory.
 * - When `signal` fires, or iteration stops, the connection is released; a pending step rejects with `aborted`.
 */
export interface ImageSource {
  /** The reference as a person would write it; for messages. */
  readonly name: string;
  /** `prefer` is by default `oci`; when only the other one is there, that is taken. */
  manifest(
    platform: Platform,
    options: TransferOptions & { readonly prefer?: ManifestPreference | undefined },
  ): Promise<FetchedManifest>;
  /** A manifest or config blob, whole and verified. Refuses (`limit`) more than 16 MiB. */
  document(descriptor: Descriptor, options: TransferOptions): Promise<Uint8Array>;
  blob(descriptor: Descriptor, options: TransferOptions & { readonly range?: ByteRange }): AsyncIterable<Uint8Array>;
}

/** A source that can also say what its name itself stands for. */
export interface NamedSource extends ImageSource {
  /**
   * The document that the reference names, index or manifest, not followed; verified like `manifest`. Where a layout
   * gives one name to several manifests, an index of these is made up: only its entries mean something then.
   */
  named(options: TransferOptions): Promise<FetchedManifest>;
}

export interface PutBlobOptions extends TransferOptions {
  readonly onBytes?: (bytes: number) => void;
  /**
   * A file that has this content, made and hashed by the caller, who does not change it any more; it may lose the
   * caller's name for it at any time after the put.
   */
  readonly file?: string;
}

/**
 * One named image to write. Contract, checked by test/conformance/image-sink.ts:
 * - `putBlob` is idempotent: a blob that is there already is not transferred (then `content` is not called). `content`
 *   may be called again for a retry. All or nothing: an aborted or failed put leaves no partial blob behind that
 *   anybody could read. It rejects with `digest-mismatch` when the content is not what the descriptor says.
 * - With `file`, a sink that stores files may link that one instead of calling `content`, and checks its size only.
 * - `putBlob` may run several times at once; `putManifest` comes last, after every blob it names.
 * - `putManifest` stores the bytes under their digest and, unless `untagged`, completes the image: when the sink's name
 *   has a tag, the tag moves to them. It resolves to the digest. A failed or aborted image leaves the tag as it was.
 *   What was put can be read at the latest when the image is complete.
 */
export interface ImageSink {
  readonly name: string;
  hasBlob(digest: Digest, options: TransferOptions): Promise<boolean>;
  putBlob(
    descriptor: Descriptor,
    content: () => AsyncIterable<Uint8Array>,
    options: PutBlobOptions,
  ): Promise<PutResult>;
  putManifest(bytes: Uint8Array, mediaType: string, options: ManifestOptions): Promise<Digest>;
}
