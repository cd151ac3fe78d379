// Nodes that reach each other over SharedLinks: PeerNetwork for the code under test, and an upload side that follows
// docs/protocol.md: lanes, turns among children, slots, requests that wait for what is coming, Have within 5 ms.

import { LANES, type Lane, PieceSet } from '../../../core/index.ts';
import type {
  ParentEvents,
  ParentLink,
  ParentTask,
  PeerAddress,
  PeerNetwork,
  ServedTask,
  ServedTasks,
} from '../../../peer/ports.ts';
import type { TaskId } from '../../../proto/index.ts';
import type { SharedLinks } from './shared-links.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** As the upload side: a piece may be on its way to a parent that has not heard of it yet. */
const EXPECTED_MS = 1_000;
const HAVE_MS = 5;
/** As the upload side, to a child that it owes something. */
const SIGN_OF_LIFE_MS = 2_000;

export interface NetworkSettings {
  readonly latencyMs: number;
  /** A message behind bulk on the same uplink waits for so long. */
  readonly behindBulkMs: number;
  readonly slots: number;
}

/** Knobs for a parent that misbehaves. */
export interface Faults {
  /** Its bytes are wrong. */
  wrongBytes: boolean;
  /** Says that it has everything, refuses what it has not. */
  lies: boolean;
  /** Answers nothing. */
  isSilent: boolean;
}

interface Waiting {
  readonly child: Child;
  readonly lane: Lane;
}

export class SimulatedInternet {
  readonly clock: VirtualClock;
  readonly links: SharedLinks;
  readonly settings: NetworkSettings;
  readonly nodes = new Map<string, SimulatedNode>();

  constructor(clock: VirtualClock, links: SharedLinks, settings: NetworkSettings) {
    this.clock = clock;
    this.links = links;
    this.settings = settings;
  }

  /** A small message. */
  message(from: string, run: () => void): void {
    const { latencyMs, behindBulkMs } = this.settings;
    this.clock.after(latencyMs + (this.links.isUplinkBusy(from) ? behindBulkMs : 0), run);
  }
}

export class SimulatedNode implements PeerNetwork {
  readonly peerId: string;
  readonly internet: SimulatedInternet;
  readonly faults: Faults = { wrongBytes: false, lies: false, isSilent: false };
  readonly banned = new Map<string, string>();
  served: ServedTasks = { find: () => undefined };
  isDead = false;
  readonly #children = new Set<Child>();
  readonly #own = new Set<Child>();
  readonly #ready: Record<Lane, Child[]> = { demand: [], trace: [], background: [] };
  #writing = 0;

  constructor(peerId: string, internet: SimulatedInternet) {
    this.peerId = peerId;
    this.internet = internet;
    internet.nodes.set(peerId, this);
  }

  link(peer: PeerAddress): ParentLink {
    const { links, nodes } = this.internet;
    const parent = nodes.get(peer.peerId);
    const name = connectionOf(peer.peerId, this.peerId);
    return {
      peerId: peer.peerId,
      isUp: parent?.isDead === false,
      get receivedBytes() {
        return links.arrived(name);
      },
      open: (task, events) => {
        const child = new Child(this, parent, task, events);
        this.#own.add(child);
        return child;
      },
      release: () => {},
    };
  }

  ban(peerId: string, _untilMs: number, reason: string): void {
    this.banned.set(peerId, reason);
  }

  /** Gone, as with SIGKILL: the others notice soon. */
  die(): void {
    this.isDead = true;
    for (const child of [...this.#children, ...this.#own]) child.cut();
    this.#children.clear();
  }

  queueLength(): number {
    return LANES.reduce(
      (sum, lane) => sum + this.#ready[lane].reduce((all, child) => all + child.ready[lane].size, 0),
      0,
    );
  }

  /** As TurnQueue.lengthFor. */
  queueFor(child: Child): number {
    const own = child.readyCount;
    const others = [...this.#children].filter(one => one.node !== child.node);
    return others.reduce((sum, { readyCount }) => sum + Math.min(readyCount, own + 1), own);
  }

  addChild(child: Child): void {
    this.#children.add(child);
  }

  removeChild(child: Child): void {
    this.#children.delete(child);
    for (const lane of LANES) this.#ready[lane] = this.#ready[lane].filter(one => one !== child);
  }

  enqueue(child: Child, lane: Lane, piece: number): void {
    child.ready[lane].add(piece);
    child.owes();
    if (!this.#ready[lane].includes(child)) this.#ready[lane].push(child);
    this.pump();
  }

  /** Fills the slots. */
  pump(): void {
    while (this.#writing < this.internet.settings.slots) {
      const next = this.#next();
      if (next === undefined || this.isDead || this.faults.isSilent) return;
      this.#writing++;
      void this.#write(next.child, next.piece).finally(() => {
        this.#writing--;
        this.pump();
      });
    }
  }

  #next(): { child: Child; piece: number } | undefined {
    for (const lane of LANES) {
      const child = this.#ready[lane].shift();
      if (child === undefined) continue;
      const first = child.ready[lane].values().next();
      if (first.done) return this.#next();
      child.ready[lane].delete(first.value);
      if (child.ready[lane].size > 0) this.#ready[lane].push(child);
      return { child, piece: first.value };
    }
    return undefined;
  }

  async #write(child: Child, piece: number): Promise<void> {
    const bytes = await child.task?.readPiece(piece);
    if (bytes === undefined || child.isClosed) {
      child.refuse([piece], 'failed');
      return;
    }
    const name = connectionOf(this.peerId, child.node.peerId);
    await new Promise<void>(done => {
      this.internet.links.send(name, { from: this.peerId, to: child.node.peerId }, bytes.length, done);
      child.onCut(done);
    });
    const sent = new Uint8Array(bytes);
    if (this.faults.wrongBytes) sent.fill(0);
    child.deliver(piece, sent);
  }
}

function connectionOf(parent: string, child: string): string {
  return `${parent}>${child}`;
}

/** One child's task at one parent, both sides of it. */
export class Child implements ParentTask {
  readonly node: SimulatedNode;
  readonly parent: SimulatedNode | undefined;
  readonly ready: Record<Lane, Set<number>> = { demand: new Set(), trace: new Set(), background: new Set() };
  task: ServedTask | undefined;
  isClosed = false;
  readonly #events: ParentEvents;
  readonly #waiting = new Map<number, Waiting>();
  #cuts: (() => void)[] = [];
  #have = new Set<number>();
  #stopListening = () => {};
  #isTended = false;

  constructor(
    node: SimulatedNode,
    parent: SimulatedNode | undefined,
    task: { readonly taskId: TaskId; readonly pieceCount: number },
    events: ParentEvents,
  ) {
    this.node = node;
    this.parent = parent;
    this.#events = events;
    // A connection, then the task's opening: two round trips.
    const { latencyMs } = node.internet.settings;
    node.internet.clock.after(3 * latencyMs, () => this.#open(task));
  }

  request(pieces: readonly number[], options: { readonly lane: Lane; readonly mayFetch: boolean }): void {
    this.node.internet.message(this.node.peerId, () => {
      if (!this.isClosed) for (const piece of pieces) this.#requested(piece, options);
    });
  }

  hurry(pieces: readonly number[], lane: Lane): void {
    this.node.internet.message(this.node.peerId, () => {
      for (const piece of pieces) {
        if (this.#waiting.has(piece)) this.#waiting.set(piece, { child: this, lane });
        if (LANES.some(each => this.ready[each].delete(piece))) this.parent?.enqueue(this, lane, piece);
      }
    });
  }

  cancel(pieces: readonly number[]): void {
    this.node.internet.message(this.node.peerId, () => {
      for (const piece of pieces) {
        this.#waiting.delete(piece);
        for (const lane of LANES) this.ready[lane].delete(piece);
      }
    });
  }

  requestChunk(): Promise<Uint8Array<ArrayBuffer>> {
    throw new Error('no chunks in this simulation');
  }

  close(): void {
    this.isClosed = true;
    this.#stopListening();
    this.parent?.removeChild(this);
    for (const cut of this.#cuts) cut();
  }

  /** Pieces that wait to be sent. */
  get readyCount(): number {
    return LANES.reduce((sum, lane) => sum + this.ready[lane].size, 0);
  }

  /** Something waits to be sent: it hears how much, until that has been sent. */
  owes(): void {
    if (this.#isTended) return;
    this.#isTended = true;
    this.node.internet.clock.after(SIGN_OF_LIFE_MS, () => {
      this.#isTended = false;
      const isOwed = LANES.some(lane => this.ready[lane].size > 0);
      if (this.isClosed || this.parent?.isDead || this.parent?.faults.isSilent || !isOwed) return;
      const queue = this.parent?.queueFor(this) ?? 0;
      this.#toChild(() => this.#events.onQueue(queue));
      this.owes();
    });
  }

  cut(): void {
    if (this.isClosed) return;
    this.close();
    this.node.internet.links.cut(connectionOf(this.parent?.peerId ?? '', this.node.peerId));
    this.node.internet.clock.after(10, () => this.#events.onDown());
  }

  onCut(cut: () => void): void {
    this.#cuts.push(cut);
    if (this.#cuts.length > 64) this.#cuts = this.#cuts.slice(-16);
  }

  deliver(piece: number, bytes: Uint8Array<ArrayBuffer>): void {
    const queue = this.parent?.queueFor(this) ?? 0;
    this.node.internet.clock.after(this.node.internet.settings.latencyMs, () => {
      if (this.isClosed) return;
      this.#events.onQueue(queue);
      this.#events.onPiece(piece, bytes);
    });
  }

  refuse(pieces: readonly number[], reason: 'absent' | 'failed'): void {
    this.#toChild(() => this.#events.onRefused(pieces, reason, []));
  }

  #open(task: { readonly taskId: TaskId; readonly pieceCount: number }): void {
    if (this.isClosed) return;
    if (this.parent === undefined || this.parent.isDead) {
      this.#events.onDown();
      return;
    }
    const served = this.parent.served.find(task.taskId);
    if (served === undefined) {
      this.#events.onDenied('no such task');
      return;
    }
    this.task = served;
    this.parent.addChild(this);
    this.#stopListening = served.onChange({
      onGained: pieces => this.#gained(pieces),
      onLost: (pieces, chunks) => this.#toChild(() => this.#events.onLost(pieces, chunks)),
      onFailed: pieces => {
        const own = pieces.filter(piece => this.#waiting.delete(piece));
        if (own.length > 0) this.refuse(own, 'failed');
      },
    });
    const pieces = new PieceSet(task.pieceCount);
    for (let piece = 0; piece < task.pieceCount; piece++) {
      if (this.parent.faults.lies || served.pieces.has(piece)) pieces.add(piece);
    }
    this.#events.onOpened(pieces, new PieceSet(task.pieceCount));
  }

  #requested(piece: number, options: { readonly lane: Lane; readonly mayFetch: boolean }): void {
    const { parent, task } = this;
    if (parent === undefined || task === undefined) return;
    if (task.pieces.has(piece)) parent.enqueue(this, options.lane, piece);
    else if (task.isComing(piece) || (options.mayFetch && task.fetchFor(piece, options.lane))) {
      this.#waiting.set(piece, { child: this, lane: options.lane });
    } else if (options.mayFetch) {
      this.refuse([piece], 'absent');
    } else {
      this.#waiting.set(piece, { child: this, lane: options.lane });
      this.node.internet.clock.after(EXPECTED_MS, () => {
        if (!task.isComing(piece) && this.#waiting.delete(piece)) this.refuse([piece], 'absent');
      });
    }
  }

  #gained(pieces: readonly number[]): void {
    if (this.#have.size === 0) {
      this.node.internet.clock.after(HAVE_MS, () => {
        const have = [...this.#have];
        this.#have = new Set();
        this.#toChild(() => this.#events.onHave(have, []));
      });
    }
    for (const piece of pieces) {
      this.#have.add(piece);
      const waiting = this.#waiting.get(piece);
      if (waiting === undefined) continue;
      this.#waiting.delete(piece);
      this.parent?.enqueue(this, waiting.lane, piece);
    }
  }

  #toChild(run: () => void): void {
    if (this.parent === undefined) return;
    const queue = this.parent.queueFor(this);
    this.node.internet.message(this.parent.peerId, () => {
      if (this.isClosed) return;
      this.#events.onQueue(queue);
      run();
    });
  }
}
