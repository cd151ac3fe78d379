// Is a cache file, as a whole, what the bootstrap says: every chunk its digest's, and zeros between them? Asked before the
// kernel gets the file to read by itself. The store plans stretches of the device (`stretchesOf`), its worker threads look
// at them (`findDamage`). Pure, but for the read that is an argument.

import { type BlobLayout, isShoalError } from '../../core/index.ts';
import { verifyChunk } from '../../image/index.ts';

const MIB = 1 << 20;
/** One job of a worker: some 20 ms, so that chunks that readers wait for are not kept waiting for longer. */
const STRETCH_BYTES = 32 * MIB;
const STRETCH_CHUNKS = 4_096;
/** Read at once. */
const WINDOW_BYTES = 4 * MIB;
const DIGEST_BYTES = 32;
const ZEROS = Buffer.alloc(64 << 10);

/** A part of a device, and the chunks in it in their order, in columns: a message of many small objects would be dear. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly indexes: Uint32Array;
  readonly offsets: Float64Array;
  readonly sizes: Uint32Array;
  /** 32 bytes for each. */
  readonly digests: Uint8Array;
}

/** Bytes that are not what they should be: a chunk, or (no index) something where there should be zeros. */
export interface Damage {
  readonly index?: number;
  readonly offset: number;
  readonly length: number;
}

/** Reads `length` bytes at `position` of the file to the start of `into`. */
export type ReadWhole = (into: Uint8Array, length: number, position: number) => void;

/** All of the device, in order; the chunks that the bootstrap describes, in order of their numbers, lie so in the device. */
export function* stretchesOf(layout: BlobLayout): Generator<Stretch> {
  let [from, numbers, bytes]: [number, number[], number] = [0, [], 0];
  for (let index = 0; index < layout.chunkCount; index++) {
    if (!layout.describes(index)) continue;
    const { deviceOffset, uncompressedSize } = layout.chunk(index);
    if (numbers.length > 0 && (numbers.length === STRETCH_CHUNKS || bytes + uncompressedSize > STRETCH_BYTES)) {
      yield stretch(layout, { from, to: deviceOffset, numbers });
      [from, numbers, bytes] = [deviceOffset, [], 0];
    }
    numbers.push(index);
    bytes += uncompressedSize;
  }
  yield stretch(layout, { from, to: layout.deviceSize, numbers });
}

function stretch(layout: BlobLayout, part: { from: number; to: number; numbers: readonly number[] }): Stretch {
  const { from, to, numbers } = part;
  const digests = new Uint8Array(numbers.length * DIGEST_BYTES);
  const chunks = numbers.map((index, at) => {
    const chunk = layout.chunk(index);
    digests.set(chunk.digest, at * DIGEST_BYTES);
    return chunk;
  });
  return {
    from,
    to,
    indexes: Uint32Array.from(numbers),
    offsets: Float64Array.from(chunks, ({ deviceOffset }) => deviceOffset),
    sizes: Uint32Array.from(chunks, ({ uncompressedSize }) => uncompressedSize),
    digests,
  };
}

/** Everything in the stretch that is not what it should be, in order. Throws what `read` throws. */
export function findDamage(
  blob: Pick<BlobLayout, 'id' | 'digester'>,
  { from, to, indexes, offsets, sizes, digests }: Stretch,
  read: ReadWhole,
): Damage[] {
  const damage: Damage[] = [];
  const window = new Window(read, to, Math.max(WINDOW_BYTES, ...sizes));
  let end = from;
  for (let at = 0; at < indexes.length; at++) {
    const [index, offset, length] = [indexes[at] ?? 0, offsets[at] ?? 0, sizes[at] ?? 0];
    damage.push(...strayBytes(window, end, offset));
    const digest = digests.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES);
    if (!isChunk(window.bytes(offset, length), { blobId: blob.id, index, digester: blob.digester, digest })) {
      damage.push({ index, offset, length });
    }
    end = offset + length;
  }
  damage.push(...strayBytes(window, end, to));
  return damage;
}

function isChunk(bytes: Uint8Array, expected: Parameters<typeof verifyChunk>[1]): boolean {
  try {
    verifyChunk(bytes, expected);
    return true;
  } catch (error) {
    if (isShoalError(error, 'digest-mismatch')) return false;
    throw error;
  }
}

/** At most one: the gap. */
function strayBytes(window: Window, from: number, to: number): Damage[] {
  for (let at = from; at < to; at += ZEROS.length) {
    const length = Math.min(ZEROS.length, to - at);
    if (ZEROS.compare(window.bytes(at, length), 0, length, 0, length) !== 0) {
      return [{ offset: from, length: to - from }];
    }
  }
  return [];
}

/** The part of the file that is in memory; it only ever moves forward. */
class Window {
  readonly #read: ReadWhole;
  readonly #end: number;
  readonly #memory: Uint8Array;
  #start = 0;
  #length = 0;

  constructor(read: ReadWhole, end: number, size: number) {
    this.#read = read;
    this.#end = end;
    this.#memory = Buffer.allocUnsafeSlow(size);
  }

  /** A view, good until the next call. */
  bytes(offset: number, length: number): Uint8Array {
    if (offset < this.#start || offset + length > this.#start + this.#length) {
      this.#start = offset;
      this.#length = Math.min(this.#memory.length, this.#end - offset);
      this.#read(this.#memory, this.#length, offset);
    }
    return this.#memory.subarray(offset - this.#start, offset - this.#start + length);
  }
}
