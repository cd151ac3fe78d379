// The main thread's part in the rings of one connection: it makes the pipes, and it frees what the workers have made,
// because reads that wait are answered through it longer than a worker may live.

import { closeSync } from 'node:fs';
import { messageOf } from '../../core/index.ts';
import { HopWatch } from './hop-watch.ts';
import type { RingRole } from './messages.ts';
import { messagePipe, type Region, unmap } from './ring-calls.ts';
import { tellToEnd } from './ring-inbox.ts';
import type { RingPlan } from './ring-plan.ts';

export class SessionRings {
  /** Why there are none; undefined as far as is known. */
  problem: string | undefined;
  /** The kernel has been told that there are rings. */
  inUse = false;
  readonly #roles: RingRole[] = [];
  readonly #descriptors: number[] = [];
  readonly #memory: Region[] = [];
  #isOver = false;

  constructor(plan: RingPlan) {
    if ('problem' in plan) {
      this.problem = plan.problem;
      return;
    }
    const watch = new HopWatch().buffer;
    try {
      for (const share of plan.shares) {
        const [inbox, outbox] = messagePipe();
        this.#descriptors.push(inbox, outbox);
        this.#roles.push({ ...share, inbox, outbox, watch });
      }
    } catch (error) {
      this.problem = messageOf(error);
      this.#roles.length = 0;
      this.free();
    }
  }

  /** What this worker is to do with a ring. The first worker reads /dev/fuse, and those for whom no processor is left. */
  roleOf(worker: number): RingRole | undefined {
    return this.#roles[worker - 1];
  }

  /** Takes a descriptor over, to close it at the end. */
  own(fd: number): void {
    this.#descriptors.push(fd);
  }

  ownMemory(region: Region): void {
    this.#memory.push(region);
  }

  /** The connection is over: ends the workers that wait for requests. Idempotent. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { outbox } of this.#roles) tellToEnd(outbox);
  }

  /** When no thread uses them any more. */
  free(): void {
    this.#isOver = true;
    for (const fd of this.#descriptors.splice(0)) closeSync(fd);
    for (const region of this.#memory.splice(0)) unmap(region);
  }
}
