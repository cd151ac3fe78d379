// FUSE over io_uring: who serves which queue, what happens when parts of it are not to be had, and that reads that wait
// hold no entry that others need.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HopWatch } from '../../../daemon/fuse/hop-watch.ts';
import { planRings } from '../../../daemon/fuse/ring-plan.ts';
import { noRings, ringsFor } from '../../support/rings.ts';
import { until } from '../../support/until.ts';
import { directory } from '../image/image-builder.ts';
import { python } from './daemon-under-test.ts';
import { content, makeImage } from './lazy-image.ts';
import { MORTAL, startSession } from './session-under-test.ts';

const FILE = content(300_000, 'file');
const oneFile = () => makeImage(builder => directory({ file: builder.file(FILE), folder: directory() }));
const STAT = `
import errno, os, sys
try: os.stat(sys.argv[1]); print('there')
except OSError as e: print(errno.errorcode[e.errno])
`;
const stat = async (path: string) => (await python(STAT, path)).trim();

test('there are rings only with the parameter on and a thread for each processor', () => {
  const two = { enabled: 'Y\n', possible: '0-1\n', online: '0-1\n' };
  assert.deepEqual(planRings(two, 3), {
    shares: [
      { cpu: 0, queues: [0] },
      { cpu: 1, queues: [1] },
    ],
  });
  const problems = [
    planRings({ ...two, enabled: undefined }, 3),
    planRings({ ...two, enabled: 'N\n' }, 3),
    planRings({ ...two, online: 'nonsense' }, 3),
    planRings(two, 2),
  ].map(plan => ('problem' in plan ? plan.problem : 'a plan'));
  assert.deepEqual(
    problems.map(problem => /has no FUSE over io_uring|is off|not known|serve-workers 3, it is 2/.exec(problem)?.[0]),
    ['has no FUSE over io_uring', 'is off', 'not known', 'serve-workers 3, it is 2'],
  );
});

test('queues of processors that are off are served with those of the first', () => {
  assert.deepEqual(planRings({ enabled: 'Y', possible: '0-5', online: '0,2-3' }, 4), {
    shares: [
      { cpu: 0, queues: [0, 1, 4, 5] },
      { cpu: 2, queues: [2] },
      { cpu: 3, queues: [3] },
    ],
  });
});

/** A caller that comes on these queues, in order; how many pauses that made. */
function pausesOf(watch: HopWatch, caller: number, queues: readonly number[]): number {
  return queues.filter(queue => watch.note(caller, queue)).length;
}

const jumping = (times: number) => Array.from({ length: times }, (_, i) => i % 2);
const staying = (times: number) => Array.from({ length: times }, () => 0);

test('a caller that jumps between processors is paused, ever more rarely when that does not make it stay', () => {
  const watch = new HopWatch();
  assert.equal(pausesOf(watch, 7, jumping(16)), 0);
  assert.equal(pausesOf(watch, 7, jumping(1)), 1);
  assert.equal(pausesOf(watch, 7, jumping(10_000)), 8, 'after 32, 64, ... 4096 more');
  pausesOf(watch, 7, staying(300));
  assert.equal(pausesOf(watch, 7, jumping(18)), 1, 'staying was worth it');
});

test('callers that take turns, and those of other namespaces, are not paused', () => {
  const watch = new HopWatch();
  for (let i = 0; i < 1000; i++) assert.equal(watch.note(7 + (i % 2), i % 2), false);
  assert.equal(pausesOf(watch, 0, jumping(1000)), 0);
});

/** Direct reads are synchronous: each is one request that holds its entry. All on one processor, so in one queue. */
const READ_MANY = `
import hashlib, mmap, os, sys, threading
path, count, cpu = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.sched_setaffinity(0, {cpu})
start = threading.Barrier(count)
digests = [None] * count
def read(i):
    buffer = mmap.mmap(-1, 4096)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    start.wait()
    n = os.preadv(fd, [buffer], (i % 64) * 4096)
    digests[i] = hashlib.sha256(buffer[:n]).hexdigest()
threads = [threading.Thread(target=read, args=(i,)) for i in range(count)]
[x.start() for x in threads]; [x.join() for x in threads]
print(' '.join(digests))
`;

test('many reads that wait in one queue all reach the daemon, and leave lookups alone', { skip: noRings }, async t => {
  const READERS = 400;
  const gate = Promise.withResolvers<void>();
  const { mountpoint, session, deliver } = await startSession(t, oneFile(), {
    maxWorkerRestarts: 0,
    rings: ringsFor(t),
    fetch: () => gate.promise,
  });
  assert.equal(session.transport, 'io_uring');
  const digests = python(READ_MANY, join(mountpoint, 'file'), `${READERS}`, '0');
  // Nothing else happens on the mount meanwhile that could make the kernel's own queue move.
  await until(async () => session.parked.waiting === READERS, 'all of them wait');
  assert.equal(await stat(join(mountpoint, 'folder')), 'there');
  assert.equal(await stat(join(mountpoint, 'nothing')), 'ENOENT');
  deliver();
  gate.resolve();
  const expected = Array.from({ length: READERS }, (_, i) => {
    const at = (i % 64) * 4096;
    return createHash('sha256')
      .update(FILE.subarray(at, at + 4096))
      .digest('hex');
  });
  assert.deepEqual((await digests).trim().split(' '), expected);
});

test('when a thread with a ring dies the mount is ended, and nobody hangs', { skip: noRings }, async t => {
  const { mountpoint, session } = await startSession(t, oneFile(), {
    script: MORTAL,
    maxWorkerRestarts: 3,
    rings: ringsFor(t),
  });
  assert.equal(await stat(join(mountpoint, 'folder')), 'there');
  assert.notEqual(await stat(join(mountpoint, 'die')), 'there');
  await session.ended;
});

test('a mount ends while reads wait in its rings', { skip: noRings }, async t => {
  const { mountpoint, session, unmount } = await startSession(t, oneFile(), {
    maxWorkerRestarts: 0,
    rings: ringsFor(t),
    fetch: () => new Promise(() => {}),
  });
  const readers = python(READ_MANY, join(mountpoint, 'file'), '20', '0').then(
    () => 'read',
    () => 'failed',
  );
  await until(async () => session.parked.waiting === 20, 'all of them wait');
  await unmount();
  await session.ended;
  assert.equal(await readers, 'failed');
});

const FALLBACKS: Record<string, { rings: (cpus: number) => Parameters<typeof startSession>[2]['rings']; by: string }> =
  {
    'a processor that no thread may run on': {
      rings: () => ({ shares: [{ cpu: 4000, queues: [0] }] }),
      by: '/dev/fuse',
    },
    'a queue that the kernel does not take': {
      rings: cpus => ({
        shares: Array.from({ length: cpus }, (_, cpu) => ({ cpu, queues: [cpu === 0 ? 4000 : cpu] })),
      }),
      by: 'io_uring', // agreed on; the kernel goes back to /dev/fuse without another word
    },
  };
for (const [what, { rings, by }] of Object.entries(FALLBACKS)) {
  test(`with ${what}, /dev/fuse serves`, { skip: noRings }, async t => {
    ringsFor(t);
    const plan = rings(availableParallelism());
    const image = oneFile();
    const { mountpoint, session, deliver } = await startSession(t, image, {
      maxWorkerRestarts: 0,
      ...(plan && { rings: plan }),
    });
    deliver();
    assert.equal(session.transport, by);
    assert.equal(await stat(join(mountpoint, 'folder')), 'there');
    assert.equal(
      Number(await python("print(len(open(__import__('sys').argv[1], 'rb').read()))", join(mountpoint, 'file'))),
      FILE.length,
    );
  });
}

test('when the kernel does not offer it, /dev/fuse serves', { skip: noRings }, async t => {
  const rings = ringsFor(t, 'N');
  const { mountpoint, session } = await startSession(t, oneFile(), { maxWorkerRestarts: 0, rings });
  assert.equal(session.transport, '/dev/fuse');
  assert.equal(await stat(join(mountpoint, 'folder')), 'there');
});

test('where io_uring is forbidden, /dev/fuse serves', { skip: noRings }, async t => {
  const rings = ringsFor(t);
  const forbidden = '/proc/sys/kernel/io_uring_disabled';
  const before = readFileSync(forbidden, 'latin1');
  t.after(() => writeFileSync(forbidden, before));
  writeFileSync(forbidden, '2');
  const { mountpoint, session } = await startSession(t, oneFile(), { maxWorkerRestarts: 0, rings });
  assert.equal(session.transport, '/dev/fuse');
  assert.equal(await stat(join(mountpoint, 'folder')), 'there');
});
