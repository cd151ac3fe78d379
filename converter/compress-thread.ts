// A compressor of a conversion: compresses the chunks of one slab after another, in place. No chunk grows (those that
// would are kept as they are), so the compressed chunks fit, back to back, where the chunks were.

import { parentPort, workerData } from 'node:worker_threads';
import { compressChunk } from '../image/index.ts';
import { failureOf } from './failure.ts';
import type { CompressorSetup, CompressReply, CompressRequest } from './messages.ts';

const setup: CompressorSetup = workerData;
const { buffer: memory, slabBytes } = setup.memory;

parentPort?.on('message', (request: CompressRequest) => {
  try {
    parentPort?.postMessage(compressSlab(request));
  } catch (error) {
    parentPort?.postMessage(failureOf(error));
  }
});

function compressSlab({ slot, lengths }: CompressRequest): CompressReply {
  const slab = new Uint8Array(memory, slot * slabBytes, slabBytes);
  const storedSizes = new Uint32Array(lengths.length);
  const flags = new Uint8Array(lengths.length);
  let from = 0;
  let to = 0;
  lengths.forEach((length, i) => {
    const { bytes, compressed } = compressChunk(slab.subarray(from, from + length), { level: setup.level });
    slab.set(bytes, to);
    storedSizes[i] = bytes.length;
    to += bytes.length;
    bytes.buffer.transfer(0); // frees it now: some megabytes a second would wait for a collection
    flags[i] = compressed ? 1 : 0;
    from += length;
  });
  return { kind: 'compressed', storedSizes, compressed: flags };
}
