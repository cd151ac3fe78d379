// The system calls of the io_uring transport, by koffi: rings, memory outside of JavaScript's heap, processors. All for
// the daemon's threads; only `enterRing` blocks.

import koffi from 'koffi';
import { ShoalError } from '../../core/index.ts';
import { lastErrno } from '../system-calls.ts';

const libc = koffi.load(null);
const isLinux = process.platform === 'linux';

/** Numbers of io_uring_setup and io_uring_enter: newer than the split by architecture, so the same everywhere. */
const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;

const calls = {
  setup: libc.func('long syscall(long number, unsigned int entries, _Inout_ void *params)'),
  enter: libc.func(
    'long syscall(long number, int fd, unsigned int submit, unsigned int wait, unsigned int flags, void *mask, unsigned long size)',
  ),
  mmap: libc.func('void *mmap(void *at, unsigned long length, int protection, int flags, int fd, long offset)'),
  munmap: libc.func('int munmap(void *at, unsigned long length)'),
  madvise: libc.func('int madvise(void *at, unsigned long length, int advice)'),
  memcpy: libc.func('void memcpy(void *to, void *from, unsigned long length)'),
  pipe: libc.func('int pipe(_Out_ int *pair)'),
  fcntl: libc.func('int fcntl(int fd, int command, int argument)'),
  setAffinity: isLinux ? libc.func('int sched_setaffinity(int pid, unsigned long size, void *mask)') : undefined,
  getAffinity: isLinux ? libc.func('int sched_getaffinity(int pid, unsigned long size, _Out_ void *mask)') : undefined,
};

const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_POPULATE = 0x8000;
const MADV_DONTNEED = 4;
const F_SETFD = 2;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;
const PIPE_BYTES = 1 << 20;
const IORING_ENTER_GETEVENTS = 1;
/** Of the processor mask; room for 4096. */
const MASK_WORDS = 128;

/** A piece of memory outside of JavaScript's heap. Whoever mapped it tells somebody who unmaps it. */
export interface Region {
  readonly address: bigint;
  readonly bytes: number;
}

/** io_uring_setup(2) of `params` (words of struct io_uring_params, filled in). The ring's descriptor. Throws `system`. */
export function setUpRing(entries: number, params: Uint32Array): number {
  const fd = Number(calls.setup(SYS_IO_URING_SETUP, entries, params));
  if (fd < 0) throw new ShoalError('system', `io_uring_setup: ${lastErrno()}`);
  return fd;
}

/** io_uring_enter(2). The number of submitted entries, or -1: see `lastErrno`. */
export function enterRing(fd: number, submit: number, wait: number): number {
  return calls.enter(SYS_IO_URING_ENTER, fd, submit, wait, wait > 0 ? IORING_ENTER_GETEVENTS : 0, null, 8);
}

/** The part of a ring that is shared with the kernel. Throws `system`. */
export function mapRing(fd: number, bytes: number, offset: number): Region {
  return map(bytes, MAP_SHARED | MAP_POPULATE, fd, offset);
}

/** Memory that takes none until it is written to. Throws `system`. */
export function mapLazily(bytes: number): Region {
  return map(bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

function map(bytes: number, flags: number, fd: number, offset: number): Region {
  const address: unknown = calls.mmap(null, bytes, PROT_READ_WRITE, flags, fd, offset);
  if (typeof address !== 'bigint' || BigInt.asIntN(64, address) === -1n) {
    throw new ShoalError('system', `mmap: ${lastErrno()}`);
  }
  return { address, bytes };
}

export function unmap({ address, bytes }: Region): void {
  if (Number(calls.munmap(address, bytes)) !== 0) throw new ShoalError('system', `munmap: ${lastErrno()}`);
}

/** A view on memory, valid until it is unmapped. */
export function viewOf({ address, bytes }: Region): ArrayBuffer {
  return koffi.view(address, bytes);
}

/** Gives the pages of lazily mapped memory back; `address` begins one. They read as zeros from now on. */
export function forget(address: bigint, bytes: number): void {
  if (Number(calls.madvise(address, bytes, MADV_DONTNEED)) !== 0) {
    throw new ShoalError('system', `madvise: ${lastErrno()}`);
  }
}

/** Copies the first `length` bytes of `from` to an address. The caller knows that it is mapped, and how far. */
export function copyTo(address: bigint, from: Uint8Array, length: number): void {
  if (length > from.length) throw new ShoalError('internal', `copy ${length} of ${from.length} bytes`);
  calls.memcpy(address, from, length);
}

/** A pipe whose writers never wait: reading end and writing end, the caller's to close. Throws `system`. */
export function messagePipe(): readonly [number, number] {
  const pair = new Int32Array(2);
  if (Number(calls.pipe(pair)) !== 0) throw new ShoalError('system', `pipe: ${lastErrno()}`);
  const [reading = -1, writing = -1] = pair;
  for (const fd of pair) calls.fcntl(fd, F_SETFD, FD_CLOEXEC);
  calls.fcntl(writing, F_SETFL, O_NONBLOCK);
  calls.fcntl(writing, F_SETPIPE_SZ, PIPE_BYTES); // a smaller one does, too
  return [reading, writing];
}

/** Keeps the calling thread on one processor. False: it may not run there. */
export function pinTo(cpu: number): boolean {
  const mask = new Uint32Array(MASK_WORDS);
  if (cpu >= MASK_WORDS * 32) return false;
  mask[cpu >> 5] = 1 << (cpu & 31);
  return setAffinity(mask);
}

/** The processors of the calling thread, for `setAffinity`. */
export function affinity(): Uint32Array {
  const mask = new Uint32Array(MASK_WORDS);
  const got = calls.getAffinity?.(0, mask.byteLength, mask) ?? -1;
  if (Number(got) < 0) throw new ShoalError('system', `sched_getaffinity: ${lastErrno()}`);
  return mask;
}

export function setAffinity(mask: Uint32Array): boolean {
  return Number(calls.setAffinity?.(0, mask.byteLength, mask) ?? -1) === 0;
}
