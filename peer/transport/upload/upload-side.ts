// This node as a parent, for all children: the queue, the upload slots and the byte rate. A slot is taken from the reading
// of a piece until the network has it; a child that does not take its bytes gets no further turn, and its slot goes to
// others after a while.

import type { Connection, Stream } from '@libp2p/interface';
import { type Clock, type Lane, type Logger, messageOf, OVER, PIECE_BYTES, ShoalError } from '../../../core/index.ts';
import type { ServedTasks } from '../../ports.ts';
import { MAX_CHUNK_REQUESTS } from '../pieces-protocol.ts';
import type { Traffic } from '../traffic.ts';
import { ChildSession, type SessionOwner, type WantedChunk } from './child-session.ts';
import { type BucketState, fullBucket, pay } from './rate-limit.ts';
import type { ServedChildTask } from './served-child-task.ts';
import { admitted, type QueueBounds, TurnQueue } from './turns.ts';

const BOUNDS: QueueBounds = { all: 4096, ofChild: 1024 };
/** A piece that waits so long for its child keeps no slot any more. */
const SLOT_LENT_MS = 1_000;
/** A child that takes nothing for so long is disconnected. */
const STUCK_CHILD_MS = 30_000;

export interface UploadOptions {
  readonly peerId: string;
  readonly tasks: ServedTasks;
  /** Pieces being sent at once. */
  readonly slots: number;
  /** Absent: as fast as the network takes them. */
  readonly bytesPerSecond?: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly traffic: Traffic;
}

interface Job {
  readonly session: ChildSession;
  readonly task: ServedChildTask;
  readonly what: { readonly piece: number } | { readonly chunk: WantedChunk };
  readonly cancelled: AbortController;
}

interface Child {
  readonly session: ChildSession;
  readonly connection: Connection;
}

export class UploadSide {
  readonly #options: UploadOptions;
  readonly #owner: SessionOwner;
  readonly #turns = new TurnQueue<Job>();
  /** By session id. */
  readonly #children = new Map<string, Child>();
  /** Chunks that are being packed or sent, by session id and key, to be cancelled. */
  readonly #chunks = new Map<string, Job>();
  readonly #chunksOf = new Map<string, number>();
  #bucket: BucketState;
  #active = 0;
  #activeChunks = 0;
  #parked = 0;
  #nextId = 0;

  /** Children whose next readiness gives out free slots. */
  readonly #awaited = new Set<string>();

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#bucket = fullBucket(options.bytesPerSecond ?? 0, options.clock.monotonic());
    this.#owner = this.#ownerOf(options);
  }

  /** Pieces and chunks that wait to be sent. */
  get queueLength(): number {
    return this.#turns.size;
  }

  get freeSlots(): number {
    return Math.max(0, this.#options.slots - this.#active);
  }

  /** Requests of a child that wait here, also those for pieces that are still to come. */
  waitingOf(childId: string): number {
    let count = 0;
    for (const { session } of this.#children.values()) {
      if (session.childId === childId) count += this.#turns.sizeOf(session.id) + session.parkedCount;
    }
    return count;
  }

  /** Serves a child on the stream it opened; an older one of the same child has lost its other end. */
  accept(stream: Stream, connection: Connection): void {
    const childId = connection.remotePeer.toString();
    for (const { session } of this.#children.values()) {
      if (session.childId === childId) session.abort(new ShoalError('aborted', 'the child has a new stream'));
    }
    const id = `${childId} ${this.#nextId++}`;
    this.#children.set(id, { session: new ChildSession(stream, childId, id, this.#owner), connection });
  }

  /** Once a second: signs of life, and the end of children that take nothing. */
  tend(): void {
    const now = this.#options.clock.monotonic();
    for (const { session, connection } of this.#children.values()) {
      const owes = this.#turns.sizeOf(session.id) + session.parkedCount > 0;
      if (session.tend(owes, now) < STUCK_CHILD_MS) continue;
      const error = new ShoalError('timeout', `took nothing for ${STUCK_CHILD_MS / 1000} s`);
      session.abort(error);
      connection.abort(error);
    }
  }

  stop(): void {
    for (const { session } of this.#children.values()) session.abort(new ShoalError('aborted', 'this node stops'));
  }

  #ownerOf({ peerId, tasks, clock, log }: UploadOptions): SessionOwner {
    const turns = this.#turns;
    return {
      peerId,
      tasks,
      clock,
      log,
      queueFor: session => turns.lengthFor(session.id),
      admit: (session, wanted) => {
        const ofChild = turns.sizeOf(session.id) + session.parkedCount;
        return admitted(wanted, { all: turns.size + this.#parked, ofChild }, BOUNDS);
      },
      queuePiece: (session, task, piece, lane) => {
        const key = pieceKey(task.handle, piece);
        turns.add(session.id, key, lane, { session, task, what: { piece }, cancelled: new AbortController() });
        this.#pump();
      },
      queueChunk: (session, task, chunk, lane) => this.#queueChunk(session, task, chunk, lane),
      hurryPiece: (session, handle, piece, lane) => turns.raise(session.id, pieceKey(handle, piece), lane),
      cancelPiece: (session, handle, piece) => turns.remove(session.id, pieceKey(handle, piece)),
      cancelChunk: (session, handle, offset) => this.#cancelChunk(session, chunkKey(handle, offset)),
      forget: (session, handle) => this.#forget(session, handle),
      onParked: by => {
        this.#parked += by;
      },
      onReady: () => this.#pump(),
      onEnd: (session, error) => this.#onEnd(session, error),
    };
  }

  #queueChunk(session: ChildSession, task: ServedChildTask, chunk: WantedChunk, lane: Lane): boolean {
    const key = chunkKey(task.handle, chunk.offset);
    const known = this.#chunks.get(`${session.id} ${key}`);
    if (known !== undefined) {
      this.#turns.add(session.id, key, lane, known);
      return true;
    }
    const count = this.#chunksOf.get(session.id) ?? 0;
    if (count >= MAX_CHUNK_REQUESTS) return false;
    const job: Job = { session, task, what: { chunk }, cancelled: new AbortController() };
    this.#chunks.set(`${session.id} ${key}`, job);
    this.#chunksOf.set(session.id, count + 1);
    this.#turns.add(session.id, key, lane, job);
    this.#pump();
    return true;
  }

  #cancelChunk(session: ChildSession, key: string): void {
    const job = this.#chunks.get(`${session.id} ${key}`);
    if (job === undefined) return;
    this.#turns.remove(session.id, key);
    job.cancelled.abort(new ShoalError('aborted', 'the child does not want it any more'));
    this.#chunkDone(session, key);
  }

  #chunkDone(session: ChildSession, key: string): void {
    if (!this.#chunks.delete(`${session.id} ${key}`)) return;
    const left = (this.#chunksOf.get(session.id) ?? 1) - 1;
    if (left > 0) this.#chunksOf.set(session.id, left);
    else this.#chunksOf.delete(session.id);
  }

  #forget(session: ChildSession, handle: number | undefined): void {
    for (const [name, job] of this.#chunks) {
      if (job.session !== session || (handle !== undefined && job.task.handle !== handle)) continue;
      this.#cancelChunk(session, name.slice(session.id.length + 1));
    }
    if (handle === undefined) this.#turns.removeAll(session.id);
    // The queued pieces of one task stay and are passed over when their turn comes: `holds` says so.
  }

  #onEnd(session: ChildSession, error: ShoalError | undefined): void {
    this.#forget(session, undefined);
    this.#children.delete(session.id);
    const fields = { peer: session.childId, reason: error?.message ?? 'closed' };
    const isBad = error?.code === 'malformed' || error?.code === 'timeout' || error?.code === 'unauthorized';
    if (isBad) this.#options.log.warn('child disconnected', fields);
    else this.#options.log.debug('child gone', fields);
    this.#pump();
  }

  /** Gives free slots to who is next. */
  #pump(): void {
    const { slots, log } = this.#options;
    while (this.#active < slots) {
      const next = this.#turns.next(
        id => this.#children.get(id)?.session.isReady ?? false,
        // Packing is for processors, sending for the network: at least one slot stays for pieces.
        ({ what }) => 'piece' in what || this.#activeChunks < Math.max(1, slots - 1),
      );
      if (next === undefined) {
        this.#awaitReady();
        return;
      }
      const { item, key } = next;
      this.#active++;
      void this.#serve(item, key)
        .catch(error => log.warn('a piece could not be sent', { peer: item.session.childId, reason: messageOf(error) }))
        .finally(() => {
          this.#active--;
          this.#pump();
        });
    }
  }

  /**
   * Children that have something queued and are not ready may have become so by what others sent on their connection:
   * nobody else waits for the moment in which they can be given a turn.
   */
  #awaitReady(): void {
    for (const [id, { session }] of this.#children) {
      if (session.isReady || this.#awaited.has(id) || this.#turns.sizeOf(id) === 0) continue;
      this.#awaited.add(id);
      void session.drained().then(() => {
        this.#awaited.delete(id);
        this.#pump();
      });
    }
  }

  async #serve(job: Job, key: string): Promise<void> {
    const { session, task, what } = job;
    if (!session.holds(task) || job.cancelled.signal.aborted) return;
    if ('piece' in what) {
      const bytes = await task.task.readPiece(what.piece).catch(() => undefined);
      if (bytes === undefined) {
        session.refuse(task, 'failed', [what.piece]);
        return;
      }
      const { handle } = task;
      return this.#send(job, { piece: { handle, piece: what.piece, length: bytes.length } }, bytes);
    }
    this.#activeChunks++;
    try {
      await this.#serveChunk(job, what.chunk);
    } finally {
      this.#activeChunks--;
      if (this.#chunks.get(`${session.id} ${key}`) === job) this.#chunkDone(session, key);
    }
  }

  async #serveChunk(job: Job, chunk: WantedChunk): Promise<void> {
    const { session, task } = job;
    const signal = job.cancelled.signal;
    const frame = await task.task.packChunk(chunk, signal).catch(() => undefined);
    if (signal.aborted) return;
    if (frame === undefined) {
      session.refuse(task, 'failed', [], [chunk.offset]);
      return;
    }
    const place = { piece: Math.floor(chunk.offset / PIECE_BYTES), within: chunk.offset % PIECE_BYTES };
    for (let position = 0; position < frame.length; position += PIECE_BYTES) {
      const part = frame.subarray(position, position + PIECE_BYTES);
      const { length } = part;
      await this.#send(job, { chunk: { handle: task.handle, place, total: frame.length, position, length } }, part);
      // What was only lent is waited for here: nothing is piled up in memory.
      await session.drained();
      if (signal.aborted || !session.holds(task)) return;
    }
  }

  /** Resolves when the network has the bytes, or when waiting for that would keep others from their turn. */
  async #send(job: Job, message: Parameters<ChildSession['sendData']>[0], body: Uint8Array): Promise<void> {
    const { session, task, cancelled } = job;
    await this.#payFor(body.length, session);
    if (!session.holds(task) || cancelled.signal.aborted) return;
    session.sendData(message, body);
    this.#options.traffic.sent(session.childId, body.length);
    if (session.isReady) return;
    const waited = new AbortController();
    const lent = this.#options.clock.sleep(SLOT_LENT_MS, { signal: waited.signal }).catch(() => {});
    await Promise.race([session.drained().then(() => this.#pump()), lent]);
    waited.abort(OVER);
  }

  async #payFor(bytes: number, { over }: ChildSession): Promise<void> {
    const { bytesPerSecond, clock } = this.#options;
    if (bytesPerSecond === undefined) return;
    const { state, waitMs } = pay(this.#bucket, bytes, bytesPerSecond, clock.monotonic());
    this.#bucket = state;
    if (waitMs > 0) await clock.sleep(waitMs, { signal: over }).catch(() => {});
  }
}

const pieceKey = (handle: number, piece: number) => `${handle} p${piece}`;
const chunkKey = (handle: number, offset: number) => `${handle} c${offset}`;
