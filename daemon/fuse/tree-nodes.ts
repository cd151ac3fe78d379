// The node provider of the fuse driver: the tree of an image, from its bootstrap.

import type { BootstrapReader, InodeAttributes } from '../../image/index.ts';
import { getU64 } from './attributes.ts';
import { MAX_READ_BYTES, type RequestDevice } from './device.ts';
import { DirectoryPacker } from './directories.ts';
import { Errno } from './errno.ts';
import type { Answer, NodeProvider } from './nodes.ts';
import { GetXattrIn, GetXattrOut, InHeader, Op, OutHeader, ReadIn } from './protocol.ts';
import { isShown, nameList } from './xattrs.ts';

const NO_NAMES = new Uint8Array();

const BODY = OutHeader.WORDS;
const IN_BODY = InHeader.WORDS;

export class TreeNodes implements NodeProvider {
  readonly rootNid: number;
  readonly hasXattrs: boolean;
  readonly #reader: BootstrapReader;
  readonly #device: RequestDevice;
  readonly #directories: DirectoryPacker;

  /** `device`: where the requests come from and the answers go. */
  constructor(reader: BootstrapReader, device: RequestDevice) {
    this.rootNid = reader.rootNid;
    this.hasXattrs = reader.hasXattrs;
    this.#reader = reader;
    this.#device = device;
    this.#directories = new DirectoryPacker(reader, device);
  }

  lookup(dirNid: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#reader.lookup(dirNid, bytes, start, end);
  }

  stat(nid: number, out: InodeAttributes): void {
    this.#reader.stat(nid, out);
  }

  answer(operation: number, nid: number, length: number): Answer | undefined {
    switch (operation) {
      case Op.READDIR:
        return this.#readdir(nid, false);
      case Op.READDIRPLUS:
        return this.#readdir(nid, true);
      case Op.READLINK:
        return this.#readlink(nid);
      case Op.GETXATTR:
        return this.#getxattr(nid, length);
      case Op.LISTXATTR:
        return this.#listxattr(nid);
      default:
        return undefined;
    }
  }

  #readdir(nid: number, plus: boolean): Answer {
    const { request } = this.#device;
    const cookie = getU64(request, IN_BODY + ReadIn.OFFSET);
    const size = Math.min(request[IN_BODY + ReadIn.SIZE] ?? 0, MAX_READ_BYTES);
    return this.#directories.pack(nid, cookie, size, plus);
  }

  #readlink(nid: number): Answer {
    const target = this.#reader.readlink(nid);
    this.#device.replyBytes.set(target, OutHeader.BYTES);
    return target.length;
  }

  #getxattr(nid: number, length: number): Answer {
    if (!this.#reader.hasXattrs) return -Errno.ENOSYS;
    if (!this.#reader.hasXattrsOf(nid)) return -Errno.ENODATA; // nearly every file of an image
    const nameAt = InHeader.BYTES + GetXattrIn.NAME_BYTES;
    const name = this.#device.requestBytes.toString('latin1', nameAt, length - 1);
    const value = isShown(name) ? this.#reader.xattrs(nid).get(name) : undefined;
    return value === undefined ? -Errno.ENODATA : this.#sized(value);
  }

  /** Empty rather than ENOSYS when the image has none: tools that list attributes would complain of every file. */
  #listxattr(nid: number): Answer {
    return this.#sized(this.#reader.hasXattrsOf(nid) ? nameList(this.#reader.xattrs(nid).keys()) : NO_NAMES);
  }

  /** The way of getxattr(2): size 0 asks how long it is, and what does not fit is ERANGE. */
  #sized(value: Uint8Array): Answer {
    const { request, reply } = this.#device;
    const size = request[IN_BODY + GetXattrIn.SIZE] ?? 0;
    if (size === 0) {
      reply[BODY] = value.length;
      reply[BODY + 1] = 0;
      return GetXattrOut.BYTES;
    }
    if (value.length > size) return -Errno.ERANGE;
    this.#device.replyBytes.set(value, OutHeader.BYTES);
    return value.length;
  }
}
