// A run on shaped links, from its beginning to its end: a directory, a network, a registry, nodes. Whatever happens (a
// failure, Ctrl-C, a kill of this process), processes, mounts, namespaces and files go away: at the end, or, when this
// process was killed, when the next run begins.
//
//   await withTestBed({ nodes: 8, mbit: 20 }, async bed => { … });

import { mkdir, readdir, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeLeftovers } from '../shoal.ts';
import type { Cluster } from './cluster.ts';
import { namespaces, removeNamespaces, ShapedNetwork } from './network.ts';
import { SwarmNode } from './node.ts';
import type { OriginRegistry } from './registry.ts';
import { isAlive, keyIn, nameOf, ownKey } from './run-key.ts';

export interface TestBedPlan {
  /** How many nodes have a link. */
  readonly nodes: number;
  readonly mbit: number;
}

/** What ends with the bed, in reverse order. */
type Ending = () => Promise<void>;

export class TestBed {
  readonly network: ShapedNetwork;
  readonly directory: string;
  /** Names of links that nodes may have. */
  readonly names: readonly string[];
  readonly #endings: Ending[] = [];
  #ended: Promise<void> | undefined;

  constructor(network: ShapedNetwork, directory: string, names: readonly string[]) {
    this.network = network;
    this.directory = directory;
    this.names = names;
  }

  onEnd(ending: Ending): void {
    this.#endings.push(ending);
  }

  /** A node that is not started yet. */
  node(
    name: string,
    what: { registry: OriginRegistry; cluster?: Cluster | undefined; backgroundFill: boolean },
  ): SwarmNode {
    const { registry, cluster, backgroundFill } = what;
    const node = new SwarmNode({
      network: this.network,
      name,
      directory: join(this.directory, name),
      registryHost: registry.host,
      cluster,
      backgroundFill,
    });
    this.onEnd(() => node.remove());
    return node;
  }

  /** Ends everything; goes on after failures, and rejects with the first. Idempotent. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    const failures: unknown[] = [];
    for (const ending of this.#endings.splice(0).reverse()) await ending().catch(error => failures.push(error));
    await this.network.remove().catch(error => failures.push(error));
    await removeDirectory(this.directory).catch(error => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Makes a bed, works on it, and takes it away again. A signal takes it away, too, and ends this process. */
export async function withTestBed<T>(plan: TestBedPlan, work: (bed: TestBed) => Promise<T>): Promise<T> {
  await removeRemains();
  const key = ownKey();
  const directory = join(tmpdir(), nameOf(key));
  const names = Array.from({ length: plan.nodes }, (_, index) => `n${index + 1}`);
  await mkdir(directory, { mode: 0o700 });
  const network = await ShapedNetwork.create(key, { nodes: names, mbit: plan.mbit });
  const bed = new TestBed(network, directory, names);
  let isInterrupted = false;
  const interrupt = (signal: NodeJS.Signals) => {
    isInterrupted = true;
    bed.end().then(
      () => process.exit(128 + constants.signals[signal]),
      error => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    return await work(bed);
  } finally {
    await bed.end();
    // What the work failed with, because its nodes went away, is no news then; `interrupt` ends this process.
    if (isInterrupted) await new Promise(() => {});
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

/** What runs left whose process is no longer there. */
export async function removeRemains(): Promise<void> {
  const isLeft = (name: string) => {
    const key = keyIn(name);
    return key !== undefined && !isAlive(key);
  };
  if ((await namespaces()).some(isLeft)) await removeNamespaces(isLeft);
  for (const name of (await readdir(tmpdir())).filter(isLeft)) await removeDirectory(join(tmpdir(), name));
}

async function removeDirectory(directory: string): Promise<void> {
  await removeLeftovers(directory);
  await rm(directory, { recursive: true, force: true, maxRetries: 10 });
}
