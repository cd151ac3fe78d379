// Writes the content of directories (docs/image-format.md §8; nydus.md §1.15), the mirror of dirent.ts.

import { writeByteString } from './fields.ts';
import * as layout from './layout.ts';

/** One name of a directory; `type` is the EROFS file type. */
export interface DirectoryEntry {
  readonly name: string;
  readonly type: number;
}

/** How the entries of a directory fall into blocks. */
export interface DirectoryBlocks {
  /** For each block the position of its first entry; ascending. */
  readonly firsts: readonly number[];
  /** Bytes: whole blocks and what the last one uses. */
  readonly size: number;
}

/** Fills block after block: one is closed when the next entry and its name do not fit any more. */
export function splitIntoBlocks(entries: readonly DirectoryEntry[], blockSize: number): DirectoryBlocks {
  const firsts: number[] = [];
  let used = blockSize; // so that the first entry opens a block
  for (let i = 0; i < entries.length; i++) {
    const bytes = layout.DIRENT_BYTES + (entries[i]?.name.length ?? 0);
    if (used + bytes > blockSize) {
      firsts.push(i);
      used = 0;
    }
    used += bytes;
  }
  return { firsts, size: Math.max(0, firsts.length - 1) * blockSize + (firsts.length > 0 ? used : 0) };
}

/** Writes entries [first, end) as one block at `at`; the memory is zero before. */
export function writeDirectoryBlock(
  bytes: Uint8Array,
  at: number,
  entries: readonly DirectoryEntry[],
  range: { readonly first: number; readonly end: number },
  nidOf: (position: number) => number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let nameOffset = (range.end - range.first) * layout.DIRENT_BYTES;
  let entryAt = at;
  for (let i = range.first; i < range.end; i++) {
    const entry = entries[i];
    if (entry === undefined) return;
    view.setUint32(entryAt, nidOf(i), true); // a u64 whose high half stays 0: 2^32 slots of 32 bytes are 128 GiB
    view.setUint16(entryAt + 8, nameOffset, true);
    view.setUint8(entryAt + 10, entry.type);
    writeByteString(bytes, at + nameOffset, entry.name);
    nameOffset += entry.name.length;
    entryAt += layout.DIRENT_BYTES;
  }
}
