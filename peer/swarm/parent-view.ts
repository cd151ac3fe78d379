// A parent as the decision sees it, for one decision.

import type { Choosable } from './choose.ts';
import type { Parent } from './parent.ts';

export class ParentView implements Choosable {
  readonly parent: Parent;
  room: number;
  readonly paceMs: number;
  readonly #isShunned: (piece: number) => boolean;

  /** `meanPaceMs` stands for the pace of a parent that was not measured yet; NaN when none was. */
  constructor(
    parent: Parent,
    what: { readonly most: number; readonly meanPaceMs: number; readonly isShunned: (piece: number) => boolean },
  ) {
    this.parent = parent;
    this.room = what.most - parent.owed;
    this.paceMs = parent.isMeasured || Number.isNaN(what.meanPaceMs) ? parent.paceMs : what.meanPaceMs;
    this.#isShunned = what.isShunned;
  }

  has(piece: number): boolean {
    return this.parent.pieces.has(piece) && !this.#isShunned(piece);
  }

  get expectedMs(): number {
    return this.paceMs * this.parent.nextPlace;
  }

  get distance(): number {
    return this.parent.distance;
  }

  get strikes(): number {
    return this.parent.strikes;
  }
}
