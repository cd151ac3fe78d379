// The system calls that Node has no function for, by koffi; and read(2) and write(2), for which it has one that costs
// half as much again and allocates. Each blocks its thread: mount and umount are only for the helper process (design §6
// rule 1), the others for the daemon's threads.

import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { fromSystemError, ShoalError } from '../core/index.ts';

const libc = koffi.load(null); // the C library of this process, glibc or musl

/** Of a function that other systems lack, or have in another form: there a call says so. */
function onLinux(declaration: string): (...args: readonly unknown[]) => unknown {
  if (process.platform === 'linux') return libc.func(declaration);
  return () => {
    throw new ShoalError('unsupported', `${declaration}: not on ${process.platform}`);
  };
}

const calls = {
  flock: libc.func('int flock(int fd, int operation)'),
  fallocate: onLinux('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
  mount: onLinux(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  ),
  umount2: onLinux('int umount2(const char *target, int flags)'),
  socketpair: libc.func('int socketpair(int domain, int type, int protocol, _Out_ int *pair)'),
  ioctl: libc.func('int ioctl(int fd, unsigned long request, _Inout_ uint32_t *argument)'),
  read: libc.func('long read(int fd, void *into, unsigned long length)'),
  write: libc.func('long write(int fd, void *from, unsigned long length)'),
  fcntl: libc.func('int fcntl(int fd, int command, int argument)'),
  cachestat: onLinux(
    'long syscall(long number, unsigned int fd, const uint64_t *range, _Out_ uint64_t *found, unsigned int flags)',
  ),
  _exit: libc.func('void _exit(int code)'),
  prctl: onLinux('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)'),
};

const F_SETSIG = 10;
const F_SETLEASE = 1024;
const F_WRLCK = 1;
const F_UNLCK = 2;
/** Ignored by default. */
const SIGURG = 23;

/** Has the same number on all machines. */
const CACHESTAT = 451;
/** struct cachestat: five counts of pages, of which the first are those in memory. */
const CACHESTAT_WORDS = 5;

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** Linux only; on macOS a child gets no descriptors but those that it is given. */
const SOCK_CLOEXEC = process.platform === 'linux' ? 0o2000000 : 0;
/** FUSE_DEV_IOC_CLONE of include/uapi/linux/fuse.h: _IOR(229, 0, uint32_t). */
const FUSE_DEV_IOC_CLONE = 0x8004_e500;

export const PAGE_BYTES = 4096;

const LOCK_EX = 2;
const LOCK_NB = 4;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

export const MS_RDONLY = 1;
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

const errnoNames = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));

/** Takes the exclusive lock of an open file, which the kernel frees when the process ends. False: somebody has it. */
export function tryLock(fd: number): boolean {
  if (Number(calls.flock(fd, LOCK_EX | LOCK_NB)) === 0) return true;
  const errno = lastErrno();
  if (errno === 'EAGAIN' || errno === 'EWOULDBLOCK') return false;
  throw new ShoalError('system', `flock: ${errno}`);
}

/** Gives the space of [offset, offset + length) back; the bytes read as zeros from now on. */
export function punchHole(fd: number, offset: number, length: number): void {
  if (Number(calls.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length)) === 0) return;
  throw new ShoalError('system', `fallocate (punch hole): ${lastErrno()}`);
}

/**
 * Another descriptor of a mounted FUSE connection, with a processing queue of its own: what is read from it must be
 * answered through it, and what is unanswered when it is closed fails. The caller closes it. Throws `system`.
 */
export function cloneFuseDevice(fd: number): number {
  let clone: number;
  try {
    clone = openSync('/dev/fuse', 'r+');
  } catch (error) {
    throw fromSystemError(error, 'open /dev/fuse');
  }
  if (Number(calls.ioctl(clone, FUSE_DEV_IOC_CLONE, [fd])) === 0) return clone;
  const errno = lastErrno();
  closeSync(clone);
  throw new ShoalError('system', `clone /dev/fuse: ${errno}`);
}

/**
 * New memory of `length` bytes whose byte at `at` (a multiple of 8) begins a page: the kernel copies whole pages from and
 * to it one by one, and has twice the work when they straddle.
 */
export function pageAligned(length: number, at: number): Uint8Array<ArrayBuffer> {
  const memory = new Uint8Array(length + PAGE_BYTES);
  const start = (PAGE_BYTES - ((Number(koffi.address(memory)) + at) % PAGE_BYTES)) % PAGE_BYTES;
  return memory.subarray(start, start + length);
}

/** read(2) into the start of `into`, which is not smaller than `length`. The number of bytes, or -1: see `lastErrno`. */
export function readFd(fd: number, into: Uint8Array, length: number): number {
  return calls.read(fd, into, length);
}

/** write(2) of the first `length` bytes. The number of bytes, or -1: see `lastErrno`. */
export function writeFd(fd: number, from: Uint8Array, length: number): number {
  return calls.write(fd, from, length);
}

/** mount(2). Returns the errno name, or undefined on success. */
export function mount(
  source: string,
  target: string,
  type: string,
  options: { readonly flags: number; readonly data: string },
): string | undefined {
  return Number(calls.mount(source, target, type, options.flags, options.data)) === 0 ? undefined : lastErrno();
}

/** umount2(2). Returns the errno name, or undefined on success. */
export function unmount(target: string, flags: number): string | undefined {
  return Number(calls.umount2(target, flags)) === 0 ? undefined : lastErrno();
}

/** Two connected sockets, both blocking and not for children (unless handed to one). The caller's to close. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  if (Number(calls.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) !== 0) {
    throw new ShoalError('system', `socketpair: ${lastErrno()}`);
  }
  return [pair[0] ?? -1, pair[1] ?? -1];
}

const F_SETFD = 2;
const STANDARD_STREAMS = [0, 1, 2];

/**
 * Programs that native code starts get our standard streams. Node marks them to be closed then (its own children get
 * copies), and what such a program has to say would be lost, or go to whatever file got the number.
 */
export function passOnStandardStreams(): void {
  for (const fd of STANDARD_STREAMS) {
    if (Number(calls.fcntl(fd, F_SETFD, 0)) !== 0) throw new ShoalError('system', `fcntl ${fd}: ${lastErrno()}`);
  }
}

/**
 * Does anybody have the file open but by this descriptor: this process, another one, the kernel for a mount in whatever namespace?
 * The kernel gives a lease for writing only to the one user of a file. True also where the file system knows no leases.
 */
export function isOpenElsewhere(fd: number): boolean {
  if (process.platform !== 'linux') return true;
  // Who opens the file while the lease is held waits for its end, and we get a signal: not the one that would end us.
  if (Number(calls.fcntl(fd, F_SETSIG, SIGURG)) !== 0) return true;
  if (Number(calls.fcntl(fd, F_SETLEASE, F_WRLCK)) !== 0) return true;
  calls.fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

/** Bytes of the file that are in memory. Undefined where the kernel does not say (before Linux 6.5). Half a microsecond for each MiB. */
export function bytesInMemory(fd: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const found = new BigUint64Array(CACHESTAT_WORDS);
  const wholeFile = new BigUint64Array(2);
  if (Number(calls.cachestat(CACHESTAT, fd, wholeFile, found, 0)) !== 0) return undefined;
  return Number(found[0]) * PAGE_BYTES;
}

/**
 * Ends this process whatever its threads wait for in the kernel, as process.exit does not. As by SIGKILL, which the first
 * process of a container can't send itself: that one's exit code is 137.
 */
export function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
  calls._exit(128 + SIGKILL);
}

/** This process is killed when its parent ends. Says nothing about a parent that is gone already. */
export function dieWithParent(): void {
  if (Number(calls.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) === 0) return;
  throw new ShoalError('system', `prctl: ${lastErrno()}`);
}

/** The name of this thread's last error, right after a call that failed. */
export function lastErrno(): string {
  const errno = koffi.errno();
  return errnoNames.get(errno) ?? `errno ${errno}`;
}
