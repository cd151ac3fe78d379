// A swarm of one node under test: parents, scheduler, discovery and origin are played by the test, word by word.
//
//   const world = new FakeSwarm();
//   const blob = world.join();                       // 8 pieces by default
//   world.scheduler.events.onUp();
//   const parent = world.parent('b', [0, 1, 2]);     // a peer that the scheduler names, with these pieces
//   const reading = blob.read(...);
//   await world.settle();
//   parent.asked                                      // what it was asked for
//   parent.send(0);

import { createHash } from 'node:crypto';
import {
  type ByteRange,
  type CachedChunks,
  type ChunkPlace,
  digestFromHex,
  type Lane,
  PIECE_BYTES,
  PieceSet,
  pieceRange,
  type RangeReader,
  type SharedBlob,
  ShoalError,
  type SwarmBlob,
  silentLogger,
} from '../../core/index.ts';
import type {
  Accusation,
  Discovery,
  JoinedTask,
  LeaseFailure,
  ParentEvents,
  ParentLink,
  ParentTask,
  PeerAddress,
  PeerNetwork,
  ScheduledEvents,
  ScheduledTask,
  Schedulers,
} from '../../peer/ports.ts';
import { DEFAULT_SWARM_SETTINGS, type SwarmSettings } from '../../peer/swarm/config.ts';
import { NodeSwarm } from '../../peer/swarm/swarm.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryPieceStore } from './memory-piece-store.ts';

export interface AskedPiece {
  readonly piece: number;
  readonly lane: Lane;
  readonly mayFetch: boolean;
}

/** One peer, as a parent of the node under test. */
export class FakeParent implements ParentLink {
  readonly peerId: string;
  readonly isUp = true;
  receivedBytes = 0;
  /** Not cancelled and not answered. */
  asked: AskedPiece[] = [];
  cancelled: number[] = [];
  readonly chunkRequests: ChunkPlace[] = [];
  chunkAnswer: (place: ChunkPlace) => Promise<Uint8Array<ArrayBuffer>> = () =>
    Promise.reject(new ShoalError('unavailable', 'refused'));
  opens = 0;
  isClosed = false;
  isReleased = false;
  #events: ParentEvents | undefined;
  readonly #world: FakeSwarm;

  constructor(peerId: string, world: FakeSwarm) {
    this.peerId = peerId;
    this.#world = world;
  }

  get events(): ParentEvents {
    if (this.#events === undefined) throw new Error(`${this.peerId} has not been opened`);
    return this.#events;
  }

  get askedPieces(): number[] {
    return this.asked.map(({ piece }) => piece).sort((a, b) => a - b);
  }

  open(_task: unknown, events: ParentEvents): ParentTask {
    this.#events = events;
    this.opens++;
    this.isClosed = false;
    return {
      request: (pieces, options) => this.asked.push(...pieces.map(piece => ({ piece, ...options }))),
      hurry: (pieces, lane) => {
        this.asked = this.asked.map(asked => (pieces.includes(asked.piece) ? { ...asked, lane } : asked));
      },
      cancel: pieces => {
        this.cancelled.push(...pieces);
        this.asked = this.asked.filter(({ piece }) => !pieces.includes(piece));
      },
      requestChunk: place => {
        this.chunkRequests.push(place);
        return this.chunkAnswer(place);
      },
      close: () => {
        this.isClosed = true;
        this.asked = [];
      },
    };
  }

  release(): void {
    this.isReleased = true;
  }

  opened(pieces: readonly number[], chunks: readonly number[] = []): void {
    this.events.onOpened(this.#world.setOf(pieces), this.#world.setOf(chunks));
  }

  /** The right bytes unless others are given. */
  send(piece: number, bytes: Uint8Array<ArrayBuffer> = this.#world.bytesOf(piece)): void {
    this.asked = this.asked.filter(asked => asked.piece !== piece);
    this.events.onPiece(piece, bytes);
  }

  sendAll(): void {
    for (const { piece } of [...this.asked]) this.send(piece);
  }

  refuse(pieces: readonly number[], reason: 'busy' | 'absent' | 'failed', tryPeers: readonly string[] = []): void {
    this.asked = this.asked.filter(({ piece }) => !pieces.includes(piece));
    this.events.onRefused(pieces, reason, tryPeers);
  }

  down(): void {
    this.asked = [];
    this.events.onDown();
  }
}

/** What the node said to the scheduler, and the way to answer. */
export class FakeScheduler implements Schedulers, ScheduledTask {
  readonly wants: { readonly pieces: readonly number[]; readonly lane: Lane; readonly late: boolean }[] = [];
  readonly reported = new Set<number>();
  readonly lostPieces: number[] = [];
  /** Of each parent, as the scheduler was told. */
  readonly serviceFailures = new Map<string, number>();
  readonly failures: {
    readonly pieces: readonly number[];
    readonly reason: LeaseFailure;
    readonly ms: number | undefined;
  }[] = [];
  readonly accusations: { readonly peerId: string; readonly piece: number; readonly what: Accusation }[] = [];
  follows = false;
  hasLeft = false;
  #events: ScheduledEvents | undefined;

  get events(): ScheduledEvents {
    if (this.#events === undefined) throw new Error('nothing has joined');
    return this.#events;
  }

  join(_task: JoinedTask, events: ScheduledEvents): ScheduledTask {
    this.#events = events;
    this.hasLeft = false;
    return this;
  }

  want(pieces: readonly number[], options: { readonly lane: Lane; readonly late: boolean }): void {
    this.wants.push({ pieces: [...pieces], ...options });
  }

  gained(pieces: readonly number[]): void {
    for (const piece of pieces) this.reported.add(piece);
  }

  lost(pieces: readonly number[]): void {
    this.lostPieces.push(...pieces);
  }

  leaseFailed(pieces: readonly number[], reason: LeaseFailure, ms: number | undefined): void {
    this.failures.push({ pieces, reason, ms });
  }

  follow(follows: boolean): void {
    this.follows = follows;
  }

  accuse(peerId: string, piece: number, what: Accusation): void {
    this.accusations.push({ peerId, piece, what });
  }

  served(peerId: string, { failures }: { readonly failures: number }): void {
    this.serviceFailures.set(peerId, (this.serviceFailures.get(peerId) ?? 0) + failures);
  }

  leave(): void {
    this.hasLeft = true;
  }
}

export interface FakeSwarmOptions {
  readonly pieces?: number;
  readonly hasTable?: boolean;
  readonly chunks?: CachedChunks;
  readonly settings?: Partial<SwarmSettings>;
}

export class FakeSwarm {
  readonly clock = new ManualClock();
  readonly scheduler = new FakeScheduler();
  readonly store = new MemoryPieceStore();
  readonly parents = new Map<string, FakeParent>();
  readonly banned: string[] = [];
  readonly provided = new Set<string>();
  readonly remembered: string[] = [];
  /** Whom the search for peers finds. */
  found: string[] = [];
  /** Ranges that the origin was asked for. */
  readonly originAsked: ByteRange[] = [];
  origin: (range: ByteRange, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  readonly blob: SharedBlob;
  readonly swarm: NodeSwarm;
  readonly #options: FakeSwarmOptions;
  readonly #content: Buffer;

  constructor(options: FakeSwarmOptions = {}) {
    this.#options = options;
    const count = options.pieces ?? 8;
    // The last piece is short.
    this.#content = Buffer.alloc(count * PIECE_BYTES - 1000);
    for (let at = 0; at < this.#content.length; at += 4096) this.#content.writeUInt32LE(at ^ 0x5a5a5a5a, at);
    this.blob = {
      digest: digestFromHex(createHash('sha256').update(this.#content).digest('hex')),
      size: this.#content.length,
      pieces:
        options.hasTable === false
          ? undefined
          : { count, verify: (piece, bytes) => Buffer.compare(bytes, this.bytesOf(piece)) === 0 },
    };
    this.origin = async function* (this: FakeSwarm, range: ByteRange) {
      yield this.bytesAt(range);
    }.bind(this);
    this.swarm = new NodeSwarm(
      {
        network: this.#network(),
        schedulers: this.scheduler,
        discovery: this.#discovery(),
        store: this.store,
        clock: this.clock,
        log: silentLogger,
      },
      { ...DEFAULT_SWARM_SETTINGS, ...options.settings },
    );
  }

  join(): SwarmBlob {
    const reader: RangeReader = {
      name: 'origin',
      readRange: (_blob, range, { signal }) => {
        this.originAsked.push(range);
        return this.origin(range, signal);
      },
    };
    return this.swarm.join(this.blob, { origin: reader, chunks: this.#options.chunks });
  }

  /** A peer named by the scheduler, connected, with these pieces. */
  parent(peerId: string, pieces: readonly number[], chunks: readonly number[] = []): FakeParent {
    const none = this.setOf([]);
    this.scheduler.events.onParents([{ peerId, addresses: [], pieces: none, chunks: none, distance: 0 }], []);
    const parent = this.peer(peerId);
    parent.opened(pieces, chunks);
    return parent;
  }

  peer(peerId: string): FakeParent {
    const parent = this.parents.get(peerId) ?? new FakeParent(peerId, this);
    this.parents.set(peerId, parent);
    return parent;
  }

  /** A read of whole pieces. */
  read(
    blob: SwarmBlob,
    pieces: { readonly first: number; readonly count: number },
    options: { readonly lane?: Lane; readonly signal?: AbortSignal } = {},
  ): ReturnType<SwarmBlob['read']> {
    const range = this.rangeOf(pieces);
    return blob.read(range, { lane: options.lane ?? 'demand', signal: options.signal ?? new AbortController().signal });
  }

  rangeOf(pieces: { readonly first: number; readonly count: number }): ByteRange {
    const last = pieceRange(this.blob.size, pieces.first + pieces.count - 1);
    const offset = pieces.first * PIECE_BYTES;
    return { offset, length: last.offset + last.length - offset };
  }

  bytesAt(range: ByteRange): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#content.subarray(range.offset, range.offset + range.length));
  }

  bytesOf(piece: number): Uint8Array<ArrayBuffer> {
    return this.bytesAt(pieceRange(this.blob.size, piece));
  }

  setOf(pieces: readonly number[]): PieceSet {
    const set = new PieceSet(Math.ceil(this.blob.size / PIECE_BYTES));
    for (const piece of pieces) set.add(piece);
    return set;
  }

  /** Everything that runs without time passing. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) await new Promise(resolve => setImmediate(resolve));
  }

  /** Time passes, and everything that follows. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      await this.clock.advance(Math.min(50, left));
      await this.settle();
    }
  }

  #network(): PeerNetwork {
    return {
      peerId: 'me',
      link: (peer: PeerAddress) => this.peer(peer.peerId),
      ban: peerId => this.banned.push(peerId),
    };
  }

  #discovery(): Discovery {
    const world = this;
    return {
      async *find() {
        for (const peerId of world.found) yield { peerId, addresses: [] };
      },
      provide: taskId => this.provided.add(taskId),
      withdraw: taskId => this.provided.delete(taskId),
      remember: peer => this.remembered.push(peer.peerId),
    };
  }
}
