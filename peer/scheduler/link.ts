// This node's connection to one scheduler: dialled, greeted, watched, and dialled again after every loss. What is said on
// it is the business of its tasks (task.ts); which tasks it has, that of schedulers.ts.

import type { Connection, Libp2p } from '@libp2p/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type Clock, isShoalError, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import {
  MAX_SCHEDULER_MESSAGE_BYTES,
  MessageStream,
  type NodeMessageProperties,
  nodeCodec,
  SCHEDULER_PROTOCOL,
  type SchedulerMessageProperties,
} from '../../proto/index.ts';
import type { PeerAddress } from '../ports.ts';
import { quietMs, retryDelayMs, type SchedulerLinkLimits } from './limits.ts';
import { type News, newsOf } from './news.ts';

export type SchedulerNode = Pick<Libp2p, 'peerId' | 'dial' | 'getMultiaddrs'>;

export interface LinkPorts {
  readonly node: SchedulerNode;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Whom a link speaks for. */
export interface LinkOwner {
  /** The Hello of a connection that begins. */
  hello(): NonNullable<NodeMessageProperties['hello']>;
  pieceCount(link: SchedulerLink, handle: number): number | undefined;
  /** Welcomed: tasks may join. */
  onUp(link: SchedulerLink): void;
  /** Has been up for a while after a loss: may have its tasks back. */
  onSettled(link: SchedulerLink): void;
  onNews(link: SchedulerLink, news: News): void;
  /** The stream is gone, or did not come to be: after each attempt. */
  onDown(link: SchedulerLink): void;
}

type Wire = MessageStream<NodeMessageProperties, SchedulerMessageProperties>;

/** One stream, from its opening to its end. */
interface Session {
  readonly wire: Wire;
  /** Fires when it has ended; its reason says why. */
  readonly over: AbortController;
  readonly welcomed: PromiseWithResolvers<void>;
  heardAt: number;
  /** Something was said that is usually answered, and nothing was heard since. */
  waits: boolean;
}

const FIRST_REPORT_INTERVAL_MS = 1_000;

export class SchedulerLink {
  readonly peerId: string;
  /** As the scheduler asked for. */
  reportIntervalMs = FIRST_REPORT_INTERVAL_MS;
  /** Nothing is known about it yet: the first attempt is under way. */
  isFresh = true;
  isUp = false;
  isSettled = false;
  readonly #addresses: Multiaddr[];
  readonly #ports: LinkPorts;
  readonly #owner: LinkOwner;
  readonly #limits: SchedulerLinkLimits;
  readonly #stopped = new AbortController();
  #session: Session | undefined;
  #ended: Promise<void> = Promise.resolve();

  /** Throws `usage` for an address that is none. */
  constructor(scheduler: PeerAddress, ports: LinkPorts, owner: LinkOwner, limits: SchedulerLinkLimits) {
    this.peerId = scheduler.peerId;
    this.#addresses = scheduler.addresses.map(address => dialable(address, scheduler.peerId));
    this.#ports = { ...ports, log: ports.log.with({ scheduler: scheduler.peerId }) };
    this.#owner = owner;
    this.#limits = limits;
  }

  start(): void {
    this.#ended = this.#run();
  }

  /** Resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#stopped.abort(new ShoalError('aborted', 'this node stops'));
    await this.#ended;
  }

  /** Returns whether it was taken. `asks`: an answer is expected. */
  send(message: NodeMessageProperties, options: { readonly asks?: boolean } = {}): boolean {
    const session = this.#session;
    if (session === undefined || !session.wire.send(message)) return false;
    if (options.asks === true) session.waits = true;
    return true;
  }

  /** Resolves when what was sent is taken by the network. Rejects when the stream ends before. */
  /** Where it is dialled first. */
  get address(): string {
    return this.#addresses[0]?.toString() ?? '';
  }

  async drained(): Promise<void> {
    const session = this.#session;
    if (session?.wire.needsDrain) await session.wire.drained(session.over.signal);
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#ports;
    const { signal } = this.#stopped;
    let attempt = 0;
    while (!signal.aborted) {
      const began = clock.monotonic();
      const why = await this.#attempt().then(
        () => undefined,
        error => error,
      );
      const wasUp = this.isUp;
      this.isFresh = this.isUp = this.isSettled = false;
      if (!signal.aborted) {
        const fields = { why: messageOf(why ?? 'closed by the scheduler'), attempt };
        // A cluster without a scheduler is a state like any other: said once.
        if (wasUp || attempt === 0) log.warn('scheduler is not there', fields);
        else log.debug('scheduler is still not there', fields);
      }
      this.#owner.onDown(this);
      if (wasUp && clock.monotonic() - began > this.#limits.steadyMs) attempt = 0;
      await clock.sleep(this.#retryDelay(attempt++), { signal }).catch(() => {}); // the loop's condition
    }
  }

  #retryDelay(attempt: number): number {
    // Where reports are far apart, nodes are many: so should their attempts be.
    const retryMs = Math.max(this.#limits.retryMs, this.reportIntervalMs);
    return retryDelayMs({ ...this.#limits, retryMs }, attempt, this.#ports.clock.random());
  }

  /** From dialling to the end of the stream. Rejects with why it ended, or was not to be had. */
  async #attempt(): Promise<void> {
    const { clock, log } = this.#ports;
    const { session, connection } = await this.#open();
    this.#session = session;
    const over = session.over.signal;
    try {
      session.wire.send({ hello: this.#owner.hello() });
      await within(clock, session.welcomed.promise, this.#limits.welcomeMs, over, 'no welcome');
      const isReturn = !this.isFresh;
      this.isUp = true;
      this.isFresh = false;
      this.isSettled = !isReturn;
      log.info('scheduler is there', { reportIntervalMs: this.reportIntervalMs });
      this.#owner.onUp(this);
      await Promise.all([isReturn ? this.#settle(over) : undefined, this.#watch(session)]);
    } catch (error) {
      const why = over.aborted ? over.reason : error;
      // What is silent would take the next stream, too: a new connection is asked for.
      if (isShoalError(why, 'timeout')) connection.abort(why);
      session.wire.abort(why instanceof ShoalError ? why : new ShoalError('internal', messageOf(why), { cause: why }));
      throw why;
    } finally {
      this.#session = undefined;
    }
  }

  async #open(): Promise<{ session: Session; connection: Connection }> {
    const { node, clock } = this.#ports;
    const tooLate = new AbortController();
    const signal = AbortSignal.any([this.#stopped.signal, tooLate.signal]);
    const opening = (async () => {
      const connection = await node.dial(this.#addresses, { signal });
      const stream = await connection.newStream(SCHEDULER_PROTOCOL, { signal });
      return { connection, stream };
    })();
    try {
      const { connection, stream } = await within(clock, opening, this.#limits.dialMs, signal, 'no connection');
      return { connection, session: this.#sessionOn(stream) };
    } catch (error) {
      tooLate.abort(error);
      opening.then(({ stream }) => stream.abort(new Error('too late'))).catch(() => {}); // nobody waits for it any more
      throw error;
    }
  }

  #sessionOn(stream: Awaited<ReturnType<Connection['newStream']>>): Session {
    const over = new AbortController();
    const bounds = {
      maxMessageBytes: MAX_SCHEDULER_MESSAGE_BYTES,
      maxBodyBytes: 0,
      maxUnsentBytes: this.#limits.unsentBytes,
    };
    const stop = () => over.abort(this.#stopped.signal.reason);
    const wire: Wire = new MessageStream(stream, nodeCodec, bounds, {
      onMessage: message => this.#receive(session, message),
      onEnd: error => {
        this.#stopped.signal.removeEventListener('abort', stop);
        over.abort(error ?? new ShoalError('unreachable', 'closed by the scheduler'));
      },
    });
    const session: Session = {
      wire,
      over,
      welcomed: Promise.withResolvers<void>(),
      heardAt: this.#ports.clock.monotonic(),
      waits: false,
    };
    this.#stopped.signal.addEventListener('abort', stop, { once: true });
    return session;
  }

  #receive(session: Session, message: SchedulerMessageProperties): void {
    session.heardAt = this.#ports.clock.monotonic();
    session.waits = false;
    const news = newsOf(message, handle => this.#owner.pieceCount(this, handle));
    if (news.kind === 'welcome') {
      this.reportIntervalMs = news.reportIntervalMs;
      session.welcomed.resolve();
    } else if (news.kind === 'ping') {
      session.wire.send({ pong: {} });
    } else if (this.isUp) {
      this.#owner.onNews(this, news);
    }
  }

  async #settle(signal: AbortSignal): Promise<void> {
    await this.#ports.clock.sleep(this.#limits.settleMs, { signal });
    this.isSettled = true;
    this.#owner.onSettled(this);
  }

  /** Until the stream ends. Rejects with `timeout` when the scheduler says nothing any more. */
  async #watch(session: Session): Promise<never> {
    const { clock } = this.#ports;
    const { signal } = session.over;
    for (;;) {
      const left = quietMs(this.#limits, this.reportIntervalMs, session.waits) - (clock.monotonic() - session.heardAt);
      if (left > 0) {
        // Somebody may begin to wait meanwhile.
        await clock.sleep(Math.min(left, this.#limits.waitingQuietMs), { signal });
        continue;
      }
      const askedAt = clock.monotonic();
      session.wire.send({ ping: {} });
      await clock.sleep(this.#limits.pongMs, { signal });
      if (session.heardAt < askedAt) {
        throw new ShoalError('timeout', `no answer within ${this.#limits.pongMs} ms`);
      }
    }
  }
}

/** What `promise` brings. Rejects with `timeout` when that takes longer, and with the signal's reason. */
async function within<T>(clock: Clock, promise: Promise<T>, ms: number, signal: AbortSignal, what: string): Promise<T> {
  const done = new AbortController();
  promise.catch(() => {}); // also when it comes too late to be looked at
  const late = clock.sleep(ms, { signal: AbortSignal.any([signal, done.signal]) }).then(() => {
    throw new ShoalError('timeout', `${what} within ${ms} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
    late.catch(() => {});
  }
}

/** Only the scheduler of that peer id is spoken with, whoever answers at the address. */
function dialable(address: string, peerId: string): Multiaddr {
  try {
    const parsed = multiaddr(address);
    const named = parsed.getComponents().findLast(({ name }) => name === 'p2p')?.value;
    if (named === undefined) return parsed.encapsulate(`/p2p/${peerId}`);
    if (named === peerId) return parsed;
  } catch (error) {
    throw new ShoalError('usage', `address ${address}: ${messageOf(error)}`, { cause: error });
  }
  throw new ShoalError('usage', `address ${address}: names another peer than ${peerId}`);
}
