// Who takes part in which task: joining, leaving, and the bounds on both.

import { PieceSet } from '../../core/index.ts';
import type { SchedulerLimits } from './config.ts';
import { leaveLeases } from './leases.ts';
import { Member } from './member.ts';
import { leaveGraph } from './neighbours.ts';
import type { NodeState } from './node.ts';
import { joinedTaskOf, type Said, setOf } from './node-messages.ts';
import { bytesOfMember, bytesOfTask, Task } from './task.ts';
import { countFollower } from './trace.ts';
import type { Turn } from './turn.ts';

export class Memberships {
  readonly #limits: SchedulerLimits;
  readonly #turn: Turn;
  /** By task id and number of pieces: who says a wrong number is alone with it, and keeps nobody out. */
  readonly #tasks = new Map<string, Task>();
  #bytes = 0;

  constructor(limits: SchedulerLimits, turn: Turn) {
    this.#limits = limits;
    this.#turn = turn;
  }

  get tasks(): ReadonlyMap<string, Task> {
    return this.#tasks;
  }

  /** Returns why not, or undefined. Throws `malformed` where the message makes no sense. */
  join(node: NodeState, said: Said<'join'>): string | undefined {
    const { id, pieceCount } = joinedTaskOf(said);
    const handle = said.handle ?? 0;
    const key = `${id}:${pieceCount}`;
    const known = this.#tasks.get(key);
    const before = node.members.get(handle);
    if (before !== undefined && before.task !== known) return `handle ${handle} is another task's`;
    const isTwice = () => [...node.members.values()].some(({ task }) => task === known);
    if (before === undefined && known !== undefined && isTwice()) return 'joined under another handle';
    const refusal = before === undefined ? this.#refusal(node, known, pieceCount) : undefined;
    if (refusal !== undefined) return refusal;
    const pieces = setOf(pieceCount, said.pieces);
    const chunks = nonEmpty(setOf(pieceCount, said.chunks));
    if (before === undefined) {
      const task = known ?? this.#create(key, new Task(id, pieceCount, this.#turn.now));
      this.#add(node, new Member(node, task, { handle, pieces, chunks, reachesOrigin: said.reachesOrigin ?? false }));
    } else {
      // It says anew what it has; what it wants stays, but for what it has.
      before.task.replace(before, pieces, chunks);
      for (const piece of [...(before.wanted ?? [])]) {
        if (before.pieces.has(piece)) before.task.satisfy(before, piece);
      }
      before.task.lonely.add(before);
      this.#turn.touched.add(before.task);
    }
    return undefined;
  }

  /** Returns the task when it has no members any more. */
  leave(node: NodeState, handle: number): Task | undefined {
    const member = node.members.get(handle);
    if (member === undefined) return undefined;
    const { task } = member;
    leaveLeases(member, this.#turn);
    member.isGone = true;
    countFollower(member, false);
    node.members.delete(handle);
    task.remove(member);
    leaveGraph(member, this.#turn);
    this.#turn.news.forget(member);
    this.#turn.unprovided.delete(member);
    this.#bytes -= bytesOfMember(task.pieceCount);
    if (task.members.size > 0) return undefined;
    this.#tasks.delete(keyOf(task));
    this.#bytes -= bytesOfTask(task.pieceCount);
    return task;
  }

  reportChunks(member: Member, gained: readonly number[], lost: readonly number[]): void {
    if (gained.length + lost.length === 0) return;
    const chunks = member.chunks ?? new PieceSet(member.task.pieceCount);
    for (const piece of lost) chunks.delete(piece);
    for (const piece of gained) chunks.add(piece);
    member.chunks = nonEmpty(chunks);
  }

  #refusal(node: NodeState, known: Task | undefined, pieceCount: number): string | undefined {
    const { tasksPerNode, tasks, stateBytes } = this.#limits;
    if (node.members.size >= tasksPerNode) return `at most ${tasksPerNode} tasks for each node`;
    if (known === undefined && this.#tasks.size >= tasks) return `no room: there are ${tasks} tasks`;
    const bytes = bytesOfMember(pieceCount) + (known === undefined ? bytesOfTask(pieceCount) : 0);
    if (this.#bytes + bytes > stateBytes) return 'no room for its state';
    return undefined;
  }

  #create(key: string, task: Task): Task {
    this.#tasks.set(key, task);
    this.#bytes += bytesOfTask(task.pieceCount);
    return task;
  }

  #add(node: NodeState, member: Member): void {
    const { task } = member;
    node.members.set(member.handle, member);
    task.add(member);
    this.#bytes += bytesOfMember(task.pieceCount);
    task.lonely.add(member);
    this.#turn.touched.add(task);
    if (task.holdUntil > this.#turn.now) this.#turn.news.originRests(member, task.holdUntil - this.#turn.now);
  }
}

function keyOf(task: Task): string {
  return `${task.id}:${task.pieceCount}`;
}

function nonEmpty(set: PieceSet): PieceSet | undefined {
  return set.size === 0 ? undefined : set;
}
