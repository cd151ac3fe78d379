// A node's side of the scheduler protocol for tests: its links, and tasks that write down what happens to them.

import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type Logger, PieceSet, silentLogger, systemClock } from '../../core/index.ts';
import { type PeerAddress, type ScheduledEvents, type ScheduledTask, SchedulerLinks } from '../../peer/index.ts';
import { SCHEDULER_LINK_LIMITS, type SchedulerLinkLimits } from '../../peer/scheduler/limits.ts';
import type { SchedulerNode } from '../../peer/scheduler/link.ts';
import { type TaskId, taskIdFromBytes } from '../../proto/index.ts';

/** Everything happens in tens of milliseconds; how long a test takes decides nothing. */
export const QUICK_LIMITS: SchedulerLinkLimits = {
  ...SCHEDULER_LINK_LIMITS,
  retryMs: 20,
  longestRetryMs: 100,
  settleMs: 50,
  refusedMs: 50,
};

export function scheduledNode(
  t: TestContext,
  node: SchedulerNode,
  schedulers: readonly PeerAddress[],
  options: { readonly limits?: Partial<SchedulerLinkLimits>; readonly log?: Logger; readonly name?: string } = {},
): SchedulerLinks {
  const links = new SchedulerLinks(
    { node, clock: systemClock, log: options.log ?? silentLogger, load: () => ({ queueLength: 0, freeSlots: 4 }) },
    {
      schedulers,
      name: options.name ?? 'node',
      region: 'r',
      zone: 'z',
      rack: '',
      isSeed: false,
      uploadSlots: 4,
      version: '0',
      limits: { ...QUICK_LIMITS, ...options.limits },
    },
  );
  links.start();
  t.after(() => links.stop());
  return links;
}

export function taskId(name: string): TaskId {
  return taskIdFromBytes(createHash('sha256').update(name).digest());
}

export interface WatchedTask {
  readonly task: ScheduledTask;
  readonly pieces: PieceSet;
  readonly chunks: PieceSet;
  readonly events: {
    up: number;
    down: number;
    readonly parents: Map<string, { readonly pieces: PieceSet; readonly distance: number }>;
    readonly leased: number[];
    readonly lessees: Map<number, string>;
    readonly bans: string[];
    readonly holds: number[];
  };
}

export function joinTask(
  links: SchedulerLinks,
  id: TaskId,
  options: {
    readonly pieceCount?: number;
    readonly onLease?: (watched: WatchedTask, pieces: readonly number[]) => void;
  } = {},
): WatchedTask {
  const { pieceCount = 16 } = options;
  const [pieces, chunks] = [new PieceSet(pieceCount), new PieceSet(pieceCount)];
  const events: WatchedTask['events'] = {
    up: 0,
    down: 0,
    parents: new Map(),
    leased: [],
    lessees: new Map(),
    bans: [],
    holds: [],
  };
  const heard: ScheduledEvents = {
    onUp: () => void events.up++,
    onDown: () => void events.down++,
    onParents: (add, remove) => {
      for (const { peerId, ...rest } of add) events.parents.set(peerId, rest);
      for (const peerId of remove) events.parents.delete(peerId);
    },
    onLease: leased => {
      events.leased.push(...leased);
      options.onLease?.(watched, leased);
    },
    onTrace: () => {},
    onLessee: (peerId, leased) => {
      for (const piece of leased) events.lessees.set(piece, peerId);
    },
    onBan: peerId => void events.bans.push(peerId),
    onOriginHold: ms => void events.holds.push(ms),
  };
  const task = links.join({ taskId: id, pieceCount, pieces, chunks, reachesOrigin: true }, heard);
  const watched: WatchedTask = { task, pieces, chunks, events };
  return watched;
}
