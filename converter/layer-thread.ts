// The layer thread of a conversion: decompresses one layer after another (zlib does that in yet another thread), hashes
// what comes out, reads the tar and packs the files into slabs. Everything here is in the order of the layers, which is
// what makes the result independent of timing.

import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { ShoalError } from '../core/index.ts';
import {
  BATCH_ENTRIES,
  BATCH_REFERENCES,
  BATCHES_UNDER_WAY,
  MAX_BLOBS,
  MAX_CHUNK_REFERENCES,
  TAR_LIMITS,
} from './config.ts';
import { Credits } from './credits.ts';
import { failureOf } from './failure.ts';
import { LayerPacker, type Slab } from './layer-packer.ts';
import type { FromLayerThread, LayerThreadSetup, ParsedLayer, ToLayerThread } from './messages.ts';
import { TarReader } from './tar-reader.ts';
import { type InputPiece, unpack } from './unpack.ts';

const setup: LayerThreadSetup = workerData;
const { buffer: memory, slabBytes } = setup.memory;

const input: Extract<ToLayerThread, { kind: 'piece' | 'end' }>[] = [];
let inputArrived = () => {};
const slots = new Credits<number>(Array.from({ length: memory.byteLength / slabBytes }, (_, slot) => slot));
const batches = new Credits<true>(Array.from({ length: BATCHES_UNDER_WAY }, () => true as const));
const packer = new LayerPacker({
  chunkSize: setup.chunkSize,
  maxReferences: MAX_CHUNK_REFERENCES,
  maxBlobs: MAX_BLOBS,
});

parentPort?.on('message', (message: ToLayerThread) => {
  if (message.kind === 'slot') slots.give(message.slot);
  else if (message.kind === 'batch-done') batches.give(true);
  else {
    input.push(message);
    inputArrived();
  }
});

readLayers().catch((error: unknown) => post(failureOf(error)));

async function readLayers(): Promise<never> {
  for (;;) post({ kind: 'layer', layer: await readLayer() });
}

async function readLayer(): Promise<ParsedLayer> {
  const reader = new TarReader(TAR_LIMITS);
  const hash = createHash('sha256');
  let uncompressedBytes = 0;
  let isOver = false;
  packer.beginLayer();
  // What follows the end of the archive is no part of it, but of the layer's diff id.
  for await (const piece of unpack(layerInput())) {
    hash.update(piece);
    uncompressedBytes += piece.length;
    if (isOver) continue;
    reader.feed(piece);
    isOver = await packEvents(reader);
  }
  if (!isOver) {
    reader.finish();
    await packEvents(reader);
  }
  changeSlab(undefined);
  await sendBatch();
  return {
    diffIdHex: hash.digest('hex'),
    uncompressedBytes,
    tally: packer.tally,
    ignoredGlobalHeaders: reader.ignoredGlobalHeaders,
  };
}

/** Packs what the reader can tell without more input. Returns whether the archive is over. */
async function packEvents(reader: TarReader): Promise<boolean> {
  for (;;) {
    const event = reader.read();
    switch (event.kind) {
      case 'input':
        return false;
      case 'end':
        return true;
      case 'entry':
        // The file before is complete: only between files a batch has all the references of its entries.
        if (isBatchFull()) await sendBatch();
        packer.begin(event.entry);
        break;
      case 'data':
        await packData(event.bytes);
        break;
      case 'zeros':
        await packZeros(event.count);
        break;
    }
  }
}

async function packData(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    if (packer.isFull) changeSlab(await emptySlab());
    at += packer.write(at === 0 ? bytes : bytes.subarray(at));
  }
}

async function packZeros(count: number): Promise<void> {
  for (let done = 0; done < count; ) {
    done += packer.skipKnownZeros(count - done);
    if (done === count) return;
    if (packer.isFull) changeSlab(await emptySlab());
    done += packer.zeros(count - done);
  }
}

async function emptySlab(): Promise<Slab> {
  // The slab in hand goes out first: with few slots, the next one may be the same slot, when it comes back.
  changeSlab(undefined);
  const slot = await slots.take();
  return { slot, bytes: new Uint8Array(memory, slot * slabBytes, slabBytes) };
}

function changeSlab(next: Slab | undefined): void {
  const { packed, freeSlot } = packer.changeSlab(next);
  if (packed) post({ kind: 'slab', slab: packed });
  if (freeSlot !== undefined) slots.give(freeSlot);
}

function isBatchFull(): boolean {
  const { entries, references } = packer.batchSize;
  return entries >= BATCH_ENTRIES || references >= BATCH_REFERENCES;
}

async function sendBatch(): Promise<void> {
  await batches.take();
  post({ kind: 'batch', batch: packer.takeBatch() });
}

/** The pieces of one layer, as they arrive; each buffer goes back to the main thread when it is used up. */
async function* layerInput(): AsyncGenerator<InputPiece> {
  for (;;) {
    const message = input.shift();
    if (!message) {
      await new Promise<void>(resolve => {
        inputArrived = resolve;
      });
      continue;
    }
    if (message.kind === 'end') return;
    const { buffer, length } = message;
    yield {
      bytes: new Uint8Array(buffer, 0, length),
      release: () => post({ kind: 'credit', buffer }, [buffer]),
    };
  }
}

function post(message: FromLayerThread, transfer: ArrayBuffer[] = []): void {
  if (!parentPort) throw new ShoalError('internal', 'the layer thread is no thread');
  parentPort.postMessage(message, transfer);
}
