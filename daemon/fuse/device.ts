// One thread's end of /dev/fuse: buffers, blocking receive, replies. Reused for every request; nothing here allocates.
// A connection has several descriptors, one for each thread that serves it, and each has its own queue of requests in
// work: **a request is answered through the descriptor that it was read from**, whichever thread does it. A request that
// came by io_uring (ring-device.ts) is answered in its place there, and by its thread: the answer is put there and the
// thread told.

import { ShoalError } from '../../core/index.ts';
import { lastErrno, pageAligned, readFd, writeFd } from '../system-calls.ts';
import { Errno } from './errno.ts';
import { InHeader, Notify, OutHeader } from './protocol.ts';
import { copyTo } from './ring-calls.ts';
import { type RingSlot, tellRing } from './ring-inbox.ts';

/** Largest READ that is negotiated: 256 pages, the most a kernel takes without configuration. */
export const MAX_READ_BYTES = 1 << 20;
/**
 * Largest WRITE that is negotiated, the protocol's minimum: the tree is read-only. It decides how large a buffer the
 * kernel wants to see in read(2).
 */
export const MAX_WRITE_BYTES = 4096;
/** Holds the largest request of a read-only tree (a name, a batch of FORGETs) many times over. */
const REQUEST_BYTES = 64 * 1024;

/** A request that is not answered yet, as far as its answer needs it. */
export interface PendingRequest {
  /** The descriptor that it was read from; of one that came by a ring, its thread's inbox. */
  readonly fd: number;
  readonly uniqueLow: number;
  readonly uniqueHigh: number;
  /** Of one that came by a ring. */
  readonly slot?: RingSlot | undefined;
}

/** Where a thread has the requests from and puts the replies: /dev/fuse, or a ring. */
export interface RequestDevice {
  /** The request just received, as words and as bytes. */
  readonly request: Uint32Array;
  readonly requestBytes: Buffer;
  /** The reply being built, with room for a header before its body; another one for each request. */
  readonly reply: Uint32Array;
  readonly replyBytes: Uint8Array;
  /** Answers the request just received with the first `bytes` of the reply's body. */
  respond(bytes: number): void;
  /** Answers the request just received with an error (a positive errno). */
  fail(errno: number): void;
  /** The request just received, for somebody else to answer, some time. */
  pending(): PendingRequest;
}

/** A reply under construction and the way it goes; one for each thread that answers. */
export class ReplyBuffer {
  /** The body begins after the header, on a page's boundary. */
  readonly bytes = pageAligned(OutHeader.BYTES + MAX_READ_BYTES, OutHeader.BYTES);
  readonly words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length / 4);

  /** Answers with the first `bytes` of the body. */
  respond(to: PendingRequest, bytes: number): void {
    if (to.slot === undefined) this.send(to.fd, to.uniqueLow, to.uniqueHigh, bytes, 0);
    else {
      copyTo(to.slot.payload, this.bytes.subarray(OutHeader.BYTES), bytes);
      tellRing(to, to.slot, bytes);
    }
  }

  /** Answers with an error (a positive errno). */
  fail(to: PendingRequest, errno: number): void {
    if (to.slot === undefined) this.send(to.fd, to.uniqueLow, to.uniqueHigh, 0, errno);
    else tellRing(to, to.slot, -errno);
  }

  // Plain numbers instead of an object: this is called for every request.
  send(fd: number, uniqueLow: number, uniqueHigh: number, bodyBytes: number, errno: number): void {
    const length = OutHeader.BYTES + bodyBytes;
    this.words[OutHeader.LENGTH] = length;
    this.words[OutHeader.ERROR] = -errno;
    this.words[OutHeader.UNIQUE] = uniqueLow;
    this.words[OutHeader.UNIQUE + 1] = uniqueHigh;
    if (writeFd(fd, this.bytes, length) >= 0) return;
    const cause = lastErrno();
    // ENOENT: the request is gone (interrupted). ENODEV: so is the mount. Else: never leave a reader waiting.
    if (cause === 'ENOENT' || cause === 'ENODEV') return;
    if (errno !== 0) throw new ShoalError('system', `answer the kernel: ${cause}`);
    this.send(fd, uniqueLow, uniqueHigh, 0, Errno.EIO);
  }
}

export class FuseDevice implements RequestDevice {
  /** Set before the first `receive`: a clone can be had only once the connection is mounted. */
  fd = -1;
  /** All of it touched: a page that is first met while this process is being killed would fail the request. */
  readonly request = new Uint32Array(REQUEST_BYTES / 4).fill(0);
  readonly requestBytes = Buffer.from(this.request.buffer);
  readonly #out = new ReplyBuffer();
  readonly reply = this.#out.words;
  readonly replyBytes = this.#out.bytes;

  /** Waits for the next request. Its length in bytes, or 0 when the connection has ended. Throws `system` errors. */
  receive(): number {
    for (;;) {
      const length = readFd(this.fd, this.requestBytes, REQUEST_BYTES);
      if (length >= 0) return length;
      const errno = lastErrno();
      if (errno === 'ENODEV' || errno === 'ECONNABORTED') return 0;
      // ENOENT: the request was interrupted before we had it. EINTR, EAGAIN: nothing happened.
      if (errno === 'ENOENT' || errno === 'EINTR' || errno === 'EAGAIN') continue;
      throw new ShoalError('system', `read from /dev/fuse: ${errno}`);
    }
  }

  respond(bytes: number): void {
    this.#send(bytes, 0);
  }

  fail(errno: number): void {
    this.#send(0, errno);
  }

  pending(): PendingRequest {
    const { fd, request } = this;
    return { fd, uniqueLow: request[InHeader.UNIQUE] ?? 0, uniqueHigh: request[InHeader.UNIQUE + 1] ?? 0 };
  }

  #send(bodyBytes: number, errno: number): void {
    const { request } = this;
    this.#out.send(this.fd, request[InHeader.UNIQUE] ?? 0, request[InHeader.UNIQUE + 1] ?? 0, bodyBytes, errno);
  }
}

const errorReply = new Uint32Array(OutHeader.WORDS);
const errorBytes = new Uint8Array(errorReply.buffer);

/**
 * Answers a request with an error, from a thread that has no ReplyBuffer. 16 bytes, never blocks. Says nothing when the
 * request or the mount is gone; throws other system errors.
 */
export function answerError(to: PendingRequest, errno: number): void {
  if (to.slot !== undefined) {
    tellRing(to, to.slot, -errno);
    return;
  }
  errorReply[OutHeader.LENGTH] = OutHeader.BYTES;
  errorReply[OutHeader.ERROR] = -errno;
  errorReply[OutHeader.UNIQUE] = to.uniqueLow;
  errorReply[OutHeader.UNIQUE + 1] = to.uniqueHigh;
  if (writeFd(to.fd, errorBytes, OutHeader.BYTES) >= 0) return;
  const cause = lastErrno();
  if (cause !== 'ENOENT' && cause !== 'ENODEV') throw new ShoalError('system', `answer the kernel: ${cause}`);
}

/**
 * Asks the kernel to send again what was read from this connection and not answered: by a process that is dead for certain,
 * or it would be answered twice. Needs Linux 6.9. Throws `system`.
 */
export function requestResend(fd: number): void {
  const notification = new Uint32Array(OutHeader.WORDS);
  notification[OutHeader.LENGTH] = OutHeader.BYTES;
  notification[OutHeader.ERROR] = Notify.RESEND;
  if (writeFd(fd, new Uint8Array(notification.buffer), OutHeader.BYTES) >= 0) return;
  throw new ShoalError('system', `ask the kernel to send requests again: ${lastErrno()}`);
}
