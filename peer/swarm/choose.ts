// Whom to ask for which piece: the decision of docs/protocol.md "What a child does". Pure; the indexes that it reads keep
// its cost at the pieces looked at times the parents that have room.

/** A parent as the decision sees it. */
export interface Choosable {
  has(piece: number): boolean;
  /** Pieces it may still be asked for. */
  readonly room: number;
  /** Milliseconds until the next piece asked of it is likely to be here, and how much later each further one. */
  readonly expectedMs: number;
  readonly paceMs: number;
  /** 0 same rack … 3 elsewhere. */
  readonly distance: number;
  /** Failures in a row. */
  readonly strikes: number;
}

/** A parent further away must be so much sooner for each step of distance, and for each failure, ms. */
const DISTANCE_MS = 2;
const STRIKE_MS = 50;

interface Open<P> {
  readonly parent: P;
  room: number;
  expectedMs: number;
}

/**
 * Pieces for each parent, in the order of `wanted`, until `most` are chosen, no parent has room, or `lookedAt` pieces were
 * looked at. Each goes to the parent where it is likely to come soonest; `chance` in [0, 1) breaks ties.
 */
export function choose<P extends Choosable>(
  wanted: Iterable<number>,
  parents: readonly P[],
  options: { readonly most: number; readonly lookedAt: number; readonly chance: () => number },
): Map<P, number[]> {
  const chosen = new Map<P, number[]>();
  // In random order, so that the first of equals is any of them.
  let open = shuffled(parents, options.chance)
    .filter(parent => parent.room > 0)
    .map((parent): Open<P> => ({ parent, room: parent.room, expectedMs: costOf(parent) }));
  let left = Math.min(options.most, options.lookedAt);
  let looks = options.lookedAt;
  for (const piece of wanted) {
    if (open.length === 0 || left <= 0 || looks-- <= 0) break;
    const best = soonest(open, piece);
    if (best === undefined) continue;
    const pieces = chosen.get(best.parent);
    if (pieces === undefined) chosen.set(best.parent, [piece]);
    else pieces.push(piece);
    left--;
    best.room--;
    best.expectedMs += best.parent.paceMs;
    if (best.room === 0) open = open.filter(candidate => candidate !== best);
  }
  return chosen;
}

/** The best parent to have a piece from that is not among `except`, whether it has room or not. */
export function next<P extends Choosable>(
  piece: number,
  parents: readonly P[],
  except: (parent: P) => boolean,
): P | undefined {
  let best: P | undefined;
  for (const parent of parents) {
    if (except(parent) || !parent.has(piece)) continue;
    if (best === undefined || costOf(parent) < costOf(best)) best = parent;
  }
  return best;
}

function soonest<P extends Choosable>(open: readonly Open<P>[], piece: number): Open<P> | undefined {
  let best: Open<P> | undefined;
  for (const candidate of open) {
    if ((best === undefined || candidate.expectedMs < best.expectedMs) && candidate.parent.has(piece)) best = candidate;
  }
  return best;
}

function costOf(parent: Choosable): number {
  return parent.expectedMs + parent.distance * DISTANCE_MS + parent.strikes * STRIKE_MS;
}

function shuffled<T>(items: readonly T[], chance: () => number): T[] {
  const result = [...items];
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(chance() * (at + 1));
    const [a, b] = [result[at], result[other]];
    if (a !== undefined && b !== undefined) [result[at], result[other]] = [b, a];
  }
  return result;
}
