// The scheduler's end of its protocol: streams of nodes in, events to the core, its effects out as messages. Decides
// nothing about tasks; what it decides is who may stay connected: who greets in time, speaks, and reads.

import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { type Clock, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import { peerIdToBytes, SCHEDULER_PROTOCOL, type SchedulerMessageProperties } from '../../proto/index.ts';
import type { SchedulerEffect, SchedulerEvent } from '../core/events.ts';
import { quietMs, SERVER_LIMITS, type ServerLimits } from './limits.ts';
import { NodeStream } from './node-stream.ts';

/** What the server needs of the core: a function that decides, and whether there is more to do. */
export interface DecidingCore {
  /** `now` in ms, never going back. The effects are carried out before the next event. */
  handle(event: SchedulerEvent, now: number): Iterable<SchedulerEffect>;
  /** Is there something to flush? */
  readonly hasNews: boolean;
  /** The last flush left something: the next may follow at once. */
  readonly isBehind: boolean;
}

export interface ServerPorts {
  readonly node: Pick<Libp2p, 'handle' | 'unhandle'>;
  readonly core: DecidingCore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: ServerMeter;
}

/** Counts for the metrics. */
export interface ServerMeter {
  onMessage(kind: string): void;
  onSent(kind: string): void;
  onDecision(kind: SchedulerEvent['kind'], ms: number): void;
  onDropped(why: DropReason): void;
}

/** Why a stream was ended by the scheduler. */
export type DropReason =
  | 'full'
  | 'no-hello'
  | 'malformed'
  | 'silent'
  | 'not-reading'
  | 'replaced'
  | 'refused'
  | 'stopped';

export interface ServerOptions {
  readonly limits?: ServerLimits;
  /** How long news is collected, by the number of nodes, ms. */
  readonly batchMs: (nodes: number) => number;
  /** Whose stream it is: the peer of the connection. A load generator plays many nodes on one connection. */
  readonly peerOf?: (connection: Connection, stream: Stream) => string;
}

/** Ten thousand nodes are not looked at in one go. */
const WATCH_PARTS = 10;

export class SchedulerServer {
  readonly #ports: ServerPorts;
  readonly #options: ServerOptions;
  readonly #limits: ServerLimits;
  readonly #streams = new Map<number, NodeStream>();
  /** The greeted ones. */
  readonly #byPeer = new Map<string, NodeStream>();
  readonly #stopped = new AbortController();
  readonly #events: SchedulerEvent[] = [];
  #isDeciding = false;
  /** Nodes for which messages are queued. */
  readonly #toSend = new Set<NodeStream>();
  #sending: NodeJS.Immediate | undefined;
  #lastConnection = 0;
  #isCollecting = false;
  #isFlushDue = false;
  /** Who is looked at next, and the bytes that wait for those before. */
  #watched = this.#streams.values();
  #unsent = 0;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(ports: ServerPorts, options: ServerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#limits = options.limits ?? SERVER_LIMITS;
  }

  /** Streams that are open, greeted or not. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Begins to accept nodes. */
  async start(): Promise<void> {
    await this.#ports.node.handle(SCHEDULER_PROTOCOL, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: this.#options.peerOf === undefined ? 4 : this.#limits.streams,
    });
    this.#loops = Promise.all([
      this.#every(this.#limits.tickMs, () => this.#decide({ kind: 'tick' })),
      this.#every(this.#limits.watchMs / WATCH_PARTS, () => this.#watch()),
    ]);
  }

  /** Ends all streams. Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#ports.node.unhandle(SCHEDULER_PROTOCOL);
    for (const stream of this.#streams.values())
      this.#drop(stream, 'stopped', new ShoalError('aborted', 'scheduler stops'));
    await this.#loops;
    clearImmediate(this.#sending);
  }

  #accept(stream: Stream, connection: Connection): void {
    if (this.#streams.size >= this.#limits.streams || this.#stopped.signal.aborted) {
      this.#ports.meter.onDropped('full');
      this.#ports.log.warn('no room for another node', { streams: this.#streams.size });
      stream.abort(new ShoalError('limit', `scheduler has ${this.#streams.size} streams`));
      return;
    }
    const peerId = this.#options.peerOf?.(connection, stream) ?? connection.remotePeer.toString();
    const number = ++this.#lastConnection;
    const node = new NodeStream(stream, { number, peerId, connection }, this.#ports.clock.monotonic(), this.#limits, {
      onMessage: message => this.#onMessage(node, message),
      onDrain: () => this.#onDrain(node),
      onEnd: error => this.#onEnd(node, error),
    });
    this.#streams.set(number, node);
  }

  #onMessage(node: NodeStream, message: Parameters<NodeStream['handler']['onMessage']>[0]): void {
    const { meter, clock } = this.#ports;
    node.heardAt = clock.monotonic();
    const { kind } = message;
    meter.onMessage(kind ?? 'unknown');
    if (kind === 'ping') {
      this.#send(node, { pong: {} });
    } else if (kind === 'pong' || kind === undefined) {
      // Heard is all that it says, or a later version says something that is nothing to this one.
    } else {
      if (!node.isGreeted) this.#greet(node, message.hello?.name ?? undefined);
      this.#decide({ kind: 'message', connection: node.number, message });
    }
  }

  /** Throws `malformed` where something comes before the Hello. */
  #greet(node: NodeStream, name: string | undefined): void {
    if (name === undefined) throw new ShoalError('malformed', 'first message is no Hello');
    // The other one is of a connection that the node knows to be gone, and this scheduler does not yet.
    const before = this.#byPeer.get(node.peerId);
    if (before !== undefined) this.#drop(before, 'replaced', new ShoalError('aborted', 'the node has come again'));
    node.isGreeted = true;
    this.#byPeer.set(node.peerId, node);
    this.#decide({
      kind: 'connected',
      connection: node.number,
      peerId: peerIdToBytes(node.peerId),
      name: node.peerId,
    });
  }

  #onDrain(node: NodeStream): void {
    if (!node.isBlocked) return;
    node.isBlocked = false;
    this.#decide({ kind: 'flowing', connection: node.number });
  }

  /** However it ended: by the node, by its death, or by us. */
  #onEnd(node: NodeStream, error: ShoalError | undefined): void {
    if (!this.#streams.delete(node.number)) return;
    this.#toSend.delete(node);
    if (node.dropped === undefined && error?.code === 'malformed') {
      node.dropped = 'malformed';
      this.#ports.meter.onDropped('malformed');
      this.#ports.log.warn('a node broke the protocol', { peer: node.peerId, why: error.message });
    }
    if (!node.isGreeted) return;
    this.#byPeer.delete(node.peerId);
    this.#ports.log.debug('a node is gone', { peer: node.peerId, why: error?.message ?? 'closed by the node' });
    // What it refused itself, the core has forgotten already.
    if (node.dropped !== 'refused') this.#decide({ kind: 'gone', connection: node.number });
  }

  #drop(node: NodeStream, why: DropReason, error: ShoalError): void {
    if (node.dropped !== undefined) return;
    node.dropped = why;
    this.#ports.meter.onDropped(why);
    if (why !== 'stopped') this.#ports.log.info('a node is dropped', { peer: node.peerId, why: error.message });
    node.abort(error);
  }

  /** One event, and all that follows from it. Ends of streams that sending brings about wait for their turn. */
  #decide(event: SchedulerEvent): void {
    this.#events.push(event);
    if (this.#isDeciding) return;
    this.#isDeciding = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#decideOne(next);
    } finally {
      this.#isDeciding = false;
    }
  }

  #decideOne(event: SchedulerEvent): void {
    const { core, clock, meter, log } = this.#ports;
    const began = clock.monotonic();
    try {
      for (const effect of core.handle(event, began)) this.#carryOut(effect);
    } catch (error) {
      // A fault of ours at one event is no reason to lose everybody; it is said, because it is one.
      log.error('scheduler failed at an event', { event: event.kind, error: messageOf(error) });
    }
    meter.onDecision(event.kind, clock.monotonic() - began);
    if (core.isBehind) this.#sendSoon();
    else if (core.hasNews) this.#collect();
  }

  #carryOut(effect: SchedulerEffect): void {
    if (effect.kind === 'send') {
      const node = this.#streams.get(effect.connection);
      if (node !== undefined) this.#send(node, effect.message);
    } else if (effect.kind === 'broadcast') {
      this.#broadcast(effect.message);
    } else if (effect.kind === 'close') {
      const node = this.#streams.get(effect.connection);
      if (node !== undefined) this.#drop(node, 'refused', new ShoalError('malformed', effect.reason));
    } else {
      this.#ports.log[effect.level](effect.message, effect.fields);
    }
  }

  #send(node: NodeStream, message: SchedulerMessageProperties): void {
    if (message.welcome) node.reportIntervalMs = message.welcome.reportIntervalMs ?? 0;
    this.#queue(node, node.framed(message), kindOf(message));
  }

  /** Put into bytes once: ten thousand times would take longer than anything else that is done in one go. */
  #broadcast(message: SchedulerMessageProperties): void {
    let framed: Uint8Array | undefined;
    for (const node of this.#byPeer.values()) {
      framed ??= node.framed(message);
      this.#queue(node, framed, kindOf(message));
    }
  }

  #queue(node: NodeStream, framed: Uint8Array, kind: string): void {
    this.#ports.meter.onSent(kind);
    node.queue(framed);
    this.#toSend.add(node);
    this.#sendSoon();
  }

  #sendSoon(): void {
    this.#sending ??= setImmediate(() => this.#sendSlice());
  }

  /** A flush may be thousands of messages: what others say meanwhile is heard between slices of them. */
  #sendSlice(): void {
    this.#sending = undefined;
    const { clock } = this.#ports;
    const until = clock.monotonic() + this.#limits.sendSliceMs;
    for (const node of this.#toSend) {
      this.#toSend.delete(node);
      node.sendQueued();
      if (node.isGreeted && node.needsDrain && !node.isBlocked) {
        node.isBlocked = true;
        this.#decide({ kind: 'blocked', connection: node.number });
      }
      if (clock.monotonic() > until) break;
    }
    if (this.#toSend.size > 0) this.#sendSoon();
    else this.#flushIfDue();
  }

  /** News is collected for a moment, so that many pieces share a message. */
  #collect(): void {
    if (this.#isCollecting || this.#stopped.signal.aborted) return;
    this.#isCollecting = true;
    const ms = this.#options.batchMs(this.#byPeer.size);
    this.#ports.clock.sleep(ms, { signal: this.#stopped.signal }).then(
      () => {
        this.#isCollecting = false;
        this.#isFlushDue = true;
        this.#flushIfDue();
      },
      () => {}, // stopped
    );
  }

  /** While the last news still goes out the next is collected on: so much the fewer messages it takes. */
  #flushIfDue(): void {
    if (this.#toSend.size > 0 || !(this.#isFlushDue || this.#ports.core.isBehind)) return;
    this.#isFlushDue = false;
    this.#decide({ kind: 'flush' });
  }

  async #every(ms: number, action: () => void): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#ports.clock.sleep(ms, { signal }).catch(() => {}); // the loop's condition
      if (!signal.aborted) action();
    }
  }

  /** A part of the nodes; when all had their turn, what waits for them together. */
  #watch(): void {
    const now = this.#ports.clock.monotonic();
    for (let left = Math.ceil(this.#streams.size / WATCH_PARTS); left >= 0; left--) {
      const { value: node, done } = this.#watched.next();
      if (done) {
        this.#boundUnsent();
        this.#watched = this.#streams.values();
        this.#unsent = 0;
        return;
      }
      this.#watchOne(node, now);
      this.#unsent += node.unsentBytes;
    }
  }

  #boundUnsent(): void {
    let unsent = this.#unsent;
    if (unsent <= this.#limits.allUnsentBytes) return;
    const worst = [...this.#streams.values()].sort((a, b) => b.unsentBytes - a.unsentBytes);
    for (const node of worst) {
      if (unsent <= this.#limits.allUnsentBytes) return;
      unsent -= node.unsentBytes;
      this.#drop(
        node,
        'not-reading',
        new ShoalError('limit', `${node.unsentBytes} bytes wait for it, and memory is short`),
      );
    }
  }

  #watchOne(node: NodeStream, now: number): void {
    const { helloMs, pongMs, stuckMs } = this.#limits;
    if (!node.isGreeted) {
      if (now - node.openedAt > helloMs) {
        this.#drop(node, 'no-hello', new ShoalError('timeout', `no Hello within ${helloMs} ms`));
      }
      return;
    }
    const stuckFor = node.stuckFor(now);
    if (stuckFor > stuckMs) {
      this.#drop(node, 'not-reading', new ShoalError('timeout', `has read nothing for ${Math.round(stuckFor)} ms`));
    } else if (node.askedAt !== undefined && node.heardAt < node.askedAt) {
      if (now - node.askedAt > pongMs)
        this.#drop(node, 'silent', new ShoalError('timeout', `no answer within ${pongMs} ms`));
    } else if (now - node.heardAt > quietMs(this.#limits, node.reportIntervalMs)) {
      node.askedAt = now;
      this.#send(node, { ping: {} });
    } else {
      node.askedAt = undefined;
    }
  }
}

function kindOf(message: SchedulerMessageProperties): string {
  for (const kind in message) return kind;
  return 'unknown';
}
