// An image in a tar of an OCI layout, to write. The tar grows under a temporary name beside the target and takes its
// place by rename when the image is complete; given up before, it leaves nothing. Images of other names that the target
// holds already are taken along: the new archive has them and the new one.

import { createHash, randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm, stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import type {
  Descriptor,
  Digest,
  ImageSink,
  ManifestOptions,
  PutResult,
  Referrer,
  ReferrerSink,
  TransferOptions,
} from '../core/index.ts';
import { abortedError, digestFromHex, errnoOf, fromSystemError, ShoalError } from '../core/index.ts';
import { ArchiveFile, blobAt } from './archive-file.ts';
import { checkDocumentSize, readAll } from './body.ts';
import {
  EMPTY_INDEX,
  INDEX_FILE,
  indexBytes,
  LAYOUT_FILE,
  LAYOUT_VERSION,
  REF_NAME,
  withEntry,
} from './layout-files.ts';
import { observed, once } from './layout-sink.ts';
import { contentOf, readStored } from './layout-store.ts';
import type { ImageIndex, IndexEntry } from './manifest.ts';
import { blobName, OciArchiveStore } from './oci-archive.ts';
import { reachableBlobs } from './reachable-blobs.ts';
import type { ArchiveReference } from './reference.ts';
import { formatReference } from './reference.ts';
import type { DocumentStore } from './referrer-index.ts';
import { indexWithReferrer } from './referrer-index.ts';
import { TarAppender } from './tar-appender.ts';
import type { TarPlace } from './tar-index.ts';
import type { ExpectedContent } from './verified-stream.ts';
import { verifiedStream } from './verified-stream.ts';

/** An archive on its way: what is in it so far. */
interface Draft {
  readonly path: string;
  readonly file: FileHandle;
  readonly tar: TarAppender;
  readonly blobs: Map<Digest, TarPlace>;
  index: ImageIndex;
  /** What stood in the target's place when this began. */
  readonly replaces: string | undefined;
}

export class ArchiveSink implements ImageSink, ReferrerSink, AsyncDisposable {
  readonly name: string;
  readonly #reference: ArchiveReference;
  /** A tar has one end: one member after another. */
  readonly #inTurn = pLimit(1);
  #draft: Draft | undefined;

  constructor(reference: ArchiveReference) {
    this.name = formatReference(reference);
    this.#reference = reference;
  }

  async hasBlob(digest: Digest, options: TransferOptions): Promise<boolean> {
    if (options.signal.aborted) throw abortedError(options.signal);
    if (this.#draft) return this.#draft.blobs.has(digest);
    if ((await this.#targetIdentity()) === undefined) return false;
    return (await new OciArchiveStore(this.#reference.file, this.name).blobSize(digest, options)) !== undefined;
  }

  putBlob(
    descriptor: Descriptor,
    content: () => AsyncIterable<Uint8Array>,
    options: TransferOptions & { readonly onBytes?: (bytes: number) => void },
  ): Promise<PutResult> {
    return this.#inTurn(async () => {
      const draft = await this.#begun(options);
      if (draft.blobs.get(descriptor.digest)?.size === descriptor.size) return 'present';
      await this.#append(draft, descriptor, observed(verifiedStream(content(), descriptor, this.name), options));
      return 'written';
    });
  }

  async putManifest(bytes: Uint8Array, mediaType: string, options: ManifestOptions): Promise<Digest> {
    const descriptor = { mediaType, digest: sha256(bytes), size: bytes.length };
    const { digest } = descriptor;
    await this.putBlob(descriptor, () => once(bytes), { signal: options.signal });
    if (options.untagged) return digest;
    const { tag } = this.#reference;
    const entry = tag === undefined ? descriptor : { ...descriptor, annotations: { [REF_NAME]: tag } };
    await this.#inTurn(async () => this.#finish(await this.#begun(options), entry, options));
    return digest;
  }

  async putReferrer(
    subject: Digest,
    referrer: Referrer,
    manifest: Uint8Array,
    options: TransferOptions,
  ): Promise<void> {
    await this.putManifest(manifest, referrer.descriptor.mediaType, { ...options, untagged: true });
    await this.#inTurn(async () => {
      const draft = await this.#begun(options);
      const documents: DocumentStore = {
        read: entry => this.#read(draft, entry, options),
        write: async bytes => {
          const blob = { digest: sha256(bytes), size: bytes.length };
          await this.#append(draft, blob, once(bytes));
          return blob.digest;
        },
      };
      draft.index = await indexWithReferrer(draft.index, { subject, referrer, manifest }, documents);
    });
  }

  /** Gives up what no finished image needs. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inTurn(() => this.#discard());
  }

  async #begun(options: TransferOptions): Promise<Draft> {
    if (options.signal.aborted) throw abortedError(options.signal);
    if (this.#draft) return this.#draft;
    const { file: target } = this.#reference;
    const path = `${target}.${randomUUID()}.partial`;
    try {
      const replaces = await this.#targetIdentity();
      const file = await open(path, 'wx+');
      const draft = { path, file, tar: new TarAppender(file), blobs: new Map(), index: EMPTY_INDEX, replaces };
      this.#draft = draft;
      await draft.tar.addDirectory('blobs/');
      await draft.tar.addDirectory('blobs/sha256/');
      await draft.tar.add(LAYOUT_FILE, LAYOUT_VERSION.length, once(Buffer.from(LAYOUT_VERSION)));
      if (replaces !== undefined) await this.#takeAlong(draft, options);
      return draft;
    } catch (error) {
      await this.#discard();
      throw fromSystemError(error, `${this.name}: making ${path}`);
    }
  }

  /**
   * Copies what the target's other images need; what only the one with our name needed stays behind. Blobs are checked
   * when somebody reads them, as they were before.
   */
  async #takeAlong(draft: Draft, options: TransferOptions): Promise<void> {
    const { file: target, tag } = this.#reference;
    const store = new OciArchiveStore(target, this.name);
    const before = await store.index(options);
    draft.index = { ...before, manifests: before.manifests.filter(entry => entry.annotations?.[REF_NAME] !== tag) };
    const read = (descriptor: Descriptor) => readStored(store, descriptor, { ...options, what: this.name });
    const needed = await reachableBlobs(draft.index.manifests, read, this.name);
    const { file, index } = await new ArchiveFile(target, this.name).open(options);
    try {
      for (const name of index.names) {
        const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
        const place = index.find(name);
        if (hex === undefined || !place || needed?.has(digestFromHex(hex)) === false) continue;
        const whole = { offset: 0, length: place.size };
        const content = contentOf(blobAt(file, place), whole, { ...options, what: this.name });
        draft.blobs.set(digestFromHex(hex), await draft.tar.add(name, place.size, content));
      }
    } finally {
      await file.close();
    }
  }

  /** A document that is in the draft. */
  async #read(draft: Draft, descriptor: Descriptor, options: TransferOptions): Promise<Uint8Array> {
    checkDocumentSize(descriptor, this.name);
    const place = draft.blobs.get(descriptor.digest) ?? { offset: 0, size: 0 };
    const whole = { offset: 0, length: place.size };
    const content = contentOf(blobAt(draft.file, place), whole, { ...options, what: this.name });
    return readAll(verifiedStream(content, descriptor, this.name), descriptor.size, this.name);
  }

  async #append(draft: Draft, blob: ExpectedContent, content: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      draft.blobs.set(blob.digest, await draft.tar.add(blobName(blob.digest), blob.size, content));
    } catch (error) {
      throw fromSystemError(error, `${this.name}: writing ${draft.path}`);
    }
  }

  async #finish(draft: Draft, entry: IndexEntry, { signal }: TransferOptions): Promise<void> {
    const { file: target } = this.#reference;
    try {
      const index = indexBytes(withEntry(draft.index, entry));
      await draft.tar.add(INDEX_FILE, index.length, once(index));
      await draft.tar.end();
      // Without this a power cut can leave the name with no bytes behind it.
      await draft.file.datasync();
      if (signal.aborted) throw abortedError(signal);
      if ((await this.#targetIdentity()) !== draft.replaces) {
        throw new ShoalError(
          'busy',
          `${this.name}: somebody else has written ${target} meanwhile; it is left as it is`,
        );
      }
      await rename(draft.path, target);
      this.#draft = undefined;
      await draft.file.close();
    } catch (error) {
      await this.#discard();
      throw fromSystemError(error, `${this.name}: writing ${target}`);
    }
  }

  async #discard(): Promise<void> {
    const draft = this.#draft;
    if (!draft) return;
    this.#draft = undefined;
    await draft.file.close();
    await rm(draft.path, { force: true });
  }

  /** Tells one file in the target's place from another; undefined when there is none, or an empty one. */
  async #targetIdentity(): Promise<string | undefined> {
    try {
      const stats = await stat(this.#reference.file, { bigint: true });
      // The rename at the end would put the archive into the place of a device, which root may do.
      if (!stats.isFile()) throw new ShoalError('usage', `${this.name}: ${this.#reference.file} is no regular file`);
      const { dev, ino, size, mtimeNs } = stats;
      return size === 0n ? undefined : `${dev}:${ino}:${size}:${mtimeNs}`;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fromSystemError(error, this.name);
    }
  }
}

function sha256(bytes: Uint8Array): Digest {
  return digestFromHex(createHash('sha256').update(bytes).digest('hex'));
}
