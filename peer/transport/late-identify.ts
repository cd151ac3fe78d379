// Identify: it asks a peer which protocols it speaks, which only the DHT wants to know. libp2p does so on each new connection
// at once, for a fifth of what a connection costs: streams, a signature, writes to the peer store, a ping of the DHT. When an
// image starts on many nodes, all connections come within a second, and reads wait for them. So it is done when no more come;
// at once only on the connection that a node enters the swarm by.

import type { Connection } from '@libp2p/interface';
import type { Clock } from '../../core/index.ts';

/** No connection has come for so long: a crowd of nodes is there by then. */
const QUIET_MS = 1_000;
/** So long they go on coming at most. */
const PATIENCE_MS = 5_000;
/** At once. */
const BATCH = 4;

export interface LateIdentifyPorts {
  /** Rejects when the connection is closed meanwhile. */
  readonly identify: (connection: Connection) => Promise<unknown>;
  readonly clock: Clock;
}

export class LateIdentify {
  readonly #ports: LateIdentifyPorts;
  readonly #waiting = new Set<Connection>();
  readonly #stop = new AbortController();
  #lastAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(ports: LateIdentifyPorts) {
    this.#ports = ports;
  }

  opened(connection: Connection): void {
    const now = this.#ports.clock.monotonic();
    const isFirst = this.#waiting.size === 0 && now - this.#lastAt >= QUIET_MS;
    this.#lastAt = now;
    if (isFirst) {
      void this.#identify(connection);
      return;
    }
    this.#waiting.add(connection);
    this.#running ??= this.#run(now);
  }

  closed(connection: Connection): void {
    this.#waiting.delete(connection);
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#waiting.clear();
    await this.#running;
  }

  async #run(since: number): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stop;
    for (let now = since; now < this.#dueAt(since); now = clock.monotonic()) {
      await clock.sleep(this.#dueAt(since) - now, { signal }).catch(() => {}); // nobody waits any more
      if (signal.aborted) return;
    }
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, BATCH);
      for (const connection of batch) this.#waiting.delete(connection);
      await Promise.all(batch.map(connection => this.#identify(connection)));
    }
    this.#running = undefined;
  }

  #dueAt(since: number): number {
    return Math.min(this.#lastAt + QUIET_MS, since + PATIENCE_MS);
  }

  /** It has a deadline of its own. */
  async #identify(connection: Connection): Promise<void> {
    await this.#ports.identify(connection).catch(() => {}); // it was closed: the next one tells
  }
}
