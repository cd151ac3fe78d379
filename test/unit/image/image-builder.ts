// Builds small images for tests: a tree and its blobs, packed as a converter would, all in memory. It can also make the
// same tree with system calls on a real file system, which is what a mount of the image is compared with.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import type { Descriptor } from '../../../core/index.ts';
import { digestFromHex } from '../../../core/index.ts';
import type { DirectoryNode, FileNode, FinishedBlob, ImageTree, SymlinkNode, TreeNode } from '../../../image/index.ts';
import { blobDataTrailer, buildBlobTail, ChunkList, compressChunk, digestOf } from '../../../image/index.ts';

type Attributes = Pick<TreeNode, 'mode' | 'uid' | 'gid' | 'mtimeSeconds' | 'mtimeNanoseconds' | 'xattrs'>;

/** Attributes of a node, with defaults for what is not given. */
export function attributes(given: Partial<Attributes> = {}): Attributes {
  return { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_700_000_000, mtimeNanoseconds: 0, xattrs: new Map(), ...given };
}

export function directory(children: Record<string, TreeNode> = {}, given: Partial<Attributes> = {}): DirectoryNode {
  return { kind: 'directory', ...attributes({ mode: 0o755, ...given }), children: new Map(Object.entries(children)) };
}

export function symlink(target: string, given: Partial<Attributes> = {}): SymlinkNode {
  return { kind: 'symlink', ...attributes({ mode: 0o777, ...given }), target };
}

/** A finished blob together with its bytes and those of its device. */
export interface BuiltBlob extends FinishedBlob {
  readonly file: Buffer;
  readonly device: Buffer;
}

/** Smaller chunks are stored as they are, which saves the tests with very many of them seconds. */
const TINY = 64;

/** One blob being filled. */
class OpenBlob {
  readonly chunks = new ChunkList();
  readonly stored: Uint8Array[] = [];
  readonly device: Uint8Array[] = [];
  compressedEnd = 0;
  deviceEnd = 0;

  add(bytes: Uint8Array): number {
    const { bytes: stored, compressed } =
      bytes.length < TINY ? { bytes, compressed: false } : compressChunk(bytes, { level: 1 });
    const index = this.chunks.length;
    this.chunks.push({
      index,
      compressedOffset: this.compressedEnd,
      compressedSize: stored.length,
      compressed,
      deviceOffset: this.deviceEnd,
      uncompressedSize: bytes.length,
      digest: digestOf('blake3', bytes),
    });
    this.stored.push(stored);
    this.compressedEnd += stored.length;
    const padding = -bytes.length & 4095;
    this.device.push(bytes, Buffer.alloc(padding));
    this.deviceEnd += bytes.length + padding;
    return index;
  }

  finish(): BuiltBlob {
    const data = Buffer.concat(this.stored);
    const digested = Buffer.concat([data, blobDataTrailer(data.length)]);
    const dataDigest = createHash('sha256').update(digested).digest();
    const { tail, ...described } = buildBlobTail({ dataSize: data.length, dataDigest, chunks: this.chunks });
    const file = Buffer.concat([data, tail]);
    const id = createHash('sha256').update(file).digest('hex');
    return { id, blobSize: file.length, chunks: this.chunks, ...described, file, device: Buffer.concat(this.device) };
  }
}

export class ImageBuilder {
  readonly chunkSize: number;
  readonly contents = new Map<FileNode, Buffer>();
  readonly #blobs: OpenBlob[] = [];
  readonly #known = new Map<string, readonly [number, number]>();

  constructor(chunkSize = 1 << 20) {
    this.chunkSize = chunkSize;
  }

  /** Closes the current blob: later files go to the next one. */
  nextBlob(): void {
    this.#blobs.push(new OpenBlob());
  }

  /** A file; its chunks are deduplicated against all blobs. */
  file(content: Uint8Array | string, given: Partial<Attributes> = {}): FileNode {
    const bytes = Buffer.from(content);
    const chunks: number[] = [];
    for (let at = 0; at < bytes.length; at += this.chunkSize) {
      chunks.push(...this.#chunk(bytes.subarray(at, at + this.chunkSize)));
    }
    const node: FileNode = { kind: 'file', ...attributes(given), size: bytes.length, chunks: Uint32Array.from(chunks) };
    this.contents.set(node, bytes);
    return node;
  }

  /** A chunk that no file uses. */
  unusedChunk(bytes: Uint8Array): void {
    this.#chunk(bytes);
  }

  #chunk(bytes: Uint8Array): readonly [number, number] {
    const key = Buffer.from(digestOf('blake3', bytes)).toString('hex');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#blobs.length === 0) this.nextBlob();
    const blob = this.#blobs.at(-1);
    if (blob === undefined) throw new Error('no blob');
    const place = [this.#blobs.length - 1, blob.add(bytes)] as const;
    this.#known.set(key, place);
    return place;
  }

  finish(root: DirectoryNode): { tree: ImageTree; blobs: readonly BuiltBlob[]; descriptors: readonly Descriptor[] } {
    const blobs = this.#blobs.map(blob => blob.finish());
    const descriptors = blobs.map(blob => ({
      mediaType: 'application/vnd.oci.image.layer.nydus.blob.v1',
      digest: digestFromHex(blob.id),
      size: blob.blobSize,
    }));
    return { tree: { root, blobs, chunkSize: this.chunkSize }, blobs, descriptors };
  }
}

/** Makes the tree below an existing directory by system calls; needs root. */
export async function makeOnDisk(
  root: DirectoryNode,
  contents: ReadonlyMap<FileNode, Buffer>,
  folder: string,
): Promise<void> {
  const made = new Map<TreeNode, Buffer>();
  const make = async (node: TreeNode, path: Buffer): Promise<void> => {
    const first = made.get(node);
    if (node.kind === 'file' && first !== undefined) {
      fs.linkSync(first, path);
      return;
    }
    made.set(node, path);
    await makeNode(node, path, contents);
    if (node.kind === 'directory') {
      for (const [name, child] of node.children) {
        await make(child, Buffer.concat([path, Buffer.from('/'), Buffer.from(name, 'latin1')]));
      }
    }
    applyAttributes(node, path);
  };
  await make(root, Buffer.from(folder));
}

async function makeNode(node: TreeNode, path: Buffer, contents: ReadonlyMap<FileNode, Buffer>): Promise<void> {
  switch (node.kind) {
    case 'file':
      fs.writeFileSync(path, contents.get(node) ?? '');
      return;
    case 'directory':
      fs.mkdirSync(path, { recursive: true });
      return;
    case 'symlink':
      fs.symlinkSync(Buffer.from(node.target, 'latin1'), path);
      return;
    case 'char':
    case 'block':
      execFileSync('mknod', [path.toString(), node.kind[0] ?? '', `${node.major}`, `${node.minor}`]);
      return;
    case 'fifo':
      execFileSync('mkfifo', [path.toString()]);
      return;
    case 'socket': {
      // Closing the server would remove the socket; unlink it from under the server by a rename there and back.
      const server = net.createServer();
      await new Promise<void>(resolve => server.listen(path.toString(), resolve));
      fs.renameSync(path, `${path}.kept`);
      await new Promise(resolve => server.close(resolve));
      fs.renameSync(`${path}.kept`, path);
    }
  }
}

function applyAttributes(node: TreeNode, path: Buffer): void {
  fs.lchownSync(path, node.uid, node.gid);
  if (node.kind !== 'symlink') fs.chmodSync(path, node.mode);
  for (const [name, value] of node.xattrs) {
    const hex = `0x${Buffer.from(value).toString('hex')}`;
    execFileSync('setfattr', ['-h', '-n', name, '-v', hex, path.toString()]);
  }
  setTime(node, path);
}

/** utimes of Node has neither nanoseconds nor times before 1970; touch(1) has both, but is a process. */
function setTime({ mtimeSeconds, mtimeNanoseconds }: TreeNode, path: Buffer): void {
  if (mtimeSeconds >= 0 && mtimeNanoseconds === 0) {
    fs.lutimesSync(path, mtimeSeconds, mtimeSeconds);
    return;
  }
  // touch counts a negative time's fraction away from zero, the format counts it upwards.
  const downwards = mtimeSeconds < 0 && mtimeNanoseconds > 0;
  const whole = downwards ? `-${-mtimeSeconds - 1}` : `${mtimeSeconds}`;
  const fraction = downwards ? 1_000_000_000 - mtimeNanoseconds : mtimeNanoseconds;
  execFileSync('touch', ['-h', '-d', `@${whole}.${String(fraction).padStart(9, '0')}`, path.toString()]);
}
