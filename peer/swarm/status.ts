// What the swarm tells about itself: plain data, for the daemon to show. No address.

import type { Digest } from '../../core/index.ts';
import type { TaskId } from '../../proto/index.ts';
import type { SwarmCounters } from './counters.ts';
import type { Download } from './download.ts';
import type { Holdings } from './holdings.ts';
import type { ParentPhase } from './parent.ts';

export interface ParentStatus {
  readonly peerId: string;
  readonly phase: ParentPhase;
  readonly distance: number;
  readonly pieces: number;
  /** Pieces asked of it and not here. */
  readonly owed: number;
  readonly bytes: number;
  /** Bytes per second, as it served of late; undefined: it has not. */
  readonly bytesPerSecond: number | undefined;
  readonly strikes: number;
}

export interface TaskStatus {
  readonly taskId: TaskId;
  /** For this node's own eyes: never crosses the network. */
  readonly digest: Digest;
  readonly pieceCount: number;
  readonly pieces: number;
  readonly chunks: number;
  readonly hasScheduler: boolean;
  readonly reads: number;
  readonly wanted: number;
  readonly underWay: number;
  readonly leased: number;
  readonly counters: Readonly<SwarmCounters>;
  readonly parents: readonly ParentStatus[];
}

export interface SwarmStatus {
  readonly tasks: readonly TaskStatus[];
  /** Of all blobs since the node started, also those that are not shared any more. */
  readonly counters: Readonly<SwarmCounters>;
  readonly idleTasks: number;
  readonly avoidedPeers: number;
  readonly storedBytes: number;
}

export function statusOf(
  name: { readonly taskId: TaskId; readonly digest: Digest },
  task: {
    readonly holdings: Holdings;
    readonly download: Download;
    readonly reads: number;
    readonly counters: SwarmCounters;
  },
): TaskStatus {
  const { holdings, download } = task;
  return {
    ...name,
    pieceCount: holdings.pieces.count,
    pieces: holdings.pieces.size,
    chunks: holdings.chunks.size,
    hasScheduler: download.scheduler.isUp,
    reads: task.reads,
    wanted: download.wanted.size,
    underWay: download.requests.size,
    leased: download.fetcher.size,
    counters: { ...task.counters },
    parents: download.parents.all.map(parent => ({
      peerId: parent.peerId,
      phase: parent.phase,
      distance: parent.distance,
      pieces: parent.pieces.size,
      owed: parent.asked.size,
      bytes: parent.peerBytes,
      bytesPerSecond: parent.bytesPerSecond,
      strikes: parent.strikes,
    })),
  };
}
