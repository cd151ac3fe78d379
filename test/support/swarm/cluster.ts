// What nodes need to be a swarm, in one place: the cluster's key and certificates, a scheduler, the daemon's keys, and what
// can be asked of them. Everything that the benchmarks and the chaos runs know of these names is here.
//
// Without peers (`Cluster` absent) nodes are plain daemons.

import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { MountStats } from '../../../core/index.ts';
import { lastOfLog } from './logs.ts';
import { CONTROL, type ShapedNetwork } from './network.ts';
import { hasEnded, kill, startInside } from './processes.ts';

const run = promisify(execFile);
export const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const COMMAND_MS = 30_000;
const START_MS = 20_000;
export const PEER_PORT = 4001;
const SCHEDULER_PORT = 4000;
const HTTP_PORT = 8080;
/** Configuration keys of a member: the file of the cluster's public key, and that of the certificate. */
const CLUSTER_KEY = 'cluster-key';
const CERTIFICATE_KEY = 'cluster-certificate';
/** As `shoal cluster init` names them. */
const PRIVATE_KEY = 'cluster.key';
const PUBLIC_KEY = 'cluster.pub';

const POLL_MS = 50;

/** What is used of the scheduler's page `/healthz`. */
const healthPage = z.object({ nodes: z.number() });
/** What is used of `shoal --json peers`. */
const peerList = z.object({ peers: z.array(z.object({ peerId: z.string(), bannedUntil: z.number().optional() })) });

function isBanned({ bannedUntil }: { readonly bannedUntil?: number | undefined }): boolean {
  return bannedUntil !== undefined;
}

export type ConfigValue = string | number | boolean | readonly string[];

/** Is every chunk of the image in the node's cache? */
export function isFilled({ chunkBytes, presentBytes }: MountStats): boolean {
  return presentBytes >= chunkBytes;
}

/** Keys of the daemon's configuration that do not depend on peers. */
export function daemonKeys(options: { readonly backgroundFill: boolean }): Record<string, ConfigValue> {
  // A node of these tests is a machine: when it is killed, so is who reads.
  return { 'background-fill': options.backgroundFill, 'keep-mounts': false };
}

/** What a program needs to be a member. */
export interface Member {
  readonly clusterKeyFile: string;
  readonly certificateFile: string;
  /** Multiaddrs with peer ids. */
  readonly schedulers: readonly string[];
}

export class Cluster {
  readonly #network: ShapedNetwork;
  readonly #directory: string;
  #scheduler: ChildProcess | undefined;
  #schedulerAddress = '';

  private constructor(network: ShapedNetwork, directory: string) {
    this.#network = network;
    this.#directory = directory;
  }

  /** A new cluster with a key of its own, and its scheduler running. `directory` is made for it. */
  static async start(network: ShapedNetwork, directory: string): Promise<Cluster> {
    await mkdir(directory, { recursive: true });
    const cluster = new Cluster(network, directory);
    try {
      await shoal('cluster', 'init', directory);
      await cluster.startScheduler();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The scheduler's, of all its lives. */
  get log(): string {
    return join(this.#directory, 'scheduler.log');
  }

  get schedulerPid(): number | undefined {
    return this.#scheduler?.pid;
  }

  get hasSchedulerEnded(): boolean {
    return this.#scheduler !== undefined && hasEnded(this.#scheduler);
  }

  /** Makes whoever has this root a member, under this name. */
  async member(name: string, root: string): Promise<Member> {
    const certificateFile = join(this.#directory, `${name}.certificate`);
    await this.#certify('peer', root, certificateFile);
    return { clusterKeyFile: this.#keyFile, certificateFile, schedulers: [this.#schedulerAddress] };
  }

  /** Keys of a node's daemon, with its certificate. */
  async nodeKeys(name: string, root: string): Promise<Record<string, ConfigValue>> {
    const { clusterKeyFile, certificateFile, schedulers } = await this.member(name, root);
    return {
      'peer-listen': [`${this.#network.address(name)}:${PEER_PORT}`],
      [CLUSTER_KEY]: clusterKeyFile,
      [CERTIFICATE_KEY]: certificateFile,
      schedulers,
    };
  }

  /** Also again, after `killScheduler`: same identity, same address. Resolves when it is healthy. */
  async startScheduler(): Promise<void> {
    const root = join(this.#directory, 'scheduler');
    const certificate = join(this.#directory, 'scheduler.certificate');
    const config = join(this.#directory, 'scheduler.toml');
    const address = this.#network.address(CONTROL);
    if (this.#schedulerAddress === '') {
      await mkdir(root, { recursive: true, mode: 0o700 });
      const peerId = await this.#certify('scheduler', root, certificate);
      this.#schedulerAddress = `/ip4/${address}/tcp/${SCHEDULER_PORT}/p2p/${peerId}`;
      const keys = {
        'log-format': 'json',
        'scheduler-listen': `${address}:${SCHEDULER_PORT}`,
        'scheduler-http-listen': `${address}:${HTTP_PORT}`,
        [CLUSTER_KEY]: this.#keyFile,
        [CERTIFICATE_KEY]: certificate,
      };
      await writeFile(config, tomlOf(keys));
    }
    const command = [process.execPath, MAIN, '--config', config, '--root', root, 'scheduler'];
    this.#scheduler = startInside({ namespace: this.#network.path(CONTROL), command, log: this.log });
    await this.#until(() => true, 'the scheduler to answer');
  }

  /** As a machine that goes away. */
  async killScheduler(): Promise<void> {
    if (this.#scheduler) await kill(this.#scheduler);
  }

  /** Peers that one of these nodes has banned, by what it says itself. */
  async banned(roots: readonly string[]): Promise<string[]> {
    const lists = await Promise.all(roots.map(root => shoal('--root', root, '--json', 'peers')));
    const banned = lists.flatMap(({ stdout }) => peerList.parse(JSON.parse(stdout)).peers.filter(isBanned));
    return [...new Set(banned.map(({ peerId }) => peerId))];
  }

  /** Also what it was made of: the next one has another key. */
  async stop(): Promise<void> {
    await this.killScheduler();
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #keyFile(): string {
    return join(this.#directory, PUBLIC_KEY);
  }

  /** `root` is the member's: its identity is made there when it has none. Its peer id. */
  async #certify(role: 'peer' | 'scheduler', root: string, certificate: string): Promise<string> {
    const peerId = (await shoal('--root', root, 'cluster', 'id')).stdout.trim();
    const key = join(this.#directory, PRIVATE_KEY);
    await shoal('cluster', 'certify', '--key', key, '--peer', peerId, '--role', role, '--out', certificate);
    return peerId;
  }

  /** Resolves when so many nodes are connected to the scheduler. */
  async untilNodes(count: number): Promise<void> {
    await this.#until(({ nodes }) => nodes >= count, `${count} nodes at the scheduler`);
  }

  async #until(isSo: (health: z.infer<typeof healthPage>) => boolean, what: string): Promise<void> {
    const page = `http://${this.#network.address(CONTROL)}:${HTTP_PORT}/healthz`;
    const script = `import urllib.request; print(urllib.request.urlopen('${page}', timeout=5).read().decode())`;
    const deadline = performance.now() + START_MS;
    for (;;) {
      const answer = await this.#network.inside(CONTROL, ['python3', '-c', script]).catch(() => undefined);
      if (answer !== undefined && isSo(healthPage.parse(JSON.parse(answer)))) return;
      const hasDied = this.#scheduler === undefined || hasEnded(this.#scheduler);
      if (hasDied || performance.now() > deadline) {
        throw new Error(`waited in vain for ${what}; the scheduler's log:\n${await lastOfLog(this.log)}`);
      }
      await new Promise(done => setTimeout(done, POLL_MS));
    }
  }
}

/** JSON's strings, numbers, booleans and lists of strings are TOML's as well. */
export function tomlOf(keys: Readonly<Record<string, ConfigValue>>): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
    .join('');
}

function shoal(...args: readonly string[]): Promise<{ stdout: string }> {
  return run(process.execPath, [MAIN, ...args], { timeout: COMMAND_MS });
}
