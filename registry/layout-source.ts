// An image in an OCI layout directory, to read. The disk is trusted no more than a registry: every whole blob is
// digest-checked while it flows.

import type {
  ByteRange,
  Descriptor,
  FetchedManifest,
  ImageSource,
  ManifestPreference,
  Platform,
  TransferOptions,
} from '../core/index.ts';
import { abortedError, fromSystemError, ShoalError } from '../core/index.ts';
import type { BlobReader } from './blob-reader.ts';
import { checkRange } from './blob-reader.ts';
import { checkDocumentSize, readAll } from './body.ts';
import { chooseManifest } from './index-choice.ts';
import { blobSize, openBlob, REF_NAME, readIndex } from './layout-files.ts';
import type { IndexEntry } from './manifest.ts';
import { chooseEntry } from './platform.ts';
import type { LayoutReference } from './reference.ts';
import { formatReference } from './reference.ts';
import type { ExpectedContent } from './verified-stream.ts';
import { verifiedStream } from './verified-stream.ts';

/** Bytes per read: large enough that the system calls do not count, small enough to hold a few. */
const READ_BYTES = 256 * 1024;

export class LayoutSource implements ImageSource, BlobReader {
  readonly name: string;
  readonly #reference: LayoutReference;

  constructor(reference: LayoutReference) {
    this.name = formatReference(reference);
    this.#reference = reference;
  }

  async manifest(
    platform: Platform,
    options: TransferOptions & { readonly prefer?: ManifestPreference | undefined },
  ): Promise<FetchedManifest> {
    const choice = { platform, prefer: options.prefer ?? 'oci', what: this.name };
    const start = chooseEntry(await this.#named(), platform, choice.prefer, this.name);
    const bytes = await this.document(start, options);
    const fetch = (descriptor: Descriptor) => this.document(descriptor, options);
    return chooseManifest({ digest: start.digest, mediaType: start.mediaType, bytes }, choice, fetch);
  }

  async document(descriptor: Descriptor, options: TransferOptions): Promise<Uint8Array> {
    checkDocumentSize(descriptor, this.name);
    return readAll(this.blob(descriptor, options), descriptor.size, `${this.name}: ${descriptor.digest}`);
  }

  blob(descriptor: Descriptor, options: TransferOptions & { readonly range?: ByteRange }): AsyncIterable<Uint8Array> {
    if (options.range) return this.readRange(descriptor, options.range, options);
    const whole = { offset: 0, length: descriptor.size };
    return verifiedStream(this.readRange(descriptor, whole, options), descriptor, this.name);
  }

  async *readRange(
    blob: ExpectedContent,
    range: ByteRange,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    checkRange(blob, range, this.name);
    if (signal.aborted) throw abortedError(signal);
    const file = await openBlob(this.#reference.directory, blob, this.name);
    try {
      let at = range.offset;
      const end = range.offset + range.length;
      for (;;) {
        if (signal.aborted) throw abortedError(signal);
        if (at === end) return;
        // Not from the shared pool: the piece is the caller's to keep or transfer.
        const piece = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - at));
        const { bytesRead } = await file.read(piece, 0, piece.length, at);
        if (bytesRead === 0) throw new ShoalError('malformed', `${this.name}: blob ${blob.digest} ends at byte ${at}`);
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } catch (error) {
      throw fromSystemError(error, `${this.name}: reading blob ${blob.digest}`);
    } finally {
      await file.close();
    }
  }

  /** What the reference names: one entry, or the entries of several platforms. Throws `not-found`, and says what there is. */
  async #named(): Promise<readonly IndexEntry[]> {
    const { directory, tag, digest } = this.#reference;
    const { manifests } = await readIndex(directory, this.name);
    if (digest !== undefined) {
      const size = await blobSize(directory, digest, this.name);
      if (size !== undefined) return [{ mediaType: '', digest, size }];
      throw new ShoalError('not-found', `${this.name}: not in the layout`);
    }
    const found = tag === undefined ? manifests : manifests.filter(entry => nameOf(entry) === tag);
    const names = [...new Set(manifests.map(nameOf))];
    if (found.length > 0 && (tag !== undefined || names.length === 1)) return found;
    const list =
      names
        .map(name => name ?? '(without a tag)')
        .slice(0, MAX_LISTED)
        .join(', ') || 'none';
    const wanted = tag === undefined ? 'several images, none chosen' : `no image ${tag}`;
    throw new ShoalError(
      'not-found',
      `${this.name}: ${found.length > 0 || tag !== undefined ? wanted : 'no image'}; tags: ${list}`,
    );
  }
}

/** A layout may hold many images; a message should not list them all. */
const MAX_LISTED = 20;

function nameOf(entry: IndexEntry): string | undefined {
  return entry.annotations?.[REF_NAME];
}
