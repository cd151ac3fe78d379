// Unix sockets that carry descriptors (SCM_RIGHTS), by koffi: Node has no function for that. The structures are those of
// 64-bit Linux, which glibc and musl lay out alike on little-endian machines. Nothing here blocks but `waitReadable`, which
// says where.

import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { ShoalError } from '../../core/index.ts';
import { lastErrno } from '../system-calls.ts';

const libc = koffi.load(null);

const calls = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, void *address, unsigned int length)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  connect: libc.func('int connect(int fd, void *address, unsigned int length)'),
  accept4: libc.func('int accept4(int fd, void *address, void *length, int flags)'),
  sendmsg: libc.func('long sendmsg(int fd, void *message, int flags)'),
  recvmsg: libc.func('long recvmsg(int fd, void *message, int flags)'),
  poll: libc.func('int poll(void *fds, unsigned long count, int timeout)'),
};

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** struct sockaddr_un: a family, and a path with its NUL. */
const PATH_AT = 2;
const ADDRESS_BYTES = 110;
/** struct msghdr and what is where in it. */
const MESSAGE = { BYTES: 56, IOV: 16, IOV_COUNT: 24, CONTROL: 32, CONTROL_LENGTH: 40, FLAGS: 48 } as const;
const IOV_BYTES = 16;
/** struct cmsghdr: length, level, type; then the descriptors. */
const CONTROL_HEADER_BYTES = 16;
/** The most that one message carries (SCM_MAX_FD). */
export const MAX_DESCRIPTORS = 253;

/** struct pollfd. */
const POLL_BYTES = 8;
const POLLIN = 0x1;
const POLLERR = 0x8;
const POLLHUP = 0x10;

function failed(doing: string): ShoalError {
  return new ShoalError('system', `${doing}: ${lastErrno()}`);
}

function makeSocket(): number {
  const fd = Number(calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) throw failed('socket');
  return fd;
}

function addressOf(path: string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes.length >= ADDRESS_BYTES - PATH_AT) throw new ShoalError('usage', `${path}: too long for a socket`);
  const address = Buffer.alloc(ADDRESS_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, PATH_AT);
  return address;
}

/** A listening socket at the path, where nothing may be. The caller's to close. Throws `system`. */
export function listenAt(path: string, backlog: number): number {
  const fd = makeSocket();
  const address = addressOf(path);
  if (Number(calls.bind(fd, address, ADDRESS_BYTES)) === 0 && Number(calls.listen(fd, backlog)) === 0) return fd;
  const failure = failed(`listen at ${path}`);
  closeSync(fd);
  throw failure;
}

/** A connection, or undefined when nobody listens there, or nobody who has room. The caller's to close. */
export function connectTo(path: string): number | undefined {
  const fd = makeSocket();
  const address = addressOf(path);
  if (Number(calls.connect(fd, address, ADDRESS_BYTES)) === 0) return fd;
  closeSync(fd);
  return undefined;
}

/** The next connection of a listening socket, if one waits. The caller's to close. */
export function acceptFrom(fd: number): number | undefined {
  const accepted = Number(calls.accept4(fd, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK));
  return accepted < 0 ? undefined : accepted;
}

/** Sends the bytes, and copies of the descriptors. False: not now, or not to this socket any more. */
export function sendTo(fd: number, bytes: Uint8Array, descriptors: readonly number[] = []): boolean {
  const control = Buffer.alloc(descriptors.length === 0 ? 0 : controlBytes(descriptors.length));
  if (descriptors.length > 0) {
    control.writeBigUInt64LE(BigInt(CONTROL_HEADER_BYTES + 4 * descriptors.length), 0);
    control.writeInt32LE(SOL_SOCKET, 8);
    control.writeInt32LE(SCM_RIGHTS, 12);
    for (const [at, descriptor] of descriptors.entries()) {
      control.writeInt32LE(descriptor, CONTROL_HEADER_BYTES + 4 * at);
    }
  }
  const message = messageOver(bytes, control);
  return Number(calls.sendmsg(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL)) === bytes.length;
}

export interface Received {
  /** 0: the other side is gone. */
  readonly length: number;
  /** The receiver's to close. */
  readonly descriptors: readonly number[];
}

/** What there is, up to `into.length` bytes. Undefined: nothing yet. Throws `system`, and `malformed` for too many descriptors. */
export function receiveFrom(fd: number, into: Uint8Array): Received | undefined {
  const control = Buffer.alloc(controlBytes(MAX_DESCRIPTORS));
  const message = messageOver(into, control);
  const length = Number(calls.recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (length < 0) {
    const errno = lastErrno();
    if (errno === 'EAGAIN' || errno === 'EINTR') return undefined;
    throw new ShoalError('system', `recvmsg: ${errno}`);
  }
  const descriptors = descriptorsIn(control.subarray(0, Number(message.readBigUInt64LE(MESSAGE.CONTROL_LENGTH))));
  if ((message.readInt32LE(MESSAGE.FLAGS) & MSG_CTRUNC) !== 0) {
    for (const descriptor of descriptors) closeSync(descriptor);
    throw new ShoalError('malformed', 'recvmsg: more descriptors than there is room for');
  }
  return { length, descriptors };
}

/** Which of these can be read from, or have ended. Blocks its thread, up to `timeoutMs`; -1: until one can. */
export function waitReadable(fds: readonly number[], timeoutMs: number): ReadonlySet<number> {
  const polled = pollOf(fds, POLLIN);
  calls.poll(polled, fds.length, timeoutMs);
  return new Set(fds.filter((_, at) => polled.readInt16LE(at * POLL_BYTES + 6) !== 0));
}

/** As `waitReadable` for one, on a thread of Node's pool. False: not within the time. */
export function untilReadable(fd: number, timeoutMs: number): Promise<boolean> {
  const polled = pollOf([fd], POLLIN);
  return new Promise((resolve, reject) => {
    calls.poll.async(polled, 1, timeoutMs, (error: unknown) => {
      if (error) reject(error);
      else resolve(polled.readInt16LE(6) !== 0);
    });
  });
}

/** Those of these connections (open /dev/fuse) that have ended. */
export function endedConnections(fds: readonly number[]): ReadonlySet<number> {
  const polled = pollOf(fds, 0);
  calls.poll(polled, fds.length, 0);
  return new Set(fds.filter((_, at) => (polled.readInt16LE(at * POLL_BYTES + 6) & (POLLERR | POLLHUP)) !== 0));
}

function pollOf(fds: readonly number[], events: number): Buffer {
  const polled = Buffer.alloc(POLL_BYTES * Math.max(fds.length, 1));
  for (const [at, fd] of fds.entries()) {
    polled.writeInt32LE(fd, at * POLL_BYTES);
    polled.writeInt16LE(events, at * POLL_BYTES + 4);
  }
  return polled;
}

/** Memory whose address is in a message: it must not be collected before the kernel has had it, and calls come one by one. */
const lent: unknown[] = [];

/** For the next call. */
function messageOver(bytes: Uint8Array, control: Buffer): Buffer {
  const vector = Buffer.alloc(IOV_BYTES);
  vector.writeBigUInt64LE(BigInt(koffi.address(bytes)), 0);
  vector.writeBigUInt64LE(BigInt(bytes.length), 8);
  const message = Buffer.alloc(MESSAGE.BYTES);
  message.writeBigUInt64LE(BigInt(koffi.address(vector)), MESSAGE.IOV);
  message.writeBigUInt64LE(1n, MESSAGE.IOV_COUNT);
  if (control.length > 0) {
    message.writeBigUInt64LE(BigInt(koffi.address(control)), MESSAGE.CONTROL);
    message.writeBigUInt64LE(BigInt(control.length), MESSAGE.CONTROL_LENGTH);
  }
  lent.splice(0, lent.length, vector, bytes, control);
  return message;
}

/** CMSG_SPACE. */
function controlBytes(descriptors: number): number {
  return CONTROL_HEADER_BYTES + Math.ceil((4 * descriptors) / 8) * 8;
}

function descriptorsIn(control: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at + CONTROL_HEADER_BYTES <= control.length; ) {
    const length = Number(control.readBigUInt64LE(at));
    if (length < CONTROL_HEADER_BYTES) break;
    if (control.readInt32LE(at + 8) === SOL_SOCKET && control.readInt32LE(at + 12) === SCM_RIGHTS) {
      for (let fd = at + CONTROL_HEADER_BYTES; fd + 4 <= Math.min(at + length, control.length); fd += 4) {
        found.push(control.readInt32LE(fd));
      }
    }
    at += Math.ceil(length / 8) * 8;
  }
  return found;
}
