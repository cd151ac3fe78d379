// A tar of an OCI layout (image specification, "Image Layout"; `oci-archive:`), read at random where it lies.

import type { Digest, TransferOptions } from '../core/index.ts';
import { hexOf, ShoalError } from '../core/index.ts';
import type { OpenArchive } from './archive-file.ts';
import { ArchiveFile, blobAt } from './archive-file.ts';
import { INDEX_FILE, MAX_INDEX_BYTES } from './layout-files.ts';
import type { LayoutStore, StoredBlob } from './layout-store.ts';
import { wrongSize } from './layout-store.ts';
import type { ImageIndex } from './manifest.ts';
import { parseIndex } from './manifest.ts';
import type { TarPlace } from './tar-index.ts';
import type { ExpectedContent } from './verified-stream.ts';

/** Where a layout keeps a blob. */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

export class OciArchiveStore implements LayoutStore {
  readonly #archive: ArchiveFile;
  readonly #what: string;

  /** `what` names the image in messages. */
  constructor(file: string, what: string) {
    this.#archive = new ArchiveFile(file, what);
    this.#what = what;
  }

  async index(options: TransferOptions): Promise<ImageIndex> {
    const bytes = await this.#archive.document(INDEX_FILE, MAX_INDEX_BYTES, options);
    if (bytes) return parseIndex(bytes, this.#what);
    const isDocker = await this.#holds('manifest.json', options);
    const hint = isDocker ? '; it has a manifest.json: use docker-archive:' : '';
    throw new ShoalError('not-found', `${this.#what}: no OCI layout in the archive (it has no index.json)${hint}`);
  }

  async openBlob(blob: ExpectedContent, options: TransferOptions): Promise<StoredBlob> {
    const archive = await this.#archive.open(options);
    try {
      return blobAt(archive.file, placeOf(archive, blob, blobName(blob.digest), this.#what));
    } catch (error) {
      await archive.file.close();
      throw error;
    }
  }

  async blobSize(digest: Digest, options: TransferOptions): Promise<number | undefined> {
    const { file, index } = await this.#archive.open(options);
    await file.close();
    return index.find(blobName(digest))?.size;
  }

  async #holds(path: string, options: TransferOptions): Promise<boolean> {
    const { file, index } = await this.#archive.open(options);
    await file.close();
    return index.find(path) !== undefined;
  }
}

/** The place of a blob that is stored as `path`. Throws `not-found`, or `malformed` for another size. */
export function placeOf({ index }: OpenArchive, blob: ExpectedContent, path: string, what: string): TarPlace {
  const place = index.find(path);
  if (!place) throw new ShoalError('not-found', `${what}: blob ${blob.digest} is not in the archive (as ${path})`);
  if (place.size !== blob.size) throw wrongSize(what, blob, place.size);
  return place;
}
