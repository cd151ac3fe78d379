// Asks parents for wanted pieces: those that somebody has of whoever is likely to send them soonest, those that somebody has
// the lease of of him, where they wait. Once per turn; the decision itself is `choose`.

import { type Clock, LANES } from '../../core/index.ts';
import { choose } from './choose.ts';
import type { SwarmSettings } from './config.ts';
import type { SwarmCounters } from './counters.ts';
import type { Download } from './download.ts';
import type { Parent } from './parent.ts';
import { ParentView } from './parent-view.ts';

export class Asking {
  readonly #download: Download;
  readonly #ports: { readonly clock: Clock; readonly settings: SwarmSettings; readonly counters: SwarmCounters };
  readonly #isShunned: (piece: number, peerId: string) => boolean;
  /** Wanted pieces whose lessee is known and not asked yet. */
  readonly #toPark = new Set<number>();
  /** Pieces that wait at lessees, and another parent got. */
  readonly #news = new Map<number, Parent>();

  constructor(
    download: Download,
    ports: { readonly clock: Clock; readonly settings: SwarmSettings; readonly counters: SwarmCounters },
    isShunned: (piece: number, peerId: string) => boolean,
  ) {
    this.#download = download;
    this.#ports = ports;
    this.#isShunned = isShunned;
  }

  turn(now: number): void {
    const { settings } = this.#ports;
    const { wanted } = this.#download;
    this.#moveToNews(now);
    // Who was named for a piece is asked for it, also when somebody else has it already: all would ask that one. In a crowd
    // that demands much, many have something, and who has it sends it sooner than who is to get it.
    if (this.#download.demandsLittle) this.#park('demand', settings.askedInAll, now);
    this.#choose(wanted.demanded(), settings.askedInAll, now);
    this.#park('demand', settings.askedInAll, now);
    // What nobody waits for leaves room for what somebody will.
    this.#park('any', settings.askedInBackground, now);
    this.#choose(this.#free(wanted.traced()), settings.askedInBackground, now);
    this.#choose(wanted.rare(), settings.askedInBackground, now);
  }

  /** Its lessee is known. */
  park(piece: number): void {
    this.#toPark.add(piece);
  }

  /** The parent got a piece that is asked of others. */
  news(piece: number, parent: Parent): void {
    if (this.#isWaitingOnly(piece)) this.#news.set(piece, parent);
  }

  forget(piece: number): void {
    this.#toPark.delete(piece);
    this.#news.delete(piece);
  }

  /** Those that can be asked, as `choose` sees them. */
  views(now: number): ParentView[] {
    const usable = this.#download.parents.all.filter(parent => parent.isUsable(now));
    const measured = usable.filter(parent => parent.isMeasured);
    const mean = measured.reduce((sum, parent) => sum + parent.paceMs, 0) / measured.length;
    const most = this.#ports.settings.askedOfOneParent;
    return usable.map(
      parent =>
        new ParentView(parent, { most, meanPaceMs: mean, isShunned: piece => this.#isShunned(piece, parent.peerId) }),
    );
  }

  /** Asks the parent, in the lanes that the pieces are wanted in. */
  ask(parent: Parent, pieces: readonly number[], options: { readonly now: number; readonly mayFetch?: boolean }): void {
    for (const lane of LANES) {
      const own = pieces.filter(piece => (this.#download.wanted.laneOf(piece) ?? 'background') === lane);
      if (own.length > 0)
        this.#download.requests.ask(parent, own, { lane, mayFetch: options.mayFetch ?? false, now: options.now });
    }
  }

  /** Takes a piece from the parents that are asked for it and asks another. */
  move(piece: number, to: Parent, now: number): void {
    for (const parent of [...(this.#download.requests.flight(piece)?.parents ?? [])])
      this.#download.requests.withdraw(parent, [piece]);
    this.#ports.counters.moves++;
    this.ask(to, [piece], { now });
  }

  /** Without what one is told to ask somebody for who is only not connected yet. */
  *#free(pieces: Iterable<number>): Generator<number> {
    for (const piece of pieces) if (!this.#toPark.has(piece)) yield piece;
  }

  #choose(wanted: Iterable<number>, most: number, now: number): void {
    const room = most - this.#download.requests.size;
    if (room <= 0 || this.#download.wanted.idle === 0) return;
    const { settings, clock } = this.#ports;
    const views = this.views(now).filter(view => view.room > 0);
    if (views.length === 0) return;
    const chosen = choose(wanted, views, { most: room, lookedAt: settings.lookedAt, chance: () => clock.random() });
    for (const [view, pieces] of chosen) this.ask(view.parent, pieces, { now });
  }

  /** Asks lessees for what they do not have yet: it waits there. */
  #park(lane: 'demand' | 'any', most: number, now: number): void {
    const byParent = new Map<Parent, number[]>();
    let room = most - this.#download.requests.size;
    for (const piece of this.#toPark) {
      if (lane === 'demand' && this.#download.wanted.laneOf(piece) !== 'demand') continue;
      const lessee = this.#download.scheduler.lesseeOf(piece);
      if (lessee === undefined || !this.#download.wanted.isIdle(piece) || this.#download.fetcher.has(piece)) {
        this.#toPark.delete(piece);
        continue;
      }
      const parent = this.#download.parents.get(lessee);
      if (room <= 0 || !parent?.isUsable(now) || this.#isShunned(piece, lessee)) continue;
      this.#toPark.delete(piece);
      room--;
      const own = byParent.get(parent);
      if (own === undefined) byParent.set(parent, [piece]);
      else own.push(piece);
    }
    for (const [parent, pieces] of byParent) this.ask(parent, pieces, { now });
  }

  /** Is it asked only of those who do not have it yet? */
  #isWaitingOnly(piece: number): boolean {
    return this.#download.requests.flight(piece)?.parents.every(parent => parent.asked.get(piece)?.parked) ?? false;
  }

  /** Only such pieces are moved: what somebody has is best left in its queue (docs/protocol.md). */
  #moveToNews(now: number): void {
    for (const [piece, parent] of this.#news) {
      if (parent.isUsable(now) && this.#isWaitingOnly(piece)) this.move(piece, parent, now);
    }
    this.#news.clear();
  }
}
