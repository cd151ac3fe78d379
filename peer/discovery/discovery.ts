// Peers of a task without a scheduler: those that were of use before, then whom the DHT names. And the way into the DHT:
// one peer that is in it has to be dialled, now and whenever there is none.

import type { Libp2p } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type Clock, type Logger, messageOf, ShoalError } from '../../core/index.ts';
import type { TaskId } from '../../proto/index.ts';
import type { Discovery, PeerAddress } from '../ports.ts';
import type { KnownPeers } from './known-peers.ts';
import { TaskDirectory } from './task-directory.ts';

/** Of those known: who was of use last is likely to be there still. */
const MAX_KNOWN_FOUND = 16;

/** Connected to nobody: tried again after so long, doubling; some of it is left to chance. */
const ENTER_RETRY_MS = 5_000;
const LONGEST_ENTER_RETRY_MS = 60_000;
const DIAL_MS = 5_000;
/** Dialled at once when connected to nobody. */
const ENTER_DIALS = 4;

export interface DiscoveryPorts {
  readonly node: Pick<Libp2p, 'dial' | 'getConnections' | 'peerId'>;
  readonly dht: KadDHT;
  readonly known: KnownPeers;
  readonly clock: Clock;
  readonly log: Logger;
}

export class PeerDiscovery implements Discovery {
  readonly #ports: DiscoveryPorts;
  readonly #directory: TaskDirectory;
  readonly #bootstrap: readonly Multiaddr[];
  readonly #stopped = new AbortController();
  #entering: Promise<void> = Promise.resolve();

  /** `bootstrap`: multiaddrs of peers to enter the swarm by, may be none. Throws `usage` for what is no multiaddr. */
  constructor(ports: DiscoveryPorts, options: { readonly bootstrap: readonly string[] }) {
    this.#ports = ports;
    this.#directory = new TaskDirectory(ports.dht, {
      clock: ports.clock,
      log: ports.log,
      isConnected: () => ports.node.getConnections().length > 0,
    });
    this.#bootstrap = options.bootstrap.map(parsedAddress);
  }

  /** Begins to connect; returns at once. */
  start(): void {
    this.#entering = this.#enter();
  }

  /** Resolves when nothing of it runs any more, and what was remembered is on disk. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#entering, this.#directory.stop(), this.#ports.known.close()]);
  }

  async *find(taskId: TaskId, options: { readonly signal: AbortSignal }): AsyncIterable<PeerAddress> {
    const own = this.#ports.node.peerId.toString();
    const told = new Set([own]);
    for (const peer of this.#ports.known.list().slice(0, MAX_KNOWN_FOUND)) {
      if (options.signal.aborted) return;
      if (!told.has(peer.peerId)) yield peer;
      told.add(peer.peerId);
    }
    for await (const peer of this.#directory.find(taskId, options)) {
      if (!told.has(peer.peerId)) yield peer;
      told.add(peer.peerId);
    }
  }

  provide(taskId: TaskId): void {
    this.#directory.provide(taskId);
  }

  withdraw(taskId: TaskId): void {
    this.#directory.withdraw(taskId);
  }

  remember(peer: PeerAddress): void {
    if (peer.peerId !== this.#ports.node.peerId.toString()) this.#ports.known.remember(peer);
  }

  /** Keeps a foot in the swarm: silently, because a cluster of one node is none. */
  async #enter(): Promise<void> {
    const { node, clock } = this.#ports;
    const { signal } = this.#stopped;
    let wait = ENTER_RETRY_MS;
    while (!signal.aborted) {
      if (node.getConnections().length > 0) wait = ENTER_RETRY_MS;
      else if (await this.#dialSomebody()) wait = ENTER_RETRY_MS;
      await clock.sleep(wait * (0.5 + 0.5 * clock.random()), { signal }).catch(() => {}); // the loop's condition
      wait = Math.min(wait * 2, LONGEST_ENTER_RETRY_MS);
    }
  }

  /** Returns whether somebody was reached. */
  async #dialSomebody(): Promise<boolean> {
    const known = this.#ports.known.list().flatMap(({ peerId, addresses }) => namedAddresses(peerId, addresses));
    const everybody = [...this.#bootstrap.map(address => [address]), ...known];
    const { clock } = this.#ports;
    // At random, so that all nodes of a cluster do not come to the same one.
    const chosen = everybody
      .map(addresses => ({ addresses, at: clock.random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, ENTER_DIALS);
    const reached = await Promise.all(chosen.map(({ addresses }) => this.#dial(addresses)));
    return reached.includes(true);
  }

  async #dial(addresses: Multiaddr[]): Promise<boolean> {
    const { node, clock, log } = this.#ports;
    const done = new AbortController();
    const tooLate = new AbortController();
    clock.sleep(DIAL_MS, { signal: done.signal }).then(
      () => tooLate.abort(),
      () => {}, // in time
    );
    try {
      await node.dial(addresses, { signal: AbortSignal.any([this.#stopped.signal, tooLate.signal]) });
      return true;
    } catch (error) {
      log.debug('peer of last time is not there', { address: String(addresses[0]), error: messageOf(error) });
      return false;
    } finally {
      done.abort();
    }
  }
}

function parsedAddress(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch (error) {
    throw new ShoalError('usage', `address ${text}: ${messageOf(error)}`, { cause: error });
  }
}

function namedAddresses(peerId: string, addresses: readonly string[]): Multiaddr[][] {
  const named = addresses.map(multiaddr).map(address => {
    const isNamed = address.getComponents().some(({ name }) => name === 'p2p');
    return isNamed ? address : address.encapsulate(`/p2p/${peerId}`);
  });
  return named.length > 0 ? [named] : [];
}
