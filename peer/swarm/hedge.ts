// When a request takes longer than usual, and what is to be done then. Pure: time is an argument.

import type { Lane } from '../../core/index.ts';

/** The times of the last so many answers: enough for a 95th percentile, and forgotten within seconds. */
const REMEMBERED = 128;
/** Fewer say nothing: the longest bound is used. */
const ENOUGH = 20;
const PERCENTILE = 0.95;
/** Times the percentile. */
const HEDGE_FACTOR = 2;
/** The percentile is worked out again after so many answers. */
const EVERY = 16;

/** How long answers usually take, of all blobs: it is a matter of the links. */
export class UsualTime {
  readonly #times: number[] = [];
  #next = 0;
  #since = EVERY;
  #value: number | undefined;

  note(ms: number): void {
    this.#times[this.#next] = ms;
    this.#next = (this.#next + 1) % REMEMBERED;
    this.#since++;
  }

  /** Milliseconds; undefined while too few answers came. */
  get ms(): number | undefined {
    if (this.#times.length < ENOUGH) return undefined;
    if (this.#since >= EVERY) {
      const sorted = this.#times.toSorted((a, b) => a - b);
      this.#value = sorted[Math.floor(PERCENTILE * (sorted.length - 1))];
      this.#since = 0;
    }
    return this.#value;
  }
}

/**
 * After how many ms a second parent is asked: twice what nearly all answers take. At once what nearly all take, one of
 * twenty would come twice also where nothing is wrong, and in a flash crowd's full queues many more.
 */
export function hedgeAfter(
  usualMs: number | undefined,
  bounds: { readonly leastMs: number; readonly unknownMs: number; readonly mostMs: number },
): number {
  if (usualMs === undefined) return bounds.unknownMs;
  return Math.min(bounds.mostMs, Math.max(bounds.leastMs, HEDGE_FACTOR * usualMs));
}

/** A piece under way, as the look at the clock sees it. */
export interface UnderWay {
  readonly lane: Lane | undefined;
  /** Milliseconds since it is demanded and whoever is asked could have sent it. */
  readonly ageMs: number;
  /** How many are asked for it now. */
  readonly askedOf: number;
  /** Another parent has it. */
  readonly elsewhere: boolean;
  /** Milliseconds since it was last wanted as late; undefined: never. */
  readonly saidLateMs: number | undefined;
}

/**
 * hedge: ask another as well; late: say to the scheduler that it takes too long. Only demand is hedged: for the rest a
 * stalled parent is noticed soon enough, and a second copy would take somebody's share of a link.
 */
export function whatToDo(
  piece: UnderWay,
  limits: { readonly hedgeMs: number; readonly lateMs: number },
): 'wait' | 'hedge' | 'late' {
  if (piece.lane !== 'demand') return 'wait';
  if (piece.elsewhere) return piece.ageMs >= limits.hedgeMs * piece.askedOf && piece.askedOf < 2 ? 'hedge' : 'wait';
  const since = piece.saidLateMs ?? piece.ageMs;
  return piece.ageMs >= limits.lateMs && since >= limits.lateMs ? 'late' : 'wait';
}
