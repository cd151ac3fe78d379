// The memory of a ring's entries: where the kernel puts a request and where it takes the reply from. Made in slabs that
// take no memory until they are written to; an entry keeps its place for as long as the mount lives, because the kernel
// knows it by its address and other threads put answers there.

import { PAGE_BYTES } from '../system-calls.ts';
import { MAX_READ_BYTES } from './device.ts';
import { OutHeader } from './protocol.ts';
import { mapLazily, type Region, viewOf } from './ring-calls.ts';

/** An entry: a page that begins with struct fuse_uring_req_header, then the payload. */
const ENTRY_BYTES = PAGE_BYTES + MAX_READ_BYTES;
const SLAB_ENTRIES = 8;
/** Of an entry's two struct iovec. */
const IOVEC_BYTES = 32;
const IOVECS_AT = PAGE_BYTES / 2;

export interface EntryMemory {
  /** Where the kernel is told to look: two struct iovec, of header and payload. */
  readonly iovecs: bigint;
  readonly payload: bigint;
  /** struct fuse_uring_req_header, in words. */
  readonly header: Uint32Array;
  /** What the request brought besides headers. */
  readonly payloadBytes: Uint8Array;
  /** A reply as `FuseDevice` builds it: room for its header, then the body, which is the payload. */
  readonly reply: Uint32Array;
  readonly replyBytes: Uint8Array;
}

export class RingMemory {
  readonly #onSlab: (slab: Region) => void;
  readonly #free: EntryMemory[] = [];

  /** `onSlab` learns of all memory that is mapped, to unmap it when nobody uses it any more. */
  constructor(onSlab: (slab: Region) => void) {
    this.#onSlab = onSlab;
  }

  /** Memory for one more entry. Throws `system`. */
  take(): EntryMemory {
    if (this.#free.length === 0) this.#grow();
    const entry = this.#free.pop();
    if (entry === undefined) throw new RangeError('a slab without entries');
    return entry;
  }

  #grow(): void {
    const slab = mapLazily(SLAB_ENTRIES * ENTRY_BYTES);
    this.#onSlab(slab);
    const memory = viewOf(slab);
    for (let at = 0; at < slab.bytes; at += ENTRY_BYTES) this.#free.push(entryAt(memory, slab.address, at));
  }
}

function entryAt(memory: ArrayBuffer, base: bigint, at: number): EntryMemory {
  const address = base + BigInt(at);
  const payload = address + BigInt(PAGE_BYTES);
  const iovecs = new BigUint64Array(memory, at + IOVECS_AT, IOVEC_BYTES / 8);
  iovecs.set([address, BigInt(PAGE_BYTES / 2), payload, BigInt(MAX_READ_BYTES)]);
  const replyAt = at + PAGE_BYTES - OutHeader.BYTES;
  return {
    iovecs: address + BigInt(IOVECS_AT),
    payload,
    header: new Uint32Array(memory, at, PAGE_BYTES / 8),
    payloadBytes: new Uint8Array(memory, at + PAGE_BYTES, MAX_READ_BYTES),
    reply: new Uint32Array(memory, replyAt, (OutHeader.BYTES + MAX_READ_BYTES) / 4),
    replyBytes: new Uint8Array(memory, replyAt, OutHeader.BYTES + MAX_READ_BYTES),
  };
}
