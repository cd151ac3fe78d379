// Where one wrong input is tried: a directory with everything the command may touch, a registry where it needs one, and
// a strict judge of what is left afterwards. Whatever a command starts or writes carries this place's name (its
// TMPDIR), so nothing that it leaves can hide.

import { mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Ending } from '../docker-registry.ts';
import { type MemoryRegistry, startMemoryRegistry } from '../memory-registry.ts';
import { type CommandResult, callShoal, removeLeftovers, type ShoalCall } from '../shoal.ts';
import { until } from '../until.ts';
import {
  difference,
  filesOf,
  mountsOf,
  processesOf,
  registryState,
  rootLeftovers,
  type Snapshot,
} from './leftovers.ts';

export class Place implements Ending {
  /** Everything of this case is below it. */
  readonly base: string;
  /** `--root` of every command. */
  readonly root: string;
  /** TMPDIR of every command. */
  readonly tmp: string;
  /** A registry whose tags and blobs are looked at, too. */
  registry: MemoryRegistry | undefined;
  readonly #endings: (() => Promise<void>)[] = [];
  #frozen: number | undefined;
  #before: Snapshot | undefined;

  private constructor(base: string) {
    this.base = base;
    this.root = join(base, 'root');
    this.tmp = this.directory('tmp');
  }

  /** Removed after the test, with whatever still runs or is mounted there. */
  static async make(t: TestContext): Promise<Place> {
    const place = new Place(await mkdtemp(join(tmpdir(), 'shoal-test-')));
    t.after(() => place.#remove());
    return place;
  }

  after(work: () => Promise<void>): void {
    this.#endings.push(work);
  }

  /** Starts the registry in memory of this place. */
  async startRegistry(): Promise<MemoryRegistry> {
    this.registry = await startMemoryRegistry(this);
    return this.registry;
  }

  /** A path of this place; nothing is made. */
  path(...names: readonly string[]): string {
    return join(this.base, ...names);
  }

  /** A new directory. */
  directory(name: string): string {
    const path = this.path(name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  run(...args: readonly string[]): Promise<CommandResult> {
    return this.call(args);
  }

  call(args: readonly string[], options: Pick<ShoalCall, 'when' | 'signal' | 'env'> = {}): Promise<CommandResult> {
    const own = { TMPDIR: this.tmp, HOME: this.base, DOCKER_CONFIG: this.path('docker') };
    // What a damaged tree looks like is then what the daemon says, and not what the kernel makes of it.
    const env = { ...own, SHOAL_DRIVER: 'fuse', ...options.env };
    return callShoal(args, { ...options, root: this.root, env });
  }

  /** Like `run`, for what the case needs beforehand: it must succeed. */
  async ok(...args: readonly string[]): Promise<string> {
    const result = await this.run(...args);
    if (result.code !== 0) throw new Error(`shoal ${args.join(' ')}: exit code ${result.code}\n${result.stderr}`);
    return result.stdout;
  }

  /** Does something as soon as the condition holds, while a command runs. When it never does, the case fails by itself. */
  whenever(condition: () => boolean, act: () => unknown): void {
    until(condition, 'never').then(act, () => {});
  }

  /** Pid of the daemon that holds the root. */
  daemonPid(): number {
    return Number(readFileSync(join(this.root, 'lock'), 'utf8'));
  }

  /** Processes of this place, as `pid command line`. */
  processes(): string[] {
    return processesOf(this.base);
  }

  /** Stops what helps to mount where it is, as soon as it is there; `thawHelper` lets it go on. */
  async freezeHelper(): Promise<void> {
    const helper = () => this.processes().find(line => line.includes('daemon/mount/helper'));
    await until(() => helper() !== undefined, 'for a mount helper to start');
    this.#frozen = Number.parseInt(helper() ?? '', 10);
    process.kill(this.#frozen, 'SIGSTOP');
  }

  thawHelper(): void {
    if (this.#frozen !== undefined) process.kill(this.#frozen, 'SIGCONT');
    this.#frozen = undefined;
  }

  /** From here on, whatever is new is a leftover. What helps to mount ends a moment after the command that mounted. */
  async remember(): Promise<void> {
    await until(() => !this.processes().some(line => line.includes('daemon/mount/helper')), 'for helpers to end');
    this.#before = await this.#look();
  }

  /**
   * What is there now and was not there before, or the other way round; one line each, none when nothing is left.
   * A process gets the time to end: a daemon that a command started ends by itself, but after the command.
   */
  async leftovers(): Promise<string[]> {
    const before = this.#before ?? (await this.#look());
    const known = new Set(before.processes);
    const isNew = () => processesOf(this.base).filter(line => !known.has(line));
    await until(() => isNew().length === 0, 'for all processes to end').catch(() => {}); // told below
    return difference(before, await this.#look());
  }

  async #look(): Promise<Snapshot> {
    return {
      files: await filesOf(this.base, this.root),
      root: rootLeftovers(this.root),
      mounts: mountsOf(this.base),
      processes: processesOf(this.base),
      registry: this.registry ? registryState(this.registry) : [],
    };
  }

  async #remove(): Promise<void> {
    for (const end of this.#endings.reverse()) await end();
    if (this.processes().length > 0) await this.run('daemon', 'stop');
    for (const line of this.processes()) {
      try {
        process.kill(Number(line.split(' ')[0]), 'SIGKILL');
      } catch {
        // it ended in this moment
      }
    }
    await removeLeftovers(this.base);
    await rm(this.base, { recursive: true, force: true });
  }
}
