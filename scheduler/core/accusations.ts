// Who says of whom that it sent wrong bytes, lied or stalled, and what follows. The scheduler sees no bytes, so every
// accusation may itself be a lie. docs/protocol.md (Accusations and bans) has the rule and why it is so.
//
// - An accuser and whom it accuses of wrong bytes are kept apart at once: that costs an honest peer one neighbour, and
//   protects an honest accuser from the first wrong piece on.
// - A ban needs several accusers that had to do with the accused: two of up to three acquaintances, three of more. One
//   accuser counts once, however often it says it; one that nobody agrees with, about many peers, does not count at all.

import { WireAccusation } from '../../proto/index.ts';
import type { PeerKey } from './node.ts';

export interface Accusation {
  readonly accuser: PeerKey;
  readonly accused: PeerKey;
  /** As on the wire. */
  readonly what: number;
  /** Other nodes that the accused has to do with now, up to where more make no difference. */
  readonly acquaintances: ReadonlySet<PeerKey>;
  /** Pieces that others were served by the accused: a witness against calling it stalled. */
  readonly servedPieces: number;
}

export interface AccusationOutcome {
  /** The accuser may be believed for itself: within what one may accuse others of. */
  readonly isTaken: boolean;
  readonly isApart: boolean;
  /** Undefined: no ban. */
  readonly banMs: number | undefined;
}

/** Accusations are added up for so long; so long are two kept apart. */
const WINDOW_MS = 10 * 60_000;
/** Of one accuser in a window: an honest one meets few liars, and says it once for each wrong piece. */
const MAX_TAKEN = 64;
/** Peers that one accuses alone, before its word is no longer counted towards bans. */
const MAX_ACCUSED_ALONE = 3;
/** An accuser's sum over one peer counts up to here. */
const FULL_WEIGHT = 1;
/** Also honest peers refuse a piece that they have just given up, and are slow under load. */
const WEIGHTS: Readonly<Record<number, number>> = {
  [WireAccusation.ACCUSE_WRONG_BYTES]: 1,
  [WireAccusation.ACCUSE_LYING_BITMAP]: 0.25,
  [WireAccusation.ACCUSE_STALLED]: 0.1,
};
/**
 * One that served others so many pieces (1 MiB) is slow, not stalled. A machine that stands still for 8 s in its first
 * seconds is called stalled ten times by seven others (scripts/chaos.ts, leases-expire).
 */
const SERVES_PIECES = 16;
/** More accusers than this are never needed. */
const ACCUSERS_NEEDED = 3;
const FIRST_BAN_MS = 10 * 60_000;
const LONGEST_BAN_MS = 24 * 60 * 60_000;
/** Peers that each record is kept for; beyond it the oldest goes. */
const MAX_RECORDS = 4096;

export class Accusations {
  /** By accused, then by accuser. */
  readonly #sums = new Map<PeerKey, Map<PeerKey, { sum: number; at: number }>>();
  readonly #accusers = new Map<PeerKey, { since: number; taken: number; readonly accused: Set<PeerKey> }>();
  readonly #apart = new Map<PeerKey, Map<PeerKey, number>>();
  readonly #bans = new Map<PeerKey, { until: number; times: number }>();

  accuse(accusation: Accusation, now: number): AccusationOutcome {
    const { accuser, accused, what } = accusation;
    const weight = WEIGHTS[what];
    const record = this.#recordOf(accuser, now);
    if (weight === undefined || accuser === accused || record.taken >= MAX_TAKEN) {
      return { isTaken: false, isApart: false, banMs: undefined };
    }
    record.taken++;
    const isExcused = what === WireAccusation.ACCUSE_STALLED && accusation.servedPieces >= SERVES_PIECES;
    const sum = this.#add(accuser, accused, isExcused ? 0 : weight, now);
    record.accused.add(accused);
    const isApart = sum >= FULL_WEIGHT;
    if (isApart) {
      this.#keepApart(accuser, accused, now);
      this.#keepApart(accused, accuser, now);
    }
    return { isTaken: true, isApart, banMs: this.#judge(accusation, now) };
  }

  areApart(a: PeerKey, b: PeerKey): boolean {
    return this.#apart.size > 0 && (this.#apart.get(a)?.has(b) ?? false);
  }

  /** ms that a peer is still banned; 0 when it is not. */
  bannedForMs(peer: PeerKey, now: number): number {
    return Math.max(0, (this.#bans.get(peer)?.until ?? 0) - now);
  }

  /** All who are banned now. */
  *banned(now: number): Generator<{ readonly peer: PeerKey; readonly ms: number }> {
    for (const [peer, { until }] of this.#bans) if (until > now) yield { peer, ms: until - now };
  }

  /** Forgets what is over. */
  prune(now: number): void {
    for (const [accused, accusers] of this.#sums) {
      for (const [accuser, { at }] of accusers) if (now - at > WINDOW_MS) accusers.delete(accuser);
      if (accusers.size === 0) this.#sums.delete(accused);
    }
    for (const [accuser, { since }] of this.#accusers) if (now - since > WINDOW_MS) this.#accusers.delete(accuser);
    for (const [a, others] of this.#apart) {
      for (const [b, until] of others) if (until <= now) others.delete(b);
      if (others.size === 0) this.#apart.delete(a);
    }
    for (const [peer, { until }] of this.#bans) if (now - until > LONGEST_BAN_MS) this.#bans.delete(peer);
  }

  #judge({ accused, acquaintances }: Accusation, now: number): number | undefined {
    const accusers = this.#sums.get(accused) ?? new Map<PeerKey, { sum: number; at: number }>();
    let sum = 0;
    let count = 0;
    const known = new Set(acquaintances);
    for (const [accuser, word] of accusers) {
      known.add(accuser);
      if (now - word.at > WINDOW_MS || word.sum === 0 || !this.#counts(accuser)) continue;
      sum += Math.min(FULL_WEIGHT, word.sum);
      count++;
    }
    // Two alone are kept apart, and nobody can say which of them lies.
    const needed = known.size < 2 ? Infinity : known.size <= 3 ? 2 : ACCUSERS_NEEDED;
    if (count < needed || sum < FULL_WEIGHT) return undefined;
    this.#sums.delete(accused);
    const times = (this.#bans.get(accused)?.times ?? 0) + 1;
    const banMs = Math.min(LONGEST_BAN_MS, FIRST_BAN_MS * 2 ** (times - 1));
    remember(this.#bans, accused, { until: now + banMs, times });
    return banMs;
  }

  /** Not somebody who accuses one after the other without anybody agreeing. */
  #counts(accuser: PeerKey): boolean {
    let alone = 0;
    for (const accused of this.#accusers.get(accuser)?.accused ?? []) {
      if (this.#sums.get(accused)?.size === 1) alone++;
    }
    return alone <= MAX_ACCUSED_ALONE;
  }

  #add(accuser: PeerKey, accused: PeerKey, weight: number, now: number): number {
    const accusers = this.#sums.get(accused) ?? new Map<PeerKey, { sum: number; at: number }>();
    const word = accusers.get(accuser);
    const before = word === undefined || now - word.at > WINDOW_MS ? 0 : word.sum;
    const sum = before + weight;
    remember(accusers, accuser, { sum, at: now });
    remember(this.#sums, accused, accusers);
    return sum;
  }

  #recordOf(accuser: PeerKey, now: number): { since: number; taken: number; readonly accused: Set<PeerKey> } {
    const record = this.#accusers.get(accuser);
    if (record !== undefined && now - record.since <= WINDOW_MS) return record;
    const fresh = { since: now, taken: 0, accused: new Set<PeerKey>() };
    remember(this.#accusers, accuser, fresh);
    return fresh;
  }

  #keepApart(a: PeerKey, b: PeerKey, now: number): void {
    const others = this.#apart.get(a) ?? new Map<PeerKey, number>();
    remember(others, b, now + WINDOW_MS);
    remember(this.#apart, a, others);
  }
}

/** Sets, as the newest; the oldest goes when there are too many. */
function remember<V>(map: Map<PeerKey, V>, key: PeerKey, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_RECORDS) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
