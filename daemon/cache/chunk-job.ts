// What travels between the store and its worker threads. Plain data that structured cloning can carry.

import type { BlobLayout, Chunk, ChunkPayload, ErrorCode } from '../../core/index.ts';
import type { Damage, Stretch } from './verification.ts';

/** Unpack, verify and write one chunk. `payload.bytes` is transferred, not copied. */
export interface StoreJob {
  readonly kind: 'store';
  /** Descriptor of the cache file, open for writing in this process until the job is answered. */
  readonly fd: number;
  readonly blob: Pick<BlobLayout, 'id' | 'compressor' | 'digester'>;
  /** `digest` owns its memory: cloning a view would copy everything behind it. */
  readonly chunk: Chunk;
  readonly payload: ChunkPayload;
}

/** Give the space of a part of the cache file back. Bytes. */
export interface PunchJob {
  readonly kind: 'punch';
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
}

/** Read a chunk, verify it, and pack it as one zstd frame. */
export interface PackJob {
  readonly kind: 'pack';
  readonly fd: number;
  readonly blob: Pick<BlobLayout, 'id' | 'digester'>;
  readonly chunk: Chunk;
}

/** Is a part of the cache file what it should be? */
export interface VerifyJob {
  readonly kind: 'verify';
  readonly fd: number;
  readonly blob: Pick<BlobLayout, 'id' | 'digester'>;
  readonly stretch: Stretch;
}

export type ChunkJob = StoreJob | PunchJob | PackJob | VerifyJob;

export interface ChunkJobMessage {
  readonly id: number;
  readonly job: ChunkJob;
}

/** Tells a worker to end when it has done what came before. Terminating one that still loads native code is fatal. */
export const END = 'end';

export interface ChunkJobResult {
  readonly id: number;
  /** The frame of a pack job; transferred. */
  readonly frame?: Uint8Array<ArrayBuffer>;
  /** What a verify job found. */
  readonly damage?: readonly Damage[];
  /** Absent when the job is done. */
  readonly failure?: { readonly code: ErrorCode; readonly message: string };
}
