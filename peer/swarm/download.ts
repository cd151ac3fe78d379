// The child's side of a blob: what is asked of whom. Events of parents and scheduler change its state; `turn` decides what
// follows, `tick` what only time changes. What arrives is handed to the task (DownloadHost), which verifies and keeps it.

import { type Clock, LANES, type Lane, type RangeReader, type SharedBlob } from '../../core/index.ts';

import type { Discovery, JoinedTask, PeerNetwork, ScheduledParent, Schedulers } from '../ports.ts';
import { Owners, Search } from './alone.ts';
import type { AvoidedPeers } from './avoided-peers.ts';
import { choose } from './choose.ts';
import type { SwarmSettings } from './config.ts';
import type { SwarmCounters } from './counters.ts';
import { LeaseFetcher } from './lease-fetcher.ts';
import type { Parent } from './parent.ts';
import { ParentView } from './parent-view.ts';
import { Parents, type Refusal, type Word } from './parents.ts';
import { Requests } from './requests.ts';
import { SchedulerSide } from './scheduler-side.ts';
import { WantedPieces } from './wanted-pieces.ts';
import { Watch } from './watch.ts';

export interface DownloadPorts {
  readonly network: PeerNetwork;
  readonly schedulers: Schedulers;
  readonly discovery: Discovery;
  readonly clock: Clock;
  readonly origin: RangeReader;
  readonly avoided: AvoidedPeers;
  readonly counters: SwarmCounters;
  readonly settings: SwarmSettings;
}

export interface DownloadHost {
  /** Unverified bytes, from a parent or (undefined) the origin. Returns whether they are right; a right piece is here now, or was. */
  onPiece(piece: number, bytes: Uint8Array<ArrayBuffer>, from: Parent | undefined): boolean;
  isHere(piece: number): boolean;
  /** Nobody is asked for these any more. */
  onNotComing(pieces: readonly number[]): void;
  /** Everybody who could bring these has said no. */
  onNobody(pieces: readonly number[]): void;
  /** Sent wrong bytes for the piece before, as far as one knows. */
  isShunned(piece: number, peerId: string): boolean;
  /** Something changed: `turn` is to be called soon, and `tick` from now on. */
  onChanged(): void;
}

export class Download {
  readonly wanted: WantedPieces;
  readonly parents: Parents;
  readonly requests: Requests;
  readonly scheduler: SchedulerSide;
  readonly fetcher: LeaseFetcher;
  readonly #ports: DownloadPorts;
  readonly #host: DownloadHost;
  readonly #search: Search;
  readonly #owners: Owners;
  readonly #watch: Watch;
  readonly #joinedAt: number;
  /** Wanted pieces whose lessee is known and not asked yet. */
  readonly #toPark = new Set<number>();
  /** Pieces under way that another parent got. */
  readonly #news = new Map<number, Parent>();
  /** Pieces under way whose lane rose. */
  readonly #raised = new Set<number>();
  #originRestsUntil = 0;
  #mayReadOrigin = true;

  constructor(blob: SharedBlob, joined: JoinedTask, ports: DownloadPorts, host: DownloadHost) {
    const { clock, settings, network } = ports;
    this.#ports = ports;
    this.#host = host;
    this.#joinedAt = clock.monotonic();
    this.wanted = new WantedPieces(joined.pieceCount, () => clock.random());
    this.requests = new Requests(this.wanted, pieces => this.#freed(pieces));
    const task = { taskId: joined.taskId, digest: blob.digest, pieceCount: joined.pieceCount };
    this.parents = new Parents(
      task,
      { network, wanted: this.wanted },
      {
        onChanged: parent => this.#opened(parent),
        onGone: parent => this.#parentGone(parent),
        onHave: (parent, pieces) => this.#have(parent, pieces),
        onPiece: (parent, piece, bytes) => this.#pieceOf(parent, piece, bytes),
        onRefused: (parent, pieces, why) => this.#refused(parent, pieces, why),
        onNowhere: pieces => this.#consider(pieces),
      },
    );
    this.fetcher = new LeaseFetcher(blob, ports, settings, {
      onPiece: (piece, bytes) => host.onPiece(piece, bytes, undefined),
      onFailed: (pieces, reason, retryAfterMs) => this.#leaseFailed(pieces, reason, retryAfterMs),
    });
    this.#owners = new Owners(joined.taskId, settings.ownerMs);
    this.#search = new Search(joined.taskId, ports, settings, {
      onPeer: peer => this.#addParent(peer, { distance: 3 }),
      onEnd: () => host.onChanged(),
    });
    const spread = () => clock.monotonic() + clock.random() * settings.returnSpreadMs;
    this.scheduler = new SchedulerSide(
      joined,
      { schedulers: ports.schedulers, wanted: this.wanted, spread },
      {
        onChanged: () => this.#schedulerChanged(),
        onParents: (add, remove) => this.#parentsSaid(add, remove),
        onLease: pieces => this.#leased(pieces),
        onLessee: (peerId, pieces) => this.#lesseeSaid(peerId, pieces),
        onBan: (peerId, durationMs, reason) => this.avoid(peerId, durationMs, reason),
        onOriginHold: durationMs => {
          this.#originRestsUntil = clock.monotonic() + durationMs;
        },
      },
    );
    this.#watch = new Watch(this, ports);
  }

  /** Is it on its way: asked of somebody, or being fetched from the origin? */
  isComing(piece: number): boolean {
    return this.fetcher.has(piece) || this.requests.flight(piece) !== undefined;
  }

  want(piece: number, lane: Lane, now: number): void {
    const before = this.wanted.laneOf(piece);
    if (!this.wanted.want(piece, lane)) return;
    if (lane === 'demand') this.#watch.demanded(piece, now);
    if (this.wanted.isIdle(piece)) this.#consider([piece]);
    else if (before === undefined || LANES.indexOf(lane) < LANES.indexOf(before)) this.#raised.add(piece);
  }

  /** Nobody waits for them here any more. What is leased is fetched all the same: others count on it. */
  unwant(pieces: readonly number[]): void {
    for (const piece of pieces) {
      this.wanted.unwant(piece);
      this.#forget(piece);
    }
    const underWay = pieces.filter(piece => this.requests.flight(piece) !== undefined);
    this.requests.cancel(underWay);
    this.#host.onNotComing(underWay);
  }

  /** They are here: whoever else was asked is told so. */
  arrived(piece: number): void {
    this.wanted.unwant(piece);
    this.requests.cancel([piece]);
    this.fetcher.drop(piece);
    this.scheduler.forgetLessee(piece);
    this.#forget(piece);
  }

  /** Fetches from the origin without being told to by a scheduler. Returns whether it will. */
  fetchUnasked(piece: number, now: number): boolean {
    if (!this.#mayReadOrigin || now < this.#originRestsUntil) return false;
    this.fetcher.add([piece]);
    return true;
  }

  /** Nobody to ask, and nobody in sight? */
  isHopeless(now: number): boolean {
    return this.#isAlone(now) && !this.parents.hasHope(now) && !this.#search.isHopeful(now);
  }

  avoid(peerId: string, durationMs: number, reason: string): void {
    this.#ports.avoided.add(peerId, durationMs, reason);
    this.parents.remove(peerId);
    this.#host.onChanged();
  }

  turn(now: number): void {
    const { settings } = this.#ports;
    if (this.#isAlone(now) && this.wanted.size > 0) this.#search.start();
    this.#moveToNews(now);
    this.scheduler.say(now, piece => this.fetcher.has(piece));
    this.#choose(this.wanted.urgent(), settings.askedInAll, now);
    this.#choose(this.wanted.rare(), settings.askedInBackground, now);
    this.#park(now);
    this.#raise();
    if (this.#isAlone(now)) this.#askOwners(now);
  }

  /** Returns whether there is anything to watch. */
  tick(now: number): boolean {
    this.parents.tick(now - this.#ports.settings.connectMs);
    this.fetcher.tick(now);
    this.#watch.tick(now);
    return this.wanted.size > 0 || this.requests.size > 0 || this.fetcher.size > 0 || this.#watch.isBusy;
  }

  stop(): void {
    this.#search.stop();
    this.fetcher.stop();
    this.scheduler.leave();
    this.parents.close();
  }

  /** Those that can be asked, as `choose` sees them. */
  views(now: number): ParentView[] {
    const usable = this.parents.all.filter(parent => parent.isUsable(now));
    const measured = usable.filter(parent => parent.isMeasured);
    const mean = measured.reduce((sum, parent) => sum + parent.paceMs, 0) / measured.length;
    const most = this.#ports.settings.askedOfOneParent;
    return usable.map(
      parent =>
        new ParentView(parent, {
          most,
          meanPaceMs: mean,
          isShunned: piece => this.#host.isShunned(piece, parent.peerId),
        }),
    );
  }

  /** Asks the parent, in the lanes that the pieces are wanted in. */
  ask(parent: Parent, pieces: readonly number[], options: { readonly now: number; readonly mayFetch?: boolean }): void {
    for (const lane of LANES) {
      const own = pieces.filter(piece => (this.wanted.laneOf(piece) ?? 'background') === lane);
      if (own.length > 0)
        this.requests.ask(parent, own, { lane, mayFetch: options.mayFetch ?? false, now: options.now });
    }
  }

  /** Takes a piece from the parents that are asked for it and asks another. */
  move(piece: number, to: Parent, now: number): void {
    for (const parent of [...(this.requests.flight(piece)?.parents ?? [])]) this.requests.withdraw(parent, [piece]);
    this.#ports.counters.moves++;
    this.ask(to, [piece], { now });
  }

  #isAlone(now: number): boolean {
    if (this.scheduler.isUp) return false;
    return this.scheduler.isKnownDown || now - this.#joinedAt >= this.#ports.settings.schedulerGraceMs;
  }

  #choose(wanted: Iterable<number>, most: number, now: number): void {
    const room = most - this.requests.size;
    if (room <= 0 || this.wanted.idle === 0) return;
    const { settings, clock } = this.#ports;
    const views = this.views(now).filter(view => view.room > 0);
    if (views.length === 0) return;
    const chosen = choose(wanted, views, { most: room, lookedAt: settings.lookedAt, chance: () => clock.random() });
    for (const [view, pieces] of chosen) this.ask(view.parent, pieces, { now });
  }

  /** Asks lessees for what they do not have yet: it waits there. */
  #park(now: number): void {
    const { settings } = this.#ports;
    const byParent = new Map<Parent, number[]>();
    let room = settings.askedInAll - this.requests.size;
    for (const piece of this.#toPark) {
      const lessee = this.scheduler.lesseeOf(piece);
      if (lessee === undefined || !this.wanted.isIdle(piece) || this.fetcher.has(piece)) {
        this.#toPark.delete(piece);
        continue;
      }
      const parent = this.parents.get(lessee);
      if (room <= 0 || !parent?.isUsable(now) || this.#host.isShunned(piece, lessee)) continue;
      this.#toPark.delete(piece);
      room--;
      const own = byParent.get(parent);
      if (own === undefined) byParent.set(parent, [piece]);
      else own.push(piece);
    }
    for (const [parent, pieces] of byParent) this.ask(parent, pieces, { now });
  }

  /** Pieces that wait somewhere, and another parent has got them meanwhile. */
  #moveToNews(now: number): void {
    if (this.#news.size === 0) return;
    const views = new Map(this.views(now).map(view => [view.parent, view]));
    for (const [piece, parent] of this.#news) {
      const view = views.get(parent);
      if (view !== undefined && view.room > 0 && this.#watch.isWorthMoving(piece, view, now)) {
        this.move(piece, parent, now);
        view.room--;
      }
    }
    this.#news.clear();
  }

  /** Who was asked in a lower lane is asked anew: the parent keeps its queue by lanes. */
  #raise(): void {
    for (const piece of this.#raised) {
      const lane = this.wanted.laneOf(piece);
      if (lane === undefined) continue;
      for (const parent of this.requests.flight(piece)?.parents ?? []) {
        parent.task?.cancel([piece]);
        parent.task?.request([piece], { lane, mayFetch: parent.asked.get(piece)?.mayFetch ?? false });
      }
    }
    this.#raised.clear();
  }

  /** Without a scheduler: pieces that nobody has, of those who would fetch them. */
  #askOwners(now: number): void {
    const { settings, network } = this.#ports;
    const usable = this.parents.all.filter(parent => parent.isUsable(now));
    if (usable.length === 0) return;
    const peers = [network.peerId, ...usable.map(parent => parent.peerId)];
    const nobody: number[] = [];
    const byParent = new Map<Parent, number[]>();
    for (const piece of this.#ownerless(settings.ownedUnderWay)) {
      const owner = this.#owners.next(piece, peers, { ms: now, isFree: !this.isComing(piece) });
      if (owner === undefined) continue;
      if (owner === 'nobody') nobody.push(piece);
      else if (owner === network.peerId) this.fetchUnasked(piece, now);
      else {
        const parent = this.parents.get(owner);
        if (parent !== undefined) byParent.set(parent, [...(byParent.get(parent) ?? []), piece]);
      }
    }
    for (const [parent, pieces] of byParent) this.ask(parent, pieces, { now, mayFetch: true });
    if (nobody.length > 0) this.#host.onNobody(nobody);
  }

  /** Pieces that owners were asked for, and as many more as may be under way. */
  #ownerless(most: number): number[] {
    const pieces = this.#owners.pieces.filter(piece => this.wanted.holders(piece) === 0);
    let looks = this.#ports.settings.lookedAt;
    if (pieces.length < most) {
      for (const piece of this.wanted.allIdle()) {
        if (pieces.length >= most || looks-- <= 0) break;
        if (this.wanted.holders(piece) === 0 && !this.fetcher.has(piece) && !pieces.includes(piece)) pieces.push(piece);
      }
    }
    return pieces;
  }

  #schedulerChanged(): void {
    if (this.scheduler.isUp) {
      this.#search.stop();
      this.#owners.clear();
      this.#mayReadOrigin = true;
    }
    this.#host.onChanged();
  }

  #parentsSaid(add: readonly ScheduledParent[], remove: readonly string[]): void {
    for (const peerId of remove) this.parents.remove(peerId);
    for (const parent of add) this.#addParent(parent, parent);
    this.#host.onChanged();
  }

  #addParent(peer: { readonly peerId: string; readonly addresses: readonly string[] }, word: Word): void {
    const { avoided, settings, clock } = this.#ports;
    if (avoided.has(peer.peerId)) return;
    if (this.parents.get(peer.peerId) === undefined && this.parents.size >= settings.parents) {
      const useless = this.parents.all.find(parent => parent.phase === 'down' || parent.phase === 'shut');
      if (useless === undefined) return;
      this.parents.remove(useless.peerId);
    }
    this.parents.add(peer, word, clock.monotonic());
    this.#host.onChanged();
  }

  #leased(pieces: readonly number[]): void {
    const here = pieces.filter(piece => this.#host.isHere(piece));
    if (here.length > 0) this.scheduler.gained(here, []);
    const rest = pieces.filter(piece => !here.includes(piece));
    for (const piece of rest) this.scheduler.forgetLessee(piece);
    this.#ports.counters.leases += rest.length;
    this.fetcher.add(rest);
    this.#host.onChanged();
  }

  #leaseFailed(
    pieces: readonly number[],
    reason: Parameters<SchedulerSide['leaseFailed']>[1],
    retryAfterMs: number | undefined,
  ): void {
    const now = this.#ports.clock.monotonic();
    this.#ports.counters.leaseFailures += pieces.length;
    if (reason === 'unauthorized') this.#mayReadOrigin = false;
    if (reason === 'busy') this.#originRestsUntil = now + (retryAfterMs ?? 0);
    if (this.scheduler.isUp) this.scheduler.leaseFailed(pieces, reason, retryAfterMs);
    this.#watch.leaseFailed(pieces, now);
    this.#host.onNotComing(pieces);
    this.#host.onChanged();
  }

  #lesseeSaid(peerId: string, pieces: readonly number[]): void {
    this.parents.askAgain(peerId, this.#ports.clock.monotonic());
    for (const piece of pieces) {
      // It waits in vain where it is now: the lease has gone to another.
      for (const parent of [...(this.requests.flight(piece)?.parents ?? [])]) {
        if (parent.peerId !== peerId && parent.asked.get(piece)?.parked) this.requests.withdraw(parent, [piece]);
      }
      if (this.wanted.isIdle(piece)) this.#toPark.add(piece);
    }
    this.#host.onChanged();
  }

  #opened(parent: Parent): void {
    for (const piece of this.scheduler.leasesOf(parent.peerId)) this.#toPark.add(piece);
    this.#host.onChanged();
  }

  #parentGone(parent: Parent): void {
    const leased = this.scheduler.leasesOf(parent.peerId);
    for (const piece of leased) this.scheduler.forgetLessee(piece);
    this.requests.endAll(parent);
    this.#consider(leased);
    this.#host.onChanged();
  }

  #have(parent: Parent, pieces: readonly number[]): void {
    const now = this.#ports.clock.monotonic();
    for (const piece of pieces) {
      if (parent.asked.has(piece)) this.requests.unpark(parent, piece, now);
      else if (this.requests.flight(piece) !== undefined) this.#news.set(piece, parent);
    }
    this.#host.onChanged();
  }

  #pieceOf(parent: Parent, piece: number, bytes: Uint8Array<ArrayBuffer>): void {
    const asked = parent.asked.get(piece);
    const now = this.#ports.clock.monotonic();
    if (asked === undefined) {
      // Cancelled too late.
      this.#ports.counters.wastedBytes += bytes.length;
      return;
    }
    if (parent.service.pieces === 0) this.#ports.discovery.remember(parent.peer);
    this.#watch.served(parent.noteServed(asked, now, bytes.length));
    this.requests.end(parent, [piece]);
    this.#host.onPiece(piece, bytes, parent);
    this.#host.onChanged();
  }

  #refused(parent: Parent, pieces: readonly number[], why: Refusal): void {
    const now = this.#ports.clock.monotonic();
    this.#ports.counters.refusals += pieces.length;
    if (why.reason === 'busy') parent.restsUntil = Math.max(parent.restsUntil, now + this.#ports.settings.busyMs);
    for (const peerId of why.tryPeers) this.parents.askAgain(peerId, now);
    if (why.reason !== 'busy') {
      for (const piece of pieces) {
        if (why.reason === 'absent' && parent.pieces.has(piece)) parent.doubts.set(piece, now);
        if (this.scheduler.lesseeOf(piece) === parent.peerId) this.scheduler.forgetLessee(piece);
      }
      if (why.reason === 'failed') parent.service.failures++;
      this.parents.hasNot(parent, pieces);
    }
    this.requests.end(parent, pieces);
    this.#host.onChanged();
  }

  /** Perhaps nobody has these, perhaps a lessee will. */
  #consider(pieces: readonly number[]): void {
    this.scheduler.consider(pieces);
    for (const piece of pieces) if (this.scheduler.lesseeOf(piece) !== undefined) this.#toPark.add(piece);
  }

  #freed(pieces: readonly number[]): void {
    if (pieces.length === 0) return;
    this.#consider(pieces);
    this.#host.onNotComing(pieces);
  }

  #forget(piece: number): void {
    this.#owners.forget(piece);
    this.#watch.forget(piece);
    this.#toPark.delete(piece);
    this.#raised.delete(piece);
    this.#news.delete(piece);
  }
}
