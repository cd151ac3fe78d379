// Links that are shared: each node has an uplink and a downlink, each connection sends one thing after the other, and all
// connections that send get their max-min fair share, as long-lived TCP flows do, roughly. No queues, no loss.

import type { VirtualClock } from './virtual-clock.ts';

export interface Rates {
  /** Bytes per second. */
  readonly up: number;
  readonly down: number;
}

interface Link {
  readonly rate: number;
  left: number;
  unfixed: number;
  bytes: number;
}

interface Item {
  left: number;
  readonly done: () => void;
}

interface Connection {
  readonly from: Link;
  readonly to: Link;
  readonly items: Item[];
  rate: number;
  fixed: boolean;
  bytes: number;
}

export class SharedLinks {
  readonly #clock: VirtualClock;
  readonly #up = new Map<string, Link>();
  readonly #down = new Map<string, Link>();
  readonly #connections = new Map<string, Connection>();
  readonly #busy = new Set<Connection>();
  #at = 0;
  #isDirty = false;
  #stopNext = () => {};

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    clock.beforeAdvance = () => this.#share();
  }

  addNode(id: string, rates: Rates): void {
    this.#up.set(id, { rate: rates.up, left: 0, unfixed: 0, bytes: 0 });
    this.#down.set(id, { rate: rates.down, left: 0, unfixed: 0, bytes: 0 });
  }

  /** Sends bytes over the connection of this name; `done` is called when the last one has left. */
  send(name: string, ends: { readonly from: string; readonly to: string }, bytes: number, done: () => void): void {
    const from = this.#up.get(ends.from);
    const to = this.#down.get(ends.to);
    if (from === undefined || to === undefined) throw new Error(`no link ${ends.from} to ${ends.to}`);
    this.#pass();
    const connection = this.#connections.get(name) ?? { from, to, items: [], rate: 0, fixed: false, bytes: 0 };
    this.#connections.set(name, connection);
    connection.items.push({ left: bytes, done });
    this.#busy.add(connection);
    this.#isDirty = true;
  }

  /** Everything on the connection is lost. */
  cut(name: string): void {
    const connection = this.#connections.get(name);
    if (connection === undefined) return;
    this.#pass();
    this.#connections.delete(name);
    this.#busy.delete(connection);
    this.#isDirty = true;
  }

  isUplinkBusy(id: string): boolean {
    const link = this.#up.get(id);
    for (const connection of this.#busy) if (connection.from === link) return true;
    return false;
  }

  /** Bytes that left the node. */
  sent(id: string): number {
    return this.#up.get(id)?.bytes ?? 0;
  }

  /** Bytes that came over the connection of this name, as of the last change anywhere. */
  arrived(name: string): number {
    return this.#connections.get(name)?.bytes ?? 0;
  }

  #pass(): void {
    const now = this.#clock.monotonic();
    const seconds = (now - this.#at) / 1000;
    this.#at = now;
    if (seconds === 0) return;
    for (const connection of this.#busy) {
      const item = connection.items[0];
      if (item === undefined) continue;
      const bytes = Math.min(item.left, connection.rate * seconds);
      item.left -= bytes;
      connection.bytes += bytes;
      connection.from.bytes += bytes;
      connection.to.bytes += bytes;
    }
  }

  #finish(): void {
    this.#pass();
    this.#isDirty = true;
    for (const connection of [...this.#busy]) {
      const item = connection.items[0];
      if (item === undefined || item.left > 0.01) continue;
      connection.items.shift();
      if (connection.items.length === 0) this.#busy.delete(connection);
      item.done();
    }
  }

  /** Water-filling: the tightest link's connections get their share, and so on with what is left. */
  #share(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#stopNext();
    const links = new Set<Link>();
    for (const connection of this.#busy) {
      connection.fixed = false;
      for (const link of [connection.from, connection.to]) {
        if (!links.has(link)) {
          links.add(link);
          link.left = link.rate;
          link.unfixed = 0;
        }
        link.unfixed++;
      }
    }
    for (let open = this.#busy.size; open > 0; ) {
      let tightest: Link | undefined;
      for (const link of links) {
        if (link.unfixed === 0) continue;
        if (tightest === undefined || link.left / link.unfixed < tightest.left / tightest.unfixed) tightest = link;
      }
      if (tightest === undefined) break;
      const share = tightest.left / tightest.unfixed;
      for (const connection of this.#busy) {
        if (connection.fixed || (connection.from !== tightest && connection.to !== tightest)) continue;
        connection.fixed = true;
        connection.rate = share;
        open--;
        for (const link of [connection.from, connection.to]) {
          link.left = Math.max(0, link.left - share);
          link.unfixed--;
        }
      }
    }
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const connection of this.#busy) {
      soonestMs = Math.min(soonestMs, ((connection.items[0]?.left ?? 0) / connection.rate) * 1000);
    }
    if (soonestMs < Number.POSITIVE_INFINITY) this.#stopNext = this.#clock.after(soonestMs, () => this.#finish());
  }
}
