// The swarm of a node (core/swarm.ts): its blobs, by digest and by task id. A blob stays served for a while after the last
// reader left.

import {
  type Clock,
  type Digest,
  type Logger,
  type SharedBlob,
  ShoalError,
  type Swarm,
  type SwarmBlob,
} from '../../core/index.ts';
import type { TaskId } from '../../proto/index.ts';
import type { Discovery, PeerNetwork, Schedulers, ServedTask, ServedTasks } from '../ports.ts';
import { AvoidedPeers } from './avoided-peers.ts';
import { DEFAULT_SWARM_SETTINGS, type SwarmSettings } from './config.ts';
import { addCounters, newCounters } from './counters.ts';
import { UsualTime } from './hedge.ts';
import { JoinedPorts } from './joined-ports.ts';
import type { PieceStore } from './piece-store.ts';
import type { SwarmStatus } from './status.ts';
import { SwarmTask } from './swarm-task.ts';
import { Ticker } from './turn.ts';

export interface SwarmPorts {
  readonly network: PeerNetwork;
  readonly schedulers: Schedulers;
  readonly discovery: Discovery;
  readonly store: PieceStore;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Shared {
  readonly task: SwarmTask;
  readonly ports: JoinedPorts;
  /** Joined and not left. */
  users: number;
  /** Monotonic, when nobody was left. */
  idleSince: number;
}

/** How often idle blobs are looked at, ms. */
const IDLE_LOOK_MS = 10_000;

export class NodeSwarm implements Swarm, ServedTasks {
  readonly #ports: SwarmPorts;
  readonly #settings: SwarmSettings;
  readonly #avoided: AvoidedPeers;
  readonly #usual = new UsualTime();
  /** Idle ones in the order in which they were left. */
  readonly #byDigest = new Map<Digest, Shared>();
  readonly #byTask = new Map<TaskId, SwarmTask>();
  /** Of blobs that are not shared any more. */
  readonly #past = newCounters();
  readonly #idleLook: Ticker;
  #isClosed = false;

  constructor(ports: SwarmPorts, settings: SwarmSettings = DEFAULT_SWARM_SETTINGS) {
    this.#ports = ports;
    this.#settings = settings;
    this.#avoided = new AvoidedPeers(ports, settings.avoided);
    this.#idleLook = new Ticker(ports.clock, IDLE_LOOK_MS, () => this.#dropIdle());
  }

  join(blob: SharedBlob, own: Parameters<Swarm['join']>[1]): SwarmBlob {
    if (this.#isClosed) throw new ShoalError('unavailable', 'the swarm is shut down');
    const shared = this.#byDigest.get(blob.digest) ?? this.#share(blob);
    shared.users++;
    const takeBack = shared.ports.add(own);
    shared.task.joined();
    let hasLeft = false;
    return {
      read: (range, options) => shared.task.read(range, options),
      readChunk: (place, options) => shared.task.readChunk(place, options),
      distrust: range => shared.task.distrust(range),
      leave: () => {
        if (hasLeft) return;
        hasLeft = true;
        takeBack();
        this.#left(blob.digest, shared);
      },
    };
  }

  find(taskId: TaskId): ServedTask | undefined {
    return this.#byTask.get(taskId);
  }

  status(): SwarmStatus {
    const all = [...this.#byDigest.values()];
    return {
      tasks: all.map(({ task }) => task.status()),
      counters: all.reduce((sum, { task }) => addCounters(sum, task.counters), { ...this.#past }),
      idleTasks: all.filter(({ users }) => users === 0).length,
      avoidedPeers: this.#avoided.count,
      storedBytes: this.#ports.store.storedBytes,
    };
  }

  wrongPiecesOf(peerId: string): number {
    return this.#avoided.wrongPiecesOf(peerId);
  }

  /** Ends everything; reads reject with `unavailable`. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#idleLook.stop();
    for (const [digest, shared] of [...this.#byDigest]) this.#drop(digest, shared);
  }

  #share(blob: SharedBlob): Shared {
    const ports = new JoinedPorts();
    const task = new SwarmTask(blob, ports, {
      ...this.#ports,
      avoided: this.#avoided,
      usual: this.#usual,
      settings: this.#settings,
    });
    const shared: Shared = { task, ports, users: 0, idleSince: 0 };
    this.#byDigest.set(blob.digest, shared);
    this.#byTask.set(task.taskId, task);
    return shared;
  }

  #left(digest: Digest, shared: Shared): void {
    if (--shared.users > 0 || this.#byDigest.get(digest) !== shared) return;
    shared.task.left();
    shared.idleSince = this.#ports.clock.monotonic();
    this.#byDigest.delete(digest); // to the end
    this.#byDigest.set(digest, shared);
    if (this.#dropIdle()) this.#idleLook.start();
  }

  /** Returns whether there are idle ones left. */
  #dropIdle(): boolean {
    const idle = [...this.#byDigest].filter(([, { users }]) => users === 0);
    const before = this.#ports.clock.monotonic() - this.#settings.idleMs;
    const tooMany = idle.length - this.#settings.idleBlobs;
    const old = idle.filter(([, shared], index) => index < tooMany || shared.idleSince <= before);
    for (const [digest, shared] of old) this.#drop(digest, shared);
    return old.length < idle.length;
  }

  #drop(digest: Digest, shared: Shared): void {
    this.#byDigest.delete(digest);
    this.#byTask.delete(shared.task.taskId);
    shared.task.close();
    addCounters(this.#past, shared.task.counters);
  }
}
