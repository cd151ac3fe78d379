// Merges the entries of an image's layers, in order, into the one tree that a container sees. Pure: entries in, tree
// out. The rules are those of the OCI image specification ("Filesystem Changeset"); where it is silent, what `umoci
// unpack` and containerd do with the same layers decides, because that is the image people have been running:
//
// - A whiteout or an opaque marker hides what *lower layers* put there, never what its own layer did, in any order.
// - An entry replaces what stood in its place; only a directory over a directory keeps the children.
// - Paths through symbolic links are followed inside the root, as containerd does.
// - A hard link is another name for what its target is at that moment. Here its target may also come later in the
//   layer. Links to symlinks and devices become copies: the format shares inodes only between files (nydus.md §1.17).

import { ShoalError } from '../core/index.ts';
import type { DirectoryNode, TreeNode } from '../image/index.ts';
import { MAX_IMPLICIT_DIRECTORIES, MAX_METADATA_BYTES } from './config.ts';
import { checkName, printable, splitPath } from './entry-path.ts';
import { PendingLinks } from './pending-links.ts';
import type { TarEntry } from './tar-entry.ts';
import { copyOfNode, implicitDirectory, nodeOf, takeMetadata } from './tree-nodes.ts';
import { TreePaths } from './tree-paths.ts';
import type { Warnings } from './warnings.ts';

const WHITEOUT_PREFIX = '.wh.';
const OPAQUE_MARKER = '.wh..wh..opq';
/** aufs kept its own bookkeeping under such names, and old builders packed it. */
const RESERVED_PREFIX = '.wh..wh.';

export interface OverlayOptions {
  readonly warnings: Warnings;
  /** More entries than this, over all layers, are refused: each takes memory for the whole conversion. */
  readonly maxEntries: number;
}

/** Use: `add` for each entry of a layer, `endLayer`, and so on; then `root`. Throws `malformed` and `limit`. */
export class Overlay {
  readonly root: DirectoryNode = implicitDirectory();
  readonly #options: OverlayOptions;
  readonly #paths: TreePaths;
  /** Directories without anything of lower layers: a second marker has nothing to remove. */
  readonly #cleared = new Set<DirectoryNode>();
  readonly #pending = new PendingLinks();
  #entries = 0;
  #metadataBytes = 0;

  constructor(options: OverlayOptions) {
    this.#options = options;
    this.#paths = new TreePaths(this.root, { maxImplicit: MAX_IMPLICIT_DIRECTORIES });
  }

  /** Merges the next entry; `chunks` are those of a file's content (image/tree.ts) and are kept. */
  add(entry: TarEntry, chunks: Uint32Array): void {
    if (++this.#entries > this.#options.maxEntries) {
      throw new ShoalError('limit', `more than ${this.#options.maxEntries} entries in the image's layers`);
    }
    this.#metadataBytes += metadataBytes(entry);
    if (this.#metadataBytes > MAX_METADATA_BYTES) {
      throw new ShoalError(
        'limit',
        `more than ${MAX_METADATA_BYTES} bytes of paths, link targets and extended attributes in the image's layers`,
      );
    }
    const names = splitPath(entry.path);
    const name = names.pop();
    if (name === undefined) this.#setRoot(entry);
    else if (names.some(parent => parent.startsWith(WHITEOUT_PREFIX))) this.#skipReserved(entry);
    else if (name.startsWith(WHITEOUT_PREFIX)) this.#hide(entry, names, name);
    else this.#put(entry, names, name, chunks);
  }

  /** Resolves the links whose targets came later, and forgets what belonged to this layer. */
  endLayer(): void {
    for (const link of this.#pending.resolved(this.#paths)) {
      link.directory.children.set(link.name, linkedNode(link.target, link.path));
    }
    this.#pending.clear();
    this.#paths.forgetTouched();
    this.#cleared.clear();
  }

  #setRoot(entry: TarEntry): void {
    if (entry.kind !== 'directory') throw new ShoalError('malformed', `the root of a layer is a ${entry.kind}`);
    takeMetadata(this.root, entry, this.#options.warnings);
  }

  #skipReserved(entry: TarEntry): void {
    this.#options.warnings.add('reserved-name-skipped', entry.path);
  }

  #hide(entry: TarEntry, parents: readonly string[], marker: string): void {
    if (marker === OPAQUE_MARKER) {
      const directory = this.#paths.find(parents);
      if (directory) this.#removeLower([directory]);
      return;
    }
    const name = marker.slice(WHITEOUT_PREFIX.length);
    if (name === '.' || name === '..') throw new ShoalError('malformed', `${printable(entry.path)}: hides ${name}`);
    if (name === '' || marker.startsWith(RESERVED_PREFIX)) this.#skipReserved(entry);
    else this.#hideName(parents, name);
  }

  #hideName(parents: readonly string[], name: string): void {
    const directory = this.#paths.find(parents);
    const node = directory?.children.get(name);
    if (!directory || !node) return;
    if (!this.#paths.isTouched(directory, name)) directory.children.delete(name);
    else if (node.kind === 'directory') this.#removeLower([node]);
  }

  /** Removes from these directories, and from those below, what this layer has not touched. */
  #removeLower(directories: DirectoryNode[]): void {
    for (let directory = directories.pop(); directory; directory = directories.pop()) {
      if (this.#cleared.has(directory)) continue;
      this.#cleared.add(directory);
      for (const [name, node] of directory.children) {
        if (!this.#paths.isTouched(directory, name)) directory.children.delete(name);
        else if (node.kind === 'directory') directories.push(node);
      }
    }
  }

  #put(entry: TarEntry, parents: readonly string[], name: string, chunks: Uint32Array): void {
    checkName(entry.path, name);
    const directory = this.#paths.make(parents, entry.path);
    if (entry.kind === 'hardlink') this.#link(entry, directory, name);
    else if (entry.kind === 'char' && entry.major === 0 && entry.minor === 0)
      this.#putWhiteoutDevice(entry, directory, name);
    else this.#place(entry, directory, name, chunks);
    this.#paths.touch(directory, name);
  }

  #place(entry: TarEntry, directory: DirectoryNode, name: string, chunks: Uint32Array): void {
    this.#pending.delete(directory, name);
    const present = directory.children.get(name);
    if (entry.kind === 'directory' && present?.kind === 'directory') {
      takeMetadata(present, entry, this.#options.warnings);
    } else {
      directory.children.set(name, nodeOf(entry, chunks, this.#options.warnings));
    }
  }

  /** To overlayfs such a device hides what is below, and that is what it has done to whoever ran this image. */
  #putWhiteoutDevice(entry: TarEntry, directory: DirectoryNode, name: string): void {
    this.#pending.delete(directory, name);
    directory.children.delete(name);
    this.#options.warnings.add('whiteout-device-skipped', entry.path);
  }

  #link(entry: TarEntry, directory: DirectoryNode, name: string): void {
    const targetNames = splitPath(entry.target);
    const targetName = targetNames.pop();
    if (targetName === undefined)
      throw new ShoalError('malformed', `${printable(entry.path)}: a hard link to the root`);
    const targetDirectory = this.#paths.find(targetNames);
    const target = targetDirectory?.children.get(targetName);
    if (target === undefined) {
      directory.children.delete(name);
      this.#pending.add({ directory, name, path: entry.path, targetNames, targetName });
      return;
    }
    this.#pending.delete(directory, name);
    const isItself = targetDirectory === directory && targetName === name;
    if (!isItself) directory.children.set(name, linkedNode(target, entry.path));
  }
}

function linkedNode(target: TreeNode, path: string): TreeNode {
  if (target.kind === 'directory') throw new ShoalError('malformed', `${printable(path)}: a hard link to a directory`);
  return target.kind === 'file' ? target : copyOfNode(target);
}

/** Bytes of what an entry brings in text and values. */
function metadataBytes({ path, target, xattrs }: TarEntry): number {
  let bytes = path.length + target.length;
  if (xattrs) for (const [name, value] of xattrs) bytes += name.length + value.length;
  return bytes;
}
