// Blobs that are complete when an image is mounted by erofs: the kernel reads their cache files by itself, so the daemon may
// die, and nothing may write to them. The process that serves never looks at the mount itself.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger, systemClock } from '../../../core/index.ts';
import type { Daemon } from '../../../daemon/daemon.ts';
import { checkDriver, DiskStore, defaultStoreLimits } from '../../../daemon/index.ts';
import { BootstrapReader } from '../../../image/index.ts';
import { until } from '../../support/until.ts';
import { directory } from '../image/image-builder.ts';
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
import { content, killableImage, libraryOf, makeImage, requestFor, type TestImage, useDriver } from './lazy-image.ts';

useDriver('erofs');
const skip = (await checkDriver('erofs')).problem ?? false;

const CHUNK = 1 << 16;
/** The last chunk of each file is short: behind it there is a gap. */
const FILE_BYTES = 2 * CHUNK + 1000;
const MANY_BLOBS = 40;
const BOOT = '11'.repeat(16);

const READ_ALL = `
import hashlib, os, sys
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    if os.path.isfile(path): print(name, hashlib.sha256(open(path, 'rb').read()).hexdigest())
`;

/** A file in each of so many blobs. */
function imageOf(blobs: number, reference = 'complete'): TestImage {
  return makeImage(
    builder => {
      const files = Array.from({ length: blobs }, (_, i) => {
        builder.nextBlob();
        return [`f${i}`, builder.file(content(FILE_BYTES, `${i}`))] as const;
      });
      return directory(Object.fromEntries(files));
    },
    { reference, chunkSize: CHUNK },
  );
}

function linesOf(files: Readonly<Record<string, Uint8Array>>): string {
  const lines = Object.entries(files).map(([name, bytes]) => `${name} ${sha256(bytes)}\n`);
  return lines.sort().join('');
}

function expectedOf(blobs: number): string {
  return linesOf(Object.fromEntries(Array.from({ length: blobs }, (_, i) => [`f${i}`, content(FILE_BYTES, `${i}`)])));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function mounted(daemon: Daemon, image: TestImage, mountpoint: string): Promise<number | undefined> {
  return (await daemon.mount(requestFor(image, mountpoint), { signal })).plainBlobs;
}

/** Mounts it, reads everything and unmounts. */
async function fill(daemon: Daemon, image: TestImage, mountpoint: string): Promise<void> {
  assert.equal(await mounted(daemon, image, mountpoint), 0);
  await python(READ_ALL, mountpoint);
  await daemon.unmount(mountpoint, { signal });
}

/** Descriptors of FUSE connections that a process has open. */
function connections(pid: number | 'self' = 'self'): number {
  return readdirSync(`/proc/${pid}/fd`).filter(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === '/dev/fuse';
    } catch {
      return false; // the one that lists them
    }
  }).length;
}

function cacheFiles(root: string, ending: string): string[] {
  const cache = join(root, 'cache');
  return readdirSync(cache).flatMap(name => (name.endsWith(ending) ? [join(cache, name)] : []));
}

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, at);
  } finally {
    await file.close();
  }
}

async function startProcess(
  t: TestContext,
  { root, mountpoint, mode, keep = false }: { root: string; mountpoint: string; mode: string; keep?: boolean },
): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'daemon-process.ts');
  const args = [script, root, mountpoint, mode, 'erofs', ...(keep ? ['keep'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

async function end(child: ChildProcess, how: NodeJS.Signals): Promise<void> {
  const gone = once(child, 'exit');
  child.kill(how);
  await gone;
}

test('the daemon is killed, and every byte of a complete image is read as before', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const filling = await startProcess(t, { root, mountpoint, mode: 'ro' });
  await python(READ_ALL, mountpoint);
  await python("import sys; open(sys.argv[1] + '/folder/file').read()", mountpoint);
  await end(filling, 'SIGTERM');
  // From here on no source gives anything.
  const serving = await startProcess(t, { root, mountpoint, mode: 'hang' });
  assert.equal(connections(serving.pid ?? 0), 0);
  await end(serving, 'SIGKILL');
  const files = { cached: content(600_000, 'cached'), other: content(600_000, 'other') };
  assert.equal(await python(READ_ALL, mountpoint), linesOf(files));
  assert.equal(await runOutside('cat', join(mountpoint, 'folder/file')), 'in a folder\n');
  // The next daemon knows of it.
  await startDaemon(t, libraryOf(killableImage()), { root });
  assert.equal(mountsBelow(place).size, 0);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
});

test('the next daemon goes on with a complete image whose mount was kept', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const filling = await startProcess(t, { root, mountpoint, mode: 'ro' });
  await python(READ_ALL, mountpoint);
  await python("import sys; open(sys.argv[1] + '/folder/file').read()", mountpoint);
  await end(filling, 'SIGTERM');
  await end(await startProcess(t, { root, mountpoint, mode: 'hang', keep: true }), 'SIGKILL');
  const daemon = await startDaemon(t, libraryOf(killableImage()), { root, keepMounts: true });
  const [info] = await daemon.list();
  assert.deepEqual([info?.mountpoint, info?.state.name, info?.plainBlobs], [mountpoint, 'ready', 1]);
  const files = { cached: content(600_000, 'cached'), other: content(600_000, 'other') };
  assert.equal(await python(READ_ALL, mountpoint), linesOf(files));
  await daemon.unmount(mountpoint, { signal });
  assert.equal(mountsBelow(place).size, 0);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
});

test('forty complete blobs are read without a connection, and with one incomplete blob by one', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = imageOf(MANY_BLOBS);
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  await fill(daemon, image, mountpoint);
  assert.equal(await mounted(daemon, image, mountpoint), MANY_BLOBS);
  assert.equal(connections(), 0);
  for (const path of cacheFiles(root, '.data')) assert.equal(statSync(path).mode & 0o777, 0o400);
  assert.equal(await python(READ_ALL, mountpoint), expectedOf(MANY_BLOBS));
  await daemon.unmount(mountpoint, { signal });
  assert.deepEqual(await daemon.list(), []);
  await daemon.stop();
  // One of them is not there any more.
  const [one = ''] = cacheFiles(root, '.map');
  await rm(one);
  const next = await startDaemon(t, libraryOf(image), { root });
  assert.equal(await mounted(next, image, mountpoint), MANY_BLOBS - 1);
  assert.ok(connections() > 0);
  assert.equal(await python(READ_ALL, mountpoint), expectedOf(MANY_BLOBS));
});

test('many mounts at once of one complete image', { skip }, async t => {
  const image = imageOf(3);
  const daemon = await startDaemon(t, libraryOf(image));
  const place = scratch(t);
  const mountpoints = Array.from({ length: 6 }, (_, i) => mountpointIn(place, `mnt${i}`));
  await fill(daemon, image, mountpoints[0] ?? '');
  const plain = await Promise.all(mountpoints.map(mountpoint => mounted(daemon, image, mountpoint)));
  assert.deepEqual(new Set(plain), new Set([3]));
  for (const mountpoint of mountpoints) assert.equal(await python(READ_ALL, mountpoint), expectedOf(3));
  await Promise.all(mountpoints.map(mountpoint => daemon.unmount(mountpoint, { signal })));
  assert.equal(mountsBelow(place).size, 0);
});

test('a cache file with a wrong byte is served instead, fetched again, and plain the next time', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = imageOf(1);
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  await fill(daemon, image, mountpoint);
  const [data = ''] = cacheFiles(root, '.data');
  await flipByte(data, CHUNK + 5);
  const before = image.origin.requests.length;
  assert.equal(await mounted(daemon, image, mountpoint), 0);
  assert.equal(await python(READ_ALL, mountpoint), expectedOf(1));
  const fetched = image.origin.requests.slice(before).flatMap(({ chunks }) => chunks);
  assert.deepEqual(fetched, [1]);
  await daemon.unmount(mountpoint, { signal });
  assert.equal(await mounted(daemon, image, mountpoint), 1);
  assert.equal(await python(READ_ALL, mountpoint), expectedOf(1));
});

test('bytes where no chunk is are cleared before the kernel gets the file', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = imageOf(1);
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  await fill(daemon, image, mountpoint);
  const [data = ''] = cacheFiles(root, '.data');
  await flipByte(data, FILE_BYTES + 7);
  assert.equal(await mounted(daemon, image, mountpoint), 0);
  await daemon.unmount(mountpoint, { signal });
  assert.equal(await mounted(daemon, image, mountpoint), 1);
  assert.deepEqual((await readFile(data)).subarray(FILE_BYTES), Buffer.alloc(-FILE_BYTES & 4095));
});

test('what was verified is not read again by the next daemon of this boot, unless it was written to', {
  skip,
}, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = imageOf(1);
  const mountpoint = mountpointIn(place);
  const first = await startDaemon(t, libraryOf(image), { root });
  await fill(first, image, mountpoint);
  assert.equal(await mounted(first, image, mountpoint), 1);
  await first.stop();
  const [record = ''] = cacheFiles(root, '.seal');
  const verifiedAt = statSync(record).mtimeMs;
  const second = await startDaemon(t, libraryOf(image), { root });
  assert.equal(await mounted(second, image, mountpoint), 1);
  assert.equal(statSync(record).mtimeMs, verifiedAt);
  await second.stop();
  const [data = ''] = cacheFiles(root, '.data');
  await flipByte(data, 5);
  await flipByte(data, 5);
  const third = await startDaemon(t, libraryOf(image), { root });
  assert.equal(await mounted(third, image, mountpoint), 1);
  assert.ok(statSync(record).mtimeMs > verifiedAt);
});

test('somebody else may unmount it: the daemon sees it end', { skip }, async t => {
  const image = imageOf(1);
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await fill(daemon, image, mountpoint);
  await mounted(daemon, image, mountpoint);
  await python('import ctypes, sys; sys.exit(ctypes.CDLL(None).umount2(sys.argv[1].encode(), 0))', mountpoint);
  await until(async () => (await daemon.list()).length === 0, 'nothing is listed any more');
});

test('who uses a complete image that is detached keeps its bytes, whatever the next daemon does', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = imageOf(1);
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  await fill(daemon, image, mountpoint);
  await mounted(daemon, image, mountpoint);
  const program = `
import hashlib, os, sys
f = open(sys.argv[1], 'rb')
os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
print('open', flush=True)
sys.stdin.readline()
print(hashlib.sha256(f.read()).hexdigest(), flush=True)
`;
  const user = spawn('python3', ['-c', program, join(mountpoint, 'f0')], { stdio: 'pipe' });
  atEnd(t, () => user.kill('SIGKILL'));
  await once(user.stdout, 'data');
  await daemon.unmount(mountpoint, { signal, force: true });
  await daemon.stop();

  const [data = ''] = cacheFiles(root, '.data');
  const [layout] = new BootstrapReader(image.bootstrap).blobLayouts(image.layers);
  assert.ok(layout);
  const openStore = (bootId: string) =>
    new DiskStore(
      { clock: systemClock, log: silentLogger },
      { directory: join(root, 'cache'), bootId, limits: defaultStoreLimits },
    );
  const store = openStore(BOOT);
  atEnd(t, () => store.stop());
  const stored = await store.open(layout);
  assert.ok(stored.map.has(0));
  await assert.rejects(stored.evict(0), { code: 'busy' });
  assert.ok(stored.map.has(0));
  await store.stop();
  // Its map is lost, so the cache begins anew: with another file.
  await rm(data.replace('.data', '.map'));
  const { ino } = statSync(data);
  const anew = openStore(BOOT);
  atEnd(t, () => anew.stop());
  const empty = await anew.open(layout);
  assert.equal(empty.map.presentCount, 0);
  assert.notEqual(statSync(data).ino, ino);
  const answer = once(user.stdout, 'data');
  user.stdin.write('\n');
  assert.equal(String(await answer).trim(), sha256(content(FILE_BYTES, '0')));
  assert.ok(!existsSync(`${data}.new`));
});
