// One start of an image on N nodes at the same instant: daemons that already run, as on a cluster; at time 0 all of them
// mount, and their readers go ahead. Ends when every node has all (bulk) or its program has said that it is ready (lazy).
// In a flash crowd the image is mounted everywhere, and nothing of it is there; at time 0 all nodes read the same file.

import { join } from 'node:path';
import { type MountInfo, systemClock } from '../../core/index.ts';
import { Cluster, isFilled } from '../../test/support/swarm/cluster.ts';
import { AHEAD_FILE, AHEAD_MIB } from '../../test/support/swarm/image.ts';
import { keepLogs } from '../../test/support/swarm/logs.ts';
import { payloadOf, REGISTRY } from '../../test/support/swarm/network.ts';
import type { SwarmNode } from '../../test/support/swarm/node.ts';
import { monotonicMs, within } from '../../test/support/swarm/processes.ts';
import { Reader, type Reading } from '../../test/support/swarm/reader.ts';
import type { OriginRegistry } from '../../test/support/swarm/registry.ts';
import type { TestBed } from '../../test/support/swarm/test-bed.ts';
import { type Answers, answersOf, type Cores, UsageMeter } from './usage.ts';

const MIB = 1 << 20;
/** More readers than one keep the link busy between two of them. */
const READERS_PER_NODE = 6;
/** How often a daemon is asked how far it is: seldom, but often shortly before the end, which is what is measured. */
const POLL_MS = { least: 50, most: 500 };
/** Daemons that start at once would wait for each other's processors. */
const STARTS_AT_ONCE = 4;
/** A daemon starts its other threads, and looks at its new neighbours, up to 5 s after a mount. Where the mount is not measured, that is not either. */
const SETTLE_MS = 6_000;

export type Mode = 'bulk' | 'lazy' | 'flash';

export interface StartPlan {
  readonly mode: Mode;
  readonly nodes: number;
  readonly hasPeers: boolean;
  readonly reference: string;
  /** A small image that every node has started and read before, as daemons on a cluster have; undefined: they are new. */
  readonly before: string | undefined;
  /** Digests of the blobs that can be shared: all layers but the bootstrap. */
  readonly blobs: readonly string[];
  /** SHA-256 of each file (bulk). */
  readonly files: Readonly<Record<string, string>>;
  /** What says "ready:" (lazy). */
  readonly program: readonly string[];
  /** A start that takes longer has failed, ms. */
  readonly limitMs: number;
  /** Where the logs of the last start are kept. */
  readonly logs?: string | undefined;
}

export interface StartSample {
  /** From time 0 until each node had finished. */
  readonly finishMs: readonly number[];
  /** From the request to the mount, the slowest node's. Flash: before time 0. */
  readonly mountMs: number;
  /** Flash: until every node had MiB 1, 2, … */
  readonly partsMs: readonly number[];
  /** Compressed bytes that a node needed: of all blobs (bulk), what it fetched (lazy, the middle node), or what it read. */
  readonly neededBytes: number;
  /** What the registry's link has carried, as payload. Bootstraps, manifests and headers included. */
  readonly originLinkBytes: number;
  /** Bodies of its answers. */
  readonly originBodyBytes: number;
  /** The same of blobs alone: what peers can save. */
  readonly originBlobBytes: number;
  /** Frames that queues threw away, on any link. */
  readonly drops: number;
  readonly retransmits: number;
  readonly cores: Cores;
  /** How long daemons took to answer a question meanwhile: their event loops, seen from outside. */
  readonly answers: Answers;
}

export async function measureStart(bed: TestBed, registry: OriginRegistry, plan: StartPlan): Promise<StartSample> {
  const cluster = plan.hasPeers ? await Cluster.start(bed.network, join(bed.directory, 'cluster')) : undefined;
  const backgroundFill = plan.mode === 'bulk';
  const nodes = bed.names.slice(0, plan.nodes).map(name => bed.node(name, { registry, cluster, backgroundFill }));
  try {
    for (let at = 0; at < nodes.length; at += STARTS_AT_ONCE) {
      await Promise.all(nodes.slice(at, at + STARTS_AT_ONCE).map(node => node.start()));
    }
    await cluster?.untilNodes(nodes.length);
    if (plan.before !== undefined) await startBefore(nodes, plan.before, plan.limitMs);
    const before = await registry.bodyBytes(plan.blobs);
    const sample = await measure(bed, { nodes, registry, cluster, plan });
    // Connections are closed then, and what was sent over them is in the registry's log.
    await Promise.all(nodes.map(node => node.end()));
    const after = await registry.bodyBytes(plan.blobs);
    return { ...sample, originBodyBytes: after.all - before.all, originBlobBytes: after.blobs - before.blobs };
  } finally {
    if (plan.logs !== undefined) await keepLogs(plan.logs, { nodes, cluster });
    await Promise.all(nodes.map(node => node.remove()));
    await cluster?.stop();
  }
}

/** Code that has run once is faster, and nodes that had an image in common are connected. */
async function startBefore(nodes: readonly SwarmNode[], reference: string, limitMs: number): Promise<void> {
  const startOne = async (node: SwarmNode) => {
    await node.mount(reference, { signal: AbortSignal.timeout(limitMs) });
    const reader = await Reader.start(node.namespace, readAll(node));
    reader.begin();
    await reader.ended.finally(() => reader.kill());
    await node.unmount();
  };
  await within(limitMs, Promise.all(nodes.map(startOne)), 'all nodes to start the small image');
  await systemClock.sleep(SETTLE_MS);
}

interface Fleet {
  readonly nodes: readonly SwarmNode[];
  readonly registry: OriginRegistry;
  readonly cluster: Cluster | undefined;
  readonly plan: StartPlan;
}

async function measure(bed: TestBed, fleet: Fleet): Promise<Omit<StartSample, 'originBodyBytes' | 'originBlobBytes'>> {
  const { nodes, registry, cluster, plan } = fleet;
  const starters = await Promise.all(nodes.map(node => Starter.prepare(node, plan)));
  const mountAll = () => Promise.all(starters.map(one => one.mount(plan)));
  try {
    if (plan.mode === 'flash') {
      await within(plan.limitMs, mountAll(), 'all nodes to mount');
      await systemClock.sleep(SETTLE_MS);
    }
    const before = await linkBytes(bed, nodes);
    const receivedBefore = await receivedBytes(fleet);
    const watched = { peers: nodes.map(({ pid }) => pid), scheduler: cluster?.schedulerPid, registry: registry.pid };
    const meter = await UsageMeter.start(watched);
    const start = monotonicMs();
    const ends = await within(plan.limitMs, Promise.all(starters.map(one => one.run(plan))), 'all nodes to finish');
    const usage = await meter.stop(starters.reduce((sum, { reader }) => sum + (reader?.cpuSeconds ?? 0), 0));
    const after = await linkBytes(bed, nodes);
    const infos = await Promise.all(nodes.map(node => node.info()));
    const received = await receivedBytes(fleet);
    for (const one of starters) await one.verify(plan);
    return {
      finishMs: ends.map(end => end - start),
      mountMs: Math.max(...starters.map(one => one.mountMs)),
      partsMs: plan.mode === 'flash' ? lastOfEachPart(starters, start) : [],
      neededBytes: neededBytes(
        plan.mode,
        infos,
        received?.map((bytes, at) => bytes - (receivedBefore?.[at] ?? 0)),
      ),
      originLinkBytes: payloadOf(after.registryUp - before.registryUp),
      drops: after.drops - before.drops,
      answers: answersOf(starters.flatMap(({ answers }) => answers)),
      ...usage,
    };
  } finally {
    await Promise.all(starters.map(({ reader }) => reader?.kill()));
  }
}

/** A node and the reader that waits for its mount. */
class Starter {
  readonly reader: Reader | undefined;
  readonly answers: number[] = [];
  mountMs = Number.NaN;
  readonly #node: SwarmNode;

  private constructor(node: SwarmNode, reader: Reader | undefined) {
    this.#node = node;
    this.reader = reader;
  }

  static async prepare(node: SwarmNode, plan: StartPlan): Promise<Starter> {
    const reading = readingOf(node, plan);
    return new Starter(node, reading && (await Reader.start(node.namespace, reading)));
  }

  async mount({ reference, limitMs }: StartPlan): Promise<void> {
    const asked = monotonicMs();
    await this.#node.mount(reference, { signal: AbortSignal.timeout(limitMs) });
    this.mountMs = monotonicMs() - asked;
  }

  /** Mounts if that is still to do, and resolves with the time at which the node had finished. */
  async run(plan: StartPlan): Promise<number> {
    const { mode } = plan;
    if (mode !== 'flash') await this.mount(plan);
    if (!this.reader) return this.#watch(({ stats }) => isFilled(stats));
    this.reader.begin();
    let hasEnded = false;
    const ended = this.reader.ended.finally(() => {
      hasEnded = true;
    });
    // Both at once: either fails when the node goes away.
    const [end] = await Promise.all([ended, this.#watch(() => hasEnded)]);
    if (mode !== 'lazy') return end;
    if (!this.reader.ready) throw new Error(`the program on ${this.#node.name} never said that it is ready`);
    return this.reader.ready.at;
  }

  /** Resolves with the time at which the condition was seen to hold. */
  async #watch(isOver: (info: MountInfo) => boolean): Promise<number> {
    for (;;) {
      const asked = monotonicMs();
      const info = await this.#node.info();
      const now = monotonicMs();
      this.answers.push(now - asked);
      if (info === undefined) throw new Error(`${this.#node.name} has lost its mount`);
      if (isOver(info)) return now;
      const { totalBytes, fetchedBytes, bytesPerSecond } = info.stats;
      const halfOfRest = (500 * Math.max(0, totalBytes - fetchedBytes)) / Math.max(1, bytesPerSecond);
      const wait = Math.min(POLL_MS.most, Math.max(POLL_MS.least, halfOfRest));
      await new Promise(done => setTimeout(done, wait));
    }
  }

  /** After the time that is measured: was every byte right? */
  async verify({ mode, files }: StartPlan): Promise<void> {
    if (mode !== 'bulk') return;
    const reader = this.reader ?? (await Reader.start(this.#node.namespace, readAll(this.#node)));
    if (reader !== this.reader) {
      reader.begin();
      await reader.ended.finally(() => reader.kill());
    }
    const found = new Map(reader.files.map(({ path, sha256, error }) => [path, sha256 ?? error]));
    const wrong = Object.entries(files).filter(([path, sha256]) => found.get(path) !== sha256);
    if (wrong.length > 0 || found.size !== Object.keys(files).length) {
      const examples = wrong.slice(0, 5).map(([path]) => `${path}: ${found.get(path) ?? 'missing'}`);
      throw new Error(`${this.#node.name}: ${wrong.length} of ${found.size} files are wrong: ${examples.join(', ')}`);
    }
  }
}

function readAll({ mountpoint }: SwarmNode): Reading {
  return { kind: 'all', directory: mountpoint, threads: READERS_PER_NODE, seed: 0 };
}

/** Nothing in `bulk`: there the daemon fills its cache by itself. */
function readingOf(node: SwarmNode, { mode, program }: StartPlan): Reading | undefined {
  switch (mode) {
    case 'bulk':
      return undefined;
    case 'flash':
      return { kind: 'ahead', file: join(node.mountpoint, AHEAD_FILE), parts: AHEAD_MIB, partBytes: MIB };
    case 'lazy':
      return { kind: 'program', directory: node.mountpoint, command: program };
  }
}

function lastOfEachPart(starters: readonly Starter[], start: number): number[] {
  return Array.from({ length: AHEAD_MIB }, (_, part) =>
    Math.max(...starters.map(({ reader }) => reader?.parts.get(part) ?? Number.NaN)),
  ).map(at => at - start);
}

/**
 * `received`: of each node, the bytes of the pieces that came. In `lazy` whole pieces travel for what the program reads,
 * and a node may have got more than that in advance: the one with the least counts.
 */
function neededBytes(
  mode: Mode,
  infos: readonly (MountInfo | undefined)[],
  received: readonly number[] | undefined,
): number {
  if (mode === 'flash') return AHEAD_MIB * MIB;
  if (mode === 'lazy' && received !== undefined) return Math.min(...received);
  const key = mode === 'lazy' ? 'fetchedBytes' : 'totalBytes';
  const sorted = infos.map(info => info?.stats[key] ?? Number.NaN).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Of each node, since it began. */
async function receivedBytes({ nodes, plan }: Fleet): Promise<number[] | undefined> {
  return plan.hasPeers ? Promise.all(nodes.map(node => node.receivedBytes())) : undefined;
}

async function linkBytes(bed: TestBed, nodes: readonly SwarmNode[]): Promise<{ registryUp: number; drops: number }> {
  const registry = await bed.network.traffic(REGISTRY);
  const others = await Promise.all(nodes.map(({ name }) => bed.network.traffic(name)));
  return { registryUp: registry.upBytes, drops: others.reduce((sum, { drops }) => sum + drops, registry.drops) };
}
