// Whatever nodes do in whatever order, the core's state stays sound, and nobody waits for ever.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { brokenInvariants, CoreUnderTest, type NodeUnderTest, range, seeded } from './core-under-test.ts';

const PIECES = 24;
const STEPS = [
  'connect',
  'want',
  'late',
  'gain',
  'bring',
  'lose',
  'fail',
  'accuse',
  'leave',
  'go',
  'flush',
  'pass',
] as const;

interface Step {
  readonly what: (typeof STEPS)[number];
  readonly who: number;
  readonly piece: number;
  readonly count: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...STEPS),
  who: fc.nat(1000),
  piece: fc.nat(PIECES - 1),
  count: fc.integer({ min: 1, max: 6 }),
});

class RandomSwarm {
  readonly core: CoreUnderTest;
  readonly #random: () => number;
  #names = 0;

  constructor(seed: number, members: number) {
    this.core = new CoreUnderTest({ seed });
    this.#random = seeded(seed + 1);
    for (let i = 0; i < members; i++) this.#connect(i % 5);
    this.core.flush();
  }

  get alive(): NodeUnderTest[] {
    return [...this.core.nodes.values()].filter(node => !node.isClosed);
  }

  do({ what, who, piece, count }: Step): void {
    const { core, alive } = this;
    const node = alive[who % alive.length];
    if (what === 'connect' || node === undefined) {
      this.#connect(who);
      return;
    }
    const pieces = range(piece, Math.min(PIECES, piece + count));
    switch (what) {
      case 'want':
        node.want(pieces, { lane: (who % 3) + 1 });
        break;
      case 'late':
        node.want(pieces, { late: true });
        break;
      case 'gain':
        node.gained(...pieces);
        break;
      case 'bring':
        node.gained(...node.takeLeases());
        break;
      case 'lose':
        node.lost(...pieces);
        break;
      case 'fail':
        node.leaseFailed(
          [...new Set(node.takeLeases())].sort((a, b) => a - b),
          who % 7,
          count * 500,
        );
        break;
      case 'accuse':
        node.accuse(alive[count % alive.length] ?? node, (who % 3) + 1, piece);
        break;
      case 'leave':
        node.say({ leave: { handle: 1 } });
        node.join({ pieceCount: PIECES, has: pieces });
        break;
      case 'go':
        node.go();
        break;
      case 'flush':
        core.flush();
        break;
      case 'pass':
        core.pass(count * 400);
        break;
    }
  }

  check(): void {
    const task = this.core.task('blob', PIECES);
    if (task !== undefined) assert.deepEqual(brokenInvariants(task, this.core.now), []);
  }

  #connect(who: number): void {
    const { core } = this;
    const node = core.connect(`peer-${this.#names++}`, { region: `r${who % 2}`, zone: `z${who % 3}` });
    const has = range(0, PIECES).filter(() => who % 5 === 0 && this.#random() < 0.5);
    node.join({ pieceCount: PIECES, has, reachesOrigin: who % 4 !== 1 });
  }
}

/** Every wanted piece that can be had: is it with a neighbour, or on its way to one or to the member itself? */
function forgotten(core: CoreUnderTest): string[] {
  const task = core.task('blob', PIECES);
  const lost: string[] = [];
  for (const member of task?.wanting.items ?? []) {
    for (const piece of member.wanted ?? []) {
      const isNear = member.neighbours.some(neighbour => neighbour.pieces.has(piece));
      const canBeFetched = task?.members.items.some(other => other.reachesOrigin && !other.isUnauthorized);
      const isComing = task?.leases.has(piece) || task?.queue.has(piece);
      if (!isNear && !isComing && (canBeFetched || task?.isHeld(piece))) lost.push(`${member.node.peerName}: ${piece}`);
    }
  }
  return lost;
}

for (const members of [4, 60]) {
  test(`with ${members} members and any events the state is sound after each, and empty when all have left`, () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(step, { minLength: 20, maxLength: 120 }), (seed, steps) => {
        const swarm = new RandomSwarm(seed, members);
        for (const each of steps) {
          swarm.do(each);
          swarm.check();
        }
        for (const node of swarm.alive) node.go();
        assert.equal(swarm.core.core.tasks.size + swarm.core.core.nodes.size, 0);
        swarm.core.pass(200);
        assert.equal(swarm.core.core.hasNews, false);
      }),
      { numRuns: members < 10 ? 300 : 60, seed: 4711 },
    );
  });

  test(`with ${members} members and any events before, all who want something get it once nothing goes wrong`, () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(step, { minLength: 20, maxLength: 80 }), (seed, steps) => {
        const swarm = new RandomSwarm(seed, members);
        const { core } = swarm;
        for (const each of steps) swarm.do(each);
        // One at least must reach the origin, and may.
        core.connect('saviour').join({ pieceCount: PIECES });
        for (let rounds = 0; (core.task('blob', PIECES)?.wanting.size ?? 0) > 0; rounds++) {
          assert.ok(rounds < 400, `still wanted: ${forgotten(core).join('; ')}`);
          core.pass(500);
          if (rounds > 4) assert.deepEqual(forgotten(core), []);
          for (const node of swarm.alive) node.gained(...node.takeLeases());
          takeFromNeighbours(core, swarm.alive);
          swarm.check();
        }
      }),
      { numRuns: members < 10 ? 150 : 30, seed: 42 },
    );
  });
}

/** What peers do among themselves: who wants a piece takes it from a neighbour that has it. */
function takeFromNeighbours(core: CoreUnderTest, nodes: readonly NodeUnderTest[]): void {
  const task = core.task('blob', PIECES);
  for (const node of nodes) {
    const member = task?.members.items.find(({ node: { connection } }) => connection === node.connection);
    const pieces = [...(member?.wanted ?? [])];
    node.gained(...pieces.filter(piece => member?.neighbours.some(neighbour => neighbour.pieces.has(piece))));
  }
}
