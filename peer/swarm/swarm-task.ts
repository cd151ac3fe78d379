// A blob that this node shares: its readers, what is here of it, and the side that other nodes see (ServedTask). In a
// chunk's journey it stands between the daemon's read and the other nodes; `Download` decides whom to ask.

import {
  abortedError,
  type ByteRange,
  type CachedChunks,
  type ChunkPlace,
  type Digest,
  isShoalError,
  LANES,
  type Lane,
  type Logger,
  pieceCount,
  pieceRange,
  piecesOf,
  type RangeReader,
  type SharedBlob,
  ShoalError,
} from '../../core/index.ts';
import { type TaskId, taskIdOf } from '../../proto/index.ts';
import type { ServedTask, ServedTaskListener } from '../ports.ts';
import { newCounters, type SwarmCounters } from './counters.ts';
import { Download, type DownloadPorts } from './download.ts';
import { Holdings } from './holdings.ts';
import type { Parent } from './parent.ts';
import type { PieceStore } from './piece-store.ts';
import { type FinishedRead, Reads } from './reads.ts';
import { statusOf, type TaskStatus } from './status.ts';
import { Suspects } from './suspects.ts';
import { Ticker, Turn } from './turn.ts';

export interface TaskPorts extends Omit<DownloadPorts, 'origin' | 'counters'> {
  readonly store: PieceStore;
  readonly log: Logger;
}

/** Peers named to a child that is turned away. */
const HOLDERS_NAMED = 4;
/** Peers asked for one chunk, one after the other. */
const CHUNK_ATTEMPTS = 3;

export class SwarmTask implements ServedTask {
  readonly taskId: TaskId;
  readonly pieceCount: number;
  readonly counters: SwarmCounters = newCounters();
  readonly #blob: SharedBlob;
  readonly #chunks: CachedChunks | undefined;
  readonly #ports: TaskPorts;
  readonly #reads: Reads;
  readonly #holdings: Holdings;
  readonly #download: Download;
  readonly #suspects = new Suspects();
  /** Wanted by nobody's read: for children without a scheduler, or to find out who sent wrong bytes. */
  readonly #extra = new Map<number, Lane>();
  /** Others had to wait for them, so readers here will; while there are any. */
  readonly #traced = new Set<number>();
  readonly #turn: Turn;
  readonly #ticker: Ticker;
  #lastPieceAt: number;
  #isProvided = false;
  #isClosed = false;

  constructor(
    blob: SharedBlob,
    own: { readonly origin: RangeReader; readonly chunks: CachedChunks | undefined },
    ports: TaskPorts,
  ) {
    this.#blob = blob;
    this.#chunks = own.chunks;
    this.#ports = ports;
    this.taskId = taskIdOf(blob.digest);
    this.pieceCount = pieceCount(blob.size);
    this.#lastPieceAt = ports.clock.monotonic();
    this.#turn = new Turn(() => this.#decide());
    this.#ticker = new Ticker(ports.clock, ports.settings.tickMs, () => this.#tick());
    this.#reads = new Reads(blob.size);
    this.#holdings = new Holdings(
      blob,
      { store: ports.store, cached: own.chunks, count: this.pieceCount },
      { changed: () => this.#changed(), proven: piece => void this.#proven(piece) },
    );
    const joined = {
      taskId: this.taskId,
      pieceCount: this.pieceCount,
      pieces: this.#holdings.pieces,
      chunks: this.#holdings.chunks,
      reachesOrigin: true,
    };
    this.#download = new Download(
      blob,
      joined,
      { ...ports, origin: own.origin, counters: this.counters },
      {
        isHere: piece => this.#holdings.has(piece),
        onPiece: (piece, bytes, from) => this.#arrived(piece, bytes, from),
        onNotComing: pieces => this.#holdings.notComing(pieces),
        onTrace: pieces => this.#foretold(pieces),
        onNobody: pieces => this.#nobodyHas(new Set(pieces)),
        isShunned: (piece, peerId) => this.#suspects.isSuspected(piece, peerId),
        onChanged: () => this.#changed(),
      },
    );
  }

  get digest(): Digest {
    return this.#blob.digest;
  }

  // ---- for this node's readers -----------------------------------------------------------------------------------------

  /** As SwarmBlob.read. Needs memory for `range.length` bytes until it ends. */
  async read(range: ByteRange, options: { readonly lane: Lane; readonly signal: AbortSignal }): Promise<FinishedRead> {
    const { offset, length } = range;
    if (length < 1 || offset < 0 || offset + length > this.#blob.size) {
      throw new ShoalError('internal', `read of ${length} bytes at ${offset}: the blob has ${this.#blob.size}`);
    }
    if (this.#isClosed) throw nobody();
    const since = this.#ports.clock.monotonic();
    if (this.#reads.size === 0) this.#lastPieceAt = since;
    const { lane, signal } = options;
    const reading = this.#reads.add({ range, lane, since }, { signal, released: pieces => this.#released(pieces) });
    const { first, end } = piecesOf(offset, length);
    for (let piece = first; piece < end; piece++) {
      if (this.#holdings.has(piece)) void this.#load(piece);
      else this.#want(piece);
    }
    this.#changed();
    return reading;
  }

  /** As SwarmBlob.readChunk. */
  async readChunk(
    place: ChunkPlace,
    options: { readonly lane: Lane; readonly signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { first, end } = piecesOf(place.offset, place.compressedSize);
    const pieces = Array.from({ length: end - first }, (_, index) => first + index);
    const holders = this.#download
      .views(this.#ports.clock.monotonic())
      .filter(view => pieces.every(piece => view.parent.chunks.has(piece)))
      .sort((a, b) => a.expectedMs - b.expectedMs);
    if (holders.length === 0) return undefined;
    for (const { parent } of holders.slice(0, CHUNK_ATTEMPTS)) {
      if (options.signal.aborted) throw abortedError(options.signal);
      try {
        const frame = await parent.task?.requestChunk(place, options);
        if (frame === undefined) continue;
        this.counters.peerBytes += frame.length;
        parent.peerBytes += frame.length;
        return frame;
      } catch (error) {
        if (!isShoalError(error, 'unavailable') && !isShoalError(error, 'timeout')) throw error;
        for (const piece of pieces) parent.chunks.delete(piece); // until it says so again
      }
    }
    throw new ShoalError('unavailable', `no peer sent the chunk at ${place.offset}`);
  }

  /** As SwarmBlob.distrust. */
  distrust(range: ByteRange): void {
    const { first, end } = piecesOf(range.offset, range.length);
    for (let piece = first; piece < end; piece++) {
      if (this.#blob.pieces === undefined && this.#holdings.isUnproven(piece)) void this.#suspect(piece);
    }
  }

  /** Somebody reads it (again), perhaps with credentials that others do not have. */
  joined(): void {
    this.#holdings.setInUse(true);
    this.#download.scheduler.follow(true);
    this.#download.originIsNew();
  }

  /** Nobody reads it now. */
  left(): void {
    this.#holdings.setInUse(false);
    this.#download.scheduler.follow(false);
    const traced = [...this.#traced];
    this.#traced.clear();
    for (const piece of traced) this.#want(piece);
    this.#changed();
  }

  /** Of a blob nobody reads any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reads.fail(() => true, nobody());
    this.#turn.stop();
    this.#ticker.stop();
    this.#download.stop();
    this.#holdings.close();
    if (this.#isProvided) this.#ports.discovery.withdraw(this.taskId);
  }

  status(): TaskStatus {
    return statusOf(
      { taskId: this.taskId, digest: this.digest },
      { holdings: this.#holdings, download: this.#download, reads: this.#reads.size, counters: this.counters },
    );
  }

  // ---- for other nodes: ServedTask --------------------------------------------------------------------------------------

  get pieces() {
    return this.#holdings.pieces;
  }

  get chunks() {
    return this.#holdings.chunks;
  }

  isComing(piece: number): boolean {
    return !this.#isClosed && this.#isExpected(piece);
  }

  fetchFor(piece: number, lane: Lane): boolean {
    if (this.#isClosed || piece < 0 || piece >= this.pieceCount) return false;
    if (this.#holdings.pieces.has(piece) || this.isComing(piece)) return true;
    const { settings, clock } = this.#ports;
    if (this.#extra.size >= settings.fetchedForOthers) return false;
    const now = clock.monotonic();
    if (!this.#download.scheduler.isUp) return this.#download.fetchUnasked(piece, now);
    // Behind what this node's own readers wait for: a child may ask for all there is.
    this.#wantExtra(piece, lane === 'demand' ? 'trace' : lane);
    return true;
  }

  readPiece(piece: number): Promise<Uint8Array | undefined> {
    return this.#holdings.pieces.has(piece) ? this.#holdings.read(piece) : Promise.resolve(undefined);
  }

  packChunk(place: ChunkPlace, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#chunks?.pack(place, { signal }) ?? Promise.resolve(undefined);
  }

  holders(piece: number): readonly string[] {
    const holders = this.#download.parents.all.filter(parent => parent.phase === 'open' && parent.pieces.has(piece));
    return holders.slice(0, HOLDERS_NAMED).map(parent => parent.peerId);
  }

  onChange(listener: ServedTaskListener): () => void {
    return this.#holdings.onChange(listener);
  }

  // ---- what happens ----------------------------------------------------------------------------------------------------

  #changed(): void {
    if (this.#isClosed) return;
    this.#turn.ask();
    this.#ticker.start();
  }

  #decide(): void {
    const now = this.#ports.clock.monotonic();
    this.#download.turn(now);
    const { gained, lost } = this.#holdings.flush(piece => this.#isExpected(piece));
    const { scheduler } = this.#download;
    if (gained.pieces.length + gained.chunks.length > 0) scheduler.gained(gained.pieces, gained.chunks);
    if (lost.pieces.length + lost.chunks.length > 0) scheduler.lost(lost.pieces, lost.chunks);
    if (!this.#isProvided && this.#holdings.pieces.size + this.#holdings.chunks.size > 0) {
      this.#isProvided = true;
      this.#ports.discovery.provide(this.taskId);
    }
    this.#failHopeless(now);
  }

  #isExpected(piece: number): boolean {
    return this.#download.isComing(piece) || this.#download.isForeseen(piece);
  }

  #tick(): boolean {
    if (this.#isClosed) return false;
    const now = this.#ports.clock.monotonic();
    this.#holdings.look();
    const isBusy = this.#download.tick(now);
    this.#turn.ask();
    return isBusy || this.#reads.size > 0 || this.#holdings.isLooking;
  }

  #failHopeless(now: number): void {
    if (this.#reads.size === 0) return;
    const { giveUpMs } = this.#ports.settings;
    const isComing = (missing: ReadonlySet<number>) => [...missing].every(piece => this.#download.fetcher.has(piece));
    if (this.#download.isHopeless(now)) {
      this.#reads.fail((_, missing) => !isComing(missing) && !this.#isLoading(missing), nobody());
    } else if (now - this.#lastPieceAt >= giveUpMs) {
      this.#reads.fail(read => now - read.since >= giveUpMs, nobody());
    }
  }

  /** All of them are here, and only have to be read. */
  #isLoading(missing: ReadonlySet<number>): boolean {
    return [...missing].every(piece => this.#holdings.has(piece));
  }

  #nobodyHas(pieces: ReadonlySet<number>): void {
    this.#reads.fail((_, missing) => [...missing].some(piece => pieces.has(piece)), nobody());
    for (const piece of pieces) {
      this.#extra.delete(piece);
      this.#traced.delete(piece);
    }
    this.#download.unwant([...pieces]);
  }

  #want(piece: number): void {
    const traced = this.#traced.has(piece) ? 'trace' : undefined;
    const lanes: (Lane | undefined)[] = [this.#reads.laneOf(piece), this.#extra.get(piece), traced];
    const lane = LANES.find(one => lanes.includes(one));
    if (lane !== undefined) this.#download.want(piece, lane, this.#ports.clock.monotonic());
    else this.#download.unwant([piece]);
  }

  #wantExtra(piece: number, lane: Lane): void {
    this.#extra.set(piece, lane);
    this.#want(piece);
    this.#changed();
  }

  #foretold(pieces: readonly number[]): void {
    for (const piece of pieces) {
      if (this.#holdings.has(piece)) continue;
      this.#traced.add(piece);
      this.#want(piece);
    }
    this.#changed();
  }

  #released(pieces: readonly number[]): void {
    if (this.#isClosed) return;
    for (const piece of pieces) if (this.#download.wanted.laneOf(piece) !== undefined) this.#want(piece);
    this.#changed();
  }

  /** For readers, of a piece that is here. */
  async #load(piece: number): Promise<void> {
    const bytes = await this.#holdings.read(piece);
    if (this.#isClosed) return;
    if (bytes !== undefined) this.#reads.deliver(piece, bytes, this.#holdings.sourceOf(piece));
    else if (this.#reads.isWaitedFor(piece)) {
      this.#want(piece);
      this.#changed();
    }
  }

  #arrived(piece: number, bytes: Uint8Array<ArrayBuffer>, from: Parent | undefined): boolean {
    if (this.#isClosed) return true;
    if (this.#holdings.has(piece)) {
      this.counters.wastedBytes += bytes.length;
      this.#download.arrived(piece);
      return true;
    }
    if (!this.#isRight(piece, bytes)) {
      this.#accuse(piece, from);
      return false;
    }
    const source = from === undefined ? 'origin' : 'peer';
    if (from === undefined) this.counters.originBytes += bytes.length;
    else this.counters.peerBytes += bytes.length;
    this.#lastPieceAt = this.#ports.clock.monotonic();
    this.#extra.delete(piece);
    this.#traced.delete(piece);
    if (this.#blob.pieces === undefined) this.#suspects.sent(piece, from?.peerId);
    this.#holdings.keep(piece, bytes, source);
    this.#reads.deliver(piece, bytes, source);
    this.#download.arrived(piece);
    // Others were told to wait for it here.
    if (from === undefined && !this.#holdings.has(piece))
      this.#download.scheduler.leaseFailed([piece], 'local', undefined);
    this.#changed();
    return true;
  }

  #isRight(piece: number, bytes: Uint8Array): boolean {
    if (bytes.length !== pieceRange(this.#blob.size, piece).length) return false;
    return this.#blob.pieces?.verify(piece, bytes) ?? true;
  }

  /** Wrong bytes: nobody may have them from here, and their sender is left alone. */
  #accuse(piece: number, from: Parent | undefined): void {
    this.counters.wrongPieces++;
    this.#ports.log.warn('wrong bytes of a piece', {
      task: this.taskId.slice(0, 12),
      piece,
      from: from?.peerId ?? 'origin',
    });
    if (from === undefined) return;
    this.#ports.avoided.countWrongPiece(from.peerId);
    this.#download.scheduler.accuse(from.peerId, piece, 'wrong-bytes');
    this.#download.avoid(from.peerId, this.#ports.settings.avoidMs, 'sent wrong bytes');
  }

  /** Part of a chunk that was wrong: forgotten, and fetched from somebody else, so that the two can be compared. */
  async #suspect(piece: number): Promise<void> {
    const bytes = await this.#holdings.read(piece);
    if (this.#isClosed || !this.#holdings.isUnproven(piece)) return;
    if (bytes !== undefined) this.#suspects.suspect(piece, bytes);
    this.#holdings.drop([piece]);
    this.#wantExtra(piece, 'trace');
  }

  /** The chunks of a piece without a digest of its own are right, and so is the piece. */
  async #proven(piece: number): Promise<void> {
    if (!this.#suspects.hasSuspects(piece)) return this.#suspects.forget(piece);
    const bytes = await this.#holdings.read(piece);
    if (this.#isClosed || bytes === undefined) return;
    for (const peerId of this.#suspects.proven(piece, bytes)) {
      this.counters.wrongPieces++;
      this.#ports.log.warn('a peer sent wrong bytes', { task: this.taskId.slice(0, 12), piece, from: peerId });
      this.#ports.avoided.countWrongPiece(peerId);
      this.#download.scheduler.accuse(peerId, piece, 'wrong-bytes');
      this.#download.avoid(peerId, this.#ports.settings.avoidMs, 'sent wrong bytes');
    }
  }
}

function nobody(): ShoalError {
  return new ShoalError('unavailable', 'no peer has the bytes, and none is in sight');
}
