// The threads of a connection: what happens when one of them dies, and what a damaged image does to them.

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { silentLogger, systemClock } from '../../../core/index.ts';
import { defaultServeLimits } from '../../../daemon/config.ts';
import { Completer } from '../../../daemon/fuse/completer.ts';
import { FuseSession } from '../../../daemon/fuse/session.ts';
import { MountHelper } from '../../../daemon/mount/helper-client.ts';
import { SharedCounters } from '../../../daemon/shared-counters.ts';
import { BootstrapReader } from '../../../image/index.ts';
import { directory } from '../image/image-builder.ts';
import { atEnd, mountpointIn, python, scratch, signal, startDaemon } from './daemon-under-test.ts';
import { libraryOf, makeImage, requestFor } from './lazy-image.ts';

const STAT = `
import errno, os, sys
try: os.stat(sys.argv[1]); print('there')
except OSError as e: print(errno.errorcode[e.errno])
`;

const stat = async (path: string) => (await python(STAT, path)).trim();

/** A connection whose threads die of the name `die`. */
async function mortalMount(
  t: TestContext,
  maxWorkerRestarts: number,
): Promise<{ mountpoint: string; session: FuseSession }> {
  const image = makeImage(() => directory({ folder: directory() }));
  const helper = new MountHelper({ timeoutMs: 30_000 });
  const completer = new Completer(silentLogger, { maxWorkerRestarts: 0 });
  const mountpoint = mountpointIn(scratch(t));
  const fd = openSync('/dev/fuse', 'r+');
  const bootstrap = new SharedArrayBuffer(image.bootstrap.length);
  new Uint8Array(bootstrap).set(image.bootstrap);
  const source = 'shoal:0123456789abcdef';
  const session = new FuseSession(
    {
      clock: systemClock,
      log: silentLogger,
      completer,
      fetch: () => Promise.resolve(),
      onUnservable: () => void helper.clean([source]),
    },
    {
      image: { fd, bootstrap, blobs: [] },
      counters: new SharedCounters(),
      limits: { ...defaultServeLimits, maxWorkerRestarts },
      readDeadlineMs: undefined,
      blocks: 1,
      inodes: 2,
      script: new URL('dying-worker.ts', import.meta.url),
    },
  );
  atEnd(t, async () => {
    await helper.clean([source]);
    await session.stop();
    await completer.stop();
    closeSync(fd);
  });
  const [device] = await Promise.all([helper.mountFuse(fd, { mountpoint, source, rootMode: 0o40755 }), session.load()]);
  assert.match(device, /^0:\d+$/);
  await session.serve(signal);
  return { mountpoint, session };
}

test('a thread that dies fails the request it held and is replaced; the mount goes on', async t => {
  const { mountpoint } = await mortalMount(t, 3);
  for (let death = 0; death < 3; death++) {
    assert.equal(await stat(join(mountpoint, 'die')), 'EIO');
    assert.equal(await stat(join(mountpoint, 'folder')), 'there');
  }
});

test('when threads die again and again the connection is ended, and nobody hangs', async t => {
  const { mountpoint, session } = await mortalMount(t, 0);
  for (let death = 0; death < 2; death++) await stat(join(mountpoint, 'die')).catch(() => {});
  await session.ended;
  assert.equal(await stat(join(mountpoint, 'folder')), 'ENOENT', 'the dead mount was taken away');
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
