// A compressor of a conversion: compresses the chunks of one slab after another, in place. No chunk grows (those that
// would are kept as they are), so the compressed chunks fit, back to back, where the chunks were.

import { parentPort, workerData } from 'node:worker_threads';
import { ShoalError } from '../core/index.ts';
import { frameBound, openFrameCompressor } from '../image/index.ts';
import { failureOf } from './failure.ts';
import type { CompressorSetup, CompressReply, CompressRequest } from './messages.ts';

const setup: CompressorSetup = workerData;
const { buffer: memory, slabBytes } = setup.memory;
const compressor = openFrameCompressor(setup.level);
/** A chunk that is as long as the slab would fit; what is never touched takes no memory. */
const frame = new Uint8Array(frameBound(slabBytes));

parentPort?.on('message', (request: CompressRequest) => {
  try {
    if (request.kind === 'stop') end();
    else parentPort?.postMessage(compressSlab(request));
  } catch (error) {
    parentPort?.postMessage(failureOf(error));
  }
});

/** The thread ends when it has nothing more to listen to. */
function end(): void {
  compressor.close();
  parentPort?.close();
}

function compressSlab({ slot, lengths }: Extract<CompressRequest, { kind: 'compress' }>): CompressReply {
  const slab = new Uint8Array(memory, slot * slabBytes, slabBytes);
  const storedSizes = new Uint32Array(lengths.length);
  const flags = new Uint8Array(lengths.length);
  let from = 0;
  let to = 0;
  for (const [i, length] of lengths.entries()) {
    if (Atomics.load(setup.stopping, 0) !== 0) throw new ShoalError('aborted', 'the conversion has ended');
    const size = compressor.compress(slab.subarray(from, from + length), frame);
    if (size > 0) slab.set(frame.subarray(0, size), to);
    else slab.copyWithin(to, from, from + length);
    storedSizes[i] = size > 0 ? size : length;
    flags[i] = size > 0 ? 1 : 0;
    to += size > 0 ? size : length;
    from += length;
  }
  return { kind: 'compressed', storedSizes, compressed: flags };
}
