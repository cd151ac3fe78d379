// The layer thread of a conversion: decompresses one layer after another (zlib does that in yet another thread), hashes
// what comes out, reads the tar, packs the files into slabs, and merges the entries into the image's tree. Everything here
// is in the order of the layers, which is what makes the result independent of timing.

import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { ShoalError } from '../core/index.ts';
import { MAX_BLOBS, MAX_CHUNK_REFERENCES, TAR_LIMITS } from './config.ts';
import { Credits } from './credits.ts';
import { failureOf } from './failure.ts';
import { ImageMerger } from './image-merger.ts';
import { LayerPacker, type Slab } from './layer-packer.ts';
import type { BlobDescription, FromLayerThread, LayerThreadSetup, ParsedLayer, ToLayerThread } from './messages.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';
import { type InputPiece, unpack } from './unpack.ts';

const setup: LayerThreadSetup = workerData;
const { buffer: memory, slabBytes } = setup.memory;

const input: Extract<ToLayerThread, { kind: 'begin' | 'piece' | 'end' }>[] = [];
let inputArrived = () => {};
const slots = new Credits<number>(Array.from({ length: memory.byteLength / slabBytes }, (_, slot) => slot));
const packer = new LayerPacker({
  chunkSize: setup.chunkSize,
  maxReferences: MAX_CHUNK_REFERENCES,
  maxBlobs: MAX_BLOBS,
});
const merger = new ImageMerger(setup.chunkSize);
/** The entry whose content is being packed. */
let current: TarEntry | undefined;

parentPort?.on('message', (message: ToLayerThread) => {
  if (message.kind === 'slot') slots.give(message.slot);
  else if (message.kind === 'finish') finishImage(message.blobs);
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
  const first = await nextInput();
  if (first.kind !== 'begin') throw new ShoalError('internal', `a layer begins with ${first.kind}`);
  const { limit } = first;
  const reader = new TarReader(TAR_LIMITS);
  const hash = createHash('sha256');
  let uncompressedBytes = 0;
  let isOver = false;
  packer.beginLayer();
  // What follows the end of the archive is no part of it, but of the layer's diff id.
  for await (const piece of unpack(layerInput())) {
    hash.update(piece);
    uncompressedBytes += piece.length;
    if (uncompressedBytes > limit.bytes) throw new ShoalError('limit', limit.what);
    if (isOver) continue;
    reader.feed(piece);
    isOver = await packEvents(reader);
  }
  if (!isOver) {
    reader.finish();
    await packEvents(reader);
  }
  mergeCurrent();
  merger.endLayer(reader);
  changeSlab(undefined);
  return {
    diffIdHex: hash.digest('hex'),
    uncompressedBytes,
    tally: packer.tally,
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
        mergeCurrent();
        packer.begin(event.entry);
        current = event.entry;
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

/** Puts the entry into the tree; its content, and so the list of its chunks, is complete. */
function mergeCurrent(): void {
  if (current) merger.add(current, packer.takeReferences());
  current = undefined;
}

function finishImage(blobs: readonly BlobDescription[]): void {
  try {
    const image = merger.finish(blobs);
    post({ kind: 'image', image }, [image.bootstrap.buffer]);
  } catch (error) {
    post(failureOf(error));
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

/** The pieces of one layer, as they arrive; each buffer goes back to the main thread when it is used up. */
async function* layerInput(): AsyncGenerator<InputPiece> {
  for (;;) {
    const message = await nextInput();
    if (message.kind !== 'piece') return;
    const { buffer, length } = message;
    yield {
      bytes: new Uint8Array(buffer, 0, length),
      release: () => post({ kind: 'credit', buffer }, [buffer]),
    };
  }
}

async function nextInput(): Promise<(typeof input)[number]> {
  for (;;) {
    const message = input.shift();
    if (message) return message;
    await new Promise<void>(resolve => {
      inputArrived = resolve;
    });
  }
}

function post(message: FromLayerThread, transfer: ArrayBuffer[] = []): void {
  if (!parentPort) throw new ShoalError('internal', 'the layer thread is no thread');
  parentPort.postMessage(message, transfer);
}
