// A daemon dies, and nobody who reads its mounts notices: another one goes on with them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ShoalError, silentLogger, systemClock } from '../../../core/index.ts';
import { Daemon } from '../../../daemon/daemon.ts';
import { checkDriver } from '../../../daemon/index.ts';
import { holdersBelow, killHolders } from '../../support/holder.ts';
import { until } from '../../support/until.ts';
import {
  atEnd,
  mountpointIn,
  mountsBelow,
  python,
  runOutside,
  scratch,
  signal,
  startDaemon,
} from './daemon-under-test.ts';
import { content, killableImage, libraryOf, requestFor } from './lazy-image.ts';
import { isBlocked, kill, Readers, startProcess } from './takeover-bench.ts';

const DIGEST_OF = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
const READERS = 8;
/** The issue's: what readers may wait for an error when nobody is left to answer. */
const ERROR_WITHIN_MS = 5_000;

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const [CACHED, OTHER] = [sha256(content(600_000, 'cached')), sha256(content(600_000, 'other'))];

/** Nothing of these mounts is left, and no holder. */
async function nothingLeft(root: string, place: string): Promise<void> {
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(mountsBelow(root).size, 0);
  assert.deepEqual(existsSync(join(root, 'mounts')) ? readdirSync(join(root, 'mounts')) : [], []);
  const state = join(root, 'state.json'); // there once something was mounted
  if (existsSync(state)) assert.deepEqual(JSON.parse(readFileSync(state, 'utf8')).mounts, []);
  await until(() => holdersBelow(root).length === 0, 'the holder ends');
}

for (const driver of ['fuse', 'erofs'] as const) {
  const skip = (await checkDriver(driver)).problem ?? false;
  const filesIn = (mountpoint: string) => [join(mountpoint, 'cached'), join(mountpoint, 'other')];

  test(`${driver}: readers of a daemon that is killed wait, and get the right bytes from the next`, {
    skip,
  }, async t => {
    const [root, place] = [join(scratch(t), 'root'), scratch(t)];
    const mountpoint = mountpointIn(place);
    const child = await startProcess(t, { root, mountpoint, mode: 'hang', driver });
    const readers = new Readers(t, filesIn(mountpoint), READERS);
    await readers.wait();
    await kill(child);
    assert.equal(readers.ended, 0, 'nobody was told');
    const daemon = await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true });
    assert.deepEqual(await readers.digests(), [CACHED, OTHER]);
    const [info] = await daemon.list();
    assert.deepEqual([info?.mountpoint, info?.driver, info?.state.name], [mountpoint, driver, 'ready']);
    assert.ok((info?.resumedAt ?? 0) >= (info?.mountedAt ?? Number.POSITIVE_INFINITY));
    const { text } = await daemon.metrics();
    assert.match(text, /^shoal_takeovers_total 1$/m);
    assert.match(text, /^shoal_resent_requests_total [1-9]/m);
    await daemon.unmount(mountpoint, { signal });
    await daemon.stop();
    await nothingLeft(root, place);
  });

  test(`${driver}: daemons killed while they take over lose no request`, { skip }, async t => {
    const [root, place] = [join(scratch(t), 'root'), scratch(t)];
    const mountpoint = mountpointIn(place);
    await kill(await startProcess(t, { root, mountpoint, mode: 'hang', driver }));
    const readers = new Readers(t, filesIn(mountpoint), READERS);
    for (const delay of [0, 30, 70, 110, 160, 220, 300, 450]) {
      const next = startProcess(t, { root, mountpoint, mode: 'deaf', driver }, { waits: false });
      await systemClock.sleep(250 + delay); // not to wait for something, but to hit another moment
      await kill(await next);
      assert.equal(readers.ended, 0, `killed after ${delay} ms`);
    }
    await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true });
    assert.deepEqual(await readers.digests(), [CACHED, OTHER]);
  });

  test(`${driver}: the holder dies, the daemon lives: another holder has everything`, { skip }, async t => {
    const [root, place] = [join(scratch(t), 'root'), scratch(t)];
    const mountpoint = mountpointIn(place);
    const child = await startProcess(t, { root, mountpoint, mode: 'hang', driver });
    const [first] = holdersBelow(root);
    const readers = new Readers(t, filesIn(mountpoint), READERS);
    await readers.wait();
    killHolders(root);
    await until(() => holdersBelow(root).some(pid => pid !== first), 'another holder is there');
    await until(async () => (await heldBy(root)) > 1, 'it has the connection and its clones');
    await kill(child);
    assert.equal(readers.ended, 0);
    await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true });
    assert.deepEqual(await readers.digests(), [CACHED, OTHER]);
  });

  test(`${driver}: both dead, readers get errors, sync returns, the next daemon mounts again`, { skip }, async t => {
    const [root, place] = [join(scratch(t), 'root'), scratch(t)];
    const mountpoint = mountpointIn(place);
    const child = await startProcess(t, { root, mountpoint, mode: 'hang', driver });
    const readers = new Readers(t, filesIn(mountpoint), READERS);
    await readers.wait();
    await kill(child);
    await systemWideSync();
    await runOutside('df', '/');
    // The kernel's own: EROFS does not ask anybody about metadata, and what it reads from is nowhere to be met.
    if (driver === 'erofs') {
      await runOutside('df', '--all');
      assert.match(await runOutside('ls', '-lR', mountpoint), /cached/);
    }
    assert.equal(readers.ended, 0);
    const startedAt = performance.now();
    killHolders(root);
    await until(() => readers.ended === READERS, 'they get errors');
    assert.ok(performance.now() - startedAt < ERROR_WITHIN_MS);
    assert.match((await readers.digests()).join(' '), /Error/);
    await systemWideSync();
    const image = killableImage();
    const daemon = await startDaemon(t, libraryOf(image), { root, keepMounts: true });
    assert.deepEqual(await daemon.list(), []);
    assert.equal(mountsBelow(place).size, 0);
    await daemon.mount(requestFor(image, mountpoint, { driver }), { signal });
    assert.equal((await python(DIGEST_OF, join(mountpoint, 'cached'))).trim(), CACHED);
    await daemon.stop();
    await nothingLeft(root, place);
  });

  test(`${driver}: what is cached is served by the next daemon without the registry`, { skip }, async t => {
    const [root, place] = [join(scratch(t), 'root'), scratch(t)];
    const mountpoint = mountpointIn(place);
    const child = await startProcess(t, { root, mountpoint, mode: 'ro', driver });
    assert.equal((await python(DIGEST_OF, join(mountpoint, 'cached'))).trim(), CACHED);
    await systemClock.sleep(300); // what is cached is noted within a tenth of a second
    await kill(child);
    await runOutside('sh', '-c', 'echo 3 > /proc/sys/vm/drop_caches');
    const image = killableImage();
    image.origin.pause();
    const library = {
      ...libraryOf(image),
      open: () => Promise.reject(new ShoalError('unreachable', 'the registry is gone')),
    };
    const daemon = await startDaemon(t, library, { root, keepMounts: true });
    assert.equal((await python(DIGEST_OF, join(mountpoint, 'cached'))).trim(), CACHED);
    assert.equal(image.origin.requests.length, 0);
    await daemon.stop();
    await nothingLeft(root, place);
  });

  test(`${driver}: unmounted while no daemon was there, it is gone for the next`, { skip }, async t => {
    const [root, place] = [join(scratch(t), 'root'), scratch(t)];
    const mountpoint = mountpointIn(place);
    await kill(await startProcess(t, { root, mountpoint, mode: 'ro', driver }));
    const unmount = 'import ctypes, sys; sys.exit(ctypes.CDLL(None).umount2(sys.argv[1].encode(), 0))';
    await python(unmount, mountpoint);
    await until(() => holdersBelow(root).length === 0, 'the holder ends');
    const daemon = await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true });
    assert.deepEqual(await daemon.list(), []);
    await daemon.stop();
    await nothingLeft(root, place);
  });

  test(`${driver}: killed at any moment of mounting and unmounting, nothing is lost and nothing stays`, {
    skip,
  }, async t => {
    const [root, place] = [join(scratch(t), 'root'), scratch(t)];
    const mountpoint = mountpointIn(place);
    for (const delay of [40, 110, 180, 260, 350, 450, 560, 680]) {
      const child = await startProcess(t, { root, mountpoint, mode: 'churn', driver });
      await systemClock.sleep(delay); // not to wait for something, but to hit another moment
      await kill(child);
      const daemon = await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true });
      const there = [...mountsBelow(place).keys()];
      assert.deepEqual(
        (await daemon.list()).map(info => info.mountpoint),
        there,
        `killed after ${delay} ms`,
      );
      for (const path of there) assert.equal((await python(DIGEST_OF, join(path, 'cached'))).trim(), CACHED);
      await daemon.stop();
      await nothingLeft(root, place);
    }
  });

  test(`${driver}: a record of another release is refused by name, and its mount is cleaned up`, { skip }, async t => {
    const [root, place] = [join(scratch(t), 'root'), scratch(t)];
    const mountpoint = mountpointIn(place);
    await kill(await startProcess(t, { root, mountpoint, mode: 'ro', driver }));
    const [id = ''] = readdirSync(join(root, 'mounts'));
    const path = join(root, 'mounts', id, 'resume.json');
    const record = JSON.parse(readFileSync(path, 'utf8'));
    record.connection.nodeIds = 7;
    writeFileSync(path, JSON.stringify(record));
    const said: unknown[] = [];
    const log = { ...silentLogger, warn: (message: string, fields?: object) => said.push(message, fields) };
    const daemon = await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true, log });
    assert.match(JSON.stringify(said), /node ids are of version 7; this release knows 2/);
    assert.deepEqual(await daemon.list(), []);
    await daemon.stop();
    await nothingLeft(root, place);
  });
}

/** A thread reads, in a way that no signal breaks off; when it is told, the other one takes the lock. */
const ZOMBIE = `
import fcntl, mmap, os, sys, threading
lock = os.open(sys.argv[1], os.O_RDWR)
def read():
    os.preadv(os.open(sys.argv[2], os.O_RDONLY | os.O_DIRECT), [mmap.mmap(-1, 1 << 17)], 0)
threading.Thread(target=read, daemon=True).start()
sys.stdin.readline()
fcntl.flock(lock, fcntl.LOCK_EX)
os.truncate(lock, 0)
os.write(lock, b'%d' % os.getpid())
print('locked', flush=True)
sys.stdin.readline()
`;

function threadWaits(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).some(task => isBlocked(`${pid}/task/${task}`));
}

function stateOf(pid: number): string | undefined {
  const path = `/proc/${pid}/status`;
  return existsSync(path) ? /^State:\s*(\S)/m.exec(readFileSync(path, 'latin1'))?.[1] : undefined;
}

/** sync(2). With a busy disk it takes long for what others write; with a mount that nobody serves it must still end. */
async function systemWideSync(): Promise<void> {
  const [code] = await once(spawn('sync', { stdio: 'ignore' }), 'exit');
  assert.equal(code, 0);
}

/** How many descriptors of FUSE connections the root's holder has. */
async function heldBy(root: string): Promise<number> {
  const [pid] = holdersBelow(root);
  if (pid === undefined) return 0;
  const out = await runOutside('sh', '-c', `ls -l /proc/${pid}/fd | grep -c /dev/fuse || true`);
  return Number(out.trim());
}

test('a writable mount keeps its changes when the daemon is killed', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const child = await startProcess(t, { root, mountpoint, mode: 'rw', driver: 'fuse' });
  await runOutside('sh', '-c', `echo changed > ${mountpoint}/folder/file`);
  await kill(child);
  const waiting = runOutside('sh', '-c', `cat ${mountpoint}/folder/file >/dev/null && echo more >> ${mountpoint}/new`);
  const daemon = await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true });
  await waiting;
  assert.equal(await runOutside('cat', `${mountpoint}/folder/file`, `${mountpoint}/new`), 'changed\nmore\n');
  assert.equal((await python(DIGEST_OF, join(mountpoint, 'other'))).trim(), OTHER);
  assert.equal((await daemon.list())[0]?.writable, true);
  await daemon.stop();
  await nothingLeft(root, place);
});

test('a daemon that hands over takes no more calls, and the next one goes on', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const child = await startProcess(t, { root, mountpoint, mode: 'hang', driver: 'fuse' });
  const readers = new Readers(t, [join(mountpoint, 'cached')], READERS);
  await readers.wait();
  const next = new Daemon(
    { clock: systemClock, log: silentLogger, library: libraryOf(killableImage()) },
    { root, keepMounts: true },
  );
  t.after(() => next.stop());
  const started = next.start({ handedOver: true });
  await kill(child, 'SIGUSR2');
  await started;
  assert.deepEqual(await readers.digests(), [CACHED]);
});

test('a zombie that has the lock, and waits for a mount itself, does not keep the next daemon out', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const child = await startProcess(t, { root, mountpoint, mode: 'hang', driver: 'fuse' });
  const zombie = spawn('python3', ['-c', ZOMBIE, join(root, 'lock'), join(mountpoint, 'other')], { stdio: 'pipe' });
  atEnd(t, () => zombie.kill('SIGKILL'));
  await until(() => threadWaits(zombie.pid ?? 0), 'a thread of it waits for the mount');
  await kill(child);
  zombie.stdin.write('\n');
  await once(zombie.stdout, 'data');
  zombie.kill('SIGKILL');
  await until(() => ['Z', undefined].includes(stateOf(zombie.pid ?? 0)), 'it is dying'); // or dead, if nobody had its read
  const daemon = await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true });
  await daemon.stop();
  await nothingLeft(root, place);
});
