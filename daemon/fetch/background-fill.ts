// The rest of an image, while its programs run already (design §7, ready-time rule): so the worst case is a full pull.
// Asks the engine for what is missing, blob after blob, in the background lane: readers go first, and at a registry the
// background keeps quiet while one waits. Sources that fail are the engine's business; it waits with them.

import { type ChunkSource, type Clock, type Logger, messageOf, type StoredBlob } from '../../core/index.ts';
import type { FillLimits } from '../config.ts';
import { ByteBudget } from './byte-budget.ts';
import type { FetchEngine } from './engine.ts';
import type { Pace } from './pace.ts';

export interface FillPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly engine: Pick<FetchEngine, 'ensure'>;
  /** Shared by all fills of a node. */
  readonly pace: Pace;
  /** The part of the cache's disk that is free, 0 to 1. */
  readonly freePart: () => Promise<number>;
}

export class BackgroundFill {
  readonly #ports: FillPorts;
  readonly #limits: FillLimits;
  readonly #blobs: readonly StoredBlob[];
  readonly #sources: readonly ChunkSource[];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(
    ports: FillPorts,
    image: { readonly blobs: readonly StoredBlob[]; readonly sources: readonly ChunkSource[] },
    limits: FillLimits,
  ) {
    this.#ports = ports;
    this.#blobs = image.blobs;
    this.#sources = image.sources;
    this.#limits = limits;
  }

  /** Begins, in the background. Idempotent. */
  start(): void {
    this.#running ??= this.#run().catch(error => {
      if (!this.#stop.signal.aborted)
        this.#ports.log.error('the rest of the image is not fetched', { error: messageOf(error) });
    });
  }

  /** Resolves when nothing of it is under way any more. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const budget = new ByteBudget(this.#limits.outstandingBytes);
    const underWay = new Set<Promise<void>>();
    for (const group of this.#groups()) {
      await this.#untilRoom();
      await this.#ports.pace.take(group.bytes, signal);
      await budget.take(group.bytes, signal);
      const fetching = this.#fetch(group)
        .catch(() => {}) // by the signal only: the next wait ends the loop
        .finally(() => {
          budget.give(group.bytes);
          underWay.delete(fetching);
        });
      underWay.add(fetching);
    }
    await Promise.all(underWay);
    if (signal.aborted) return;
    const missing = this.#blobs.reduce((sum, blob) => sum + missingChunks(blob), 0);
    // What could not be had is tried again when somebody reads it.
    if (missing > 0) this.#ports.log.warn('parts of the image could not be fetched in advance', { chunks: missing });
    else this.#ports.log.info('all of the image is here');
  }

  async #fetch({ blob, chunks }: Group): Promise<void> {
    const { tries } = this.#limits;
    const { signal } = this.#stop;
    await this.#ports.engine.ensure(blob, chunks, { lane: 'background', sources: this.#sources, signal, tries });
  }

  /** Somebody else may need what is left of the disk. */
  async #untilRoom(): Promise<void> {
    const { clock, log, freePart } = this.#ports;
    const { minFreePart, roomPollMs } = this.#limits;
    let said = false;
    while ((await freePart()) < minFreePart) {
      if (!said) log.info('the disk is nearly full: the rest of the image waits for room');
      said = true;
      await clock.sleep(roomPollMs, { signal: this.#stop.signal });
    }
  }

  /** What is missing, when it is asked for, in pieces that make one request each. */
  *#groups(): Generator<Group> {
    const { groupBytes, groupChunks } = this.#limits;
    const maxBytes = this.#ports.pace.atOnce(groupBytes);
    for (const blob of this.#blobs) {
      let [chunks, bytes]: [number[], number] = [[], 0];
      for (let index = 0; index < blob.layout.chunkCount; index++) {
        if (!blob.layout.describes(index) || blob.map.has(index)) continue;
        const { compressedSize } = blob.layout.chunk(index);
        if (chunks.length === groupChunks || (bytes > 0 && bytes + compressedSize > maxBytes)) {
          yield { blob, chunks, bytes };
          [chunks, bytes] = [[], 0];
          if (blob.map.has(index)) continue; // it came while that was under way
        }
        chunks.push(index);
        bytes += compressedSize;
      }
      if (chunks.length > 0) yield { blob, chunks, bytes };
    }
  }
}

interface Group {
  readonly blob: StoredBlob;
  readonly chunks: readonly number[];
  readonly bytes: number;
}

function missingChunks({ layout, map }: StoredBlob): number {
  let missing = 0;
  for (let index = 0; index < layout.chunkCount; index++) if (layout.describes(index) && !map.has(index)) missing++;
  return missing;
}
