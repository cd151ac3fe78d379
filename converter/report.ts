// What a conversion did, for people and for programs (`--json`). All sizes are bytes.

import type { Digest } from '../core/index.ts';
import type { ConvertWarning } from './warnings.ts';

export interface LayerReport {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Of the layer as it came. */
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  readonly entries: number;
  readonly fileBytes: number;
  readonly chunks: number;
  /** Chunks that an earlier layer, or an earlier file, had already. */
  readonly duplicateChunks: number;
  readonly duplicateBytes: number;
  /** Absent when the layer brought no new content, or none that is left in the end. */
  readonly blob?: { readonly digest: Digest; readonly size: number };
}

export interface ConvertTotals {
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  readonly entries: number;
  readonly fileBytes: number;
  readonly chunks: number;
  readonly duplicateChunks: number;
  readonly duplicateBytes: number;
  readonly blobs: number;
  readonly blobBytes: number;
}

export interface ConvertReport {
  readonly source: { readonly name: string; readonly digest: Digest };
  readonly target: { readonly name: string; readonly digest: Digest };
  readonly layers: readonly LayerReport[];
  readonly bootstrap: { readonly digest: Digest; readonly size: number; readonly uncompressedSize: number };
  readonly totals: ConvertTotals;
  readonly warnings: readonly ConvertWarning[];
  readonly elapsedMs: number;
  /** Uncompressed layer bytes a second. */
  readonly bytesPerSecond: number;
}

export function totalsOf(layers: readonly LayerReport[]): ConvertTotals {
  const sum = (of: (layer: LayerReport) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  return {
    compressedBytes: sum(layer => layer.compressedBytes),
    uncompressedBytes: sum(layer => layer.uncompressedBytes),
    entries: sum(layer => layer.entries),
    fileBytes: sum(layer => layer.fileBytes),
    chunks: sum(layer => layer.chunks),
    duplicateChunks: sum(layer => layer.duplicateChunks),
    duplicateBytes: sum(layer => layer.duplicateBytes),
    blobs: sum(layer => (layer.blob ? 1 : 0)),
    blobBytes: sum(layer => layer.blob?.size ?? 0),
  };
}
