// The real core of the scheduler in the simulation, with what a node's link does around it: reports at their interval,
// leased pieces at once, wants at once; messages of the scheduler collected as its server collects them. Nothing is encoded.

import { LANES, PieceSet, piecesOfRuns, runsOf } from '../../../core/index.ts';
import type { ScheduledEvents, ScheduledTask, Schedulers } from '../../../peer/ports.ts';
import type { NodeMessageProperties, SchedulerMessageProperties } from '../../../proto/index.ts';
import { batchIntervalMs } from '../../../scheduler/core/config.ts';
import type { SchedulerEvent } from '../../../scheduler/core/events.ts';
import { SchedulerCore } from '../../../scheduler/core/scheduler-core.ts';
import type { SimulatedInternet } from './simulated-network.ts';

const TICK_MS = 100;
const HANDLE = 1;
const FAILURES = ['unreachable', 'busy', 'unauthorized', 'not-found', 'wrong-bytes', 'local'];
const ACCUSATIONS = ['wrong-bytes', 'lying-bitmap', 'stalled'];

interface Link {
  readonly peerId: string;
  readonly connection: number;
  readonly events: ScheduledEvents;
  readonly task: Parameters<Schedulers['join']>[0];
  readonly leased: Set<number>;
  readonly unreported: Set<number>;
  readonly served: Map<string, { pieces: number; milliseconds: number; failures: number }>;
  reportIntervalMs: number;
}

export class CoreScheduler {
  readonly banned = new Set<string>();
  readonly #internet: SimulatedInternet;
  readonly #slots: number;
  #core: SchedulerCore;
  readonly #links = new Map<number, Link>();
  readonly #joins = new Map<string, () => void>();
  #connections = 0;
  #isUp = true;
  #isCollecting = false;

  constructor(internet: SimulatedInternet, options: { readonly slots: number }) {
    this.#internet = internet;
    this.#slots = options.slots;
    this.#core = this.#newCore();
    const tick = () => {
      if (this.#isUp) this.#decide({ kind: 'tick' });
      internet.clock.after(TICK_MS, tick);
    };
    internet.clock.after(TICK_MS, tick);
  }

  /** The process is gone. */
  stop(): void {
    this.#isUp = false;
    for (const link of this.#links.values()) this.#internet.clock.after(10, () => link.events.onDown());
    this.#links.clear();
  }

  /** It comes back with nothing in mind. */
  start(): void {
    this.#isUp = true;
    this.#core = this.#newCore();
    for (const join of this.#joins.values()) this.#internet.clock.after(this.#internet.clock.random() * 200, join);
  }

  /** The node is gone, and the scheduler noticed. */
  lose(peerId: string): void {
    this.#joins.delete(peerId);
    for (const [connection, link] of this.#links) {
      if (link.peerId !== peerId) continue;
      this.#links.delete(connection);
      this.#decide({ kind: 'gone', connection });
    }
  }

  forNode(peerId: string): Schedulers {
    return {
      join: (task, events) => {
        let link: Link | undefined;
        const join = () =>
          this.#internet.message(peerId, () => {
            if (!this.#isUp) return;
            link = this.#connect(peerId, task, events);
          });
        this.#joins.set(peerId, join);
        if (this.#isUp) join();
        else this.#internet.clock.after(10, () => events.onDown());
        return this.#taskOf(() => (link !== undefined && this.#links.get(link.connection) === link ? link : undefined));
      },
    };
  }

  #newCore(): SchedulerCore {
    return new SchedulerCore({ random: () => this.#internet.clock.random() });
  }

  #connect(peerId: string, task: Link['task'], events: ScheduledEvents): Link {
    const link: Link = {
      peerId,
      connection: ++this.#connections,
      events,
      task,
      leased: new Set(),
      unreported: new Set(),
      served: new Map(),
      reportIntervalMs: 500,
    };
    this.#links.set(link.connection, link);
    const { connection } = link;
    this.#decide({ kind: 'connected', connection, peerId: bytesOf(peerId), name: peerId });
    const { pieces, chunks, pieceCount, reachesOrigin } = task;
    const taskId = Buffer.from(task.taskId, 'hex');
    this.#hear(link, { hello: { addresses: [], uploadSlots: this.#slots } });
    const bitmaps = { pieces: pieces.toBytes(), chunks: chunks.toBytes() };
    this.#hear(link, { join: { handle: HANDLE, taskId, pieceCount, ...bitmaps, reachesOrigin } });
    this.#tell(link, () => events.onUp());
    this.#reportFromNowOn(link);
    return link;
  }

  #reportFromNowOn(link: Link): void {
    this.#internet.clock.after(link.reportIntervalMs, () => {
      if (this.#links.get(link.connection) !== link) return;
      this.#report(link);
      this.#reportFromNowOn(link);
    });
  }

  #report(link: Link): void {
    const { task } = link;
    const pieces = [...link.unreported];
    link.unreported.clear();
    const parents = [...link.served].map(([peerId, sample]) => ({ peerId: bytesOf(peerId), ...sample }));
    link.served.clear();
    const node = this.#internet.nodes.get(link.peerId);
    const tasks = [
      {
        handle: HANDLE,
        piecesGained: pieces.filter(piece => task.pieces.has(piece)),
        piecesLost: pieces.filter(piece => !task.pieces.has(piece)),
      },
    ];
    const load = { queueLength: node?.queueLength() ?? 0, freeSlots: this.#slots };
    this.#say(link, { report: { ...load, parents, tasks } });
  }

  #taskOf(linkNow: () => Link | undefined): ScheduledTask {
    const withLink = (run: (link: Link) => void) => {
      const link = linkNow();
      if (link !== undefined) run(link);
    };
    const changed = (pieces: readonly number[]) =>
      withLink(link => {
        let isLeased = false;
        for (const piece of pieces) {
          link.unreported.add(piece);
          if (link.leased.delete(piece)) isLeased = true;
        }
        if (isLeased) this.#report(link);
      });
    return {
      want: (pieces, { lane, late }) =>
        withLink(link => {
          const want = { handle: HANDLE, lane: LANES.indexOf(lane) + 1, runs: runsOf(sorted(pieces)), late };
          this.#say(link, { want });
        }),
      gained: changed,
      lost: changed,
      leaseFailed: (pieces, reason, retryAfterMs) =>
        withLink(link => {
          for (const piece of pieces) link.leased.delete(piece);
          const failed = { runs: runsOf(sorted(pieces)), reason: FAILURES.indexOf(reason) + 1 };
          this.#say(link, { leaseFailed: { handle: HANDLE, ...failed, retryAfterMs: retryAfterMs ?? 0 } });
        }),
      follow: follows => withLink(link => this.#say(link, { follow: { handle: HANDLE, follows } })),
      accuse: (accused, piece, what) =>
        withLink(link => {
          const accuse = { handle: HANDLE, peerId: bytesOf(accused), piece, what: ACCUSATIONS.indexOf(what) + 1 };
          this.#say(link, { accuse });
        }),
      served: (peerId, { pieces, ms, failures }) =>
        withLink(link => link.served.set(peerId, { pieces, milliseconds: ms, failures })),
      leave: () => withLink(link => this.lose(link.peerId)),
    };
  }

  #say(link: Link, message: NodeMessageProperties): void {
    this.#internet.message(link.peerId, () => this.#hear(link, message));
  }

  #hear(link: Link, message: NodeMessageProperties): void {
    if (!this.#isUp || this.#links.get(link.connection) !== link) return;
    this.#decide({ kind: 'message', connection: link.connection, message });
  }

  #decide(event: SchedulerEvent): void {
    for (const effect of this.#core.handle(event, this.#internet.clock.monotonic())) {
      if (effect.kind === 'send') this.#deliver(this.#links.get(effect.connection), effect.message);
      else if (effect.kind === 'broadcast') {
        if (effect.message.ban) this.banned.add(nameOf(effect.message.ban.peerId));
        for (const link of this.#links.values()) this.#deliver(link, effect.message);
      } else if (effect.kind === 'close') this.#links.delete(effect.connection);
    }
    if (event.kind !== 'flush' || this.#core.hasNews) this.#collect();
  }

  #collect(): void {
    if (this.#isCollecting || !this.#core.hasNews) return;
    this.#isCollecting = true;
    this.#internet.clock.after(batchIntervalMs(this.#links.size), () => {
      this.#isCollecting = false;
      if (this.#isUp) this.#decide({ kind: 'flush' });
    });
  }

  /** What it holds is read now: bitmaps are the core's own. */
  #deliver(link: Link | undefined, message: SchedulerMessageProperties): void {
    if (link === undefined) return;
    const { events, task } = link;
    const { pieceCount } = task;
    const { welcome, parents, lease, lessees, trace, ban, originHold } = message;
    if (welcome) link.reportIntervalMs = welcome.reportIntervalMs ?? link.reportIntervalMs;
    if (parents) {
      const added = (parents.add ?? []).map(parent => ({
        peerId: nameOf(parent.peerId),
        addresses: [],
        pieces: setOf(pieceCount, parent.pieces),
        chunks: setOf(pieceCount, parent.chunks),
        distance: parent.distance ?? 0,
      }));
      const removed = (parents.remove ?? []).map(nameOf);
      this.#tell(link, () => events.onParents(added, removed));
    }
    if (lease) {
      const pieces = [...piecesOfRuns(lease.runs ?? [], pieceCount)];
      for (const piece of pieces) link.leased.add(piece);
      this.#tell(link, () => events.onLease(pieces, lease.deadlineMs ?? 0));
    }
    for (const { peerId, runs } of lessees?.lessees ?? []) {
      const pieces = [...piecesOfRuns(runs ?? [], pieceCount)];
      this.#tell(link, () => events.onLessee(nameOf(peerId), pieces));
    }
    if (trace) {
      const { runs = [] } = trace;
      const pieces = Array.from({ length: (runs?.length ?? 0) / 2 }, (_, at) => [
        ...piecesOfRuns((runs ?? []).slice(2 * at, 2 * at + 2), pieceCount),
      ]).flat();
      this.#tell(link, () => events.onTrace(pieces));
    }
    if (ban) this.#tell(link, () => events.onBan(nameOf(ban.peerId), ban.durationMs ?? 0, ban.reason ?? ''));
    if (originHold) this.#tell(link, () => events.onOriginHold(originHold.durationMs ?? 0));
  }

  #tell(link: Link, run: () => void): void {
    this.#internet.clock.after(this.#internet.settings.latencyMs, () => {
      if (this.#links.get(link.connection) === link) run();
    });
  }
}

function setOf(count: number, bytes: Uint8Array | null | undefined): PieceSet {
  return bytes && bytes.length > 0 ? PieceSet.fromBytes(count, bytes) : new PieceSet(count);
}

function sorted(pieces: readonly number[]): number[] {
  return [...new Set(pieces)].sort((a, b) => a - b);
}

/** The core only compares peer ids. */
function bytesOf(peerId: string): Uint8Array {
  return Buffer.from(peerId);
}

function nameOf(peerId: Uint8Array | null | undefined): string {
  return Buffer.from(peerId ?? []).toString();
}
