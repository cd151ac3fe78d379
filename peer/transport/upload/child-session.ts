// The parent's end of a child's stream: what the child says, and what it is told besides pieces. Which request is served
// when is for the upload side, which has all children in view.

import { type Clock, isShoalError, type Lane, type Logger, PIECE_BYTES, ShoalError } from '../../../core/index.ts';
import {
  type ChildMessageProperties,
  MessageStream,
  OpenStatus,
  type ParentMessageProperties,
  peerIdToBytes,
  taskIdFromBytes,
  WireRefusalReason,
} from '../../../proto/index.ts';
import type { RefusalReason, ServedTasks } from '../../ports.ts';
import {
  isProof,
  laneFromWire,
  MAX_CHUNK_BYTES,
  MAX_OPEN_TASKS,
  offsetFromWire,
  PARENT_BOUNDS,
  parentCodec,
  SIGN_OF_LIFE_MS,
} from '../pieces-protocol.ts';
import { ServedChildTask } from './served-child-task.ts';

/** Changes are collected for so long. */
const BATCH_MS = 5;
/**
 * A piece that is asked for before anybody told this node to get it may still be on its way here: the scheduler tells both
 * at once, over connections that may be full. At 2.5 Mbit/s their queues hold a third of a second each way.
 */
const EXPECTED_MS = 1_000;
/** Answers that may wait for the network before nothing more is read from the child. */
const MAX_WAITING_ANSWERS = 256;
/** A member that asks so often without knowing the digest is guessing. */
const MAX_BAD_PROOFS = 16;
/** With BUSY: whom to ask instead. */
const MAX_TRY_PEERS = 4;

export interface WantedChunk {
  readonly offset: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
}

/** The upload side, as a session sees it. */
export interface SessionOwner {
  readonly peerId: string;
  readonly tasks: ServedTasks;
  readonly clock: Clock;
  readonly log: Logger;
  /** Pieces that are to be sent before one more of this session would be. */
  queueFor(session: ChildSession): number;
  /** How many more requests of this session may wait. */
  admit(session: ChildSession, wanted: number): number;
  queuePiece(session: ChildSession, task: ServedChildTask, piece: number, lane: Lane): void;
  queueChunk(session: ChildSession, task: ServedChildTask, chunk: WantedChunk, lane: Lane): boolean;
  hurryPiece(session: ChildSession, handle: number, piece: number, lane: Lane): void;
  cancelPiece(session: ChildSession, handle: number, piece: number): void;
  cancelChunk(session: ChildSession, handle: number, offset: number): void;
  /** Everything of a task, or of the session when there is no handle. */
  forget(session: ChildSession, handle?: number): void;
  /** So many requests more (or fewer) wait for pieces to come. */
  onParked(by: number): void;
  /** The network takes more. */
  onReady(): void;
  onEnd(session: ChildSession, error: ShoalError | undefined): void;
}

type Wire = MessageStream<ParentMessageProperties, ChildMessageProperties>;

export class ChildSession {
  readonly childId: string;
  /** Tells streams of the same child apart. */
  readonly id: string;
  readonly #owner: SessionOwner;
  readonly #wire: Wire;
  readonly #tasks = new Map<number, ServedChildTask>();
  /** Made when it is their turn: a bitmap of an hour ago is of no use. */
  #waiting: (() => ParentMessageProperties | undefined)[] = [];
  #flushing = false;
  #paused = false;
  #badProofs = 0;
  #parked = 0;
  #batching = false;
  #sentAtMs: number;
  #moved: { readonly unsent: number; readonly sinceMs: number };
  readonly #over = new AbortController();

  constructor(
    stream: ConstructorParameters<typeof MessageStream>[0],
    childId: string,
    id: string,
    owner: SessionOwner,
  ) {
    this.childId = childId;
    this.id = id;
    this.#owner = owner;
    this.#sentAtMs = owner.clock.monotonic();
    this.#moved = { unsent: 0, sinceMs: this.#sentAtMs };
    this.#wire = new MessageStream(stream, parentCodec, PARENT_BOUNDS, {
      onMessage: message => this.#onMessage(message),
      onEnd: error => this.#onEnd(error),
    });
  }

  /** Fires when the stream has ended. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** The network has taken everything: it is worth to give this child a turn. */
  get isReady(): boolean {
    return !this.#wire.ended && !this.#wire.needsDrain;
  }

  /** Requests that wait for pieces to come. */
  get parkedCount(): number {
    return this.#parked;
  }

  /** Is this still an open task of the child? */
  holds(task: ServedChildTask): boolean {
    return this.#tasks.get(task.handle) === task;
  }

  /** Resolves when the network has taken what was sent, or the stream has ended; never rejects. */
  async drained(): Promise<void> {
    await this.#wire.drained(this.over).catch(() => {});
  }

  /** The body is the stream's until it is sent. */
  sendData(message: ParentMessageProperties, body: Uint8Array): void {
    this.#send(message, body);
  }

  refuse(
    task: ServedChildTask,
    reason: RefusalReason,
    pieces: readonly number[],
    chunks: readonly number[] = [],
  ): void {
    if (pieces.length + chunks.length === 0) return;
    const refused = {
      handle: task.handle,
      reason: REASONS[reason],
      pieces: [...pieces],
      chunks: chunks.map(offset => ({ piece: Math.floor(offset / PIECE_BYTES), within: offset % PIECE_BYTES })),
    };
    this.#answer(() => {
      const tryPeers = reason === 'busy' ? this.#othersWith(task, pieces) : [];
      return { refused: { ...refused, tryPeers: tryPeers.map(peerIdToBytes) } };
    });
  }

  /** A sign of life where something is owed; returns how long nothing of what was sent has been taken (ms). */
  tend(owes: boolean, nowMs: number): number {
    if (owes && this.isReady && nowMs - this.#sentAtMs >= SIGN_OF_LIFE_MS) this.#send({});
    const unsent = this.#wire.unsentBytes;
    if (!this.#wire.needsDrain || unsent !== this.#moved.unsent) this.#moved = { unsent, sinceMs: nowMs };
    return nowMs - this.#moved.sinceMs;
  }

  abort(error: ShoalError): void {
    this.#wire.abort(error);
  }

  #onMessage({ kind, open, close, request, cancel, chunk, cancelChunk }: ChildMessageProperties): void {
    if (kind === 'open' && open) this.#onOpen(open);
    else if (kind === 'close' && close) this.#close(close.handle ?? 0);
    else if (kind === 'request' && request) this.#onRequest(request);
    else if (kind === 'cancel' && cancel) this.#onCancel(cancel);
    else if (kind === 'chunk' && chunk) this.#onChunk(chunk);
    else if (kind === 'cancelChunk' && cancelChunk) this.#onCancelChunk(cancelChunk);
    // Anything else is of a later version.
  }

  #onOpen({ handle, taskId, proof, pieceCount }: NonNullable<ChildMessageProperties['open']>): void {
    const id = handle ?? 0;
    if (this.#tasks.has(id)) throw new ShoalError('malformed', `task ${id} is open already`);
    const name = taskIdFromBytes(taskId ?? new Uint8Array());
    const answer = (status: (typeof OpenStatus)[keyof typeof OpenStatus]) =>
      this.#answer(() => ({ opened: { handle: id, status } }));
    if (this.#tasks.size >= MAX_OPEN_TASKS) {
      answer(OpenStatus.OPEN_TOO_MANY);
      return;
    }
    const task = this.#owner.tasks.find(name);
    if (task === undefined) {
      answer(OpenStatus.OPEN_NO_TASK);
      return;
    }
    if (!isProof(proof ?? new Uint8Array(), task.digest, this.childId, this.#owner.peerId)) {
      this.#owner.log.warn('task refused: the child does not know its digest', { peer: this.childId, task: name });
      if (++this.#badProofs >= MAX_BAD_PROOFS) throw new ShoalError('unauthorized', `${this.#badProofs} wrong proofs`);
      answer(OpenStatus.OPEN_BAD_PROOF);
      return;
    }
    if (task.pieceCount !== pieceCount) {
      throw new ShoalError('malformed', `task of ${pieceCount ?? 0} pieces: expected ${task.pieceCount}`);
    }
    const served = new ServedChildTask(id, task, {
      onParked: by => {
        this.#parked += by;
        this.#owner.onParked(by);
      },
      onNews: () => this.#flushSoon(),
      onArrived: (from, pieces) =>
        this.#unpark(from, pieces, (piece, lane) => this.#owner.queuePiece(this, from, piece, lane)),
      onFailed: (from, pieces) => {
        this.#unpark(from, pieces, () => {});
        this.refuse(from, 'failed', pieces);
      },
    });
    this.#tasks.set(id, served);
    this.#answer(() => this.#snapshotOf(served));
  }

  #snapshotOf(served: ServedChildTask): ParentMessageProperties | undefined {
    const snapshot = this.holds(served) ? served.takeSnapshot() : undefined;
    return snapshot && { opened: { handle: served.handle, status: OpenStatus.OPEN_OK, ...snapshot } };
  }

  #unpark(task: ServedChildTask, pieces: readonly number[], then: (piece: number, lane: Lane) => void): void {
    for (const piece of pieces) {
      const lane = task.unpark(piece);
      if (lane !== undefined) then(piece, lane);
    }
  }

  #onRequest({
    handle,
    lane: wireLane,
    pieces,
    mayFetch,
    hurry,
  }: NonNullable<ChildMessageProperties['request']>): void {
    const served = this.#taskOf(handle);
    if (served === undefined || !pieces) return;
    const { task } = served;
    const lane = laneFromWire(wireLane);
    const wanted = pieces.filter(piece => piece < task.pieceCount);
    if (wanted.length < pieces.length)
      throw new ShoalError('malformed', `piece beyond the ${task.pieceCount} of the task`);
    if (hurry === true) {
      for (const piece of wanted) {
        if (!served.hurry(piece, lane)) this.#owner.hurryPiece(this, served.handle, piece, lane);
      }
      return;
    }
    const count = this.#owner.admit(this, wanted.length);
    this.refuse(served, 'busy', wanted.slice(count));
    const absent: number[] = [];
    for (const piece of wanted.slice(0, count)) {
      if (task.pieces.has(piece)) this.#owner.queuePiece(this, served, piece, lane);
      else if (task.isComing(piece) || (mayFetch === true && task.fetchFor(piece, lane))) served.park(piece, lane);
      else absent.push(piece);
    }
    if (absent.length === 0) return;
    if (mayFetch === true) this.refuse(served, 'absent', absent);
    else this.#expect(served, absent, lane);
  }

  /** The child was told that they will be here, and this node may be about to hear that it is to get them. */
  #expect(served: ServedChildTask, pieces: readonly number[], lane: Lane): void {
    for (const piece of pieces) served.park(piece, lane);
    this.#owner.clock
      .sleep(EXPECTED_MS, { signal: this.over })
      .then(() => {
        if (!this.holds(served)) return;
        const absent = pieces.filter(piece => !served.task.isComing(piece) && served.unpark(piece) !== undefined);
        this.refuse(served, 'absent', absent);
      })
      .catch(error => {
        if (!isShoalError(error, 'aborted')) throw error;
      });
  }

  #onCancel({ handle, pieces }: NonNullable<ChildMessageProperties['cancel']>): void {
    const served = this.#taskOf(handle);
    if (served === undefined) return;
    for (const piece of pieces ?? []) {
      served.unpark(piece);
      this.#owner.cancelPiece(this, served.handle, piece);
    }
  }

  #onChunk(message: NonNullable<ChildMessageProperties['chunk']>): void {
    const served = this.#taskOf(message.handle);
    if (served === undefined) return;
    const offset = offsetFromWire(message.place, served.task.pieceCount);
    const compressedSize = message.compressedSize ?? 0;
    const uncompressedSize = message.uncompressedSize ?? 0;
    if (Math.max(compressedSize, uncompressedSize) > MAX_CHUNK_BYTES) {
      throw new ShoalError(
        'malformed',
        `chunk of ${Math.max(compressedSize, uncompressedSize)} bytes: at most ${MAX_CHUNK_BYTES}`,
      );
    }
    const chunk = { offset, compressedSize, uncompressedSize };
    const taken =
      this.#owner.admit(this, 1) === 1 && this.#owner.queueChunk(this, served, chunk, laneFromWire(message.lane));
    if (!taken) this.refuse(served, 'busy', [], [offset]);
  }

  #onCancelChunk({ handle, place }: NonNullable<ChildMessageProperties['cancelChunk']>): void {
    const served = this.#taskOf(handle);
    if (served !== undefined) {
      this.#owner.cancelChunk(this, served.handle, offsetFromWire(place, served.task.pieceCount));
    }
  }

  /** Undefined: the child was told, or is about to be told, that this parent does not serve it. */
  #taskOf(handle: number | null | undefined): ServedChildTask | undefined {
    return this.#tasks.get(handle ?? 0);
  }

  #close(handle: number): void {
    const served = this.#tasks.get(handle);
    if (served === undefined) return;
    served.end();
    this.#tasks.delete(handle);
    this.#owner.forget(this, handle);
  }

  #othersWith(task: ServedChildTask, pieces: readonly number[]): string[] {
    const peers = new Set<string>();
    for (const piece of pieces) {
      for (const peer of task.task.holders(piece)) if (peer !== this.childId) peers.add(peer);
      if (peers.size >= MAX_TRY_PEERS) break;
    }
    return [...peers].slice(0, MAX_TRY_PEERS);
  }

  /** Sends now, or when the network has room. A child that takes no answers is asked for no more questions. */
  #answer(make: () => ParentMessageProperties | undefined): void {
    this.#waiting.push(make);
    if (this.#waiting.length > MAX_WAITING_ANSWERS && !this.#paused) {
      this.#paused = true;
      this.#wire.pause();
    }
    this.#flush();
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.isReady) {
      const message = this.#waiting.shift()?.();
      if (message !== undefined) this.#send(message);
    }
    if (this.#wire.ended) return;
    if (this.isReady && this.#paused) {
      this.#paused = false;
      this.#wire.resume();
    } else if (!this.isReady && !this.#flushing && (this.#paused || this.#waiting.length > 0)) {
      this.#flushWhenDrained();
    }
  }

  #flushWhenDrained(): void {
    this.#flushing = true;
    void this.drained().then(() => {
      this.#flushing = false;
      if (this.#wire.ended) return;
      this.#flush();
      this.#owner.onReady();
    });
  }

  #flushSoon(): void {
    if (this.#batching || this.#wire.ended) return;
    this.#batching = true;
    this.#owner.clock
      .sleep(BATCH_MS, { signal: this.over })
      .then(() => this.drained())
      .then(() => {
        this.#batching = false;
        if (!this.#wire.ended) this.#tellNews();
      })
      .catch(error => {
        if (!isShoalError(error, 'aborted')) throw error;
      });
  }

  #tellNews(): void {
    for (const served of this.#tasks.values()) {
      const snapshot = this.#snapshotOf(served);
      if (snapshot !== undefined) this.#send(snapshot);
      const { handle } = served;
      for (const { kind, pieces, chunks } of served.takeNews()) this.#send({ [kind]: { handle, pieces, chunks } });
    }
  }

  #send(message: ParentMessageProperties, body?: Uint8Array): void {
    this.#sentAtMs = this.#owner.clock.monotonic();
    this.#wire.send({ queueLength: this.#owner.queueFor(this), ...message }, body);
  }

  #onEnd(error: ShoalError | undefined): void {
    this.#waiting = [];
    for (const served of this.#tasks.values()) served.end();
    this.#tasks.clear();
    this.#over.abort(new ShoalError('aborted', 'the child is gone'));
    this.#owner.onEnd(this, error);
  }
}

const REASONS = {
  busy: WireRefusalReason.REFUSED_BUSY,
  absent: WireRefusalReason.REFUSED_ABSENT,
  failed: WireRefusalReason.REFUSED_FAILED,
} as const satisfies Record<RefusalReason, number>;
