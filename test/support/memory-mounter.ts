// An ImageMounter that mounts nothing, for tests of what talks to a daemon. It keeps the contract's rules.
//
//   const mounter = new MemoryMounter();
//   mounter.images.set('registry.test/app:1', digest);   // what can be mounted
//   mounter.busy.add('/mnt/a');                           // in use: unmount needs force
//   mounter.failNext(new ShoalError('unreachable', '…')); // the next mount rejects
//   mounter.pause(); … mounter.resume();                  // mounts hang in between
//   mounter.requests                                      // every mount asked for; `aborted` how many gave up since

import { stat } from 'node:fs/promises';
import {
  abortedError,
  type Digest,
  type ImageMounter,
  type MountInfo,
  type MountRequest,
  ShoalError,
} from '../../core/index.ts';

const NO_STATS = {
  totalBytes: 0,
  chunkBytes: 0,
  presentBytes: 0,
  fetchedBytes: 0,
  peerBytes: 0,
  mirrorBytes: 0,
  originBytes: 0,
  cacheBytes: 0,
  requests: 0,
  hits: 0,
  misses: 0,
  waiting: 0,
  longestWaitMs: 0,
  slowReads: 0,
  bytesPerSecond: 0,
  requestsPerSecond: 0,
};

export class MemoryMounter implements ImageMounter {
  readonly images = new Map<string, Digest>();
  readonly busy = new Set<string>();
  readonly requests: MountRequest[] = [];
  aborted = 0;
  readonly #mounts = new Map<string, MountInfo>();
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #failures: ShoalError[] = [];
  #gate: PromiseWithResolvers<void> | undefined;

  failNext(error: ShoalError): void {
    this.#failures.push(error);
  }

  pause(): void {
    this.#gate ??= Promise.withResolvers();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  mount(request: MountRequest, { signal }: { readonly signal: AbortSignal }): Promise<MountInfo> {
    this.requests.push(request);
    return this.#inOrder(request.mountpoint, async () => {
      await this.#pass(signal);
      const failure = this.#failures.shift();
      if (failure !== undefined) throw failure;
      const info = await this.#infoFor(request);
      if (this.#mounts.has(request.mountpoint)) throw new ShoalError('busy', `${request.mountpoint}: mounted already`);
      this.#mounts.set(request.mountpoint, info);
      return info;
    });
  }

  unmount(
    mountpoint: string,
    { signal, force = false }: { readonly signal: AbortSignal; readonly force?: boolean | undefined },
  ): Promise<void> {
    return this.#inOrder(mountpoint, async () => {
      if (signal.aborted) throw abortedError(signal);
      if (!this.#mounts.has(mountpoint)) throw new ShoalError('not-found', `${mountpoint}: not mounted`);
      if (this.busy.has(mountpoint) && !force) throw new ShoalError('busy', `${mountpoint}: in use`);
      this.#mounts.delete(mountpoint);
    });
  }

  async list(): Promise<readonly MountInfo[]> {
    return [...this.#mounts.values()];
  }

  async #infoFor({ reference, mountpoint, writable }: MountRequest): Promise<MountInfo> {
    const manifestDigest = this.images.get(reference);
    if (manifestDigest === undefined) throw new ShoalError('not-found', `image ${reference}: not there`);
    const isDirectory = await stat(mountpoint).then(
      attributes => attributes.isDirectory(),
      () => false,
    );
    if (!isDirectory) throw new ShoalError('not-found', `${mountpoint}: no directory`);
    const state = { name: 'ready', since: 0 } as const;
    return { reference, manifestDigest, mountpoint, driver: 'fuse', writable, mountedAt: 0, state, stats: NO_STATS };
  }

  async #pass(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortedError(signal);
    if (this.#gate === undefined) return;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => {
      this.aborted++;
      aborted.reject(abortedError(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#gate.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #inOrder<T>(mountpoint: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(mountpoint) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(mountpoint, mine);
    return mine;
  }
}
