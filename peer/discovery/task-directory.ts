// Which peers have a task, in the cluster's DHT: for nodes that have no scheduler. The key is made from the task id, so
// who does not know the blob learns nothing. Absence is the usual answer, and quiet.

import type { KadDHT, SingleKadDHT } from '@libp2p/kad-dht';
import { peerIdFromMultihash } from '@libp2p/peer-id';
import { type Clock, type Logger, messageOf } from '../../core/index.ts';
import type { TaskId } from '../../proto/index.ts';
import type { PeerAddress } from '../ports.ts';
import { PROVIDE_AGAIN_MS } from './dht-settings.ts';

/** Nobody has it, if nobody was found for so long: through six hops of a few tens of ms each. */
const ABSENCE_MS = 2_000;
/** The first provider is there: others are waited for so long. The rest of the search would take ten times that. */
const MORE_MS = 200;
/** Between two looks whether somebody is known by now. */
const LOOK_MS = 100;
/** Enough to ask; they know others. */
const ENOUGH_PROVIDERS = 8;
/** Of one that is said to provide. */
const MAX_ADDRESSES = 16;

/** Tasks that this node says it has. The oldest goes: the latest are the ones that others want. */
const MAX_PROVIDED = 1024;
/** Between two tasks: a node that comes with a hundred tasks is not to fill the network with them. */
const PROVIDE_GAP_MS = 100;
const PROVIDE_TIMEOUT_MS = 10_000;
/** Told again after so long, then ever less often: nodes start together, and those that come later are to know as well. */
const FIRST_AGAIN_MS = 15_000;
/** Part of an interval that is left to chance, so that nodes that started together do not come together for ever. */
const JITTER = 0.2;

type Cid = Parameters<KadDHT['provide']>[0];

interface Provided {
  /** When it is to be told (again), monotonic ms. */
  readonly due: number;
  /** From then until the time after, ms. */
  readonly pause: number;
}

export class TaskDirectory {
  readonly #dht: KadDHT & Partial<Pick<SingleKadDHT, 'routingTable'>>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #isConnected: () => boolean;
  readonly #provided = new Map<TaskId, Provided>();
  readonly #stopped = new AbortController();
  #wake = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;

  constructor(
    dht: KadDHT,
    ports: {
      readonly clock: Clock;
      readonly log: Logger;
      /** To anybody; whether that one is in the DHT is known a little later. */
      readonly isConnected: () => boolean;
    },
  ) {
    this.#dht = dht;
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#isConnected = ports.isConnected;
  }

  /** Ends by itself, within seconds. Never rejects. */
  async *find(taskId: TaskId, { signal }: { readonly signal: AbortSignal }): AsyncIterable<PeerAddress> {
    if (this.#isAlone && !this.#isConnected()) return;
    const enough = new AbortController();
    const stop = AbortSignal.any([signal, this.#stopped.signal, enough.signal]);
    this.#stopAfter(ABSENCE_MS, enough, stop);
    const found = new Set<string>();
    try {
      await this.#somebody(stop);
      for await (const event of this.#dht.findProviders(keyOf(taskId), { signal: stop })) {
        if (event.name !== 'PROVIDER') continue;
        for (const { id, multiaddrs } of event.providers) {
          const peerId = id.toString();
          if (found.has(peerId) || multiaddrs.length === 0) continue;
          if (found.size === 0) this.#stopAfter(MORE_MS, enough, stop);
          found.add(peerId);
          yield { peerId, addresses: multiaddrs.slice(0, MAX_ADDRESSES).map(String) };
        }
        if (found.size >= ENOUGH_PROVIDERS) break;
      }
    } catch (error) {
      if (!stop.aborted) this.#log.debug('DHT does not answer', { task: taskId, error: messageOf(error) });
    } finally {
      enough.abort();
    }
  }

  provide(taskId: TaskId): void {
    if (this.#stopped.signal.aborted || this.#provided.has(taskId)) return;
    this.#provided.set(taskId, { due: this.#clock.monotonic(), pause: FIRST_AGAIN_MS });
    const [oldest] = this.#provided.keys();
    if (this.#provided.size > MAX_PROVIDED && oldest !== undefined) this.withdraw(oldest);
    this.#running ??= this.#run();
    this.#wake.resolve();
  }

  /** Others forget it within the hour. */
  withdraw(taskId: TaskId): void {
    if (!this.#provided.delete(taskId)) return;
    this.#dht.cancelReprovide(keyOf(taskId)).catch(error => {
      this.#log.debug('DHT record stays', { task: taskId, error: messageOf(error) });
    });
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** Nobody is known who could be asked or told. */
  get #isAlone(): boolean {
    return this.#dht.routingTable?.size === 0;
  }

  /** Resolves when somebody is known, or on the signal: who has just come is known once it has said what it speaks. */
  async #somebody(signal: AbortSignal): Promise<void> {
    while (this.#isAlone && !signal.aborted) {
      await this.#clock.sleep(LOOK_MS, { signal }).catch(() => {}); // the loop looks at the signal
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#somebody(signal);
      if (signal.aborted) return;
      const next = this.#next();
      const wait = next === undefined ? Infinity : next.due - this.#clock.monotonic();
      if (next === undefined || wait > 0) {
        await this.#sleep(wait);
        continue;
      }
      const isTold = await this.#tell(next.taskId);
      const due = this.#clock.monotonic() + next.pause * (1 - JITTER * this.#clock.random());
      // It may have been withdrawn meanwhile.
      if (this.#provided.has(next.taskId)) {
        const pause = isTold ? Math.min(next.pause * 2, PROVIDE_AGAIN_MS) : next.pause;
        this.#provided.set(next.taskId, { due, pause });
      }
      if (isTold) await this.#sleep(PROVIDE_GAP_MS, { throughNews: true });
    }
  }

  /** Until then, or until a task comes. */
  async #sleep(ms: number, { throughNews = false } = {}): Promise<void> {
    this.#wake = Promise.withResolvers();
    const done = new AbortController();
    const signal = AbortSignal.any([this.#stopped.signal, done.signal]);
    const sleeping =
      ms === Infinity
        ? new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
        : this.#clock.sleep(ms, { signal }).catch(() => {}); // the loop looks whether it goes on
    await (throughNews ? sleeping : Promise.race([sleeping, this.#wake.promise]));
    done.abort();
  }

  #next(): (Provided & { readonly taskId: TaskId }) | undefined {
    let next: (Provided & { readonly taskId: TaskId }) | undefined;
    for (const [taskId, provided] of this.#provided) {
      if (next === undefined || provided.due < next.due) next = { taskId, ...provided };
    }
    return next;
  }

  /** Returns whether somebody was told. */
  async #tell(taskId: TaskId): Promise<boolean> {
    const done = new AbortController();
    const stop = AbortSignal.any([this.#stopped.signal, done.signal]);
    this.#stopAfter(PROVIDE_TIMEOUT_MS, done, stop);
    let told = 0;
    try {
      for await (const event of this.#dht.provide(keyOf(taskId), { signal: stop })) {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') told++;
      }
    } catch (error) {
      if (!this.#stopped.signal.aborted) {
        this.#log.debug('DHT takes no record', { task: taskId, told, error: messageOf(error) });
      }
    } finally {
      done.abort();
    }
    return told > 0;
  }

  #stopAfter(ms: number, controller: AbortController, signal: AbortSignal): void {
    this.#clock.sleep(ms, { signal }).then(
      () => controller.abort(),
      () => {}, // ended before
    );
  }
}

const SHA2_256 = 0x12;

/**
 * The DHT looks at a key's multihash only, and takes ours for that of some content with this SHA-256. (Through a peer id,
 * because that is how to make a CID without a package of its own.)
 */
function keyOf(taskId: TaskId): Cid {
  const digest = Buffer.from(taskId, 'hex');
  const bytes = Uint8Array.of(SHA2_256, digest.length, ...digest);
  return peerIdFromMultihash({ code: SHA2_256, size: digest.length, digest: bytes.subarray(2), bytes }).toCID();
}
