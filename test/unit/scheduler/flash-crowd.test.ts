// A small simulation: nodes on ideal links demand the same blob in order. An origin that sends one piece after the other,
// nodes whose uplinks do the same, no losses, no delay but what is said. It shows what the scheduler's decisions lead to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoreUnderTest, type NodeUnderTest, range, seeded } from './core-under-test.ts';

interface Outcome {
  /** Leases for each piece, and for each node. */
  readonly perPiece: readonly number[];
  readonly perNode: readonly number[];
  /** Time until all had everything, over the time the origin needs to send it once. */
  readonly ratio: number;
  readonly finishedMs: readonly number[];
}

/** ms that a piece takes on any link. */
const PIECE_MS = 26;
const FLUSH_MS = 2;
const REPORT_MS = 500;
/** More would wait at busy uplinks while others are idle; in another order than others, so that there is to swap. */
const ASKED_AT_ONCE = 2;

class Swarm {
  readonly core = new CoreUnderTest({ seed: 7 });
  readonly nodes: NodeUnderTest[];
  readonly perPiece: number[];
  readonly perNode: number[];
  readonly #has: Set<number>[];
  readonly #unreported: number[][];
  /** Pieces asked of somebody and not here yet. */
  readonly #asked: Set<number>[];
  readonly #uplinkFreeAt: number[];
  readonly #events: { readonly at: number; readonly run: () => void }[] = [];
  readonly #byName = new Map<string, number>();
  readonly #random = seeded(3);
  #originFreeAt = 0;

  constructor(count: number, pieceCount: number) {
    this.nodes = this.core.crowd(count, { pieceCount });
    for (const [i, node] of this.nodes.entries()) this.#byName.set(node.name, i);
    this.perPiece = Array.from({ length: pieceCount }, () => 0);
    this.perNode = this.nodes.map(() => 0);
    this.#has = this.nodes.map(() => new Set<number>());
    this.#unreported = this.nodes.map(() => []);
    this.#asked = this.nodes.map(() => new Set<number>());
    this.#uplinkFreeAt = this.nodes.map(() => 0);
  }

  run(pieceCount: number): Outcome {
    const start = this.core.now;
    const finished = this.nodes.map(() => 0);
    // Within 20 ms of each other, as a flash crowd is.
    for (const [i, node] of this.nodes.entries()) {
      this.#in(Math.floor(this.#random() * 20), () => node.want(range(0, pieceCount)));
      this.#every(REPORT_MS, () => this.#report(i));
    }
    while (finished.includes(0)) {
      this.core.now += 1;
      const { now } = this.core;
      assert.ok(now - start < 200 * pieceCount * PIECE_MS, 'it never ends');
      this.#events.sort((a, b) => a.at - b.at);
      while (this.#events[0] !== undefined && this.#events[0].at <= now) this.#events.shift()?.run();
      if (now % 100 === 0) this.core.apply(this.core.core.handle({ kind: 'tick' }, now));
      if (now % FLUSH_MS === 0) this.core.flush();
      for (const i of this.nodes.keys()) {
        this.#fetchLeases(i);
        if ((now + i) % 8 === 0) this.#ask(i);
        if (finished[i] === 0 && this.#has[i]?.size === pieceCount) finished[i] = now - start;
      }
    }
    const ratio = Math.max(...finished) / (pieceCount * PIECE_MS);
    return { perPiece: this.perPiece, perNode: this.perNode, ratio, finishedMs: finished };
  }

  #fetchLeases(i: number): void {
    for (const piece of this.nodes[i]?.takeLeases() ?? []) {
      this.perPiece[piece] = (this.perPiece[piece] ?? 0) + 1;
      this.perNode[i] = (this.perNode[i] ?? 0) + 1;
      this.#originFreeAt = Math.max(this.#originFreeAt, this.core.now) + PIECE_MS;
      this.#in(this.#originFreeAt - this.core.now, () => {
        this.#got(i, piece);
        this.nodes[i]?.gained(piece);
      });
    }
  }

  /** Asks neighbours for what they have and this node lacks, of the one whose uplink is free first. */
  #ask(i: number): void {
    const [has, asked, node] = [this.#has[i], this.#asked[i], this.nodes[i]];
    if (has === undefined || asked === undefined || node === undefined) return;
    const parents = [...node.parents.keys()].map(name => this.#byName.get(name) ?? -1);
    const count = this.perPiece.length;
    const first = Math.floor(this.#random() * count);
    for (let step = 0; step < count; step++) {
      if (asked.size >= ASKED_AT_ONCE) return;
      const piece = (first + step) % count;
      if (has.has(piece) || asked.has(piece)) continue;
      const holders = parents.filter(parent => this.#has[parent]?.has(piece));
      const parent = holders.reduce(
        (best, other) => ((this.#uplinkFreeAt[other] ?? 0) < (this.#uplinkFreeAt[best] ?? Infinity) ? other : best),
        -1,
      );
      if (parent < 0) continue;
      asked.add(piece);
      const at = Math.max(this.#uplinkFreeAt[parent] ?? 0, this.core.now) + PIECE_MS;
      this.#uplinkFreeAt[parent] = at;
      this.#in(at - this.core.now, () => {
        this.#got(i, piece);
        this.#unreported[i]?.push(piece);
      });
    }
  }

  #got(i: number, piece: number): void {
    this.#has[i]?.add(piece);
    this.#asked[i]?.delete(piece);
  }

  #report(i: number): void {
    const pieces = this.#unreported[i]?.splice(0) ?? [];
    if (pieces.length > 0) this.nodes[i]?.gained(...pieces);
  }

  #in(ms: number, run: () => void): void {
    this.#events.push({ at: this.core.now + ms, run });
  }

  #every(ms: number, run: () => void): void {
    this.#in(ms, () => {
      run();
      this.#every(ms, run);
    });
  }
}

for (const { nodes, pieces } of [
  { nodes: 8, pieces: 128 },
  { nodes: 100, pieces: 100 },
]) {
  test(`${nodes} nodes that demand the same ${pieces} pieces have each leased once, evenly scattered, and soon all of them`, t => {
    const swarm = new Swarm(nodes, pieces);
    const { perPiece, perNode, ratio, finishedMs } = swarm.run(pieces);
    assert.deepEqual(
      perPiece,
      Array.from({ length: pieces }, () => 1),
    );
    const share = pieces / nodes;
    assert.ok(Math.min(...perNode) >= Math.floor(share) - 1, `fewest leases: ${Math.min(...perNode)}`);
    // The first runs go to whoever came first.
    assert.ok(Math.max(...perNode) <= Math.ceil(share) + 4, `most leases: ${Math.max(...perNode)}`);
    const median = finishedMs.toSorted((a, b) => a - b)[Math.floor(nodes / 2)] ?? 0;
    t.diagnostic(
      `all after ${ratio.toFixed(2)} of what the origin needs, half after ${(median / (pieces * PIECE_MS)).toFixed(2)}`,
    );
    assert.ok(ratio < 1.5, `all after ${ratio.toFixed(2)} times what the origin needs`);
  });
}
