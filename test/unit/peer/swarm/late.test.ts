// When a demanded piece is said to be late: second leases cost the origin bytes, so waiting in line is not enough.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DEFAULT_SWARM_SETTINGS } from '../../../../peer/swarm/config.ts';
import { FakeSwarm } from '../../../support/fake-swarm.ts';

const { lateMs } = DEFAULT_SWARM_SETTINGS;

/** A reader waits for piece 0, which this parent has. */
function waitingFor(t: TestContext) {
  const world = new FakeSwarm();
  t.after(() => world.swarm.close());
  const blob = world.join();
  world.scheduler.events.onUp();
  const parent = world.parent('b', [0]);
  void world.read(blob, { first: 0, count: 1 }).catch(() => {});
  return { world, parent };
}

test('a piece that its lessee has just got is late when the lessee has had time to send it, not before', async t => {
  const world = new FakeSwarm();
  t.after(() => world.swarm.close());
  const blob = world.join();
  world.scheduler.events.onUp();
  const lessee = world.parent('b', []);
  world.scheduler.events.onLessee('b', [0]);
  void world.read(blob, { first: 0, count: 1 }).catch(() => {});
  await world.pass(lateMs - 200);
  lessee.events.onHave([0], []);
  await world.pass(lateMs - 200);
  assert.deepEqual(world.scheduler.wants, []);
  await world.pass(600);
  assert.deepEqual(world.scheduler.wants.at(-1), { pieces: [0], lane: 'demand', late: true });
});

test('a parent that had no haste with a piece is not stalled when a reader begins to wait for it', async t => {
  const world = new FakeSwarm();
  t.after(() => world.swarm.close());
  const blob = world.join();
  world.scheduler.events.onUp();
  const parent = world.parent('b', [0]);
  world.scheduler.events.onTrace([0]);
  await world.pass(DEFAULT_SWARM_SETTINGS.stallMs - 500);
  const reading = world.read(blob, { first: 0, count: 1 });
  await world.pass(lateMs - 500);
  assert.deepEqual([world.scheduler.accusations, world.scheduler.wants], [[], []]);
  parent.send(0);
  await reading;
});

test('a parent that sends a part of a piece every now and then is slow, not stalled, but not for ever', async t => {
  const { world, parent } = waitingFor(t);
  const { stallMs } = DEFAULT_SWARM_SETTINGS;
  const trickle = async (ms: number, bytes: number) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      parent.receivedBytes += bytes;
      await world.pass(1_000);
    }
  };
  await trickle(3 * stallMs, 4096);
  assert.deepEqual(world.scheduler.accusations, []);
  await trickle(stallMs + 1_000, 4096);
  assert.deepEqual(world.scheduler.accusations, [{ peerId: 'b', piece: 0, what: 'stalled' }]);
});

test('while whoever is asked sends, another is asked as well only after three times as long', async t => {
  const { world, parent } = waitingFor(t);
  const other = world.parent('c', [0]);
  const { hedgeUnknownMs } = DEFAULT_SWARM_SETTINGS;
  const send = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      parent.receivedBytes += 4096;
      await world.pass(500);
    }
  };
  await send(3 * hedgeUnknownMs - 500);
  assert.deepEqual(other.askedPieces, []);
  await send(1_000);
  assert.deepEqual([parent.askedPieces, other.askedPieces], [[0], [0]]);
});

test('a parent that sends a byte every now and then is stalled', async t => {
  const { world, parent } = waitingFor(t);
  for (let passed = 0; passed <= DEFAULT_SWARM_SETTINGS.stallMs; passed += 1_000) {
    parent.receivedBytes += 1;
    await world.pass(1_000);
  }
  assert.deepEqual(world.scheduler.accusations, [{ peerId: 'b', piece: 0, what: 'stalled' }]);
});
