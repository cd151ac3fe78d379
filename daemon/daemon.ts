// The daemon: mounts images, keeps them served, and leaves nothing behind. Owns the root directory (lock, state, cache)
// and what all mounts share (machinery.ts, and the helper).

import { randomBytes } from 'node:crypto';
import { isAbsolute, join, resolve } from 'node:path';
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
  defaultFillLimits,
  defaultServeLimits,
  defaultStoreLimits,
} from './config.ts';
import { DaemonMetrics } from './daemon-metrics.ts';
import type { DaemonOptions, DaemonPorts } from './daemon-options.ts';
import { type ChosenDriver, chooseDriver } from './driver-choice.ts';
import { Pace } from './fetch/pace.ts';
import { FuseStart } from './fuse-start.ts';
import { ImageMount } from './image-mount.ts';
import { removeLeftovers } from './leftovers.ts';
import { type Machinery, startMachinery, stopMachinery } from './machinery.ts';
import { MountHelper, type MountSteps } from './mount/helper-client.ts';
import { MountpointQueue } from './mountpoint-queue.ts';
import type { LazyImage } from './ports.ts';
import { RootLock } from './root-lock.ts';
import { type MountRecord, mountSource, StateDir } from './state-dir.ts';
import { type SwarmReport, swarmReport } from './swarm-report.ts';

interface Running extends Machinery {
  readonly lock: RootLock;
}

export class Daemon implements ImageMounter {
  readonly #ports: DaemonPorts;
  readonly #options: DaemonOptions;
  readonly #limits: DaemonLimits;
  readonly #state: StateDir;
  readonly #helper: MountHelper;
  readonly #metrics: DaemonMetrics;
  readonly #pace: Pace;
  readonly #queue = new MountpointQueue();
  /** By canonical mountpoint; what is listed. */
  readonly #mounts = new Map<string, ImageMount>();
  /** All that are not gone for good, also unmounted ones that are still used elsewhere; when they will be gone. */
  readonly #held = new Map<ImageMount, Promise<void>>();
  readonly #attached: { stop(): Promise<void> }[] = [];
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #running: Running | undefined;
  #stopped: Promise<void> | undefined;
  #busy = 0;

  constructor(ports: DaemonPorts, options: DaemonOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#limits = options.limits?.daemon ?? defaultDaemonLimits;
    this.#state = new StateDir(options.root, ports.log);
    this.#helper = new MountHelper({ timeoutMs: this.#limits.helperMs });
    this.#pace = new Pace(ports.clock, options.fill?.bytesPerSecond);
    this.#metrics = new DaemonMetrics({
      log: ports.log,
      mounts: () => [...this.#held.keys()],
      cache: () => this.#running?.store,
      copiedChunks: () => this.#running?.nodeChunks.copied ?? 0,
      swarm: () => this.#running?.node?.status(),
    });
  }

  /**
   * Something that must be over before another daemon may take the root: the control socket, whose file the next daemon
   * makes anew. Stopped by `stop`, after the mounts.
   */
  attach(part: { stop(): Promise<void> }): void {
    this.#attached.push(part);
  }

  /** Resolves when the daemon has stopped, by `stop` or because it became idle. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Takes the root and cleans up after a daemon that died. Rejects with `busy` when one runs (naming its pid),
   * `unsupported` for another release's state, `usage` for somebody else's directory, `system`.
   */
  async start(): Promise<void> {
    const { clock } = this.#ports;
    const { root, limits } = this.#options;
    if (!isAbsolute(root)) throw new ShoalError('usage', `root ${root}: not absolute`);
    await this.#state.create();
    const { lock: path, cache } = this.#state.paths;
    const lock = await RootLock.acquire(path, {
      clock,
      waitMs: this.#limits.lockMs,
      onDying: () => this.#freeDyingDaemon(),
    });
    try {
      await removeLeftovers(this.#ports.log, this.#state, this.#helper);
      const { fetch = defaultFetchLimits, store = defaultStoreLimits, serve = defaultServeLimits } = limits ?? {};
      const ports = { ...this.#ports, helper: this.#helper, metrics: this.#metrics.fetch };
      const all = { fetch, store, serve, daemon: this.#limits };
      this.#running = { lock, ...(await startMachinery(ports, { root, cache, limits: all })) };
    } catch (error) {
      await lock.release();
      throw error;
    }
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
    const [opened, mountpoint] = await this.#prepare(request, fuse?.helper ?? this.#helper, signal);
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
    const mount = this.#makeMount(record, image, chosen, request.readDeadlineMs);
    this.#mounts.set(mountpoint, mount); // from here on, another request for it is refused
    const gone = mount.released.then(() => this.#bury(mount));
    this.#held.set(mount, gone);
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

  /** Opens the image and looks at the mountpoint at the same time; when one fails the other is given up. */
  async #prepare(
    request: MountRequest,
    helper: Pick<MountSteps, 'inspect'>,
    signal: AbortSignal,
  ): Promise<[LazyImage, string]> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    try {
      return await Promise.all([this.#ports.library.open(request, { signal: either }), this.#inspect(request, helper)]);
    } catch (error) {
      failed.abort();
      throw error;
    }
  }

  /** The canonical mountpoint. Rejects with `busy` when a mount would hide something, ours or somebody else's. */
  async #inspect({ mountpoint, nonEmpty = false }: MountRequest, helper: Pick<MountSteps, 'inspect'>): Promise<string> {
    const { canonical, isEmpty } = await helper.inspect(mountpoint);
    if (this.#mounts.has(canonical)) throw new ShoalError('busy', `${canonical}: an image is mounted there already`);
    if (isEmpty || nonEmpty) return canonical;
    throw new ShoalError(
      'busy',
      `mountpoint ${mountpoint}: expected an empty directory, found one with something in it; --non-empty mounts over it`,
    );
  }

  #parts(): Running {
    if (this.#running === undefined) throw new ShoalError('internal', 'mount before start');
    return this.#running;
  }

  #makeMount(
    record: MountRecord,
    image: Omit<LazyImage, 'bootstrap'>,
    chosen: ChosenDriver,
    readDeadlineMs: number | undefined,
  ): ImageMount {
    const { clock, log, peers } = this.#ports;
    const { store, node, engine, completer, threads, nodeChunks } = this.#parts();
    const { fill, limits } = this.#options;
    return new ImageMount(
      {
        clock,
        log: log.with({ image: image.reference }),
        store,
        engine,
        completer,
        threads,
        nodeChunks,
        helper: this.#helper,
        state: this.#state,
        sharing: peers && node && { swarm: node.swarm, chunkSource: peers.chunkSource },
        fill: fill && {
          pace: this.#pace,
          freePart: () => store.freePart(),
          limits: limits?.fill ?? defaultFillLimits,
        },
        onServed: (from, ms) => this.#metrics.readServed(from, ms),
      },
      {
        image,
        chosen,
        record,
        readDeadlineMs,
        directory: join(this.#state.paths.mounts, record.id),
        limits: { serve: limits?.serve ?? defaultServeLimits, daemon: this.#limits },
      },
    );
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
    await this.#helper.clean(records.map(({ id }) => mountSource(id)));
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
    for (const part of this.#attached) await part.stop();
    if (this.#running === undefined) return;
    await stopMachinery(this.#running);
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
