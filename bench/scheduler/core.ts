// The part of bench/scheduler.ts for the pure core: one process, one thread, messages as plain objects. Most tasks all
// have; a tenth is new to all. What nodes say is made between the timed stretches, from what the core told
// them: leases are done, wanted pieces come from others, nodes come and go.

import { PieceSet, runsOf } from '../../core/index.ts';
import type { NodeMessageProperties } from '../../proto/index.ts';
import { taskIdFromBytes } from '../../proto/index.ts';
import { batchIntervalMs } from '../../scheduler/core/config.ts';
import type { SchedulerEffect, SchedulerEvent } from '../../scheduler/core/events.ts';
import { SchedulerCore } from '../../scheduler/core/scheduler-core.ts';

export interface CoreOptions {
  readonly hosts: number;
  readonly tasks: number;
  /** Of each task. */
  readonly pieces: number;
  readonly messages: number;
  readonly say: (line: string) => void;
}

export interface Timing {
  readonly kind: string;
  readonly calls: number;
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

export interface CoreResult extends Omit<CoreOptions, 'say'> {
  readonly memberships: number;
  readonly joinSeconds: number;
  /** What the state takes, after a garbage collection. */
  readonly bytes: number;
  /** By the processor's time, of all threads of the process, so with garbage collection: the same when others run too. */
  readonly messagesPerCpuSecond: number;
  /** By the clock. */
  readonly messagesPerSecond: number;
  readonly rows: readonly Timing[];
}

/** Of a hundred messages. */
const MIX = { report: 70, want: 12, done: 12, join: 2, leave: 2, failed: 1, late: 1 } as const;
type Kind = keyof typeof MIX;
const KINDS = Object.entries(MIX).flatMap(([kind, share]) => Array.from({ length: share }, () => kind as Kind));

/** The rate at which messages come in simulated time: ten times the floor. */
const MESSAGES_PER_MS = 200;
const TICK_MS = 100;
/** One task in so many is new to all hosts, which are in the middle of it; the others all have. */
const ACTIVE_OF = 10;
/** Pieces of a want, and of what a report says was gained: half a MiB. */
const AT_ONCE = 8;
const REGIONS = 4;
const ZONES = 20;
const RACKS = 400;

export function measureCore(options: CoreOptions): CoreResult {
  const bench = new CoreBench(options);
  const bytesBefore = usedBytes();
  const joinSeconds = bench.joinAll();
  const bytes = usedBytes() - bytesBefore;
  options.say(`joined; ${options.messages} messages`);
  const rows = bench.run();
  const { hosts, tasks, pieces, messages } = options;
  const all = rows.find(({ kind }) => kind === 'all');
  const seconds = ((all?.calls ?? 0) * (all?.meanUs ?? 0)) / 1e6;
  const speeds = { messagesPerSecond: messages / seconds, messagesPerCpuSecond: messages / bench.cpuSeconds };
  return { hosts, tasks, pieces, messages, memberships: hosts * tasks, joinSeconds, bytes, ...speeds, rows };
}

interface Host {
  readonly connection: number;
  readonly peerId: Uint8Array;
  /** By task: the next piece to want; undefined for a task that is complete. */
  readonly cursors: Map<number, number>;
  readonly activeTasks: number[];
}

class CoreBench {
  readonly #options: CoreOptions;
  readonly #random = seeded(1);
  readonly #core: SchedulerCore;
  readonly #hosts: Host[] = [];
  readonly #taskIds: Uint8Array[] = [];
  readonly #keys: string[] = [];
  readonly #full: Uint8Array;
  readonly #empty: Uint8Array;
  /** Leases that were given and are not done. */
  readonly #leases: { readonly connection: number; readonly handle: number; readonly pieces: readonly number[] }[] = [];
  readonly #timings = new Map<string, number[]>();
  /** Of the timed stretches. */
  cpuSeconds = 0;
  #now = 0;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#core = new SchedulerCore({ random: this.#random });
    this.#full = new Uint8Array(Math.ceil(options.pieces / 8)).fill(255);
    this.#empty = new PieceSet(options.pieces).toBytes();
    for (let i = 0; i < options.tasks; i++) {
      const id = new Uint8Array(32);
      new DataView(id.buffer).setUint32(0, i);
      this.#taskIds.push(id);
      this.#keys.push(`${taskIdFromBytes(id)}:${options.pieces}`);
    }
  }

  /** Connects all, and lets all join all tasks. Returns the seconds that it took. */
  joinAll(): number {
    const { hosts, tasks } = this.#options;
    const start = performance.now();
    for (let i = 0; i < hosts; i++) {
      const peerId = new Uint8Array(38);
      new DataView(peerId.buffer).setUint32(34, i);
      const host: Host = { connection: i, peerId, cursors: new Map(), activeTasks: [] };
      this.#hosts.push(host);
      this.#handle({ kind: 'connected', connection: i, peerId, name: `host-${i}` });
      this.#say(host, {
        hello: {
          addresses: [`/ip4/10.0.${i >> 8}.${i & 255}/tcp/4001`],
          region: `r${i % REGIONS}`,
          zone: `z${i % ZONES}`,
          rack: `k${i % RACKS}`,
          uploadSlots: 4,
        },
      });
      for (let task = 0; task < tasks; task++) {
        const isActive = task % ACTIVE_OF === 0;
        if (isActive) {
          host.cursors.set(task, 0);
          host.activeTasks.push(task);
        }
        this.#say(host, this.#join(task, isActive));
      }
      this.#flushAll();
    }
    return (performance.now() - start) / 1000;
  }

  run(): Timing[] {
    const perFlush = batchIntervalMs(this.#options.hosts) * MESSAGES_PER_MS;
    let ticked = this.#now;
    for (let left = this.#options.messages; left > 0; left -= perFlush) {
      const events = this.#events(Math.min(perFlush, left));
      const before = process.cpuUsage();
      for (const { kind, event } of events) this.#timed(kind, event);
      this.#now += events.length / MESSAGES_PER_MS;
      do this.#timed('flush', { kind: 'flush' });
      while (this.#core.isBehind);
      if (this.#now - ticked >= TICK_MS) {
        ticked = this.#now;
        this.#timed('tick', { kind: 'tick' });
      }
      const { user, system } = process.cpuUsage(before);
      this.cpuSeconds += (user + system) / 1e6;
    }
    const rows = [...this.#timings].map(([kind, times]) => timing(kind, times));
    return [...rows, timing('all', [...this.#timings.values()].flat())];
  }

  #events(count: number): { readonly kind: string; readonly event: SchedulerEvent }[] {
    return Array.from({ length: count }, () => {
      const kind = KINDS[Math.floor(this.#random() * KINDS.length)] ?? 'report';
      const { host, message } = this.#message(kind);
      return { kind, event: { kind: 'message', connection: host.connection, message } };
    });
  }

  #message(kind: Kind): { readonly host: Host; readonly message: NodeMessageProperties } {
    const host = this.#pick(this.#hosts);
    switch (kind) {
      case 'done':
      case 'failed': {
        const lease = this.#leases.shift();
        if (lease === undefined) break;
        const { handle, pieces } = lease;
        const lessee = this.#hosts[lease.connection] ?? host;
        if (kind === 'failed') {
          return { host: lessee, message: { leaseFailed: { handle, runs: runsOf(pieces), reason: 1 } } };
        }
        const report = { tasks: [{ handle, piecesGained: [...pieces] }], queueLength: 3, freeSlots: 2 };
        return { host: lessee, message: { report } };
      }
      case 'want':
      case 'late': {
        const task = this.#pick(host.activeTasks);
        const first = host.cursors.get(task) ?? 0;
        const count = Math.min(AT_ONCE, this.#options.pieces - first);
        if (count < 1) break;
        const lane = this.#random() < 0.5 ? 1 : 3;
        return { host, message: { want: { handle: task, lane, runs: [first, count], late: kind === 'late' } } };
      }
      case 'leave':
        return { host, message: { leave: { handle: this.#pick(host.activeTasks) } } };
      case 'join':
        return { host, message: this.#join(this.#pick(host.activeTasks), true) };
      case 'report':
        break;
      default:
        kind satisfies never;
    }
    return { host, message: this.#report(host) };
  }

  /** What came from others in one task, and how two of those served. */
  #report(host: Host): NodeMessageProperties {
    const task = this.#pick(host.activeTasks);
    const first = host.cursors.get(task) ?? 0;
    const piecesGained: number[] = [];
    const state = this.#core.tasks.get(this.#keys[task] ?? '');
    for (let piece = first; piece < first + AT_ONCE && state?.isHeld(piece); piece++) piecesGained.push(piece);
    host.cursors.set(task, first + piecesGained.length);
    const parents = [0, 1].map(() => {
      return { peerId: this.#pick(this.#hosts).peerId, pieces: 4, milliseconds: 30, failures: 0 };
    });
    return { report: { tasks: [{ handle: task, piecesGained }], parents, queueLength: 5, freeSlots: 2 } };
  }

  #join(task: number, isActive: boolean): NodeMessageProperties {
    const pieces = isActive ? this.#empty : this.#full;
    const taskId = this.#taskIds[task] ?? new Uint8Array(32);
    return { join: { handle: task, taskId, pieceCount: this.#options.pieces, pieces, reachesOrigin: true } };
  }

  #timed(kind: string, event: SchedulerEvent): void {
    const start = performance.now();
    const effects = this.#core.handle(event, this.#now);
    this.#note(kind, (performance.now() - start) * 1000);
    this.#take(effects);
  }

  #note(kind: string, us: number): void {
    const times = this.#timings.get(kind);
    if (times === undefined) this.#timings.set(kind, [us]);
    else times.push(us);
  }

  #say(host: Host, message: NodeMessageProperties): void {
    this.#handle({ kind: 'message', connection: host.connection, message });
  }

  #flushAll(): void {
    do this.#handle({ kind: 'flush' });
    while (this.#core.hasNews);
  }

  #handle(event: SchedulerEvent): void {
    this.#take(this.#core.handle(event, this.#now));
  }

  #take(effects: readonly SchedulerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'close') throw new Error(`the core closed a host: ${effect.reason}`);
      if (effect.kind !== 'send' || !effect.message.lease) continue;
      const { handle = 0, runs = [] } = effect.message.lease;
      for (let i = 0; i < (runs?.length ?? 0); i += 2) {
        const [first = 0, count = 0] = [runs?.[i], runs?.[i + 1]];
        for (let piece = first; piece < first + count; piece++) {
          this.#leases.push({ connection: effect.connection, handle: handle ?? 0, pieces: [piece] });
        }
      }
    }
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from: at least ten tasks are needed');
    return item;
  }
}

function timing(kind: string, times: number[]): Timing {
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  const meanUs = times.reduce((sum, time) => sum + time, 0) / times.length;
  return { kind, calls: times.length, meanUs, p50Us: at(0.5), p99Us: at(0.99), p999Us: at(0.999), maxUs: at(1) };
}

function usedBytes(): number {
  if (globalThis.gc === undefined) throw new Error('start with --expose-gc: memory is measured after a collection');
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
