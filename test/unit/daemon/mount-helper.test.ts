// Helper processes: which there are, and for how long. What they do to mounts is tested with whole mounts.

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { endedConnections } from '../../../daemon/holder/unix-socket.ts';
import { checkDriver } from '../../../daemon/index.ts';
import { MountHelper, type MountSteps } from '../../../daemon/mount/helper-client.ts';
import { until } from '../../support/until.ts';
import { mountpointIn, scratch } from './daemon-under-test.ts';

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
  await until(async () => children().length === 0, 'the helper has ended');
});

test('of many mounts that wait for their images only some have a process that waits, and all get on', async t => {
  const directory = scratch(t);
  const mounts = Array.from({ length: 20 }, () => stepsOf(t));
  assert.ok(children().length < 8, `${children().length} processes`);
  const found = await Promise.all(mounts.map(steps => steps.inspect(directory)));
  assert.equal(found.length, mounts.length);
  for (const steps of mounts) steps[Symbol.dispose]();
  await until(async () => children().length === 0, 'all helpers have ended');
});

const noFuse = (await checkDriver('fuse')).problem ?? false;

test('a connection is ended by its number only while it lives: the number may be another one’s then', {
  skip: noFuse,
}, async t => {
  const directory = scratch(t);
  const gone = await connection(t, directory, 'aaaaaaaaaaaaaaaa');
  const other = await connection(t, directory, 'bbbbbbbbbbbbbbbb');
  await gone.unmount();
  await until(async () => endedConnections([gone.fd]).has(gone.fd), 'the first has ended');
  await helper.abort(other.device, gone.fd);
  assert.deepEqual([...endedConnections([other.fd])], []);
  await helper.abort(other.device, other.fd);
  assert.deepEqual([...endedConnections([other.fd])], [other.fd]);
});

test('a helper lets go of the device when it is mounted: it must not keep alive what it may wait for', {
  skip: noFuse,
}, async t => {
  for (const mount of ['fuse', 'devices'] as const) {
    await until(async () => children().length === 0, 'helpers of others have ended');
    const fd = openSync('/dev/fuse', 'r+');
    using steps = helper.forMount(fd);
    const [pid] = children();
    const open = () => readdirSync(`/proc/${pid}/fd`).map(name => linkOf(`/proc/${pid}/fd/${name}`));
    const source = 'shoal:cccccccccccccccc';
    const mountpoint = mountpointIn(scratch(t));
    if (mount === 'fuse') await steps.mountFuse({ mountpoint, source, rootMode: 0o40755, readaheadBytes: 0 });
    else await steps.mountDevices({ readaheadBytes: 0 });
    assert.ok(!open().includes('/dev/fuse'), mount);
    closeSync(fd); // nobody has it any more: the connection ends
    await helper.unmount({ source, mountpoints: [mountpoint], detach: true });
    steps[Symbol.dispose]();
    await until(async () => children().length === 0, 'the helper has ended');
  }
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}

/** A FUSE connection that is mounted, and nobody serves. */
async function connection(t: TestContext, directory: string, id: string) {
  const source = `shoal:${id}`;
  const mountpoint = mountpointIn(directory, id);
  const fd = openSync('/dev/fuse', 'r+');
  const unmount = () => helper.unmount({ source, mountpoints: [mountpoint], detach: true });
  t.after(async () => {
    closeSync(fd);
    await unmount();
  });
  using steps = helper.forMount(fd);
  const device = await steps.mountFuse({ mountpoint, source, rootMode: 0o40755, readaheadBytes: 0 });
  return { fd, device, unmount };
}
