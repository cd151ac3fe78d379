// Decompresses a layer. What decides is how the bytes begin, not the media type: registries hold gzip layers that are
// called tar, and the other way round, and every runtime looks at the bytes.

import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { messageOf, ShoalError } from '../core/index.ts';
import { UNPACK_AHEAD_BYTES, UNPACK_BUFFER_BYTES } from './config.ts';
import { ZstdFrames } from './zstd-frames.ts';

/** A piece of a compressed layer. The first one holds at least the first four bytes of the layer, if it has so many. */
export interface InputPiece {
  readonly bytes: Uint8Array;
  /** Call when the bytes are not needed any more. */
  release(): void;
}

/**
 * The uncompressed bytes. A yielded piece is valid until the next is asked for. Memory is bounded whatever the ratio.
 * Several gzip members or zstd frames in a row are one stream. Throws `malformed` for a stream that is broken or cut
 * off, `unsupported` for compressions that layers may not have.
 */
export async function* unpack(input: AsyncIterable<InputPiece>): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = input[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done) return;
  const rest = { [Symbol.asyncIterator]: () => pieces };
  const compression = compressionOf(first.value.bytes);
  if (compression === 'none') yield* plain(first.value, rest);
  else yield* decompressed(compression, first.value, rest);
}

type Compression = 'none' | 'gzip' | 'zstd';

function compressionOf(start: Uint8Array): Compression {
  const magic = Buffer.from(start.subarray(0, 4)).toString('hex');
  if (magic.startsWith('1f8b')) return 'gzip';
  if (magic === '28b52ffd' || /^5.2a4d18$/.test(magic)) return 'zstd';
  if (magic === 'fd377a58') throw new ShoalError('unsupported', 'the layer is compressed with xz');
  if (magic.startsWith('425a68')) throw new ShoalError('unsupported', 'the layer is compressed with bzip2');
  return 'none';
}

async function* plain(first: InputPiece, rest: AsyncIterable<InputPiece>): AsyncGenerator<Uint8Array> {
  yield first.bytes;
  first.release();
  for await (const piece of rest) {
    yield piece.bytes;
    piece.release();
  }
}

async function* decompressed(
  compression: 'gzip' | 'zstd',
  first: InputPiece,
  rest: AsyncIterable<InputPiece>,
): AsyncGenerator<Uint8Array> {
  const options = { chunkSize: UNPACK_BUFFER_BYTES, readableHighWaterMark: UNPACK_AHEAD_BYTES };
  const stream = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  const frames = compression === 'zstd' ? new ZstdFrames() : undefined;
  // Feeding runs beside reading; a failure of the input reaches the reader through the stream.
  const feeding = feed(stream, frames, first, rest);
  feeding.catch((error: Error) => stream.destroy(error));
  // Of padding that turns out to be none nobody needs to hear once the stream is over.
  stream.on('error', () => {});
  try {
    for await (const piece of stream) {
      yield piece;
      freeIfUsedUp(piece);
    }
    // The stream may be over before its input is (zeros that pad a gzip file): whoever gives it gets all of it back.
    await feeding;
  } catch (error) {
    if (error instanceof ShoalError) throw error;
    throw new ShoalError('malformed', `${compression} stream: ${messageOf(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

/**
 * zlib fills one buffer after another. The piece that ends one is the last of it, and it has been used: its memory goes
 * now. Left to the garbage collector, these buffers are what makes it run, and what makes the process grow.
 */
function freeIfUsedUp(piece: Uint8Array): void {
  const { buffer } = piece;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== UNPACK_BUFFER_BYTES) return;
  if (piece.byteOffset + piece.byteLength === UNPACK_BUFFER_BYTES) buffer.transfer(0);
}

async function feed(
  stream: Transform,
  frames: ZstdFrames | undefined,
  first: InputPiece,
  rest: AsyncIterable<InputPiece>,
): Promise<void> {
  await feedPiece(stream, frames, first);
  for await (const piece of rest) await feedPiece(stream, frames, piece);
  if (frames?.isBetweenFrames === false) throw new ShoalError('malformed', 'zstd stream: cut off in a frame');
  if (!stream.readableEnded) stream.end();
}

/** The piece may be released when zlib has taken its last byte, which is when the last write calls back. */
async function feedPiece(stream: Transform, frames: ZstdFrames | undefined, piece: InputPiece): Promise<void> {
  for (const part of frames ? frames.split(piece.bytes) : [piece.bytes]) await write(stream, part);
  piece.release();
}

/**
 * What comes after the end of the stream is dropped. A stream that is closed calls nobody back for what it has in hand, so
 * its closing counts, too.
 */
function write(stream: Transform, bytes: Uint8Array): Promise<void> {
  if (stream.readableEnded) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null) => {
      stream.off('close', onClose);
      if (error && !stream.readableEnded) reject(error);
      else resolve();
    };
    const onClose = () => settle(stream.errored ?? new Error('closed'));
    stream.once('close', onClose);
    stream.write(bytes, settle);
  });
}
