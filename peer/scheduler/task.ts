// A task as this node takes part in it: what changed since the last report, and what a scheduler says about it. It joins
// the scheduler it is given (schedulers.ts), says everything anew there, and keeps nothing about the one before.

import { type Lane, type Logger, messageOf, runsOf } from '../../core/index.ts';
import {
  type NodeMessageProperties,
  peerIdToBytes,
  WireAccusation,
  WireLane,
  WireLeaseFailure,
} from '../../proto/index.ts';
import type { Accusation, JoinedTask, LeaseFailure, ScheduledEvents, ScheduledTask } from '../ports.ts';
import type { SchedulerLink } from './link.ts';
import type { News } from './news.ts';

/** Numbers in one message that fit its bound, however large they are (docs/protocol.md). */
export const NUMBERS_PER_MESSAGE = 8_192;

const LANES: Readonly<Record<Lane, number>> = {
  demand: WireLane.LANE_DEMAND,
  trace: WireLane.LANE_TRACE,
  background: WireLane.LANE_BACKGROUND,
};
const FAILURES: Readonly<Record<LeaseFailure, number>> = {
  unreachable: WireLeaseFailure.LEASE_FAILED_UNREACHABLE,
  busy: WireLeaseFailure.LEASE_FAILED_BUSY,
  unauthorized: WireLeaseFailure.LEASE_FAILED_UNAUTHORIZED,
  'not-found': WireLeaseFailure.LEASE_FAILED_NOT_FOUND,
  'wrong-bytes': WireLeaseFailure.LEASE_FAILED_WRONG_BYTES,
  local: WireLeaseFailure.LEASE_FAILED_LOCAL,
};
const ACCUSATIONS: Readonly<Record<Accusation, number>> = {
  'wrong-bytes': WireAccusation.ACCUSE_WRONG_BYTES,
  'lying-bitmap': WireAccusation.ACCUSE_LYING_BITMAP,
  stalled: WireAccusation.ACCUSE_STALLED,
};

export type TaskReport = NonNullable<NonNullable<NodeMessageProperties['report']>['tasks']>[number];

export type ServedSample = Parameters<ScheduledTask['served']>[1];

/** What a task needs of the node's reports (reports.ts). */
export interface TaskOwner {
  /** Something is to be reported: in this turn of the event loop, or at the interval. */
  onChanged(task: NodeTask, how: 'now' | 'soon'): void;
  served(task: NodeTask, peerId: string, sample: ServedSample): void;
  onLeave(task: NodeTask): void;
}

export class NodeTask implements ScheduledTask {
  readonly joined: JoinedTask;
  readonly events: ScheduledEvents;
  /** The scheduler that has it or is about to; with the name it has there. */
  home: { readonly link: SchedulerLink; readonly handle: number } | undefined;
  /** It was told about the task. */
  isUp = false;
  readonly #owner: TaskOwner;
  readonly #log: Logger;
  readonly #unreported: number;
  /** Only which: whether they are here is looked up when the report is made. */
  readonly #pieces = new Set<number>();
  readonly #chunks = new Set<number>();
  readonly #leased = new Set<number>();
  #left = false;
  /** The last that the swarm was told. */
  #saidUp = false;

  /** `unreported`: changes that may wait for a report. */
  constructor(task: JoinedTask, events: ScheduledEvents, owner: TaskOwner, log: Logger, unreported: number) {
    this.joined = task;
    this.events = events;
    this.#owner = owner;
    this.#log = log;
    this.#unreported = unreported;
  }

  want(pieces: readonly number[], { lane, late }: { readonly lane: Lane; readonly late: boolean }): void {
    for (const part of partsOf(ascending(pieces))) {
      this.#say(handle => ({ want: { handle, lane: LANES[lane], runs: runsOf(part), late } }), true);
    }
  }

  gained(pieces: readonly number[], chunks: readonly number[]): void {
    this.#changed(pieces, chunks);
  }

  lost(pieces: readonly number[], chunks: readonly number[]): void {
    this.#changed(pieces, chunks);
  }

  leaseFailed(pieces: readonly number[], reason: LeaseFailure, retryAfterMs: number | undefined): void {
    for (const piece of pieces) this.#leased.delete(piece);
    for (const part of partsOf(ascending(pieces))) {
      const failed = { runs: runsOf(part), reason: FAILURES[reason], retryAfterMs: Math.ceil(retryAfterMs ?? 0) };
      this.#say(handle => ({ leaseFailed: { handle, ...failed } }), false);
    }
  }

  follow(follows: boolean): void {
    this.#say(handle => ({ follow: { handle, follows } }), false);
  }

  accuse(peerId: string, piece: number, what: Accusation): void {
    this.#say(handle => ({ accuse: { handle, peerId: peerIdToBytes(peerId), piece, what: ACCUSATIONS[what] } }), false);
  }

  served(peerId: string, sample: ServedSample): void {
    if (this.isUp) this.#owner.served(this, peerId, sample);
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#say(handle => ({ leave: { handle } }), false);
    this.#owner.onLeave(this);
  }

  /** The scheduler at home is told about the task. */
  announce(): void {
    if (this.home === undefined) return;
    const { link, handle } = this.home;
    const { taskId, pieceCount, pieces, chunks, reachesOrigin } = this.joined;
    // Encoded at once, so the bitmaps need no copy.
    const bitmaps = { pieces: pieces.bytes, chunks: chunks.bytes };
    const join = { handle, taskId: Buffer.from(taskId, 'hex'), pieceCount, ...bitmaps, reachesOrigin };
    this.#forget();
    this.isUp = link.send({ join }, { asks: true });
    if (!this.isUp) return;
    this.#saidUp = true;
    this.#tell(() => this.events.onUp());
  }

  /** To no scheduler, or to another that it will be announced to. */
  moveTo(home: NodeTask['home']): void {
    if (this.isUp && this.home !== undefined) this.home.link.send({ leave: { handle: this.home.handle } });
    this.home = home;
    this.isUp = false;
    this.#forget();
    // Between two schedulers that are there it is not without one for longer than a message takes.
    if (home !== undefined || !this.#saidUp) return;
    this.#saidUp = false;
    this.#tell(() => this.events.onDown());
  }

  receive(news: News): void {
    if (!this.isUp) return;
    this.#tell(() => {
      if (news.kind === 'parents') this.events.onParents(news.add, news.remove);
      else if (news.kind === 'lease') this.#lease(news.pieces, news.deadlineMs);
      else if (news.kind === 'lessees') for (const it of news.lessees) this.events.onLessee(it.peerId, it.pieces);
      else if (news.kind === 'trace') this.events.onTrace(news.pieces);
      else if (news.kind === 'ban') this.events.onBan(news.peerId, news.durationMs, news.reason);
      else if (news.kind === 'hold') this.events.onOriginHold(news.durationMs);
    });
  }

  /** What changed since the last time, in parts that fit a message each. */
  *takeReport(): Generator<TaskReport> {
    const handle = this.home?.handle;
    if (handle === undefined || !this.isUp) return;
    const pieces = [...this.#pieces];
    const chunks = [...this.#chunks];
    this.#pieces.clear();
    this.#chunks.clear();
    const { joined } = this;
    for (const part of partsOf(pieces)) {
      const [piecesGained, piecesLost] = split(part, piece => joined.pieces.has(piece));
      yield { handle, piecesGained, piecesLost };
    }
    for (const part of partsOf(chunks)) {
      const [chunksGained, chunksLost] = split(part, piece => joined.chunks.has(piece));
      yield { handle, chunksGained, chunksLost };
    }
  }

  #lease(pieces: readonly number[], deadlineMs: number): void {
    for (const piece of pieces) this.#leased.add(piece);
    this.events.onLease(pieces, deadlineMs);
  }

  #changed(pieces: readonly number[], chunks: readonly number[]): void {
    // A join says everything.
    if (!this.isUp) return;
    let isLeased = false;
    for (const piece of pieces) {
      this.#pieces.add(piece);
      if (this.#leased.delete(piece)) isLeased = true;
    }
    for (const piece of chunks) this.#chunks.add(piece);
    const isMuch = this.#pieces.size + this.#chunks.size > this.#unreported;
    this.#owner.onChanged(this, isLeased || isMuch ? 'now' : 'soon');
  }

  #say(message: (handle: number) => NodeMessageProperties, asks: boolean): void {
    if (this.isUp && this.home !== undefined) this.home.link.send(message(this.home.handle), { asks });
  }

  #forget(): void {
    this.#pieces.clear();
    this.#chunks.clear();
    this.#leased.clear();
  }

  /** What the swarm does wrong must not end the connection that all tasks share. */
  #tell(event: () => void): void {
    try {
      event();
    } catch (error) {
      this.#log.error('a task failed at news from its scheduler', {
        task: this.joined.taskId,
        error: messageOf(error),
      });
    }
  }
}

/** Runs ascend; each piece once. */
function ascending(pieces: readonly number[]): number[] {
  return [...new Set(pieces)].sort((a, b) => a - b);
}

function* partsOf(numbers: readonly number[]): Generator<number[]> {
  for (let at = 0; at < numbers.length; at += NUMBERS_PER_MESSAGE) yield numbers.slice(at, at + NUMBERS_PER_MESSAGE);
}

function split(numbers: readonly number[], isFirst: (value: number) => boolean): [number[], number[]] {
  const [first, second]: [number[], number[]] = [[], []];
  for (const number of numbers) (isFirst(number) ? first : second).push(number);
  return [first, second];
}
