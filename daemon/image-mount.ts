// One mounted image: everything it holds, from the moment it is asked for until nothing of it is left.
// Acquires step by step (cached blobs, the device, threads, the mount, the overlay) and releases in reverse order,
// whether a step failed, somebody unmounted it, or the connection ended by itself.

import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { abortedError, type Digest, deadline, type MountInfo, messageOf } from '../core/index.ts';
import { type BootstrapReader, emptyAttributes } from '../image/index.ts';
import { isRoot } from './drivers.ts';
import { type ErofsPlan, planErofs } from './erofs-plan.ts';
import { FuseSession } from './fuse/session.ts';
import type { NativeSession } from './fuse-native/session.ts';
import type { FuseStart } from './fuse-start.ts';
import { ImageContent } from './image-content.ts';
import type { ImageMountOptions, ImageMountPorts, Kept } from './image-mount-options.ts';
import { MountDirectory } from './mount-directory.ts';
import { MountKeeping } from './mount-keeping.ts';
import { stateOf, statsOf } from './mount-report.ts';
import {
  makeFuseSession,
  makeNativeSession,
  type OpenedParts,
  openParts,
  type ServingOptions,
  shared,
} from './mount-sessions.ts';
import { withPatience } from './patience.ts';
import { adoptResumeRecord, resumeRecord } from './resume-record.ts';
import { Counter, type ReadTimes, SharedCounters } from './shared-counters.ts';
import { type MountRecord, mountSource } from './state-dir.ts';
import { UnservedMount } from './unserved-mount.ts';

export class ImageMount {
  readonly #ports: ImageMountPorts;
  readonly #options: ImageMountOptions;
  readonly #counters = new SharedCounters();
  readonly #content: ImageContent;
  readonly #directory: MountDirectory;
  readonly #keeping: MountKeeping;
  readonly #serving: ServingOptions;
  readonly #held = new AsyncDisposableStack();
  readonly #released = Promise.withResolvers<void>();
  /** Of the driver erofs. */
  #plan: ErofsPlan | undefined;
  #session: FuseSession | NativeSession | UnservedMount | undefined;
  #device: string | undefined;
  /** The connection's, while this mount has it. */
  #fd: number | undefined;
  #mounted = false;
  #ended = false;
  /** Something of it stays in the mount table and has to be known to the next daemon. */
  #leftOver = false;
  #readyAt: number | undefined;
  #resumedAt: number | undefined;
  #plainBlobs: number | undefined;

  constructor(ports: ImageMountPorts, options: ImageMountOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#content = new ImageContent(ports, options.image);
    this.#directory = new MountDirectory(options.directory);
    const outlives = options.chosen.driver !== 'fuse-native';
    const { serve } = options.limits;
    this.#serving = { counters: this.#counters, limits: serve, readDeadlineMs: options.readDeadlineMs };
    this.#keeping = new MountKeeping(outlives ? ports.holder : undefined, options.record.id);
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
    await this.#begin(() => this.#start(shared(bootstrap), fuse, signal));
  }

  async #begin(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#readyAt = this.#ports.clock.now();
      this.#content.fillUp(this.#held);
    } catch (error) {
      await this.#within(this.#release(), 'a failed mount could not be released yet');
      throw error;
    }
    void this.#session?.ended.then(() => this.#release());
  }

  /**
   * In place of `start`: goes on with a mount that a daemon made which is dead. When it rejects the mount is gone, and
   * everything released. The connection's descriptors are this mount's from now on.
   */
  async resume(kept: Kept, signal: AbortSignal): Promise<void> {
    this.#resumedAt = this.#ports.clock.now();
    await this.#begin(() => this.#resume(kept, signal));
  }

  /** The next daemon can go on with it. */
  get isKept(): boolean {
    return this.#keeping.isComplete;
  }

  /** How many requests the kernel has sent again. */
  get resentRequests(): number {
    return this.#counters.get(Counter.RESENT);
  }

  /** How long its reads took that found everything here. */
  get hitTimes(): ReadTimes {
    return this.#counters.hitTimes();
  }

  info(): MountInfo {
    const { image, record, chosen, limits } = this.#options;
    const times = { mountedAt: record.mountedAt, readyAt: this.#readyAt, now: this.#ports.clock.now() };
    return {
      reference: image.reference,
      manifestDigest: image.manifestDigest,
      mountpoint: record.mountpoint,
      driver: chosen.driver,
      erofsBacking: chosen.erofsBacking,
      driverReason: chosen.reason,
      plainBlobs: this.#plainBlobs,
      writable: record.writable,
      mountedAt: record.mountedAt,
      resumedAt: this.#resumedAt,
      state: stateOf(times, this.#session?.parked, limits.serve),
      stats: statsOf(this.#content.stats(), this.#counters, this.#session?.parked),
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
    if (writable) await helper.unmount({ ...order, mountpoints: [this.#directory.lower], detach: true });
    this.#mounted = false;
    if (!(this.#session instanceof FuseSession)) this.#session?.noteUnmounted();
    await this.#within(this.released, 'unmounted, but still used in another mount namespace');
  }

  /** Ends the connection, if it has not ended: whoever reads gets an error. */
  async abort(): Promise<void> {
    if (!(this.#session instanceof FuseSession)) this.#session?.abort();
    if (this.#device === undefined || this.#fd === undefined || this.#ended) return;
    await this.#ports.helper.abort(this.#device, this.#fd);
  }

  async #start(bootstrap: SharedArrayBuffer, fuse: FuseStart | undefined, signal: AbortSignal): Promise<void> {
    const { record } = this.#options;
    await this.#enroll(record);
    const parts = openParts(bootstrap);
    await this.#openContent(parts, signal);
    const hasFile = this.#plan !== undefined || this.#keeping.isWanted;
    if (record.writable || hasFile) await this.#directory.create(this.#held);
    if (hasFile) await this.#directory.writeBootstrap(bootstrap, mountSource(record.id), this.#held);
    if (record.writable) await this.#directory.makeLayers(this.#held);
    if (fuse && this.#plan) await this.#startErofs(this.#plan, parts, fuse, signal);
    else if (fuse) await this.#startFuse(parts, fuse, signal);
    else await this.#startNative(parts, signal);
    if (record.writable) {
      const order = { directory: this.#directory.path, mountpoint: record.mountpoint, source: mountSource(record.id) };
      await (fuse?.helper ?? this.#ports.helper).mountOverlay(order);
    }
    if (signal.aborted) throw abortedError(signal);
    await this.#complete(bootstrap.byteLength);
  }

  async #openContent({ reader }: OpenedParts, signal: AbortSignal): Promise<void> {
    this.#plan = planErofs(reader, this.#options);
    await this.#content.open({ reader, files: this.#plan?.files ?? reader }, this.#held, signal);
  }

  /** From here on the next daemon can go on with it. */
  async #complete(bootstrapBytes: number): Promise<void> {
    const terms = this.#session instanceof FuseSession ? this.#session.terms : undefined;
    const record = resumeRecord(this.#options, bootstrapBytes, terms);
    const { pieces = new Map() } = this.#options.image;
    await this.#keeping.complete(this.#directory, { record, pieces }, this.#held);
  }

  /** Everything is there: only who serves it has changed. */
  async #resume({ bootstrap, connection }: Kept, signal: AbortSignal): Promise<void> {
    const { record } = this.#options;
    await this.#enroll(record);
    this.#directory.adopt(mountSource(record.id), this.#held);
    if (record.writable) this.#directory.adoptLayers(this.#held);
    adoptResumeRecord(this.#directory.path, this.#held);
    this.#keeping.adopt();
    this.#mounted = true;
    this.#device = connection?.device;
    this.#held.defer(() => this.#keeping.forget());
    this.#held.defer(() => this.#cleanUp());
    const { descriptors = [] } = connection ?? {};
    const parts = openParts(bootstrap);
    try {
      await this.#openContent(parts, signal);
      this.#plan?.adopt(this.#held);
    } catch (error) {
      for (const descriptor of descriptors) closeSync(descriptor);
      throw error;
    }
    const [fd, ...clones] = descriptors;
    if (fd === undefined) {
      this.#plainBlobs = parts.reader.blobs.length;
      this.#watch();
      return;
    }
    const session = this.#hold(parts, fd, clones);
    this.#held.defer(() => this.#cleanUp());
    await session.load();
    await session.resume();
  }

  async #startFuse(parts: OpenedParts, fuse: FuseStart, signal: AbortSignal): Promise<void> {
    const fd = fuse.takeDevice();
    const session = this.#hold(parts, fd);
    await this.#keeping.hold([fd]);
    await this.#mount(parts.reader, session, fuse.helper);
    if (signal.aborted) throw abortedError(signal);
    const limit = deadline(this.#options.limits.daemon.initMs, `mount ${this.#target} (fuse): no word of the kernel`);
    await session.serve(AbortSignal.any([signal, limit]));
  }

  /** A session of this connection, whose descriptor is this mount's from now on. */
  #hold(parts: OpenedParts, fd: number, clones: readonly number[] = []): FuseSession {
    this.#fd = fd;
    this.#held.defer(() => {
      this.#fd = undefined;
      closeSync(fd);
    });
    const session = this.#makeSession(parts, fd, clones);
    this.#use(session);
    this.#held.defer(() => session.stop());
    this.#held.defer(() => this.#keeping.forget());
    return session;
  }

  /** The bootstrap is the kernel's; what the daemon serves are its devices, but for those that are here as a whole. */
  async #startErofs(plan: ErofsPlan, parts: OpenedParts, fuse: FuseStart, signal: AbortSignal): Promise<void> {
    const devices = await plan.devices(names => this.#content.devices(names, this.#held, signal));
    await plan.prepare(devices, this.#held);
    this.#plainBlobs = devices.filter(device => 'path' in device).length;
    const isServed = plan.hasDevices && (devices.length === 0 || this.#plainBlobs < devices.length);
    if (isServed) await this.#startFuse(parts, fuse, signal);
    else this.#held.defer(() => this.#cleanUp());
    this.#mounted = true;
    const { erofsReadaheadBytes: readaheadBytes } = this.#options.limits.serve;
    await fuse.helper.mountErofs({ ...plan.order(this.#target, devices), readaheadBytes });
    if (!isServed) this.#watch();
  }

  /** Nobody serves it, so only the kernel knows when it ends. */
  #watch(): void {
    const unserved = new UnservedMount(this.#ports, join(this.#directory.path, mountSource(this.#options.record.id)));
    this.#use(unserved);
    this.#held.defer(() => unserved.abort());
    unserved.watch();
  }

  /** Released the other way round than `fuse`: the host must be gone before what it mounts can be cleaned up for good. */
  async #startNative(parts: OpenedParts, signal: AbortSignal): Promise<void> {
    const session = makeNativeSession(this.#ports, parts, this.#content, this.#serving);
    this.#use(session);
    this.#held.defer(() => this.#cleanUp());
    this.#held.defer(() => session.stop());
    this.#mounted = true;
    const { id } = this.#options.record;
    const limit = deadline(this.#options.limits.daemon.helperMs, `mount ${this.#target} (fuse-native): not ready`);
    const order = { mountpoint: this.#target, source: mountSource(id), shared: isRoot() };
    await session.start(order, AbortSignal.any([signal, limit]));
  }

  #use(session: FuseSession | NativeSession | UnservedMount): void {
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

  #makeSession(parts: OpenedParts, fd: number, clones: readonly number[]): FuseSession {
    const keeping = this.#keeping;
    return makeFuseSession(
      {
        ...this.#ports,
        onClones: clones => keeping.hold(clones),
        onUnservable: () => void this.abort().catch(error => this.#complain('abort', error)),
      },
      parts,
      this.#content,
      { ...this.#serving, fd, clones, outlives: keeping.isWanted, plan: this.#plan },
    );
  }

  /** Where the read-only tree is mounted. */
  get #target(): string {
    return this.#options.record.writable ? this.#directory.lower : this.mountpoint;
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
    await this.#keeping.noteDevice(mounted.value);
    if (loaded.status === 'rejected') throw loaded.reason;
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

  async #within(work: Promise<void>, otherwise: string): Promise<void> {
    const { mountpoint } = this;
    const { clock, log } = this.#ports;
    await withPatience(clock, this.#options.limits.daemon.lingerMs, work, () => log.warn(otherwise, { mountpoint }));
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
