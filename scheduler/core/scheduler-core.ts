// The one owner of the scheduler's state: nodes, tasks, bans. An event goes in with its time, effects come out; no clock,
// no socket, and no chance but what it is given. All state is soft: nodes that connect and join with their bitmaps make
// it anew (docs/protocol.md).

import { messageOf, piecesOfRuns } from '../../core/index.ts';
import type { SchedulerMessageProperties } from '../../proto/index.ts';
import { Accusations } from './accusations.ts';
import { reportIntervalMs, SCHEDULER_LIMITS, type SchedulerLimits } from './config.ts';
import type { SchedulerEffect, SchedulerEvent } from './events.ts';
import { leaseFailed } from './leases.ts';
import { Memberships } from './memberships.ts';
import { disconnect } from './neighbours.ts';
import { NodeState, type PeerKey, peerKeyOf } from './node.ts';
import { checkReport, countOf, failedPiecesOf, laneOf, nodeInfoOf, type Said } from './node-messages.ts';
import { PeerIndex } from './peer-index.ts';
import { Rounds } from './rounds.ts';
import type { Task } from './task.ts';
import { follow, tellTrace } from './trace.ts';
import { type SchedulerTally, Turn } from './turn.ts';
import { gain, lose, provideAgain, want } from './wants.ts';

export interface SchedulerCoreOptions {
  /** In [0, 1): the one source of chance. */
  readonly random: () => number;
  readonly limits?: SchedulerLimits | undefined;
}

const NOTHING: readonly SchedulerEffect[] = [];
/** Enough acquaintances to ask for the most accusers. */
const ACQUAINTANCES = 4;
/** Bans that a node is told of when it connects. */
const BANS_TOLD = 256;

export class SchedulerCore {
  readonly #limits: SchedulerLimits;
  readonly #accusations = new Accusations();
  readonly #turn: Turn;
  readonly #byConnection = new Map<number, NodeState>();
  readonly #byPeer = new PeerIndex();
  readonly #memberships: Memberships;
  readonly #rounds: Rounds;
  #effects: SchedulerEffect[] = [];

  constructor({ random, limits = SCHEDULER_LIMITS }: SchedulerCoreOptions) {
    this.#limits = limits;
    this.#turn = new Turn(random, this.#accusations);
    this.#memberships = new Memberships(limits, this.#turn);
    this.#rounds = new Rounds(this.#turn);
  }

  /** For looking at (view.ts). */
  get nodes(): ReadonlyMap<number, NodeState> {
    return this.#byConnection;
  }

  get tasks(): ReadonlyMap<string, Task> {
    return this.#memberships.tasks;
  }

  get tally(): Readonly<SchedulerTally> {
    return this.#turn.tally;
  }

  bannedForMs(peerId: Uint8Array, now: number): number {
    return this.#accusations.bannedForMs(peerKeyOf(peerId), now);
  }

  /** Is there something that a `flush` would do? */
  get hasNews(): boolean {
    return this.isBehind || this.#turn.touched.size + this.#turn.news.size > 0;
  }

  /** The last flush left something: the next may follow at once. */
  get isBehind(): boolean {
    return this.#rounds.isBehind;
  }

  /** `now`: monotonic ms, never less than before. Never throws for what a node says: it is closed instead. */
  handle(event: SchedulerEvent, now: number): readonly SchedulerEffect[] {
    this.#turn.now = now;
    switch (event.kind) {
      case 'message':
        this.#onMessage(event.connection, event.message);
        break;
      case 'flush':
        this.#rounds.flush((member, message) => this.#send(member.node, message));
        break;
      case 'tick':
        this.#accusations.prune(now);
        this.#rounds.tick();
        break;
      case 'blocked':
      case 'flowing':
        this.#onFlow(this.#byConnection.get(event.connection), event.kind === 'blocked');
        break;
      case 'connected':
        this.#onConnected(event);
        break;
      case 'gone':
        this.#forget(this.#byConnection.get(event.connection));
        break;
      default:
        event satisfies never;
    }
    if (this.#effects.length === 0) return NOTHING;
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  // ---- nodes ----------------------------------------------------------------------------------------------------------

  #onConnected({ connection, peerId, name }: Extract<SchedulerEvent, { kind: 'connected' }>): void {
    const key = peerKeyOf(peerId);
    const bannedMs = this.#accusations.bannedForMs(key, this.#turn.now);
    if (bannedMs > 0) {
      this.#close(connection, `banned for ${Math.ceil(bannedMs / 1000)} s more`);
      return;
    }
    // The old connection's end was not noticed yet.
    const before = this.#byPeer.get(peerId);
    if (before !== undefined) this.#dismiss(before, 'connected again');
    if (this.#byPeer.size >= this.#limits.nodes) {
      this.#close(connection, `no room: ${this.#limits.nodes} nodes are connected`);
      return;
    }
    const node = new NodeState({ connection, key, peerId: peerId.slice(), peerName: name });
    this.#byConnection.set(connection, node);
    this.#byPeer.add(node);
  }

  #forget(node: NodeState | undefined): void {
    if (node === undefined) return;
    for (const member of [...node.members.values()]) this.#leave(member.handle, node);
    this.#byConnection.delete(node.connection);
    this.#byPeer.delete(node);
  }

  #onFlow(node: NodeState | undefined, isBlocked: boolean): void {
    if (node === undefined || node.isBlocked === isBlocked) return;
    node.isBlocked = isBlocked;
    if (!isBlocked) this.#turn.news.resume(node);
  }

  #dismiss(node: NodeState, reason: string): void {
    this.#forget(node);
    this.#close(node.connection, reason);
  }

  #onMessage(connection: number, message: Extract<SchedulerEvent, { kind: 'message' }>['message']): void {
    const node = this.#byConnection.get(connection);
    // It was dismissed, and what it had sent before is still coming.
    if (node === undefined) return;
    try {
      if (message.hello) this.#onHello(node, message.hello);
      else if (node.info === undefined) this.#dismiss(node, 'spoke before its Hello');
      else if (message.report) this.#onReport(node, message.report);
      else if (message.want) this.#onWant(node, message.want);
      else if (message.leaseFailed) this.#onLeaseFailed(node, message.leaseFailed);
      else if (message.join) this.#onJoin(node, message.join);
      else if (message.leave) this.#leave(message.leave.handle ?? 0, node);
      else if (message.accuse) this.#onAccuse(node, message.accuse);
      else if (message.follow) this.#onFollow(node, message.follow);
      // Anything else is of a later version, and ignored.
    } catch (error) {
      this.#log('warn', 'a node broke the protocol', { peer: node.peerName, reason: messageOf(error) });
      this.#dismiss(node, messageOf(error));
    }
  }

  #onHello(node: NodeState, hello: Said<'hello'>): void {
    const { info, place } = nodeInfoOf(hello, this.#limits);
    // A task's members are filed by place, so it stays what it was in the first Hello.
    if (node.info === undefined) {
      node.place = place;
      node.freeSlots = info.uploadSlots;
    }
    node.info = info;
    this.#welcome(node);
    let told = 0;
    for (const { peer, ms } of this.#accusations.banned(this.#turn.now)) {
      if (told++ === BANS_TOLD) break;
      this.#send(node, banMessage(Buffer.from(peer, 'latin1'), ms));
    }
  }

  #welcome(node: NodeState): void {
    node.reportIntervalMs = reportIntervalMs(this.#byPeer.size);
    this.#send(node, { welcome: { reportIntervalMs: node.reportIntervalMs } });
  }

  // ---- tasks ----------------------------------------------------------------------------------------------------------

  #onJoin(node: NodeState, join: Said<'join'>): void {
    const refusal = this.#memberships.join(node, join);
    if (refusal === undefined) return;
    this.#send(node, { taskRefused: { handle: join.handle ?? 0, reason: refusal } });
  }

  #leave(handle: number, node: NodeState): void {
    const ended = this.#memberships.leave(node, handle);
    if (ended !== undefined) this.#rounds.forget(ended);
  }

  #onReport(node: NodeState, report: Said<'report'>): void {
    checkReport(report, this.#limits);
    node.queueLength = countOf(report.queueLength);
    node.freeSlots = countOf(report.freeSlots);
    for (const { handle, piecesGained, piecesLost, chunksGained, chunksLost } of report.tasks ?? []) {
      const member = node.members.get(handle ?? 0);
      if (member === undefined) continue;
      for (const piece of piecesLost ?? []) lose(member, piece, this.#turn);
      for (const piece of piecesGained ?? []) gain(member, piece, this.#turn);
      tellTrace(member, this.#turn);
      this.#memberships.reportChunks(member, chunksGained ?? [], chunksLost ?? []);
    }
    for (const { peerId, pieces, milliseconds, failures } of report.parents ?? []) {
      const parent = this.#byPeer.get(peerId);
      if (parent === undefined || parent === node) continue;
      const sample = { pieces: countOf(pieces), ms: countOf(milliseconds), failures: countOf(failures) };
      parent.wasServing(sample, this.#turn.now);
    }
    // Many came since it was told.
    if (reportIntervalMs(this.#byPeer.size) >= 2 * node.reportIntervalMs) this.#welcome(node);
  }

  #onWant(node: NodeState, said: Said<'want'>): void {
    const member = node.members.get(said.handle ?? 0);
    if (member === undefined) return;
    const options = { lane: laneOf(said.lane), isLate: said.late ?? false, most: this.#limits.wantsPerMember };
    want(member, piecesOfRuns(said.runs ?? [], member.task.pieceCount), options, this.#turn);
  }

  #onFollow(node: NodeState, said: Said<'follow'>): void {
    const member = node.members.get(said.handle ?? 0);
    if (member !== undefined) follow(member, said.follows ?? false, this.#turn);
  }

  #onLeaseFailed(node: NodeState, said: Said<'leaseFailed'>): void {
    const member = node.members.get(said.handle ?? 0);
    if (member === undefined) return;
    const pieces = failedPiecesOf(said.runs, member.task.pieceCount);
    leaseFailed(member, { pieces, reason: said.reason ?? 0, retryAfterMs: said.retryAfterMs ?? 0 }, this.#turn);
  }

  // ---- accusations ----------------------------------------------------------------------------------------------------

  #onAccuse(node: NodeState, said: Said<'accuse'>): void {
    const member = node.members.get(said.handle ?? 0);
    const accused = this.#byPeer.get(said.peerId);
    if (member === undefined || accused === undefined) return;
    const theirs = [...accused.members.values()].find(({ task }) => task === member.task);
    // Only who was brought together with another can have been sent something by it.
    if (theirs === undefined) return;
    if (!member.isNeighbour(theirs) && !this.#accusations.areApart(node.key, accused.key)) return;
    const outcome = this.#accusations.accuse(
      {
        accuser: node.key,
        accused: accused.key,
        what: said.what ?? 0,
        acquaintances: acquaintancesOf(accused),
        servedPieces: accused.servedPieces,
      },
      this.#turn.now,
    );
    if (!outcome.isTaken) return;
    accused.hasFailed(1, this.#turn.now);
    this.#log('info', 'a peer was accused', { peer: accused.peerName, by: node.peerName, what: said.what ?? 0 });
    if (outcome.banMs !== undefined) {
      this.#ban(accused, outcome.banMs);
      return;
    }
    if (outcome.isApart) this.#separate(node, accused);
    // If it was true, nobody has the piece any more; if not, the origin sends it once more at worst.
    lose(theirs, said.piece ?? 0, this.#turn);
    provideAgain(member, said.piece ?? 0, this.#turn);
  }

  #separate(a: NodeState, b: NodeState): void {
    for (const member of a.members.values()) {
      const theirs = member.neighbours.find(neighbour => neighbour.node === b);
      if (theirs !== undefined) disconnect(member, theirs, this.#turn);
    }
  }

  #ban(node: NodeState, banMs: number): void {
    this.#log('warn', 'a peer was banned', { peer: node.peerName, seconds: banMs / 1000 });
    this.#turn.tally.bans++;
    this.#dismiss(node, 'banned');
    this.#effects.push({ kind: 'broadcast', message: banMessage(node.peerId, banMs) });
  }

  // ---- effects --------------------------------------------------------------------------------------------------------

  #send(node: NodeState, message: SchedulerMessageProperties): void {
    this.#effects.push({ kind: 'send', connection: node.connection, message });
  }

  #close(connection: number, reason: string): void {
    this.#effects.push({ kind: 'close', connection, reason });
  }

  #log(level: 'info' | 'warn', message: string, fields: Readonly<Record<string, string | number>>): void {
    this.#effects.push({ kind: 'log', level, message, fields });
  }
}

function banMessage(peerId: Uint8Array, ms: number): SchedulerMessageProperties {
  return { ban: { peerId, durationMs: Math.ceil(ms), reason: 'several peers accused it' } };
}

function acquaintancesOf(node: NodeState): ReadonlySet<PeerKey> {
  const keys = new Set<PeerKey>();
  for (const member of node.members.values()) {
    for (const neighbour of member.neighbours) {
      keys.add(neighbour.node.key);
      if (keys.size >= ACQUAINTANCES) return keys;
    }
  }
  return keys;
}
