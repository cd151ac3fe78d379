// One task at one parent, from the child's side: what was asked and what came. It outlives the link's losses: it is opened
// anew on every stream, under the same handle.

import {
  abortedError,
  type ChunkPlace,
  type Digest,
  type Lane,
  PIECE_BYTES,
  PieceSet,
  ShoalError,
} from '../../core/index.ts';
import {
  type ChildMessageProperties,
  OpenStatus,
  type ParentMessageProperties,
  peerIdFromBytes,
  type TaskId,
  WireRefusalReason,
} from '../../proto/index.ts';
import type { ParentEvents, ParentTask, RefusalReason } from '../ports.ts';
import { Asked } from './asked.ts';
import { IncomingChunk } from './incoming-chunk.ts';
import {
  laneToWire,
  MAX_CHUNK_REQUESTS,
  MAX_PIECES_IN_MESSAGE,
  maxPackedBytes,
  offsetFromWire,
  placeToWire,
  proofOf,
} from './pieces-protocol.ts';

export interface TaskLink {
  readonly peerId: string;
  /** This node's own. */
  readonly ownPeerId: string;
  readonly isUp: boolean;
  send(message: ChildMessageProperties): void;
  closed(task: LinkTask): void;
}

interface WaitingChunk {
  readonly incoming: IncomingChunk;
  readonly done: PromiseWithResolvers<Uint8Array<ArrayBuffer>>;
}

type RequestProperties = NonNullable<ChildMessageProperties['request']>;
type Body = Uint8Array<ArrayBuffer>;

/** Chunks that were cancelled and may still come; more are forgotten. */
const MAX_STRAY_CHUNKS = 256;

export class LinkTask implements ParentTask {
  readonly handle: number;
  readonly #taskId: TaskId;
  readonly #digest: Digest;
  readonly #pieceCount: number;
  readonly #link: TaskLink;
  readonly #events: ParentEvents;
  readonly #asked = new Asked();
  readonly #chunks = new Map<number, WaitingChunk>();
  readonly #strayChunks = new Set<number>();
  /** The parent was asked to open it, or said yes, or no. */
  #state: 'down' | 'opening' | 'open' | 'denied' | 'closed' = 'down';

  constructor(
    handle: number,
    task: { readonly taskId: TaskId; readonly digest: Digest; readonly pieceCount: number },
    link: TaskLink,
    events: ParentEvents,
  ) {
    this.handle = handle;
    this.#taskId = task.taskId;
    this.#digest = task.digest;
    this.#pieceCount = task.pieceCount;
    this.#link = link;
    this.#events = events;
  }

  /** The parent owes an answer. */
  get isOwed(): boolean {
    return this.#state === 'opening' || this.#asked.size > 0 || this.#chunks.size > 0;
  }

  // ---- what the swarm asks -------------------------------------------------------------------------------------------

  request(pieces: readonly number[], { lane, mayFetch }: { readonly lane: Lane; readonly mayFetch: boolean }): void {
    if (this.#state !== 'open') {
      const refused = [...pieces];
      if (this.#state !== 'closed') queueMicrotask(() => this.#events.onRefused(refused, 'failed', []));
      return;
    }
    this.#request(this.#asked.ask(pieces), { lane: laneToWire(lane), mayFetch });
  }

  hurry(pieces: readonly number[], lane: Lane): void {
    if (this.#state !== 'open') return;
    const asked = pieces.filter(piece => this.#asked.has(piece));
    this.#request(asked, { lane: laneToWire(lane), hurry: true });
  }

  cancel(pieces: readonly number[]): void {
    const cancelled = this.#asked.cancel(pieces);
    for (let at = 0; at < cancelled.length; at += MAX_PIECES_IN_MESSAGE) {
      this.#link.send({ cancel: { handle: this.handle, pieces: cancelled.slice(at, at + MAX_PIECES_IN_MESSAGE) } });
    }
  }

  async requestChunk(
    place: ChunkPlace,
    { lane, signal }: { readonly lane: Lane; readonly signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (signal.aborted) throw abortedError(signal);
    const { offset, compressedSize, uncompressedSize } = place;
    if (this.#state !== 'open') throw this.#unavailable('does not serve the task now');
    if (this.#chunks.has(offset)) throw this.#unavailable('is asked for this chunk already');
    if (this.#chunks.size >= MAX_CHUNK_REQUESTS)
      throw this.#unavailable(`is asked for ${this.#chunks.size} chunks already`);
    const incoming = new IncomingChunk(maxPackedBytes(uncompressedSize), this.#strayChunks.has(offset));
    const done = Promise.withResolvers<Body>();
    this.#chunks.set(offset, { incoming, done });
    const wire = { handle: this.handle, place: placeToWire(place) };
    this.#link.send({ chunk: { ...wire, lane: laneToWire(lane), compressedSize, uncompressedSize } });
    const onAbort = () => {
      this.#chunks.delete(offset);
      this.#rememberStray(offset);
      this.#link.send({ cancelChunk: wire });
      done.reject(abortedError(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await done.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    if (this.#state === 'closed') return;
    const wasKnown = this.#state === 'opening' || this.#state === 'open';
    this.#state = 'closed';
    this.#failChunks('is not asked any more');
    this.#asked.clear();
    if (wasKnown) this.#link.send({ close: { handle: this.handle } });
    this.#link.closed(this);
  }

  // ---- what the link tells -------------------------------------------------------------------------------------------

  /** The stream is new. */
  onUp(): void {
    if (this.#state === 'closed') return;
    this.#state = 'opening';
    const { ownPeerId, peerId } = this.#link;
    this.#link.send({
      open: {
        handle: this.handle,
        taskId: Buffer.from(this.#taskId, 'hex'),
        proof: proofOf(this.#digest, ownPeerId, peerId),
        pieceCount: this.#pieceCount,
      },
    });
  }

  onDown(): void {
    if (this.#state === 'closed' || this.#state === 'down') return;
    this.#state = 'down';
    this.#asked.clear();
    this.#strayChunks.clear();
    this.#failChunks('is gone');
    this.#events.onDown();
  }

  onQueue(length: number): void {
    this.#events.onQueue(length);
  }

  /** A message about this task. Throws `malformed` for what nobody asked for. */
  onMessage({ kind, opened, have, lost, piece, chunk, refused }: ParentMessageProperties, body: Body): void {
    if (kind === 'opened' && opened) this.#onOpened(opened);
    else if (kind === 'have' && have) this.#events.onHave(...this.#changes(have));
    else if (kind === 'lost' && lost) this.#events.onLost(...this.#changes(lost));
    else if (kind === 'piece' && piece) this.#onPiece(piece.piece ?? 0, body);
    else if (kind === 'chunk' && chunk) this.#onChunk(chunk, body);
    else if (kind === 'refused' && refused) this.#onRefused(refused);
  }

  #request(pieces: readonly number[], how: Omit<RequestProperties, 'handle' | 'pieces'>): void {
    for (let at = 0; at < pieces.length; at += MAX_PIECES_IN_MESSAGE) {
      const part = pieces.slice(at, at + MAX_PIECES_IN_MESSAGE);
      this.#link.send({ request: { handle: this.handle, pieces: part, ...how } });
    }
  }

  #onOpened({ status, pieces, chunks }: NonNullable<ParentMessageProperties['opened']>): void {
    if (status !== OpenStatus.OPEN_OK) {
      if (this.#state !== 'opening') throw new ShoalError('malformed', 'the parent refuses a task that it had opened');
      this.#state = 'denied';
      this.#events.onDenied(DENIALS[status ?? 0] ?? `status ${status}`);
      return;
    }
    const none = new Uint8Array();
    const here = PieceSet.fromBytes(this.#pieceCount, pieces ?? none);
    const covered = PieceSet.fromBytes(this.#pieceCount, chunks ?? none);
    this.#state = 'open';
    this.#events.onOpened(here, covered);
  }

  #changes(news: { readonly pieces?: number[] | null; readonly chunks?: number[] | null }): [number[], number[]] {
    const pieces = news.pieces ?? [];
    const chunks = news.chunks ?? [];
    const wrong = [...pieces, ...chunks].find(piece => piece >= this.#pieceCount);
    if (wrong === undefined) return [pieces, chunks];
    throw new ShoalError('malformed', `piece ${wrong} of a blob of ${this.#pieceCount}`);
  }

  #onPiece(piece: number, body: Body): void {
    const isLast = piece === this.#pieceCount - 1;
    if (body.length === 0 || (!isLast && body.length !== PIECE_BYTES)) {
      throw new ShoalError('malformed', `piece ${piece} of ${this.#pieceCount} with ${body.length} bytes`);
    }
    const answer = this.#asked.answer(piece);
    if (answer === 'unasked') throw new ShoalError('malformed', `piece ${piece} was not asked for`);
    if (answer === 'wanted') this.#events.onPiece(piece, body);
  }

  #onChunk(message: NonNullable<ParentMessageProperties['chunk']>, body: Body): void {
    const offset = offsetFromWire(message.place, this.#pieceCount);
    const waiting = this.#chunks.get(offset);
    if (waiting === undefined) {
      if (this.#strayChunks.has(offset)) return;
      throw new ShoalError('malformed', `the chunk at ${offset} was not asked for`);
    }
    const whole = waiting.incoming.add(body, message.position ?? 0, message.total ?? 0);
    if (whole === undefined) return;
    this.#chunks.delete(offset);
    waiting.done.resolve(whole);
  }

  #onRefused({ reason, pieces, chunks, tryPeers }: NonNullable<ParentMessageProperties['refused']>): void {
    const answers = (pieces ?? []).map(piece => ({ piece, answer: this.#asked.answer(piece) }));
    const unasked = answers.find(({ answer }) => answer === 'unasked');
    if (unasked !== undefined) throw new ShoalError('malformed', `piece ${unasked.piece} was not asked for`);
    const wanted = answers.filter(({ answer }) => answer === 'wanted').map(({ piece }) => piece);
    const why = REFUSALS[reason ?? 0] ?? 'failed';
    for (const place of chunks ?? []) {
      const offset = offsetFromWire(place, this.#pieceCount);
      const waiting = this.#chunks.get(offset);
      if (waiting === undefined && !this.#strayChunks.has(offset)) {
        throw new ShoalError('malformed', `the chunk at ${offset} was not asked for`);
      }
      this.#chunks.delete(offset);
      waiting?.done.reject(this.#unavailable(`refused a chunk: ${why}`));
    }
    if (wanted.length > 0) this.#events.onRefused(wanted, why, (tryPeers ?? []).map(peerIdFromBytes));
  }

  #rememberStray(offset: number): void {
    this.#strayChunks.add(offset);
    const oldest = this.#strayChunks.values().next().value;
    if (this.#strayChunks.size > MAX_STRAY_CHUNKS && oldest !== undefined) this.#strayChunks.delete(oldest);
  }

  #failChunks(what: string): void {
    for (const { done } of this.#chunks.values()) done.reject(this.#unavailable(what));
    this.#chunks.clear();
  }

  #unavailable(what: string): ShoalError {
    return new ShoalError('unavailable', `peer ${this.#link.peerId} ${what}`);
  }
}

const DENIALS: Readonly<Record<number, string>> = {
  [OpenStatus.OPEN_NO_TASK]: 'it does not have the task',
  [OpenStatus.OPEN_BAD_PROOF]: 'it does not accept our proof',
  [OpenStatus.OPEN_TOO_MANY]: 'too many tasks are open there',
};

const REFUSALS: Readonly<Record<number, RefusalReason>> = {
  [WireRefusalReason.REFUSED_BUSY]: 'busy',
  [WireRefusalReason.REFUSED_ABSENT]: 'absent',
  [WireRefusalReason.REFUSED_FAILED]: 'failed',
};
