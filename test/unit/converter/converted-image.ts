// Converts an image of an OCI layout into another layout, and reads the result back into the same plain data as
// test/support/tree.ts reads a directory: from the files, by way of image's reader, every chunk verified.

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type ConvertOptions, type ConvertReport, convertImage } from '../../../converter/index.ts';
import { type BlobLayout, parseDigest } from '../../../core/index.ts';
import { BootstrapReader, type InodeAttributes, unpackVerified, walkTree } from '../../../image/index.ts';
import { openSink, openSource, parsePlatform, RegistryAccess } from '../../../registry/index.ts';
import { type BuiltImage, blobPath } from '../../support/image-builder.ts';
import type { Tree, TreeEntry } from '../../support/tree.ts';
import { readArchive } from './read-archive.ts';

export const PLATFORM = parsePlatform('linux/amd64');

/** Nothing here takes long; a hang must fail the test. */
const DEADLINE_MS = 60_000;

export interface Workspace {
  readonly directory: string;
  /** Where sources and targets are made. */
  readonly source: string;
  readonly target: string;
  readonly workDir: string;
}

/** Removed after the test. */
export async function makeWorkspace(t: TestContext): Promise<Workspace> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const workDir = join(directory, 'work');
  await mkdir(workDir);
  return { directory, source: join(directory, 'source'), target: join(directory, 'target'), workDir };
}

export async function convert(
  space: Workspace,
  image: Pick<BuiltImage, 'reference'>,
  options: Partial<ConvertOptions> & { readonly tag?: string } = {},
): Promise<ConvertReport> {
  const access = new RegistryAccess();
  try {
    return await convertImage({
      source: openSource(image.reference, { access }),
      sink: openSink(`oci:${space.target}:${options.tag ?? 'latest'}`, { access }),
      platform: PLATFORM,
      workDir: space.workDir,
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...options,
    });
  } finally {
    await access.close();
  }
}

export interface StoredManifest {
  readonly mediaType: string;
  readonly config: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly layers: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly size: number;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

export async function readDocument<T>(layout: string, digest: string): Promise<T> {
  return JSON.parse(await readFile(blobPath(layout, digest), 'utf8'));
}

/** The names in the temporary directory of conversions: none, when they cleaned up. */
export function leftovers(space: Workspace): Promise<string[]> {
  return readdir(space.workDir);
}

export async function readBootstrap(layout: string, manifestDigest: string): Promise<BootstrapReader> {
  const manifest = await readDocument<StoredManifest>(layout, manifestDigest);
  const layer = await readFile(blobPath(layout, manifest.layers.at(-1)?.digest ?? ''));
  const entry = readArchive(gunzipSync(layer)).find(({ path }) => path === 'image/image.boot');
  return new BootstrapReader(entry?.content ?? Buffer.alloc(0));
}

/** The whole tree of a converted image. */
export async function readConverted(layout: string, manifestDigest: string): Promise<Tree> {
  const manifest = await readDocument<StoredManifest>(layout, manifestDigest);
  const reader = await readBootstrap(layout, manifestDigest);
  const descriptors = manifest.layers.slice(0, -1).map(layer => ({ ...layer, digest: parseDigest(layer.digest) }));
  const blobs = reader.blobLayouts(descriptors);
  const files = await Promise.all(blobs.map(blob => readFile(blobPath(layout, blob.digest))));
  const groups = new Map<number, string>();
  const tree = new Map<string, TreeEntry>();
  for (const { path, nid, attributes } of walkTree(reader)) {
    const name = `/${path}`;
    const type = TYPES.get(attributes.mode & 0o170000) ?? 'unknown';
    const isGroup = type !== 'directory' && attributes.nlink > 1;
    if (isGroup && !groups.has(nid)) groups.set(nid, name);
    const content = type === 'file' ? fileContent(reader, attributes, blobs, files) : Buffer.alloc(0);
    tree.set(name, {
      type,
      mode: (attributes.mode & 0o7777).toString(8),
      owner: `${attributes.uid}:${attributes.gid}`,
      mtime: `${attributes.mtimeSeconds}.${String(attributes.mtimeNanoseconds).padStart(9, '0')}`,
      size: type === 'file' || type === 'symlink' ? String(attributes.size) : '',
      device: type === 'char' || type === 'block' ? String(attributes.rdev) : '',
      target: type === 'symlink' ? Buffer.from(reader.readlink(nid)).toString('latin1') : '',
      group: isGroup ? (groups.get(nid) ?? name) : name,
      xattrs: [...reader.xattrs(nid)]
        .map(([key, value]) => `${key}=0x${Buffer.from(value).toString('hex')}`)
        .sort()
        .join(' '),
      content: type === 'file' ? createHash('sha256').update(content).digest('hex') : '',
    });
  }
  return tree;
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

function fileContent(
  reader: BootstrapReader,
  { nid, size }: InodeAttributes,
  blobs: readonly BlobLayout[],
  files: readonly Buffer[],
): Buffer {
  const pieces: Uint8Array[] = [];
  reader.extents(nid, 0, size, (blobIndex, chunkIndex, deviceOffset, length) => {
    const [blob, file] = [blobs[blobIndex], files[blobIndex]];
    if (!blob || !file) throw new Error(`no blob ${blobIndex}`);
    const chunk = blob.chunk(chunkIndex);
    const stored = Uint8Array.from(
      file.subarray(chunk.compressedOffset, chunk.compressedOffset + chunk.compressedSize),
    );
    const bytes = unpackVerified(blob, chunk, { index: chunkIndex, packing: 'blob', bytes: stored });
    pieces.push(bytes.subarray(deviceOffset - chunk.deviceOffset).subarray(0, length));
  });
  return Buffer.concat(pieces);
}
