// The scheduler's state for people to look at: nodes, tasks, who holds what, as plain JSON, a page at a time. Tasks have
// their task id; no digest of a blob is known here, and no credential (docs/protocol.md).

import { runsOf } from '../../core/index.ts';
import { isForOne } from './leases.ts';
import type { Member } from './member.ts';
import type { NodeState } from './node.ts';
import type { SchedulerCore } from './scheduler-core.ts';
import type { Task } from './task.ts';

/** Entries of a page: more would make an answer of many MB, and hold up the events meanwhile. */
export const MAX_PAGE = 200;
/** Runs of pieces that are listed for a member: a member with more is in the middle of it. */
const MAX_RUNS = 64;

export interface Page {
  /** Entries to pass over. */
  readonly offset?: number | undefined;
  /** At most MAX_PAGE. */
  readonly limit?: number | undefined;
}

/** What there is in all, and one page of it. */
export interface Paged<T> {
  readonly total: number;
  readonly offset: number;
  readonly items: readonly T[];
}

export interface NodeView {
  readonly peer: string;
  readonly name: string;
  readonly version: string;
  readonly region: string;
  readonly zone: string;
  readonly rack: string;
  readonly isSeed: boolean;
  readonly uploadSlots: number;
  readonly freeSlots: number;
  readonly queueLength: number;
  /** Pieces per second that others were served. */
  readonly rate: number;
  readonly failures: number;
  readonly tasks: number;
}

export interface TaskView {
  readonly task: string;
  readonly pieces: number;
  readonly members: number;
  readonly wanting: number;
  /** Pieces that somebody has. */
  readonly held: number;
  /** Pieces that wait for a lease. */
  readonly waiting: number;
  readonly leases: number;
  readonly leasesEver: number;
  readonly leaseLimit: number;
  /** Pieces of its trace, and members that follow it. */
  readonly traced: number;
  readonly followers: number;
  /** ms until leases are given again; 0 when they are. */
  readonly holdMs: number;
}

export interface MemberView {
  readonly peer: string;
  readonly held: number;
  /** First pieces and counts of the first runs that it has. */
  readonly runs: readonly number[];
  readonly chunks: number;
  readonly wanted: number;
  readonly leases: readonly number[];
  readonly neighbours: readonly string[];
  readonly reachesOrigin: boolean;
  readonly isUnauthorized: boolean;
}

export function viewNodes(core: SchedulerCore, page: Page, now: number): Paged<NodeView> {
  return paged(core.nodes.size, core.nodes.values(), page, node => viewNode(node, now));
}

export function viewTasks(core: SchedulerCore, page: Page, now: number): Paged<TaskView> {
  return paged(core.tasks.size, core.tasks.values(), page, task => viewTask(task, now));
}

/** The members of a task; undefined when there is none of this id. */
export function viewMembers(core: SchedulerCore, taskId: string, page: Page): Paged<MemberView> | undefined {
  const tasks = [...core.tasks.values()].filter(({ id }) => id === taskId);
  if (tasks.length === 0) return undefined;
  const members = tasks.flatMap(task => task.members.items);
  return paged(members.length, members, page, viewMember);
}

function viewNode(node: NodeState, now: number): NodeView {
  const { info, place } = node;
  return {
    peer: node.peerName,
    name: info?.name ?? '',
    version: info?.version ?? '',
    region: place.labels.region,
    zone: place.labels.zone,
    rack: place.labels.rack,
    isSeed: info?.isSeed ?? false,
    uploadSlots: info?.uploadSlots ?? 0,
    freeSlots: node.freeSlots,
    queueLength: node.queueLength,
    rate: Math.round(node.rate * 10) / 10,
    failures: Math.round(node.failures(now) * 10) / 10,
    tasks: node.members.size,
  };
}

function viewTask(task: Task, now: number): TaskView {
  return {
    task: task.id,
    pieces: task.pieceCount,
    members: task.members.size,
    wanting: task.wanting.size,
    held: task.heldCount,
    waiting: task.queue.size,
    leases: task.leases.size,
    leasesEver: task.leasesEver,
    leaseLimit: task.pace.limit(isForOne(task, now)),
    traced: task.trace.length,
    followers: task.followers,
    holdMs: Math.max(0, Math.round(task.holdUntil - now)),
  };
}

function viewMember(member: Member): MemberView {
  const leases = [...member.task.leases.values()].filter(({ lessee, second }) => {
    return lessee === member || second?.lessee === member;
  });
  return {
    peer: member.node.peerName,
    held: member.pieces.size,
    runs: runsOf(member.pieces).slice(0, 2 * MAX_RUNS),
    chunks: member.chunks?.size ?? 0,
    wanted: member.wanted?.size ?? 0,
    leases: leases.map(({ piece }) => piece),
    neighbours: member.neighbours.map(({ node }) => node.peerName),
    reachesOrigin: member.reachesOrigin,
    isUnauthorized: member.isUnauthorized,
  };
}

function paged<T, V>(total: number, items: Iterable<T>, page: Page, view: (item: T) => V): Paged<V> {
  const offset = whole(page.offset, 0);
  const end = offset + Math.min(MAX_PAGE, whole(page.limit, MAX_PAGE));
  const shown: V[] = [];
  let at = 0;
  for (const item of items) {
    if (at >= end) break;
    if (at++ >= offset) shown.push(view(item));
  }
  return { total, offset, items: shown };
}

/** What comes from an address line may be anything. */
function whole(value: number | undefined, otherwise: number): number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}
