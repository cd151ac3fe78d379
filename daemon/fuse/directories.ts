// READDIR and READDIRPLUS: packs directory entries into a reply until it is full.

import { type BootstrapReader, emptyAttributes, type InodeAttributes } from '../../image/index.ts';
import { clearWords, putEntry, putNegativeEntry, putU64 } from './attributes.ts';
import type { RequestDevice } from './device.ts';
import { Dirent, EntryOut, OutHeader } from './protocol.ts';

/** EROFS file types (nydus.md §1.15) to the d_type of getdents(2); index 0 is unknown in both. */
const DIRENT_TYPES = Uint8Array.of(0, 8, 4, 2, 6, 1, 12, 10);
const DOT = 0x2e;

export class DirectoryPacker {
  readonly #reader: BootstrapReader;
  readonly #device: Pick<RequestDevice, 'reply' | 'replyBytes'>;
  readonly #attributes: InodeAttributes = emptyAttributes();
  #at = 0;
  #end = 0;
  #plus = false;

  constructor(reader: BootstrapReader, device: Pick<RequestDevice, 'reply' | 'replyBytes'>) {
    this.#reader = reader;
    this.#device = device;
  }

  /**
   * Packs entries from `cookie` on into the first `size` bytes of the reply's body, as many as fit whole; with `plus`
   * each with its attributes. Returns the bytes used; 0 means the end of the directory.
   */
  pack(nid: number, cookie: number, size: number, plus: boolean): number {
    this.#at = OutHeader.BYTES;
    this.#end = OutHeader.BYTES + size;
    this.#plus = plus;
    this.#reader.readdir(nid, cookie, this.#emit);
    return this.#at - OutHeader.BYTES;
  }

  readonly #emit = (nid: number, type: number, name: Uint8Array, next: number): boolean => {
    const entryBytes = this.#plus ? EntryOut.BYTES : 0;
    const padded = (Dirent.NAME_BYTES + name.length + 7) & ~7;
    if (this.#at + entryBytes + padded > this.#end) return false;
    if (this.#plus) this.#putEntry(nid, name);
    const words = (this.#at + entryBytes) / 4;
    putU64(this.#device.reply, words + Dirent.INO, nid);
    putU64(this.#device.reply, words + Dirent.OFFSET, next);
    this.#device.reply[words + Dirent.NAME_LENGTH] = name.length;
    this.#device.reply[words + Dirent.TYPE] = DIRENT_TYPES[type] ?? 0;
    const nameAt = this.#at + entryBytes + Dirent.NAME_BYTES;
    this.#at += entryBytes + padded;
    clearWords(this.#device.reply, this.#at / 4 - 2, this.#at / 4); // the padding is at the end of these
    for (let i = 0; i < name.length; i++) this.#device.replyBytes[nameAt + i] = name[i] ?? 0;
    return true;
  };

  /** `.` and `..` carry no entry: the kernel knows these inodes, and must not count another lookup of them. */
  #putEntry(nid: number, name: Uint8Array): void {
    const isDots = name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
    if (isDots) {
      putNegativeEntry(this.#device.reply, this.#at / 4);
      return;
    }
    try {
      this.#reader.stat(nid, this.#attributes);
    } catch {
      // One damaged inode must not hide its neighbours: the name is listed, and whoever looks it up meets the damage.
      putNegativeEntry(this.#device.reply, this.#at / 4);
      return;
    }
    putEntry(this.#device.reply, this.#at / 4, this.#attributes, this.#reader.rootNid);
  }
}
