// A bootstrap's layer out of the swarm: when many nodes open an image at once, the registry sends it once. It is the first
// part of an image that nodes share, before any of its chunks has begun its journey.

import { type Clock, type RangeReader, ShoalError, type Swarm, type SwarmBlob } from '../core/index.ts';
import type { FetchLayer } from './accelerated-image.ts';

/** Bytes of one read, and how many are under way: enough for the swarm to ask several nodes at once. */
const RANGE_BYTES = 1 << 20;
const READS_AHEAD = 4;

/** A swarm waits for as long as somebody may bring the bytes; who mounts an image does not. Ms without a range. */
const PATIENCE_MS = 15_000;

/** Layers by way of the swarm; `origin` is where this node fetches what it is told to. */
export function layersOfSwarm(
  swarm: Swarm,
  { origin, clock }: { readonly origin: RangeReader; readonly clock: Clock },
): FetchLayer {
  return (layer, { signal }) => readInOrder(swarm.join(layer, { origin }), layer.size, { signal, clock });
}

/** All bytes of the blob, and leaves it. Throws what reading throws, and `timeout`. */
async function* readInOrder(
  blob: SwarmBlob,
  size: number,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): AsyncGenerator<Uint8Array> {
  const leaving = new AbortController();
  const ending = AbortSignal.any([signal, leaving.signal]);
  const reads: Promise<{ readonly bytes: Uint8Array }>[] = [];
  let asked = 0;
  try {
    for (;;) {
      for (; asked < size && reads.length < READS_AHEAD; asked += RANGE_BYTES) {
        const range = { offset: asked, length: Math.min(RANGE_BYTES, size - asked) };
        const read = blob.read(range, { lane: 'demand', signal: ending });
        read.catch(() => {}); // it may fail before its turn
        reads.push(read);
      }
      const next = reads.shift();
      if (!next) return;
      yield (await patiently(next, ending, clock)).bytes;
    }
  } finally {
    leaving.abort();
    blob.leave();
  }
}

async function patiently<T>(result: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  const done = new AbortController();
  const patience = clock.sleep(PATIENCE_MS, { signal: AbortSignal.any([signal, done.signal]) }).then(() => {
    throw new ShoalError('timeout', `no bytes from other nodes within ${PATIENCE_MS} ms`);
  });
  try {
    return await Promise.race([result, patience]);
  } finally {
    done.abort();
  }
}
