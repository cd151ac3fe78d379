// How the host process gets at file contents: it asks a thread of the daemon over a socket pair, one question at a time,
// both ends blocking. The answer comes at once: bytes, or that a chunk is missing. So a read of cached bytes is two
// wake-ups and no event loop, and never waits behind one that misses.
//
// Why the daemon reads and not the host: bytes of a cache file may only be used while the chunk map says so before and
// after (read-server.ts), and the map is memory that only the daemon's threads share.
//
// Question: 8 words: id, 1 when asked again, nid, offset (low, high), size, 0, 0.
// Answer: 1 signed word: a number of bytes, which follow, or a negative errno, or MISSING.

import { readSync, writeSync } from 'node:fs';
import { errnoOf, ShoalError } from '../../core/index.ts';

export const MISSING = -0x7fffffff;

const QUESTION_WORDS = 8;
const ANSWER_BYTES = 4;
const TWO_32 = 2 ** 32;

export interface ReadQuestion {
  /** Names the read among those that wait; from 1 to 2^32 - 1. */
  readonly id: number;
  /** Asked again because the missing chunks were said to have come. */
  readonly again: boolean;
  readonly nid: number;
  /** Bytes. */
  readonly offset: number;
  readonly size: number;
}

/** The host's end. */
export class ReadAsker {
  readonly #fd: number;
  readonly #question = new Uint32Array(QUESTION_WORDS);
  readonly #questionBytes = Buffer.from(this.#question.buffer);
  readonly #answer = new Int32Array(1);
  readonly #answerBytes = Buffer.from(this.#answer.buffer);

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Blocks until the daemon has answered, microseconds. The answer's bytes are in `into`. Throws when it is gone. */
  ask({ id, again, nid, offset, size }: ReadQuestion, into: Uint8Array): number {
    const words = this.#question;
    words[0] = id;
    words[1] = again ? 1 : 0;
    words[2] = nid;
    words[3] = offset;
    words[4] = Math.floor(offset / TWO_32);
    words[5] = size;
    writeWhole(this.#fd, this.#questionBytes, this.#questionBytes.length);
    const ended = !readWhole(this.#fd, this.#answerBytes, ANSWER_BYTES);
    const result = this.#answer[0] ?? 0;
    if (ended || (result > 0 && !readWhole(this.#fd, into, Math.min(result, into.length)))) {
      throw new ShoalError('unreachable', 'the daemon is gone');
    }
    return result;
  }
}

/** The daemon's end. */
export class ReadAnswerer {
  readonly #fd: number;
  readonly #question = new Uint32Array(QUESTION_WORDS);
  readonly #questionBytes = Buffer.from(this.#question.buffer);
  readonly #head: Int32Array;
  readonly #reply: Buffer;
  /** Where the bytes of an answer are put. */
  static readonly BYTES_AT = ANSWER_BYTES;

  constructor(fd: number, maxBytes: number) {
    this.#fd = fd;
    this.#reply = Buffer.from(new ArrayBuffer(Math.ceil(maxBytes / 4) * 4 + ANSWER_BYTES));
    this.#head = new Int32Array(this.#reply.buffer, 0, 1);
  }

  get reply(): Buffer {
    return this.#reply;
  }

  /** Blocks until the next question; undefined when the host has gone. */
  next(): ReadQuestion | undefined {
    if (!readWhole(this.#fd, this.#questionBytes, this.#questionBytes.length)) return undefined;
    const [id = 0, again = 0, nid = 0, low = 0, high = 0, size = 0] = this.#question;
    return { id, again: again !== 0, nid, offset: high * TWO_32 + low, size };
  }

  /** Sends `result`, and as many bytes of `reply` when it is one. False when the host has gone. */
  answer(result: number): boolean {
    this.#head[0] = result;
    try {
      writeWhole(this.#fd, this.#reply, ANSWER_BYTES + Math.max(0, result));
      return true;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EPIPE' || errno === 'ECONNRESET') return false;
      throw error;
    }
  }
}

function writeWhole(fd: number, bytes: Uint8Array, length: number): void {
  for (let done = 0; done < length; ) done += retrying(() => writeSync(fd, bytes, done, length - done));
}

/** False when the other side has gone before the first byte, or in the middle. */
function readWhole(fd: number, into: Uint8Array, length: number): boolean {
  for (let done = 0; done < length; ) {
    const got = retrying(() => readSync(fd, into, done, length - done, null));
    if (got === 0) return false;
    done += got;
  }
  return true;
}

/** A socket whose other end closed with bytes unread resets: that is an end, too. */
function retrying(call: () => number): number {
  for (;;) {
    try {
      return call();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ECONNRESET') return 0;
      if (errno !== 'EINTR') throw error;
    }
  }
}
