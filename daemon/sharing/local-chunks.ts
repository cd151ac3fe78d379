// Chunks that this node has already, in other blobs: images that were built one after the other share most of their
// chunks, but not always the blobs that these are in. Looked up by digest before anything is fetched, copied, and verified
// again on the way. Only blobs that are open now are known; nobody outside can ask by digest.

import { randomFillSync } from 'node:crypto';
import pLimit from 'p-limit';
import { type Logger, messageOf, type StoredBlob } from '../../core/index.ts';
import type { LocalChunks } from '../fetch/engine.ts';

/** Chunks that are indexed at once, 8 bytes each: 16 MiB, some terabytes of images. Blobs beyond that are not looked into. */
export const MAX_INDEXED_CHUNKS = 1 << 21;

/** Chunks in memory at once while they are copied. The largest have 16 MiB. */
const COPIES_AT_ONCE = 4;

interface Member {
  readonly blob: StoredBlob;
  holders: number;
  copiedBytes: number;
  /** Made when somebody first looks for something in it. */
  index: DigestIndex | undefined;
}

/**
 * Makes a slot's number out of a digest. Secret: the digests are what a bootstrap says, and a hostile one would choose them
 * so that all fall into one slot.
 */
const HASH_KEY = randomFillSync(new Int32Array(8));

/** One holder's share of a blob. */
export interface KnownBlob {
  /** Stored bytes of chunks that were copied into this blob since it is known. */
  readonly copiedBytes: number;
  forget(): void;
}

export class NodeChunks implements LocalChunks {
  readonly #log: Logger;
  readonly #maxIndexed: number;
  readonly #members = new Map<string, Member>();
  readonly #limit = pLimit(COPIES_AT_ONCE);
  #indexed = 0;
  #copied = 0;

  constructor(log: Logger, maxIndexed = MAX_INDEXED_CHUNKS) {
    this.#log = log;
    this.#maxIndexed = maxIndexed;
  }

  /** Chunks that were copied. */
  get copied(): number {
    return this.#copied;
  }

  /** The blob is open, until `forget`. */
  add(blob: StoredBlob): KnownBlob {
    const { layoutKey } = blob.layout;
    const member = this.#members.get(layoutKey) ?? { blob, holders: 0, copiedBytes: 0, index: undefined };
    this.#members.set(layoutKey, member);
    member.holders++;
    const before = member.copiedBytes;
    let known = true;
    return {
      get copiedBytes() {
        return member.copiedBytes - before;
      },
      forget: () => {
        if (!known) return;
        known = false;
        if (--member.holders > 0) return;
        this.#members.delete(layoutKey);
        this.#indexed -= member.index?.chunkCount ?? 0;
      },
    };
  }

  copy(blob: StoredBlob, index: number): Promise<boolean> | undefined {
    const found = this.#find(blob, index);
    return found && this.#limit(() => this.#copy(found, { blob, index }));
  }

  #find(blob: StoredBlob, index: number): Found | undefined {
    if (this.#members.size < 2) return undefined;
    const { digest, uncompressedSize } = blob.layout.chunk(index);
    for (const member of this.#members.values()) {
      const { layout, map } = member.blob;
      if (layout.layoutKey === blob.layout.layoutKey || layout.digester !== blob.layout.digester) continue;
      if (map.presentCount === 0) continue;
      const at = this.#indexOf(member)?.find(digest, uncompressedSize);
      if (at !== undefined && map.has(at)) return { blob: member.blob, index: at };
    }
    return undefined;
  }

  #indexOf(member: Member): DigestIndex | undefined {
    const { chunkCount } = member.blob.layout;
    if (member.index === undefined && this.#indexed + chunkCount <= this.#maxIndexed) {
      this.#indexed += chunkCount;
      member.index = new DigestIndex(member.blob);
    }
    return member.index;
  }

  async #copy(from: Found, { blob, index }: Found): Promise<boolean> {
    try {
      const bytes = await from.blob.read(from.index);
      if (bytes === undefined) return false;
      await blob.put({ index, packing: 'none', bytes });
    } catch (error) {
      this.#log.debug('chunk could not be copied; it is fetched', { error: messageOf(error) });
      return false;
    }
    this.#copied++;
    const member = this.#members.get(blob.layout.layoutKey);
    if (member !== undefined) member.copiedBytes += blob.layout.chunk(index).compressedSize;
    return true;
  }
}

interface Found {
  readonly blob: StoredBlob;
  readonly index: number;
}

/** From a digest to the chunk that has it, of one blob: a hash table with open addressing, half full. */
class DigestIndex {
  readonly chunkCount: number;
  readonly #blob: StoredBlob;
  /** Chunk index + 1; 0 is free. */
  readonly #slots: Int32Array;
  readonly #shift: number;

  constructor(blob: StoredBlob) {
    const { layout } = blob;
    this.#blob = blob;
    this.chunkCount = layout.chunkCount;
    const bits = Math.ceil(Math.log2(Math.max(2, 2 * layout.chunkCount)));
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    for (let index = 0; index < layout.chunkCount; index++) if (layout.describes(index)) this.#add(index);
  }

  find(digest: Uint8Array, uncompressedSize: number): number | undefined {
    for (let slot = this.#first(digest); ; slot = this.#next(slot)) {
      const index = (this.#slots[slot] ?? 0) - 1;
      if (index < 0) return undefined;
      const chunk = this.#blob.layout.chunk(index);
      if (chunk.uncompressedSize === uncompressedSize && Buffer.compare(chunk.digest, digest) === 0) return index;
    }
  }

  /** Equal chunks are kept once: a hostile blob may have a million of them. */
  #add(index: number): void {
    const { digest, uncompressedSize } = this.#blob.layout.chunk(index);
    let slot = this.#first(digest);
    for (; (this.#slots[slot] ?? 0) !== 0; slot = this.#next(slot)) {
      const other = this.#blob.layout.chunk((this.#slots[slot] ?? 0) - 1);
      if (other.uncompressedSize === uncompressedSize && Buffer.compare(other.digest, digest) === 0) return;
    }
    this.#slots[slot] = index + 1;
  }

  #first(digest: Uint8Array): number {
    const words = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
    let hash = 0;
    for (let at = 0; at < HASH_KEY.length; at++) {
      hash = (hash + Math.imul(words.getInt32(4 * at, true), HASH_KEY[at] ?? 0)) | 0;
    }
    // Of such a sum the high bits are the good ones.
    return hash >>> this.#shift;
  }

  #next(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1);
  }
}
