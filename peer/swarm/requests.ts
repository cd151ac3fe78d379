// What is asked of parents and not answered yet. A piece may be asked of two; the first answer wins, the others are
// cancelled, and what comes of them still is dropped. Keeps WantedPieces and Parent in step.

import type { Lane } from '../../core/index.ts';
import type { Parent } from './parent.ts';
import type { WantedPieces } from './wanted-pieces.ts';

/** A piece under way. */
export interface Flight {
  readonly piece: number;
  readonly parents: Parent[];
  /** Monotonic: first asked for. */
  readonly since: number;
}

export class Requests {
  readonly #wanted: WantedPieces;
  /** Told about pieces that nobody is asked for any more. */
  readonly #onFreed: (pieces: readonly number[]) => void;
  readonly #flights = new Map<number, Flight>();

  constructor(wanted: WantedPieces, onFreed: (pieces: readonly number[]) => void) {
    this.#wanted = wanted;
    this.#onFreed = onFreed;
  }

  get size(): number {
    return this.#flights.size;
  }

  get flights(): Iterable<Flight> {
    return this.#flights.values();
  }

  flight(piece: number): Flight | undefined {
    return this.#flights.get(piece);
  }

  /** Those the parent was asked for already are left out. Returns how many were asked for. */
  ask(
    parent: Parent,
    pieces: readonly number[],
    options: { readonly lane: Lane; readonly mayFetch: boolean; readonly now: number },
  ): number {
    const { lane, mayFetch, now } = options;
    const fresh = pieces.filter(piece => !parent.asked.has(piece));
    if (fresh.length === 0 || parent.task === undefined) return 0;
    for (const piece of fresh) {
      const parked = !parent.pieces.has(piece);
      const place = parked ? 1 : parent.nextPlace;
      parent.asked.set(piece, { since: now, place, parked });
      if (parked) parent.parked++;
      else parent.noteAsked(1);
      const flight = this.#flights.get(piece);
      if (flight === undefined) this.#flights.set(piece, { piece, parents: [parent], since: now });
      else flight.parents.push(parent);
      this.#wanted.take(piece);
    }
    parent.task.request(fresh, { lane, mayFetch });
    return fresh.length;
  }

  /** The parent got a piece that it was asked for before it had it. */
  unpark(parent: Parent, piece: number, now: number): void {
    const asked = parent.asked.get(piece);
    if (asked === undefined || !asked.parked) return;
    asked.parked = false;
    asked.since = now;
    asked.place = parent.nextPlace;
    parent.parked--;
    parent.noteAsked(1);
  }

  /** From now on the parent may be sending a piece that it did not have when it was asked, though it has not said so. */
  mayCome(parent: Parent, piece: number, now: number): void {
    const asked = parent.asked.get(piece);
    if (asked === undefined || !asked.parked) return;
    asked.since = now;
    asked.place = parent.nextPlace;
  }

  /** The parent answered, or will not. Frees the piece when it was the only one asked. */
  end(parent: Parent, pieces: readonly number[]): void {
    this.#onFreed(pieces.filter(piece => this.#endOne(parent, piece)));
  }

  /** Of all that the parent owes. */
  endAll(parent: Parent): void {
    this.end(parent, [...parent.asked.keys()]);
  }

  /** Nobody needs the pieces any more: all who are asked are told so. */
  cancel(pieces: readonly number[]): void {
    for (const [parent, own] of this.#byParent(pieces)) {
      parent.task?.cancel(own);
      for (const piece of own) this.#endOne(parent, piece);
    }
  }

  /** Takes the piece back from a parent, which is told so. */
  withdraw(parent: Parent, pieces: readonly number[]): void {
    const own = pieces.filter(piece => parent.asked.has(piece));
    if (own.length === 0) return;
    parent.task?.cancel(own);
    this.end(parent, own);
  }

  #endOne(parent: Parent, piece: number): boolean {
    const asked = parent.asked.get(piece);
    if (asked === undefined) return false;
    parent.asked.delete(piece);
    if (asked.parked) parent.parked--;
    const flight = this.#flights.get(piece);
    flight?.parents.splice(flight.parents.indexOf(parent), 1);
    if (flight === undefined || flight.parents.length > 0) return false;
    this.#flights.delete(piece);
    this.#wanted.giveBack(piece);
    return true;
  }

  #byParent(pieces: readonly number[]): Map<Parent, number[]> {
    const byParent = new Map<Parent, number[]>();
    for (const piece of pieces) {
      for (const parent of this.#flights.get(piece)?.parents ?? []) {
        const own = byParent.get(parent);
        if (own === undefined) byParent.set(parent, [piece]);
        else own.push(piece);
      }
    }
    return byParent;
  }
}
