// Builds images as OCI layout directories, from tar entries or raw layer bytes, right and wrong ones. Writes the files
// itself and shares no code with registry/, so that it can judge it.

import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type TarItem, tarOf } from './tar-bytes.ts';

export type LayerCompression = 'none' | 'gzip' | 'zstd';

export interface LayerSpec {
  /** Entries, or the bytes of a tar (whatever they are). */
  readonly tar: readonly TarItem[] | Uint8Array;
  /** Default: gzip. */
  readonly compression?: LayerCompression;
  /** The stored bytes, when they are not the tar compressed as above. */
  readonly stored?: Uint8Array;
  /** Default: by compression, OCI or Docker. */
  readonly mediaType?: string;
  /** Default: the right one. */
  readonly diffId?: string;
  /** Default: the right one. What is stored under it stays as it is. */
  readonly digest?: string;
}

export interface ImageSpec {
  readonly layers: readonly LayerSpec[];
  /** Default `latest`. */
  readonly tag?: string;
  /** Docker's media types instead of OCI's. */
  readonly docker?: boolean;
  /** What to run: the config's `config` object. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: one entry for each layer. `null` leaves it out. */
  readonly history?: readonly Readonly<Record<string, unknown>>[] | null;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface BuiltImage {
  /** `oci:DIR:TAG`. */
  readonly reference: string;
  readonly manifestDigest: string;
  readonly layers: readonly { readonly digest: string; readonly size: number; readonly diffId: string }[];
}

const OCI_TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  none: 'application/vnd.oci.image.layer.v1.tar',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
};

const DOCKER_TYPES: typeof OCI_TYPES = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  none: 'application/vnd.docker.image.rootfs.diff.tar',
  gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  zstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
};

/** Adds an image to the layout in `directory`, which is made when it is not there. A tag that is there moves. */
export async function buildImage(directory: string, spec: ImageSpec): Promise<BuiltImage> {
  const types = spec.docker ? DOCKER_TYPES : OCI_TYPES;
  const platform = spec.platform ?? { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' };
  await mkdir(join(directory, 'blobs/sha256'), { recursive: true });
  const layers = [];
  for (const layer of spec.layers) layers.push(await storeLayer(directory, layer, types));
  const config = await storeBlob(directory, {
    created: '2024-01-02T03:04:05Z',
    ...platform,
    config: spec.config ?? {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    ...(spec.history !== null && { history: spec.history ?? layers.map((_, i) => ({ created_by: `step ${i + 1}` })) }),
  });
  const manifest = await storeBlob(directory, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, ...config },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    ...(spec.annotations && { annotations: spec.annotations }),
  });
  const tag = spec.tag ?? 'latest';
  await addToIndex(directory, { mediaType: types.manifest, ...manifest, platform }, tag);
  return { reference: `oci:${directory}:${tag}`, manifestDigest: manifest.digest, layers };
}

export interface IndexSpec {
  readonly tag: string;
  /** Each with its platform. */
  readonly images: readonly ImageSpec[];
  readonly docker?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Adds an index over several images to the layout; each of them has the tag `TAG-N` besides. */
export async function buildIndex(
  directory: string,
  spec: IndexSpec,
): Promise<{ readonly reference: string; readonly digest: string; readonly images: readonly BuiltImage[] }> {
  const images: BuiltImage[] = [];
  const manifests: unknown[] = [];
  for (const [i, image] of spec.images.entries()) {
    const built = await buildImage(directory, { ...image, tag: `${spec.tag}-${i}` });
    const { size } = await stat(blobPath(directory, built.manifestDigest));
    const { manifest: mediaType } = image.docker ? DOCKER_TYPES : OCI_TYPES;
    manifests.push({ mediaType, digest: built.manifestDigest, size, platform: image.platform });
    images.push(built);
  }
  const mediaType = spec.docker
    ? 'application/vnd.docker.distribution.manifest.list.v2+json'
    : 'application/vnd.oci.image.index.v1+json';
  const { annotations } = spec;
  const index = { schemaVersion: 2, mediaType, manifests, ...(annotations && { annotations }) };
  const stored = await storeBlob(directory, index);
  await addToIndex(directory, { mediaType, ...stored }, spec.tag);
  return { reference: `oci:${directory}:${spec.tag}`, digest: stored.digest, images };
}

/** Where a blob of a layout is stored. */
export function blobPath(directory: string, digest: string): string {
  return join(directory, 'blobs', digest.replace(':', '/'));
}

async function storeLayer(directory: string, layer: LayerSpec, types: typeof OCI_TYPES) {
  const compression = layer.compression ?? 'gzip';
  const tar = layer.tar instanceof Uint8Array ? layer.tar : tarOf(layer.tar);
  const stored = layer.stored ?? compressed(tar, compression);
  const digest = layer.digest ?? digestOfBytes(stored);
  await writeFile(blobPath(directory, digest), stored);
  return {
    mediaType: layer.mediaType ?? types[compression],
    digest,
    size: stored.length,
    diffId: layer.diffId ?? digestOfBytes(tar),
  };
}

function compressed(tar: Uint8Array, compression: LayerCompression): Uint8Array {
  if (compression === 'none') return tar;
  return compression === 'gzip' ? gzipSync(tar) : zstdCompressSync(tar);
}

async function storeBlob(directory: string, document: unknown): Promise<{ digest: string; size: number }> {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = digestOfBytes(bytes);
  await writeFile(blobPath(directory, digest), bytes);
  return { digest, size: bytes.length };
}

async function addToIndex(directory: string, descriptor: Record<string, unknown>, tag: string): Promise<void> {
  const path = join(directory, 'index.json');
  const index: { manifests: { annotations?: Record<string, string> }[] } = await readFile(path, 'utf8').then(
    text => JSON.parse(text),
    () => ({ schemaVersion: 2, manifests: [] }),
  );
  const name = 'org.opencontainers.image.ref.name';
  index.manifests = index.manifests.filter(entry => entry.annotations?.[name] !== tag);
  index.manifests.push({ ...descriptor, annotations: { [name]: tag } });
  await writeFile(path, JSON.stringify(index));
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

function digestOfBytes(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
