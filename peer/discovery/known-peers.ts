// Peers that were of use, on disk: whom to ask after a restart when no scheduler can be reached. The file is a hint and no
// more: whatever is wrong with it, the node starts with what can be read of it.

import { multiaddr } from '@multiformats/multiaddr';
import { type Clock, isShoalError, type Logger, messageOf } from '../../core/index.ts';
import { peerIdToBytes } from '../../proto/index.ts';
import type { PeerAddress } from '../ports.ts';
import { readSmallFile, writeSmallFile } from '../transport/private-file.ts';

const VERSION = 1;
/** A swarm is entered through one peer; a hundred survive any change of a cluster. All of it fits a small file. */
const MAX_PEERS = 128;
const MAX_ADDRESSES = 4;
const MAX_ADDRESS_LENGTH = 128;
/** News is written down once in so long, and at the end: which of hundreds was the last is not worth a write each. */
const WRITE_AFTER_MS = 5_000;

export class KnownPeers {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** The latest last. */
  readonly #peers = new Map<string, PeerAddress>();
  readonly #stopped = new AbortController();
  #writing: Promise<void> | undefined;
  #isChanged = false;

  /** Reads the file. Never rejects: what cannot be read is said once, and forgotten. */
  static async open(path: string, ports: { readonly clock: Clock; readonly log: Logger }): Promise<KnownPeers> {
    const known = new KnownPeers(path, ports.clock, ports.log);
    try {
      known.#take(JSON.parse((await readSmallFile(path, { secret: false })).text));
    } catch (error) {
      if (isShoalError(error, 'not-found')) return known;
      ports.log.warn('peers of last time are not known', { path, error: messageOf(error) });
    }
    return known;
  }

  private constructor(path: string, clock: Clock, log: Logger) {
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
  }

  /** The latest first. */
  list(): PeerAddress[] {
    return [...this.#peers.values()].reverse();
  }

  /** The oldest goes when there are too many. A peer without a usable address is not kept. */
  remember(peer: PeerAddress): void {
    const checked = checkedPeer(peer);
    if (checked === undefined) return;
    const known = this.#peers.get(checked.peerId);
    const isNew = known === undefined || known.addresses.join() !== checked.addresses.join();
    this.#add(checked);
    // Which was of use last is written along with other news only.
    if (!isNew) return;
    this.#isChanged = true;
    this.#writing ??= this.#writeSoon();
  }

  /** Writes what is not written yet. Resolves when nothing is left to do; nothing is written after that. */
  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#writing;
    await this.#write();
  }

  #add(peer: PeerAddress): void {
    this.#peers.delete(peer.peerId);
    this.#peers.set(peer.peerId, peer);
    const [oldest] = this.#peers.keys();
    if (this.#peers.size > MAX_PEERS && oldest !== undefined) this.#peers.delete(oldest);
  }

  #take(document: unknown): void {
    if (!isRecord(document) || document['version'] !== VERSION || !Array.isArray(document['peers'])) {
      throw new Error(`not a list of peers of version ${VERSION}`);
    }
    const listed: readonly unknown[] = document['peers'];
    for (const entry of listed.slice(-MAX_PEERS)) {
      const peer = checkedPeer(entry);
      if (peer !== undefined) this.#add(peer);
    }
  }

  async #writeSoon(): Promise<void> {
    await this.#clock.sleep(WRITE_AFTER_MS, { signal: this.#stopped.signal }).catch(() => {}); // close writes at once
    await this.#write();
    this.#writing = undefined;
    if (this.#isChanged && !this.#stopped.signal.aborted) this.#writing = this.#writeSoon();
  }

  async #write(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    try {
      const document = { version: VERSION, peers: [...this.#peers.values()] };
      await writeSmallFile(this.#path, JSON.stringify(document), { replace: true });
    } catch (error) {
      this.#log.warn('known peers are not written down', { path: this.#path, error: messageOf(error) });
    }
  }
}

function checkedPeer(entry: unknown): PeerAddress | undefined {
  if (!isRecord(entry)) return undefined;
  const { peerId, addresses } = entry as Partial<Record<keyof PeerAddress, unknown>>;
  if (typeof peerId !== 'string' || !Array.isArray(addresses)) return undefined;
  try {
    peerIdToBytes(peerId);
  } catch {
    return undefined;
  }
  const listed: readonly unknown[] = addresses;
  const usable = listed.slice(0, MAX_ADDRESSES).filter(isAddress);
  return usable.length === 0 ? undefined : { peerId, addresses: usable };
}

function isAddress(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_ADDRESS_LENGTH) return false;
  try {
    return multiaddr(value).getComponents().length > 0;
  } catch {
    return false;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
