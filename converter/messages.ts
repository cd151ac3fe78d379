// What the threads of a conversion say to one another. Every thread answers with `failed` when it cannot go on.
//
//   main ──piece──▶ layer thread ──slab──▶ main ──compress──▶ compressors ──▶ main ──write──▶ blob thread
//        ◀─credit──              ◀─free slot──────────────────────────────────────┘
//
// File contents never travel in messages: they stay in slots of shared memory, and messages name the slot.

import type { ErrorCode } from '../core/index.ts';
import type { ChunkColumns, FinishedBlob } from '../image/index.ts';
import type { UnpackLimit } from './unpack-limit.ts';
import type { ConvertWarning } from './warnings.ts';

export interface Failure {
  readonly kind: 'failed';
  readonly code: ErrorCode;
  readonly message: string;
  /** Where it happened; of our own bugs only. */
  readonly stack?: string | undefined;
}

/** Slots of `slabBytes` each, back to back in shared memory. */
export interface SlabMemory {
  readonly buffer: SharedArrayBuffer;
  readonly slabBytes: number;
}

export interface LayerThreadSetup {
  readonly memory: SlabMemory;
  readonly chunkSize: number;
}

export type ToLayerThread =
  /** The next layer begins. */
  | { readonly kind: 'begin'; readonly limit: UnpackLimit }
  /** A full buffer (the last of a layer may be shorter); it comes back as `credit`. */
  | { readonly kind: 'piece'; readonly buffer: ArrayBuffer; readonly length: number }
  /** The layer is over. */
  | { readonly kind: 'end' }
  | { readonly kind: 'slot'; readonly slot: number }
  /** All layers are there, and these are their blobs: asks for the image. */
  | { readonly kind: 'finish'; readonly blobs: readonly BlobDescription[] };

export type FromLayerThread =
  | { readonly kind: 'credit'; readonly buffer: ArrayBuffer }
  | { readonly kind: 'slab'; readonly slab: PackedSlab }
  | { readonly kind: 'layer'; readonly layer: ParsedLayer }
  | { readonly kind: 'image'; readonly image: MergedImage }
  | Failure;

/** A finished blob, in a form that threads can pass on. */
export interface BlobDescription extends Omit<FinishedBlob, 'chunks'> {
  readonly chunks: ChunkColumns;
}

/** All layers as one file system. */
export interface MergedImage {
  readonly bootstrap: Uint8Array<ArrayBuffer>;
  /** Positions of the blobs that the bootstrap has, in the list that was given. */
  readonly kept: readonly number[];
  readonly warnings: readonly ConvertWarning[];
}

/** New chunks, back to back from the start of a slot, in the order of the blob. */
export interface PackedSlab {
  readonly slot: number;
  /** Bytes of each chunk. */
  readonly lengths: Uint32Array;
  /** 32 bytes each. */
  readonly digests: Uint8Array;
}

export interface LayerTally {
  readonly entries: number;
  /** Bytes of all files. */
  readonly fileBytes: number;
  /** Chunks of all files, and those among them that the image had already. */
  readonly chunks: number;
  readonly duplicateChunks: number;
  readonly duplicateBytes: number;
}

export interface ParsedLayer {
  /** sha256 of the uncompressed layer, 64 hex digits. */
  readonly diffIdHex: string;
  readonly uncompressedBytes: number;
  readonly tally: LayerTally;
}

export interface CompressorSetup {
  readonly memory: SlabMemory;
  readonly level: number;
  /** One shared number: not 0 when nobody wants the results of requests under way any more. */
  readonly stopping: Int32Array<SharedArrayBuffer>;
}

export type CompressRequest =
  | { readonly kind: 'compress'; readonly slot: number; readonly lengths: Uint32Array }
  /** Ends the thread. */
  | { readonly kind: 'stop' };

/** The compressed chunks now stand back to back at the start of the slot. */
export interface CompressReply {
  readonly kind: 'compressed';
  readonly storedSizes: Uint32Array;
  /** 1 where the stored bytes are compressed, 0 where they are as they were. */
  readonly compressed: Uint8Array;
}

export interface BlobThreadSetup {
  readonly memory: SlabMemory;
}

export type BlobRequest =
  /** Begins a blob in a file that must not exist. */
  | { readonly kind: 'open'; readonly path: string }
  /** Appends the first `length` bytes of a slot. */
  | { readonly kind: 'write'; readonly slot: number; readonly length: number }
  /** The chunk data is complete: asks for its digest together with this header, which is not written yet. */
  | { readonly kind: 'seal'; readonly header: Uint8Array }
  /** Appends the tail and closes the file. */
  | { readonly kind: 'finish'; readonly tail: Uint8Array };

export type BlobReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'sealed'; readonly dataDigest: Uint8Array }
  /** `pieces` are the digests of the file's pieces, 32 bytes each. */
  | { readonly kind: 'finished'; readonly idHex: string; readonly size: number; readonly pieces: Uint8Array };
