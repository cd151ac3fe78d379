// The link to one parent: a stream that is opened, watched, and opened again after every loss, for as long as somebody
// holds it. Tasks and their requests are in parent-task.ts.

import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type Clock, type Digest, isShoalError, type Logger, messageOf, OVER, ShoalError } from '../../core/index.ts';
import {
  type ChildMessageProperties,
  MessageStream,
  type ParentMessageProperties,
  PIECES_PROTOCOL,
  type TaskId,
} from '../../proto/index.ts';
import type { ParentEvents, ParentTask, PeerAddress } from '../ports.ts';
import { awaitTurnToDial, type DialledNode } from './first-dial.ts';
import type { MemberLibp2p } from './node.ts';
import { LinkTask } from './parent-task.ts';
import { CHILD_BOUNDS, childCodec, SILENCE_MS, WHOLE_MESSAGE_MS } from './pieces-protocol.ts';
import type { Traffic } from './traffic.ts';

/** Between attempts: doubling, with a quarter of chance either way. */
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;
/** A link that held for so long starts anew with short pauses. */
const SETTLED_MS = 5_000;
const CONNECT_MS = 10_000;
const MAX_ADDRESSES = 16;
/** Handles of closed tasks whose answers may still be on their way. */
const MAX_CLOSED_HANDLES = 1_024;

export interface LinkPorts {
  readonly libp2p: Pick<MemberLibp2p, 'dial'> & DialledNode;
  readonly clock: Clock;
  readonly log: Logger;
  readonly traffic: Traffic;
}

type Wire = MessageStream<ChildMessageProperties, ParentMessageProperties>;

export class PeerLink {
  readonly peerId: string;
  readonly ownPeerId: string;
  readonly #ports: LinkPorts;
  readonly #addresses = new Map<string, Multiaddr>();
  readonly #tasks = new Map<number, LinkTask>();
  readonly #closedHandles = new Set<number>();
  readonly #released = new AbortController();
  #wire: Wire | undefined;
  #connection: Connection | undefined;
  #nextHandle = 1;
  /** Pieces that wait there, as it last said. */
  #queue = 0;
  #heard = { bytes: 0, sinceMs: 0, whole: 0, wholeSinceMs: 0 };
  #messages = 0;
  #poke: (() => void) | undefined;
  readonly #running: Promise<void>;

  constructor({ peerId, addresses }: PeerAddress, ports: LinkPorts) {
    this.peerId = peerId;
    this.ownPeerId = ports.libp2p.peerId.toString();
    this.#ports = { ...ports, log: ports.log.with({ peer: peerId }) };
    this.addAddresses(addresses);
    this.#running = this.#run();
  }

  get isUp(): boolean {
    return this.#wire !== undefined;
  }

  get receivedBytes(): number {
    return this.#wire?.receivedBytes ?? 0;
  }

  get queue(): number {
    return this.#queue;
  }

  addAddresses(addresses: readonly string[]): void {
    for (const address of addresses) {
      if (this.#addresses.size >= MAX_ADDRESSES || this.#addresses.has(address)) continue;
      const parsed = dialable(address, this.peerId);
      if (parsed === undefined) this.#ports.log.debug('this is no address of the peer', { address });
      else this.#addresses.set(address, parsed);
    }
  }

  /** Somebody else has connected with the peer: worth another attempt now. */
  poke(): void {
    this.#poke?.();
  }

  open(
    task: { readonly taskId: TaskId; readonly digest: Digest; readonly pieceCount: number },
    events: ParentEvents,
  ): ParentTask {
    const opened = new LinkTask(this.#nextHandle++, task, this, events);
    this.#tasks.set(opened.handle, opened);
    if (this.isUp) opened.onUp();
    return opened;
  }

  /** Ends the link; resolves when nothing of it is left. Never rejects. */
  async end(): Promise<void> {
    this.#released.abort(new ShoalError('aborted', 'the link is not needed any more'));
    this.#poke?.();
    await this.#running;
  }

  /** Once a second: a parent that owes an answer and sends nothing, or takes for ever to send one message, is given up. */
  tend(): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    const now = this.#ports.clock.monotonic();
    const heard = this.#heard;
    const isOwed = [...this.#tasks.values()].some(task => task.isOwed);
    if (heard.bytes !== wire.receivedBytes || !isOwed)
      this.#heard = { ...this.#heard, bytes: wire.receivedBytes, sinceMs: now };
    if (heard.whole !== this.#messages || !wire.isWithinMessage) {
      this.#heard = { ...this.#heard, whole: this.#messages, wholeSinceMs: now };
    }
    if (now - this.#heard.sinceMs >= SILENCE_MS)
      this.#giveUp(`it owes answers and said nothing for ${SILENCE_MS / 1000} s`);
    else if (now - this.#heard.wholeSinceMs >= WHOLE_MESSAGE_MS) {
      this.#giveUp(`one message took more than ${WHOLE_MESSAGE_MS / 1000} s`);
    }
  }

  // ---- for tasks -----------------------------------------------------------------------------------------------------

  send(message: ChildMessageProperties): void {
    this.#wire?.send(message);
  }

  closed(task: LinkTask): void {
    this.#tasks.delete(task.handle);
    if (!this.isUp) return;
    this.#closedHandles.add(task.handle);
    const oldest = this.#closedHandles.values().next().value;
    if (this.#closedHandles.size > MAX_CLOSED_HANDLES && oldest !== undefined) this.#closedHandles.delete(oldest);
  }

  // --------------------------------------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    const { clock, log } = this.#ports;
    let failures = 0;
    while (!this.#released.signal.aborted) {
      const startedMs = clock.monotonic();
      const reason = await this.#live();
      if (this.#released.signal.aborted) return;
      failures = clock.monotonic() - startedMs > SETTLED_MS ? 1 : failures + 1;
      const waitMs = retryMs(failures, clock.random());
      log.debug('link is down', { reason, retryMs: Math.round(waitMs) });
      await this.#pause(waitMs);
    }
  }

  /** One life of the link; resolves with why it ended. */
  async #live(): Promise<string> {
    const ended = Promise.withResolvers<ShoalError | undefined>();
    try {
      const { stream, connection } = await this.#connect();
      const wire: Wire = new MessageStream(stream, childCodec, CHILD_BOUNDS, {
        onMessage: (message, body) => this.#onMessage(message, body),
        onEnd: ended.resolve,
      });
      const hangUp = () => wire.abort(new ShoalError('aborted', 'the link is not needed any more'));
      if (this.#released.signal.aborted) hangUp();
      else this.#released.signal.addEventListener('abort', hangUp, { once: true });
      this.#onUp(wire, connection);
      const error = await ended.promise;
      this.#released.signal.removeEventListener('abort', hangUp);
      this.#onDown();
      if (error?.code === 'malformed') this.#ports.log.warn('the parent broke the rules', { reason: error.message });
      return error?.message ?? 'the other side ended it';
    } catch (error) {
      return messageOf(error);
    }
  }

  async #connect(): Promise<{ readonly stream: Stream; readonly connection: Connection }> {
    const { libp2p } = this.#ports;
    const signal = AbortSignal.any([this.#released.signal, AbortSignal.timeout(CONNECT_MS)]);
    await awaitTurnToDial(this.peerId, this.#ports, signal);
    const addresses = [...this.#addresses.values()];
    const connection = await libp2p.dial(addresses.length > 0 ? addresses : peerIdFromString(this.peerId), { signal });
    if (connection.remotePeer.toString() !== this.peerId) {
      throw new ShoalError('unauthorized', `${connection.remotePeer} answered, expected ${this.peerId}`);
    }
    const stream = await connection.newStream(PIECES_PROTOCOL, { signal, maxOutboundStreams: 4 });
    return { stream, connection };
  }

  #onUp(wire: Wire, connection: Connection): void {
    if (wire.ended) return;
    const now = this.#ports.clock.monotonic();
    this.#wire = wire;
    this.#connection = connection;
    this.#messages = 0;
    this.#heard = { bytes: 0, sinceMs: now, whole: 0, wholeSinceMs: now };
    for (const task of [...this.#tasks.values()]) task.onUp();
  }

  #onDown(): void {
    this.#wire = undefined;
    this.#connection = undefined;
    this.#queue = 0;
    this.#closedHandles.clear();
    for (const task of [...this.#tasks.values()]) task.onDown();
  }

  #onMessage(message: ParentMessageProperties, body: Uint8Array<ArrayBuffer>): void {
    this.#messages++;
    this.#queue = message.queueLength ?? 0;
    const { kind } = message;
    if (kind === undefined) {
      for (const task of [...this.#tasks.values()]) task.onQueue(this.#queue);
      return;
    }
    if (body.length > 0) this.#ports.traffic.received(this.peerId, body.length);
    const handle = message[kind]?.handle ?? 0;
    const task = this.#tasks.get(handle);
    if (task !== undefined) {
      task.onQueue(this.#queue);
      task.onMessage(message, body);
    } else if (!this.#closedHandles.has(handle)) {
      throw new ShoalError('malformed', `an answer about task ${handle}, which is not open`);
    }
  }

  #giveUp(reason: string): void {
    this.#ports.log.warn('link given up', { reason });
    const error = new ShoalError('timeout', reason);
    this.#wire?.abort(error);
    // The connection is not better than its stream: the next attempt shall not wait for it.
    this.#connection?.abort(error);
  }

  async #pause(ms: number): Promise<void> {
    const poked = new AbortController();
    this.#poke = () => poked.abort(OVER);
    await this.#ports.clock.sleep(ms, { signal: poked.signal }).catch(error => {
      if (!isShoalError(error, 'aborted')) throw error;
    });
    this.#poke = undefined;
  }
}

/** How long to wait before the next attempt after so many failures. `chance` in [0, 1). Pure. */
export function retryMs(failures: number, chance: number): number {
  const base = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20));
  return base * (0.75 + chance / 2);
}

/** With the peer id in it; undefined for what is no address, or another peer's. */
function dialable(address: string, peerId: string): Multiaddr | undefined {
  try {
    const parsed = multiaddr(address);
    const named = parsed.getComponents().findLast(({ name }) => name === 'p2p')?.value;
    if (named === undefined) return parsed.encapsulate(`/p2p/${peerId}`);
    return named === peerId ? parsed : undefined;
  } catch {
    return undefined;
  }
}
