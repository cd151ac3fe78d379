// Compares the tree that an original's layers amount to with an accelerated image's bootstrap, entry by entry. Contents
// are compared by the digests of their chunks; that the chunks have these digests is checked where they are fetched.
// The bootstrap is walked once and may be hostile (image/walk.ts bounds that); the original's tree is used up.

import { isShoalError, messageOf, ShoalError } from '../core/index.ts';
import {
  type BootstrapReader,
  type DirectoryNode,
  deviceNumber,
  type FileNode,
  kindOfMode,
  type TreeEntry,
  type TreeNode,
  walkTree,
} from '../image/index.ts';
import type { Differences } from './differences.ts';
import type { FileDigests } from './file-digests.ts';

export class TreeComparison {
  readonly #reader: BootstrapReader;
  readonly #digests: FileDigests;
  readonly #differences: Differences;
  /** Directories of the original that the walk has reached, by path, with the names that are still to be met. */
  readonly #directories = new Map<string, DirectoryNode>();
  /** Which inode holds a file of the original, and where each inode was met last. */
  readonly #inodeOf = new Map<FileNode, { readonly nid: number; readonly path: string }>();
  readonly #pathOf = new Map<number, string>();

  constructor(reader: BootstrapReader, digests: FileDigests, differences: Differences) {
    this.#reader = reader;
    this.#digests = digests;
    this.#differences = differences;
  }

  /** Throws `malformed` when the bootstrap cannot be walked. Call once. */
  run(root: DirectoryNode): void {
    for (const entry of walkTree(this.#reader)) {
      const node = entry.path === '' ? root : this.#take(entry.path);
      if (node) this.#compare(entry, node);
    }
    for (const [path, { children }] of this.#directories) {
      for (const [name, node] of children) {
        this.#differences.addFile(path === '' ? name : `${path}/${name}`, 'missing', `a ${node.kind}`, 'nothing');
      }
    }
  }

  /** The original's node at this path, which is then met. What stands below something extra is not told again. */
  #take(path: string): TreeNode | undefined {
    const slash = path.lastIndexOf('/');
    const parent = this.#directories.get(slash < 0 ? '' : path.slice(0, slash));
    if (!parent) return undefined;
    const name = path.slice(slash + 1);
    const node = parent.children.get(name);
    if (!node) this.#differences.addFile(path, 'extra', 'nothing', 'an entry');
    parent.children.delete(name);
    return node;
  }

  #compare({ path, nid, attributes }: TreeEntry, node: TreeNode): void {
    const differences = this.#differences;
    const kind = kindOfMode(attributes.mode) ?? 'file';
    if (kind !== node.kind) {
      differences.addFile(path, 'type', node.kind, kind);
      return;
    }
    if (node.kind === 'directory') this.#directories.set(path, node);
    if (node.kind === 'file' && this.#isKnown(path, node, nid)) return;
    differences.compare(path, 'mode', octal(node.mode), octal(attributes.mode & 0o7777));
    differences.compare(path, 'owner', `${node.uid}:${node.gid}`, `${attributes.uid}:${attributes.gid}`);
    differences.compare(path, 'mtime', timeOf(node), timeOf(attributes));
    this.#compareXattrs(path, node, nid);
    if (node.kind === 'symlink') {
      differences.compare(path, 'target', quoted(node.target), quoted(latin1(this.#reader.readlink(nid))));
    } else if (node.kind === 'char' || node.kind === 'block') {
      differences.compare(path, 'device', String(deviceNumber(node.major, node.minor)), String(attributes.rdev));
    } else if (node.kind === 'file') {
      if (node.size === attributes.size) this.#compareContent(path, node, nid);
      else differences.addFile(path, 'size', String(node.size), String(attributes.size));
    }
  }

  #compareXattrs(path: string, node: TreeNode, nid: number): void {
    const found = this.#reader.xattrs(nid);
    for (const name of new Set([...node.xattrs.keys(), ...found.keys()])) {
      const [expected, actual] = [node.xattrs.get(name), found.get(name)];
      if (expected && actual && Buffer.compare(expected, actual) === 0) continue;
      this.#differences.addFile(path, 'xattr', attribute(name, expected), attribute(name, actual));
    }
  }

  /** Another name of a file that was compared already: its differences are told once. */
  #isKnown(path: string, file: FileNode, nid: number): boolean {
    const inode = this.#inodeOf.get(file);
    const other = this.#pathOf.get(nid);
    if (inode?.nid === nid) return true;
    if (inode) {
      this.#differences.addFile(path, 'hard link', `the same file as ${shown(inode.path)}`, 'a file of its own');
    } else if (other !== undefined) {
      this.#differences.addFile(path, 'hard link', 'a file of its own', `the same file as ${shown(other)}`);
    }
    this.#inodeOf.set(file, { nid, path });
    this.#pathOf.set(nid, path);
    return false;
  }

  #compareContent(path: string, file: FileNode, nid: number): void {
    let [number, at] = [0, 0];
    let wrong: number | undefined;
    try {
      const table = file.size > 0 ? this.#reader.chunkTable() : undefined;
      this.#reader.extents(nid, 0, file.size, (blobIndex, chunkIndex, _deviceOffset, length) => {
        const chunk = table?.chunk(blobIndex, chunkIndex);
        // A chunk that is longer than its part of the file has the digest of something else.
        const isSame =
          chunk?.uncompressedSize === length &&
          Buffer.compare(chunk.digest, this.#digests.at(file.chunks[number] ?? 0)) === 0;
        if (!isSame) wrong ??= at;
        number++;
        at += length;
      });
    } catch (error) {
      if (!isShoalError(error)) throw error;
      this.#differences.addFile(path, 'content', 'the original file', messageOf(error));
      return;
    }
    if (number !== file.chunks.length) throw new ShoalError('internal', `${shown(path)}: ${number} chunks`);
    if (wrong !== undefined) {
      this.#differences.addFile(path, 'content', 'the original file', `other bytes from offset ${wrong} on`);
    }
  }
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}

function timeOf(node: { readonly mtimeSeconds: number; readonly mtimeNanoseconds: number }): string {
  return `${node.mtimeSeconds}.${String(node.mtimeNanoseconds).padStart(9, '0')}`;
}

function attribute(name: string, value: Uint8Array | undefined): string {
  if (!value) return `no ${name}`;
  const hex = Buffer.from(value.subarray(0, MAX_SHOWN_BYTES)).toString('hex');
  return `${name}=0x${hex}${value.length > MAX_SHOWN_BYTES ? '...' : ''}`;
}

const MAX_SHOWN_BYTES = 64;

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function quoted(bytes: string): string {
  return JSON.stringify(Buffer.from(bytes, 'latin1').toString('utf8'));
}

function shown(path: string): string {
  return quoted(`/${path}`);
}
