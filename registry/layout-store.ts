// Where the files of an OCI layout are: in a directory, or in a tar that is read at random (archive-store.ts,
// docker-archive.ts). LayoutSource reads images from any of them.

import type { ByteRange, Descriptor, Digest, TransferOptions } from '../core/index.ts';
import { abortedError, ShoalError } from '../core/index.ts';
import { checkDocumentSize, readAll } from './body.ts';
import { blobSize, openBlob, readIndex } from './layout-files.ts';
import type { ImageIndex } from './manifest.ts';
import type { ExpectedContent } from './verified-stream.ts';
import { verifiedStream } from './verified-stream.ts';

/** A blob that is open for reading at any place. Close it. */
export interface StoredBlob {
  /** Fills `piece` from blob offset `at` as far as one read goes; 0 at the end. */
  read(piece: Uint8Array, at: number): Promise<number>;
  close(): Promise<void>;
}

export interface LayoutStore {
  /** What names there are. Throws `not-found` when the place is no layout. */
  index(options: TransferOptions): Promise<ImageIndex>;
  /** Throws `not-found`, or `malformed` when it has not `blob.size` bytes. */
  openBlob(blob: ExpectedContent, options: TransferOptions): Promise<StoredBlob>;
  /** Bytes, or undefined when it is not there. */
  blobSize(digest: Digest, options: TransferOptions): Promise<number | undefined>;
}

/** Bytes per read: large enough that the system calls do not count, small enough to hold a few. */
const READ_BYTES = 256 * 1024;

/**
 * A range of a blob, in pieces that are the caller's to keep or transfer. Throws `malformed` when the blob ends early,
 * `aborted`. Does not close the blob.
 */
export async function* contentOf(
  blob: StoredBlob,
  { offset, length }: ByteRange,
  { what, signal }: TransferOptions & { readonly what: string },
): AsyncGenerator<Uint8Array> {
  const end = offset + length;
  for (let at = offset; ; ) {
    if (signal.aborted) throw abortedError(signal);
    if (at === end) return;
    // Not from the shared pool, whose memory is not ours to give away.
    const piece = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - at));
    const bytesRead = await blob.read(piece, at);
    if (bytesRead === 0) throw new ShoalError('malformed', `${what} ends at byte ${at}`);
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** A layout directory. `what` names the image in messages. */
export function directoryStore(directory: string, what: string): LayoutStore {
  return {
    index: () => readIndex(directory, what),
    blobSize: digest => blobSize(directory, digest, what),
    openBlob: async blob => {
      const file = await openBlob(directory, blob, what);
      return {
        read: async (piece, at) => (await file.read(piece, 0, piece.length, at)).bytesRead,
        close: () => file.close(),
      };
    },
  };
}

/** A document of a store, whole and verified. */
export async function readStored(
  store: LayoutStore,
  descriptor: Descriptor,
  options: TransferOptions & { readonly what: string },
): Promise<Uint8Array> {
  checkDocumentSize(descriptor, options.what);
  const blob = await store.openBlob(descriptor, options);
  try {
    const whole = { offset: 0, length: descriptor.size };
    const pieces = verifiedStream(contentOf(blob, whole, options), descriptor, options.what);
    return await readAll(pieces, descriptor.size, options.what);
  } finally {
    await blob.close();
  }
}

/** The error for a blob whose stored size is not the descriptor's. */
export function wrongSize(what: string, blob: ExpectedContent, found: number): ShoalError {
  return new ShoalError('malformed', `${what}: blob ${blob.digest}: expected ${blob.size} bytes, found ${found}`);
}
