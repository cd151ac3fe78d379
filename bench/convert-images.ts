// The images that bench/convert.ts converts, out of this machine's own files, as OCI layouts with gzip -6 layers:
//
//   small files   every file of less than 64 KiB with its directories and links, as a package manager would lay them out
//   large files   files of more than 1 MiB: libraries, programs, archives
//
// What the machine does not have is made up, from a seed: words for small files, words and noise for large ones.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Descriptor, type Digest, digestFromHex, type ImageSink } from '../core/index.ts';
import { MEDIA_TYPES } from '../registry/index.ts';

const run = promisify(execFile);

export interface BenchImage {
  readonly name: string;
  /** `oci:` reference. */
  readonly reference: string;
  /** The layers, gzipped tars, bottom first. */
  readonly layers: readonly string[];
  readonly files: number;
  /** Of these files, how many are made up. */
  readonly madeUpFiles: number;
  /** Bytes of the tars. */
  readonly layerBytes: number;
  /** Bytes of the layers in the registry. */
  readonly compressedBytes: number;
}

/** What to take of the machine's files, and how much of it. */
export interface ImageRecipe {
  readonly name: string;
  readonly from: string;
  readonly wants: (bytes: number) => boolean;
  /** The image is full at this many files or bytes, and is filled up to them. */
  readonly files: number;
  readonly bytes: number;
  /** Directories and links belong to it. */
  readonly withTree: boolean;
  /** Bytes of made-up files. */
  readonly madeUpSize: (random: () => number) => number;
}

const LAYERS = 2;
const SEED = 20_240_229;

/** Builds the image in `directory`. `openSink` opens an `oci:` reference. */
export async function buildImage(
  recipe: ImageRecipe,
  directory: string,
  openSink: (reference: string) => ImageSink,
): Promise<BenchImage> {
  await mkdir(directory, { recursive: true });
  const chosen = await choose(recipe);
  const madeUp = join(directory, 'made-up');
  const madeUpFiles = await makeUp(recipe, madeUp, chosen);
  const archives = [
    ...inHalves(chosen.paths).map(paths => ({ root: '/', paths })),
    ...(madeUpFiles.length > 0 ? [{ root: madeUp, paths: madeUpFiles }] : []),
  ].filter(({ paths }) => paths.length > 0);
  const layers: PackedLayer[] = [];
  for (const { root, paths } of archives)
    layers.push(await packLayer(join(directory, `${layers.length}`), root, paths));
  const reference = `oci:${join(directory, 'source')}:bench`;
  await pushImage(openSink(reference), layers);
  const sum = (of: (layer: PackedLayer) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  return {
    name: recipe.name,
    reference,
    layers: layers.map(layer => layer.path),
    files: chosen.files + madeUpFiles.length,
    madeUpFiles: madeUpFiles.length,
    layerBytes: sum(layer => layer.tarBytes),
    compressedBytes: sum(layer => layer.descriptor.size),
  };
}

interface Chosen {
  /** Without the leading slash, in the order in which they are archived. */
  readonly paths: string[];
  readonly files: number;
  readonly bytes: number;
}

async function choose(recipe: ImageRecipe): Promise<Chosen> {
  const paths: string[] = [];
  let [files, bytes] = [0, 0];
  const isFull = () => files >= recipe.files || bytes >= recipe.bytes;
  const pending = [recipe.from];
  for (let folder = pending.pop(); folder !== undefined && !isFull(); folder = pending.pop()) {
    if (recipe.withTree) paths.push(folder.slice(1));
    const entries = await readdir(folder, { withFileTypes: true });
    const folders: string[] = [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      if (entry.isSymbolicLink() && recipe.withTree) paths.push(path.slice(1));
      if (!entry.isFile() || isFull()) continue;
      const { size } = await lstat(path);
      if (!recipe.wants(size)) continue;
      paths.push(path.slice(1));
      files++;
      bytes += size;
    }
    pending.push(...folders.reverse());
  }
  return { paths, files, bytes };
}

/** Writes files until the image is full; returns their paths. */
async function makeUp(recipe: ImageRecipe, root: string, { files, bytes }: Chosen): Promise<string[]> {
  const random = randomFrom(SEED);
  const paths: string[] = [];
  let total = bytes;
  for (let count = files; count < recipe.files && total < recipe.bytes; count++) {
    const path = `srv/app/node_modules/package-${Math.floor(paths.length / 40)}/lib/module-${paths.length}.js`;
    const content = text(recipe.madeUpSize(random), random);
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    paths.push(path);
    total += content.length;
  }
  return paths;
}

const WORDS = 4000;
const NOISE_EVERY = 12;

/** About as compressible as source code: words, the frequent ones often, and now and then something that never recurs. */
function text(size: number, random: () => number): Buffer {
  const parts: string[] = [];
  for (let length = 0; length < size; ) {
    const word = Math.floor(WORDS * random() ** 3);
    const noise = random() * NOISE_EVERY < 1 ? Math.floor(random() * 2 ** 40).toString(36) : '';
    const part = `${(word * 2_654_435_761).toString(36)}${noise}${word % 9 === 0 ? '\n' : ' '}`;
    parts.push(part);
    length += part.length;
  }
  return Buffer.from(parts.join('')).subarray(0, size);
}

/** mulberry32: the same numbers from the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function inHalves(paths: readonly string[]): string[][] {
  const size = Math.ceil(paths.length / LAYERS);
  return Array.from({ length: LAYERS }, (_, i) => paths.slice(i * size, (i + 1) * size));
}

interface PackedLayer {
  readonly path: string;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly tarBytes: number;
}

async function packLayer(stem: string, root: string, paths: readonly string[]): Promise<PackedLayer> {
  const [list, path] = [`${stem}.list`, `${stem}.tar.gz`];
  await writeFile(list, `${paths.join('\0')}\0`);
  const script =
    'tar -C "$2" --null --no-recursion --ignore-failed-read -T "$0" -cf - ' +
    '| tee >(sha256sum > "$1.sum") >(wc -c > "$1.size") | gzip -6 > "$1"; wait';
  await run('bash', ['-c', script, list, path, root]);
  return {
    path,
    descriptor: {
      mediaType: MEDIA_TYPES.ociLayerGzip,
      digest: await digestOf(createReadStream(path)),
      size: (await stat(path)).size,
    },
    diffId: digestFromHex((await readFile(`${path}.sum`, 'utf8')).slice(0, 64)),
    tarBytes: Number(await readFile(`${path}.size`, 'utf8')),
  };
}

async function digestOf(pieces: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return digestFromHex(hash.digest('hex'));
}

async function pushImage(sink: ImageSink, layers: readonly PackedLayer[]): Promise<void> {
  const { signal } = new AbortController();
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.diffId) },
    }),
  );
  const content = async function* () {
    yield config;
  };
  const configDescriptor = {
    mediaType: MEDIA_TYPES.ociConfig,
    digest: await digestOf(content()),
    size: config.length,
  };
  await sink.putBlob(configDescriptor, content, { signal });
  for (const { descriptor, path } of layers) await sink.putBlob(descriptor, () => createReadStream(path), { signal });
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: configDescriptor,
    layers: layers.map(layer => layer.descriptor),
  };
  await sink.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.ociManifest, { signal });
}
