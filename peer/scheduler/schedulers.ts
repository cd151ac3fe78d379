// This node's word with the schedulers: one link to each, and each task at the one it belongs to among those that can be
// reached. When a scheduler goes, its tasks go to the next at once; when it is back for a while, they return. With none,
// tasks are down, and the swarm does without.

import type { Clock, Logger, SchedulerStatus } from '../../core/index.ts';
import { type NodeMessageProperties, ownerOf } from '../../proto/index.ts';
import type { JoinedTask, PeerAddress, ScheduledEvents, ScheduledTask, Schedulers } from '../ports.ts';
import { SCHEDULER_LINK_LIMITS, type SchedulerLinkLimits } from './limits.ts';
import { type LinkOwner, SchedulerLink, type SchedulerNode } from './link.ts';
import type { News } from './news.ts';
import { Reports, type UploadLoad } from './reports.ts';
import { NodeTask, type ServedSample, type TaskOwner } from './task.ts';

export interface SchedulersOptions {
  /** Where schedulers are. Empty: there is none, ever. */
  readonly schedulers: readonly PeerAddress[];
  readonly name: string;
  /** Where this node stands; empty: not said. */
  readonly region: string;
  readonly zone: string;
  readonly rack: string;
  readonly isSeed: boolean;
  readonly uploadSlots: number;
  readonly version: string;
  readonly limits?: SchedulerLinkLimits;
}

export interface SchedulersPorts {
  readonly node: SchedulerNode;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of this node's upload side, now. */
  readonly load: () => UploadLoad;
}

/** What a scheduler takes of one node (docs/protocol.md). */
const MAX_ADDRESSES = 16;

type Hello = NonNullable<NodeMessageProperties['hello']>;

interface Place {
  readonly link: SchedulerLink;
  readonly reports: Reports;
  /** By their names at this scheduler; a name is never used again. */
  readonly tasks: Map<number, NodeTask>;
  readonly refused: Map<NodeTask, number>;
  nextHandle: number;
  /** While it is up. */
  session: AbortController | undefined;
  /** Tasks that are still to be told to it. */
  readonly toAnnounce: Set<NodeTask>;
  isAnnouncing: boolean;
}

export class SchedulerLinks implements Schedulers {
  readonly #ports: SchedulersPorts;
  readonly #options: SchedulersOptions;
  readonly #limits: SchedulerLinkLimits;
  readonly #places = new Map<string, Place>();
  readonly #tasks = new Set<NodeTask>();
  readonly #taskOwner: TaskOwner;
  readonly #stopped = new AbortController();
  /** Links whose first attempt is under way may come up any moment: worth waiting for. */
  #isStarting = false;

  /** Throws `usage` for addresses that are none. */
  constructor(ports: SchedulersPorts, options: SchedulersOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#limits = options.limits ?? SCHEDULER_LINK_LIMITS;
    const linkOwner: LinkOwner = {
      hello: () => this.#hello(),
      pieceCount: (link, handle) => this.#place(link).tasks.get(handle)?.joined.pieceCount,
      onUp: link => this.#onUp(this.#place(link)),
      onSettled: () => this.#assignAll(),
      onNews: (link, news) => this.#onNews(this.#place(link), news),
      onDown: link => this.#onDown(this.#place(link)),
    };
    this.#taskOwner = {
      onChanged: (task, how) => this.#placeOf(task)?.reports.onChanged(task, how),
      served: (task, peerId, sample: ServedSample) => this.#placeOf(task)?.reports.onServed(peerId, sample),
      onLeave: task => this.#onLeave(task),
    };
    for (const scheduler of options.schedulers) {
      const link = new SchedulerLink(scheduler, ports, linkOwner, this.#limits);
      this.#places.set(scheduler.peerId, {
        link,
        reports: new Reports(link, ports.clock, ports.load),
        tasks: new Map(),
        refused: new Map(),
        nextHandle: 1,
        session: undefined,
        toAnnounce: new Set(),
        isAnnouncing: false,
      });
    }
  }

  /** Begins to connect; returns at once. */
  start(): void {
    this.#isStarting = true;
    for (const { link } of this.#places.values()) link.start();
    this.#ports.clock.sleep(this.#limits.startMs, { signal: this.#stopped.signal }).then(
      () => {
        this.#isStarting = false;
        this.#assignAll();
      },
      () => {}, // stopped
    );
  }

  /** Each scheduler that this node is told to use, as it is now. */
  status(): SchedulerStatus[] {
    return [...this.#places.values()].map(({ link }) => ({
      peerId: link.peerId,
      address: link.address,
      state: link.isUp ? 'connected' : link.isFresh ? 'connecting' : 'refused',
    }));
  }

  /** Resolves when no connection attempt, timer or stream of it is left. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([...this.#places.values()].map(({ link }) => link.stop()));
  }

  join(task: JoinedTask, events: ScheduledEvents): ScheduledTask {
    const joined = new NodeTask(task, events, this.#taskOwner, this.#ports.log, this.#limits.unreported);
    this.#tasks.add(joined);
    // Not at once: who joins does not have the result yet.
    queueMicrotask(() => this.#assign(joined));
    return joined;
  }

  #onUp(place: Place): void {
    const session = new AbortController();
    place.session = session;
    place.reports.run(session.signal).catch(() => {}); // until the link is down
    this.#assignAll();
  }

  #onDown(place: Place): void {
    place.session?.abort();
    place.session = undefined;
    place.tasks.clear();
    place.toAnnounce.clear();
    place.refused.clear();
    for (const task of this.#tasks) {
      if (task.home?.link === place.link) this.#assign(task, { isLost: true });
    }
    // Others may have waited to see whether this one comes up.
    this.#assignAll();
  }

  #onNews(place: Place, news: News): void {
    if (news.kind === 'ban') {
      for (const task of place.tasks.values()) task.receive(news);
      return;
    }
    if (!('handle' in news)) return;
    const task = place.tasks.get(news.handle);
    if (task === undefined) return;
    if (news.kind === 'refused') this.#onRefused(place, task, news.reason);
    else task.receive(news);
  }

  /** Not given to another scheduler: the other nodes do not ask that one for it. */
  #onRefused(place: Place, task: NodeTask, reason: string): void {
    const { log, clock } = this.#ports;
    log.warn('scheduler refuses a task', { task: task.joined.taskId, scheduler: place.link.peerId, reason });
    const until = clock.monotonic() + this.#limits.refusedMs;
    place.refused.set(task, until);
    this.#detach(task);
    task.moveTo(undefined);
    const signal = place.session?.signal;
    if (signal === undefined) return;
    clock.sleep(this.#limits.refusedMs, { signal }).then(
      () => {
        place.refused.delete(task);
        if (this.#tasks.has(task)) this.#assign(task);
      },
      () => {}, // the link is down, and with it all that was refused
    );
  }

  #onLeave(task: NodeTask): void {
    this.#tasks.delete(task);
    for (const { refused } of this.#places.values()) refused.delete(task);
    this.#detach(task);
    task.home = undefined;
    task.isUp = false;
  }

  #assignAll(): void {
    for (const task of this.#tasks) this.#assign(task);
  }

  /** To the scheduler it belongs to, as far as is known now. */
  #assign(task: NodeTask, { isLost = false } = {}): void {
    if (!this.#tasks.has(task)) return;
    const place = this.#belongsTo(task, isLost ? undefined : task.home?.link);
    if (!isLost && place?.link === task.home?.link) return;
    this.#detach(task);
    if (place === undefined || place.refused.has(task)) {
      task.moveTo(undefined);
      return;
    }
    const handle = place.nextHandle++;
    place.tasks.set(handle, task);
    task.moveTo({ link: place.link, handle });
    place.toAnnounce.add(task);
    if (!place.isAnnouncing) this.#announceAll(place).catch(() => {}); // the stream ended, and took all with it
  }

  /** A task that has a scheduler goes only to one that has been there for a while. */
  #belongsTo(task: NodeTask, home: SchedulerLink | undefined): Place | undefined {
    const usable = [...this.#places.values()].filter(
      ({ link }) =>
        (link.isFresh && this.#isStarting) || (link.isUp && (home === undefined || link === home || link.isSettled)),
    );
    const owner = ownerOf(
      task.joined.taskId,
      usable.map(({ link }) => link.peerId),
    );
    const place = owner === undefined ? undefined : this.#places.get(owner);
    // It would only move there in a moment.
    if (place?.link.isFresh) return home === undefined ? undefined : this.#places.get(home.peerId);
    return place;
  }

  /** At the network's pace: a thousand bitmaps are not to lie in memory at once. */
  async #announceAll(place: Place): Promise<void> {
    place.isAnnouncing = true;
    try {
      for (const task of place.toAnnounce) {
        place.toAnnounce.delete(task);
        task.announce();
        await place.link.drained();
      }
    } finally {
      place.isAnnouncing = false;
    }
  }

  #detach(task: NodeTask): void {
    const place = this.#placeOf(task);
    if (place === undefined || task.home === undefined) return;
    place.tasks.delete(task.home.handle);
    place.toAnnounce.delete(task);
    place.reports.forget(task);
  }

  #placeOf(task: NodeTask): Place | undefined {
    return task.home && this.#places.get(task.home.link.peerId);
  }

  #place(link: SchedulerLink): Place {
    const place = this.#places.get(link.peerId);
    if (place === undefined) throw new RangeError(`no link to ${link.peerId}`);
    return place;
  }

  #hello(): Hello {
    const { name, region, zone, rack, isSeed, uploadSlots, version } = this.#options;
    return {
      addresses: reachable(this.#ports.node.getMultiaddrs().map(String)).slice(0, MAX_ADDRESSES),
      name,
      region,
      zone,
      rack,
      hostType: isSeed ? 1 : 0,
      uploadSlots,
      version,
    };
  }
}

/** Nobody else reaches this node at its own loopback, unless all are on one machine. */
function reachable(addresses: readonly string[]): readonly string[] {
  const outside = addresses.filter(address => !/^\/ip4\/127\.|^\/ip6\/::1\//.test(address));
  return outside.length > 0 ? outside : addresses;
}
