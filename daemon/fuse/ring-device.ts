// One thread's end of FUSE over io_uring, where `FuseDevice` is that of /dev/fuse: the requests of one processor come
// into the entries of a queue, and entering the kernel once answers them and waits for the next.
//
// A request holds its entry until it is answered, a read that waits for a chunk, too. So that hits never queue behind
// misses (design §6 rule 5), each entry that such a read holds is replaced by a new one: a queue always has
// FREE_ENTRIES for others. One gap is left: requests that come while a queue has no entry at all wait in the kernel, and
// it gives them out only when an answer frees an entry, not when a new one is registered. If all that was given out waits
// for chunks, nothing would move; then the kernel is made to send us something that we can answer (`#kick`).

import { messageOf, ShoalError } from '../../core/index.ts';
import { writeFd } from '../system-calls.ts';
import type { PendingRequest, RequestDevice } from './device.ts';
import { Errno } from './errno.ts';
import { HopWatch } from './hop-watch.ts';
import { IoRing, Sqe } from './io-ring.ts';
import type { RingRole } from './messages.ts';
import {
  InHeader,
  Notify,
  NotifyRetrieveOut,
  Op,
  OutHeader,
  RingCommand,
  RingHeader,
  RingRequest,
} from './protocol.ts';
import { affinity, forget, pinTo, type Region, setAffinity } from './ring-calls.ts';
import { RingInbox } from './ring-inbox.ts';
import { type EntryMemory, RingMemory } from './ring-memory.ts';

/** Entries of a queue that no waiting read holds. More requests at a time wait in the kernel for the next answer. */
const FREE_ENTRIES = 8;
/** Of one thread: far more than the reads that the kernel lets wait (`maxBackground`, and one for each direct reader). */
const MAX_ENTRIES = 1 << 16;
const INBOX = 0xffff_ffff;
const URING_CMD = 46;
/** An answer with more bytes goes at once instead of with those of the requests that came together with it. */
const PROMPT_BYTES = 64 * 1024;
/**
 * The pages of a waiting read's reply are given back from here on: thousands may have waited. What a request brings, a
 * name at most, is before.
 */
const KEPT_BYTES = 16 * 1024;
const REQUEST_BYTES = 64 * 1024;
/** How long an idle processor must be left alone until the scheduler does, in milliseconds (measured: 0.5 is too short). */
const PAUSE_MS = 1;
/** Upper half of the `unique` of what `#kick` makes the kernel send: beyond what it counts up to. It counts in twos. */
const KICK_UNIQUE = 0x7fff_fff0;
const UNIQUE_STEP = 2;

const ENOTCONN = -107;
const ECONNABORTED = -103;

interface Entry {
  readonly memory: EntryMemory;
  /** Its queue, as an index into the role's. */
  readonly queue: number;
  /** Its request waits for a chunk. */
  waits: boolean;
  /** The kernel has it by a registration, not by an answer. */
  fresh: boolean;
}

export interface RingDevicePorts {
  /** What must be unmapped once this thread and whoever answers its reads have ended. */
  readonly onMemory: (region: Region) => void;
  /** The ring's descriptor, to be closed then. */
  readonly onRing: (fd: number) => void;
  readonly onWarning: (message: string) => void;
}

export class RingDevice implements RequestDevice {
  readonly request = new Uint32Array(REQUEST_BYTES / 4);
  readonly requestBytes = Buffer.from(this.request.buffer);
  reply: Uint32Array;
  replyBytes: Uint8Array;
  readonly #before: Uint32Array;
  readonly #role: RingRole;
  readonly #ports: RingDevicePorts;
  readonly #ring: IoRing;
  readonly #memory: RingMemory;
  readonly #inbox: RingInbox;
  readonly #watch: HopWatch;
  readonly #nap = new Int32Array(new SharedArrayBuffer(4));
  readonly #kickMessage = kickMessage();
  readonly #kickBytes = new Uint8Array(this.#kickMessage.buffer);
  readonly #entries: Entry[] = [];
  #current: Entry;
  #number = 0;
  #isOpen = false;
  #fd = -1;
  #isFull = false;
  #kicks = 0;
  /** Of each queue: its entries, those whose requests wait, and those that the kernel has by an answer. */
  readonly #total: Int32Array;
  readonly #waiting: Int32Array;
  readonly #answered: Int32Array;

  /**
   * Makes the ring and puts the calling thread on its processor. Throws `system`: no rings here, or not on that one; the
   * thread is then where it was.
   */
  constructor(role: RingRole, ports: RingDevicePorts) {
    this.#before = affinity();
    if (!pinTo(role.cpu)) throw new ShoalError('system', `no thread may run on processor ${role.cpu}`);
    try {
      this.#role = role;
      this.#ports = ports;
      this.#ring = new IoRing();
      ports.onRing(this.#ring.fd);
      for (const region of this.#ring.regions) ports.onMemory(region);
      this.#memory = new RingMemory(ports.onMemory);
      this.#inbox = new RingInbox(role.inbox, ports.onMemory);
      this.#watch = new HopWatch(role.watch);
      const count = role.queues.length;
      this.#total = new Int32Array(count);
      this.#waiting = new Int32Array(count);
      this.#answered = new Int32Array(count);
      for (let queue = 0; queue < count; queue++) {
        for (let i = 0; i < FREE_ENTRIES; i++) this.#addEntry(queue);
      }
      const [first] = this.#entries;
      if (first === undefined) throw new ShoalError('internal', 'a ring without queues');
      this.#current = first;
      this.reply = first.memory.reply;
      this.replyBytes = first.memory.replyBytes;
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /**
   * Serves the connection of `fd` until it ends: `handle` is called for each request, with its length. `refused`: the
   * kernel took no entries for one of the queues, so that it will send everything to /dev/fuse. Throws `system`.
   */
  serve(fd: number, handle: (length: number) => void): 'ended' | 'refused' {
    this.#fd = fd;
    this.#inbox.listen(this.#ring, INBOX);
    for (let number = 0; number < this.#entries.length; number++) this.#register(number);
    this.#ring.submit();
    for (;;) {
      while (this.#ring.take()) {
        if (this.#ring.userData === INBOX) {
          if (!this.#takeAnswers()) return 'ended';
        } else if (this.#ring.result === 0) this.#receive(this.#ring.userData, handle);
        else if (this.#ring.result === ENOTCONN || this.#ring.result === ECONNABORTED) return 'ended';
        else this.#lose(this.#ring.userData, this.#ring.result);
      }
      if (this.#total.includes(0)) return 'refused';
      for (let queue = 0; queue < this.#role.queues.length; queue++) this.#tend(queue);
      this.#ring.submitAndWait();
    }
  }

  /** The calling thread may run where it could before. */
  leave(): void {
    setAffinity(this.#before);
  }

  respond(bytes: number): void {
    this.#answer(bytes, 0);
  }

  fail(errno: number): void {
    this.#answer(0, errno);
  }

  pending(): PendingRequest {
    const { memory, queue } = this.#current;
    this.#current.waits = true;
    this.#waiting[queue] = (this.#waiting[queue] ?? 0) + 1;
    this.#isOpen = false;
    const kickNode = OutHeader.WORDS + NotifyRetrieveOut.NODE_ID;
    this.#kickMessage[kickNode] = this.request[InHeader.NODE_ID] ?? 0;
    this.#kickMessage[kickNode + 1] = this.request[InHeader.NODE_ID + 1] ?? 0;
    return {
      fd: this.#role.outbox,
      uniqueLow: this.request[InHeader.UNIQUE] ?? 0,
      uniqueHigh: this.request[InHeader.UNIQUE + 1] ?? 0,
      slot: { entry: this.#number, payload: memory.payload },
    };
  }

  #receive(number: number, handle: (length: number) => void): void {
    const entry = this.#entryOf(number);
    const { queue, memory } = entry;
    if (entry.fresh) entry.fresh = false;
    else this.#answered[queue] = (this.#answered[queue] ?? 0) - 1;
    this.#number = number;
    this.#current = entry;
    this.reply = memory.reply;
    this.replyBytes = memory.replyBytes;
    this.#isOpen = true;
    const length = this.#copyRequest(memory);
    if (this.request[InHeader.OPCODE] === Op.NOTIFY_REPLY) this.#answer(0, 0);
    else if (length === 0) this.#answer(0, Errno.EIO);
    else {
      const hops = this.#watch.note(this.request[InHeader.PID] ?? 0, this.#role.queues[queue] ?? 0);
      if (hops) Atomics.wait(this.#nap, 0, 0, PAUSE_MS);
      handle(length);
      if (this.#isOpen) this.#answer(0, 0); // what needs no answer gives its entry back with one
    }
  }

  /** Puts the request together as read(2) would have. Its length, or 0 when it makes no sense. */
  #copyRequest({ header, payloadBytes }: EntryMemory): number {
    const { request, requestBytes } = this;
    const length = header[InHeader.LENGTH] ?? 0;
    const payload = header[RingHeader.PAYLOAD_BYTES] ?? 0;
    const fixed = length - InHeader.BYTES - payload;
    if (length > REQUEST_BYTES || fixed < 0 || fixed > RingHeader.OPERATION_BYTES) return 0;
    for (let word = 0; word < InHeader.WORDS; word++) request[word] = header[word] ?? 0;
    // Whole words of a fixed part that may end in the middle of one: what follows is written after it.
    for (let word = 0; word * 4 < fixed; word++) {
      request[InHeader.WORDS + word] = header[RingHeader.OPERATION + word] ?? 0;
    }
    const at = InHeader.BYTES + fixed;
    for (let byte = 0; byte < payload; byte++) requestBytes[at + byte] = payloadBytes[byte] ?? 0;
    return length;
  }

  /** Answers the current request with the first `bytes` of its reply's body, or with an error (a positive errno). */
  #answer(bytes: number, errno: number): void {
    this.#isOpen = false;
    this.#commit(this.#number, bytes, errno);
    if (bytes >= PROMPT_BYTES) this.#ring.submit();
  }

  #commit(number: number, bytes: number, errno: number): void {
    const { queue, memory } = this.#entryOf(number);
    const { header } = memory;
    // The unique is where it was: third and fourth word of both headers.
    header[OutHeader.LENGTH] = OutHeader.BYTES + bytes;
    header[OutHeader.ERROR] = -errno;
    header[RingHeader.PAYLOAD_BYTES] = bytes;
    const at = this.#command(RingCommand.COMMIT_AND_FETCH, number, queue);
    this.#ring.entries[at + Sqe.COMMAND + RingRequest.COMMIT_ID] = header[RingHeader.COMMIT_ID] ?? 0;
    this.#ring.entries[at + Sqe.COMMAND + RingRequest.COMMIT_ID + 1] = header[RingHeader.COMMIT_ID + 1] ?? 0;
    this.#answered[queue] = (this.#answered[queue] ?? 0) + 1;
  }

  #register(number: number): void {
    const { memory, queue } = this.#entryOf(number);
    const at = this.#command(RingCommand.REGISTER, number, queue);
    const { entries } = this.#ring;
    entries[at + Sqe.ADDRESS] = Number(memory.iovecs & 0xffff_ffffn);
    entries[at + Sqe.ADDRESS + 1] = Number(memory.iovecs >> 32n);
    entries[at + Sqe.LENGTH] = 2;
    this.#total[queue] = (this.#total[queue] ?? 0) + 1;
  }

  /** Prepares a command that leaves the entry with the kernel. */
  #command(command: number, number: number, queue: number): number {
    const at = this.#ring.prepare();
    const { entries } = this.#ring;
    entries[at + Sqe.OPCODE] = URING_CMD;
    entries[at + Sqe.FD] = this.#fd;
    entries[at + Sqe.OFFSET] = command;
    entries[at + Sqe.USER_DATA] = number;
    entries[at + Sqe.COMMAND + RingRequest.QUEUE] = this.#role.queues[queue] ?? 0;
    return at;
  }

  /** The kernel did not take an entry: the others must do. */
  #lose(number: number, result: number): void {
    const { queue, fresh } = this.#entryOf(number);
    if (!fresh) this.#answered[queue] = (this.#answered[queue] ?? 0) - 1;
    this.#total[queue] = (this.#total[queue] ?? 0) - 1;
    this.#stopGrowing(`entry of a ring: ${-result}`);
  }

  #stopGrowing(reason: string): void {
    if (!this.#isFull) this.#ports.onWarning(`reads that wait may hinder others from now on: ${reason}`);
    this.#isFull = true;
  }

  /** Answers that others have put into entries of ours. False: this thread is to end. */
  #takeAnswers(): boolean {
    if (!this.#inbox.receive(this.#ring.result)) return false;
    while (this.#inbox.take()) {
      if (this.#inbox.saysEnd) return false;
      const { entry: number, result, uniqueLow, uniqueHigh } = this.#inbox;
      const entry = this.#entries[number];
      // Answered before, by somebody who then died, or whose answer was late.
      if (entry?.waits !== true) continue;
      const { header, payload } = entry.memory;
      if (header[InHeader.UNIQUE] !== uniqueLow || header[InHeader.UNIQUE + 1] !== uniqueHigh) continue;
      entry.waits = false;
      this.#waiting[entry.queue] = (this.#waiting[entry.queue] ?? 0) - 1;
      this.#commit(number, Math.max(result, 0), Math.max(-result, 0));
      if (result <= KEPT_BYTES) continue;
      this.#ring.submit(); // has copied the answer when it returns, and perhaps brought the next request
      forget(payload + BigInt(KEPT_BYTES), result - KEPT_BYTES);
    }
    this.#inbox.listen(this.#ring, INBOX);
    return true;
  }

  /** After all completions: replaces entries that waiting reads hold, and sees that the kernel's own queue moves. */
  #tend(queue: number): void {
    while (this.#lacksEntries(queue)) {
      try {
        this.#addEntry(queue);
        this.#register(this.#entries.length - 1);
      } catch (error) {
        this.#stopGrowing(messageOf(error));
      }
    }
    // An entry that an answer left in the kernel found no request waiting there, and as long as it is there, those that
    // come find an entry. With none like that all may have been gone for a while. What the kick brings may find none, too,
    // when more requests have come meanwhile; but then these bring us here again.
    if (this.#waiting[queue] === 0 || this.#answered[queue] !== 0) return;
    this.#ring.submit();
    this.#kick(queue);
  }

  #addEntry(queue: number): void {
    this.#entries.push({ memory: this.#memory.take(), queue, waits: false, fresh: true });
  }

  #lacksEntries(queue: number): boolean {
    const free = (this.#total[queue] ?? 0) - (this.#waiting[queue] ?? 0);
    return !this.#isFull && free < FREE_ENTRIES && this.#entries.length < MAX_ENTRIES;
  }

  /**
   * Asks the kernel for no bytes of what it has cached of the file that the last waiting read is for. It sends us them as
   * a request, by the queue of the processor that asks.
   */
  #kick(queue: number): void {
    const cpu = this.#role.queues[queue] ?? 0;
    if (cpu !== this.#role.cpu && !pinTo(cpu)) return; // a processor that is off has sent nothing
    this.#kicks = (this.#kicks + UNIQUE_STEP) >>> 0;
    this.#kickMessage[OutHeader.WORDS + NotifyRetrieveOut.UNIQUE] = this.#kicks;
    writeFd(this.#fd, this.#kickBytes, this.#kickBytes.length); // fails only with the connection
    if (cpu !== this.#role.cpu) pinTo(this.#role.cpu);
  }

  #entryOf(number: number): Entry {
    const entry = this.#entries[number];
    if (entry === undefined) throw new ShoalError('internal', `entry ${number} of ${this.#entries.length}`);
    return entry;
  }
}

function kickMessage(): Uint32Array<ArrayBuffer> {
  const bytes = OutHeader.BYTES + NotifyRetrieveOut.BYTES;
  const words = new Uint32Array(bytes / 4);
  words[OutHeader.LENGTH] = bytes;
  words[OutHeader.ERROR] = Notify.RETRIEVE;
  words[OutHeader.WORDS + NotifyRetrieveOut.UNIQUE + 1] = KICK_UNIQUE;
  return words;
}
