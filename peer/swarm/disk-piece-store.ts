// Pieces on disk: one unlinked file for each blob, so nothing is left behind however the process ends. A file is divided
// into slots of a piece each; a piece that has to go leaves its slot to another. Whatever the disk does, a piece is at
// worst forgotten: arriving bytes go to readers from memory.

import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { type Clock, type Logger, messageOf, PIECE_BYTES } from '../../core/index.ts';
import type { PieceBox, PieceStore } from './piece-store.ts';

/** Linux's flag for a file without a name (open(2)); Node does not list it. Other systems refuse it, see `unnamedFile`. */
const O_TMPFILE = 0o20000000 | (constants.O_DIRECTORY ?? 0);
/** Boxes at once; beyond it the one used longest ago is emptied. Far above what the swarm keeps open. */
const MOST_BOXES = 4096;

export interface DiskPieceStoreOptions {
  /** Must exist. */
  readonly folder: string;
  /** Most bytes on disk, of all blobs. */
  readonly storeBytes: number;
  /** Most bytes that wait to be written. */
  readonly unwrittenBytes: number;
  /** After the disk was full, nothing is kept for so long. */
  readonly fullDiskMs: number;
}

export class DiskPieceStore implements PieceStore {
  readonly #ports: { readonly clock: Clock; readonly log: Logger };
  readonly #options: DiskPieceStoreOptions;
  /** In the order of use. */
  readonly #boxes = new LRUCache<DiskBox, true>({ max: MOST_BOXES, dispose: (_, box) => box.empty() });
  #stored = 0;
  #unwritten = 0;
  #fullUntil = 0;

  constructor(ports: { readonly clock: Clock; readonly log: Logger }, options: DiskPieceStoreOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  get storedBytes(): number {
    return this.#stored;
  }

  open(onLost: (pieces: readonly number[]) => void): PieceBox {
    const box: DiskBox = new DiskBox(this.#options.folder, onLost, {
      reserve: bytes => this.#reserve(box, bytes),
      used: () => this.#boxes.get(box),
      written: bytes => {
        this.#unwritten -= bytes;
      },
      freed: bytes => {
        this.#stored -= bytes;
      },
      failed: error => this.#failed(error),
      closed: () => this.#boxes.delete(box),
    });
    this.#boxes.set(box, true);
    return box;
  }

  /** Room for one more piece of the box, for which others may have to go. */
  #reserve(box: DiskBox, bytes: number): boolean {
    const { storeBytes, unwrittenBytes } = this.#options;
    if (this.#ports.clock.monotonic() < this.#fullUntil) return false;
    if (this.#unwritten + bytes > unwrittenBytes || bytes > storeBytes) return false;
    this.#boxes.get(box);
    while (this.#stored + bytes > storeBytes) if (!this.#makeRoom(box)) return false;
    this.#stored += bytes;
    this.#unwritten += bytes;
    return true;
  }

  /** The blob used longest ago goes as a whole; when all are in use, the oldest piece of such a one. */
  #makeRoom(asking: DiskBox): boolean {
    const byAge = [...this.#boxes.rkeys()];
    const idle = byAge.find(box => !box.isInUse && box !== asking && box.storedPieces > 0);
    if (idle !== undefined) {
      idle.empty();
      return true;
    }
    return byAge.some(box => box.dropOldest());
  }

  #failed(error: unknown): void {
    const now = this.#ports.clock.monotonic();
    if (now >= this.#fullUntil) {
      this.#ports.log.warn('pieces are not kept for other nodes: cannot write them', { error: messageOf(error) });
    }
    this.#fullUntil = now + this.#options.fullDiskMs;
  }
}

/** What a box needs of its store. */
interface Ledger {
  reserve(bytes: number): boolean;
  used(): void;
  written(bytes: number): void;
  freed(bytes: number): void;
  failed(error: unknown): void;
  closed(): void;
}

interface Slot {
  readonly index: number;
  readonly length: number;
}

class DiskBox implements PieceBox {
  readonly #folder: string;
  readonly #onLost: (pieces: readonly number[]) => void;
  readonly #ledger: Ledger;
  /** On disk; oldest first. */
  #slots = new Map<number, Slot>();
  /** Not on disk yet. */
  #unwritten = new Map<number, Uint8Array<ArrayBuffer>>();
  #free: number[] = [];
  #slotCount = 0;
  #file: Promise<FileHandle> | undefined;
  #inUse = true;
  #closed = false;

  constructor(folder: string, onLost: (pieces: readonly number[]) => void, ledger: Ledger) {
    this.#folder = folder;
    this.#onLost = onLost;
    this.#ledger = ledger;
  }

  get isInUse(): boolean {
    return this.#inUse;
  }

  get storedPieces(): number {
    return this.#slots.size;
  }

  put(piece: number, bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#closed) return false;
    if (this.#slots.has(piece) || this.#unwritten.has(piece)) return true;
    if (!this.#ledger.reserve(bytes.length)) return false;
    this.#unwritten.set(piece, bytes);
    void this.#write(piece, bytes);
    return true;
  }

  async get(piece: number): Promise<Uint8Array | undefined> {
    this.#ledger.used();
    const bytes = this.#unwritten.get(piece);
    if (bytes !== undefined) return bytes;
    const slot = this.#slots.get(piece);
    if (slot === undefined || this.#file === undefined) return undefined;
    const into = new Uint8Array(slot.length);
    try {
      const { bytesRead } = await (await this.#file).read(into, 0, slot.length, slot.index * PIECE_BYTES);
      if (bytesRead !== slot.length) throw new Error(`read ${bytesRead} of ${slot.length} bytes`);
      // A slot is written again only after its piece was forgotten: still remembered means right bytes.
      return this.#slots.get(piece) === slot ? into : undefined;
    } catch {
      this.#lose([piece]); // closed meanwhile, or the disk is broken
      return undefined;
    }
  }

  drop(pieces: readonly number[]): void {
    for (const piece of pieces) {
      this.#unwritten.delete(piece); // its write still ends, and gives the slot back
      const slot = this.#slots.get(piece);
      if (slot === undefined) continue;
      this.#slots.delete(piece);
      this.#free.push(slot.index);
      this.#ledger.freed(slot.length);
    }
  }

  setInUse(inUse: boolean): void {
    this.#inUse = inUse;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.empty();
    this.#ledger.closed();
  }

  /** All pieces on disk, and the file. Those that are not written yet stay for the next file. */
  empty(): void {
    const lost = [...this.#slots.keys()];
    this.drop(lost);
    if (this.#closed) this.#unwritten.clear();
    const file = this.#file;
    this.#file = undefined;
    this.#free = [];
    this.#slotCount = 0;
    // Waits by itself for what is under way.
    void file?.then(handle => handle.close()).catch(() => {});
    this.#tell(lost);
  }

  dropOldest(): boolean {
    const oldest = this.#slots.keys().next();
    if (oldest.done) return false;
    this.#lose([oldest.value]);
    return true;
  }

  async #write(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const opening = this.#file ?? unnamedFile(this.#folder);
    this.#file = opening;
    const index = this.#free.pop() ?? this.#slotCount++;
    try {
      const file = await opening;
      const { bytesWritten } = await file.write(bytes, 0, bytes.length, index * PIECE_BYTES);
      if (bytesWritten !== bytes.length) throw new Error(`wrote ${bytesWritten} of ${bytes.length} bytes`);
      this.#written(piece, { index, length: bytes.length }, { bytes, opening });
    } catch (error) {
      this.#ledger.freed(bytes.length);
      if (this.#file === opening) this.#free.push(index);
      if (this.#unwritten.get(piece) === bytes) {
        this.#unwritten.delete(piece);
        this.#tell([piece]);
      }
      if (!this.#closed && this.#file === opening) {
        this.#ledger.failed(error);
        // A file that could not even be opened is tried anew next time.
        await opening.catch(() => {
          if (this.#file === opening) this.#file = undefined;
        });
      }
    } finally {
      this.#ledger.written(bytes.length);
    }
  }

  #written(
    piece: number,
    slot: Slot,
    write: { readonly bytes: Uint8Array; readonly opening: Promise<FileHandle> },
  ): void {
    const isWanted = this.#unwritten.get(piece) === write.bytes;
    if (isWanted) this.#unwritten.delete(piece);
    if (isWanted && this.#file === write.opening) {
      this.#slots.set(piece, slot);
      return;
    }
    // Dropped meanwhile, or the file was emptied under it.
    this.#ledger.freed(slot.length);
    if (this.#file === write.opening) this.#free.push(slot.index);
    if (isWanted) this.#tell([piece]);
  }

  #lose(pieces: readonly number[]): void {
    const lost = pieces.filter(piece => this.#slots.has(piece));
    this.drop(lost);
    this.#tell(lost);
  }

  #tell(lost: readonly number[]): void {
    if (lost.length > 0 && !this.#closed) queueMicrotask(() => this.#onLost(lost));
  }
}

/** A file of no name: gone with its last descriptor. */
async function unnamedFile(folder: string): Promise<FileHandle> {
  try {
    return await open(folder, O_TMPFILE | constants.O_RDWR, 0o600);
  } catch {
    // A file system without O_TMPFILE: a moment with a name.
    const path = join(folder, `pieces-${crypto.randomUUID()}`);
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  }
}
