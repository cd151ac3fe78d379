// N nodes with the real swarm code, an origin and a scheduler, in virtual time: who has what when, and what it cost.

import { createHash } from 'node:crypto';
import {
  type ByteRange,
  type Digest,
  digestFromHex,
  PIECE_BYTES,
  type PieceDigests,
  pieceCount,
  pieceRange,
  piecesOf,
  type RangeReader,
  type SharedBlob,
  ShoalError,
  type SwarmBlob,
  silentLogger,
} from '../../../core/index.ts';
import { DEFAULT_SWARM_SETTINGS, type SwarmSettings } from '../../../peer/swarm/config.ts';
import { NodeSwarm } from '../../../peer/swarm/swarm.ts';
import { MemoryPieceStore } from '../memory-piece-store.ts';
import { CoreScheduler } from './core-scheduler.ts';
import { SharedLinks } from './shared-links.ts';
import { SimulatedInternet, SimulatedNode } from './simulated-network.ts';
import { VirtualClock } from './virtual-clock.ts';

const MIB = 1024 * 1024;
const ORIGIN = 'origin';
/** A program does something between two reads: up to so long. */
const THINK_MS = 10;

export interface SimulationOptions {
  readonly nodes: number;
  readonly blobBytes: number;
  /** Bytes per second; of the node with this number. */
  readonly originRate: number;
  readonly up: (node: number) => number;
  readonly down: (node: number) => number;
  /** ms until the node starts. */
  readonly startMs: (node: number) => number;
  /** ms until somebody reads there; what it takes is counted from here on. */
  readonly readAfterMs: (node: number) => number;
  readonly latencyMs: number;
  readonly behindBulkMs: number;
  readonly slots: number;
  readonly seed: number;
  /** The first so many bytes are demanded MiB by MiB; 0: all is background. */
  readonly demandedBytes: number;
  /** Demanded MiB under way at each node. */
  readonly demandsAtOnce: number;
  /** Background reads of 1 MiB under way at each node; 0: nothing but what is demanded. */
  readonly readsAtOnce: number;
  /** A program that needs so many places of the blob, each when it has read the one before; 0: there is none. */
  readonly programReads: number;
  readonly hasTable: boolean;
  readonly settings: Partial<SwarmSettings>;
  readonly mostMs: number;
}

/** 20 Mbit/s everywhere, as the benchmark in network namespaces. */
export const USUAL: SimulationOptions = {
  nodes: 8,
  blobBytes: 32 * MIB,
  originRate: 2_500_000,
  up: () => 2_500_000,
  down: () => 2_500_000,
  startMs: () => 0,
  readAfterMs: () => 0,
  latencyMs: 1,
  behindBulkMs: 20,
  slots: 8,
  seed: 1,
  demandedBytes: 0,
  demandsAtOnce: 1,
  readsAtOnce: 8,
  programReads: 0,
  hasTable: true,
  settings: {},
  mostMs: 600_000,
};

export interface SimulationResult {
  /** max{F/us, F/dmin, N·F/(us+Σui)}, ms. */
  readonly boundMs: number;
  /** Per node, ms since its own start; NaN: did not finish. */
  readonly finishMs: readonly number[];
  /** Until every node had the demanded MiB 1, 2, …, ms. */
  readonly demandedMs: readonly number[];
  readonly originBytes: number;
  readonly originEndMs: number;
  readonly wastedBytes: number;
  readonly moves: number;
  readonly hedges: number;
  readonly busiestUplink: number;
}

export class Simulation {
  readonly clock: VirtualClock;
  readonly internet: SimulatedInternet;
  readonly scheduler: CoreScheduler;
  readonly nodes: SimulatedNode[] = [];
  readonly swarms: NodeSwarm[] = [];
  readonly options: SimulationOptions;
  readonly blob: SharedBlob;
  /** What the origin says instead of answering. */
  originFails: (() => ShoalError) | undefined;
  originBytes = 0;
  /** When the origin sent its last byte. */
  originEndMs = 0;
  readonly readErrors: unknown[] = [];
  readonly finishMs: number[] = [];
  readonly #demanded: number[][] = [];
  readonly #program: readonly ByteRange[];
  #requests = 0;

  constructor(options: Partial<SimulationOptions> = {}) {
    this.options = { ...USUAL, ...options };
    this.clock = new VirtualClock(this.options.seed);
    const links = new SharedLinks(this.clock);
    this.internet = new SimulatedInternet(this.clock, links, this.options);
    this.scheduler = new CoreScheduler(this.internet, this.options);
    links.addNode(ORIGIN, { up: this.options.originRate, down: this.options.originRate });
    this.blob = {
      digest: blobDigest(),
      size: this.options.blobBytes,
      pieces: this.options.hasTable ? rightPieces(pieceCount(this.options.blobBytes)) : undefined,
    };
    this.#program = programOf(this.options);
    for (let index = 0; index < this.options.nodes; index++) this.#addNode(index);
  }

  /** Bytes of the pieces that a node needs. */
  get neededBytes(): number {
    const { readsAtOnce, blobBytes, demandedBytes } = this.options;
    if (readsAtOnce > 0) return blobBytes;
    const pieces = new Set<number>();
    for (const { offset, length } of [...this.#program, { offset: 0, length: demandedBytes }]) {
      const { first, end } = piecesOf(offset, length);
      for (let piece = first; piece < end; piece++) pieces.add(piece);
    }
    return [...pieces].reduce((sum, piece) => sum + pieceRange(blobBytes, piece).length, 0);
  }

  /** All nodes start, and run until each has everything or is dead. */
  async run(): Promise<SimulationResult> {
    const { nodes, mostMs, startMs } = this.options;
    for (let index = 0; index < nodes; index++) {
      this.finishMs[index] = Number.NaN;
      this.clock.after(startMs(index), () => void this.#start(index).catch(error => this.readErrors.push(error)));
    }
    await this.clock.run(
      () => this.nodes.every((node, index) => node.isDead || !Number.isNaN(this.finishMs[index])),
      mostMs,
    );
    const result = this.result();
    for (const swarm of this.swarms) swarm.close();
    return result;
  }

  result(): SimulationResult {
    const tasks = this.swarms.flatMap(swarm => swarm.status().tasks);
    const sum = (of: (task: (typeof tasks)[number]) => number) => tasks.reduce((all, task) => all + of(task), 0);
    const sent = this.nodes.map(node => this.internet.links.sent(node.peerId));
    return {
      boundMs: this.#boundMs(),
      finishMs: this.finishMs,
      demandedMs: Array.from({ length: this.options.demandedBytes / MIB }, (_, mib) =>
        Math.max(...this.#demanded.map(times => times[mib] ?? Number.NaN)),
      ),
      originBytes: this.originBytes,
      originEndMs: this.originEndMs,
      wastedBytes: sum(task => task.counters.wastedBytes),
      moves: sum(task => task.counters.moves),
      hedges: sum(task => task.counters.hedges),
      busiestUplink: (Math.max(...sent) * sent.length) / sent.reduce((all, bytes) => all + bytes, 0),
    };
  }

  #boundMs(): number {
    const { nodes, originRate, up, down } = this.options;
    const { neededBytes } = this;
    const all = Array.from({ length: nodes }, (_, index) => index);
    const uplinks = all.reduce((rate, index) => rate + up(index), originRate);
    const slowest = Math.min(...all.map(down));
    return 1000 * Math.max(neededBytes / originRate, neededBytes / slowest, (nodes * neededBytes) / uplinks);
  }

  #addNode(index: number): void {
    const { up, down, settings } = this.options;
    const node = new SimulatedNode(`node${index}`, this.internet);
    this.internet.links.addNode(node.peerId, { up: up(index), down: down(index) });
    const swarm = new NodeSwarm(
      {
        network: node,
        schedulers: this.scheduler.forNode(node.peerId),
        discovery: { find: noPeers, provide: () => {}, withdraw: () => {}, remember: () => {} },
        store: new MemoryPieceStore(),
        clock: this.clock,
        log: silentLogger,
      },
      { ...DEFAULT_SWARM_SETTINGS, ...settings },
    );
    node.served = swarm;
    this.nodes.push(node);
    this.swarms.push(swarm);
    this.#demanded.push([]);
  }

  async #start(index: number): Promise<void> {
    const swarm = this.swarms[index];
    const node = this.nodes[index];
    if (swarm === undefined || node === undefined) return;
    const shared = swarm.join(this.blob, { origin: this.#originFor(node) });
    await this.clock.sleep(this.options.readAfterMs(index));
    const began = this.clock.monotonic();
    await Promise.all([this.#demand(index, shared, began), this.#runProgram(shared), this.#background(shared)]);
    this.finishMs[index] = this.clock.monotonic() - began;
  }

  async #demand(index: number, shared: SwarmBlob, began: number): Promise<void> {
    let next = 0;
    const reader = async () => {
      while (next < this.options.demandedBytes) {
        const at = next;
        next += MIB;
        await this.#read(shared, this.#mibAt(at), 'demand');
        const times = this.#demanded[index];
        if (times !== undefined) times[at / MIB] = this.clock.monotonic() - began;
      }
    };
    await Promise.all(Array.from({ length: this.options.demandsAtOnce }, reader));
  }

  async #runProgram(shared: SwarmBlob): Promise<void> {
    for (const range of this.#program) {
      await this.#read(shared, range, 'demand');
      await this.clock.sleep(this.clock.random() * THINK_MS);
    }
  }

  async #background(shared: SwarmBlob): Promise<void> {
    if (this.options.readsAtOnce === 0) return;
    let next = 0;
    const reader = async () => {
      while (next < this.options.blobBytes) {
        const at = next;
        next += MIB;
        await this.#read(shared, this.#mibAt(at), 'background');
      }
    };
    await Promise.all(Array.from({ length: this.options.readsAtOnce }, reader));
  }

  /** As the daemon: asks again when the swarm has nobody. */
  async #read(shared: SwarmBlob, range: ByteRange, lane: 'demand' | 'background'): Promise<void> {
    for (;;) {
      try {
        await shared.read(range, { lane, signal: new AbortController().signal });
        return;
      } catch (error) {
        this.readErrors.push(error);
        await this.clock.sleep(500);
      }
    }
  }

  #mibAt(offset: number): ByteRange {
    return { offset, length: Math.min(MIB, this.options.blobBytes - offset) };
  }

  #originFor(node: SimulatedNode): RangeReader {
    const simulation = this;
    const { clock, internet, options } = this;
    return {
      name: ORIGIN,
      async *readRange(_blob, range, { signal }) {
        const name = `origin${simulation.#requests++}>${node.peerId}`;
        await clock.sleep(2 * options.latencyMs);
        if (simulation.originFails !== undefined) throw simulation.originFails();
        for (let left = range.length; left > 0; left -= PIECE_BYTES) {
          const length = Math.min(PIECE_BYTES, left);
          await new Promise<void>(done => {
            internet.links.send(name, { from: ORIGIN, to: node.peerId }, length, done);
            signal.addEventListener('abort', () => done(), { once: true });
          });
          if (signal.aborted || node.isDead) throw new ShoalError('aborted', 'the request was given up');
          simulation.originBytes += length;
          simulation.originEndMs = clock.monotonic();
          yield RIGHT.subarray(0, length);
        }
      },
    };
  }
}

/** Chunks as a program's start touches them: of all sizes, here and there, often one behind the other. */
function programOf({ programReads, blobBytes, seed }: SimulationOptions): ByteRange[] {
  const chance = new VirtualClock(seed + 1);
  const reads: ByteRange[] = [];
  let offset = 0;
  for (let read = 0; read < programReads; read++) {
    const length = Math.round(4096 * 2 ** (8 * chance.random()));
    if (chance.random() < 0.5 || offset + length > blobBytes)
      offset = Math.floor(chance.random() * (blobBytes - length));
    reads.push({ offset, length });
    offset += length;
  }
  return reads;
}

/** Every right piece begins with 1. */
const RIGHT = new Uint8Array(PIECE_BYTES).fill(1);

function rightPieces(count: number): PieceDigests {
  return { count, verify: (_piece, bytes) => bytes[0] === 1 };
}

function blobDigest(): Digest {
  return digestFromHex(createHash('sha256').update('a simulated blob').digest('hex'));
}

async function* noPeers(): AsyncGenerator<never> {}
