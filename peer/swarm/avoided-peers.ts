// Peers that this node does not deal with for now: those that sent it wrong bytes, and those that the scheduler banned.

import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/index.ts';
import type { PeerNetwork } from '../ports.ts';

export class AvoidedPeers {
  readonly #ports: { readonly network: PeerNetwork; readonly clock: Clock };
  /** Until when, monotonic. */
  readonly #until: LRUCache<string, number>;
  readonly #wrongPieces: LRUCache<string, number>;

  constructor(ports: { readonly network: PeerNetwork; readonly clock: Clock }, most: number) {
    this.#ports = ports;
    this.#until = new LRUCache({ max: most });
    this.#wrongPieces = new LRUCache({ max: most });
  }

  has(peerId: string): boolean {
    return (this.#until.get(peerId) ?? 0) > this.#ports.clock.monotonic();
  }

  /** From now on; its connections are ended. */
  add(peerId: string, durationMs: number, reason: string): void {
    const until = this.#ports.clock.monotonic() + durationMs;
    this.#until.set(peerId, Math.max(until, this.#until.get(peerId) ?? 0));
    this.#ports.network.ban(peerId, until, reason);
  }

  countWrongPiece(peerId: string): void {
    this.#wrongPieces.set(peerId, this.wrongPiecesOf(peerId) + 1);
  }

  /** Pieces it sent that were not what they should be, as far as that is remembered. */
  wrongPiecesOf(peerId: string): number {
    return this.#wrongPieces.get(peerId) ?? 0;
  }

  get count(): number {
    const now = this.#ports.clock.monotonic();
    return [...this.#until.values()].filter(until => until > now).length;
  }
}
