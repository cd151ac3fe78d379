// A scheduler's core with a clock and chance of the test's own, and nodes that say things to it and remember what they
// were told. Every test of the core speaks to it through messages, as real nodes do.

import { createHash } from 'node:crypto';
import { PieceSet, piecesOfRuns, runsOf } from '../../../core/index.ts';
import type { NodeMessageProperties, SchedulerMessageProperties } from '../../../proto/index.ts';
import { type TaskId, taskIdFromBytes } from '../../../proto/index.ts';
import type { SchedulerLimits } from '../../../scheduler/core/config.ts';
import type { SchedulerEffect } from '../../../scheduler/core/events.ts';
import type { Member } from '../../../scheduler/core/member.ts';
import { SchedulerCore } from '../../../scheduler/core/scheduler-core.ts';
import type { Task } from '../../../scheduler/core/task.ts';

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function taskIdBytes(name: string): Uint8Array {
  return createHash('sha256').update(name).digest();
}

export function taskIdOfName(name: string): TaskId {
  return taskIdFromBytes(taskIdBytes(name));
}

export interface JoinOptions {
  readonly task?: string;
  readonly pieceCount?: number;
  readonly has?: Iterable<number>;
  readonly reachesOrigin?: boolean;
  readonly handle?: number;
}

export const DEMAND = 1;
export const TRACE = 2;
export const BACKGROUND = 3;

export class CoreUnderTest {
  readonly core: SchedulerCore;
  readonly nodes = new Map<number, NodeUnderTest>();
  readonly logs: string[] = [];
  now = 1000;
  #connections = 0;

  constructor(options: { readonly seed?: number; readonly limits?: SchedulerLimits } = {}) {
    this.core = new SchedulerCore({ random: seeded(options.seed ?? 1), limits: options.limits });
  }

  connect(
    name: string,
    labels: { region?: string; zone?: string; rack?: string; uploadSlots?: number } = {},
  ): NodeUnderTest {
    const node = new NodeUnderTest(this, ++this.#connections, name);
    this.nodes.set(node.connection, node);
    this.apply(
      this.core.handle({ kind: 'connected', connection: node.connection, peerId: node.peerId, name }, this.now),
    );
    if (!node.isClosed)
      node.say({ hello: { addresses: [`/ip4/10.0.0.1/tcp/${node.connection}`], uploadSlots: 4, ...labels } });
    return node;
  }

  /** Nodes that all joined `task` and were told about each other. */
  crowd(count: number, options: JoinOptions = {}): NodeUnderTest[] {
    const nodes = Array.from({ length: count }, (_, i) => this.connect(`node-${i}`));
    for (const node of nodes) node.join(options);
    this.flush();
    return nodes;
  }

  flush(): void {
    // New members are given neighbours some at a time.
    do this.apply(this.core.handle({ kind: 'flush' }, this.now));
    while (this.core.hasNews);
  }

  /** Time passes, with ticks ten times a second, and flushes. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + 100);
      this.apply(this.core.handle({ kind: 'tick' }, this.now));
      this.flush();
    }
  }

  task(name = 'blob', pieceCount = 64): Task | undefined {
    return this.core.tasks.get(`${taskIdOfName(name)}:${pieceCount}`);
  }

  apply(effects: readonly SchedulerEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.nodes.get(effect.connection)?.hear(effect.message);
          break;
        case 'broadcast':
          for (const node of this.nodes.values()) if (!node.isClosed) node.hear(effect.message);
          break;
        case 'close': {
          const node = this.nodes.get(effect.connection);
          if (node !== undefined) node.closedFor = effect.reason;
          break;
        }
        case 'log':
          this.logs.push(effect.message);
          break;
      }
    }
  }
}

export class NodeUnderTest {
  readonly connection: number;
  readonly name: string;
  readonly peerId: Uint8Array;
  readonly heard: SchedulerMessageProperties[] = [];
  /** Pieces it was told to fetch, in order. */
  readonly leased: number[] = [];
  /** By peer name's bytes: who it was told about, and what they had. */
  readonly parents = new Map<string, PieceSet>();
  /** By piece, who fetches it. */
  readonly lessees = new Map<number, string>();
  /** What it was told of the trace, in order. */
  readonly trace: number[] = [];
  readonly bans: string[] = [];
  holdMs = 0;
  closedFor: string | undefined;
  #pieceCount = 0;
  readonly #test: CoreUnderTest;

  constructor(test: CoreUnderTest, connection: number, name: string) {
    this.#test = test;
    this.connection = connection;
    this.name = name;
    this.peerId = Buffer.from(name);
  }

  get isClosed(): boolean {
    return this.closedFor !== undefined;
  }

  say(message: NodeMessageProperties): void {
    const event = { kind: 'message', connection: this.connection, message } as const;
    this.#test.apply(this.#test.core.handle(event, this.#test.now));
  }

  join({ task = 'blob', pieceCount = 64, has = [], reachesOrigin = true, handle = 1 }: JoinOptions = {}): this {
    this.#pieceCount = pieceCount;
    const pieces = new PieceSet(pieceCount);
    for (const piece of has) pieces.add(piece);
    this.say({ join: { handle, taskId: taskIdBytes(task), pieceCount, pieces: pieces.toBytes(), reachesOrigin } });
    return this;
  }

  want(pieces: Iterable<number>, options: { lane?: number; late?: boolean; handle?: number } = {}): this {
    const { lane = DEMAND, late = false, handle = 1 } = options;
    this.say({ want: { handle, lane, runs: runsOf(pieces), late } });
    return this;
  }

  gained(...pieces: number[]): void {
    this.say({ report: { tasks: [{ handle: 1, piecesGained: pieces }], freeSlots: 4 } });
  }

  lost(...pieces: number[]): void {
    this.say({ report: { tasks: [{ handle: 1, piecesLost: pieces }], freeSlots: 4 } });
  }

  leaseFailed(pieces: Iterable<number>, reason: number, retryAfterMs = 0): void {
    this.say({ leaseFailed: { handle: 1, runs: runsOf(pieces), reason, retryAfterMs } });
  }

  follow(follows = true): this {
    this.say({ follow: { handle: 1, follows } });
    return this;
  }

  /** `queueLength`: pieces that wait there to be sent. */
  reportQueue(queueLength: number): void {
    this.say({ report: { tasks: [], queueLength, freeSlots: 4 } });
  }

  accuse(whom: NodeUnderTest, what: number, piece = 0): void {
    this.say({ accuse: { handle: 1, peerId: whom.peerId, piece, what } });
  }

  go(): void {
    this.closedFor = 'gone';
    this.#test.apply(this.#test.core.handle({ kind: 'gone', connection: this.connection }, this.#test.now));
  }

  hear(message: SchedulerMessageProperties): void {
    this.heard.push(message);
    for (const removed of message.parents?.remove ?? []) this.parents.delete(nameOf(removed));
    for (const { peerId, pieces } of message.parents?.add ?? []) {
      this.parents.set(nameOf(peerId), setOf(this.#pieceCount, pieces));
    }
    for (const piece of piecesOfRuns(message.lease?.runs ?? [], this.#pieceCount)) this.leased.push(piece);
    for (const { peerId, runs } of message.lessees?.lessees ?? []) {
      for (const piece of piecesOfRuns(runs ?? [], this.#pieceCount)) this.lessees.set(piece, nameOf(peerId));
    }
    const traced = message.trace?.runs ?? [];
    for (let at = 0; at < traced.length; at += 2) {
      this.trace.push(...piecesOfRuns(traced.slice(at, at + 2), this.#pieceCount));
    }
    if (message.ban) this.bans.push(nameOf(message.ban.peerId));
    if (message.originHold) this.holdMs = message.originHold.durationMs ?? 0;
  }

  /** Leases it has not been asked for by `takeLeases` yet. */
  takeLeases(): number[] {
    return this.leased.splice(0);
  }
}

/** As a node reads it: no bytes are an empty set. */
function setOf(pieceCount: number, bytes: Uint8Array | null | undefined): PieceSet {
  return bytes?.length ? PieceSet.fromBytes(pieceCount, bytes) : new PieceSet(pieceCount);
}

function nameOf(peerId: Uint8Array | null | undefined): string {
  return Buffer.from(peerId ?? []).toString();
}

export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}

/** What must hold of a task after every event; throws what does not. */
export function brokenInvariants(task: Task, now: number): string[] {
  const broken: string[] = [];
  const under = new Map<Member, number>();
  for (const lease of task.leases.values()) {
    for (const lessee of [lease.lessee, ...(lease.second ? [lease.second.lessee] : [])]) {
      under.set(lessee, (under.get(lessee) ?? 0) + 1);
      if (lessee.isGone) broken.push(`piece ${lease.piece} is leased to a member that has left`);
      if (lessee.isUnauthorized) broken.push(`piece ${lease.piece} is leased to a member without rights`);
    }
    if (lease.deadlineAt < now - 1000) broken.push(`the lease of ${lease.piece} is long overdue`);
  }
  for (const member of task.members.items) {
    if ((under.get(member) ?? 0) !== member.leases)
      broken.push(`${member.node.peerName} counts ${member.leases} leases`);
    if (member.neighbours.length > 32)
      broken.push(`${member.node.peerName} has ${member.neighbours.length} neighbours`);
    if (new Set(member.neighbours).size !== member.neighbours.length) broken.push('a neighbour is there twice');
    for (const neighbour of member.neighbours) {
      if (neighbour === member) broken.push(`${member.node.peerName} is its own neighbour`);
      if (neighbour.isGone) broken.push(`${member.node.peerName} has a neighbour that has left`);
      if (!neighbour.neighbours.includes(member)) broken.push('the graph is not symmetric');
    }
    if ((member.wanted !== undefined) !== member.atWanting >= 0) broken.push('who wants is not among those who want');
  }
  for (let piece = 0; piece < task.pieceCount; piece++) {
    const holders = task.members.items.filter(member => member.pieces.has(piece)).length;
    if (holders !== task.holderCount(piece))
      broken.push(`piece ${piece}: ${task.holderCount(piece)} instead of ${holders}`);
  }
  return broken;
}
