// Answers the kernel's requests about one image, whether it is shown as its tree or as its devices (nodes.ts), from the
// bootstrap and the cache files. Runs in a worker thread; synchronous, one request at a time. What it can't answer at once (a READ of a missing chunk) it hands over and goes on.

import { messageOf } from '../../core/index.ts';
import { emptyAttributes, type InodeAttributes } from '../../image/index.ts';
import { Counter, type SharedCounters } from '../shared-counters.ts';
import { clearWords, getU64, nidOf, putAttributes, putEntry, putNegativeEntry, putU64 } from './attributes.ts';
import { MAX_READ_BYTES, type RequestDevice } from './device.ts';
import { Errno, errnoFor } from './errno.ts';
import type { MissedRead } from './messages.ts';
import { type InitOutcome, negotiate, type SessionTerms, termsOf } from './negotiation.ts';
import { type Answer, NO_ANSWER, type NodeProvider } from './nodes.ts';
import {
  AttrOut,
  EntryOut,
  FOREVER_SECONDS,
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

/** Longest name of a directory entry (the file system's own limit, NAME_MAX). */
const MAX_NAME_BYTES = 255;
const STATFS_BLOCK = 4096;

/** The highest bit of `unique`, in its upper half: the kernel sends the request again. */
const RESENT = 0x8000_0000;

const BODY = OutHeader.WORDS;
const IN_BODY = InHeader.WORDS;

export interface RequestServerPorts {
  readonly device: RequestDevice;
  readonly nodes: NodeProvider;
  readonly reads: ReadServer;
  readonly counters: SharedCounters;
  /** Where things go that this thread does not do itself. */
  readonly onInit: (outcome: InitOutcome, terms: SessionTerms) => void;
  readonly onMiss: (read: MissedRead) => void;
  readonly onInterrupt: (uniqueLow: number, uniqueHigh: number) => void;
  readonly onWarning: (message: string) => void;
}

export interface RequestServerOptions {
  readonly asyncDirect: boolean;
  readonly maxBackground: number;
  readonly readaheadBytes: number;
  /** Asked when the kernel introduces itself: are there rings for its requests? */
  readonly ring: () => boolean;
  /** For statfs: blocks of 4096 bytes, and inodes. */
  readonly blocks: number;
  readonly inodes: number;
}

export class RequestServer {
  readonly #ports: RequestServerPorts;
  readonly #options: RequestServerOptions;
  readonly #device: RequestDevice;
  readonly #nodes: NodeProvider;
  readonly #attributes: InodeAttributes = emptyAttributes();

  constructor(ports: RequestServerPorts, options: RequestServerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#device = ports.device;
    this.#nodes = ports.nodes;
  }

  /** Handles the request of `length` bytes in the device's buffer. Never throws because of what the image says. */
  handle(length: number): void {
    if ((this.#device.request[InHeader.UNIQUE + 1] ?? 0) >= RESENT) this.#ports.counters.bump(Counter.RESENT);
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
        return this.#nodes.answer?.(operation, this.#nid(), length) ?? this.#refuse(operation);
    }
  }

  /** ENOSYS is remembered by the kernel: it stops sending OPEN, OPENDIR, FLUSH, ACCESS, ... after the first. */
  #refuse(operation: number): Answer {
    return WRITING_OPS.has(operation) ? -Errno.EROFS : -Errno.ENOSYS;
  }

  /** The nid that the request is about. */
  #nid(): number {
    return nidOf(getU64(this.#device.request, InHeader.NODE_ID), this.#nodes.rootNid);
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
    const nid = this.#nodes.lookup(this.#nid(), this.#device.requestBytes, InHeader.BYTES, end);
    if (nid < 0) putNegativeEntry(this.#device.reply, BODY);
    else {
      this.#nodes.stat(nid, this.#attributes);
      putEntry(this.#device.reply, BODY, this.#attributes, this.#nodes.rootNid);
    }
    return EntryOut.BYTES;
  }

  #getattr(): Answer {
    const { reply } = this.#device;
    this.#nodes.stat(this.#nid(), this.#attributes);
    clearWords(reply, BODY, BODY + AttrOut.ATTR);
    reply[BODY + AttrOut.ATTR_VALID] = FOREVER_SECONDS;
    putAttributes(reply, BODY + AttrOut.ATTR, this.#attributes);
    return AttrOut.BYTES;
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
    const { hasXattrs } = this.#nodes;
    const { ring, ...terms } = this.#options;
    const outcome = negotiate(request, reply, { ...terms, hasXattrs, ring: ring() });
    this.#ports.onInit(outcome, termsOf(reply));
    return outcome === 'refused' ? -Errno.EPROTO : InitOut.BYTES;
  }
}
