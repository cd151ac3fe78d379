// An io_uring as one thread uses it: entries in, completions out, both in memory shared with the kernel. Knows nothing of
// FUSE. Nothing here allocates once the ring is there.
// The thread that makes it is the only one that may use it (SINGLE_ISSUER), and completions that other threads cause are
// worked off when it enters the kernel to wait (DEFER_TASKRUN), so that nothing interrupts it.

import { closeSync } from 'node:fs';
import { messageOf, ShoalError } from '../../core/index.ts';
import { lastErrno } from '../system-calls.ts';
import { enterRing, mapRing, type Region, setUpRing, viewOf } from './ring-calls.ts';

/** IORING_SETUP_ CQSIZE, SUBMIT_ALL, SQE128, SINGLE_ISSUER, DEFER_TASKRUN. */
const SETUP_FLAGS = (1 << 3) | (1 << 7) | (1 << 10) | (1 << 12) | (1 << 13);
const SUBMISSIONS = 64;
const COMPLETIONS = 1024;

/** struct io_uring_params, in words. */
const Params = { WORDS: 30, SQ_ENTRIES: 0, CQ_ENTRIES: 1, FLAGS: 2, FEATURES: 5, SQ: 10, CQ: 20 } as const;
/** struct io_sqring_offsets and io_cqring_offsets, in words; what they hold are bytes. */
const SqOffset = { TAIL: 1, ARRAY: 6 } as const;
const CqOffset = { HEAD: 0, TAIL: 1, CQES: 5 } as const;
const FEATURE_SINGLE_MMAP = 1;
const OFFSET_SQES = 0x1000_0000;

const SQE_WORDS = 32;
const CQE_WORDS = 4;
/** struct io_uring_sqe of 128 bytes, in words: what is used of it. */
export const Sqe = { OPCODE: 0, FD: 1, OFFSET: 2, ADDRESS: 4, LENGTH: 6, USER_DATA: 8, COMMAND: 12 } as const;

export class IoRing {
  readonly fd: number;
  /** What is mapped; unmapped by whoever closes the descriptor. */
  readonly regions: readonly Region[];
  /** The submission entry that `prepare` returned the place of. */
  readonly entries: Uint32Array;
  /** Of the completion that `take` has taken. */
  userData = 0;
  result = 0;
  readonly #words: Uint32Array;
  readonly #sqTail: number;
  readonly #sqMask: number;
  readonly #cqHead: number;
  readonly #cqTail: number;
  readonly #cqMask: number;
  readonly #cqes: number;
  #prepared = 0;

  /** Throws `system`: the kernel has no such rings, or does not let us. */
  constructor() {
    const params = new Uint32Array(Params.WORDS);
    params[Params.FLAGS] = SETUP_FLAGS;
    params[Params.CQ_ENTRIES] = COMPLETIONS;
    this.fd = setUpRing(SUBMISSIONS, params);
    const param = (at: number) => params[at] ?? 0;
    try {
      if ((param(Params.FEATURES) & FEATURE_SINGLE_MMAP) === 0) throw new ShoalError('unsupported', 'io_uring too old');
      const submissions = param(Params.SQ_ENTRIES);
      const completions = param(Params.CQ_ENTRIES);
      const sq = (at: number) => param(Params.SQ + at) >>> 2;
      const cq = (at: number) => param(Params.CQ + at) >>> 2;
      const words = Math.max(sq(SqOffset.ARRAY) + submissions, cq(CqOffset.CQES) + completions * CQE_WORDS);
      const ring = mapRing(this.fd, words * 4, 0);
      const entries = mapRing(this.fd, submissions * SQE_WORDS * 4, OFFSET_SQES);
      this.regions = [ring, entries];
      this.#words = new Uint32Array(viewOf(ring));
      this.entries = new Uint32Array(viewOf(entries));
      this.#sqTail = sq(SqOffset.TAIL);
      this.#sqMask = submissions - 1;
      this.#cqHead = cq(CqOffset.HEAD);
      this.#cqTail = cq(CqOffset.TAIL);
      this.#cqMask = completions - 1;
      this.#cqes = cq(CqOffset.CQES);
      // Which entry is the next is always the one that follows: the kernel's indirection is filled in once.
      for (let i = 0; i < submissions; i++) this.#words[sq(SqOffset.ARRAY) + i] = i;
    } catch (error) {
      closeSync(this.fd);
      throw error instanceof ShoalError ? error : new ShoalError('system', `io_uring: ${messageOf(error)}`);
    }
  }

  /** The next submission entry, zeroed, as a place in `entries`. Submits what there is when the ring is full. */
  prepare(): number {
    if (this.#prepared > this.#sqMask) this.submit();
    const tail = this.#words[this.#sqTail] ?? 0;
    const at = (tail & this.#sqMask) * SQE_WORDS;
    for (let word = at; word < at + SQE_WORDS; word++) this.entries[word] = 0;
    this.#prepared++;
    // The kernel looks at it when we enter, not before: we may fill it in afterwards.
    Atomics.store(this.#words, this.#sqTail, tail + 1);
    return at;
  }

  /** Hands over what was prepared, without waiting. Throws `system`. */
  submit(): void {
    while (this.#prepared > 0) this.#enter(0);
  }

  /** Hands over what was prepared and waits until there is a completion. Throws `system`. */
  submitAndWait(): void {
    do this.#enter(1);
    while (this.#prepared > 0 || this.completions === 0);
  }

  /** Completions that can be taken. */
  get completions(): number {
    return (Atomics.load(this.#words, this.#cqTail) - (this.#words[this.#cqHead] ?? 0)) >>> 0;
  }

  /** Takes the next completion into `userData` and `result`. False: there is none. */
  take(): boolean {
    const head = this.#words[this.#cqHead] ?? 0;
    if (head === Atomics.load(this.#words, this.#cqTail)) return false;
    const at = this.#cqes + (head & this.#cqMask) * CQE_WORDS;
    this.userData = this.#words[at] ?? 0;
    this.result = (this.#words[at + 2] ?? 0) | 0;
    Atomics.store(this.#words, this.#cqHead, head + 1);
    return true;
  }

  #enter(wait: number): void {
    const submitted = enterRing(this.fd, this.#prepared, wait);
    if (submitted >= 0) {
      this.#prepared -= submitted;
      return;
    }
    const errno = lastErrno();
    if (errno === 'EINTR' || errno === 'EAGAIN') return; // nothing happened
    throw new ShoalError('system', `io_uring_enter: ${errno}`);
  }
}
