// Messages on a libp2p stream: `u32` length (big endian), the protobuf message, and the raw bytes that the message
// announces. Lengths are checked before anything is allocated; bytes are copied once, into the buffer that the receiver
// keeps. In a chunk's journey: how a piece crosses from one node to the next.

import type { Stream } from '@libp2p/interface';
import { abortedError, messageOf, ShoalError } from '../core/index.ts';

export interface MessageCodec<Out, In> {
  encode(message: Out): Uint8Array;
  /** May throw whatever it likes; the stream ends with `malformed`. */
  decode(bytes: Uint8Array): In;
  /** How many raw bytes follow the message; most messages: 0. */
  bodyLength(message: In): number;
}

export interface MessageBounds {
  /** Of a message that comes in, and of the raw bytes behind it. */
  readonly maxMessageBytes: number;
  readonly maxBodyBytes: number;
  /** Sent and not yet taken by the network; more, and the stream is broken off. Senders wait for `drained` in time. */
  readonly maxUnsentBytes: number;
}

export interface MessageHandler<In> {
  /**
   * Called in order, synchronously. `body` is the receiver's to keep; empty when none was announced. What it throws ends
   * the stream.
   */
  onMessage(message: In, body: Uint8Array<ArrayBuffer>): void;
  /** The network takes again what is sent; for who does not wait for `drained`. */
  onDrain?(): void;
  /** Once, at the end, however it came. Undefined: the other side closed it in the orderly way. */
  onEnd(error: ShoalError | undefined): void;
}

const LENGTH_BYTES = 4;
const EMPTY = new Uint8Array(0);

export class MessageStream<Out, In> {
  readonly #stream: Stream;
  readonly #codec: MessageCodec<Out, In>;
  readonly #bounds: MessageBounds;
  readonly #handler: MessageHandler<In>;
  /** What is being put together: the length, the message, the body. */
  #part: 'length' | 'message' | 'body' = 'length';
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(LENGTH_BYTES);
  #filled = 0;
  #message: In | undefined;
  #ended = false;
  #sentBytes = 0;
  #receivedBytes = 0;
  #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];

  /** Takes the stream over. */
  constructor(stream: Stream, codec: MessageCodec<Out, In>, bounds: MessageBounds, handler: MessageHandler<In>) {
    this.#stream = stream;
    this.#codec = codec;
    this.#bounds = bounds;
    this.#handler = handler;
    stream.maxWriteBufferLength = bounds.maxUnsentBytes;
    stream.addEventListener('drain', () => this.#onDrain());
    // Not 'remoteCloseWrite': what came before it may still wait to be read.
    stream.addEventListener('end', () => this.#end(undefined));
    stream.addEventListener('close', event => this.#end(event.error && this.#broken(event.error)));
    stream.addEventListener('message', event => this.#receive(event.data));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The network has not taken what was sent: a sender of bodies waits for `drained`. */
  get needsDrain(): boolean {
    return this.#stream.writableNeedsDrain;
  }

  /** Bytes sent and not yet taken by the network. */
  get unsentBytes(): number {
    return this.#stream.writeBufferLength;
  }

  /** So far, for who watches whether anything comes. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Part of a message is there, and the rest is still to come. */
  get isWithinMessage(): boolean {
    return this.#part !== 'length' || this.#filled > 0;
  }

  /** Bytes that the network has taken so far: who reads at all makes this grow. */
  get takenBytes(): number {
    return this.#sentBytes - this.#stream.writeBufferLength;
  }

  /**
   * Queues a message and its body, which the stream keeps until it is sent: nobody may change it. Returns whether it was
   * taken: false when the stream has ended.
   */
  send(message: Out, body: Uint8Array = EMPTY): boolean {
    return this.#ended ? false : this.sendFramed(this.framed(message), body);
  }

  /** The message as it goes over the stream: for who encodes now and sends a moment later. */
  framed(message: Out): Uint8Array {
    const encoded = this.#codec.encode(message);
    const framed = new Uint8Array(LENGTH_BYTES + encoded.length);
    new DataView(framed.buffer).setUint32(0, encoded.length);
    framed.set(encoded, LENGTH_BYTES);
    return framed;
  }

  /** Like `send`: one framed message with its body, or several without. */
  sendFramed(framed: Uint8Array, body: Uint8Array = EMPTY): boolean {
    if (this.#ended) return false;
    try {
      this.#sentBytes += framed.length + body.length;
      this.#stream.send(framed);
      if (body.length > 0) this.#stream.send(body);
      return true;
    } catch (error) {
      this.abort(this.#broken(error));
      return false;
    }
  }

  /**
   * Resolves when the network has taken what was sent. Rejects with the signal's reason, or when the stream ends.
   * (libp2p's own `onDrain` works once for each stream: its promise is not replaced.)
   */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#stream.writableNeedsDrain && !this.#ended) {
      if (signal.aborted) throw abortedError(signal);
      const waiter = Promise.withResolvers<void>();
      this.#waiters.push(waiter);
      const leave = () => waiter.reject(abortedError(signal));
      signal.addEventListener('abort', leave, { once: true });
      try {
        await waiter.promise;
      } finally {
        signal.removeEventListener('abort', leave);
        this.#waiters = this.#waiters.filter(other => other !== waiter);
      }
    }
    if (this.#ended) throw new ShoalError('unreachable', 'the stream has ended');
  }

  /** No messages until `resume`; what the other side goes on sending waits in a bounded buffer. */
  pause(): void {
    if (!this.#ended) this.#stream.pause();
  }

  resume(): void {
    if (!this.#ended) this.#stream.resume();
  }

  /** Sends what is queued, then ends. Rejects with the signal's reason. */
  async close(signal: AbortSignal): Promise<void> {
    try {
      await this.#stream.close({ signal });
    } finally {
      this.#end(undefined);
    }
  }

  /** Breaks it off at once. */
  abort(error: ShoalError): void {
    if (this.#ended) return;
    this.#end(error);
    this.#stream.abort(error);
  }

  #receive(data: Uint8Array | Iterable<Uint8Array>): void {
    try {
      for (const slice of data instanceof Uint8Array ? [data] : data) this.#take(slice);
    } catch (error) {
      this.abort(error instanceof ShoalError ? error : new ShoalError('malformed', messageOf(error), { cause: error }));
    }
  }

  #take(slice: Uint8Array): void {
    this.#receivedBytes += slice.length;
    let at = 0;
    do {
      const length = Math.min(slice.length - at, this.#buffer.length - this.#filled);
      this.#buffer.set(slice.subarray(at, at + length), this.#filled);
      this.#filled += length;
      at += length;
      // A part may have no bytes at all (an empty message): it is whole without another slice.
      while (!this.#ended && this.#filled === this.#buffer.length) this.#whole();
    } while (at < slice.length && !this.#ended);
  }

  #whole(): void {
    const bytes = this.#buffer;
    if (this.#part === 'length') {
      const length = new DataView(bytes.buffer).getUint32(0);
      this.#expect('message', length, this.#bounds.maxMessageBytes);
    } else if (this.#part === 'message') {
      const message = this.#codec.decode(bytes);
      const length = this.#codec.bodyLength(message);
      if (length > 0) {
        this.#message = message;
        this.#expect('body', length, this.#bounds.maxBodyBytes);
      } else {
        this.#expect('length', LENGTH_BYTES, LENGTH_BYTES);
        this.#handler.onMessage(message, new Uint8Array(0));
      }
    } else {
      const message = this.#message;
      this.#message = undefined;
      this.#expect('length', LENGTH_BYTES, LENGTH_BYTES);
      if (message !== undefined) this.#handler.onMessage(message, bytes);
    }
  }

  #expect(part: 'length' | 'message' | 'body', length: number, limit: number): void {
    if (length > limit) throw new ShoalError('malformed', `${part} of ${length} bytes: at most ${limit} are accepted`);
    this.#part = part;
    this.#buffer = new Uint8Array(length);
    this.#filled = 0;
  }

  #onDrain(): void {
    this.#release();
    this.#handler.onDrain?.();
  }

  #release(): void {
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  #end(error: ShoalError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.#handler.onEnd(error);
    // We have nothing to add when the other side has closed its half.
    if (error === undefined) this.#stream.close().catch(() => {});
  }

  #broken(cause: unknown): ShoalError {
    return cause instanceof ShoalError
      ? cause
      : new ShoalError('unreachable', `stream broke: ${messageOf(cause)}`, { cause });
  }
}
