// Images for wrong inputs: a plain one, its conversion, and ways to doctor them, with digests that fit (the image lies
// inside) or that do not (the bytes are damaged). The conversion is made once for a test file and copied.

import { mkdtempSync, rmSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { NYDUS_ANNOTATIONS, SHOAL_ANNOTATIONS, SHOAL_PIECES_PATH } from '../../../registry/index.ts';
import { noise, sha256Hex } from '../fake-blob.ts';
import { blobPath, buildImage, type LayerSpec } from '../image-builder.ts';
import type { MemoryRegistry } from '../memory-registry.ts';
import { callShoal } from '../shoal.ts';
import { type TarItem, tarOf } from '../tar-bytes.ts';
import type { Place } from './place.ts';

/** Small, with one of everything that can be wrong: nested directories, a link, a file of several chunks. */
export const SAMPLE_FILES: readonly TarItem[] = [
  { path: 'etc/' },
  { path: 'etc/motd', content: 'hello\n' },
  { path: 'etc/link', type: 'symlink', target: 'motd' },
  { path: 'usr/' },
  { path: 'usr/share/' },
  { path: 'usr/share/large', content: noise(300_000, 'large') },
  { path: 'usr/share/other', content: 'other\n' },
];

/** So that the large file has several chunks. */
const CHUNK_SIZE = '65536';
const BOOTSTRAP = 'image/image.boot';
const TAR_BLOCK = 512;

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

export interface Manifest {
  mediaType: string;
  config: Descriptor;
  layers: Descriptor[];
}

/** An image in an OCI layout directory of the place, tag `app`. Every change is on disk when it resolves. */
export class LayoutImage {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get reference(): string {
    return `oci:${this.directory}:app`;
  }

  /** Where the index says the manifest is. */
  async manifestDigest(): Promise<string> {
    return (await this.#index()).manifests[0]?.digest ?? '';
  }

  async manifest(): Promise<Manifest> {
    return JSON.parse(await readFile(this.path(await this.manifestDigest()), 'utf8'));
  }

  path(digest: string): string {
    return blobPath(this.directory, digest);
  }

  /** Stores bytes under their own digest. */
  async store(bytes: Uint8Array): Promise<{ digest: string; size: number }> {
    const digest = `sha256:${sha256Hex(bytes)}`;
    await writeFile(this.path(digest), bytes);
    return { digest, size: bytes.length };
  }

  /** Makes these bytes, or this document, the image's manifest, under the right digest. */
  async putManifest(manifest: Manifest | Uint8Array | object): Promise<void> {
    const bytes = manifest instanceof Uint8Array ? manifest : Buffer.from(JSON.stringify(manifest));
    const stored = await this.store(bytes);
    const index = await this.#index();
    Object.assign(index.manifests[0] ?? {}, stored);
    await writeFile(join(this.directory, 'index.json'), JSON.stringify(index));
  }

  /** Replaces a layer or the config by other bytes, all digests made to fit; what the image says of its pieces goes. */
  async replace(which: 'config' | number, bytes: Uint8Array): Promise<void> {
    if (which === 0) await this.dropPieceTable();
    const manifest = await this.manifest();
    const stored = await this.store(bytes);
    const descriptor = which === 'config' ? manifest.config : manifest.layers.at(which);
    Object.assign(descriptor ?? {}, stored);
    delete descriptor?.annotations?.[SHOAL_ANNOTATIONS.pieces];
    await this.putManifest(manifest);
  }

  async bytesOf(which: 'config' | number): Promise<Buffer> {
    return readFile(this.path((await this.#descriptor(which)).digest));
  }

  /** Changes the stored bytes of a layer or the config; the digest that names them stays. */
  async damage(
    which: 'config' | 'manifest' | number,
    change: (bytes: Buffer) => Uint8Array | undefined,
  ): Promise<void> {
    const digest = which === 'manifest' ? await this.manifestDigest() : (await this.#descriptor(which)).digest;
    const bytes = await readFile(this.path(digest));
    await writeFile(this.path(digest), change(bytes) ?? bytes);
  }

  async bootstrap(): Promise<Buffer> {
    return (await this.#bootstrapFiles()).bootstrap;
  }

  async pieceTable(): Promise<Buffer> {
    return (await this.#bootstrapFiles()).pieces;
  }

  /** Replaces the bootstrap; all digests fit, only what it says does not. */
  async putBootstrap(bytes: Uint8Array): Promise<void> {
    await this.replace(-1, gzipSync(tarOf([{ path: 'image/' }, { path: BOOTSTRAP, content: bytes }])));
  }

  /** Makes an accelerated image one without a piece table, as other tools do. */
  async dropPieceTable(): Promise<void> {
    const layer = (await this.manifest()).layers.at(-1);
    if (layer?.annotations?.[NYDUS_ANNOTATIONS.bootstrap] === 'true') await this.putBootstrap(await this.bootstrap());
  }

  /** Replaces the piece table. */
  async putPieceTable(bytes: Uint8Array, more: readonly TarItem[] = []): Promise<void> {
    const bootstrap = { path: BOOTSTRAP, content: await this.bootstrap() };
    const items = [{ path: 'image/' }, bootstrap, { path: SHOAL_PIECES_PATH, content: bytes }, ...more];
    await this.replace(-1, gzipSync(tarOf(items)));
  }

  /** Puts the whole image into a registry. */
  async publish(registry: MemoryRegistry, repository: string, tag: string): Promise<void> {
    const manifest = await this.manifest();
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      registry.putBlob(repository, await readFile(this.path(digest)));
    }
    registry.putManifest(repository, tag, await readFile(this.path(await this.manifestDigest())), manifest.mediaType);
  }

  /** The layer's tar: the directory's header, then each file behind its own. */
  async #bootstrapFiles(): Promise<{ readonly bootstrap: Buffer; readonly pieces: Buffer }> {
    const tar = gunzipSync(await this.bytesOf(-1));
    const fileAt = (header: number) => {
      const size = Number.parseInt(tar.toString('latin1', header + 124, header + 135), 8);
      const at = header + TAR_BLOCK;
      return { content: Buffer.from(tar.subarray(at, at + size)), next: at + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK };
    };
    const bootstrap = fileAt(TAR_BLOCK);
    return { bootstrap: bootstrap.content, pieces: fileAt(bootstrap.next).content };
  }

  async #descriptor(which: 'config' | number): Promise<Descriptor> {
    const manifest = await this.manifest();
    const found = which === 'config' ? manifest.config : manifest.layers.at(which);
    if (!found) throw new Error(`the image has no layer ${which}`);
    return found;
  }

  async #index(): Promise<{ manifests: Descriptor[] }> {
    return JSON.parse(await readFile(join(this.directory, 'index.json'), 'utf8'));
  }
}

/** A plain image of one layer in the place's directory `in`. */
export async function plainImage(
  place: Place,
  tar: readonly TarItem[] | Uint8Array = SAMPLE_FILES,
  layer: Partial<LayerSpec> = {},
): Promise<LayoutImage> {
  await buildImage(place.path('in'), { tag: 'app', layers: [{ tar, ...layer }] });
  return new LayoutImage(place.path('in'));
}

// Damage, for `LayoutImage.damage`.

/** One byte turned over; from the end when negative. */
export const flip = (at: number) => (bytes: Buffer) => {
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 0xff;
  return bytes;
};
export const cut = (bytes: Buffer) => bytes.subarray(0, bytes.length - 10);
export const zeros = (bytes: Buffer) => bytes.fill(0);

let converted: Promise<string> | undefined;

/** The sample image, converted, in the place's directory `image`. Its layers: one blob, the bootstrap. */
export async function convertedImage(place: Place): Promise<LayoutImage> {
  converted ??= convertSample();
  await cp(await converted, place.path('image'), { recursive: true });
  return new LayoutImage(place.path('image'));
}

async function convertSample(): Promise<string> {
  const base = mkdtempSync(join(tmpdir(), 'shoal-test-'));
  process.once('exit', () => rmSync(base, { recursive: true, force: true }));
  const plain = await buildImage(join(base, 'plain'), { tag: 'app', layers: [{ tar: SAMPLE_FILES }] });
  const target = join(base, 'converted');
  const args = ['convert', '--chunk-size', CHUNK_SIZE, plain.reference, `oci:${target}:app`];
  const { code, stderr } = await callShoal(args, { root: join(base, 'root') });
  if (code !== 0) throw new Error(`shoal convert of the sample: exit code ${code}\n${stderr}`);
  return target;
}
