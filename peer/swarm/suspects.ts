// Who sent which bytes of pieces that nobody can check when they come (an image without a piece table). When a chunk turns
// out wrong, its pieces are fetched again from others; when the chunk is right at last, whoever had sent something else is
// known. A digest per sender is kept, not the bytes.

import { hash } from 'node:crypto';

/** Pieces under suspicion at once: a chunk of 16 MiB has 256; beyond these the oldest are let go. */
const MOST = 4096;
/** Senders remembered of one piece. */
const MOST_SENDERS = 8;

export class Suspects {
  /** Of pieces that are not checked yet. */
  readonly #senders = new Map<number, string>();
  readonly #digests = new Map<number, Map<string, string>>();

  /** `peerId` undefined: the origin, whom nobody accuses. */
  sent(piece: number, peerId: string | undefined): void {
    if (peerId === undefined) this.#senders.delete(piece);
    else this.#senders.set(piece, peerId);
  }

  /** The bytes are part of something wrong: their sender is not asked for this piece again. */
  suspect(piece: number, bytes: Uint8Array): void {
    const sender = this.#senders.get(piece);
    if (sender === undefined) return;
    this.#senders.delete(piece);
    const digests = this.#digests.get(piece) ?? new Map<string, string>();
    this.#digests.delete(piece); // to the end: the newest
    this.#digests.set(piece, digests);
    if (digests.size < MOST_SENDERS) digests.set(sender, digestOf(bytes));
    const oldest = this.#digests.keys().next();
    if (this.#digests.size > MOST && !oldest.done) this.#digests.delete(oldest.value);
  }

  isSuspected(piece: number, peerId: string): boolean {
    return this.#digests.get(piece)?.has(peerId) ?? false;
  }

  hasSuspects(piece: number): boolean {
    return this.#digests.has(piece);
  }

  /** These bytes are right. Returns who had sent others. */
  proven(piece: number, bytes: Uint8Array): string[] {
    this.#senders.delete(piece);
    const digests = this.#digests.get(piece);
    if (digests === undefined) return [];
    this.#digests.delete(piece);
    const right = digestOf(bytes);
    return [...digests].filter(([, digest]) => digest !== right).map(([peerId]) => peerId);
  }

  /** The piece is not kept any more, and was not found wrong. */
  forget(piece: number): void {
    this.#senders.delete(piece);
  }
}

function digestOf(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}
