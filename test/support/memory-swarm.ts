// A Swarm out of memory, for tests of what reads blobs through it. It holds blobs whole, or has them from their origin, or
// nobody has anything: then reads are refused at once, as they are in a swarm of one.
//
//   const swarm = new MemorySwarm();
//   swarm.add(digest, bytes);                  // peers have the blob
//   swarm.addPacked(digest, place, frame);     // a peer has only this chunk of it
//   swarm.fromOrigin = true;                   // what peers do not have is leased to this node
//   swarm.pause(); … swarm.resume();           // reads wait in between
//   swarm.failNext(new ShoalError('timeout', '…'));
//   swarm.corrupt.add(offset);                 // reads from this offset give wrong bytes, until they are distrusted
//   swarm.joined, swarm.reads, swarm.distrusted  // who takes part in what, and what was asked and complained about

import {
  abortedError,
  type ByteRange,
  type CachedChunks,
  type ChunkPlace,
  type Digest,
  type Lane,
  type PeerNode,
  type RangeReader,
  type SharedBlob,
  ShoalError,
  type Swarm,
  type SwarmBlob,
  type SwarmStatus,
} from '../../core/index.ts';

interface ReadOptions {
  readonly lane: Lane;
  readonly signal: AbortSignal;
}

interface Ports {
  readonly origin: RangeReader;
  readonly chunks?: CachedChunks | undefined;
}

export class MemorySwarm implements Swarm {
  fromOrigin = false;
  readonly corrupt = new Set<number>();
  readonly reads: { readonly digest: Digest; readonly range: ByteRange; readonly lane: Lane }[] = [];
  readonly distrusted: ByteRange[] = [];
  /** By digest: the ports of all who joined and have not left. */
  readonly joined = new Map<Digest, Set<Ports>>();
  readonly shared: SharedBlob[] = [];
  readonly #blobs = new Map<Digest, Uint8Array>();
  readonly #packed = new Map<string, Uint8Array>();
  readonly #failures: ShoalError[] = [];
  #gate: PromiseWithResolvers<void> | undefined;

  add(digest: Digest, bytes: Uint8Array): void {
    this.#blobs.set(digest, bytes);
  }

  addPacked(digest: Digest, place: Pick<ChunkPlace, 'offset'>, frame: Uint8Array): void {
    this.#packed.set(`${digest} ${place.offset}`, frame);
  }

  failNext(error: ShoalError): void {
    this.#failures.push(error);
  }

  pause(): void {
    this.#gate ??= Promise.withResolvers();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  join(blob: SharedBlob, ports: Ports): SwarmBlob {
    const holders = this.joined.get(blob.digest) ?? new Set();
    this.joined.set(blob.digest, holders);
    const mine = { ...ports };
    holders.add(mine);
    this.shared.push(blob);
    return {
      read: (range, options) => this.#read(blob, mine, range, options),
      readChunk: (place, options) => this.#readChunk(blob, place, options),
      distrust: range => {
        this.distrusted.push(range);
        this.corrupt.delete(range.offset);
      },
      leave: () => {
        holders.delete(mine);
        if (holders.size === 0) this.joined.delete(blob.digest);
      },
    };
  }

  async #read(
    blob: SharedBlob,
    { origin }: Ports,
    range: ByteRange,
    { lane, signal }: ReadOptions,
  ): Promise<Awaited<ReturnType<SwarmBlob['read']>>> {
    this.reads.push({ digest: blob.digest, range, lane });
    await this.#pass(signal);
    const held = this.#blobs.get(blob.digest);
    if (held !== undefined) {
      const bytes = new Uint8Array(held.subarray(range.offset, range.offset + range.length));
      if (this.corrupt.has(range.offset)) bytes[0] = (bytes[0] ?? 0) ^ 0xff;
      return { bytes, tally: { peerBytes: range.length, originBytes: 0 } };
    }
    if (!this.fromOrigin) throw new ShoalError('unavailable', 'memory swarm: nobody has the blob');
    const bytes = new Uint8Array(range.length);
    let at = 0;
    for await (const part of origin.readRange(blob, range, { signal })) {
      bytes.set(part, at);
      at += part.length;
    }
    return { bytes, tally: { peerBytes: 0, originBytes: range.length } };
  }

  async #readChunk(
    blob: SharedBlob,
    { offset }: ChunkPlace,
    { signal }: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    await this.#pass(signal);
    const frame = this.#packed.get(`${blob.digest} ${offset}`);
    return frame && new Uint8Array(frame);
  }

  /** Waits while paused; rejects when the signal fires, or with what the test wants. */
  async #pass(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortedError(signal);
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    if (this.#gate === undefined) return;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(abortedError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#gate.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

export const noSwarmStatus: SwarmStatus = {
  peerId: '12D3KooWtest',
  addresses: [],
  certificateExpiresAt: 0,
  schedulers: [],
  peers: [],
  tasks: [],
  counters: {
    bytesFromPeers: 0,
    bytesFromOrigin: 0,
    bytesSent: 0,
    wrongPieces: 0,
    hedges: 0,
  },
};

/** A node whose swarm is in memory. `status` is what the test says. */
export class MemoryPeerNode implements PeerNode {
  readonly swarm = new MemorySwarm();
  stopped = false;
  #status: SwarmStatus = noSwarmStatus;

  say(status: Partial<SwarmStatus>): void {
    this.#status = { ...this.#status, ...status };
  }

  status(): SwarmStatus {
    return this.#status;
  }

  async stop(): Promise<void> {
    this.stopped = true;
  }
}
