// What is said about a mount in lists: pure functions of what it counts.

import type { MountState, MountStats } from '../core/index.ts';
import type { ServeLimits } from './config.ts';
import type { ParkedReads } from './fuse/parked-reads.ts';
import type { ContentStats } from './image-content.ts';
import { Counter, type SharedCounters } from './shared-counters.ts';

export type WaitingReads = Pick<ParkedReads, 'waiting' | 'longestWaitMs' | 'slowEndedAt'>;

const NONE_WAITS: WaitingReads = { waiting: 0, longestWaitMs: 0, slowEndedAt: 0 };

/** `readyAt`: undefined as long as it is being mounted. Times are wall times. */
export function stateOf(
  {
    mountedAt,
    readyAt,
    now,
  }: { readonly mountedAt: number; readonly readyAt: number | undefined; readonly now: number },
  { longestWaitMs, slowEndedAt }: WaitingReads = NONE_WAITS,
  { slowReadMs }: Pick<ServeLimits, 'slowReadMs'>,
): MountState {
  if (readyAt === undefined) return { name: 'mounting', since: mountedAt };
  if (longestWaitMs >= slowReadMs) return { name: 'stalled', since: Math.round(now - longestWaitMs) };
  return { name: 'ready', since: Math.max(readyAt, slowEndedAt) };
}

export function statsOf(
  content: ContentStats,
  counters: SharedCounters,
  { waiting, longestWaitMs }: WaitingReads = NONE_WAITS,
): MountStats {
  return {
    ...content,
    hits: counters.get(Counter.HITS),
    misses: counters.get(Counter.MISSES),
    waiting,
    longestWaitMs: Math.round(longestWaitMs),
    slowReads: counters.get(Counter.SLOW_READS),
  };
}
