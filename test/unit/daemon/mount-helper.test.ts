// Helper processes: which there are, and for how long. What they do to mounts is tested with whole mounts.

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { MountHelper, type MountSteps } from '../../../daemon/mount/helper-client.ts';
import { eventually, mountpointIn, scratch } from './daemon-under-test.ts';

const helper = new MountHelper({ timeoutMs: 30_000 });

/** Processes that this one has started and that have not ended. */
function children(): string[] {
  const tasks = '/proc/self/task';
  return readdirSync(tasks).flatMap(task =>
    readFileSync(join(tasks, task, 'children'), 'latin1')
      .split(' ')
      .filter(pid => pid !== ''),
  );
}

/** Steps of a mount that never comes. */
function stepsOf(t: TestContext): MountSteps {
  const fd = openSync('/dev/null', 'r+');
  const steps = helper.forMount(fd);
  t.after(() => {
    steps[Symbol.dispose]();
    closeSync(fd);
  });
  return steps;
}

test('one process does the steps of a mount, also after one that failed, and ends with them', async t => {
  const directory = scratch(t);
  const mountpoint = mountpointIn(directory);
  const steps = stepsOf(t);
  const pids = children();
  assert.equal(pids.length, 1);
  assert.deepEqual(await steps.inspect(mountpoint), { canonical: mountpoint, isEmpty: true });
  await assert.rejects(steps.inspect(join(directory, 'nowhere')), { code: 'not-found' });
  assert.deepEqual(await steps.inspect(directory), { canonical: directory, isEmpty: false });
  assert.deepEqual(children(), pids);
  steps[Symbol.dispose]();
  await eventually(async () => children().length === 0, 'the helper has ended');
});

test('of many mounts that wait for their images only some have a process that waits, and all get on', async t => {
  const directory = scratch(t);
  const mounts = Array.from({ length: 20 }, () => stepsOf(t));
  assert.ok(children().length < 8, `${children().length} processes`);
  const found = await Promise.all(mounts.map(steps => steps.inspect(directory)));
  assert.equal(found.length, mounts.length);
  for (const steps of mounts) steps[Symbol.dispose]();
  await eventually(async () => children().length === 0, 'all helpers have ended');
});
