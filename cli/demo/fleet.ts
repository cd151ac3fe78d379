// Several nodes of the demonstration: a daemon each, on this machine, with roots of their own. A first one gets an image and
// all that is in it; then others start it together. How soon each is ready, and where its bytes came from.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { type MountInfo, ShoalError, siblingScript, systemClock } from '../../core/index.ts';
import { ControlClient } from '../../daemon/index.ts';
import { runUntilReady } from './cold-start.ts';
import { ThrottledLink } from './link.ts';
import { startDemoRegistry } from './registry.ts';

const MAIN = fileURLToPath(siblingScript(import.meta.url, '../main'));
const REPOSITORY = 'image';
const START_TIMEOUT_MS = 30_000;
/** A whole image over a slow link, on a busy machine. */
const FILL_TIMEOUT_MS = 300_000;
const POLL_MS = 50;

export interface FleetStart {
  /** An OCI layout directory with an accelerated image, and its tag. Its command must print "ready:". */
  readonly layout: string;
  readonly tag: string;
  readonly bytesPerSecond: number;
  /** An empty directory for all state; its content is the caller's to remove. */
  readonly workDir: string;
  /** How many start together after the first. */
  readonly together: number;
  /** What a node of this root gets into its environment: that it has peers. */
  readonly environment: (root: string) => Promise<Readonly<Record<string, string>>>;
}

export interface FleetNode {
  readonly readyMs: number;
  /** Until all of the image was here. */
  readonly wholeMs: number;
  readonly peerBytes: number;
  readonly originBytes: number;
}

export interface FleetMeasurement {
  readonly first: FleetNode;
  readonly others: readonly FleetNode[];
  /** What the registry sent to the first node, and to all the others together; manifests included. */
  readonly originBytesFirst: number;
  readonly originBytesOthers: number;
}

export async function startFleet(start: FleetStart, signal: AbortSignal): Promise<FleetMeasurement> {
  const link = new ThrottledLink(start.bytesPerSecond, systemClock);
  await using ended = new AsyncDisposableStack();
  const registry = await startDemoRegistry({ [REPOSITORY]: start.layout }, link);
  ended.defer(() => registry.close());
  const reference = `${registry.host}/${REPOSITORY}:${start.tag}`;
  const nodes: DemoNode[] = [];
  // Daemons run before anything is started on them, as on a cluster.
  for (let number = 1; number <= 1 + start.together; number++) {
    const node = new DemoNode(join(start.workDir, `node${number}`));
    ended.defer(() => node.stop());
    await node.start(await start.environment(node.root), signal);
    nodes.push(node);
  }
  const [firstNode, ...otherNodes] = nodes;
  if (firstNode === undefined) throw new ShoalError('internal', 'a fleet of no node');
  const first = await firstNode.run(reference, signal);
  const originBytesFirst = link.sentBytes;
  const others = await Promise.all(otherNodes.map(node => node.run(reference, signal)));
  return { first, others, originBytesFirst, originBytesOthers: link.sentBytes - originBytesFirst };
}

type Filled = Pick<FleetNode, 'wholeMs' | 'peerBytes' | 'originBytes'>;

class DemoNode {
  readonly root: string;
  readonly #mountpoint: string;
  readonly #client: ControlClient;
  #daemon: ChildProcess | undefined;
  #environment: NodeJS.ProcessEnv = process.env;

  constructor(directory: string) {
    this.root = join(directory, 'root');
    this.#mountpoint = join(directory, 'mnt');
    this.#client = new ControlClient(join(this.root, 'control.sock'));
  }

  async start(environment: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    await mkdir(this.#mountpoint, { recursive: true });
    this.#environment = { ...process.env, SHOAL_BACKGROUND_FILL: 'true', ...environment };
    const args = [MAIN, '--root', this.root, '--log-level', 'error', 'daemon'];
    const daemon = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: this.#environment,
    });
    this.#daemon = daemon;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
    while (!(await this.#answers(limit))) {
      if (daemon.exitCode !== null) throw new ShoalError('system', `a daemon ended with exit code ${daemon.exitCode}`);
      await systemClock.sleep(POLL_MS, { signal: limit });
    }
  }

  /** Runs the image's program, and keeps the image mounted until all of it is here. */
  async run(reference: string, signal: AbortSignal): Promise<FleetNode> {
    const started = performance.now();
    const [{ readyMs }, { wholeMs, peerBytes, originBytes }] = await Promise.all([
      runUntilReady([MAIN, '--root', this.root, 'run', '--rm', '--plain-http', reference], {
        started,
        signal,
        env: this.#environment,
      }),
      this.#fill(reference, started, signal),
    ]);
    return { readyMs, wholeMs, peerBytes, originBytes };
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await gone;
  }

  async #fill(reference: string, started: number, signal: AbortSignal): Promise<Filled> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(FILL_TIMEOUT_MS)]);
    const mountpoint = this.#mountpoint;
    const how = { driver: 'auto', writable: false, plainHttp: true, insecure: false } as const;
    await this.#client.mount({ reference, mountpoint, ...how }, { signal: limit });
    for (;;) {
      const mounts = await this.#client.list({ signal: limit });
      if (mounts.some(isWhole)) return this.#sources(performance.now() - started, limit);
      await systemClock.sleep(POLL_MS, { signal: limit });
    }
  }

  /** Of all mounts that there were. */
  async #sources(wholeMs: number, signal: AbortSignal): Promise<Filled> {
    const page = await this.#client.metrics({ signal });
    const bytesFrom = (source: string) =>
      Number(new RegExp(`^shoal_fetch_bytes_total\\{source="${source}"\\} (\\d+)$`, 'm').exec(page)?.[1] ?? 0);
    return { wholeMs, peerBytes: bytesFrom('peers'), originBytes: bytesFrom('origin') };
  }

  async #answers(signal: AbortSignal): Promise<boolean> {
    return this.#client.info({ signal }).then(
      () => true,
      () => false,
    );
  }
}

function isWhole({ state, stats: { presentBytes, chunkBytes } }: MountInfo): boolean {
  return state.name !== 'mounting' && presentBytes >= chunkBytes;
}
