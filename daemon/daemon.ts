// The daemon: mounts images, keeps them served, and leaves nothing behind. Owns the root directory (lock, state, cache)
// and what all mounts share (machinery.ts, and the helper).

import { randomBytes } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import {
  abortedError,
  fromSystemError,
  type ImageMounter,
  type MountInfo,
  type MountRequest,
  messageOf,
  ShoalError,
} from '../core/index.ts';
import {
  type DaemonLimits,
  defaultDaemonLimits,
  defaultFetchLimits,
  defaultServeLimits,
  defaultStoreLimits,
} from './config.ts';
import { DaemonMetrics } from './daemon-metrics.ts';
import type { DaemonOptions, DaemonPorts } from './daemon-options.ts';
import { type ChosenDriver, chooseDriver } from './driver-choice.ts';
import { Pace } from './fetch/pace.ts';
import { FuseStart } from './fuse-start.ts';
import { HolderClient } from './holder/holder-client.ts';
import { keepingProblem } from './holder/keeping-problem.ts';
import type { ImageMount } from './image-mount.ts';
import { freeConnections, type KeptMount, sortLeftovers } from './leftovers.ts';
import { type Machinery, startMachinery, stopMachinery } from './machinery.ts';
import { MountHelper } from './mount/helper-client.ts';
import { keptMount, type MountMakerParts, newMount } from './mount-maker.ts';
import { MountpointQueue } from './mountpoint-queue.ts';
import type { LazyImage } from './ports.ts';
import { prepareMount } from './prepare-mount.ts';
import { RootLock } from './root-lock.ts';
import { type MountRecord, StateDir } from './state-dir.ts';
import { type SwarmReport, swarmReport } from './swarm-report.ts';

interface Running extends MountMakerParts {
  readonly lock: RootLock;
}

interface StartOptions {
  readonly handedOver?: boolean;
  readonly listen?: () => Promise<{ stop(): Promise<void> }>;
}

export class Daemon implements ImageMounter {
  readonly #ports: DaemonPorts;
  readonly #options: DaemonOptions;
  readonly #limits: DaemonLimits;
  readonly #state: StateDir;
  readonly #helper: MountHelper;
  readonly #holder: HolderClient;
  /** New mounts are to outlive this daemon. */
  readonly #keepsMounts: boolean;
  readonly #metrics: DaemonMetrics;
  readonly #common: Omit<MountMakerParts, keyof Machinery>;
  readonly #queue = new MountpointQueue();
  /** By canonical mountpoint; what is listed. */
  readonly #mounts = new Map<string, ImageMount>();
  /** All that are not gone for good, also unmounted ones that are still used elsewhere; when they will be gone. */
  readonly #held = new Map<ImageMount, Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #running: Running | undefined;
  #controlSocket: { stop(): Promise<void> } | undefined;
  #stopped: Promise<void> | undefined;
  /** What keeps a daemon without mounts: calls, and its own start. */
  #busy = 1;

  constructor(ports: DaemonPorts, options: DaemonOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#limits = options.limits?.daemon ?? defaultDaemonLimits;
    this.#state = new StateDir(options.root, ports.log);
    this.#helper = new MountHelper({ timeoutMs: this.#limits.helperMs });
    this.#holder = new HolderClient(ports, { root: options.root, timeoutMs: this.#limits.holderMs });
    this.#keepsMounts = options.keepMounts === true && keepingProblem() === undefined;
    this.#metrics = new DaemonMetrics({
      log: ports.log,
      mounts: () => [...this.#held.keys()],
      cache: () => this.#running?.store,
      copiedChunks: () => this.#running?.nodeChunks.copied ?? 0,
      swarm: () => this.#running?.node?.status(),
    });
    const { helper, state, metrics } = { helper: this.#helper, state: this.#state, metrics: this.#metrics };
    const pace = new Pace(ports.clock, options.fill?.bytesPerSecond);
    this.#common = { ports, options, limits: this.#limits, helper, state, pace, metrics };
  }

  /** Resolves when the daemon has stopped, by `stop` or because it became idle. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Takes the root, goes on with what a daemon that died has left, and cleans up the rest. Rejects with `busy` when one
   * runs (naming its pid), `unsupported` for another release's state, `usage` for somebody else's directory, `system`.
   * `handedOver`: one runs and has said that it ends, so it is waited for. `listen` opens the control socket, the last step:
   * `stop` closes it after the mounts and before another daemon may take the root and make the file anew, so nothing that
   * is gone on with and ends meanwhile ends the daemon.
   */
  async start({ handedOver = false, listen }: StartOptions = {}): Promise<void> {
    const { clock } = this.#ports;
    const { root, limits } = this.#options;
    if (!isAbsolute(root)) throw new ShoalError('usage', `root ${root}: not absolute`);
    await this.#state.create();
    const { lock: path, cache } = this.#state.paths;
    const lock = await RootLock.acquire(path, {
      clock,
      waitMs: this.#limits.lockMs,
      patienceMs: this.#limits.dyingMs,
      isEnding: handedOver,
      onDying: () => this.#freeDyingDaemon(),
    });
    try {
      const holder = (await this.#holder.find()) ? this.#holder : undefined;
      const kept = await sortLeftovers({ log: this.#ports.log, state: this.#state, helper: this.#helper, holder });
      if (this.#keepsMounts) this.#holder.start();
      const { fetch = defaultFetchLimits, store = defaultStoreLimits, serve = defaultServeLimits } = limits ?? {};
      const ports = { ...this.#ports, helper: this.#helper, metrics: this.#metrics.fetch };
      const all = { fetch, store, serve, daemon: this.#limits };
      const machinery = await startMachinery(ports, { root, cache, limits: all });
      this.#running = { ...machinery, ...this.#common, lock };
      await Promise.all(kept.map(mount => this.#resume(mount)));
    } catch (error) {
      this.#holder.leave();
      await lock.release();
      throw error;
    }
    this.#controlSocket = await listen?.();
    this.#busy--;
    if (this.#options.exitWhenIdle) void this.#endUnlessUsed();
  }

  /** Finds out early what the first mount would wait for. Never rejects. */
  async prepare(): Promise<void> {
    await this.#running?.erofsTests.prepare();
  }

  async mount(request: MountRequest, { signal }: { readonly signal: AbortSignal }): Promise<MountInfo> {
    if (!isAbsolute(request.mountpoint)) {
      throw new ShoalError('usage', `mountpoint ${request.mountpoint}: not absolute`);
    }
    try {
      return await this.#serve(request.mountpoint, signal, either => this.#mount(request, either));
    } catch (error) {
      this.#metrics.mountFailed(fromSystemError(error, 'mount').code);
      throw error;
    }
  }

  async unmount(
    mountpoint: string,
    { signal, force = false }: { readonly signal: AbortSignal; readonly force?: boolean | undefined },
  ): Promise<void> {
    return this.#serve(mountpoint, signal, async () => {
      const canonical = await this.#canonical(mountpoint);
      const end = async () => {
        const mount = this.#mounts.get(canonical);
        if (mount === undefined) throw new ShoalError('not-found', `${mountpoint}: no image of ours is mounted there`);
        await mount.unmount(force);
        this.#forget(mount);
      };
      // Through a link, it must still wait for a mount of the directory itself.
      return canonical === resolve(mountpoint) ? end() : this.#queue.run(canonical, end);
    });
  }

  async list(): Promise<readonly MountInfo[]> {
    return [...this.#mounts.values()].map(mount => mount.info());
  }

  /** Undefined: this node has no peers. */
  swarm(): SwarmReport | undefined {
    const status = this.#running?.node?.status();
    return status && swarmReport(status, [...this.#held.keys()]);
  }

  /** For Prometheus: text, and what kind of text. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }> {
    return this.#metrics.page();
  }

  /**
   * Unmounts everything (what is in use is detached, its readers get errors), makes the cache durable and lets go of
   * the root. Ends within `stopMs`, if need be by leaving threads behind that hang in the kernel; then `ended` rejects
   * and only SIGKILL ends the process. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /**
   * Makes ready for the next daemon to go on with all mounts: takes no more calls, and writes down what is cached. The
   * process has to be killed next; readers are served until then. Rejects with `unsupported` when a mount would be lost.
   */
  async handOver(): Promise<void> {
    const lost = [...this.#held.keys()].find(mount => !mount.isKept && mount.info().state.name !== 'mounting');
    if (lost !== undefined) {
      throw new ShoalError('unsupported', `${lost.mountpoint} (${lost.info().driver}) would not outlive this daemon`);
    }
    this.#stopping.abort(new ShoalError('unavailable', 'the daemon hands over to another one'));
    await this.#queue.idle();
    // What is not noted is fetched again.
    await this.#running?.store
      .flush()
      .catch(error => this.#ports.log.error('flush failed', { error: messageOf(error) }));
  }

  /** Runs one call, in order with others for its mountpoint, and sees whether anything is left to do afterwards. */
  async #serve<T>(mountpoint: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#stopping.signal.aborted || this.#running === undefined) {
      throw new ShoalError('unavailable', 'the daemon is not running');
    }
    this.#busy++;
    try {
      const either = AbortSignal.any([signal, this.#stopping.signal]);
      return await this.#queue.run(resolve(mountpoint), async () => {
        if (either.aborted) throw abortedError(either);
        return work(either);
      });
    } finally {
      this.#busy--;
      this.#endIfIdle();
    }
  }

  async #mount(request: MountRequest, signal: AbortSignal): Promise<MountInfo> {
    const { threads, erofsTests } = this.#parts();
    const choice = await chooseDriver(request, { testErofs: (...asked) => erofsTests.problem(...asked) });
    using fuse = choice.first === 'fuse-native' ? undefined : new FuseStart({ helper: this.#helper, threads });
    const helper = fuse?.helper ?? this.#helper;
    const isOurs = (canonical: string) => this.#mounts.has(canonical);
    const [opened, mountpoint] = await prepareMount({ ...this.#ports, helper, isOurs }, request, signal);
    const chosen = await choice.settle(opened.bootstrap);
    const begin = () => this.#mountAt(mountpoint, { request, chosen, opened, fuse }, signal);
    // Through a link, it must still wait its turn at the directory itself.
    return await (mountpoint === resolve(request.mountpoint) ? begin() : this.#queue.run(mountpoint, begin));
  }

  async #mountAt(
    mountpoint: string,
    what: { request: MountRequest; chosen: ChosenDriver; opened: LazyImage; fuse: FuseStart | undefined },
    signal: AbortSignal,
  ): Promise<MountInfo> {
    const { request, chosen, opened, fuse } = what;
    const { bootstrap, ...image } = opened;
    if (this.#mounts.has(mountpoint)) throw new ShoalError('busy', `${mountpoint}: an image is mounted there already`);
    const record: MountRecord = {
      id: randomBytes(8).toString('hex'),
      reference: image.reference,
      manifestDigest: image.manifestDigest,
      mountpoint,
      writable: request.writable,
      mountedAt: this.#ports.clock.now(),
    };
    const holder = this.#keepsMounts ? this.#holder : undefined;
    const mount = newMount(this.#parts(), record, { request, image, chosen, holder });
    this.#mounts.set(mountpoint, mount); // from here on, another request for it is refused
    this.#own(mount);
    try {
      await mount.start(bootstrap, fuse, signal);
    } catch (error) {
      this.#forget(mount);
      throw error;
    }
    const { driver, erofsBacking, reason } = chosen;
    const { reference } = image;
    this.#ports.log.info('mounted', {
      mountpoint,
      reference,
      writable: request.writable,
      driver,
      erofsBacking,
      reason,
    });
    return mount.info();
  }

  /** Until nothing of it is left. */
  #own(mount: ImageMount): void {
    const gone = mount.released.then(() => this.#bury(mount));
    this.#held.set(mount, gone);
  }

  /** What can't be gone on with is gone afterwards, and the others go on. */
  async #resume(kept: KeptMount): Promise<void> {
    const { log } = this.#ports;
    const { mountpoint, reference } = kept.written;
    try {
      const mount = keptMount(this.#parts(), kept, this.#holder);
      if (kept.isVisible) this.#mounts.set(mountpoint, mount);
      this.#own(mount);
      await mount.resume(kept, this.#stopping.signal);
      this.#metrics.mountResumed();
      log.info('goes on with a mount', { mountpoint, reference, driver: kept.record.driver });
    } catch (error) {
      log.error('a mount could not be gone on with', { mountpoint, reference, error: messageOf(error) });
    }
  }

  #parts(): Running {
    if (this.#running === undefined) throw new ShoalError('internal', 'mount before start');
    return this.#running;
  }

  /** The path as given when something of ours is there (looking could wait for it), else what it leads to. */
  async #canonical(mountpoint: string): Promise<string> {
    const direct = resolve(mountpoint);
    if (this.#mounts.has(direct)) return direct;
    return this.#helper.inspect(mountpoint).then(
      ({ canonical }) => canonical,
      () => direct,
    );
  }

  #forget(mount: ImageMount): void {
    if (this.#mounts.get(mount.mountpoint) === mount) this.#mounts.delete(mount.mountpoint);
  }

  /** A mount is gone for good, by whatever way. */
  #bury(mount: ImageMount): void {
    this.#forget(mount);
    this.#held.delete(mount);
    const info = mount.info();
    this.#metrics.mountGone(mount);
    this.#ports.log.info('mount is gone', { mountpoint: info.mountpoint, ...info.stats });
    this.#endIfIdle();
  }

  /** The holder of the lock is being killed and does not end: probably a thread of it waits for one of its mounts. */
  async #freeDyingDaemon(): Promise<void> {
    const records = await this.#state.load();
    const holder = (await this.#holder.find()) ? this.#holder : undefined;
    await freeConnections({ helper: this.#helper, holder, log: this.#ports.log }, records);
  }

  async #endUnlessUsed(): Promise<void> {
    const { clock } = this.#ports;
    await clock.sleep(this.#limits.firstRequestMs, { signal: this.#stopping.signal }).catch(() => {}); // stopped
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (!this.#options.exitWhenIdle || this.#busy > 0 || this.#held.size > 0) return;
    if (!this.#stopping.signal.aborted) this.#ports.log.info('nothing is mounted any more; the daemon ends');
    this.stop().catch(() => {}); // told through `ended`
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new ShoalError('unavailable', 'the daemon is stopping'));
    const { clock } = this.#ports;
    const done = new AbortController();
    const late = clock.sleep(this.#limits.stopMs, { signal: done.signal }).then(
      () => Promise.reject(new ShoalError('timeout', `the daemon could not stop within ${this.#limits.stopMs} ms`)),
      () => {}, // stopped in time
    );
    try {
      await Promise.race([this.#release(), late]);
      this.#ended.resolve();
    } catch (error) {
      this.#ports.log.error('stop failed', { error: messageOf(error) });
      this.#ended.reject(error);
      this.#ended.promise.catch(() => {}); // whoever cares looks at it
      throw error;
    } finally {
      done.abort();
    }
  }

  async #release(): Promise<void> {
    await this.#queue.idle();
    await Promise.all([...this.#held].map(([mount, gone]) => this.#end(mount, gone)));
    await this.#controlSocket?.stop();
    if (this.#running === undefined) return;
    await stopMachinery(this.#running);
    this.#holder.leave();
    await this.#running.lock.release();
  }

  async #end(mount: ImageMount, gone: Promise<void>): Promise<void> {
    const { log } = this.#ports;
    const { mountpoint } = mount;
    try {
      if (this.#mounts.get(mountpoint) === mount) await mount.unmount(false);
    } catch (error) {
      log.warn('in use while the daemon stops; detached', { mountpoint, error: messageOf(error) });
      await mount.unmount(true);
    }
    // Whoever still uses it from another namespace can't be served any more.
    await mount.abort();
    await gone;
  }
}
