// The child's side of a blob: what is asked of whom. Events of parents and scheduler change its state; `turn` decides what
// follows, `tick` what only time changes. What arrives is handed to the task (DownloadHost), which verifies and keeps it.

import { type Clock, LANES, type Lane, type RangeReader, type SharedBlob } from '../../core/index.ts';
import type { Discovery, JoinedTask, PeerNetwork, ScheduledParent, Schedulers } from '../ports.ts';
import { Alone } from './alone.ts';
import { Asking } from './asking.ts';
import type { AvoidedPeers } from './avoided-peers.ts';
import type { SwarmSettings } from './config.ts';
import type { SwarmCounters } from './counters.ts';
import type { UsualTime } from './hedge.ts';
import { LeaseFetcher } from './lease-fetcher.ts';
import type { Parent } from './parent.ts';
import type { ParentView } from './parent-view.ts';
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
  readonly usual: UsualTime;
  readonly counters: SwarmCounters;
  readonly settings: SwarmSettings;
}

export interface DownloadHost {
  /** Unverified bytes, from a parent or (undefined) the origin. Returns whether they are right; a right piece is here now, or was. */
  onPiece(piece: number, bytes: Uint8Array<ArrayBuffer>, from: Parent | undefined): boolean;
  isHere(piece: number): boolean;
  /** Nobody is asked for these any more. */
  onNotComing(pieces: readonly number[]): void;
  /** Others had to wait for these: they will be needed here, too. */
  onTrace(pieces: readonly number[]): void;
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
  readonly #alone: Alone;
  readonly #asking: Asking;
  readonly #watch: Watch;
  readonly #joinedAt: number;
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
        onNowhere: pieces => this.#nowhere(pieces),
      },
    );
    this.fetcher = new LeaseFetcher(blob, ports, settings, {
      onPiece: (piece, bytes) => host.onPiece(piece, bytes, undefined),
      onFailed: (pieces, reason, retryAfterMs) => this.#leaseFailed(pieces, reason, retryAfterMs),
    });
    this.#alone = new Alone(joined.taskId, this, ports, {
      onPeer: peer => this.#addParent(peer, { distance: 3 }),
      onChanged: () => host.onChanged(),
      onNobody: pieces => host.onNobody(pieces),
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
        onTrace: pieces => host.onTrace(pieces),
        onBan: (peerId, durationMs, reason) => this.avoid(peerId, durationMs, reason),
        onOriginHold: durationMs => {
          this.#originRestsUntil = clock.monotonic() + durationMs;
        },
      },
    );
    this.#watch = new Watch(this, ports);
    this.#asking = new Asking(this, ports, (piece, peerId) => host.isShunned(piece, peerId));
  }

  /** Is it on its way: asked of somebody, or being fetched from the origin? */
  isComing(piece: number): boolean {
    return this.fetcher.has(piece) || this.requests.flight(piece) !== undefined;
  }

  /** It is to be asked of whom the scheduler named, as soon as he is connected. */
  isForeseen(piece: number): boolean {
    const { isUp } = this.scheduler;
    return isUp && this.wanted.laneOf(piece) !== undefined && this.scheduler.lesseeOf(piece) !== undefined;
  }

  /** Readers here read here and there, each place when they have seen the one before. */
  get demandsLittle(): boolean {
    return this.#watch.demandsLittle;
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
    this.scheduler.unsay(pieces);
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
    this.#alone.arrived(piece, this.#ports.clock.monotonic());
    this.#forget(piece);
  }

  /** Fetches from the origin without being told to by a scheduler. Returns whether it will. */
  fetchUnasked(piece: number, now: number): boolean {
    if (!this.#mayReadOrigin || now < this.#originRestsUntil) return false;
    this.fetcher.add([piece]);
    return true;
  }

  /** Where it was refused before, it may be read now. */
  originIsNew(): void {
    this.#mayReadOrigin = true;
  }

  /** Nobody to ask, and nobody in sight? */
  isHopeless(now: number): boolean {
    return this.#isAlone(now) && !this.parents.hasHope(now) && !this.#alone.isHopeful(now);
  }

  avoid(peerId: string, durationMs: number, reason: string): void {
    this.#ports.avoided.add(peerId, durationMs, reason);
    this.parents.remove(peerId);
    this.#host.onChanged();
  }

  turn(now: number): void {
    const isAlone = this.#isAlone(now);
    if (isAlone && this.wanted.size > 0) this.#alone.start();
    this.scheduler.say(
      now,
      piece => this.fetcher.has(piece),
      piece => this.parents.isWithheld(piece),
    );
    this.#asking.turn(now);
    this.#raise(now);
    if (isAlone) this.#alone.ask(now);
  }

  /** Returns whether there is anything to watch. */
  tick(now: number): boolean {
    this.parents.tick(now, this.#ports.settings.connectMs);
    this.fetcher.tick(now);
    this.#watch.tick(now);
    return this.wanted.size > 0 || this.requests.size > 0 || this.fetcher.size > 0 || this.#watch.isBusy;
  }

  stop(): void {
    this.#alone.stop();
    this.fetcher.stop();
    this.scheduler.leave();
    this.parents.close();
  }

  /** Those that can be asked, as `choose` sees them. */
  views(now: number): ParentView[] {
    return this.#asking.views(now);
  }

  ask(...args: Parameters<Asking['ask']>): void {
    this.#asking.ask(...args);
  }

  move(...args: Parameters<Asking['move']>): void {
    this.#asking.move(...args);
  }

  #isAlone(now: number): boolean {
    if (this.scheduler.isUp) return false;
    return this.scheduler.isKnownDown || now - this.#joinedAt >= this.#ports.settings.schedulerGraceMs;
  }

  /** Who was asked in a lower lane is told: a parent keeps its queue by lanes. */
  #raise(now: number): void {
    for (const piece of this.#raised) {
      const lane = this.wanted.laneOf(piece);
      if (lane === undefined) continue;
      for (const parent of this.requests.flight(piece)?.parents ?? []) {
        const asked = parent.asked.get(piece);
        // Until now it was right to send others theirs first.
        if (asked !== undefined) asked.since = now;
        parent.task?.hurry([piece], lane);
      }
    }
    this.#raised.clear();
  }

  #schedulerChanged(): void {
    if (this.scheduler.isUp) {
      this.#alone.stop();
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
      if (this.wanted.laneOf(piece) !== 'demand') this.#withdrawWaiting(piece, peerId);
      if (this.wanted.isIdle(piece)) this.#asking.park(piece);
    }
    this.#host.onChanged();
  }

  /**
   * The piece waits in vain elsewhere: the lease has gone to another. Not of what a reader waits for: whoever is asked may
   * be sending it already, and sent on it would come twice; it moves when the other one has it.
   */
  #withdrawWaiting(piece: number, lesseeId: string): void {
    for (const parent of [...(this.requests.flight(piece)?.parents ?? [])]) {
      if (parent.peerId !== lesseeId && parent.asked.get(piece)?.parked) this.requests.withdraw(parent, [piece]);
    }
  }

  #opened(parent: Parent): void {
    for (const piece of this.scheduler.leasesOf(parent.peerId)) this.#asking.park(piece);
    this.#host.onChanged();
  }

  #parentGone(parent: Parent): void {
    const leased = this.scheduler.leasesOf(parent.peerId);
    for (const piece of leased) this.scheduler.forgetLessee(piece);
    this.requests.endAll(parent);
    this.#nowhere(leased);
    this.#host.onNotComing(leased);
    this.#host.onChanged();
  }

  #have(parent: Parent, pieces: readonly number[]): void {
    const now = this.#ports.clock.monotonic();
    for (const piece of pieces) {
      if (this.scheduler.lesseeOf(piece) === parent.peerId) this.scheduler.forgetLessee(piece);
      if (parent.asked.has(piece)) this.requests.unpark(parent, piece, now);
      else if (!this.#isAtLessee(piece, now)) this.#asking.news(piece, parent);
    }
    this.#host.onChanged();
  }

  /**
   * Waits at the lessee while another says that it has the piece. From the lessee, which then has begun to send it here, its
   * word for it being behind what it sends: moved, the piece would come twice. Or the other is the first to have it, and the
   * lessee the next in its tree: moved by all who wait, all would ask the first.
   */
  #isAtLessee(piece: number, now: number): boolean {
    const lessee = this.parents.get(this.scheduler.lesseeOf(piece) ?? '');
    if (lessee?.asked.get(piece)?.parked !== true) return false;
    this.requests.mayCome(lessee, piece, now);
    return true;
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
    const [first] = pieces;
    if (why.reason === 'busy' && first !== undefined) parent.noteBusy(first, now, this.#ports.settings.busyMs);
    for (const peerId of why.tryPeers) this.parents.askAgain(peerId, now);
    if (why.reason !== 'busy') {
      for (const piece of pieces) {
        if (parent.pieces.has(piece)) parent.doubts.set(piece, now);
        if (this.scheduler.lesseeOf(piece) === parent.peerId) this.scheduler.forgetLessee(piece);
      }
      // What it was to get and did not is no failure of its own: whoever it waited for may be.
      if (why.reason === 'failed' && pieces.some(piece => parent.pieces.has(piece))) parent.service.failures++;
      this.parents.hasNot(parent, pieces);
    }
    this.requests.end(parent, pieces);
    this.#host.onChanged();
  }

  /** Perhaps nobody has these, perhaps a lessee will. */
  #consider(pieces: readonly number[]): void {
    this.scheduler.consider(pieces);
    for (const piece of pieces) if (this.scheduler.lesseeOf(piece) !== undefined) this.#asking.park(piece);
  }

  /** Who had these, or was to fetch them, is gone. */
  #nowhere(pieces: readonly number[]): void {
    this.scheduler.unsay(pieces);
    this.#consider(pieces);
  }

  #freed(pieces: readonly number[]): void {
    if (pieces.length === 0) return;
    this.#consider(pieces);
    this.#host.onNotComing(pieces);
  }

  #forget(piece: number): void {
    this.#alone.forget(piece);
    this.#watch.forget(piece);
    this.#asking.forget(piece);
    this.#raised.delete(piece);
  }
}
