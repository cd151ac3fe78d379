// Which scheduler has a task: all who ask must agree, and little may move when a scheduler comes or goes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ownerOf, type TaskId, taskIdFromBytes } from '../../../proto/index.ts';

const SCHEDULERS = ['12D3KooWa', '12D3KooWb', '12D3KooWc'];

function taskIds(count: number): TaskId[] {
  return Array.from({ length: count }, (_, i) => taskIdFromBytes(createHash('sha256').update(`task ${i}`).digest()));
}

test('a task has the same owner however the schedulers are listed', () => {
  for (const id of taskIds(50)) assert.equal(ownerOf(id, SCHEDULERS), ownerOf(id, SCHEDULERS.toReversed()));
});

test('the owner is the one with the highest digest of task id and peer id', () => {
  const [id] = taskIds(1);
  assert.ok(id);
  const digest = (scheduler: string) =>
    createHash('sha256').update(Buffer.from(id, 'hex')).update(scheduler).digest('hex');
  const expected = SCHEDULERS.toSorted((a, b) => (digest(a) < digest(b) ? 1 : -1))[0];
  assert.equal(ownerOf(id, SCHEDULERS), expected);
});

test('tasks are shared out evenly', () => {
  const shares = new Map<string | undefined, number>();
  for (const id of taskIds(3000)) shares.set(ownerOf(id, SCHEDULERS), (shares.get(ownerOf(id, SCHEDULERS)) ?? 0) + 1);
  for (const scheduler of SCHEDULERS) {
    const share = shares.get(scheduler) ?? 0;
    assert.ok(share > 850 && share < 1150, `${scheduler} has ${share} of 3000 tasks`);
  }
});

test('only the tasks of a scheduler that went move', () => {
  const left = SCHEDULERS.slice(0, 2);
  for (const id of taskIds(200)) {
    const before = ownerOf(id, SCHEDULERS);
    if (before !== '12D3KooWc') assert.equal(ownerOf(id, left), before);
  }
});

test('without schedulers nobody owns a task', () => {
  const [id] = taskIds(1);
  assert.ok(id);
  assert.equal(ownerOf(id, []), undefined);
});
