// Fetches leased pieces from the origin: in the order of the lease, adjoining ones in one range, a few ranges at once. Each
// piece is handed on when it is whole; a failure is handed on with the words that the scheduler knows.

import { type Clock, type Digest, isShoalError, pieceRange, type RangeReader, ShoalError } from '../../core/index.ts';
import type { LeaseFailure } from '../ports.ts';

export interface LeaseEvents {
  /** Returns whether the bytes are right; they are the receiver's. */
  onPiece(piece: number, bytes: Uint8Array<ArrayBuffer>): boolean;
  onFailed(pieces: readonly number[], reason: LeaseFailure, retryAfterMs: number | undefined): void;
}

interface Run {
  readonly stop: AbortController;
  lastBytesAt: number;
}

export class LeaseFetcher {
  readonly #blob: { readonly digest: Digest; readonly size: number };
  readonly #ports: { readonly origin: RangeReader; readonly clock: Clock };
  readonly #limits: {
    readonly originRequests: number;
    readonly originRangePieces: number;
    readonly originStallMs: number;
  };
  readonly #events: LeaseEvents;
  /** In the order of the lease; not begun. */
  readonly #queue = new Set<number>();
  readonly #underWay = new Set<number>();
  readonly #runs = new Set<Run>();

  constructor(
    blob: { readonly digest: Digest; readonly size: number },
    ports: { readonly origin: RangeReader; readonly clock: Clock },
    limits: { readonly originRequests: number; readonly originRangePieces: number; readonly originStallMs: number },
    events: LeaseEvents,
  ) {
    this.#blob = blob;
    this.#ports = ports;
    this.#limits = limits;
    this.#events = events;
  }

  get size(): number {
    return this.#queue.size + this.#underWay.size;
  }

  has(piece: number): boolean {
    return this.#queue.has(piece) || this.#underWay.has(piece);
  }

  add(pieces: readonly number[]): void {
    for (const piece of pieces) if (!this.#underWay.has(piece)) this.#queue.add(piece);
    this.#start();
  }

  /** It came another way. What is under way goes on: it is paid for. */
  drop(piece: number): void {
    this.#queue.delete(piece);
  }

  /** Looks for ranges that bring nothing. */
  tick(now: number): void {
    for (const run of this.#runs) {
      if (now - run.lastBytesAt < this.#limits.originStallMs) continue;
      run.stop.abort(new ShoalError('timeout', `origin: no bytes for ${this.#limits.originStallMs} ms`));
    }
  }

  /** Nothing is handed on any more. */
  stop(): void {
    this.#queue.clear();
    this.#underWay.clear();
    for (const run of this.#runs) run.stop.abort(new ShoalError('aborted', 'the blob is no longer shared'));
  }

  #start(): void {
    while (this.#runs.size < this.#limits.originRequests && this.#queue.size > 0) {
      const pieces = this.#nextRun();
      const run: Run = { stop: new AbortController(), lastBytesAt: this.#ports.clock.monotonic() };
      this.#runs.add(run);
      void this.#fetch(pieces, run).finally(() => {
        this.#runs.delete(run);
        this.#start();
      });
    }
  }

  #nextRun(): number[] {
    const run: number[] = [];
    for (const piece of this.#queue) {
      if (run.length > 0 && piece !== (run.at(-1) ?? 0) + 1) break;
      run.push(piece);
      this.#queue.delete(piece);
      this.#underWay.add(piece);
      if (run.length >= this.#limits.originRangePieces) break;
    }
    return run;
  }

  async #fetch(pieces: readonly number[], run: Run): Promise<void> {
    const left = [...pieces];
    try {
      for await (const bytes of this.#pieces(pieces, run)) this.#hand(left.shift() ?? 0, bytes, run);
    } catch (error) {
      const own = left.filter(piece => this.#underWay.delete(piece));
      if (run.stop.signal.aborted && isShoalError(run.stop.signal.reason, 'aborted')) return;
      if (own.length > 0) this.#events.onFailed(own, leaseFailure(error), retryAfterOf(error));
    }
  }

  #hand(piece: number, bytes: Uint8Array<ArrayBuffer>, run: Run): void {
    this.#underWay.delete(piece);
    if (run.stop.signal.aborted) return;
    if (!this.#events.onPiece(piece, bytes)) this.#events.onFailed([piece], 'wrong-bytes', undefined);
  }

  /** The pieces' bytes, one after the other. Rejects when there are fewer or more. */
  async *#pieces(pieces: readonly number[], run: Run): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const ranges = pieces.map(piece => pieceRange(this.#blob.size, piece));
    const offset = ranges[0]?.offset ?? 0;
    const length = ranges.reduce((sum, range) => sum + range.length, 0);
    let at = 0;
    let filled = 0;
    let into = new Uint8Array(ranges[0]?.length ?? 0);
    const stream = this.#ports.origin.readRange(this.#blob, { offset, length }, { signal: run.stop.signal });
    for await (let bytes of stream) {
      run.lastBytesAt = this.#ports.clock.monotonic();
      while (bytes.length > 0) {
        if (at === ranges.length) throw new ShoalError('malformed', `origin sent more than ${length} bytes`);
        const part = bytes.subarray(0, into.length - filled);
        into.set(part, filled);
        filled += part.length;
        bytes = bytes.subarray(part.length);
        if (filled < into.length) continue;
        yield into;
        at++;
        filled = 0;
        into = new Uint8Array(ranges[at]?.length ?? 0);
      }
    }
    if (at < ranges.length) throw new ShoalError('malformed', `origin sent less than ${length} bytes`);
  }
}

/** In the scheduler's words. */
export function leaseFailure(error: unknown): LeaseFailure {
  if (!(error instanceof ShoalError)) return 'unreachable';
  switch (error.code) {
    case 'unavailable':
      // With a time to come back it is about all of us (429, 503); without, it may be this node's way there.
      return error.retryAfterMs === undefined ? 'unreachable' : 'busy';
    case 'unauthorized':
      return 'unauthorized';
    case 'not-found':
      return 'not-found';
    case 'malformed':
    case 'digest-mismatch':
      return 'wrong-bytes';
    case 'no-space':
    case 'limit':
    case 'system':
    case 'internal':
    case 'usage':
    case 'unsupported':
      return 'local';
    default:
      return 'unreachable';
  }
}

function retryAfterOf(error: unknown): number | undefined {
  return error instanceof ShoalError ? error.retryAfterMs : undefined;
}
