// The parents of a blob: who they are, what each has, and the count of holders of every piece that follows from it.

import { type Digest, PieceSet } from '../../core/index.ts';
import type { TaskId } from '../../proto/index.ts';
import type { ParentEvents, PeerAddress, PeerNetwork, RefusalReason } from '../ports.ts';
import { Parent } from './parent.ts';
import type { WantedPieces } from './wanted-pieces.ts';

export interface Refusal {
  readonly reason: RefusalReason;
  readonly tryPeers: readonly string[];
}

export interface ParentsEvents {
  /** It can be asked now, or was before and can be no longer. */
  onChanged(parent: Parent): void;
  /** It is lost, or turned us away: what it owed will not come. */
  onGone(parent: Parent): void;
  onHave(parent: Parent, pieces: readonly number[]): void;
  onPiece(parent: Parent, piece: number, bytes: Uint8Array<ArrayBuffer>): void;
  onRefused(parent: Parent, pieces: readonly number[], why: Refusal): void;
  /** Nobody has them any more. */
  onNowhere(pieces: readonly number[]): void;
}

/** What somebody said about a peer. */
export interface Word {
  readonly pieces?: PieceSet;
  readonly chunks?: PieceSet;
  readonly distance: number;
}

export class Parents {
  readonly #task: { readonly taskId: TaskId; readonly digest: Digest; readonly pieceCount: number };
  readonly #network: PeerNetwork;
  readonly #wanted: WantedPieces;
  readonly #events: ParentsEvents;
  readonly #byId = new Map<string, Parent>();

  constructor(
    task: { readonly taskId: TaskId; readonly digest: Digest; readonly pieceCount: number },
    ports: { readonly network: PeerNetwork; readonly wanted: WantedPieces },
    events: ParentsEvents,
  ) {
    this.#task = task;
    this.#network = ports.network;
    this.#wanted = ports.wanted;
    this.#events = events;
  }

  get size(): number {
    return this.#byId.size;
  }

  get all(): readonly Parent[] {
    return [...this.#byId.values()];
  }

  get(peerId: string): Parent | undefined {
    return this.#byId.get(peerId);
  }

  /** Is there anybody who may be asked, or soon? */
  hasHope(now: number): boolean {
    return this.all.some(parent => parent.isUsable(now) || (parent.phase === 'connecting' && parent.counted));
  }

  /** Does somebody have it who counts as having nothing, because it rests? */
  isWithheld(piece: number): boolean {
    return this.all.some(parent => parent.phase === 'open' && !parent.counted && parent.pieces.has(piece));
  }

  /** A peer that has the task. One that is known and turned us away is asked again. */
  add(peer: PeerAddress, word: Word, now: number): void {
    if (peer.peerId === this.#network.peerId) return;
    const known = this.#byId.get(peer.peerId);
    if (known !== undefined) {
      known.distance = word.distance;
      this.#network.link(peer).release(); // its addresses may be new
      this.askAgain(peer.peerId, now);
      return;
    }
    const { pieceCount } = this.#task;
    const parent = new Parent(peer, {
      link: this.#network.link(peer),
      // A copy: it is changed here as the parent says more.
      pieces: word.pieces ? PieceSet.fromBytes(pieceCount, word.pieces.toBytes()) : new PieceSet(pieceCount),
      chunks: word.chunks ? PieceSet.fromBytes(pieceCount, word.chunks.toBytes()) : new PieceSet(pieceCount),
      distance: word.distance,
      now,
    });
    this.#byId.set(peer.peerId, parent);
    this.#count(parent);
    parent.task = parent.link.open(this.#task, this.#eventsOf(parent));
  }

  remove(peerId: string): void {
    const parent = this.#byId.get(peerId);
    if (parent === undefined) return;
    this.#byId.delete(peerId);
    this.#uncount(parent);
    this.#events.onGone(parent);
    parent.phase = 'down';
    parent.task?.close();
    parent.task = undefined;
    parent.link.release();
  }

  /** It did not have the task before; somebody says that it has now. */
  askAgain(peerId: string, now: number): void {
    const parent = this.#byId.get(peerId);
    if (parent?.phase !== 'shut') return;
    parent.phase = 'connecting';
    parent.since = now;
    parent.task?.close();
    parent.task = parent.link.open(this.#task, this.#eventsOf(parent));
  }

  /** Whoever could not be connected to for so long does not count as having anything; who has rested does again. */
  tick(now: number, connectMs: number): void {
    for (const parent of this.#byId.values()) {
      if (parent.phase === 'connecting' && now - parent.since >= connectMs) this.#uncount(parent);
      if (parent.isUsable(now)) this.#count(parent);
    }
  }

  /** It rests: for now it counts as having nothing. */
  discount(parent: Parent): void {
    this.#uncount(parent);
  }

  close(): void {
    for (const peerId of [...this.#byId.keys()]) this.remove(peerId);
  }

  #eventsOf(parent: Parent): ParentEvents {
    const isHere = () => this.#byId.get(parent.peerId) === parent;
    return {
      onOpened: (pieces, chunks) => {
        if (!isHere()) return;
        const before = parent.counted ? parent.pieces : undefined;
        parent.pieces = pieces;
        parent.chunks = chunks;
        parent.phase = 'open';
        parent.forgetQueue();
        parent.counted = true;
        // The new ones first: a piece in both never looks as if nobody had it.
        for (const piece of pieces) this.#wanted.addHolder(piece);
        if (before !== undefined) this.#removeHolder(before);
        this.#events.onChanged(parent);
      },
      onDenied: () => this.#gone(parent, 'shut'),
      onDown: () => this.#gone(parent, 'down'),
      onHave: (pieces, chunks) => {
        if (!isHere() || parent.phase !== 'open') return;
        const fresh = pieces.filter(piece => parent.pieces.add(piece));
        if (parent.counted) for (const piece of fresh) this.#wanted.addHolder(piece);
        for (const piece of chunks) parent.chunks.add(piece);
        if (fresh.length > 0) this.#events.onHave(parent, fresh);
      },
      onLost: (pieces, chunks) => {
        if (!isHere()) return;
        for (const piece of pieces) parent.doubts.delete(piece);
        for (const piece of chunks) parent.chunks.delete(piece);
        this.hasNot(parent, pieces);
      },
      onPiece: (piece, bytes) => {
        if (isHere()) this.#events.onPiece(parent, piece, bytes);
      },
      onRefused: (pieces, reason, tryPeers) => {
        if (isHere()) this.#events.onRefused(parent, pieces, { reason, tryPeers });
      },
      onQueue: length => parent.noteQueue(length),
    };
  }

  /** These are not at the parent, whatever was thought. */
  hasNot(parent: Parent, pieces: readonly number[]): void {
    const gone = pieces.filter(piece => parent.pieces.delete(piece) && parent.counted);
    this.#removeHolder(gone);
  }

  #gone(parent: Parent, phase: 'shut' | 'down'): void {
    if (this.#byId.get(parent.peerId) !== parent) return;
    parent.phase = phase;
    this.#uncount(parent);
    parent.empty();
    parent.doubts.clear();
    this.#events.onGone(parent);
  }

  #count(parent: Parent): void {
    if (parent.counted) return;
    parent.counted = true;
    for (const piece of parent.pieces) this.#wanted.addHolder(piece);
  }

  #uncount(parent: Parent): void {
    if (!parent.counted) return;
    parent.counted = false;
    this.#removeHolder(parent.pieces);
  }

  #removeHolder(pieces: Iterable<number>): void {
    const nowhere: number[] = [];
    for (const piece of pieces) if (this.#wanted.removeHolder(piece) === 0) nowhere.push(piece);
    if (nowhere.length > 0) this.#events.onNowhere(nowhere);
  }
}
