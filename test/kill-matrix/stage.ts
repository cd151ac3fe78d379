// A root with a daemon, its holder, a mount that is read all the time, and a second mountpoint where things happen. Kills what it is
// told to, brings everything back, and looks whether anybody has noticed who must not.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../core/index.ts';
import { holdersBelow } from '../support/holder.ts';
import type { SeededRandom } from '../support/swarm/random.ts';
import { until } from '../support/until.ts';
import { mountsBelow } from '../unit/daemon/daemon-under-test.ts';
import { FILES, killDigests } from './images.ts';
import { connectionsOf, DaemonProcess, ReaderProcess, within } from './processes.ts';

export type DriverName = 'fuse' | 'erofs';

const STEADY_READERS = 3;
/** The issue's: what readers may wait for an error when nobody is left to answer. */
const ERROR_WITHIN_MS = 5_000;

export class Stage {
  readonly #root: string;
  readonly #place: string;
  readonly #driver: DriverName;
  readonly #random: SeededRandom;
  #daemon: DaemonProcess;
  /** Loaded already, for when the other one is killed. */
  #standby: DaemonProcess | undefined;
  #steady: ReaderProcess[] = [];
  #images = 0;
  #steadies = 0;
  #daemonDied = false;
  #holderDied = false;
  readonly kills = { daemon: 0, holder: 0, reader: 0 };
  /** Readers that got errors, where both had died. */
  failed = 0;
  /** Rounds and single reads that were right. */
  right = 0;

  constructor(directory: string, driver: DriverName, random: SeededRandom) {
    this.#root = join(directory, 'root');
    this.#place = join(directory, 'place');
    this.#driver = driver;
    this.#random = random;
    for (const name of ['steady', 'extra']) mkdirSync(join(this.#place, name), { recursive: true });
    this.#daemon = new DaemonProcess(this.#root, driver);
    this.#standby = new DaemonProcess(this.#root, driver);
  }

  get extra(): string {
    return join(this.#place, 'extra');
  }

  get #steadyMount(): string {
    return join(this.#place, 'steady');
  }

  async begin(): Promise<void> {
    await this.#daemon.ask({ order: 'start' });
    await this.#mountSteady();
  }

  /** Mounts a new image at the second mountpoint. Whoever kills meanwhile looks at what has become of it. */
  async mountExtra({ deliver }: { readonly deliver: boolean }): Promise<string> {
    const reference = `registry.test/extra:${++this.#images}`;
    await this.#daemon.ask({ order: 'mount', reference, mountpoint: this.extra, deliver });
    return reference;
  }

  get lastReference(): string {
    return `registry.test/extra:${this.#images}`;
  }

  async unmountExtra(): Promise<void> {
    await this.#daemon.ask({ order: 'unmount', mountpoint: this.extra });
  }

  readers(mountpoint: string, reference: string, count: number): ReaderProcess[] {
    return Array.from({ length: count }, (_, at) => this.#reader(mountpoint, reference, { mode: 'once', at }));
  }

  async killDaemon(): Promise<void> {
    this.kills.daemon++;
    this.#daemonDied = true;
    await this.#daemon.kill();
  }

  /** The same, once another holder has what the daemon has: then nobody is to notice. */
  async killDaemonHeld(): Promise<void> {
    await this.#untilHeld();
    this.#holderDied = false;
    await this.killDaemon();
  }

  async killHolder(): Promise<void> {
    const pids = holdersBelow(this.#root);
    for (const pid of pids) {
      process.kill(pid, 'SIGKILL');
      this.kills.holder++;
      this.#holderDied = true;
    }
    await until(() => !holdersBelow(this.#root).some(pid => pids.includes(pid)), 'the killed holder is gone');
  }

  killReaders(readers: readonly ReaderProcess[]): void {
    for (const reader of readers) reader.kill();
    this.kills.reader += readers.length;
  }

  /** Lets the next daemon start and says when it goes on. The one before has to be dead. */
  async startNext(): Promise<void> {
    const next = this.#standby ?? new DaemonProcess(this.#root, this.#driver);
    this.#standby = undefined;
    this.#daemon = next;
    try {
      await next.ask({ order: 'start' });
    } catch (error) {
      await next.end();
      throw error;
    } finally {
      this.#standby ??= new DaemonProcess(this.#root, this.#driver);
    }
  }

  /** Everything is as before the kills, and whoever had to notice nothing has not. */
  async recover(): Promise<void> {
    const bothDied = this.#daemonDied && this.#holderDied;
    if (bothDied) await this.#errorsWithin();
    if (!this.#daemon.isAlive) await this.startNext();
    const { mountpoints = [] } = await this.#daemon.ask({ order: 'list' });
    const there = [...mountsBelow(this.#place).keys()];
    if (mountpoints.toSorted().join() !== there.toSorted().join()) {
      throw new Error(`the daemon serves ${mountpoints.join()}; mounted are ${there.join()}`);
    }
    if (!there.includes(this.#steadyMount)) {
      if (!bothDied) throw new Error('the mount is gone, and not both had died');
      await this.#replaceSteady();
    } else if (bothDied) {
      // The daemon had its descriptors still, or had them again: then nobody has noticed.
      const failed = this.#steady.filter(reader => reader.failure !== undefined);
      if (failed.length > 0) await this.#replaceSteady();
    }
    await this.#untilHeld();
    await this.#goOn();
    this.#daemonDied = this.#holderDied = false;
  }

  /** Who has been reading meanwhile has got the right bytes, or an error if both have died. Call it before `recover`. */
  async judge(readers: readonly ReaderProcess[], recovered: Promise<void>): Promise<void> {
    const mayFail = this.#daemonDied && this.#holderDied;
    await recovered;
    for (const reader of readers) {
      await reader.ended();
      if (reader.failure === undefined) this.right += reader.rounds;
      else if (mayFail) this.failed++;
      else throw new Error(`a reader got an error: ${reader.failure}`);
    }
  }

  /** The second mountpoint is empty again, whatever there was; if it was mounted, it read right. */
  async clearExtra(reference: string): Promise<void> {
    if (!mountsBelow(this.#place).has(this.extra)) return;
    const readers = this.readers(this.extra, reference, 1);
    await this.judge(readers, Promise.resolve());
    await this.unmountExtra();
  }

  /** Ends everything in the orderly way; throws when something stays. */
  async end(): Promise<void> {
    for (const reader of this.#steady) reader.kill();
    for (const reader of this.#steady) await reader.ended();
    this.right += this.#steady.reduce((sum, { rounds }) => sum + rounds, 0);
    await this.#daemon.ask({ order: 'stop' });
    await this.#daemon.end();
    await this.#standby?.end();
    await until(() => holdersBelow(this.#root).length === 0, 'the holder ends');
    const left = [...mountsBelow(this.#place).keys(), ...mountsBelow(this.#root).keys()];
    const directories = existsSync(join(this.#root, 'mounts')) ? readdirSync(join(this.#root, 'mounts')) : [];
    const { mounts } = JSON.parse(readFileSync(join(this.#root, 'state.json'), 'utf8'));
    if (left.length + directories.length + mounts.length > 0) {
      throw new Error(`left: ${left.join()}; ${directories.join()}; ${JSON.stringify(mounts)}`);
    }
  }

  /** After a failure: nobody of this stage goes on. */
  async abandon(): Promise<void> {
    for (const reader of this.#steady) reader.kill();
    await this.killHolder();
    await Promise.allSettled([this.#daemon.kill(), this.#standby?.kill()]);
    for (const at of [...mountsBelow(this.#place).keys(), ...mountsBelow(this.#root).keys()]) {
      execFileSync('umount', ['-l', at]);
    }
  }

  /** A new image each time: erofs would let the kernel read one whose blobs are complete, and nobody's death would matter. */
  async #mountSteady(): Promise<void> {
    const reference = `registry.test/steady:${++this.#steadies}`;
    await this.#daemon.ask({ order: 'mount', reference, mountpoint: this.#steadyMount, deliver: true });
    this.#steady = Array.from({ length: STEADY_READERS }, (_, at) =>
      this.#reader(this.#steadyMount, reference, { mode: 'loop', at }),
    );
  }

  async #replaceSteady(): Promise<void> {
    for (const reader of this.#steady) {
      reader.kill();
      await reader.ended();
      if (reader.failure !== undefined) this.failed++;
      this.right += reader.rounds;
    }
    const { mountpoints = [] } = await this.#daemon.ask({ order: 'list' });
    if (mountpoints.includes(this.#steadyMount)) {
      await this.#daemon.ask({ order: 'unmount', mountpoint: this.#steadyMount });
    }
    await this.#mountSteady();
  }

  /** Each of the steady readers reads a round from beginning to end. */
  async #goOn(): Promise<void> {
    const before = this.#steady.map(({ rounds }) => rounds);
    for (const [at, reader] of this.#steady.entries()) {
      const went = () => reader.failure !== undefined || reader.rounds > (before[at] ?? 0) + 1;
      await until(went, 'a steady reader goes on');
      if (reader.failure !== undefined) throw new Error(`a steady reader got an error: ${reader.failure}`);
    }
  }

  /** With nobody left to answer, who waits gets an error, and so does sync(2) not hang. */
  async #errorsWithin(): Promise<void> {
    if (this.#daemon.isAlive) return;
    const startedAt = systemClock.monotonic();
    const waiting = this.#steady.filter(({ isGone }) => !isGone);
    await until(() => waiting.every(reader => reader.isGone || !reader.isBlocked), 'readers get errors');
    const took = systemClock.monotonic() - startedAt;
    if (took > ERROR_WITHIN_MS) throw new Error(`readers waited ${Math.round(took)} ms for an error`);
    await within(once(spawn('sync', { stdio: 'ignore' }), 'exit'), 'sync(2), with nobody left');
  }

  /** A holder that has everything: the daemon may be killed again. */
  async #untilHeld(): Promise<void> {
    const held = () => Math.max(0, ...holdersBelow(this.#root).map(connectionsOf));
    await until(
      () => this.#daemon.connections > 0 && held() >= this.#daemon.connections,
      () => `a holder has the ${this.#daemon.connections} descriptors: ${held()}`,
    );
  }

  #reader(
    mountpoint: string,
    reference: string,
    { mode, at }: { readonly mode: 'once' | 'loop'; readonly at: number },
  ): ReaderProcess {
    const paths = FILES.map(name => join(mountpoint, name));
    const digests = killDigests(reference);
    return new ReaderProcess(`${this.#random.below(2 ** 32)}-${at}`, mode, { paths, digests });
  }
}
