// Reads a directory tree into plain data and compares two of them: the judge of every conversion and every mount.
// It only uses lstat, readlink, read and getfattr(1); it shares no code with the image format.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import pLimit from 'p-limit';

/** How many files are hashed at once: enough to keep a lazy mount busy. */
const PARALLEL_READS = 16;

export interface TreeEntry {
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  /** Seconds with nine decimals. */
  readonly mtime: string;
  readonly size: string;
  readonly device: string;
  readonly target: string;
  /** First path (in byte order) of the inode's hard-link group; its own path when it has one name. */
  readonly group: string;
  readonly xattrs: string;
  readonly content: string;
}

/** Paths are byte strings (latin1) relative to the root, which is `/`. */
export type Tree = ReadonlyMap<string, TreeEntry>;

export async function readTree(root: string): Promise<Tree> {
  const xattrs = await readXattrs(root);
  const limit = pLimit(PARALLEL_READS);
  const groups = new Map<string, string>();
  const entries = new Map<string, Promise<TreeEntry>>();
  for (const path of await listPaths(root)) {
    const host = Buffer.concat([Buffer.from(root), Buffer.from(path === '/' ? '' : path, 'latin1')]);
    const attributes = await lstat(host, { bigint: true });
    const inode = `${attributes.dev}:${attributes.ino}`;
    const isGroup = !attributes.isDirectory() && attributes.nlink > 1n;
    if (isGroup && !groups.has(inode)) groups.set(inode, path);
    const type = typeOf(Number(attributes.mode));
    entries.set(
      path,
      limit(async () => ({
        type,
        mode: (Number(attributes.mode) & 0o7777).toString(8),
        owner: `${attributes.uid}:${attributes.gid}`,
        mtime: decimalSeconds(attributes.mtimeNs),
        size: type === 'file' || type === 'symlink' ? String(attributes.size) : '',
        device: type === 'char' || type === 'block' ? String(attributes.rdev) : '',
        target: type === 'symlink' ? await readTarget(host) : '',
        group: isGroup ? (groups.get(inode) ?? path) : path,
        xattrs: xattrs.get(path) ?? '',
        content: type === 'file' ? await hashFile(host) : '',
      })),
    );
  }
  const tree = new Map<string, TreeEntry>();
  for (const [path, entry] of entries) tree.set(path, await entry);
  return tree;
}

/** One line per difference, at most `limit`; empty when the trees are the same. */
export function compareTrees(
  expected: Tree,
  found: Tree,
  options: { readonly ignoreMtimeOf?: ReadonlySet<string>; readonly limit?: number } = {},
): string[] {
  const differences: string[] = [];
  for (const path of new Set([...expected.keys(), ...found.keys()])) {
    const [a, b] = [expected.get(path), found.get(path)];
    if (!a || !b) {
      differences.push(`${path}: ${a ? 'missing' : 'unexpected'}`);
      continue;
    }
    for (const key of Object.keys(a) as (keyof TreeEntry)[]) {
      if (key === 'mtime' && options.ignoreMtimeOf?.has(path)) continue;
      if (a[key] !== b[key]) differences.push(`${path}: ${key} expected ${a[key]}, found ${b[key]}`);
    }
  }
  return differences.slice(0, options.limit ?? 20);
}

async function listPaths(root: string): Promise<string[]> {
  const paths = ['/'];
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const host = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(folder.slice(1), 'latin1')]);
    for (const entry of await readdir(host, { encoding: 'buffer', withFileTypes: true })) {
      const path = `${folder}/${entry.name.toString('latin1')}`;
      paths.push(path);
      if (entry.isDirectory()) pending.push(path);
    }
  }
  return paths.sort();
}

const TYPES = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o020000, 'char'],
  [0o060000, 'block'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
]);

function typeOf(mode: number): string {
  return TYPES.get(mode & 0o170000) ?? `type ${mode}`;
}

function decimalSeconds(nanoseconds: bigint): string {
  const billion = 1_000_000_000n;
  const below = ((nanoseconds % billion) + billion) % billion;
  return `${(nanoseconds - below) / billion}.${String(below).padStart(9, '0')}`;
}

/** Where a link leads, or the errno that says why that can't be told. */
async function readTarget(path: Buffer): Promise<string> {
  try {
    return (await readlink(path, 'buffer')).toString('latin1');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function hashFile(path: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece);
  return hash.digest('hex');
}

/** All attributes of all paths by one getfattr(1); values in hex, sorted by name. */
async function readXattrs(root: string): Promise<Map<string, string>> {
  const child = spawn('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pieces: Buffer[] = [];
  for await (const piece of child.stdout) pieces.push(piece);
  const found = new Map<string, string>();
  for (const block of Buffer.concat(pieces).toString('latin1').split('\n\n')) {
    const [header = '', ...lines] = block.split('\n');
    const file = unescapeOctal(/^# file: (.*)$/.exec(header)?.[1] ?? '');
    const path = file.slice(root.length) || '/';
    found.set(
      path,
      lines
        .filter(line => line !== '')
        .sort()
        .join(' '),
    );
  }
  return found;
}

/** getfattr writes newlines and backslashes of names as \nnn. */
function unescapeOctal(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
