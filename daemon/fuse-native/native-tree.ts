// Answers by path what libfuse 2 asks by path, from the bootstrap: the node provider of the fuse-native driver, beside
// fuse/tree-nodes.ts, which is asked by node. Runs in the host process; synchronous.
// Contents are not here: reads go to the daemon (read-channel.ts), which alone knows the chunk map.

import { isUtf8 } from 'node:buffer';
import { LRUCache } from 'lru-cache';
import { messageOf } from '../../core/index.ts';
import { type BootstrapReader, emptyAttributes, type InodeAttributes } from '../../image/index.ts';
import { Errno, errnoFor } from '../fuse/errno.ts';
import { isShown, nameList } from '../fuse/xattrs.ts';
import type { NativeStat, Refusal } from './binding.ts';

/** As the kernel's own PATH_MAX: what is deeper can only be reached by changing directories step by step. */
const MAX_PATH = 4095;
const MAX_NAME_BYTES = 255;
/**
 * What known paths may take, in characters: some 100 000 paths of ordinary length in some 20 MB. The kernel keeps its
 * own entries for ever; this only saves walking from the root for reads and attributes.
 */
const KNOWN_PATHS_CHARACTERS = 8 << 20;
/** What a path costs beside its characters, in characters. */
const PATH_OVERHEAD = 24;

const STATFS_BLOCK = 4096;
/** stat(2) counts blocks of 512 bytes whatever the file system's own are. */
const STAT_BLOCK = 512;
/** EROFS file types (docs/image-format.md §8) as the type bits of st_mode; index 0 is unknown. */
const TYPE_MODES = [0, 0o100000, 0o040000, 0o020000, 0o060000, 0o010000, 0o140000, 0o120000];

export interface NativeTreeOptions {
  /** For statfs: blocks of 4096 bytes, and inodes. */
  readonly blocks: number;
  readonly inodes: number;
  readonly onWarning: (message: string) => void;
}

export class NativeTree {
  readonly #reader: BootstrapReader;
  readonly #options: NativeTreeOptions;
  readonly #attributes: InodeAttributes = emptyAttributes();
  readonly #known = new LRUCache<string, number>({
    maxSize: KNOWN_PATHS_CHARACTERS,
    sizeCalculation: (_nid, path) => path.length + PATH_OVERHEAD,
  });

  constructor(reader: BootstrapReader, options: NativeTreeOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  /** The nid of an absolute path, or a negative errno. */
  find(path: string): number {
    return this.#guard(path, () => this.#find(path));
  }

  attributes(path: string): NativeStat | Refusal {
    return this.#at(path, nid => {
      this.#reader.stat(nid, this.#attributes);
      return statOf(this.#attributes);
    });
  }

  /**
   * Type and inode of each entry are all that libfuse 2 passes on. Names that are not UTF-8 can't be told through
   * fuse-native (it speaks strings): they are left out, and that is said.
   */
  entries(path: string): { names: string[]; stats: NativeStat[] } | Refusal {
    return this.#at(path, directory => {
      const names: string[] = [];
      const stats: NativeStat[] = [];
      let hidden = 0;
      this.#reader.readdir(directory, 0, (nid, type, name) => {
        if (isUtf8(name)) {
          names.push(Buffer.from(name).toString('utf8'));
          stats.push({ ...NO_STAT, ino: nid, mode: TYPE_MODES[type] ?? 0 });
        } else hidden++;
        return true;
      });
      if (hidden > 0) {
        this.#options.onWarning(`${path}: ${hidden} names are not UTF-8 and can't be shown by the driver fuse-native`);
      }
      return { names, stats };
    });
  }

  /** A wrong target would lead somewhere else: one that is not UTF-8 is refused. */
  target(path: string): string | Refusal {
    return this.#at(path, nid => {
      const target = this.#reader.readlink(nid);
      return isUtf8(target) ? Buffer.from(target).toString('utf8') : -Errno.EILSEQ;
    });
  }

  statfs(): Record<string, number> {
    const { blocks, inodes } = this.#options;
    return { bsize: STATFS_BLOCK, frsize: STATFS_BLOCK, blocks, files: inodes, namemax: MAX_NAME_BYTES };
  }

  xattr(path: string, name: string): Uint8Array | Refusal {
    return this.#at(path, nid => {
      const bytes = Buffer.from(name).toString('latin1'); // the reader's names are byte strings
      return (isShown(bytes) ? this.#reader.xattrs(nid).get(bytes) : undefined) ?? -Errno.ENODATA;
    });
  }

  xattrNames(path: string): Uint8Array | Refusal {
    return this.#at(path, nid => nameList(this.#reader.xattrs(nid).keys()));
  }

  #at<T>(path: string, work: (nid: number) => T | Refusal): T | Refusal {
    return this.#guard<T | Refusal>(path, () => {
      const nid = this.#find(path);
      return nid < 0 ? nid : work(nid);
    });
  }

  /** A damaged image fails the one request that met the damage. */
  #guard<T>(path: string, work: () => T): T | Refusal {
    try {
      return work();
    } catch (error) {
      this.#options.onWarning(`${path.slice(0, MAX_NAME_BYTES)}: ${messageOf(error)}`);
      return -errnoFor(error);
    }
  }

  /** Goes up to the nearest directory that is known, and down again. */
  #find(path: string): number {
    if (path.length > MAX_PATH) return -Errno.ENAMETOOLONG;
    let end = path.length;
    let nid = this.#lookUpKnown(path, end);
    const pending: number[] = [];
    while (nid === undefined) {
      pending.push(end);
      end = path.lastIndexOf('/', end - 1);
      nid = this.#lookUpKnown(path, end);
    }
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const name = Buffer.from(path.slice(end + 1, next));
      if (name.length > MAX_NAME_BYTES) return -Errno.ENAMETOOLONG;
      nid = this.#reader.lookup(nid, name);
      // Not remembered: the kernel remembers it, and anybody could fill the memory with names that do not exist.
      if (nid < 0) return -Errno.ENOENT;
      end = next;
      this.#known.set(path.slice(0, end), nid);
    }
    return nid;
  }

  #lookUpKnown(path: string, end: number): number | undefined {
    return end <= 0 || path === '/' ? this.#reader.rootNid : this.#known.get(path.slice(0, end));
  }
}

const NO_STAT: NativeStat = {
  mode: 0,
  nlink: 1,
  uid: 0,
  gid: 0,
  size: 0,
  ino: 0,
  rdev: 0,
  blksize: 0,
  blocks: 0,
  atime: 0,
  mtime: 0,
  ctime: 0,
};

/** Access and change time are the modification time, as with every driver; before 1970 there is none. */
function statOf(inode: InodeAttributes): NativeStat {
  const time = Math.max(0, inode.mtimeSeconds * 1000 + Math.floor(inode.mtimeNanoseconds / 1e6));
  return {
    mode: inode.mode,
    nlink: inode.nlink,
    uid: inode.uid,
    gid: inode.gid,
    size: inode.size,
    ino: inode.nid,
    rdev: inode.rdev,
    blksize: STATFS_BLOCK,
    blocks: Math.ceil(inode.size / STAT_BLOCK),
    atime: time,
    mtime: time,
    ctime: time,
  };
}
