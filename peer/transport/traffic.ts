// How many bytes went to and came from each peer, and how fast now. Bounded: the peer heard of longest ago is forgotten.

import type { Clock } from '../../core/index.ts';

/** Rates are means over about so long. */
const MEAN_MS = 5_000;
const MAX_PEERS = 2_048;

export interface PeerTraffic {
  /** Bytes of pieces and chunks since this node knows the peer, and per second. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receivedPerSecond: number;
  readonly sentPerSecond: number;
}

class Meter {
  total = 0;
  #rate = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  add(bytes: number, nowMs: number): void {
    this.#rate = this.perSecond(nowMs) + (bytes * 1000) / MEAN_MS;
    this.#atMs = nowMs;
    this.total += bytes;
  }

  perSecond(nowMs: number): number {
    return this.#rate * Math.exp((this.#atMs - nowMs) / MEAN_MS);
  }
}

export class Traffic {
  readonly #clock: Clock;
  readonly #peers = new Map<string, { readonly received: Meter; readonly sent: Meter }>();
  /** To all peers, also those that were forgotten. */
  sentBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  received(peerId: string, bytes: number): void {
    this.#of(peerId).received.add(bytes, this.#clock.monotonic());
  }

  sent(peerId: string, bytes: number): void {
    this.#of(peerId).sent.add(bytes, this.#clock.monotonic());
    this.sentBytes += bytes;
  }

  of(peerId: string): PeerTraffic {
    const now = this.#clock.monotonic();
    const known = this.#peers.get(peerId);
    return {
      receivedBytes: known?.received.total ?? 0,
      sentBytes: known?.sent.total ?? 0,
      receivedPerSecond: Math.round(known?.received.perSecond(now) ?? 0),
      sentPerSecond: Math.round(known?.sent.perSecond(now) ?? 0),
    };
  }

  #of(peerId: string) {
    const now = this.#clock.monotonic();
    const peer = this.#peers.get(peerId) ?? { received: new Meter(now), sent: new Meter(now) };
    this.#peers.delete(peerId);
    this.#peers.set(peerId, peer);
    const oldest = this.#peers.keys().next().value;
    if (this.#peers.size > MAX_PEERS && oldest !== undefined) this.#peers.delete(oldest);
    return peer;
  }
}
