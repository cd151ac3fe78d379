// Answers the kernel's requests about one image from the bootstrap and the cache files. Runs in a worker thread;
// synchronous, one request at a time. What it can't answer at once (a READ of a missing chunk) it hands over and goes on.

import { messageOf } from '../../core/index.ts';
import { type BootstrapReader, emptyAttributes, type InodeAttributes } from '../../image/index.ts';
import { Counter, type SharedCounters } from '../shared-counters.ts';
import { clearWords, getU64, nidOf, putAttributes, putEntry, putNegativeEntry, putU64 } from './attributes.ts';
import { MAX_READ_BYTES, type RequestDevice } from './device.ts';
import { DirectoryPacker } from './directories.ts';
import { Errno, errnoFor } from './errno.ts';
import type { MissedRead } from './messages.ts';
import { type InitOutcome, negotiate } from './negotiation.ts';
import {
  AttrOut,
  EntryOut,
  FOREVER_SECONDS,
  GetXattrIn,
  GetXattrOut,
  InHeader,
  InitOut,
  InterruptIn,
  Op,
  OutHeader,
  ReadIn,
  StatfsOut,
  WRITING_OPS,
} from './protocol.ts';
import { MISS, type ReadServer } from './read-server.ts';
import { isShown, nameList } from './xattrs.ts';

/** Longest name of a directory entry (the file system's own limit, NAME_MAX). */
const MAX_NAME_BYTES = 255;
const STATFS_BLOCK = 4096;
/** Bytes of the reply's body (0 or more), or a negative errno, or NO_ANSWER. */
type Answer = number;
const NO_ANSWER = Number.MIN_SAFE_INTEGER;
const NO_NAMES = new Uint8Array();

const BODY = OutHeader.WORDS;
const IN_BODY = InHeader.WORDS;

export interface TreeServerPorts {
  readonly device: RequestDevice;
  readonly reader: BootstrapReader;
  readonly reads: ReadServer;
  readonly counters: SharedCounters;
  /** Where things go that this thread does not do itself. */
  readonly onInit: (outcome: InitOutcome) => void;
  readonly onMiss: (read: MissedRead) => void;
  readonly onInterrupt: (uniqueLow: number, uniqueHigh: number) => void;
  readonly onWarning: (message: string) => void;
}

export interface TreeServerOptions {
  readonly maxBackground: number;
  readonly readaheadBytes: number;
  /** Asked when the kernel introduces itself: are there rings for its requests? */
  readonly ring: () => boolean;
  /** For statfs: blocks of 4096 bytes, and inodes. */
  readonly blocks: number;
  readonly inodes: number;
}

export class TreeServer {
  readonly #ports: TreeServerPorts;
  readonly #options: TreeServerOptions;
  readonly #device: RequestDevice;
  readonly #reader: BootstrapReader;
  readonly #directories: DirectoryPacker;
  readonly #attributes: InodeAttributes = emptyAttributes();

  constructor(ports: TreeServerPorts, options: TreeServerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#device = ports.device;
    this.#reader = ports.reader;
    this.#directories = new DirectoryPacker(ports.reader, ports.device);
  }

  /** Handles the request of `length` bytes in the device's buffer. Never throws because of what the image says. */
  handle(length: number): void {
    const answer = this.#answer(length);
    if (answer >= 0) this.#device.respond(answer);
    else if (answer !== NO_ANSWER) this.#device.fail(-answer);
  }

  #answer(length: number): Answer {
    const operation = this.#device.request[InHeader.OPCODE] ?? 0;
    try {
      return this.#dispatch(operation, length);
    } catch (error) {
      // A damaged image fails the one request that met the damage.
      this.#ports.onWarning(`request ${operation}: ${messageOf(error)}`);
      return -errnoFor(error);
    }
  }

  #dispatch(operation: number, length: number): Answer {
    switch (operation) {
      case Op.READ:
        return this.#read();
      case Op.LOOKUP:
        return this.#lookup(length);
      case Op.GETATTR:
        return this.#getattr();
      case Op.READDIR:
        return this.#readdir(false);
      case Op.READDIRPLUS:
        return this.#readdir(true);
      case Op.READLINK:
        return this.#readlink();
      case Op.GETXATTR:
        return this.#getxattr(length);
      case Op.LISTXATTR:
        return this.#listxattr();
      case Op.FORGET:
      case Op.BATCH_FORGET:
        return NO_ANSWER; // node ids carry no state
      case Op.STATFS:
        return this.#statfs();
      case Op.INTERRUPT:
        return this.#interrupt();
      case Op.INIT:
        return this.#init();
      case Op.DESTROY:
        return 0;
      default:
        // ENOSYS is remembered by the kernel: it stops sending OPEN, OPENDIR, FLUSH, ACCESS, ... after the first.
        return WRITING_OPS.has(operation) ? -Errno.EROFS : -Errno.ENOSYS;
    }
  }

  /** The nid that the request is about. */
  #nid(): number {
    return nidOf(getU64(this.#device.request, InHeader.NODE_ID), this.#reader.rootNid);
  }

  #read(): Answer {
    const { request } = this.#device;
    const nid = this.#nid();
    const offset = getU64(request, IN_BODY + ReadIn.OFFSET);
    const size = request[IN_BODY + ReadIn.SIZE] ?? 0;
    if (size > MAX_READ_BYTES) return -Errno.EINVAL;
    const startedAt = this.#ports.counters.startRead();
    const bytes = this.#ports.reads.read(nid, offset, size, this.#device.replyBytes, OutHeader.BYTES);
    if (bytes !== MISS) {
      this.#ports.counters.hit(startedAt);
      return bytes;
    }
    this.#ports.counters.bump(Counter.MISSES);
    this.#ports.onMiss({ ...this.#device.pending(), pid: request[InHeader.PID] ?? 0, nid, offset, size });
    return NO_ANSWER;
  }

  /** The request's last field is the name that ends it, with its NUL. */
  #lookup(length: number): Answer {
    const end = length - 1;
    if (end - InHeader.BYTES > MAX_NAME_BYTES) return -Errno.ENAMETOOLONG;
    const nid = this.#reader.lookup(this.#nid(), this.#device.requestBytes, InHeader.BYTES, end);
    if (nid < 0) putNegativeEntry(this.#device.reply, BODY);
    else {
      this.#reader.stat(nid, this.#attributes);
      putEntry(this.#device.reply, BODY, this.#attributes, this.#reader.rootNid);
    }
    return EntryOut.BYTES;
  }

  #getattr(): Answer {
    const { reply } = this.#device;
    this.#reader.stat(this.#nid(), this.#attributes);
    clearWords(reply, BODY, BODY + AttrOut.ATTR);
    reply[BODY + AttrOut.ATTR_VALID] = FOREVER_SECONDS;
    putAttributes(reply, BODY + AttrOut.ATTR, this.#attributes);
    return AttrOut.BYTES;
  }

  #readdir(plus: boolean): Answer {
    const { request } = this.#device;
    const cookie = getU64(request, IN_BODY + ReadIn.OFFSET);
    const size = Math.min(request[IN_BODY + ReadIn.SIZE] ?? 0, MAX_READ_BYTES);
    return this.#directories.pack(this.#nid(), cookie, size, plus);
  }

  #readlink(): Answer {
    const target = this.#reader.readlink(this.#nid());
    this.#device.replyBytes.set(target, OutHeader.BYTES);
    return target.length;
  }

  #getxattr(length: number): Answer {
    if (!this.#reader.hasXattrs) return -Errno.ENOSYS;
    const nid = this.#nid();
    if (!this.#reader.hasXattrsOf(nid)) return -Errno.ENODATA; // nearly every file of an image
    const nameAt = InHeader.BYTES + GetXattrIn.NAME_BYTES;
    const name = this.#device.requestBytes.toString('latin1', nameAt, length - 1);
    const value = isShown(name) ? this.#reader.xattrs(nid).get(name) : undefined;
    return value === undefined ? -Errno.ENODATA : this.#sized(value);
  }

  /** Empty rather than ENOSYS when the image has none: tools that list attributes would complain of every file. */
  #listxattr(): Answer {
    const nid = this.#nid();
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

  #statfs(): Answer {
    const { reply } = this.#device;
    clearWords(reply, BODY, BODY + StatfsOut.WORDS);
    putU64(reply, BODY + StatfsOut.BLOCKS, this.#options.blocks);
    putU64(reply, BODY + StatfsOut.FILES, this.#options.inodes);
    reply[BODY + StatfsOut.BLOCK_SIZE] = STATFS_BLOCK;
    reply[BODY + StatfsOut.NAME_LENGTH] = MAX_NAME_BYTES;
    reply[BODY + StatfsOut.FRAGMENT_SIZE] = STATFS_BLOCK;
    return StatfsOut.BYTES;
  }

  /** If the request it means waits, the main thread decides what happens (see parked-reads.ts). */
  #interrupt(): Answer {
    const { request } = this.#device;
    const at = IN_BODY + InterruptIn.UNIQUE;
    this.#ports.onInterrupt(request[at] ?? 0, request[at + 1] ?? 0);
    return NO_ANSWER;
  }

  #init(): Answer {
    const { request, reply } = this.#device;
    const { hasXattrs } = this.#reader;
    const { maxBackground, readaheadBytes, ring } = this.#options;
    const outcome = negotiate(request, reply, { hasXattrs, maxBackground, readaheadBytes, ring: ring() });
    this.#ports.onInit(outcome);
    return outcome === 'refused' ? -Errno.EPROTO : InitOut.BYTES;
  }
}
