import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Choosable, choose, next } from '../../../../peer/swarm/choose.ts';
import { hedgeAfter, UsualTime, whatToDo } from '../../../../peer/swarm/hedge.ts';
import { RarestFirst } from '../../../../peer/swarm/rarest-first.ts';
import { WantedPieces } from '../../../../peer/swarm/wanted-pieces.ts';
import { seededRandom } from '../../../support/swarm-simulation/virtual-clock.ts';

function parent(name: string, pieces: readonly number[], more: Partial<Choosable> = {}): Choosable & { name: string } {
  return {
    name,
    has: piece => pieces.includes(piece),
    room: 8,
    expectedMs: 10,
    paceMs: 10,
    distance: 0,
    strikes: 0,
    ...more,
  };
}

function chosen(
  wanted: readonly number[],
  parents: readonly (Choosable & { name: string })[],
  most = 100,
  lookedAt = 100,
) {
  const result = choose(wanted, parents, { most, lookedAt, chance: seededRandom(1) });
  return Object.fromEntries([...result].map(([{ name }, pieces]) => [name, pieces]));
}

test('a piece goes to the parent where it is likely to come soonest; each makes the next wait longer', () => {
  const fast = parent('fast', [0, 1, 2, 3], { expectedMs: 10, paceMs: 10 });
  const slow = parent('slow', [0, 1, 2, 3], { expectedMs: 25, paceMs: 25 });
  assert.deepEqual(chosen([0, 1, 2, 3], [slow, fast]), { fast: [0, 1, 3], slow: [2] });
});

test('among equals the nearer goes first, then the one that failed less', () => {
  const far = parent('far', [0], { distance: 3 });
  const near = parent('near', [0], { distance: 1 });
  const failed = parent('failed', [0], { strikes: 1 });
  assert.deepEqual(chosen([0], [far, failed, near]), { near: [0] });
  assert.deepEqual(chosen([0], [failed, far]), { far: [0] });
});

test('no parent is asked beyond its room, and no more is chosen or looked at than allowed', () => {
  const small = parent('small', [0, 1, 2, 3], { room: 2 });
  assert.deepEqual(chosen([0, 1, 2, 3], [small]), { small: [0, 1] });
  assert.deepEqual(chosen([0, 1, 2, 3], [parent('b', [0, 1, 2, 3])], 3), { b: [0, 1, 2] });
  assert.deepEqual(chosen([7, 8, 9, 0], [parent('b', [0])], 100, 3), {});
  assert.deepEqual(chosen([0], [parent('full', [0], { room: 0 })]), {});
});

test('the next best is one that has the piece and is not asked already', () => {
  const first = parent('first', [0], { expectedMs: 1 });
  const second = parent('second', [0], { expectedMs: 9, room: 0 });
  const without = parent('without', []);
  assert.equal(
    next(0, [without, second, first], one => one === first),
    second,
  );
  assert.equal(
    next(0, [without, first], one => one === first),
    undefined,
  );
});

test('the usual time is the 95th percentile of the last answers, once there are enough', () => {
  const usual = new UsualTime();
  for (let ms = 1; ms < 20; ms++) usual.note(ms);
  assert.equal(usual.ms, undefined);
  for (let ms = 20; ms <= 100; ms++) usual.note(ms);
  assert.equal(usual.ms, 95);
  for (let count = 0; count < 128; count++) usual.note(7);
  assert.equal(usual.ms, 7);
});

test('the time until a hedge is twice the usual one within bounds, and its own while that is not known', () => {
  const bounds = { leastMs: 300, unknownMs: 4_000, mostMs: 8_000 };
  assert.deepEqual(
    [undefined, 10, 700, 3_000, 9_000].map(ms => hedgeAfter(ms, bounds)),
    [4_000, 300, 1_400, 6_000, 8_000],
  );
});

const UNDER_WAY = { lane: 'demand', ageMs: 1_000, askedOf: 1, elsewhere: true, saidLateMs: undefined } as const;
const LIMITS = { hedgeMs: 500, lateMs: 2_000 };
for (const [what, change, expected] of [
  ['late where another has it', {}, 'hedge'],
  ['not late yet', { ageMs: 499 }, 'wait'],
  ['asked of two already', { askedOf: 2, ageMs: 9_000 }, 'wait'],
  ['in the background', { lane: 'background' }, 'wait'],
  ['late where nobody has it', { elsewhere: false, ageMs: 2_000 }, 'late'],
  ['said to be late a moment ago', { elsewhere: false, ageMs: 3_000, saidLateMs: 1_000 }, 'wait'],
  ['said to be late long ago', { elsewhere: false, ageMs: 5_000, saidLateMs: 2_000 }, 'late'],
] as const) {
  test(`a piece ${what}: ${expected}`, () => {
    assert.equal(whatToDo({ ...UNDER_WAY, ...change }, LIMITS), expected);
  });
}

test('rarest first: by level, equals in any order, and every operation leaves the rest in place', () => {
  const chance = seededRandom(7);
  const rarest = new RarestFirst(200);
  const levels = new Map<number, number>();
  for (let step = 0; step < 5_000; step++) {
    const piece = Math.floor(chance() * 200);
    const level = Math.floor(chance() * 5);
    if (!levels.has(piece)) rarest.add(piece, level, chance());
    else if (chance() < 0.3) rarest.delete(piece);
    else rarest.move(piece, level, chance());
    if (levels.has(piece) && !rarest.has(piece)) levels.delete(piece);
    else levels.set(piece, level);
  }
  const order = [...rarest.from(0)];
  assert.equal(rarest.size, levels.size);
  assert.deepEqual(
    order.toSorted((a, b) => a - b),
    [...levels.keys()].sort((a, b) => a - b),
  );
  const sorted = order.map(piece => levels.get(piece) ?? -1);
  assert.deepEqual(
    sorted,
    sorted.toSorted((a, b) => a - b),
  );
  assert.deepEqual(
    [...rarest.from(2)],
    order.filter(piece => (levels.get(piece) ?? 0) >= 2),
  );
});

test('wanted pieces come by lane, demand in the order in which it was wanted, traces and background rarest first', () => {
  const wanted = new WantedPieces(10, seededRandom(1));
  for (const piece of [4, 5, 6]) wanted.want(piece, 'background');
  wanted.addHolder(4);
  wanted.addHolder(4);
  wanted.addHolder(5);
  wanted.want(9, 'demand');
  wanted.want(2, 'demand');
  for (const piece of [8, 3, 7]) wanted.want(piece, 'trace');
  for (const piece of [3, 3, 7]) wanted.addHolder(piece);
  assert.deepEqual(
    [[...wanted.demanded()], [...wanted.traced()], [...wanted.rare()]],
    [
      [9, 2],
      [7, 3],
      [5, 4],
    ],
  );
  wanted.take(9);
  wanted.want(4, 'demand');
  assert.deepEqual([[...wanted.demanded()], wanted.idle, wanted.size], [[2, 4], 7, 8]);
  wanted.giveBack(9);
  wanted.unwant(2);
  assert.deepEqual([...wanted.demanded()], [4, 9]);
});

test('a decision over a blob of 1 GiB costs no more than one over a small blob', () => {
  const count = 16_384;
  const wanted = new WantedPieces(count, seededRandom(1));
  for (let piece = 0; piece < count; piece++) {
    wanted.want(piece, 'background');
    wanted.addHolder(piece);
  }
  let looks = 0;
  const parents = Array.from({ length: 32 }, (_, index) =>
    parent(`p${index}`, [], {
      has: () => {
        looks++;
        return false;
      },
    }),
  );
  choose(wanted.rare(), parents, { most: 96, lookedAt: 512, chance: seededRandom(1) });
  assert.equal(looks, 512 * 32);
});
