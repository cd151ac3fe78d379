// What nodes need to be a swarm, in one place: the cluster's key and certificates, a scheduler, the daemon's keys, and what
// can be asked of them. Everything that the benchmarks and the chaos runs know of these names is here.
//
// Without peers (`Cluster` absent) nodes are plain daemons; `missingForPeers` says what this checkout lacks for a swarm.

import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { KEYS } from '../../../cli/config/keys.ts';
import type { MountStats } from '../../../core/index.ts';
import { CONTROL, type ShapedNetwork } from './network.ts';
import { kill, startInside } from './processes.ts';

const run = promisify(execFile);
export const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const COMMANDS = resolve(import.meta.dirname, '../../../cli/commands');
const COMMAND_MS = 30_000;
const START_MS = 20_000;
export const PEER_PORT = 4001;
const SCHEDULER_PORT = 4000;
const HTTP_PORT = 8080;
/** As `shoal cluster init` names them. */
const PRIVATE_KEY = 'cluster.key';
const PUBLIC_KEY = 'cluster.pub';

/** What is used of `shoal --json peers`. */
const peerList = z.object({ peers: z.array(z.object({ peerId: z.string(), bannedUntil: z.number().optional() })) });

function isBanned({ bannedUntil }: { readonly bannedUntil?: number | undefined }): boolean {
  return bannedUntil !== undefined;
}

export type ConfigValue = string | number | boolean | readonly string[];

/** Keys and commands of a swarm that are not there; empty when it can be run. */
export function missingForPeers(): string[] {
  const keys = ['peer-listen', 'cluster', 'peer-certificate', 'schedulers'].filter(key => !hasKey(key));
  const commands = ['cluster', 'scheduler'].filter(name => !existsSync(join(COMMANDS, `${name}.ts`)));
  return [...keys.map(key => `the key ${key}`), ...commands.map(name => `the command ${name}`)];
}

/** Daemons fetch the rest of an image by themselves. */
export const fillsInBackground = hasKey('background-fill');

/** What a daemon that fills its cache says of it, besides the rest. */
interface FillStats {
  readonly chunkBytes?: number;
  readonly presentBytes?: number;
}

/** Is every chunk of the image in the node's cache? Of daemons that fill it by themselves. */
export function isFilled({ chunkBytes, presentBytes }: MountStats & FillStats): boolean {
  return chunkBytes !== undefined && presentBytes !== undefined && presentBytes >= chunkBytes;
}

function hasKey(key: string): boolean {
  return key in KEYS;
}

/** Keys of the daemon's configuration that do not depend on peers. */
export function daemonKeys(options: { readonly backgroundFill: boolean }): Record<string, ConfigValue> {
  return fillsInBackground ? { 'background-fill': options.backgroundFill } : {};
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
    await shoal('cluster', 'init', directory);
    await cluster.startScheduler();
    return cluster;
  }

  get schedulerPid(): number | undefined {
    return this.#scheduler?.pid;
  }

  /** Keys of a node's daemon, with its certificate. */
  async nodeKeys(name: string, root: string): Promise<Record<string, ConfigValue>> {
    const certificate = join(this.#directory, `${name}.certificate`);
    await this.#certify('peer', root, certificate);
    return {
      'peer-listen': [`/ip4/${this.#network.address(name)}/tcp/${PEER_PORT}`],
      cluster: join(this.#directory, PUBLIC_KEY),
      'peer-certificate': certificate,
      schedulers: [this.#schedulerAddress],
    };
  }

  /** Also again, after `killScheduler`: same identity, same address. Resolves when it is healthy. */
  async startScheduler(): Promise<void> {
    const root = join(this.#directory, 'scheduler');
    const certificate = join(this.#directory, 'scheduler.certificate');
    await mkdir(root, { recursive: true });
    if (!existsSync(certificate)) await this.#certify('scheduler', root, certificate);
    const address = this.#network.address(CONTROL);
    const flags = {
      listen: `/ip4/${address}/tcp/${SCHEDULER_PORT}`,
      http: `${address}:${HTTP_PORT}`,
      cluster: join(this.#directory, PUBLIC_KEY),
      certificate,
    };
    const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const command = [process.execPath, MAIN, '--root', root, 'scheduler', ...given];
    const log = join(this.#directory, 'scheduler.log');
    this.#scheduler = startInside({ namespace: this.#network.path(CONTROL), command, log });
    const view = await this.#health();
    this.#schedulerAddress = `${flags.listen}/p2p/${view.peerId}`;
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

  async stop(): Promise<void> {
    await this.killScheduler();
  }

  /** `root` is the member's: its identity is made there when it has none. */
  async #certify(role: 'peer' | 'scheduler', root: string, certificate: string): Promise<void> {
    const { stdout: peerId } = await shoal('--root', root, 'cluster', 'id');
    const key = join(this.#directory, PRIVATE_KEY);
    const what = ['--peer', peerId.trim(), '--role', role, '--out', certificate];
    await shoal('cluster', 'certify', '--key', key, ...what);
  }

  async #health(): Promise<{ peerId: string }> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      try {
        const address = `http://${this.#network.address(CONTROL)}:${HTTP_PORT}/v1/scheduler`;
        const script = `fetch('${address}').then(async answer => console.log(await answer.text()))`;
        return JSON.parse(await this.#network.inside(CONTROL, [process.execPath, '-e', script]));
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
    }
  }
}

function shoal(...args: readonly string[]): Promise<{ stdout: string }> {
  return run(process.execPath, [MAIN, ...args], { timeout: COMMAND_MS });
}
