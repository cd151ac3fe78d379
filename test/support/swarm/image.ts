// Images for the swarm, the same bytes in every run with the same seed: several layers, files of sizes as images have them
// (many small, few large), half of the bytes hardly compressible. With them, what every file must be.

import { createCipheriv, createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildImage } from '../image-builder.ts';
import type { TarItem } from '../tar-bytes.ts';
import { SeededRandom } from './random.ts';

const MIB = 1 << 20;
export const LAYERS = 4;
const SMALL_MEDIAN = 3000;
/** Of the logarithm: one small file in six is larger than three times the median. */
const SMALL_SPREAD = 1.1;
const MAX_SMALL = 256 << 10;

/** First in the blob of the first layer, and incompressible: its MiB are the MiB of the blob. */
export const AHEAD_FILE = 'ahead.bin';
export const AHEAD_MIB = 8;

export interface SwarmImage {
  /** `oci:DIRECTORY:TAG`, not converted. */
  readonly reference: string;
  /** SHA-256 of every regular file, by its path. */
  readonly files: Readonly<Record<string, string>>;
}

/** At least `mib` MiB when compressed, in the layout `directory`; from an earlier call where that is there. */
export async function buildSwarmImage(
  directory: string,
  { mib, seed }: { mib: number; seed: number },
): Promise<SwarmImage> {
  const tag = `swarm-${mib}-${seed}`;
  const list = join(directory, `${tag}.json`);
  const reference = `oci:${directory}:${tag}`;
  const known = await readFile(list, 'utf8').catch(() => undefined);
  if (known !== undefined) return { reference, files: JSON.parse(known) };
  const random = new SeededRandom(seed);
  const layers = Array.from({ length: LAYERS }, (_, index) => layerOf(index, ((mib * MIB) / LAYERS) | 0, random));
  await buildImage(directory, { tag, layers: layers.map(tar => ({ tar })) });
  const files = Object.fromEntries(layers.flat().flatMap(({ path, content }) => fileOf(path, content)));
  await writeFile(list, JSON.stringify(files));
  return { reference, files };
}

function fileOf(path: string, content: TarItem['content']): [string, string][] {
  return content === undefined ? [] : [[path, createHash('sha256').update(content).digest('hex')]];
}

/** Files that take so many bytes when compressed, about a tenth of them small. */
function layerOf(index: number, bytes: number, random: SeededRandom): TarItem[] {
  const items: TarItem[] = [];
  let left = bytes;
  // The first file of all is as large as fits: small images of tests have a shorter one.
  if (index === 0) {
    const length = Math.min(AHEAD_MIB * MIB, bytes);
    items.push({ path: AHEAD_FILE, content: noise(random, length) });
    left -= length;
  }
  for (let number = 0; left > 0; number++) {
    const isLarge = number % 100 === 99;
    const length = Math.ceil(isLarge ? random.between(0.5, 4) * MIB : smallSize(random));
    const folder = `layer-${index}/d${Math.floor(number / 50)}`;
    // Every second large file is text of which compression leaves a third, as of programs and libraries.
    const isText = number % 200 === 199 || (!isLarge && number % 2 === 0);
    const content = isText ? text(random, length) : noise(random, length);
    items.push({ path: `${folder}/${isLarge ? 'large' : 'small'}-${number}`, content });
    left -= isText ? length / 3 : length;
  }
  return items;
}

/** Lognormal. */
function smallSize(random: SeededRandom): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.min(MAX_SMALL, Math.ceil(SMALL_MEDIAN * Math.exp(SMALL_SPREAD * normal)));
}

function noise(random: SeededRandom, length: number): Buffer {
  const key = createHash('sha256').update(`${random.next()}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** A third of it carries information. */
function text(random: SeededRandom, length: number): Buffer {
  const lines = noise(random, Math.ceil(length / 5) + 1).toString('hex');
  const words: string[] = [];
  for (let at = 0, got = 0; got < length; at += 16) {
    const line = `let value${at} = '${lines.slice(at, at + 16)}'; // set\n`;
    words.push(line);
    got += line.length;
  }
  return Buffer.from(words.join('')).subarray(0, length);
}
