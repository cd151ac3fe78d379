// A connected node: who it is, what it said about itself, and what others said about how it serves.

import type { Member } from './member.ts';
import { type Distance, distanceBetween, type Place, placeOf } from './place.ts';
import { rankParent } from './ranking.ts';

export interface NodeInfo {
  readonly addresses: readonly string[];
  readonly name: string;
  readonly version: string;
  readonly isSeed: boolean;
  readonly uploadSlots: number;
}

/** The key under which a peer is found: its id's bytes as characters, which costs less than the text form. */
export type PeerKey = string & { readonly peerKey: true };

export function peerKeyOf(peerId: Uint8Array): PeerKey {
  return Buffer.from(peerId.buffer, peerId.byteOffset, peerId.byteLength).toString('latin1') as PeerKey;
}

const NOWHERE = placeOf({ region: '', zone: '', rack: '' });
/** Half of the weight of failures is gone after so long: a node that was restarted is to be chosen again soon. */
const FAILURES_HALVE_MS = 60_000;
/** The same of pieces that it has served: who carries a start now is not known by yesterday's. */
const SERVED_HALVE_MS = 10_000;
/** Weight of a new sample of the rate. */
const RATE_GAIN = 0.25;
/** Of a node nobody has tried yet, how many failures it may have at most before more make no difference. */
const MAX_FAILURES = 100;

export class NodeState {
  readonly connection: number;
  readonly key: PeerKey;
  readonly peerId: Uint8Array;
  /** The peer id in text form. */
  readonly peerName: string;
  /** Undefined until its Hello. */
  info: NodeInfo | undefined;
  place: Place = NOWHERE;
  queueLength = 0;
  freeSlots = 0;
  /** What it was told. */
  reportIntervalMs = 0;
  /** The network does not take what is sent to it: it is told nothing new until it reads. */
  isBlocked = false;
  /** By the handle that the node chose. */
  readonly members = new Map<number, Member>();
  /** Pieces served for others since it connected: a witness against calling it stalled. */
  servedPieces = 0;
  #rate = 0;
  #servedLately = 0;
  #servedAt = 0;
  #failures = 0;
  #failuresAt = 0;

  constructor(who: {
    readonly connection: number;
    readonly key: PeerKey;
    readonly peerId: Uint8Array;
    readonly peerName: string;
  }) {
    this.connection = who.connection;
    this.key = who.key;
    this.peerId = who.peerId;
    this.peerName = who.peerName;
  }

  /** Pieces per second, as its children measured; 0 when nobody was served. */
  get rate(): number {
    return this.#rate;
  }

  /** Pieces that it served of late, older ones counted for less. */
  servedLately(now: number): number {
    return this.#servedLately * 2 ** ((this.#servedAt - now) / SERVED_HALVE_MS);
  }

  failures(now: number): number {
    return this.#failures * 2 ** ((this.#failuresAt - now) / FAILURES_HALVE_MS);
  }

  wasServing(sample: { readonly pieces: number; readonly ms: number; readonly failures: number }, now: number): void {
    if (sample.pieces > 0 && sample.ms > 0) {
      const rate = (sample.pieces * 1000) / sample.ms;
      this.#rate = this.#rate === 0 ? rate : this.#rate + RATE_GAIN * (rate - this.#rate);
      this.servedPieces += sample.pieces;
      this.#servedLately = this.servedLately(now) + sample.pieces;
      this.#servedAt = now;
    }
    if (sample.failures > 0) this.hasFailed(sample.failures, now);
  }

  hasFailed(times: number, now: number): void {
    this.#failures = Math.min(MAX_FAILURES, this.failures(now) + times);
    this.#failuresAt = now;
  }

  distanceTo(other: NodeState): Distance {
    return distanceBetween(this.place, other.place);
  }

  /** How good a parent this node would be for `child`; `holds` says how much of what it needs is here, 0 to 1. */
  rankFor(child: NodeState, holds: number, now: number): number {
    return rankParent({
      holds,
      uploadSlots: this.info?.uploadSlots ?? 0,
      freeSlots: this.freeSlots,
      queueLength: this.queueLength,
      distance: this.distanceTo(child),
      isSeed: this.info?.isSeed ?? false,
      rate: this.#rate,
      failures: this.failures(now),
      isBanned: false,
    });
  }
}
