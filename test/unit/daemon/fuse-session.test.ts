// The threads of a connection: what happens when one of them dies, and what a damaged image does to them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { defaultServeLimits } from '../../../daemon/config.ts';
import { BootstrapReader } from '../../../image/index.ts';
import { until } from '../../support/until.ts';
import { directory } from '../image/image-builder.ts';
import { mountpointIn, python, scratch, signal, startDaemon } from './daemon-under-test.ts';
import { content, libraryOf, makeImage, requestFor } from './lazy-image.ts';
import { MORTAL, startSession } from './session-under-test.ts';

const STAT = `
import errno, os, sys
try: os.stat(sys.argv[1]); print('there')
except OSError as e: print(errno.errorcode[e.errno])
`;

const WORKERS = defaultServeLimits.workers;

/** One reader after the other, so that all threads of the mount get some also when one of them is late. */
const READ_ALL = `
import hashlib, os, sys, threading, time
folder, count = sys.argv[1], int(sys.argv[2])
digests = [None] * count
def read(i): digests[i] = hashlib.sha256(open(os.path.join(folder, 'f%d' % i), 'rb').read()).hexdigest()
threads = [threading.Thread(target=read, args=(i,)) for i in range(count)]
for x in threads:
    x.start()
    time.sleep(0.02)
[x.join() for x in threads]
print(' '.join(digests))
`;

const stat = async (path: string) => (await python(STAT, path)).trim();

const mortal = (t: TestContext, maxWorkerRestarts: number) =>
  startSession(
    t,
    makeImage(() => directory({ folder: directory() })),
    { script: MORTAL, maxWorkerRestarts },
  );

test('a thread that dies fails the request it held and is replaced; the mount goes on', async t => {
  const { mountpoint } = await mortal(t, 3);
  for (let death = 0; death < 3; death++) {
    assert.equal(await stat(join(mountpoint, 'die')), 'EIO');
    assert.equal(await stat(join(mountpoint, 'folder')), 'there');
  }
});

test('reads that wait are answered through the descriptor they came by, also when the thread that read them has died', async t => {
  const files = Array.from({ length: 100 }, (_, i) => content(20_000, `file ${i}`));
  const image = makeImage(builder =>
    directory(Object.fromEntries(files.map((bytes, i) => [`f${i}`, builder.file(bytes)]))),
  );
  const waiting: number[] = [];
  const gate = Promise.withResolvers<void>();
  const { mountpoint, deaths, deliver } = await startSession(t, image, {
    script: MORTAL,
    maxWorkerRestarts: 50,
    fetch: read => {
      waiting.push(read.fd);
      return gate.promise;
    },
  });
  const digests = python(READ_ALL, mountpoint, `${files.length}`);
  await until(async () => new Set(waiting).size === WORKERS, 'all descriptors have reads that wait');
  for (let death = 0; death < 40 && new Set(deaths).size < WORKERS; death++) await stat(join(mountpoint, 'die'));
  assert.equal(new Set(deaths).size, WORKERS, 'all threads have died');
  deliver();
  gate.resolve();
  assert.deepEqual(
    (await digests).trim().split(' '),
    files.map(bytes => createHash('sha256').update(bytes).digest('hex')),
  );
});

test('one thread serves a mount alone at first, reads that wait included, and it ends like any other', async t => {
  const image = makeImage(builder => directory({ f0: builder.file(content(20_000, 'file')) }));
  const { mountpoint, session, threadsTaken, deliver, unmount } = await startSession(t, image, {
    maxWorkerRestarts: 0,
    othersAfterMs: 3_600_000,
    fetch: async () => deliver(),
  });
  const digest = createHash('sha256').update(content(20_000, 'file')).digest('hex');
  assert.equal((await python(READ_ALL, mountpoint, '1')).trim(), digest);
  assert.equal(threadsTaken(), 1);
  await unmount();
  await session.ended;
  assert.equal(threadsTaken(), 1, 'nobody comes to a mount that has ended');
});

test('the others come to a mount that is served', async t => {
  const { threadsTaken } = await startSession(
    t,
    makeImage(() => directory()),
    { maxWorkerRestarts: 0, othersAfterMs: 20 },
  );
  await until(async () => threadsTaken() === WORKERS, 'all threads are there');
});

test('when threads die again and again the connection is ended, and nobody hangs', async t => {
  const { mountpoint, session } = await mortal(t, 0);
  for (let death = 0; death < 2; death++) await stat(join(mountpoint, 'die')).catch(() => {});
  await session.ended;
  assert.equal(await stat(join(mountpoint, 'folder')), 'ENOENT', 'the dead mount was taken away');
});

test('a thread that ends while it loads fails the start', async t => {
  const script = join(scratch(t), 'ends-at-once.mjs');
  writeFileSync(script, 'process.exit(3);');
  const image = makeImage(() => directory());
  const options = { script: pathToFileURL(script), maxWorkerRestarts: 3 };
  await assert.rejects(startSession(t, image, options), { code: 'system', message: /worker ended with code 3/ });
});

test('a damaged inode fails who looks at it, not its neighbours and not the mount', async t => {
  const image = makeImage(builder => directory({ bad: builder.file('bad'), good: builder.file('good') }));
  const bootstrap = Buffer.from(image.bootstrap);
  const reader = new BootstrapReader(bootstrap);
  const nid = reader.lookup(reader.rootNid, Buffer.from('bad'));
  const at = reader.superblock.metaOffset + nid * 32; // inodes lie in slots of 32 bytes
  bootstrap.fill(0xff, at, at + 32);
  const damaged = { ...image, bootstrap };
  const daemon = await startDaemon(t, libraryOf(damaged));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(damaged, mountpoint), { signal });
  assert.deepEqual(
    JSON.parse(await python('import json, os, sys; print(json.dumps(sorted(os.listdir(sys.argv[1]))))', mountpoint)),
    ['bad', 'good'],
  );
  for (let time = 0; time < 3; time++) {
    assert.equal(await stat(join(mountpoint, 'bad')), 'EUCLEAN');
    assert.equal(await python("import sys; print(open(sys.argv[1]).read(), end='')", join(mountpoint, 'good')), 'good');
  }
});
