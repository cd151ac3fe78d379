// What the process needs of the core (scheduler/core): one function that decides, and a look at what it knows.

import type { SchedulerEffect, SchedulerEvent } from '../core/events.ts';

export interface SchedulerCore {
  /** `now` in ms, never going back. The effects are carried out before the next event. */
  handle(event: SchedulerEvent, now: number): Iterable<SchedulerEffect>;
}

/** Counted since the start, and what there is now. */
export interface SchedulerCounts {
  readonly nodes: number;
  readonly tasks: number;
  readonly members: number;
  /** Leases under way; those that are past their deadline and may still be done. */
  readonly leases: { readonly running: number; readonly overdue: number };
  /** Pieces that are wanted and wait for a lease. */
  readonly queued: number;
  readonly banned: number;
  /** Since the start. */
  readonly granted: number;
  readonly done: number;
  readonly failed: number;
  readonly expired: number;
  /** Leases given for a piece that another had the lease of before. */
  readonly handedOver: number;
  readonly bans: number;
}

export interface NodeView {
  readonly peerId: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly version: string;
  readonly region: string;
  readonly zone: string;
  readonly rack: string;
  readonly isSeed: boolean;
  readonly uploadSlots: number;
  readonly freeSlots: number;
  readonly queueLength: number;
  readonly tasks: number;
}

export interface TaskSummary {
  readonly taskId: string;
  readonly pieceCount: number;
  readonly members: number;
  /** Members that have all pieces. */
  readonly complete: number;
  readonly leases: number;
  readonly queued: number;
}

export interface TaskMemberView {
  readonly peerId: string;
  readonly name: string;
  /** How many pieces are there, and which, in runs. */
  readonly held: number;
  readonly runs: Iterable<number>;
  /** Pieces that can be sent repacked from the cache. */
  readonly chunks: number;
  readonly wanted: number;
  readonly leases: number;
  readonly leasesEver: number;
}

export interface TaskView extends TaskSummary {
  readonly memberList: Iterable<TaskMemberView>;
  readonly leaseList: Iterable<{ readonly piece: number; readonly peerId: string; readonly deadlineInMs: number }>;
}

/** Task ids and peer ids only: no digest, no credential, no name of an image is known here. */
export interface SchedulerView {
  counts(): SchedulerCounts;
  nodes(): Iterable<NodeView>;
  tasks(): Iterable<TaskSummary>;
  task(taskId: string, now: number): TaskView | undefined;
}
