// A node of the swarm: the real daemon in the node's namespace, on a root of its own. Spoken to over its control socket, as
// the command line does; a mount then costs no start of a command, of which sixteen at once would be the measurement.

import type { ChildProcess } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MountInfo } from '../../../core/index.ts';
import { ControlClient } from '../../../daemon/index.ts';
import { removeLeftovers } from '../shoal.ts';
import { type Cluster, type ConfigValue, daemonKeys, MAIN, tomlOf } from './cluster.ts';
import { lastOfLog } from './logs.ts';
import type { ShapedNetwork } from './network.ts';
import { hasEnded, kill, startInside, within } from './processes.ts';

const START_MS = 60_000;
const ASK_MS = 20_000;
/** Less than `stop` may take altogether: whatever hangs is killed. */
const STOP_MS = 25_000;
const POLL_MS = 20;

export interface NodePlan {
  readonly network: ShapedNetwork;
  readonly name: string;
  /** For everything of this node; made for it. */
  readonly directory: string;
  readonly registryHost: string;
  /** Absent: a plain daemon. */
  readonly cluster?: Cluster | undefined;
  readonly backgroundFill: boolean;
}

export class SwarmNode {
  readonly name: string;
  readonly root: string;
  readonly mountpoint: string;
  /** What the daemon logs. */
  readonly log: string;
  readonly #plan: NodePlan;
  readonly #client: ControlClient;
  #child: ChildProcess | undefined;

  constructor(plan: NodePlan) {
    this.#plan = plan;
    this.name = plan.name;
    this.root = join(plan.directory, 'root');
    this.mountpoint = join(plan.directory, 'mnt');
    this.log = join(plan.directory, 'log');
    this.#client = new ControlClient(join(this.root, 'control.sock'));
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** It was started, and ended by itself or was killed. */
  get hasEnded(): boolean {
    return this.#child !== undefined && hasEnded(this.#child);
  }

  get namespace(): string {
    return this.#plan.network.path(this.name);
  }

  /** Resolves when the daemon answers. Also again after `kill`, on what that left. */
  async start(): Promise<void> {
    const { directory, cluster, backgroundFill, registryHost } = this.#plan;
    await mkdir(this.mountpoint, { recursive: true });
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    const peerKeys = await cluster?.nodeKeys(this.name, this.root);
    const keys = { 'log-level': 'debug', 'log-format': 'json', ...daemonKeys({ backgroundFill }), ...peerKeys };
    const config = join(directory, 'config.toml');
    await writeFile(config, configText(keys, registryHost));
    const command = [process.execPath, MAIN, '--config', config, '--root', this.root, 'daemon'];
    this.#child = startInside({ namespace: this.namespace, command, log: this.log });
    await within(START_MS, this.#answers(this.#child), `the daemon of ${this.name} to answer`);
  }

  /** Resolves when the image's tree can be used at `mountpoint`. */
  mount(reference: string, { signal }: { readonly signal: AbortSignal }): Promise<MountInfo> {
    const { mountpoint } = this;
    const request = {
      reference,
      mountpoint,
      driver: 'fuse',
      writable: false,
      plainHttp: true,
      insecure: false,
    } as const;
    return this.#client.mount(request, { signal });
  }

  unmount(): Promise<void> {
    return this.#client.unmount(this.mountpoint, { signal: AbortSignal.timeout(ASK_MS) });
  }

  /** The mount of this node. */
  async info(): Promise<MountInfo | undefined> {
    return (await this.#client.list({ signal: AbortSignal.timeout(ASK_MS) }))[0];
  }

  /** Bytes of pieces that came from peers and, by lease, from the origin; each once. */
  async receivedBytes(): Promise<number> {
    const { counters } = await this.#client.swarm({ signal: AbortSignal.timeout(ASK_MS) });
    return counters.bytesFromPeers + counters.bytesFromOrigin;
  }

  /** Prometheus' page. Asking also begins a new interval of the event loop's lag. */
  metrics(): Promise<string> {
    return this.#client.metrics({ signal: AbortSignal.timeout(ASK_MS) });
  }

  /** Stops every thread of it where it is, as a machine that hangs does; `thaw` goes on. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.#child) await kill(this.#child);
  }

  /** Ends the daemon, in order where it can. Idempotent. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child && !hasEnded(child)) {
      const gone = new Promise(done => child.once('exit', done));
      const ending = this.#client.stop({ signal: AbortSignal.timeout(ASK_MS) }).then(() => gone);
      await within(STOP_MS, ending, `the daemon of ${this.name} to end`).catch(() => kill(child));
    }
  }

  /** Ends it, and removes its mount and its directory. Idempotent. */
  async remove(): Promise<void> {
    await this.end();
    await removeLeftovers(this.#plan.directory);
    await rm(this.#plan.directory, { recursive: true, force: true, maxRetries: 10 });
  }

  async #answers(child: ChildProcess): Promise<void> {
    while (!hasEnded(child)) {
      try {
        await this.#client.info({ signal: AbortSignal.timeout(ASK_MS) });
        return;
      } catch {
        await new Promise(done => setTimeout(done, POLL_MS)); // it does not listen yet
      }
    }
    const how = `ended with ${child.exitCode ?? child.signalCode}`;
    throw new Error(`the daemon of ${this.name} ${how}:\n${await lastOfLog(this.log)}`);
  }
}

function configText(keys: Readonly<Record<string, ConfigValue>>, registryHost: string): string {
  return `${tomlOf(keys)}\n[registry."${registryHost}"]\nplain-http = true\n`;
}
