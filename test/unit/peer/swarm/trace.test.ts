// What others had to wait for is fetched before somebody has to wait for it here.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DEFAULT_SWARM_SETTINGS } from '../../../../peer/swarm/config.ts';
import { FakeSwarm } from '../../../support/fake-swarm.ts';

function scheduled(t: TestContext, options: ConstructorParameters<typeof FakeSwarm>[0] = {}) {
  const world = new FakeSwarm(options);
  t.after(() => world.swarm.close());
  const blob = world.join();
  world.scheduler.events.onUp();
  return { world, blob };
}

test('the trace is followed while the blob is read here, and no longer', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [0, 1, 2]);
  assert.equal(world.scheduler.follows, true);
  world.scheduler.events.onTrace([2, 0]);
  await world.settle();
  assert.deepEqual(
    parent.asked.map(({ piece, lane }) => ({ piece, lane })),
    [
      { piece: 2, lane: 'trace' },
      { piece: 0, lane: 'trace' },
    ],
  );
  parent.send(2);
  blob.leave();
  await world.settle();
  assert.equal(world.scheduler.follows, false);
  assert.deepEqual(parent.cancelled, [0]);
  world.join();
  assert.equal(world.scheduler.follows, true);
});

test('what the trace says waits at whoever passes it on, and is there for the read that comes later', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', []);
  world.scheduler.events.onLessee('b', [3]);
  world.scheduler.events.onTrace([3]);
  await world.settle();
  assert.deepEqual(parent.askedPieces, [3]);
  assert.deepEqual(world.scheduler.wants, []);
  parent.send(3);
  await world.settle();
  const { tally } = await world.read(blob, { first: 3, count: 1 });
  assert.equal(tally.originBytes, 0);
  assert.deepEqual(world.originAsked, []);
});

test('a piece on its way that a reader begins to wait for is hurried, not asked for again', async t => {
  const { world, blob } = scheduled(t);
  const parent = world.parent('b', [4]);
  world.scheduler.events.onTrace([4]);
  await world.settle();
  const reading = world.read(blob, { first: 4, count: 1 });
  await world.settle();
  assert.deepEqual(
    parent.asked.map(({ piece, lane }) => ({ piece, lane })),
    [{ piece: 4, lane: 'demand' }],
  );
  assert.deepEqual(parent.cancelled, []);
  parent.sendAll();
  await reading;
});

test('a scheduler that comes back is told again that the trace is followed', t => {
  const { world } = scheduled(t);
  world.scheduler.events.onDown();
  world.scheduler.follows = false;
  world.scheduler.events.onUp();
  assert.equal(world.scheduler.follows, true);
});

test('a reader asks who was named for a piece, not who has it already and all would ask, until that takes too long; it finds room beside the trace', async t => {
  const { world, blob } = scheduled(t, { pieces: 300 });
  const source = world.parent('b', []);
  const holder = world.parent('c', [250]);
  const foretold = Array.from({ length: 200 }, (_, piece) => piece);
  world.scheduler.events.onLessee('b', [...foretold, 250]);
  world.scheduler.events.onTrace(foretold);
  await world.settle();
  assert.equal(source.asked.length, DEFAULT_SWARM_SETTINGS.askedInBackground);
  const reading = world.read(blob, { first: 250, count: 1 });
  await world.settle();
  assert.deepEqual([source.askedPieces.includes(250), holder.askedPieces], [true, []]);
  await world.pass(2 * DEFAULT_SWARM_SETTINGS.hedgeUnknownMs);
  assert.deepEqual(holder.askedPieces, []);
  await world.pass(2 * DEFAULT_SWARM_SETTINGS.hedgeUnknownMs);
  assert.deepEqual(holder.askedPieces, [250]);
  holder.sendAll();
  await reading;
});

test('where much is demanded at once, who has a piece is asked for it before who was named', async t => {
  const { world, blob } = scheduled(t, { pieces: 14 });
  const named = world.parent('b', []);
  const holder = world.parent('c', [0]);
  const pieces = Array.from({ length: 14 }, (_, piece) => piece);
  world.scheduler.events.onLessee('b', pieces);
  const reading = world.read(blob, { first: 0, count: pieces.length });
  await world.settle();
  assert.deepEqual(holder.askedPieces, [0]);
  assert.deepEqual(named.askedPieces, pieces.slice(1));
  holder.sendAll();
  for (const piece of pieces.slice(1)) named.send(piece);
  await reading;
});
