// The tree of the file system benchmarks: many small files in directories of a hundred, and one large file. Its bytes do
// not compress and are the same in every run.

import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILES_PER_DIRECTORY = 100;
const PIECE = 1 << 20;

export interface BenchTree {
  readonly directory: string;
  /** Files that list paths, one a line: what the load goes through. */
  readonly lists: Readonly<Record<'files' | 'missing' | 'directories' | 'large', string>>;
}

export interface TreeSize {
  readonly files: number;
  /** Sizes of the small files lie between these, bytes. */
  readonly smallest: number;
  readonly largest: number;
  /** A multiple of 1 MiB. */
  readonly largeBytes: number;
}

/** Makes the tree in `directory`/tree. */
export async function makeTree(directory: string, size: TreeSize): Promise<BenchTree> {
  const root = join(directory, 'tree');
  await mkdir(root);
  const noise = noiseStream();
  const spread = size.largest - size.smallest;
  const files: string[] = [];
  const directories: string[] = [];
  for (let number = 0; number < size.files; number++) {
    const folder = `d${String(Math.floor(number / FILES_PER_DIRECTORY)).padStart(4, '0')}`;
    if (number % FILES_PER_DIRECTORY === 0) {
      directories.push(folder);
      await mkdir(join(root, folder));
    }
    const name = `${folder}/file-${String(number).padStart(6, '0')}.txt`;
    files.push(name);
    await writeFile(join(root, name), noise(size.smallest + ((number * 2654435761) % spread)));
  }
  await writeLarge(join(root, 'large'), size.largeBytes, noise);
  const list = async (name: string, paths: readonly string[]) => {
    const path = join(directory, `list-${name}`);
    await writeFile(path, paths.map(line => `${line}\n`).join(''));
    return path;
  };
  return {
    directory: root,
    lists: {
      files: await list('files', files),
      missing: await list(
        'missing',
        files.map(name => `${name}.gone`),
      ),
      directories: await list('directories', directories),
      large: await list('large', ['large']),
    },
  };
}

async function writeLarge(path: string, bytes: number, noise: (length: number) => Buffer): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let done = 0; done < bytes; done += PIECE) await file.write(noise(PIECE));
  } finally {
    await file.close();
  }
}

function noiseStream(): (length: number) => Buffer {
  const key = createHash('sha256').update('shoal bench').digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return length => cipher.update(Buffer.alloc(length));
}
