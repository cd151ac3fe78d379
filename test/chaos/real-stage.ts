// The stage on which scenarios are played for real: daemons, links, registry and readers of a test bed.

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Cluster } from '../support/swarm/cluster.ts';
import type { ShapedNetwork } from '../support/swarm/network.ts';
import type { SwarmNode } from '../support/swarm/node.ts';
import type { OriginFault } from '../support/swarm/origin-faults.ts';
import type { OriginProxy } from '../support/swarm/origin-proxy.ts';
import { monotonicMs } from '../support/swarm/processes.ts';
import type { SeededRandom } from '../support/swarm/random.ts';
import { Reader } from '../support/swarm/reader.ts';
import type { Stage } from './scenario.ts';
import type { NodeRecord, Trouble } from './verdict.ts';

const run = promisify(execFile);
const READERS_PER_NODE = 4;
const POLL_MS = 100;
const MOUNT_MS = 120_000;

export interface StageParts {
  readonly network: ShapedNetwork;
  readonly proxy: OriginProxy;
  readonly cluster: Cluster | undefined;
  readonly nodes: readonly SwarmNode[];
  readonly random: SeededRandom;
  readonly reference: string;
  readonly imageBytes: number;
  /** Regular files of the image. */
  readonly fileCount: number;
}

interface Progress {
  readonly nodes: readonly string[];
  readonly files: number;
  readonly reached: () => void;
}

export class RealStage implements Stage {
  readonly nodes: readonly string[];
  readonly imageBytes: number;
  readonly random: SeededRandom;
  readonly hasPeers: boolean;
  readonly #parts: StageParts;
  readonly #byName: ReadonlyMap<string, SwarmNode>;
  readonly #readers = new Map<string, Reader>();
  readonly #finishedAt = new Map<string, number>();
  readonly #excused = new Set<string>();
  readonly #delayed = new Map<string, PromiseWithResolvers<void>>();
  readonly #troubles: { start: number; end: number | undefined; stopsReads: boolean; nodes: readonly string[] }[] = [];
  readonly #waiting = new Set<Progress>();
  readonly #ended = new AbortController();

  constructor(parts: StageParts) {
    this.#parts = parts;
    this.#byName = new Map(parts.nodes.map(node => [node.name, node]));
    this.nodes = parts.nodes.map(({ name }) => name);
    this.imageBytes = parts.imageBytes;
    this.random = parts.random;
    this.hasPeers = parts.cluster !== undefined;
  }

  /** Readers, each waiting for its node's mount. The order in which they read comes from the stage's chance. */
  async startReaders(): Promise<void> {
    for (const { name, namespace, mountpoint } of this.#parts.nodes) {
      const seed = 1 + this.random.below(1e6);
      const reader = await Reader.start(namespace, {
        kind: 'all',
        directory: mountpoint,
        threads: READERS_PER_NODE,
        seed,
      });
      reader.onFile = () => this.#advance();
      this.#readers.set(name, reader);
    }
  }

  /** Time 0. Resolves when every node that is not excused has finished; rejects when one can't. */
  async readAll(): Promise<void> {
    await Promise.all(
      this.#parts.nodes.map(async node => {
        try {
          await this.#readOn(node);
        } catch (error) {
          if (!this.#excused.has(node.name)) throw error;
        }
      }),
    );
  }

  async #readOn(node: SwarmNode): Promise<void> {
    await this.#delayed.get(node.name)?.promise;
    await node.mount(this.#parts.reference, { signal: AbortSignal.timeout(MOUNT_MS) });
    const reader = this.#readers.get(node.name);
    reader?.begin();
    const end = await reader?.ended;
    if (end !== undefined) this.#finishedAt.set(node.name, end);
  }

  /** Nothing more is waited for. */
  async end(): Promise<void> {
    this.#ended.abort(new Error('the stage has ended'));
    await Promise.all([...this.#readers.values()].map(reader => reader.kill()));
  }

  /** What the judged nodes have read. */
  records(): NodeRecord[] {
    return this.nodes
      .filter(node => !this.#excused.has(node))
      .map(node => ({ node, files: this.#readers.get(node)?.files ?? [], finishedAt: this.#finishedAt.get(node) }));
  }

  /** Trouble that has not ended lasts until now. */
  troubles(): Trouble[] {
    return this.#troubles.map(trouble => ({ ...trouble, end: trouble.end ?? monotonicMs() }));
  }

  progress(part: number, nodes = this.nodes): Promise<void> {
    const reached = this.#promise();
    this.#waiting.add({ nodes, files: part * nodes.length * this.#parts.fileCount, reached: reached.resolve });
    this.#advance();
    return reached.promise;
  }

  async pause(ms: number): Promise<void> {
    const over = this.#promise();
    const timer = setTimeout(over.resolve, ms);
    await over.promise.finally(() => clearTimeout(timer));
  }

  origin(...faults: readonly OriginFault[]): Promise<void> {
    return this.#parts.proxy.set(...faults);
  }

  partition(groups: readonly (readonly string[])[]): Promise<void> {
    return this.#parts.network.partition(groups);
  }

  heal(): Promise<void> {
    return this.#parts.network.heal();
  }

  async kill(name: string): Promise<void> {
    this.#excused.add(name);
    await this.#node(name).kill();
    // Its reads fail from now on, or hang where nobody answers them.
    await this.#readers.get(name)?.kill();
    this.#advance();
  }

  freeze(name: string): void {
    this.#node(name).freeze();
  }

  thaw(name: string): void {
    this.#node(name).thaw();
  }

  async killScheduler(): Promise<void> {
    await this.#parts.cluster?.killScheduler();
  }

  async startScheduler(): Promise<void> {
    await this.#parts.cluster?.startScheduler();
  }

  async giveDisk(name: string, bytes: number): Promise<void> {
    const { root } = this.#node(name);
    await mkdir(root, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${Math.ceil(bytes)},mode=700`, 'shoal-chaos', root]);
  }

  async resizeDisk(name: string, bytes: number): Promise<void> {
    await run('mount', ['-o', `remount,size=${Math.ceil(bytes)}`, this.#node(name).root]);
  }

  async storeError(name: string): Promise<void> {
    while (!/^shoal_store_errors_total\{.*\} [1-9]/m.test(await this.#node(name).metrics())) await this.pause(POLL_MS);
  }

  delay(name: string): void {
    this.#delayed.set(name, this.#promise());
  }

  join(name: string): void {
    this.#delayed.get(name)?.resolve();
  }

  trouble({ stopsReads, nodes = this.nodes }: { readonly stopsReads: boolean; readonly nodes?: readonly string[] }): {
    end(): void;
  } {
    const trouble: { start: number; end: number | undefined; stopsReads: boolean; nodes: readonly string[] } = {
      start: monotonicMs(),
      end: undefined,
      stopsReads,
      nodes,
    };
    this.#troubles.push(trouble);
    return {
      end: () => {
        trouble.end = monotonicMs();
      },
    };
  }

  #node(name: string): SwarmNode {
    const node = this.#byName.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  }

  #advance(): void {
    for (const one of this.#waiting) {
      const read = one.nodes.reduce((sum, node) => sum + (this.#readers.get(node)?.files.length ?? 0), 0);
      if (read < one.files) continue;
      this.#waiting.delete(one);
      one.reached();
    }
  }

  /** Rejects when the stage ends first. */
  #promise(): PromiseWithResolvers<void> {
    const promise = Promise.withResolvers<void>();
    promise.promise.catch(() => {}); // of whoever does not wait any more
    this.#ended.signal.addEventListener('abort', () => promise.reject(this.#ended.signal.reason), { once: true });
    return promise;
  }
}
