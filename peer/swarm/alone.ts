// What a blob's node does when no scheduler has the task (docs/protocol.md "What a child does"): looks for peers, and for
// pieces that none of them has asks the one that everybody would ask, which may be itself.

import type { Clock } from '../../core/index.ts';
import type { TaskId } from '../../proto/index.ts';
import type { Discovery, PeerAddress, PeerNetwork } from '../ports.ts';
import type { SwarmSettings } from './config.ts';
import type { Download } from './download.ts';
import { UsualTime } from './hedge.ts';
import type { Parent } from './parent.ts';
import { ownersOf } from './rendezvous.ts';

export class Alone {
  readonly #download: Download;
  readonly #ports: {
    readonly network: PeerNetwork;
    readonly discovery: Discovery;
    readonly clock: Clock;
    readonly settings: SwarmSettings;
  };
  readonly #events: { readonly onNobody: (pieces: readonly number[]) => void };
  readonly #search: Search;
  readonly #owners: Owners;

  constructor(
    taskId: TaskId,
    download: Download,
    ports: {
      readonly network: PeerNetwork;
      readonly discovery: Discovery;
      readonly clock: Clock;
      readonly settings: SwarmSettings;
    },
    events: {
      readonly onPeer: (peer: PeerAddress) => void;
      /** A search has ended. */
      readonly onChanged: () => void;
      /** All who could fetch these have said no. */
      readonly onNobody: (pieces: readonly number[]) => void;
    },
  ) {
    this.#download = download;
    this.#ports = ports;
    this.#events = events;
    this.#owners = new Owners(taskId);
    this.#search = new Search(taskId, ports, ports.settings, { onPeer: events.onPeer, onEnd: events.onChanged });
  }

  /** May a search still bring somebody soon? */
  isHopeful(now: number): boolean {
    return this.#search.isHopeful(now);
  }

  /** Idempotent. */
  start(): void {
    this.#search.start();
  }

  stop(): void {
    this.#search.stop();
    this.#owners.clear();
  }

  forget(piece: number): void {
    this.#owners.forget(piece);
  }

  /** To be called before `forget`. */
  arrived(piece: number, now: number): void {
    this.#owners.arrived(piece, now);
  }

  /** Without a scheduler: pieces that nobody has, of those who would fetch them. */
  ask(now: number): void {
    const { settings, network } = this.#ports;
    const usable = this.#download.parents.all.filter(parent => parent.isUsable(now));
    if (usable.length === 0) return;
    const peers = [network.peerId, ...usable.map(parent => parent.peerId)];
    const nobody: number[] = [];
    const byParent = new Map<Parent, number[]>();
    for (const piece of this.#ownerless(settings.ownedUnderWay)) {
      const isDemanded = this.#download.wanted.laneOf(piece) === 'demand';
      const waitMs = isDemanded ? demandPatience(this.#owners.usualMs, settings) : settings.patientOwnerMs;
      const owner = this.#owners.next(piece, peers, { ms: now, waitMs, isFree: !this.#download.isComing(piece) });
      if (owner === undefined) continue;
      if (owner === 'nobody') nobody.push(piece);
      else if (owner === network.peerId) this.#download.fetchUnasked(piece, now);
      else {
        const parent = this.#download.parents.get(owner);
        if (parent !== undefined) byParent.set(parent, [...(byParent.get(parent) ?? []), piece]);
      }
    }
    for (const [parent, pieces] of byParent) this.#download.ask(parent, pieces, { now, mayFetch: true });
    if (nobody.length > 0) this.#events.onNobody(nobody);
  }

  /** Pieces that owners were asked for, and as many more as may be under way. */
  #ownerless(most: number): number[] {
    const pieces = this.#owners.pieces.filter(piece => this.#download.wanted.holders(piece) === 0);
    let looks = this.#ports.settings.lookedAt;
    if (pieces.length < most) {
      for (const piece of this.#download.wanted.allIdle()) {
        if (pieces.length >= most || looks-- <= 0) break;
        if (this.#download.wanted.holders(piece) === 0 && !this.#download.fetcher.has(piece) && !pieces.includes(piece))
          pieces.push(piece);
      }
    }
    return pieces;
  }
}

/**
 * How long the owner of a demanded piece is waited for before the next one is asked, ms. Without regard to what it usually
 * takes, nodes that all wait for one link would have everything sent twice over it, and wait the longer.
 */
export function demandPatience(
  usualMs: number | undefined,
  limits: { readonly ownerMs: number; readonly patientOwnerMs: number },
): number {
  return Math.min(limits.patientOwnerMs, Math.max(limits.ownerMs, usualMs ?? 0));
}

interface SearchLimits {
  readonly searchMs: number;
  readonly searchMostMs: number;
  readonly searchPatienceMs: number;
}

/** The search for peers: at once, then at a growing pace for as long as there is no scheduler. */
export class Search {
  readonly #taskId: TaskId;
  readonly #ports: { readonly discovery: Discovery; readonly clock: Clock };
  readonly #limits: SearchLimits;
  readonly #onPeer: (peer: PeerAddress) => void;
  readonly #onEnd: () => void;
  #stop: AbortController | undefined;
  #beganAt: number | undefined;
  #isLooking = false;

  constructor(
    taskId: TaskId,
    ports: { readonly discovery: Discovery; readonly clock: Clock },
    limits: SearchLimits,
    events: { readonly onPeer: (peer: PeerAddress) => void; readonly onEnd: () => void },
  ) {
    this.#taskId = taskId;
    this.#ports = ports;
    this.#limits = limits;
    this.#onPeer = events.onPeer;
    this.#onEnd = events.onEnd;
  }

  /** May the first look still bring somebody soon? */
  isHopeful(now: number): boolean {
    return this.#isLooking && this.#beganAt !== undefined && now - this.#beganAt < this.#limits.searchPatienceMs;
  }

  /** Idempotent. */
  start(): void {
    if (this.#stop !== undefined) return;
    this.#stop = new AbortController();
    this.#beganAt = this.#ports.clock.monotonic();
    void this.#run(this.#stop.signal);
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = undefined;
    this.#isLooking = false;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    for (
      let pauseMs = this.#limits.searchMs;
      !signal.aborted;
      pauseMs = Math.min(pauseMs * 2, this.#limits.searchMostMs)
    ) {
      await this.#look(signal);
      if (signal.aborted) return;
      // Half to all of it: nodes that lost their scheduler together do not search together.
      await clock.sleep(pauseMs * (0.5 + clock.random() / 2), { signal }).catch(() => {}); // the loop looks at the signal
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    this.#isLooking = true;
    try {
      for await (const peer of this.#ports.discovery.find(this.#taskId, { signal })) {
        if (signal.aborted) return;
        this.#onPeer(peer);
      }
    } catch {
      // Nobody was found; the next look may.
    } finally {
      if (!signal.aborted) {
        this.#isLooking = false;
        this.#onEnd();
      }
    }
  }
}

interface Owned {
  /** Owners that were asked, this node among them. */
  readonly asked: Set<string>;
  readonly since: number;
  lastAt: number;
}

/** Whom to ask for pieces that nobody has: pure bookkeeping, time is an argument. */
export class Owners {
  readonly #taskId: TaskId;
  readonly #byPiece = new Map<number, Owned>();
  readonly #usual = new UsualTime();

  constructor(taskId: TaskId) {
    this.#taskId = taskId;
  }

  get size(): number {
    return this.#byPiece.size;
  }

  /** How long pieces take that owners are asked for, ms: where all use one slow link, longer than it takes one. */
  get usualMs(): number | undefined {
    return this.#usual.ms;
  }

  get pieces(): number[] {
    return [...this.#byPiece.keys()];
  }

  /**
   * The owner to ask now, of these peers; undefined: wait for those that were asked; `nobody`: all were, and it is their
   * time. `waitMs`: how long the last
   * one is waited for; `isFree`: nobody is asked for it at the moment (all have refused), so there is nothing to wait for.
   */
  next(
    piece: number,
    peers: readonly string[],
    now: { readonly ms: number; readonly waitMs: number; readonly isFree: boolean },
  ): string | 'nobody' | undefined {
    const owned = this.#byPiece.get(piece);
    if (owned !== undefined && !now.isFree && now.ms - owned.lastAt < now.waitMs) return undefined;
    const owner = ownersOf(this.#taskId, piece, peers).find(peer => !owned?.asked.has(peer));
    if (owner === undefined) return owned !== undefined && !now.isFree ? undefined : 'nobody';
    if (owned === undefined) this.#byPiece.set(piece, { asked: new Set([owner]), since: now.ms, lastAt: now.ms });
    else {
      owned.asked.add(owner);
      owned.lastAt = now.ms;
    }
    return owner;
  }

  arrived(piece: number, now: number): void {
    const owned = this.#byPiece.get(piece);
    if (owned !== undefined) this.#usual.note(now - owned.since);
  }

  /** It came, or nobody wants it, or somebody has it. */
  forget(piece: number): void {
    this.#byPiece.delete(piece);
  }

  clear(): void {
    this.#byPiece.clear();
  }
}
