// One thread's end of /dev/fuse: buffers, blocking receive, replies. Reused for every request; nothing here allocates.

import { readSync, writeSync } from 'node:fs';
import { errnoOf } from '../../core/index.ts';
import { Errno } from './errno.ts';
import { InHeader, OutHeader } from './protocol.ts';

/** Largest READ that is negotiated: 256 pages, the most a kernel takes without configuration. */
export const MAX_READ_BYTES = 1 << 20;
/**
 * Largest WRITE that is negotiated, the protocol's minimum: the tree is read-only. It decides how large a buffer the
 * kernel wants to see in read(2).
 */
export const MAX_WRITE_BYTES = 4096;
/** Holds the largest request of a read-only tree (a name, a batch of FORGETs) many times over. */
const REQUEST_BYTES = 64 * 1024;

export class FuseDevice {
  readonly fd: number;
  /** The request just received, as words and as bytes. */
  readonly request = new Uint32Array(REQUEST_BYTES / 4);
  readonly requestBytes = Buffer.from(this.request.buffer);
  /** The reply being built; its body begins after the header. */
  readonly reply = new Uint32Array((MAX_READ_BYTES + OutHeader.BYTES) / 4);
  readonly replyBytes = Buffer.from(this.reply.buffer);

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Waits for the next request. Its length in bytes, or 0 when the connection has ended. Throws `system` errors. */
  receive(): number {
    for (;;) {
      try {
        return readSync(this.fd, this.requestBytes, 0, REQUEST_BYTES, null);
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'ENODEV' || errno === 'ECONNABORTED') return 0;
        // ENOENT: the request was interrupted before we had it. EINTR, EAGAIN: nothing happened.
        if (errno !== 'ENOENT' && errno !== 'EINTR' && errno !== 'EAGAIN') throw error;
      }
    }
  }

  /** Answers the request just received with the first `bytes` of the reply's body. */
  respond(bytes: number): void {
    this.#send(this.request[InHeader.UNIQUE] ?? 0, this.request[InHeader.UNIQUE + 1] ?? 0, bytes, 0);
  }

  /** Answers the request just received with an error (a positive errno). */
  fail(errno: number): void {
    this.#send(this.request[InHeader.UNIQUE] ?? 0, this.request[InHeader.UNIQUE + 1] ?? 0, 0, errno);
  }

  /** Answers an earlier request, which is known by the two halves of its `unique`. */
  respondTo(uniqueLow: number, uniqueHigh: number, bytes: number): void {
    this.#send(uniqueLow, uniqueHigh, bytes, 0);
  }

  failTo(uniqueLow: number, uniqueHigh: number, errno: number): void {
    this.#send(uniqueLow, uniqueHigh, 0, errno);
  }

  #send(uniqueLow: number, uniqueHigh: number, bodyBytes: number, errno: number): void {
    const length = OutHeader.BYTES + bodyBytes;
    this.reply[OutHeader.LENGTH] = length;
    this.reply[OutHeader.ERROR] = -errno;
    this.reply[OutHeader.UNIQUE] = uniqueLow;
    this.reply[OutHeader.UNIQUE + 1] = uniqueHigh;
    try {
      writeSync(this.fd, this.replyBytes, 0, length);
    } catch (error) {
      this.#refused(error, uniqueLow, uniqueHigh, errno);
    }
  }

  /** ENOENT: the request is gone (interrupted). ENODEV: so is the mount. Whatever else: never leave a reader waiting. */
  #refused(error: unknown, uniqueLow: number, uniqueHigh: number, errno: number): void {
    const cause = errnoOf(error);
    if (cause === 'ENOENT' || cause === 'ENODEV') return;
    if (errno !== 0) throw error;
    this.failTo(uniqueLow, uniqueHigh, Errno.EIO);
  }
}

/**
 * Answers a request with an error, from a thread that has no FuseDevice. 16 bytes, never blocks. Says nothing when the
 * request or the mount is gone; throws other system errors.
 */
export function answerError(fd: number, uniqueLow: number, uniqueHigh: number, errno: number): void {
  const header = new Uint32Array(OutHeader.WORDS);
  header[OutHeader.LENGTH] = OutHeader.BYTES;
  header[OutHeader.ERROR] = -errno;
  header[OutHeader.UNIQUE] = uniqueLow;
  header[OutHeader.UNIQUE + 1] = uniqueHigh;
  try {
    writeSync(fd, header);
  } catch (error) {
    const cause = errnoOf(error);
    if (cause !== 'ENOENT' && cause !== 'ENODEV') throw error;
  }
}
