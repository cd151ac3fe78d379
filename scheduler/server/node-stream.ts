// A node's stream as the scheduler keeps it: what is known of it besides tasks, and messages to it within bounds.

import type { Connection, Stream } from '@libp2p/interface';
import type { ShoalError } from '../../core/index.ts';
import {
  MAX_SCHEDULER_MESSAGE_BYTES,
  MessageStream,
  type NodeMessageProperties,
  type SchedulerMessageProperties,
  schedulerCodec,
} from '../../proto/index.ts';
import type { ServerLimits } from './limits.ts';
import type { DropReason } from './server.ts';

export interface NodeStreamHandler {
  /** What it throws ends the stream. */
  onMessage(message: NodeMessageProperties): void;
  onDrain(): void;
  onEnd(error: ShoalError | undefined): void;
}

const ABORT_CONNECTION: ReadonlySet<DropReason> = new Set(['silent', 'not-reading']);

export class NodeStream {
  /** Never used again. */
  readonly number: number;
  readonly peerId: string;
  readonly openedAt: number;
  readonly handler: NodeStreamHandler;
  isGreeted = false;
  /** As the core was told: the network does not take what is sent. */
  isBlocked = false;
  /** When anything came from it. */
  heardAt: number;
  /** When it was asked whether it is there; undefined: it need not be. */
  askedAt: number | undefined;
  /** As it was told; 0 before. */
  reportIntervalMs = 0;
  /** The scheduler ended the stream. */
  dropped: DropReason | undefined;
  readonly #connection: Connection;
  readonly #messages: MessageStream<SchedulerMessageProperties, NodeMessageProperties>;
  #queued: Uint8Array[] = [];
  #queuedBytes = 0;
  #takenBytes = 0;
  #movedAt: number;

  constructor(
    stream: Stream,
    who: { readonly number: number; readonly peerId: string; readonly connection: Connection },
    now: number,
    limits: Pick<ServerLimits, 'unsentBytes'>,
    handler: NodeStreamHandler,
  ) {
    this.number = who.number;
    this.peerId = who.peerId;
    this.#connection = who.connection;
    this.openedAt = this.heardAt = this.#movedAt = now;
    this.handler = handler;
    const bounds = {
      maxMessageBytes: MAX_SCHEDULER_MESSAGE_BYTES,
      maxBodyBytes: 0,
      maxUnsentBytes: limits.unsentBytes,
    };
    this.#messages = new MessageStream(stream, schedulerCodec, bounds, handler);
  }

  /** Bytes that wait here or in the stream. */
  get unsentBytes(): number {
    return this.#queuedBytes + this.#messages.unsentBytes;
  }

  get needsDrain(): boolean {
    return this.#messages.needsDrain;
  }

  /** As it goes over any node's stream. */
  framed(message: SchedulerMessageProperties): Uint8Array {
    return this.#messages.framed(message);
  }

  /** Goes out with the next `sendQueued`; nobody may change it. */
  queue(framed: Uint8Array): void {
    if (this.#messages.ended) return;
    this.#queued.push(framed);
    this.#queuedBytes += framed.length;
  }

  /** What is queued goes as one piece: encryption costs by the packet. More than may wait for the node ends its stream. */
  sendQueued(): void {
    const queued = this.#queued;
    const [first] = queued;
    if (first === undefined) return;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#messages.sendFramed(queued.length === 1 ? first : Buffer.concat(queued));
  }

  /** For how long the connection has taken nothing of what waits, ms; looked at from time to time. */
  stuckFor(now: number): number {
    const { takenBytes, needsDrain } = this.#messages;
    if (!needsDrain || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#movedAt = now;
    }
    return now - this.#movedAt;
  }

  abort(error: ShoalError): void {
    // A connection that takes or brings nothing is of no use to the node's next stream either.
    const { dropped } = this;
    this.#messages.abort(error);
    if (dropped !== undefined && ABORT_CONNECTION.has(dropped)) this.#connection.abort(error);
  }
}
