// What `docker save` writes, and skopeo and podman as docker-archive: a tar with a manifest.json that lists, for each
// image, its config, its names and its layers as paths inside the tar (Docker image specification v1.2, "Combined Image
// JSON + Filesystem Changeset Format"). Newer ones are OCI layouts besides; the list is the same.
//
// Such an archive has no manifests, and so no manifest digests. The store makes one for each image: a Docker schema 2
// manifest over config and layers exactly as they lie in the archive, whose digest depends on nothing else. A layer that
// is stored uncompressed has its diff id as its digest; a compressed one is read once to find out.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Descriptor, Digest, TransferOptions } from '../core/index.ts';
import { digestFromHex, isDigest, ShoalError } from '../core/index.ts';
import type { OpenArchive } from './archive-file.ts';
import { ArchiveFile, blobAt } from './archive-file.ts';
import { MAX_DOCUMENT_BYTES } from './body.ts';
import { REF_NAME } from './layout-files.ts';
import type { LayoutStore, StoredBlob } from './layout-store.ts';
import { contentOf, wrongSize } from './layout-store.ts';
import type { ImageConfig, ImageIndex, IndexEntry } from './manifest.ts';
import { MEDIA_TYPES, parseConfig } from './manifest.ts';
import { placeOf } from './oci-archive.ts';
import { formatReference, parseReference } from './reference.ts';
import type { TarPlace } from './tar-index.ts';
import type { ExpectedContent } from './verified-stream.ts';

const LIST_FILE = 'manifest.json';
/** Names that are listed in a message. */
const MAX_LISTED = 20;
/** Images in one archive, and names and layers of each: more than anybody saves, few enough to look at all. */
const MAX_IMAGES = 1000;
const MAX_STRINGS = 1000;

const strings = z.array(z.string()).max(MAX_STRINGS).nullish();
const listSchema = z.array(z.looseObject({ Config: z.string(), RepoTags: strings, Layers: strings })).max(MAX_IMAGES);
type ListedImage = z.infer<typeof listSchema>[number];

/** What the store can read: by path in the archive, or made here. */
type Content = { readonly path: string } | { readonly bytes: Uint8Array };

interface Catalog {
  readonly identity: string;
  readonly index: ImageIndex;
  readonly contents: ReadonlyMap<Digest, Content>;
}

/** A catalog that is being made. A layer that several images share is looked at once, by its path. */
interface Findings {
  readonly contents: Map<Digest, Content>;
  readonly layers: Map<string, Descriptor>;
}

export class DockerArchiveStore implements LayoutStore {
  readonly #archive: ArchiveFile;
  readonly #what: string;
  readonly #wanted: string | undefined;
  #catalog: Catalog | undefined;

  /** `wanted` is the one image to look for, `HOST/REPO:TAG`; others are not looked at then. */
  constructor(file: string, what: string, wanted: string | undefined) {
    this.#archive = new ArchiveFile(file, what);
    this.#what = what;
    this.#wanted = wanted;
  }

  async index(options: TransferOptions): Promise<ImageIndex> {
    return this.#opened(options, async (_archive, catalog) => catalog.index);
  }

  async openBlob(blob: ExpectedContent, options: TransferOptions): Promise<StoredBlob> {
    const archive = await this.#archive.open(options);
    try {
      const content = (await this.#catalogOf(archive, options)).contents.get(blob.digest);
      if (!content) throw new ShoalError('not-found', `${this.#what}: blob ${blob.digest} is not in the archive`);
      if ('path' in content) return blobAt(archive.file, placeOf(archive, blob, content.path, this.#what));
      if (content.bytes.length !== blob.size) throw wrongSize(this.#what, blob, content.bytes.length);
      await archive.file.close();
      return blobOf(content.bytes);
    } catch (error) {
      await archive.file.close();
      throw error;
    }
  }

  async blobSize(digest: Digest, options: TransferOptions): Promise<number | undefined> {
    return this.#opened(options, async (archive, { contents }) => {
      const content = contents.get(digest);
      return content && ('path' in content ? archive.index.find(content.path)?.size : content.bytes.length);
    });
  }

  async #opened<T>(options: TransferOptions, work: (archive: OpenArchive, catalog: Catalog) => Promise<T>): Promise<T> {
    const archive = await this.#archive.open(options);
    try {
      return await work(archive, await this.#catalogOf(archive, options));
    } finally {
      await archive.file.close();
    }
  }

  async #catalogOf(archive: OpenArchive, options: TransferOptions): Promise<Catalog> {
    const known = this.#catalog;
    if (known?.identity === archive.identity) return known;
    const findings: Findings = { contents: new Map(), layers: new Map() };
    const manifests: IndexEntry[] = [];
    for (const image of this.#chosen(await this.#list(options))) {
      manifests.push(...(await this.#describe(archive, image, findings, options)));
    }
    const index: ImageIndex = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests };
    this.#catalog = { identity: archive.identity, index, contents: findings.contents };
    return this.#catalog;
  }

  async #list(options: TransferOptions): Promise<readonly ListedImage[]> {
    const bytes = await this.#archive.document(LIST_FILE, MAX_DOCUMENT_BYTES, options);
    const name = `${this.#what}: ${LIST_FILE}`;
    if (!bytes)
      throw new ShoalError('not-found', `${this.#what}: no ${LIST_FILE} in the archive: docker did not save it`);
    const parsed = listSchema.safeParse(jsonOf(bytes, name));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new ShoalError('malformed', `${name} is wrong at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`);
  }

  /** The images that can be meant. Throws `not-found` with the names there are. */
  #chosen(list: readonly ListedImage[]): readonly ListedImage[] {
    if (this.#wanted === undefined) return list;
    const found = list.filter(image => namesOf(image).includes(this.#wanted ?? ''));
    if (found.length > 0) return found;
    const names = list.flatMap(namesOf).slice(0, MAX_LISTED).join(', ') || 'none';
    throw new ShoalError('not-found', `${this.#what}: no such image in the archive; names: ${names}`);
  }

  /** Makes the manifest of an image; its entries in the index are one for each name. */
  async #describe(
    archive: OpenArchive,
    image: ListedImage,
    { contents, layers: known }: Findings,
    options: TransferOptions,
  ): Promise<IndexEntry[]> {
    const bytes = await this.#archive.document(image.Config, MAX_DOCUMENT_BYTES, options);
    if (!bytes) throw this.#missing(image.Config);
    const config = parseConfig(bytes, this.#what);
    const configDigest = sha256(bytes);
    contents.set(configDigest, { path: image.Config });
    const layers: Descriptor[] = [];
    for (const [position, path] of (image.Layers ?? []).entries()) {
      const layer = known.get(path) ?? (await this.#layer(archive, path, diffIdOf(config, position), options));
      known.set(path, layer);
      contents.set(layer.digest, { path });
      layers.push(layer);
    }
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.dockerManifest,
        config: { mediaType: MEDIA_TYPES.dockerConfig, size: bytes.length, digest: configDigest },
        layers: layers.map(({ mediaType, size, digest }) => ({ mediaType, size, digest })),
      }),
    );
    const digest = sha256(manifest);
    contents.set(digest, { bytes: manifest });
    const { os, architecture, variant } = config;
    const platform = { os, architecture, ...(variant !== undefined && { variant }) };
    const entry: IndexEntry = { mediaType: MEDIA_TYPES.dockerManifest, digest, size: manifest.length, platform };
    const names = namesOf(image);
    return names.length === 0 ? [entry] : names.map(name => ({ ...entry, annotations: { [REF_NAME]: name } }));
  }

  async #layer(
    archive: OpenArchive,
    path: string,
    diffId: Digest | undefined,
    options: TransferOptions,
  ): Promise<Descriptor> {
    const place = archive.index.find(path);
    if (!place) throw this.#missing(path);
    const mediaType = await mediaTypeOf(archive, place);
    const named = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
    // A wrong name or diff id is found when the layer is read: its bytes are compared with this digest.
    if (named !== undefined) return { mediaType, digest: digestFromHex(named), size: place.size };
    if (mediaType === MEDIA_TYPES.dockerLayer && diffId) return { mediaType, digest: diffId, size: place.size };
    const hash = createHash('sha256');
    const whole = { offset: 0, length: place.size };
    const what = `${this.#what}: ${path}`;
    for await (const piece of contentOf(blobAt(archive.file, place), whole, { ...options, what })) hash.update(piece);
    return { mediaType, digest: digestFromHex(hash.digest('hex')), size: place.size };
  }

  #missing(path: string): ShoalError {
    const name = JSON.stringify(path.slice(0, 200));
    return new ShoalError('malformed', `${this.#what}: ${LIST_FILE} names ${name}, which is not in the archive`);
  }
}

/** By how it begins, as every reader of layers does. */
async function mediaTypeOf({ file }: OpenArchive, place: TarPlace): Promise<string> {
  const magic = Buffer.alloc(4);
  await file.read(magic, 0, Math.min(magic.length, place.size), place.offset);
  const hex = magic.toString('hex');
  if (hex.startsWith('1f8b')) return MEDIA_TYPES.dockerLayerGzip;
  return hex === '28b52ffd' ? MEDIA_TYPES.dockerLayerZstd : MEDIA_TYPES.dockerLayer;
}

/** The image's names in full: archives have `app:1` and `docker.io/library/app:1` for the same. */
function namesOf({ RepoTags }: ListedImage): string[] {
  return (RepoTags ?? []).flatMap(name => {
    try {
      const reference = parseReference(`docker://${name}`);
      return [formatReference(reference)];
    } catch {
      return []; // `<none>:<none>`, or nothing that anybody could type
    }
  });
}

function diffIdOf(config: ImageConfig, position: number): Digest | undefined {
  const diffId = config.rootfs.diff_ids[position];
  return diffId !== undefined && isDigest(diffId) ? diffId : undefined;
}

function blobOf(bytes: Uint8Array): StoredBlob {
  return {
    read: async (piece, at) => {
      const part = bytes.subarray(at, at + piece.length);
      piece.set(part);
      return part.length;
    },
    close: async () => {},
  };
}

function jsonOf(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ShoalError('malformed', `${what} is no valid JSON`, { cause: error });
  }
}

function sha256(bytes: Uint8Array): Digest {
  return digestFromHex(createHash('sha256').update(bytes).digest('hex'));
}
