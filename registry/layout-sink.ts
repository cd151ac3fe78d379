// An image in an OCI layout directory, to write. Other images of the directory stay as they are; blobs that a moved tag
// leaves behind are not collected.

import { createHash } from 'node:crypto';
import type {
  Clock,
  Descriptor,
  Digest,
  ImageSink,
  ManifestOptions,
  PutBlobOptions,
  PutResult,
  Referrer,
  ReferrerSink,
  TransferOptions,
} from '../core/index.ts';
import { abortedError, digestFromHex } from '../core/index.ts';
import { LayoutAttempt } from './layout-attempt.ts';
import type { PutInPlace } from './layout-files.ts';
import { blobSize, createLayout, linkBlob, REF_NAME, updateIndex, withEntry, writeBlob } from './layout-files.ts';
import { directoryStore, readStored } from './layout-store.ts';
import type { ImageIndex } from './manifest.ts';
import type { LayoutReference } from './reference.ts';
import { formatReference } from './reference.ts';
import type { DocumentStore } from './referrer-index.ts';
import { indexWithReferrer } from './referrer-index.ts';
import { verifiedStream } from './verified-stream.ts';

export class LayoutSink implements ImageSink, ReferrerSink, AsyncDisposable {
  readonly name: string;
  readonly #reference: LayoutReference;
  readonly #clock: Clock;
  readonly #attempt: LayoutAttempt;

  constructor(reference: LayoutReference, clock: Clock) {
    this.name = formatReference(reference);
    this.#reference = reference;
    this.#clock = clock;
    this.#attempt = new LayoutAttempt(reference.directory);
  }

  async hasBlob(digest: Digest, { signal }: TransferOptions): Promise<boolean> {
    if (signal.aborted) throw abortedError(signal);
    return (await blobSize(this.#reference.directory, digest, this.name)) !== undefined;
  }

  async putBlob(
    descriptor: Descriptor,
    content: () => AsyncIterable<Uint8Array>,
    options: PutBlobOptions,
  ): Promise<PutResult> {
    if (options.signal.aborted) throw abortedError(options.signal);
    // A file of another size is what a crash or a bad disk left: it is replaced.
    const size = await blobSize(this.#reference.directory, descriptor.digest, this.name);
    if (size === descriptor.size && (await this.#attempt.uses(descriptor.digest, this.#clock))) return 'present';
    await this.#attempt.begin(this.#clock, this.name);
    await createLayout(this.#reference.directory, this.name);
    const written = (await this.#link(descriptor, options)) ?? (await this.#write(descriptor, content, options));
    // Somebody else was faster. Were they, too, given up in this moment, everything begins anew.
    if (written === 'others') return this.putBlob(descriptor, content, options);
    this.#attempt.wrote(descriptor.digest, written);
    return 'written';
  }

  async #link(descriptor: Descriptor, { file, onBytes }: PutBlobOptions): Promise<PutInPlace | undefined> {
    if (file === undefined) return undefined;
    const linked = await linkBlob(this.#reference.directory, descriptor, file, this.name);
    if (linked !== undefined) onBytes?.(descriptor.size);
    return linked;
  }

  #write(
    descriptor: Descriptor,
    content: () => AsyncIterable<Uint8Array>,
    options: PutBlobOptions,
  ): Promise<PutInPlace> {
    const checked = verifiedStream(content(), descriptor, this.name);
    return writeBlob(this.#reference.directory, descriptor, observed(checked, options), this.name);
  }

  async putManifest(bytes: Uint8Array, mediaType: string, options: ManifestOptions): Promise<Digest> {
    const { tag } = this.#reference;
    const digest = digestFromHex(createHash('sha256').update(bytes).digest('hex'));
    const descriptor = { mediaType, digest, size: bytes.length };
    await this.putBlob(descriptor, () => once(bytes), { signal: options.signal });
    if (options.untagged) return digest;
    const entry = tag === undefined ? descriptor : { ...descriptor, annotations: { [REF_NAME]: tag } };
    await this.#updateIndex(options, async index => withEntry(index, entry));
    this.#attempt.complete();
    return digest;
  }

  async putReferrer(
    subject: Digest,
    referrer: Referrer,
    manifest: Uint8Array,
    options: TransferOptions,
  ): Promise<void> {
    await this.putManifest(manifest, referrer.descriptor.mediaType, { ...options, untagged: true });
    const store = directoryStore(this.#reference.directory, this.name);
    const documents: DocumentStore = {
      read: entry => readStored(store, entry, { ...options, what: this.name }),
      write: (bytes, mediaType) => this.putManifest(bytes, mediaType, { ...options, untagged: true }),
    };
    await this.#updateIndex(options, index => indexWithReferrer(index, { subject, referrer, manifest }, documents));
    this.#attempt.complete();
  }

  #updateIndex({ signal }: TransferOptions, change: (index: ImageIndex) => Promise<ImageIndex>): Promise<void> {
    const { directory } = this.#reference;
    return updateIndex(directory, { what: this.name, clock: this.#clock, signal }, change);
  }

  /** Removes what was put for an image that was not completed. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#attempt.giveUp();
  }
}

/** Counts what passes, and stops when the signal fires. */
export async function* observed(
  pieces: AsyncIterable<Uint8Array>,
  { signal, onBytes }: TransferOptions & { readonly onBytes?: (bytes: number) => void },
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (signal.aborted) throw abortedError(signal);
    yield piece;
    onBytes?.(piece.length);
  }
  if (signal.aborted) throw abortedError(signal);
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
