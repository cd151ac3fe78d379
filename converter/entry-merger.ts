// Between the layer thread and the overlay: takes batches of entries apart and gives each file its chunks.

import { ShoalError } from '../core/index.ts';
import type { EntryBatch } from './messages.ts';
import type { Overlay } from './overlay.ts';

const NO_CHUNKS = new Uint32Array(0);

/** Merges a batch; `chunkSize` decides how many references belong to a file. Throws what the overlay throws. */
export function mergeBatch(overlay: Overlay, batch: EntryBatch, chunkSize: number): void {
  let at = 0;
  for (const entry of batch.entries) {
    const length = entry.kind === 'file' ? 2 * Math.ceil(entry.size / chunkSize) : 0;
    // A view: the batch's memory lives as long as one of its files, which is as long as the tree.
    overlay.add(entry, length > 0 ? batch.references.subarray(at, at + length) : NO_CHUNKS);
    at += length;
  }
  if (at !== batch.references.length) {
    throw new ShoalError('internal', `a batch has ${batch.references.length} references for files that need ${at}`);
  }
}
