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
