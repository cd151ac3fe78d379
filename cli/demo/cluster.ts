// A cluster for the demonstration: its key, a certificate for each node, and one scheduler, on the loopback interface. Made
// by the commands that a person would use.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ShoalError, siblingScript } from '../../core/index.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(siblingScript(import.meta.url, '../main'));
/** Any port that is free. */
const ANY_PORT = '127.0.0.1:0';
const START_TIMEOUT_MS = 30_000;

export class DemoCluster implements AsyncDisposable {
  readonly #directory: string;
  #scheduler: ChildProcess | undefined;
  #address = '';

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** `directory` is made for it. */
  static async start(directory: string, signal: AbortSignal): Promise<DemoCluster> {
    await mkdir(directory, { recursive: true });
    const cluster = new DemoCluster(directory);
    await run(process.execPath, [MAIN, 'cluster', 'init', directory], { signal });
    try {
      await cluster.#startScheduler(signal);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What makes the daemon of this root a member that uses the scheduler. */
  async environment(root: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    return {
      SHOAL_PEER_LISTEN: ANY_PORT,
      SHOAL_CLUSTER_KEY: join(this.#directory, 'cluster.pub'),
      SHOAL_CLUSTER_CERTIFICATE: await this.#certify(root, 'peer', signal),
      SHOAL_SCHEDULERS: this.#address,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const scheduler = this.#scheduler;
    if (scheduler === undefined || scheduler.exitCode !== null || scheduler.signalCode !== null) return;
    const gone = once(scheduler, 'exit');
    scheduler.kill('SIGTERM');
    await gone;
  }

  async #certify(root: string, role: 'peer' | 'scheduler', signal: AbortSignal): Promise<string> {
    const { stdout } = await run(process.execPath, [MAIN, '--root', root, 'cluster', 'id'], { signal });
    const certificate = join(this.#directory, `${stdout.trim()}.cert`);
    const what = ['--peer', stdout.trim(), '--role', role, '--out', certificate];
    await run(process.execPath, [MAIN, 'cluster', 'certify', '--key', join(this.#directory, 'cluster.key'), ...what], {
      signal,
    });
    return certificate;
  }

  /** It says where it listens in its log. */
  async #startScheduler(signal: AbortSignal): Promise<void> {
    const root = join(this.#directory, 'scheduler');
    const certificate = await this.#certify(root, 'scheduler', signal);
    const files = ['--cluster-key', join(this.#directory, 'cluster.pub'), '--certificate', certificate];
    const listening = ['--listen', ANY_PORT, '--http-listen', ANY_PORT];
    const args = [MAIN, '--root', root, '--log-format', 'json', 'scheduler', ...listening, ...files];
    const scheduler = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#scheduler = scheduler;
    const said: string[] = [];
    const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
    for await (const line of createInterface({ input: scheduler.stderr, signal: limit })) {
      said.push(line);
      const [, address] = /"addresses":\["([^"]+)"/.exec(line) ?? [];
      if (address === undefined) continue;
      this.#address = address;
      scheduler.stderr.resume(); // nobody reads on, but it must be able to write
      return;
    }
    throw new ShoalError('system', `the scheduler did not start:\n${said.join('\n')}`);
  }
}
