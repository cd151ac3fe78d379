// The node's cache on disk: one sparse file and one map file per blob layout. Opens and shares blobs, and sees to it
// that what was stored reaches the disk in the background, never while a reader waits.

import { mkdir, readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import {
  type BlobLayout,
  type ChunkStore,
  type Clock,
  fromSystemError,
  type Logger,
  messageOf,
  ShoalError,
  type StoredBlob,
} from '../../core/index.ts';
import type { StoreLimits } from '../config.ts';
import { syncDirectory } from '../sync-directory.ts';
import { CachedBlob } from './cached-blob.ts';
import { ChunkPool } from './chunk-pool.ts';

export interface DiskStoreOptions {
  /** Created when missing; only one store may use it at a time (the daemon's lock sees to that). */
  readonly directory: string;
  /** The kernel's boot id, 32 hex digits without dashes. */
  readonly bootId: string;
  readonly limits: StoreLimits;
}

interface Entry {
  readonly blob: CachedBlob;
  holders: number;
  flushing: boolean;
  syncing: boolean;
}

/** stat(2) counts in these, whatever the file system's own blocks are. */
const STAT_BLOCK_BYTES = 512;

const LAYOUT_KEY = /^[0-9a-f]{64}$/;

export class DiskStore implements ChunkStore {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #options: DiskStoreOptions;
  readonly #pool: ChunkPool;
  readonly #entries = new Map<string, Promise<Entry>>();
  readonly #stopping = new AbortController();
  readonly #background = new Set<Promise<void>>();
  // One at a time: each occupies one of the few threads that serve all of Node's file operations.
  readonly #oneSync = pLimit(1);
  readonly #oneFlush = pLimit(1);
  #stopped: Promise<void> | undefined;

  constructor(ports: { readonly clock: Clock; readonly log: Logger }, options: DiskStoreOptions) {
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#options = options;
    this.#pool = new ChunkPool(ports.log, options.limits);
  }

  /** Creates the directory and warms the threads up. Optional: `open` does both when needed. */
  async start(): Promise<void> {
    try {
      const { directory } = this.#options;
      const isNew = (await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined;
      if (isNew) await syncDirectory(dirname(directory));
    } catch (error) {
      throw fromSystemError(error, `create ${this.#options.directory}`);
    }
    this.#pool.start();
  }

  async open(layout: BlobLayout): Promise<StoredBlob> {
    if (this.#stopping.signal.aborted) throw new ShoalError('internal', 'cache: stopped');
    if (!LAYOUT_KEY.test(layout.layoutKey)) {
      throw new ShoalError('malformed', `blob ${layout.id}: layout key ${JSON.stringify(layout.layoutKey)}`);
    }
    const opening = this.#entries.get(layout.layoutKey) ?? this.#openEntry(layout);
    const entry = await opening;
    // It may have been released for good between our finding it and its being ready.
    if (this.#entries.get(layout.layoutKey) !== opening) return this.open(layout);
    entry.holders++;
    return this.#handle(entry);
  }

  /** Bytes that the cache takes on its disk. Looks at every file of it: for who asks now and then. Rejects with `system`. */
  async usedBytes(): Promise<number> {
    const { directory } = this.#options;
    try {
      const sizes = (await readdir(directory)).map(name =>
        stat(join(directory, name)).then(
          ({ blocks }) => blocks * STAT_BLOCK_BYTES,
          () => 0, // a temporary file that has just been renamed
        ),
      );
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    } catch (error) {
      throw fromSystemError(error, `look at ${directory}`);
    }
  }

  /** Bytes of the blobs that are open, in memory: pages that the kernel takes back when it needs them. 0 where it does not say. */
  async memoryBytes(): Promise<number> {
    const entries = await Promise.allSettled(this.#entries.values());
    return entries.reduce((sum, entry) => sum + (entry.status === 'fulfilled' ? entry.value.blob.memoryBytes : 0), 0);
  }

  /** Bytes that are left on its disk. Rejects with `system`. */
  async freeBytes(): Promise<number> {
    try {
      const { bavail, bsize } = await statfs(this.#options.directory);
      return bavail * bsize;
    } catch (error) {
      throw fromSystemError(error, `look at ${this.#options.directory}`);
    }
  }

  /** The part of its disk that is free, 0 to 1. Rejects with `system`. */
  async freePart(): Promise<number> {
    try {
      const { bavail, blocks } = await statfs(this.#options.directory);
      return blocks === 0 ? 1 : bavail / blocks; // some file systems do not say
    } catch (error) {
      throw fromSystemError(error, `look at ${this.#options.directory}`);
    }
  }

  /** What is written is noted, for whoever opens the files after this process was killed. Not made durable. */
  async flush(): Promise<void> {
    const entries = await Promise.allSettled(this.#entries.values());
    await Promise.all(entries.map(async entry => entry.status === 'fulfilled' && entry.value.blob.flush()));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  #openEntry(layout: BlobLayout): Promise<Entry> {
    const key = layout.layoutKey;
    const opening = (async () => {
      await this.start();
      const files = {
        data: join(this.#options.directory, `${key}.data`),
        map: join(this.#options.directory, `${key}.map`),
        seal: join(this.#options.directory, `${key}.seal`),
      };
      const blob = await CachedBlob.open(layout, files, this.#options.bootId, {
        pool: this.#pool,
        log: this.#log,
        onChange: () => this.#noteChange(entry),
      });
      const entry: Entry = { blob, holders: 0, flushing: false, syncing: false };
      return entry;
    })();
    this.#entries.set(key, opening);
    opening.catch(() => {
      if (this.#entries.get(key) === opening) this.#entries.delete(key);
    });
    return opening;
  }

  #handle(entry: Entry): StoredBlob {
    const { blob } = entry;
    let open = true;
    return {
      layout: blob.layout,
      map: blob.map,
      path: blob.path,
      get presentBytes() {
        return blob.presentBytes;
      },
      // These work as long as anybody has the blob open: a fetch that one mount began may end in another's interest.
      put: payload => blob.put(payload),
      read: index => blob.read(index),
      pack: index => blob.pack(index),
      pin: signal => blob.pin(signal),
      evict: index => blob.evict(index),
      onChange: listener => blob.onChange(listener),
      close: async () => {
        if (!open) return;
        open = false;
        entry.holders--;
        if (entry.holders === 0) this.#inBackground(this.#release(entry));
      },
    };
  }

  /** Nobody holds it any more: makes it durable, and lets go unless somebody came back meanwhile. */
  async #release(entry: Entry): Promise<void> {
    await this.#oneSync(() => entry.blob.sync());
    if (entry.holders > 0 || this.#stopping.signal.aborted) return;
    const key = entry.blob.layout.layoutKey;
    const current = await this.#entries.get(key);
    if (current !== entry || entry.holders > 0) return;
    // Whoever opens it from here on waits for the files to be closed and opens them anew.
    const closed = entry.blob
      .close()
      .finally(() => this.#entries.delete(key))
      .then(() => entry);
    this.#entries.set(key, closed);
    await closed;
  }

  #noteChange(entry: Entry): void {
    const { mapFlushMs, syncMs } = this.#options.limits;
    if (!entry.flushing) {
      entry.flushing = true;
      this.#later(mapFlushMs, () => {
        entry.flushing = false;
        return this.#oneFlush(() => entry.blob.flush());
      });
    }
    if (!entry.syncing) {
      entry.syncing = true;
      this.#later(syncMs, () => {
        entry.syncing = false;
        return this.#oneSync(() => entry.blob.sync());
      });
    }
  }

  #later(ms: number, work: () => Promise<void>): void {
    const waited = this.#clock.sleep(ms, { signal: this.#stopping.signal }).then(
      () => true,
      () => false, // stopping: `stop` does it all
    );
    this.#inBackground(waited.then(async due => (due ? work() : undefined)));
  }

  #inBackground(work: Promise<void>): void {
    const guarded = work.catch(error => this.#complain(error));
    this.#background.add(guarded);
    void guarded.finally(() => this.#background.delete(guarded));
  }

  #complain(error: unknown): void {
    this.#log.error('cache upkeep failed', { error: messageOf(error) });
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#background);
    const entries = await Promise.allSettled(this.#entries.values());
    this.#entries.clear();
    for (const entry of entries) {
      // A disk that is full or broken keeps no other blob from being closed.
      if (entry.status === 'fulfilled') await entry.value.blob.close().catch(error => this.#complain(error));
    }
    await this.#pool.stop();
  }
}
