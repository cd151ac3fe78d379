// A cluster of real processes on the loopback interface: a scheduler and daemons with their peers, each with a root and a
// log of its own. Made by the commands that an operator would use. For tests of whole nodes that need no shaped network.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { MountInfo } from '../../core/index.ts';
import { ControlClient } from '../../daemon/index.ts';
import type { Ending } from './docker-registry.ts';
import { MAIN } from './shoal.ts';
import { type ConfigValue, isFilled, tomlOf } from './swarm/cluster.ts';
import { hasEnded, kill } from './swarm/processes.ts';
import { until } from './until.ts';

const run = promisify(execFile);
/** Any port that is free. */
const ANY_PORT = '127.0.0.1:0';
const ASK_MS = 30_000;

export interface ProcessOptions {
  /** Modules that the process loads before the program. */
  readonly preload?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A channel for messages with what was loaded. */
  readonly channel?: boolean;
}

/** One process of the program, again and again: what it logs goes to one file. */
class Program {
  readonly root: string;
  readonly log: string;
  readonly config: string;
  readonly #options: ProcessOptions;
  child: ChildProcess | undefined;

  constructor(directory: string, options: ProcessOptions) {
    this.root = join(directory, 'root');
    this.log = join(directory, 'log');
    this.config = join(directory, 'config.toml');
    this.#options = options;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  spawn(...args: readonly string[]): void {
    const { preload = [], env, channel } = this.#options;
    const log = openSync(this.log, 'a');
    const loaded = preload.flatMap(path => ['--import', path]);
    const program = [...loaded, MAIN, '--config', this.config, '--root', this.root, ...args];
    this.child = spawn(process.execPath, program, {
      stdio: ['ignore', 'ignore', log, ...(channel ? (['ipc'] as const) : [])],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: '/nonexistent', ...env },
    });
    closeSync(log);
  }

  /** Throws with the log when the process has ended. */
  insistRunning(text: string): void {
    if (this.child === undefined || hasEnded(this.child)) throw new Error(`a process ended early:\n${text}`);
  }

  async kill(): Promise<void> {
    if (this.child !== undefined) await kill(this.child);
  }
}

export class LoopbackNode {
  readonly name: string;
  readonly mountpoint: string;
  readonly client: ControlClient;
  readonly #program: Program;

  constructor(name: string, mountpoint: string, program: Program) {
    this.name = name;
    this.mountpoint = mountpoint;
    this.#program = program;
    this.client = new ControlClient(join(program.root, 'control.sock'));
  }

  get root(): string {
    return this.#program.root;
  }

  get pid(): number {
    return this.#program.pid;
  }

  get child(): ChildProcess | undefined {
    return this.#program.child;
  }

  /** Everything it has logged, of all its lives. */
  logged(): Promise<string> {
    return readFile(this.#program.log, 'utf8');
  }

  /** Resolves when the daemon answers. Also again after `end`. */
  async start(): Promise<void> {
    this.#program.spawn('daemon');
    const answers = async () => {
      this.#program.insistRunning(await this.logged());
      return this.client.info({ signal: AbortSignal.timeout(ASK_MS) }).then(
        () => true,
        () => false, // it does not listen yet
      );
    };
    await until(answers, `the daemon of ${this.name} answers`);
  }

  /** With credentials only where they are given: else with those of its configuration. */
  mount(reference: string, credentials?: { readonly username: string; readonly password: string }): Promise<MountInfo> {
    const { mountpoint } = this;
    const how = { driver: 'auto', writable: false, plainHttp: true, insecure: false } as const;
    return this.client.mount(
      { reference, mountpoint, ...how, ...(credentials && { credentials }) },
      { signal: AbortSignal.timeout(ASK_MS) },
    );
  }

  async isFilled(): Promise<boolean> {
    const mounts = await this.client.list({ signal: AbortSignal.timeout(ASK_MS) });
    return mounts.length > 0 && mounts.every(({ stats }) => isFilled(stats));
  }

  swarm() {
    return this.client.swarm({ signal: AbortSignal.timeout(ASK_MS) });
  }

  /** The program, as a person at this node runs it. */
  async shoal(...args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await run(process.execPath, [MAIN, '--root', this.root, ...args]);
    return stdout + stderr;
  }

  /** In order, and with its mounts. Idempotent. */
  async end(): Promise<void> {
    const { child } = this.#program;
    if (child === undefined || hasEnded(child)) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }

  kill(): Promise<void> {
    return this.#program.kill();
  }
}

export interface NodePlan extends ProcessOptions {
  readonly keys?: Readonly<Record<string, ConfigValue>>;
  /** Its registry is spoken to without TLS. */
  readonly registryHost: string;
  /** It has the cluster's private key instead of a certificate, and makes its own. */
  readonly selfCertified?: boolean;
}

export class LoopbackCluster {
  readonly directory: string;
  readonly #t: Ending;
  readonly #scheduler: Program;
  /** Multiaddr, and HOST:PORT of its pages. */
  address = '';
  http = '';

  private constructor(t: Ending, directory: string, options: ProcessOptions) {
    this.#t = t;
    this.directory = directory;
    this.#scheduler = new Program(join(directory, 'scheduler'), options);
  }

  /** A new cluster in a directory of its own, and its scheduler running. */
  static async start(t: Ending, directory: string, scheduler: ProcessOptions = {}): Promise<LoopbackCluster> {
    const cluster = new LoopbackCluster(t, directory, scheduler);
    await run(process.execPath, [MAIN, 'cluster', 'init', directory]);
    t.after(() => cluster.killScheduler());
    await cluster.#startScheduler();
    return cluster;
  }

  get keyFile(): string {
    return join(this.directory, 'cluster.pub');
  }

  get privateKeyFile(): string {
    return join(this.directory, 'cluster.key');
  }

  get schedulerPid(): number {
    return this.#scheduler.pid;
  }

  get schedulerRoot(): string {
    return this.#scheduler.root;
  }

  schedulerLogged(): Promise<string> {
    return readFile(this.#scheduler.log, 'utf8');
  }

  /** As a machine that goes away. */
  killScheduler(): Promise<void> {
    return this.#scheduler.kill();
  }

  /** A member's daemon, that logs at level debug; started by `start`, and ended with the test. */
  async node(name: string, plan: NodePlan): Promise<LoopbackNode> {
    const directory = join(this.directory, name);
    const program = new Program(directory, plan);
    await mkdir(join(directory, 'mnt'), { recursive: true });
    const certificate = plan.selfCertified ? this.privateKeyFile : await this.certify('peer', program.root);
    const keys = {
      'log-level': 'debug',
      'log-format': 'json',
      'peer-listen': [ANY_PORT],
      'cluster-key': this.keyFile,
      'cluster-certificate': certificate,
      schedulers: [this.address],
      ...plan.keys,
    };
    await writeFile(program.config, `${tomlOf(keys)}\n[registry."${plan.registryHost}"]\nplain-http = true\n`);
    const node = new LoopbackNode(name, join(directory, 'mnt'), program);
    this.#t.after(() => node.end());
    return node;
  }

  /** `root` is the member's: its identity is made there when it has none. The certificate's file. */
  async certify(role: 'peer' | 'scheduler', root: string): Promise<string> {
    const peerId = (await run(process.execPath, [MAIN, '--root', root, 'cluster', 'id'])).stdout.trim();
    const certificate = join(this.directory, `${peerId}.cert`);
    const what = ['--peer', peerId, '--role', role, '--out', certificate];
    await run(process.execPath, [MAIN, 'cluster', 'certify', '--key', this.privateKeyFile, ...what]);
    return certificate;
  }

  async #startScheduler(): Promise<void> {
    const { root, config } = this.#scheduler;
    await mkdir(root, { recursive: true, mode: 0o700 });
    const keys = {
      'log-level': 'debug',
      'log-format': 'json',
      'scheduler-listen': ANY_PORT,
      'scheduler-http-listen': ANY_PORT,
      'cluster-key': this.keyFile,
      'cluster-certificate': await this.certify('scheduler', root),
    };
    await writeFile(config, tomlOf(keys));
    this.#scheduler.spawn('scheduler');
    await until(async () => {
      const text = await this.schedulerLogged();
      this.#scheduler.insistRunning(text);
      this.address = /"addresses":\["([^"]+)"/.exec(text)?.[1] ?? '';
      this.http = /"http":"([^"]+)"/.exec(text)?.[1] ?? '';
      return this.http !== '';
    }, 'the scheduler is ready');
  }
}
