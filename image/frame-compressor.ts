// Compresses many chunks one after another, each to a zstd frame of its own, with one context for all of them. node:zlib
// makes a stream object and a context of a megabyte for every call: 25 microseconds and some garbage, which is more than
// the compression of a small file takes. The library is the one that is linked into Node, which exports its symbols; where
// it does not, node:zlib does the work. The frames are the same, byte for byte, because the library is: symbols of another
// version of zstd (of an addon, of LD_PRELOAD) are left alone, so that digests never depend on which way was taken.

import { createRequire } from 'node:module';
import { versions } from 'node:process';
import type koffi from 'koffi';
import { ShoalError } from '../core/index.ts';
import { compressChunk } from './codec.ts';

/** Frees its memory by `close`, not by garbage collection. */
export interface FrameCompressor {
  /**
   * Compresses `bytes` to one frame at the start of `into`, which has at least `frameBound(bytes.length)` bytes and does
   * not overlap. Returns the size of the frame; 0 when it would not be smaller than `bytes`, and `into` is then garbage.
   */
  compress(bytes: Uint8Array, into: Uint8Array): number;
  close(): void;
}

/** The most bytes that a frame of `size` bytes can have (zstd.h, ZSTD_COMPRESSBOUND, without its case distinction). */
export function frameBound(size: number): number {
  return size + (size >>> 8) + 64;
}

/**
 * `level` is zstd's compression level. Loads a native module, in the threads that compress and in no other: a thread must
 * not be terminated while it does (Node aborts the process); end it by letting it run out of things to do.
 */
export function openFrameCompressor(level: number): FrameCompressor {
  const native = nativeZstd();
  return native ? new NativeCompressor(native, level) : zlibCompressor(level);
}

type NativeFunction = ReturnType<ReturnType<typeof koffi.load>['func']>;
type NativeZstd = Readonly<Record<'create' | 'free' | 'setParameter' | 'compress2', NativeFunction>>;

/** zstd.h: ZSTD_c_compressionLevel. */
const COMPRESSION_LEVEL = 100;

function nativeZstd(): NativeZstd | undefined {
  try {
    const { load }: typeof koffi = createRequire(import.meta.url)('koffi');
    const library = load(null); // what is linked into this process
    const version: unknown = library.func('const char *ZSTD_versionString()')();
    if (version !== versions['zstd']) return undefined;
    return {
      create: library.func('void *ZSTD_createCCtx()'),
      free: library.func('size_t ZSTD_freeCCtx(void *context)'),
      setParameter: library.func('size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value)'),
      compress2: library.func(
        'size_t ZSTD_compress2(void *context, uint8_t *into, size_t capacity, const uint8_t *bytes, size_t size)',
      ),
    };
  } catch {
    return undefined;
  }
}

class NativeCompressor implements FrameCompressor {
  readonly #zstd: NativeZstd;
  #context: unknown;

  constructor(zstd: NativeZstd, level: number) {
    const context: unknown = zstd.create();
    if (context === null) throw new ShoalError('internal', 'zstd: no memory for a context');
    this.#zstd = zstd;
    this.#context = context;
    checkedResult(zstd.setParameter(context, COMPRESSION_LEVEL, level), Number.MAX_SAFE_INTEGER);
  }

  compress(bytes: Uint8Array, into: Uint8Array): number {
    if (this.#context === undefined) throw new ShoalError('internal', 'zstd: the compressor is closed');
    const result: unknown = this.#zstd.compress2(this.#context, into, into.length, bytes, bytes.length);
    const size = checkedResult(result, into.length);
    return size < bytes.length ? size : 0;
  }

  close(): void {
    if (this.#context === undefined) return;
    this.#zstd.free(this.#context);
    this.#context = undefined;
  }
}

/** zstd's errors are numbers just below 2^64, which koffi gives as something else than a number or as an inexact one. */
function checkedResult(result: unknown, max: number): number {
  if (typeof result === 'number' && result <= max) return result;
  throw new ShoalError('internal', `zstd: error ${result}`);
}

function zlibCompressor(level: number): FrameCompressor {
  return {
    compress(bytes, into) {
      const chunk = compressChunk(bytes, { level });
      if (!chunk.compressed) return 0;
      into.set(chunk.bytes);
      chunk.bytes.buffer.transfer(0); // frees it now: some megabytes a second would wait for a collection
      return chunk.bytes.length;
    },
    close() {},
  };
}
