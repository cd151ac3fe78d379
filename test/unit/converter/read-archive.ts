// Runs a TarReader over bytes, in pieces of a given size, and collects what it tells. A piece that is used up is taken
// away, as the layer thread does it: its buffer goes back to the main thread, or is freed.

import { TAR_LIMITS } from '../../../converter/config.ts';
import type { TarEntry, TarLimits } from '../../../converter/tar-entry.ts';
import { TarReader } from '../../../converter/tar-reader.ts';

export interface ReadEntry extends TarEntry {
  readonly content: Buffer;
}

export interface ReadOptions {
  /** Bytes of each piece that is fed. Default: everything at once. */
  readonly pieceSize?: number;
  readonly limits?: Partial<TarLimits>;
}

/** Contents of files with holes beyond this are not collected. */
const MAX_COLLECTED_ZEROS = 64 << 20;

export function readArchive(bytes: Uint8Array, options: ReadOptions = {}): ReadEntry[] {
  return readWith(new TarReader({ ...TAR_LIMITS, ...options.limits }), bytes, options.pieceSize);
}

export function readWith(reader: TarReader, bytes: Uint8Array, pieceSize = Math.max(1, bytes.length)): ReadEntry[] {
  const entries: { entry: TarEntry; content: Buffer[] }[] = [];
  let piece = new Uint8Array(0);
  for (let at = 0; ; ) {
    const event = reader.read();
    switch (event.kind) {
      case 'input':
        piece.buffer.transfer(0);
        piece = Uint8Array.from(bytes.subarray(at, at + pieceSize));
        if (at < bytes.length) reader.feed(piece);
        else reader.finish();
        at += pieceSize;
        break;
      case 'entry':
        entries.push({ entry: event.entry, content: [] });
        break;
      case 'data':
        entries.at(-1)?.content.push(Buffer.from(event.bytes));
        break;
      case 'zeros':
        if (event.count <= MAX_COLLECTED_ZEROS) entries.at(-1)?.content.push(Buffer.alloc(event.count));
        break;
      case 'end':
        return entries.map(({ entry, content }) => ({ ...entry, content: Buffer.concat(content) }));
    }
  }
}
