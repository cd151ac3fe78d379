// The pieces of a task that somebody wants and nobody has or fetches, in the order in which leases are granted: demand
// before traces before background, within a lane as they were wanted. Each piece once.

import { ShoalError } from '../../core/index.ts';

/** As on the wire: 1 demand, 2 trace, 3 background. */
export type LaneNumber = 1 | 2 | 3;

export interface QueuedPiece<Asker> {
  readonly piece: number;
  readonly lane: LaneNumber;
  /** Who wanted it first: one to start from when looking for somebody to fetch it. */
  readonly asker: Asker;
  /** For the asker and its neighbours alone: others have the piece, but it cannot be told to ask any of them. */
  readonly forAsker: boolean;
}

const LANE_NUMBERS: readonly LaneNumber[] = [1, 2, 3];
/** Used-up entries at the front of a line that are worth a copy of the rest. */
const COMPACT_AFTER = 1024;

export class PieceQueue<Asker> {
  /** For each piece: its lane while it is queued, else 0; and from bit 2 on the lane it was last queued in. */
  readonly #laneOf: Uint8Array;
  readonly #lines = LANE_NUMBERS.map(() => ({ entries: [] as QueuedPiece<Asker>[], head: 0 }));
  #size = 0;

  constructor(pieceCount: number) {
    this.#laneOf = new Uint8Array(pieceCount);
  }

  get size(): number {
    return this.#size;
  }

  has(piece: number): boolean {
    return this.#queuedIn(piece) !== 0;
  }

  /** The lane that the piece was last queued in; background when it never was. */
  lastLane(piece: number): LaneNumber {
    const lane = (this.#laneOf[piece] ?? 0) >> 2;
    return lane === 1 || lane === 2 ? lane : 3;
  }

  /** At the end of its lane; moves a piece that waits in a lower lane; does nothing otherwise. */
  push(entry: QueuedPiece<Asker>): void {
    const lane = this.#queuedIn(entry.piece);
    if (lane !== 0 && lane <= entry.lane) return;
    if (lane === 0) this.#size++;
    this.#laneOf[entry.piece] = entry.lane | (entry.lane << 2);
    this.#line(entry.lane).entries.push(entry);
  }

  /** Before all others of its lane: it had its turn already. */
  pushFirst(entry: QueuedPiece<Asker>): void {
    if (this.has(entry.piece)) return;
    this.#size++;
    this.#laneOf[entry.piece] = entry.lane | (entry.lane << 2);
    const line = this.#line(entry.lane);
    if (line.head > 0) line.entries[--line.head] = entry;
    else line.entries.unshift(entry);
  }

  next(): QueuedPiece<Asker> | undefined {
    for (const lane of LANE_NUMBERS) {
      const line = this.#line(lane);
      while (line.head < line.entries.length) {
        const entry = line.entries[line.head++];
        if (line.head === line.entries.length) {
          line.entries = [];
          line.head = 0;
        } else if (line.head > COMPACT_AFTER && line.head * 2 > line.entries.length) {
          line.entries = line.entries.slice(line.head);
          line.head = 0;
        }
        // An entry that was moved to a higher lane, or is a second one of a piece that was served, is void.
        if (entry === undefined || this.#queuedIn(entry.piece) !== lane) continue;
        this.#laneOf[entry.piece] = lane << 2;
        this.#size--;
        return entry;
      }
    }
    return undefined;
  }

  #queuedIn(piece: number): number {
    return (this.#laneOf[piece] ?? 0) & 3;
  }

  #line(lane: LaneNumber): { entries: QueuedPiece<Asker>[]; head: number } {
    const line = this.#lines[lane - 1];
    if (line === undefined) throw new ShoalError('internal', `no lane ${lane}`);
    return line;
  }
}
