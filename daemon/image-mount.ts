// One mounted image: everything it holds, from the moment it is asked for until nothing of it is left.
// Acquires step by step (cached blobs, the device, threads, the mount, the overlay) and releases in reverse order,
// whether a step failed, somebody unmounted it, or the connection ended by itself.

import { closeSync } from 'node:fs';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  abortedError,
  type Clock,
  type Digest,
  deadline,
  fromSystemError,
  type Logger,
  type MountInfo,
  type MountState,
  type MountStats,
  messageOf,
} from '../core/index.ts';
import { BootstrapReader, emptyAttributes } from '../image/index.ts';
import type { DaemonLimits, ServeLimits } from './config.ts';
import type { ChosenDriver } from './driver-choice.ts';
import { isRoot } from './drivers.ts';
import { type ErofsPlan, planErofs } from './erofs-plan.ts';
import type { Completer } from './fuse/completer.ts';
import { assertLittleEndian } from './fuse/protocol.ts';
import { planRings, ringFacts } from './fuse/ring-plan.ts';
import type { ServerThreads } from './fuse/server-threads.ts';
import { FuseSession } from './fuse/session.ts';
import { NativeSession } from './fuse-native/session.ts';
import type { FuseStart } from './fuse-start.ts';
import { ImageContent, type ImageContentPorts } from './image-content.ts';
import type { MountHelper } from './mount/helper-client.ts';
import type { LazyImage } from './ports.ts';
import { Counter, type ReadTimes, SharedCounters } from './shared-counters.ts';
import { type MountRecord, mountSource, type StateDir } from './state-dir.ts';

export interface ImageMountPorts extends ImageContentPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly completer: Completer;
  readonly threads: Pick<ServerThreads, 'take'>;
  readonly helper: MountHelper;
  readonly state: Pick<StateDir, 'add' | 'remove'>;
}

export interface ImageMountOptions {
  readonly image: Omit<LazyImage, 'bootstrap'>;
  readonly chosen: ChosenDriver;
  /** What is written down about it for as long as anything of it is left. */
  readonly record: MountRecord;
  readonly readDeadlineMs: number | undefined;
  /** A directory of this mount's own, for the layers of a writable one or a bootstrap; created and removed here. */
  readonly directory: string;
  readonly limits: { readonly serve: ServeLimits; readonly daemon: DaemonLimits };
}

const STATFS_BLOCK = 4096;

/** An image, opened for serving. */
interface OpenedParts {
  readonly bootstrap: SharedArrayBuffer;
  readonly reader: BootstrapReader;
}

export class ImageMount {
  readonly #ports: ImageMountPorts;
  readonly #options: ImageMountOptions;
  readonly #counters = new SharedCounters();
  readonly #content: ImageContent;
  readonly #held = new AsyncDisposableStack();
  readonly #released = Promise.withResolvers<void>();
  /** Of the driver erofs. */
  #plan: ErofsPlan | undefined;
  #session: FuseSession | NativeSession | undefined;
  #device: string | undefined;
  #mounted = false;
  #ended = false;
  /** Something of it stays in the mount table and has to be known to the next daemon. */
  #leftOver = false;
  #readyAt: number | undefined;

  constructor(ports: ImageMountPorts, options: ImageMountOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#content = new ImageContent(ports, options.image);
  }

  get mountpoint(): string {
    return this.#options.record.mountpoint;
  }

  get reference(): string {
    return this.#options.image.reference;
  }

  /** The blobs that it has open. */
  get blobs(): readonly Digest[] {
    return this.#content.blobs.map(({ layout }) => layout.digest);
  }

  /** Resolves when nothing of it is left: no mount, no thread, no descriptor. Never rejects. */
  get released(): Promise<void> {
    return this.#released.promise;
  }

  /**
   * Mounts. When it rejects (also because the signal fired), everything is released again. `bootstrap` is the image's,
   * verified; it is copied to shared memory unless it lies there already. `fuse`: for that driver and for erofs, the caller's
   * to dispose of.
   */
  async start(bootstrap: Uint8Array, fuse: FuseStart | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.#start(shared(bootstrap), fuse, signal);
      this.#readyAt = this.#ports.clock.now();
      this.#content.fillUp(this.#held);
    } catch (error) {
      await this.#within(this.#release(), 'a failed mount could not be released yet');
      throw error;
    }
    void this.#session?.ended.then(() => this.#release());
  }

  /** How long its reads took that found everything here. */
  get hitTimes(): ReadTimes {
    return this.#counters.hitTimes();
  }

  info(): MountInfo {
    const { image, record, chosen } = this.#options;
    return {
      reference: image.reference,
      manifestDigest: image.manifestDigest,
      mountpoint: record.mountpoint,
      driver: chosen.driver,
      erofsBacking: chosen.erofsBacking,
      driverReason: chosen.reason,
      writable: record.writable,
      mountedAt: record.mountedAt,
      state: this.#state(),
      stats: this.#stats(),
    };
  }

  /**
   * Resolves when it is gone from the mount table. Rejects with `busy` while something uses it, unless `force`: then it
   * is detached and readers that wait get an error. Somebody in another mount namespace may go on using it; it is then
   * served until the last one has left (see `released`).
   */
  async unmount(force: boolean): Promise<void> {
    const { helper } = this.#ports;
    const { id, writable, mountpoint } = this.#options.record;
    const order = {
      source: mountSource(id),
      detach: force,
      connection: this.#plan?.shows === 'flat' ? this.#device : undefined,
    };
    // Before it goes: afterwards its number may be another connection's.
    // Where it can't be ended, detaching it is still what was asked for.
    if (force) await this.abort().catch(error => this.#complain('abort', error));
    await helper.unmount({ ...order, mountpoints: [mountpoint] });
    // Only the overlay used what lies under it.
    if (writable) await helper.unmount({ ...order, mountpoints: [this.#lower], detach: true });
    this.#mounted = false;
    if (this.#session instanceof NativeSession) this.#session.noteUnmounted();
    if (this.#session === undefined) await this.#release(); // nobody was there to see it end
    await this.#within(this.released, 'unmounted, but still used in another mount namespace');
  }

  /** Ends the connection, if it has not ended: whoever reads gets an error. */
  async abort(): Promise<void> {
    if (this.#session instanceof NativeSession) this.#session.abort();
    if (this.#device !== undefined && !this.#ended) await this.#ports.helper.abort(this.#device);
  }

  get #lower(): string {
    return join(this.#options.directory, 'lower');
  }

  #state(): MountState {
    const { longestWaitMs = 0, slowEndedAt = 0 } = this.#session?.parked ?? {};
    if (this.#readyAt === undefined) return { name: 'mounting', since: this.#options.record.mountedAt };
    if (longestWaitMs >= this.#options.limits.serve.slowReadMs) {
      return { name: 'stalled', since: Math.round(this.#ports.clock.now() - longestWaitMs) };
    }
    return { name: 'ready', since: Math.max(this.#readyAt, slowEndedAt) };
  }

  #stats(): MountStats {
    const { waiting = 0, longestWaitMs = 0 } = this.#session?.parked ?? {};
    return {
      ...this.#content.stats(),
      hits: this.#counters.get(Counter.HITS),
      misses: this.#counters.get(Counter.MISSES),
      waiting,
      longestWaitMs: Math.round(longestWaitMs),
      slowReads: this.#counters.get(Counter.SLOW_READS),
    };
  }

  async #start(bootstrap: SharedArrayBuffer, fuse: FuseStart | undefined, signal: AbortSignal): Promise<void> {
    assertLittleEndian();
    const { record } = this.#options;
    await this.#enroll(record);
    const reader = new BootstrapReader(new Uint8Array(bootstrap));
    this.#plan = planErofs(reader, this.#options);
    await this.#content.open({ reader, files: this.#plan?.files ?? reader }, this.#held, signal);
    if (record.writable) await this.#makeLayers();
    const parts = { bootstrap, reader };
    if (fuse && this.#plan) await this.#startErofs(this.#plan, parts, fuse, signal);
    else if (fuse) await this.#startFuse(parts, fuse, signal);
    else await this.#startNative(parts, signal);
    if (record.writable) await this.#mountOverlay(fuse?.helper ?? this.#ports.helper);
    if (signal.aborted) throw abortedError(signal);
  }

  async #startFuse(parts: OpenedParts, fuse: FuseStart, signal: AbortSignal): Promise<void> {
    const fd = fuse.takeDevice();
    this.#held.defer(() => closeSync(fd));
    const session = this.#makeSession({ ...parts, fd });
    this.#use(session);
    this.#held.defer(() => session.stop());
    await this.#mount(parts.reader, session, fuse.helper);
    if (signal.aborted) throw abortedError(signal);
    const limit = deadline(this.#options.limits.daemon.initMs, `mount ${this.#target} (fuse): no word of the kernel`);
    await session.serve(AbortSignal.any([signal, limit]));
  }

  /** The bootstrap is the kernel's; what the daemon serves are its devices. If there are none, nobody needs to. */
  async #startErofs(plan: ErofsPlan, parts: OpenedParts, fuse: FuseStart, signal: AbortSignal): Promise<void> {
    await plan.write(parts.bootstrap, this.#held);
    if (plan.isServed) await this.#startFuse(parts, fuse, signal);
    else this.#held.defer(() => this.#cleanUp());
    this.#mounted = true;
    await fuse.helper.mountErofs(plan.order(this.#target));
  }

  /** Released the other way round than `fuse`: the host must be gone before what it mounts can be cleaned up for good. */
  async #startNative(parts: OpenedParts, signal: AbortSignal): Promise<void> {
    const session = this.#makeNativeSession(parts);
    this.#use(session);
    this.#held.defer(() => this.#cleanUp());
    this.#held.defer(() => session.stop());
    this.#mounted = true;
    const { id } = this.#options.record;
    const limit = deadline(this.#options.limits.daemon.helperMs, `mount ${this.#target} (fuse-native): not ready`);
    const order = { mountpoint: this.#target, source: mountSource(id), shared: isRoot() };
    await session.start(order, AbortSignal.any([signal, limit]));
  }

  #use(session: FuseSession | NativeSession): void {
    this.#session = session;
    void session.ended.then(() => {
      this.#ended = true;
    });
  }

  /** Written down before anything is mounted, so that whatever a crash leaves is known. */
  async #enroll(record: MountRecord): Promise<void> {
    const { state } = this.#ports;
    this.#held.defer(async () => {
      if (!this.#leftOver) await state.remove(record.id);
    });
    await state.add(record);
  }

  /** Directories for the layers. They go with the mount; `lower` only when nothing is mounted there any more. */
  async #makeLayers(): Promise<void> {
    const { directory } = this.#options;
    this.#held.defer(async () => {
      const layers = ['upper', 'work'].map(name => rm(join(directory, name), { recursive: true, force: true }));
      await Promise.all(layers);
      await rmdir(this.#lower);
      await rmdir(directory);
    });
    try {
      for (const name of ['lower', 'upper', 'work']) {
        await mkdir(join(directory, name), { recursive: true, mode: name === 'upper' ? 0o755 : 0o700 });
      }
    } catch (error) {
      throw fromSystemError(error, `create ${directory}`);
    }
  }

  #makeSession(parts: OpenedParts & { readonly fd: number }): FuseSession {
    const { fd, bootstrap, reader } = parts;
    const { ports, options, blobs } = this.#sessionParts(parts);
    const rings = planRings(ringFacts(), options.limits.workers);
    const plan = this.#plan;
    const { chunks } = reader.chunkTable();
    return new FuseSession(
      { ...ports, onUnservable: () => void this.abort().catch(error => this.#complain('abort', error)) },
      {
        ...options,
        fd,
        rings,
        image: { shows: plan?.shows ?? 'tree', bootstrap, chunks, blobs: plan?.sources(blobs) ?? blobs },
      },
    );
  }

  #makeNativeSession(parts: OpenedParts): NativeSession {
    const { ports, options, blobs } = this.#sessionParts(parts);
    return new NativeSession(ports, { ...options, blobs, bootstrap: parts.bootstrap });
  }

  /** What serving needs whatever the driver. */
  #sessionParts({ bootstrap, reader }: OpenedParts) {
    const { blobs } = this.#content;
    const deviceBytes = blobs.reduce((sum, blob) => sum + blob.layout.deviceSize, bootstrap.byteLength);
    return {
      ports: { ...this.#ports, fetch: this.#content.fetch.bind(this.#content) },
      blobs: blobs.map(({ map, path }) => ({ map: map.buffer, path })),
      options: {
        counters: this.#counters,
        limits: this.#options.limits.serve,
        readDeadlineMs: this.#options.readDeadlineMs,
        blocks: Math.ceil(deviceBytes / STATFS_BLOCK),
        inodes: reader.inodeCount,
      },
    };
  }

  /** Where the read-only tree is mounted. */
  get #target(): string {
    const { writable, mountpoint } = this.#options.record;
    return writable ? this.#lower : mountpoint;
  }

  /** Opens the image in the first thread while the helper mounts. */
  async #mount(reader: BootstrapReader, session: FuseSession, helper: FuseStart['helper']): Promise<void> {
    const { id } = this.#options.record;
    const root = emptyAttributes();
    reader.stat(reader.rootNid, root);
    this.#held.defer(() => this.#cleanUp());
    this.#mounted = true;
    const { readaheadBytes } = this.#options.limits.serve;
    const order = { mountpoint: this.#target, source: mountSource(id), rootMode: root.mode, readaheadBytes };
    const mounting = this.#plan ? helper.mountDevices({ readaheadBytes }) : helper.mountFuse(order);
    const [loaded, mounted] = await Promise.allSettled([session.load(), mounting]);
    if (mounted.status === 'rejected') throw mounted.reason;
    this.#device = mounted.value;
    if (loaded.status === 'rejected') throw loaded.reason;
  }

  async #mountOverlay(helper: Pick<MountHelper, 'mountOverlay'>): Promise<void> {
    const { directory, record } = this.#options;
    const { id, mountpoint } = record;
    await helper.mountOverlay({ directory, mountpoint, source: mountSource(id) });
  }

  /** Takes away what is still mounted, when it was not unmounted in the orderly way. */
  async #cleanUp(): Promise<void> {
    if (!this.#mounted) return;
    this.#mounted = false;
    this.#leftOver = true;
    // No mount table shows what the devices come by.
    if (this.#plan) await this.abort().catch(error => this.#complain('abort', error));
    const { stuck, cleaned } = await this.#ports.helper.clean([mountSource(this.#options.record.id)]);
    this.#leftOver = stuck.length > 0;
    if (!this.#leftOver) return;
    const { mountpoint } = this;
    this.#ports.log.warn('a dead mount could not be taken away; the next daemon tries again', { mountpoint, cleaned });
  }

  /** Waits for something that normally is a matter of milliseconds, and says so when it is not. */
  async #within(work: Promise<void>, otherwise: string): Promise<void> {
    const { clock, log } = this.#ports;
    const { limits } = this.#options;
    const done = new AbortController();
    const patience = clock.sleep(limits.daemon.lingerMs, { signal: done.signal }).then(
      () => log.warn(otherwise, { mountpoint: this.mountpoint }),
      () => {}, // done in time
    );
    await Promise.race([work, patience]);
    done.abort();
  }

  async #release(): Promise<void> {
    try {
      await this.#held.disposeAsync();
    } catch (error) {
      this.#complain('release', error);
    } finally {
      this.#released.resolve();
    }
  }

  #complain(doing: string, error: unknown): void {
    this.#ports.log.error(`${doing} of a mount failed`, { mountpoint: this.mountpoint, error: messageOf(error) });
  }
}

/** The bytes in memory that all threads see; no copy when they lie there already. */
function shared(bytes: Uint8Array): SharedArrayBuffer {
  if (bytes.buffer instanceof SharedArrayBuffer && bytes.buffer.byteLength === bytes.length) return bytes.buffer;
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}
