// Peers that were of use, on disk: whom to ask after a restart when no scheduler can be reached. The file is a hint and no
// more: whatever is wrong with it, the node starts with what can be read of it.

import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { multiaddr } from '@multiformats/multiaddr';
import { type Clock, errnoOf, type Logger, messageOf } from '../../core/index.ts';
import { peerIdToBytes } from '../../proto/index.ts';
import type { PeerAddress } from '../ports.ts';

const VERSION = 1;
/** A swarm is entered through one peer; hundreds survive any change of a cluster. */
const MAX_PEERS = 256;
const MAX_ADDRESSES = 16;
const MAX_ADDRESS_LENGTH = 256;
/** More than all of that takes. What is larger was not written by us. */
const MAX_FILE_BYTES = 2 << 20;
/** News is written down once in so long, and at the end: which of hundreds was the last is not worth a write each. */
const WRITE_AFTER_MS = 5_000;
const FILE_MODE = 0o600;

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
      const text = await readBounded(path);
      if (text !== undefined) known.#take(JSON.parse(text));
    } catch (error) {
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

  /** Another file in its place, so that a reader sees the old one or the new one. */
  async #write(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const next = `${this.#path}.next`;
    try {
      await rm(next, { force: true });
      const file = await open(next, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
      try {
        await file.writeFile(JSON.stringify({ version: VERSION, peers: [...this.#peers.values()] }));
      } finally {
        await file.close();
      }
      await rename(next, this.#path);
    } catch (error) {
      this.#log.warn('known peers are not written down', { path: this.#path, error: messageOf(error) });
    }
  }
}

/** Undefined when there is none. */
async function readBounded(path: string): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // Whatever lies there (a pipe, say) must not keep the node from starting.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('not a file');
    if (stat.size > MAX_FILE_BYTES) throw new Error(`${stat.size} bytes: at most ${MAX_FILE_BYTES} are read`);
    return (await file.readFile()).toString();
  } finally {
    await file.close();
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
