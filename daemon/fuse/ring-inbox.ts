// How a ring's thread hears of answers that others have put into its entries: a pipe of small messages, which its ring
// reads from while it waits for requests.

import { ShoalError } from '../../core/index.ts';
import { lastErrno, PAGE_BYTES, writeFd } from '../system-calls.ts';
import type { PendingRequest } from './device.ts';
import { type IoRing, Sqe } from './io-ring.ts';
import { mapLazily, type Region, viewOf } from './ring-calls.ts';

/** Where the reply of a request goes: the number of its entry, and the address of its payload. */
export interface RingSlot {
  readonly entry: number;
  readonly payload: bigint;
}

/** A message, in words: the entry, the result (bytes of the body, or a negative errno), the request's `unique`. */
const Message = { BYTES: 16, WORDS: 4, ENTRY: 0, RESULT: 1, UNIQUE: 2 } as const;
/** In place of an entry: the connection is over. */
const END = 0xffff_ffff;
const IORING_OP_READ = 22;
/** EINTR, EAGAIN: nothing happened. */
const PASSING: ReadonlySet<number> = new Set([-4, -11]);

const outgoing = new Uint32Array(Message.WORDS);
const outgoingBytes = new Uint8Array(outgoing.buffer);

/**
 * Tells a request's thread that its answer is where it belongs: `result` bytes, or a negative errno. A thread that has
 * answered it meanwhile ignores that. Throws `system`: the thread does not listen any more.
 */
export function tellRing(to: PendingRequest, { entry }: RingSlot, result: number): void {
  send(to.fd, entry, result, to.uniqueLow, to.uniqueHigh);
}

/** Tells a ring's thread that its connection is over. */
export function tellToEnd(inbox: number): void {
  send(inbox, END, 0, 0, 0);
}

function send(inbox: number, entry: number, result: number, uniqueLow: number, uniqueHigh: number): void {
  outgoing[Message.ENTRY] = entry;
  outgoing[Message.RESULT] = result;
  outgoing[Message.UNIQUE] = uniqueLow;
  outgoing[Message.UNIQUE + 1] = uniqueHigh;
  // So few bytes are written whole or not at all.
  if (writeFd(inbox, outgoingBytes, Message.BYTES) < 0) {
    throw new ShoalError('system', `tell the thread of a ring: ${lastErrno()}`);
  }
}

export class RingInbox {
  /** The message taken last. */
  entry = 0;
  result = 0;
  uniqueLow = 0;
  uniqueHigh = 0;
  readonly #fd: number;
  readonly #memory: Region;
  readonly #words: Uint32Array;
  #at = 0;
  #end = 0;

  constructor(fd: number, onMemory: (region: Region) => void) {
    this.#fd = fd;
    this.#memory = mapLazily(PAGE_BYTES);
    onMemory(this.#memory);
    this.#words = new Uint32Array(viewOf(this.#memory));
  }

  /** Has the ring read the next messages; its completion carries `userData`. */
  listen(ring: IoRing, userData: number): void {
    const at = ring.prepare();
    const { entries } = ring;
    const { address, bytes } = this.#memory;
    entries[at + Sqe.OPCODE] = IORING_OP_READ;
    entries[at + Sqe.FD] = this.#fd;
    entries[at + Sqe.OFFSET] = 0xffff_ffff; // -1: a pipe has no positions
    entries[at + Sqe.OFFSET + 1] = 0xffff_ffff;
    entries[at + Sqe.ADDRESS] = Number(address & 0xffff_ffffn);
    entries[at + Sqe.ADDRESS + 1] = Number(address >> 32n);
    entries[at + Sqe.LENGTH] = bytes;
    entries[at + Sqe.USER_DATA] = userData;
  }

  /** What the ring has read: that many bytes, or a negative errno. False: nobody will write any more. */
  receive(result: number): boolean {
    if (result < 0 && !PASSING.has(result)) throw new ShoalError('system', `inbox of a ring: error ${-result}`);
    const bytes = Math.max(result, 0);
    if (bytes % Message.BYTES !== 0) throw new ShoalError('internal', `inbox of a ring: ${result}`);
    this.#at = 0;
    this.#end = bytes / 4;
    return result !== 0;
  }

  /** Takes the next message. False: there is none. */
  take(): boolean {
    if (this.#at >= this.#end) return false;
    const at = this.#at;
    this.#at += Message.WORDS;
    this.entry = this.#words[at] ?? 0;
    this.result = (this.#words[at + Message.RESULT] ?? 0) | 0;
    this.uniqueLow = this.#words[at + Message.UNIQUE] ?? 0;
    this.uniqueHigh = this.#words[at + Message.UNIQUE + 1] ?? 0;
    return true;
  }

  /** The message taken last says that the connection is over. */
  get saysEnd(): boolean {
    return this.entry === END;
  }
}
