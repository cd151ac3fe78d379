// When a demanded piece is said to be late: second leases cost the origin bytes, so waiting in line is not enough.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SWARM_SETTINGS } from '../../../../peer/swarm/config.ts';
import { FakeSwarm } from '../../../support/fake-swarm.ts';

const { lateMs } = DEFAULT_SWARM_SETTINGS;

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
  await world.pass(DEFAULT_SWARM_SETTINGS.stallDemandMs - 500);
  assert.deepEqual([world.scheduler.accusations, world.scheduler.wants], [[], []]);
  parent.send(0);
  await reading;
});
