// Whose turn is next at a parent: demand before traces before background, and within a lane one after the other for all
// children, so that one who asks for much does not keep the others waiting. Pure.

import { LANES, type Lane } from '../../../core/index.ts';

export interface Turn<T> {
  readonly child: string;
  readonly key: string;
  readonly item: T;
}

export class TurnQueue<T> {
  /** By lane, then child in the order of turns, then key in the order of asking. */
  readonly #lanes: Readonly<Record<Lane, Map<string, Map<string, T>>>> = {
    demand: new Map(),
    trace: new Map(),
    background: new Map(),
  };
  readonly #ofChild = new Map<string, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(child: string): number {
    return this.#ofChild.get(child) ?? 0;
  }

  /**
   * How long the queue is for the child: turns until all of its own have been served, and those of others that would come
   * before one more. Whoever asks for much makes it longer only for himself.
   */
  lengthFor(child: string): number {
    const own = this.sizeOf(child);
    let length = own;
    for (const [other, size] of this.#ofChild) if (other !== child) length += Math.min(size, own + 1);
    return length;
  }

  /** A key that waits already moves to a higher lane, never to a lower one. */
  add(child: string, key: string, lane: Lane, item: T): void {
    const waits = this.#laneOf(child, key);
    if (waits !== undefined) {
      if (LANES.indexOf(waits) <= LANES.indexOf(lane)) return;
      this.remove(child, key);
    }
    const children = this.#lanes[lane];
    const items = children.get(child) ?? new Map<string, T>();
    children.set(child, items);
    items.set(key, item);
    this.#count(child, 1);
  }

  /** As `add`, of what waits. */
  raise(child: string, key: string, lane: Lane): void {
    const waits = this.#laneOf(child, key);
    const item = waits && this.#lanes[waits].get(child)?.get(key);
    if (item !== undefined) this.add(child, key, lane, item);
  }

  remove(child: string, key: string): T | undefined {
    for (const lane of LANES) {
      const item = this.#lanes[lane].get(child)?.get(key);
      if (item === undefined) continue;
      this.#take(lane, child, key);
      return item;
    }
    return undefined;
  }

  /** Of a child that is gone. */
  removeAll(child: string): void {
    for (const lane of LANES) this.#lanes[lane].delete(child);
    this.#count(child, -this.sizeOf(child));
  }

  /** Takes out what is next among those who are ready; a child that was served goes behind the others of its lane. */
  next(isReady: (child: string) => boolean, mayTake: (item: T) => boolean): Turn<T> | undefined {
    for (const lane of LANES) {
      for (const [child, items] of this.#lanes[lane]) {
        if (!isReady(child)) continue;
        for (const [key, item] of items) {
          if (!mayTake(item)) continue;
          this.#take(lane, child, key);
          this.#toTheBack(lane, child);
          return { child, key, item };
        }
      }
    }
    return undefined;
  }

  #laneOf(child: string, key: string): Lane | undefined {
    return LANES.find(lane => this.#lanes[lane].get(child)?.has(key));
  }

  #take(lane: Lane, child: string, key: string): void {
    const items = this.#lanes[lane].get(child);
    items?.delete(key);
    if (items?.size === 0) this.#lanes[lane].delete(child);
    this.#count(child, -1);
  }

  #toTheBack(lane: Lane, child: string): void {
    const items = this.#lanes[lane].get(child);
    if (items === undefined) return;
    this.#lanes[lane].delete(child);
    this.#lanes[lane].set(child, items);
  }

  #count(child: string, by: number): void {
    this.#size += by;
    const now = this.sizeOf(child) + by;
    if (now === 0) this.#ofChild.delete(child);
    else this.#ofChild.set(child, now);
  }
}

export interface QueueBounds {
  /** Requests that wait here, queued or until the piece comes: of all children, and of one. */
  readonly all: number;
  readonly ofChild: number;
}

/** How many of `wanted` more requests of a child are taken; the rest are told that this parent is busy. Pure. */
export function admitted(
  wanted: number,
  waiting: { readonly all: number; readonly ofChild: number },
  bounds: QueueBounds,
): number {
  return Math.max(0, Math.min(wanted, bounds.all - waiting.all, bounds.ofChild - waiting.ofChild));
}
