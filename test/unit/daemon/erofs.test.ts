// What is particular to the erofs driver: two mounts that come and go together, and reads that the kernel does on behalf of
// many. The process that serves never looks at the mount itself.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { systemClock } from '../../../core/index.ts';
import { checkDriver, defaultServeLimits } from '../../../daemon/index.ts';
import { until } from '../../support/until.ts';
import { directory } from '../image/image-builder.ts';
import {
  atEnd,
  mountpointIn,
  mountsBelow,
  openConnections,
  python,
  scratch,
  signal,
  startDaemon,
} from './daemon-under-test.ts';
import {
  backingInUse,
  content,
  killableImage,
  libraryOf,
  makeImage,
  requestFor,
  type TestImage,
  useDriver,
} from './lazy-image.ts';

useDriver('erofs');
const skip = (await checkDriver('erofs')).problem ?? false;

const CHUNK = 1 << 16;
/** A file of three is read from a device whose pages are not kept. */
const LARGE_CHUNK = 1 << 18;
const FILE_BYTES = 3 * CHUNK;
/** Of the EROFS superblock at byte 1024: what directories' blocks are, which this kernel knows only as 0. */
const DIRECTORY_BLOCK_BITS_AT = 1024 + 90;
/** More than have a helper process that waits for them. */
const MANY_MOUNTS = 7;
const MAX_BLOBS = 254;

const DIGEST_OF = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function digestOf(path: string): Promise<string> {
  return (await python(DIGEST_OF, path)).trim();
}

function smallImage(reference?: string): TestImage {
  const options = { chunkSize: CHUNK, ...(reference !== undefined && { reference }) };
  return makeImage(builder => directory({ file: builder.file(content(FILE_BYTES, 'file')) }), options);
}

test('the mount table shows one mount, of EROFS, by the name of ours; with it everything goes', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = smallImage();
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  const info = await daemon.mount(requestFor(image, mountpoint), { signal });
  const backing = backingInUse() ?? 'file';
  assert.deepEqual([info.driver, info.erofsBacking, info.state.name], ['erofs', backing, 'ready']);
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const ours = lines.filter(line => line.includes(` ${place}/`));
  assert.equal(ours.length, 1);
  assert.match(ours[0] ?? '', / - erofs shoal:[0-9a-f]{16} ro/);
  assert.ok(openConnections() > 0);
  assert.equal(await digestOf(join(mountpoint, 'file')), sha256(content(FILE_BYTES, 'file')));
  await daemon.unmount(mountpoint, { signal });
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(openConnections(), 0);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
  assert.deepEqual(JSON.parse(readFileSync(join(root, 'state.json'), 'utf8')).mounts, []);
});

test('the kernel reads as far ahead in the files of an image as the daemon is told', { skip }, async t => {
  const image = smallImage();
  // Of this process alone: other tests mount meanwhile, and numbers of devices are used again.
  const [ofDevices, ofErofs] = [400, 200].map(kib => kib + 4 * (process.pid % 32)) as [number, number];
  const serve = { ...defaultServeLimits, readaheadBytes: ofDevices << 10, erofsReadaheadBytes: ofErofs << 10 };
  const daemon = await startDaemon(t, libraryOf(image), { limits: { serve } });
  await daemon.mount(requestFor(image, mountpointIn(scratch(t))), { signal });
  const found = readdirSync('/sys/class/bdi')
    .map(name => `/sys/class/bdi/${name}/read_ahead_kb`)
    .map(numberIn);
  assert.ok(found.includes(ofDevices) && found.includes(ofErofs), `${found}`);
});

/** NaN of a file that is gone meanwhile. */
function numberIn(path: string): number {
  try {
    return Number(readFileSync(path, 'latin1'));
  } catch {
    return Number.NaN;
  }
}

test('somebody else may unmount it: the daemon sees it end', { skip }, async t => {
  const image = smallImage();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  await python('import ctypes, sys; sys.exit(ctypes.CDLL(None).umount2(sys.argv[1].encode(), 0))', mountpoint);
  await until(async () => (await daemon.list()).length === 0, 'nothing is listed any more');
  assert.equal(openConnections(), 0);
});

test('a daemon that stops takes its mounts along, also one in use', { skip }, async t => {
  const place = scratch(t);
  const image = smallImage();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(place);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const user = spawn('sh', ['-c', 'cd "$0" && echo inside && read line', mountpoint], { stdio: 'pipe' });
  atEnd(t, () => user.kill('SIGKILL'));
  await once(user.stdout, 'data');
  await assert.rejects(daemon.unmount(mountpoint, { signal }), { code: 'busy' });
  await daemon.stop();
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(openConnections(), 0);
});

test('what the kernel refuses to mount leaves nothing', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = smallImage();
  const bootstrap = Uint8Array.from(image.bootstrap);
  bootstrap[DIRECTORY_BLOCK_BITS_AT] = 1;
  const daemon = await startDaemon(t, libraryOf({ ...image, bootstrap }), { root });
  const mountpoint = mountpointIn(place);
  const refusal = { code: 'system', message: /^mount erofs: EINVAL/ };
  await assert.rejects(daemon.mount(requestFor(image, mountpoint), { signal }), refusal);
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(openConnections(), 0);
  assert.deepEqual(await daemon.list(), []);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
});

test('a mount that is given up at any moment leaves nothing', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = smallImage();
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  for (const delay of [0, 20, 50, 80, 110, 150, 200, 300]) {
    const controller = new AbortController();
    const mounting = daemon.mount(requestFor(image, mountpoint), { signal: controller.signal }).then(
      () => true,
      error => assert.equal(error.code, 'aborted', String(error)),
    );
    await systemClock.sleep(delay); // not to wait for something, but to hit another moment
    controller.abort();
    const mounted = await mounting;
    if (mounted) await daemon.unmount(mountpoint, { signal });
    assert.equal(mountsBelow(place).size, 0);
    assert.equal(openConnections(), 0);
  }
  assert.deepEqual(await daemon.list(), []);
});

test('a writable mount on top: changes are seen and go with it, the image stays as it is', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = smallImage();
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  const info = await daemon.mount(requestFor(image, mountpoint, { writable: true }), { signal });
  assert.deepEqual([info.driver, info.writable], ['erofs', true]);
  const program = `
import os, sys
with open(sys.argv[1] + '/file', 'r+b') as f: f.seek(100); f.write(b'changed')
open(sys.argv[1] + '/new', 'w').write('new')
print(open(sys.argv[1] + '/file', 'rb').read()[100:107].decode(), *sorted(os.listdir(sys.argv[1])))
`;
  assert.equal(await python(program, mountpoint), 'changed file new\n');
  await daemon.unmount(mountpoint, { signal });
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(openConnections(), 0);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  assert.equal(await digestOf(join(mountpoint, 'file')), sha256(content(FILE_BYTES, 'file')));
});

test('no writable mount on top of what overlayfs would obey', { skip }, async t => {
  const xattrs = new Map([['trusted.overlay.opaque', Buffer.from('y')]]);
  const image = makeImage(builder => directory({ file: builder.file('x'), d: directory({}, { xattrs }) }));
  const daemon = await startDaemon(t, libraryOf(image));
  const request = requestFor(image, mountpointIn(scratch(t)), { writable: true });
  await assert.rejects(daemon.mount(request, { signal }), { code: 'unsupported', message: /trusted\.overlay/ });
  const info = await daemon.mount({ ...request, driver: 'auto' }, { signal });
  assert.deepEqual([info.driver, info.erofsBacking], ['fuse', undefined]);
  assert.match(info.driverReason ?? '', /^erofs: .*trusted\.overlay/);
});

test('many mounts at once, all of one image, and each blob is fetched once', { skip }, async t => {
  const image = smallImage();
  const daemon = await startDaemon(t, libraryOf(image));
  const place = scratch(t);
  const mountpoints = Array.from({ length: MANY_MOUNTS }, (_, i) => mountpointIn(place, `mnt${i}`));
  await Promise.all(mountpoints.map(mountpoint => daemon.mount(requestFor(image, mountpoint), { signal })));
  const digests = await Promise.all(mountpoints.map(mountpoint => digestOf(join(mountpoint, 'file'))));
  assert.deepEqual(new Set(digests), new Set([sha256(content(FILE_BYTES, 'file'))]));
  const fetched = image.origin.requests.flatMap(({ chunks }) => chunks);
  assert.deepEqual(fetched.toSorted(), [0, 1, 2]);
});

test('the same image by fuse and by erofs: what one has fetched the other has', { skip }, async t => {
  const image = smallImage();
  const daemon = await startDaemon(t, libraryOf(image));
  const place = scratch(t);
  const [one, other] = [mountpointIn(place, 'erofs'), mountpointIn(place, 'fuse')];
  await daemon.mount(requestFor(image, one), { signal });
  await daemon.mount(requestFor(image, other, { driver: 'fuse' }), { signal });
  assert.equal(await digestOf(join(one, 'file')), sha256(content(FILE_BYTES, 'file')));
  const before = image.origin.requests.length;
  assert.equal(await digestOf(join(other, 'file')), sha256(content(FILE_BYTES, 'file')));
  assert.equal(image.origin.requests.length, before);
});

/** A file in each, and one that has a chunk of every blob. */
function imageOfBlobs(count: number): TestImage {
  return makeImage(
    builder => {
      const parts = Array.from({ length: count }, (_, i) => content(CHUNK, `${i}`));
      const files = parts.map((part, i) => {
        builder.nextBlob();
        return [`f${i}`, builder.file(part)] as const;
      });
      return directory({ ...Object.fromEntries(files), all: builder.file(Buffer.concat(parts)) });
    },
    { reference: `${count}`, chunkSize: CHUNK },
  );
}

for (const count of [1, 40, MAX_BLOBS]) {
  test(`an image of ${count} blobs, with a file that has a chunk of each`, { skip }, async t => {
    const image = imageOfBlobs(count);
    const daemon = await startDaemon(t, libraryOf(image));
    const mountpoint = mountpointIn(scratch(t));
    await daemon.mount(requestFor(image, mountpoint), { signal });
    const program = `
import hashlib, sys
for name in ['all', *('f%d' % i for i in range(int(sys.argv[2])))]:
    print(hashlib.sha256(open(sys.argv[1] + '/' + name, 'rb').read()).hexdigest())
`;
    const parts = Array.from({ length: count }, (_, i) => content(CHUNK, `${i}`));
    const expected = [Buffer.concat(parts), ...parts].map(sha256);
    assert.deepEqual((await python(program, mountpoint, `${count}`)).trim().split('\n'), expected);
    await daemon.unmount(mountpoint, { signal });
    assert.equal(openConnections(), 0);
  });
}

test('an image of no blobs', { skip }, async t => {
  const image = makeImage(builder => directory({ empty: builder.file(''), folder: directory() }));
  const daemon = await startDaemon(t, libraryOf(image));
  const place = scratch(t);
  const mountpoint = mountpointIn(place);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = 'import os, sys; print(*sorted(os.listdir(sys.argv[1])))';
  assert.equal((await python(program, mountpoint)).trim(), 'empty folder');
  await daemon.unmount(mountpoint, { signal });
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(openConnections(), 0);
});

/**
 * A mount of two files that lie one behind the other in the device, of whose chunks no source has the last two. Where pages of
 * the device are kept, reading a page of the first has brought the first pages of the second, but not into EROFS.
 */
async function halfThere(t: TestContext, chunkSize: number, readDeadlineMs?: number) {
  const bytes = content(3 * chunkSize, 'behind');
  const image = makeImage(builder => directory({ a: builder.file(content(4096, 'before')), b: builder.file(bytes) }), {
    chunkSize,
  });
  image.origin.lacks.add(2).add(3);
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint, { readDeadlineMs }), { signal });
  const program = `
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
os.pread(fd, 10, 0)
`;
  await python(program, join(mountpoint, 'a'));
  return { daemon, image, path: join(mountpoint, 'b'), digest: sha256(bytes) };
}

// These fail on kernels that take the missing end of a read that failed for zeros (design §6 rule 7).
for (const [pages, chunkSize] of [
  ['kept', CHUNK],
  ['not kept', LARGE_CHUNK],
] as const) {
  const where = `a device whose pages are ${pages}`;

  test(`${where}: a reader that is killed in the middle of a read leaves no wrong byte to the next`, {
    skip,
  }, async t => {
    const { daemon, image, path, digest } = await halfThere(t, chunkSize);
    const program = 'import os, sys; os.pread(os.open(sys.argv[1], os.O_RDONLY), 1 << 20, 0)';
    const reader = spawn('python3', ['-c', program, path], { stdio: 'inherit' });
    atEnd(t, () => reader.kill('SIGKILL'));
    await until(async () => ((await daemon.list())[0]?.stats.waiting ?? 0) > 0, 'the read waits');
    reader.kill('SIGKILL');
    await once(reader, 'exit');
    image.origin.lacks.clear();
    assert.equal(await digestOf(path), digest);
  });

  test(`${where}: a read that fails in its middle gives no zeros, and none to the next`, { skip }, async t => {
    const { image, path, digest } = await halfThere(t, chunkSize, 50);
    const program = `
import errno, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
chunk = int(sys.argv[2])
for length, at in ((1 << 20, 0), (4096, chunk), (4096, 2 * chunk)):
    try: print(len(os.pread(fd, length, at)))
    except OSError as e: print(errno.errorcode[e.errno])
`;
    assert.equal(await python(program, path, `${chunkSize}`), `${chunkSize}\nEIO\nEIO\n`);
    image.origin.lacks.clear();
    assert.equal(await digestOf(path), digest);
  });
}

async function startProcess(t: TestContext, root: string, mountpoint: string, mode: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'daemon-process.ts');
  const args = [script, root, mountpoint, mode, 'erofs', backingInUse() ?? 'auto'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('when the daemon is killed readers get errors, and the next one removes the dead mount', { skip }, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const child = await startProcess(t, root, mountpoint, 'ro');
  await kill(child);
  await assert.rejects(digestOf(join(mountpoint, 'cached')), /Input\/output error|Errno 5/);
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image), { root });
  assert.equal(mountsBelow(place).size, 0);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  assert.equal(await digestOf(join(mountpoint, 'cached')), sha256(content(600_000, 'cached')));
});

test('killed at any moment of mounting and unmounting, it leaves nothing that the next daemon cannot remove', {
  skip,
}, async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  for (const delay of [60, 140, 250, 380]) {
    const child = await startProcess(t, root, mountpoint, 'churn');
    await systemClock.sleep(delay); // not to wait for something, but to hit another moment
    await kill(child);
    const daemon = await startDaemon(t, libraryOf(killableImage()), { root });
    assert.equal(mountsBelow(place).size, 0, `killed after ${delay} ms`);
    assert.deepEqual(readdirSync(root).includes('mounts') ? readdirSync(join(root, 'mounts')) : [], []);
    await daemon.stop();
  }
});
