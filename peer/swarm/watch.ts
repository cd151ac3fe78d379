// What only time shows: answers that take longer than usual, parents that send nothing, refusals that were lies, leases to
// be wanted again; and at the end of a download, parents that have nothing left to do.

import type { Clock } from '../../core/index.ts';
import { next } from './choose.ts';
import type { SwarmSettings } from './config.ts';
import type { SwarmCounters } from './counters.ts';
import type { Download } from './download.ts';
import { hedgeAfter, type UsualTime, whatToDo } from './hedge.ts';
import type { Parent } from './parent.ts';
import type { ParentView } from './parent-view.ts';
import type { Flight } from './requests.ts';

/**
 * At the end, a request is moved when the other parent is likely to answer in half the time, and sooner by this, or by what
 * answers usually take: only what is badly stuck. Moving more makes children run after each other's parents, and what was
 * on its way comes twice.
 */
const WORTH_MS = 1_000;
/** A parent that said that so many pieces of others wait may be only overloaded: it is let alone, but accused only after so many times. */
const CROWDED = 32;
const EXCUSES = 2;
/** Who sent something (Parent.sendsAt) within so long sends; what is waited for from there may take so many times as long. */
const SENDING_MS = 1_000;
const PATIENCE = 3;
/** With no more demanded, readers read here and there: as the scheduler sees it (LITTLE_WANTED). */
const LITTLE_DEMANDED = 12;
/** A lease that failed here is wanted again after this: not at once, so that a failing origin is not asked in a loop. */
const WANT_AGAIN_MS = 1_000;

export interface WatchPorts {
  readonly clock: Clock;
  readonly settings: SwarmSettings;
  readonly counters: SwarmCounters;
  readonly usual: UsualTime;
}

export class Watch {
  readonly #download: Download;
  readonly #ports: WatchPorts;
  /** Demanded pieces: since when, and when they were last said to be late. */
  readonly #demanded = new Map<number, { readonly since: number; saidAt: number | undefined }>();
  readonly #failed = new Map<number, number>();
  #reportedAt: number;

  constructor(download: Download, ports: WatchPorts) {
    this.#download = download;
    this.#ports = ports;
    this.#reportedAt = ports.clock.monotonic();
  }

  get isBusy(): boolean {
    return this.#failed.size > 0 || this.#download.parents.all.some(parent => parent.doubts.size > 0);
  }

  get demandsLittle(): boolean {
    return this.#demanded.size <= LITTLE_DEMANDED;
  }

  demanded(piece: number, now: number): void {
    if (!this.#demanded.has(piece)) this.#demanded.set(piece, { since: now, saidAt: undefined });
  }

  forget(piece: number): void {
    this.#demanded.delete(piece);
    this.#failed.delete(piece);
  }

  served(ms: number): void {
    this.#ports.usual.note(ms);
  }

  leaseFailed(pieces: readonly number[], now: number): void {
    for (const piece of pieces) this.#failed.set(piece, now);
  }

  tick(now: number): void {
    this.#lookAtParents(now);
    this.#lookAtDemand(now);
    this.#balance(now);
    this.#wantAgain(now);
    this.#reportService(now);
  }

  /** Is a piece under way likely to come so much sooner from this parent that it should be asked instead? */
  #isWorthMoving(piece: number, to: ParentView, now: number): boolean {
    const flight = this.#download.requests.flight(piece);
    const [parent, second] = flight?.parents ?? [];
    const asked = parent?.asked.get(piece);
    if (parent === undefined || asked === undefined || second !== undefined || parent === to.parent) return false;
    if (!to.has(piece)) return false;
    if (asked.parked) return !this.#waitsWhereToldTo(piece, parent) || now - asked.since >= this.#longestStallMs;
    const leftMs = Math.max(parent.paceMs, asked.place * parent.paceMs - (now - asked.since));
    return 2 * to.expectedMs + Math.max(WORTH_MS, this.#ports.usual.ms ?? 0) < leftMs;
  }

  /** Where it is on its way along a tree: who has it already is the one that all others would ask. */
  #waitsWhereToldTo(piece: number, parent: Parent): boolean {
    return this.#download.scheduler.lesseeOf(piece) === parent.peerId;
  }

  /** Does it wait where the scheduler said, for a parent that is to get it first? A crowd has no such trees. */
  #isOnItsWay(flight: Flight | undefined): boolean {
    if (!this.demandsLittle) return false;
    return (
      flight?.parents.some(
        parent => parent.asked.get(flight.piece)?.parked && this.#waitsWhereToldTo(flight.piece, parent),
      ) ?? false
    );
  }

  #lookAtParents(now: number): void {
    const { settings, counters } = this.#ports;
    const { parents, requests, scheduler, wanted } = this.#download;
    for (const parent of parents.all) {
      parent.look(now);
      for (const [piece, at] of parent.doubts) {
        if (now - at < settings.lieMs) continue;
        parent.doubts.delete(piece);
        scheduler.accuse(parent.peerId, piece, 'lying-bitmap');
        parent.rest(now, settings.restMs, settings.restMostMs);
        parents.discount(parent);
      }
      const piece = this.#stalledAt(parent, now);
      if (piece === undefined) continue;
      counters.stalls++;
      const isExcused = parent.toldQueue >= CROWDED && parent.strikes < EXCUSES;
      if (!isExcused) scheduler.accuse(parent.peerId, piece, 'stalled');
      parent.rest(now, settings.restMs, settings.restMostMs);
      const owed = [...parent.asked.keys()];
      parents.discount(parent);
      const onlyThere = owed.filter(piece => wanted.holders(piece) === 0);
      // What is demanded and nowhere else keeps its place in the queue: it may be a long one, and no lie.
      const kept = new Set(onlyThere.filter(piece => wanted.laneOf(piece) === 'demand'));
      requests.withdraw(
        parent,
        owed.filter(piece => !kept.has(piece)),
      );
      // The scheduler takes them to be there.
      scheduler.sayLate(onlyThere);
    }
  }

  /** A piece that the parent has and does not send, silent or always busy; undefined: it may still be on its way. */
  #stalledAt(parent: Parent, now: number): number | undefined {
    const { busy } = parent;
    if (busy !== undefined && busy.last - busy.from >= this.#ports.settings.stallMs) return busy.piece;
    // Beyond what was left with it, nothing is asked of one that rests.
    const oldest = now < parent.restsUntil ? undefined : this.#owedLongest(parent);
    if (oldest === undefined) return undefined;
    const isSilent = now - Math.max(oldest.since, parent.sendsAt) >= oldest.allowedMs;
    // Bytes alone must not keep it safe.
    return isSilent || now - oldest.since >= this.#longestStallMs ? oldest.piece : undefined;
  }

  /** Of what a parent has and owes: the piece that it was silent about for longest, and for how long that is no stall. */
  #owedLongest(parent: Parent): { piece: number; since: number; allowedMs: number } | undefined {
    const { settings } = this.#ports;
    let oldest: { piece: number; since: number; allowedMs: number } | undefined;
    for (const [piece, asked] of parent.asked) {
      if (asked.parked) continue;
      const since = Math.max(asked.since, parent.lastPieceAt);
      if (oldest !== undefined && oldest.since <= since) continue;
      // A long queue is no stall: it was told.
      const allowedMs = Math.max(
        settings.stallMs,
        3 * parent.placeOf(asked) * (parent.isMeasured ? parent.paceMs : this.#meanPaceMs()),
      );
      oldest = { piece, since, allowedMs: Math.min(allowedMs, this.#longestStallMs) };
    }
    return oldest;
  }

  /** Of the parents that have served; of one that has not yet, it is what is to be expected. */
  #meanPaceMs(): number {
    const measured = this.#download.parents.all.filter(parent => parent.isMeasured);
    return measured.reduce((sum, parent) => sum + parent.paceMs, 0) / Math.max(1, measured.length);
  }

  get #longestStallMs(): number {
    return 4 * this.#ports.settings.stallMs;
  }

  #lookAtDemand(now: number): void {
    const { settings, usual } = this.#ports;
    if (this.#demanded.size === 0) return;
    const hedgeMs = this.#hedgeMs();
    // Where answers usually take longer than that, they are not late yet.
    const lateMs = usual.ms === undefined ? settings.lateMs : Math.max(hedgeMs, settings.lateMs);
    const views = this.#download.views(now);
    const late: number[] = [];
    for (const [piece, demanded] of this.#demanded) {
      const flight = this.#download.requests.flight(piece);
      const other = next(piece, views, view => flight?.parents.includes(view.parent) ?? false);
      const todo = whatToDo(
        {
          lane: this.#download.wanted.laneOf(piece),
          // It may have been asked for in advance, long before anybody waited for it.
          ageMs: now - Math.max(demanded.since, flight === undefined ? 0 : sentAt(flight, now)),
          askedOf: flight?.parents.length ?? 0,
          elsewhere: other !== undefined,
          saidLateMs: demanded.saidAt === undefined ? undefined : now - demanded.saidAt,
        },
        {
          hedgeMs: isSending(flight, now) || this.#isOnItsWay(flight) ? this.#patient(hedgeMs) : hedgeMs,
          lateMs: isSending(flight, now) ? this.#patient(lateMs) : lateMs,
        },
      );
      if (todo === 'hedge' && other !== undefined) this.#hedge(piece, other, now);
      if (todo === 'late' && !this.#download.fetcher.has(piece)) {
        late.push(piece);
        demanded.saidAt = now;
      }
    }
    this.#ports.counters.lateWants += late.length;
    this.#download.scheduler.sayLate(late);
  }

  #hedgeMs(): number {
    const { hedgeLeastMs: leastMs, hedgeUnknownMs: unknownMs, hedgeMostMs: mostMs } = this.#ports.settings;
    return hedgeAfter(this.#ports.usual.ms, { leastMs, unknownMs, mostMs });
  }

  /** Of a time after which something is done: as long as whoever is asked sends, though not this piece yet. */
  #patient(ms: number): number {
    return Math.min(this.#ports.settings.hedgeMostMs, PATIENCE * ms);
  }

  #hedge(piece: number, view: ParentView, now: number): void {
    // One without room is asked all the same when nobody else is: the piece may be stuck for good.
    this.#ports.counters.hedges++;
    this.#download.ask(view.parent, [piece], { now });
  }

  /** Parents with nothing to do take over from those with a long queue. */
  #balance(now: number): void {
    const { requests, wanted } = this.#download;
    if (requests.size === 0 || wanted.idle > 0) return;
    const free = this.#download.views(now).filter(view => view.parent.owed === 0);
    for (const view of free) {
      const flight = [...requests.flights].find((one: Flight) => this.#isWorthMoving(one.piece, view, now));
      if (flight !== undefined) this.#download.move(flight.piece, view.parent, now);
    }
  }

  #wantAgain(now: number): void {
    const again = [...this.#failed].filter(([, at]) => now - at >= WANT_AGAIN_MS).map(([piece]) => piece);
    for (const piece of again) this.#failed.delete(piece);
    if (again.length > 0) this.#download.scheduler.unsay(again);
  }

  #reportService(now: number): void {
    if (now - this.#reportedAt < this.#ports.settings.serviceReportMs) return;
    this.#reportedAt = now;
    for (const parent of this.#download.parents.all) {
      const sample = { ...parent.service };
      if (sample.pieces + sample.failures === 0) continue;
      parent.service.pieces = 0;
      parent.service.ms = 0;
      parent.service.failures = 0;
      this.#download.scheduler.served(parent.peerId, sample);
    }
  }
}

/** Since when the first of those who are asked could have sent it. */
function sentAt({ piece, parents }: Flight, now: number): number {
  return Math.min(now, ...parents.map(parent => parent.asked.get(piece)?.since ?? now));
}

/** Full links are no reason to ask somebody else as well: what is sent twice makes them fuller. */
function isSending(flight: Flight | undefined, now: number): boolean {
  return flight?.parents.some(parent => now - parent.sendsAt < SENDING_MS) ?? false;
}
