// An image for tests that read it hard: a directory of 100 000 entries, large and small files, programs, files that fio
// laid out, and a tree that stress-ng can be run in. Seeded: the same bytes in every run. Beside it a manifest that tells
// readers (stress-readers.py) what they must find.

import { execFile } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BuiltImage, buildImage } from './image-builder.ts';
import type { TarItem } from './tar-bytes.ts';

const run = promisify(execFile);

const MANY_ENTRIES = 100_000;
const BIG_BYTES = 12 << 20;
const SMALL_FILES = 1500;
const MAX_SMALL_BYTES = 20_000;
const PROGRAMS = 8;
const BUSYBOX = '/bin/busybox';
/** The d_type of getdents(2), which is also the type in st_mode. */
const KIND = { directory: 4, file: 8, symlink: 10 };

export interface StressManifest {
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
  readonly big: readonly string[];
  readonly small: readonly string[];
  readonly programs: readonly string[];
  readonly script: { readonly path: string; readonly says: string };
  readonly directory: { readonly path: string; readonly entries: Readonly<Record<string, number>> };
}

export interface StressImage extends BuiltImage {
  readonly manifestPath: string;
  readonly manifest: StressManifest;
}

/** Builds the image as `oci:DIRECTORY/layout:stress`. `more` is added as a layer of its own. */
export async function buildStressImage(directory: string, more: readonly TarItem[]): Promise<StressImage> {
  const big = bigFiles();
  const small = smallFiles();
  const programs = programFiles(await readFile(BUSYBOX));
  const script = { path: 'bin/script', says: 'said by a script\n' };
  const scriptItem = { path: script.path, content: `#!/bin/sh\necho '${script.says.trim()}'\n`, mode: 0o755 };
  const { items: many, entries } = manyEntries();
  const contents = [...big, ...small, ...programs];
  const manifest: StressManifest = {
    files: Object.fromEntries(
      contents.map(({ path, content }) => [
        path,
        { size: content.length, sha256: createHash('sha256').update(content).digest('hex') },
      ]),
    ),
    big: big.map(({ path }) => path),
    small: small.map(({ path }) => path),
    programs: programs.map(({ path }) => path),
    script,
    directory: { path: 'many', entries },
  };
  const manifestPath = join(directory, 'manifest.json');
  await writeFile(manifestPath, JSON.stringify(manifest));
  const built = await buildImage(join(directory, 'layout'), {
    tag: 'stress',
    layers: [
      { tar: [...contents, scriptItem], compression: 'none' },
      { tar: many, compression: 'none' },
      { tar: more, compression: 'none' },
    ],
  });
  return { ...built, manifestPath, manifest };
}

interface FileItem {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode?: number;
}

/** Bytes that no codec shrinks, the same for the same seed. */
export function noise(seed: string, bytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

function bigFiles(): FileItem[] {
  const text = Buffer.alloc(BIG_BYTES);
  for (let at = 0; at < BIG_BYTES; at += 16) text.write(`line ${String(at).padStart(10)}\n`, at, 'latin1');
  // Zeros and noise in turn, in pieces that are no multiple of a page or a chunk.
  const mixed = noise('mixed', BIG_BYTES);
  for (let at = 0; at < BIG_BYTES; at += 700_001) mixed.fill(0, at, at + 300_007);
  return [
    { path: 'big/noise', content: noise('noise', BIG_BYTES) },
    { path: 'big/text', content: text },
    { path: 'big/mixed', content: mixed },
    // Its chunks are chunks of another file, its end is not at a page's end.
    { path: 'big/shared', content: noise('noise', BIG_BYTES).subarray(0, BIG_BYTES - 12_345) },
  ];
}

function smallFiles(): FileItem[] {
  const sizes = noise('sizes', 4 * SMALL_FILES);
  return Array.from({ length: SMALL_FILES }, (_, number) => ({
    path: `small/${number % 37}/${number}`,
    content: noise(`small ${number}`, sizes.readUInt32LE(4 * number) % MAX_SMALL_BYTES),
  }));
}

/** An ELF file may end with anything: each is a program with chunks of its own. */
function programFiles(busybox: Uint8Array): FileItem[] {
  return Array.from({ length: PROGRAMS }, (_, number) => ({
    path: `bin/tool-${number}`,
    content: Buffer.concat([busybox, noise(`program ${number}`, 300_000)]),
    mode: 0o755,
  }));
}

/** Every tenth a symbolic link, every hundredth a directory, some with long names, some with content. */
function manyEntries(): { items: TarItem[]; entries: Record<string, number> } {
  const items: TarItem[] = [{ path: 'many/', type: 'directory' }];
  const entries: Record<string, number> = {};
  for (let number = 0; number < MANY_ENTRIES; number++) {
    const longer = number % 97 === 0 ? '-long'.repeat(number % 40) : '';
    const name = `entry-${String(number * 7919).padStart(9, '0')}${longer}`;
    const path = `many/${name}`;
    if (number % 100 === 0) items.push({ path, type: 'directory' });
    else if (number % 10 === 0) items.push({ path, type: 'symlink', target: 'somewhere' });
    else items.push({ path, type: 'file', content: number % 50 === 1 ? name : '' });
    entries[name] = number % 100 === 0 ? KIND.directory : number % 10 === 0 ? KIND.symlink : KIND.file;
  }
  return { items, entries };
}

/** A program with the libraries it is linked to, at their places, to be started in a changed root. */
export async function programTree(program: string): Promise<TarItem[]> {
  const { stdout } = await run('ldd', [program]);
  const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(match => match[1] ?? '');
  return Promise.all(
    [program, ...libraries].map(async path => ({ path: path.slice(1), content: await readFile(path), mode: 0o755 })),
  );
}
