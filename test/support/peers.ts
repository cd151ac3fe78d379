// Peers with their transport, over real connections on 127.0.0.1, and what a child hears from a parent.

import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, type PieceSet, systemClock } from '../../core/index.ts';
import {
  type ParentEvents,
  type ParentLink,
  type ParentTask,
  type PeerAddress,
  type PeerNetwork,
  PeerTransport,
  type RefusalReason,
  type TransportOptions,
} from '../../peer/index.ts';
import { taskIdOf } from '../../proto/index.ts';
import type { MemberOptions, TestCluster, TestMember } from './member-nodes.ts';
import { type MemoryServedTask, MemoryServedTasks } from './memory-served-tasks.ts';

/** The system's clock, with time that a test can add. */
export class ShiftedClock implements Clock {
  aheadMs = 0;
  readonly now = () => systemClock.now() + this.aheadMs;
  readonly monotonic = () => systemClock.monotonic() + this.aheadMs;
  readonly random = () => systemClock.random();
  readonly sleep = systemClock.sleep;
}

export interface TestPeer extends TestMember {
  readonly transport: PeerTransport;
  readonly tasks: MemoryServedTasks;
  readonly address: { readonly peerId: string; readonly addresses: readonly string[] };
}

export async function startPeer(
  t: TestContext,
  cluster: TestCluster,
  options: MemberOptions & Partial<Pick<TransportOptions, 'uploadSlots' | 'uploadBytesPerSecond'>> = {},
): Promise<TestPeer> {
  const member = await cluster.member(options);
  const tasks = new MemoryServedTasks();
  const transport = await PeerTransport.start({
    node: member.node,
    tasks,
    uploadSlots: options.uploadSlots ?? 4,
    uploadBytesPerSecond: options.uploadBytesPerSecond,
    clock: options.clock ?? systemClock,
    log: member.log,
  });
  t.after(() => transport.stop());
  return { ...member, transport, tasks, address: { peerId: member.node.peerId, addresses: member.node.addresses } };
}

/** Everything a parent says of a task, and how to wait for it. */
export class Heard implements ParentEvents {
  readonly pieces = new Map<number, Uint8Array>();
  readonly order: number[] = [];
  readonly refused: {
    readonly pieces: readonly number[];
    readonly reason: RefusalReason;
    readonly try: readonly string[];
  }[] = [];
  readonly have: number[] = [];
  readonly lost: number[] = [];
  readonly chunksHad: number[] = [];
  opened = 0;
  here: PieceSet | undefined;
  covered: PieceSet | undefined;
  denied: string | undefined;
  downs = 0;
  queue: number | undefined;

  onOpened(pieces: PieceSet, chunks: PieceSet): void {
    this.opened++;
    this.here = pieces;
    this.covered = chunks;
  }
  onDenied(reason: string): void {
    this.denied = reason;
  }
  onHave(pieces: readonly number[], chunks: readonly number[]): void {
    this.have.push(...pieces);
    this.chunksHad.push(...chunks);
  }
  onLost(pieces: readonly number[]): void {
    this.lost.push(...pieces);
  }
  onPiece(piece: number, bytes: Uint8Array): void {
    this.pieces.set(piece, bytes);
    this.order.push(piece);
  }
  onRefused(pieces: readonly number[], reason: RefusalReason, tryPeers: readonly string[]): void {
    this.refused.push({ pieces, reason, try: tryPeers });
  }
  onQueue(length: number): void {
    this.queue = length;
  }
  onDown(): void {
    this.downs++;
  }
}

/** Looks again and again until it is so; the test's own deadline ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(2);
}

export interface Opened {
  readonly link: ParentLink;
  readonly task: ParentTask;
  readonly heard: Heard;
}

/** Opens a task at a parent and waits for its answer. */
export async function openAt(child: PeerNetwork, parent: PeerAddress, served: MemoryServedTask): Promise<Opened> {
  const link = child.link(parent);
  const heard = new Heard();
  const { digest, pieceCount } = served;
  const task = link.open({ taskId: taskIdOf(digest), digest, pieceCount }, heard);
  await until(() => heard.opened > 0 || heard.denied !== undefined);
  return { link, task, heard };
}
