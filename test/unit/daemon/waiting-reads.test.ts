// Reads of chunks that no source delivers: they wait without disturbing anybody, go on with the right bytes, can be
// killed, and fail only when they were told to.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { LogFields, Logger } from '../../../core/index.ts';
import { type Daemon, defaultServeLimits } from '../../../daemon/index.ts';
import { until } from '../../support/until.ts';
import { directory } from '../image/image-builder.ts';
import { atEnd, mountpointIn, python, scratch, signal, startDaemon } from './daemon-under-test.ts';
import { backingInUse, content, driverInUse, libraryOf, makeImage, requestFor, type TestImage } from './lazy-image.ts';

/** EROFS knows no O_DIRECT, and the page cache of the device stands between its own and the daemon. */
const isErofs = driverInUse() === 'erofs';

/** A loop device has 128 requests under way at most. */
const isLoop = backingInUse() === 'loop';

/** Far apart in the blob, so that fetching one brings no other along. */
const FILES = isLoop ? 60 : 250;
/** By erofs, what the kernel reads ahead for one reader may be what the next one waits for. */
const LEAST_READS = isErofs ? Math.floor(0.9 * FILES) : FILES;
const FILE_BYTES = 300_000;
/** By erofs, what is read of it goes straight to the daemon. */
const LARGE_FILE_BYTES = 600_000;

function manyFiles(reference: string): TestImage {
  return makeImage(
    builder => {
      const files = Array.from({ length: FILES }, (_, i) => [
        `f${i}`,
        builder.file(content(FILE_BYTES, `${reference} ${i}`)),
      ]);
      return directory({
        ...Object.fromEntries(files),
        cached: builder.file(content(FILE_BYTES, `${reference} cached`)),
      });
    },
    { reference, chunkSize: 1 << 19 },
  );
}

function oneFile(): TestImage {
  return makeImage(builder => directory({ file: builder.file(content(LARGE_FILE_BYTES, 'file')) }));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function waitingIn(daemon: Daemon, count: number): Promise<void> {
  let waiting = 0;
  await until(
    async () => {
      waiting = (await daemon.list()).reduce((sum, { stats }) => sum + stats.waiting, 0);
      return waiting >= count;
    },
    () => `${count} reads wait, ${waiting} do`,
  );
}

interface Reader {
  readonly kill: (name: NodeJS.Signals) => void;
  readonly output: () => string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<string>;
}

/** A child that may hang in the kernel; it is killed with the test, and the mount's end frees it. */
function startReader(t: TestContext, program: string, ...args: readonly string[]): Reader {
  const child = spawn('python3', ['-c', program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  atEnd(t, () => child.kill('SIGKILL'));
  return {
    kill: name => child.kill(name),
    output: () => output,
    ended: new Promise(resolve => child.once('close', (code, killedBy) => resolve(killedBy ?? String(code)))),
  };
}

const READ_MANY = `
import hashlib, os, sys, threading
folder, count = sys.argv[1], int(sys.argv[2])
digests = [None] * count
def read(i):
    with open(os.path.join(folder, 'f%d' % i), 'rb') as f: digests[i] = hashlib.sha256(f.read()).hexdigest()
threads = [threading.Thread(target=read, args=(i,)) for i in range(count)]
[x.start() for x in threads]; [x.join() for x in threads]
print(' '.join(digests))
`;

/** Latencies of cached reads, lookups of new names and listings, the page cache aside; milliseconds. */
const LATENCIES = `
import json, os, sys, time
times = []
def timed(f):
    start = time.perf_counter(); f(); times.append((time.perf_counter() - start) * 1000)
for folder in sys.argv[1:]:
    fd = os.open(os.path.join(folder, 'cached'), os.O_RDONLY)
    for i in range(100):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        timed(lambda: os.pread(fd, 100000, (i * 4096) % 200000))
        timed(lambda: os.path.exists(os.path.join(folder, 'no such name %d' % i)))
        timed(lambda: os.stat(os.path.join(folder, 'f%d' % (i % ${FILES}))))
    timed(lambda: os.listdir(folder))
times.sort()
print(json.dumps(dict(count=len(times), p50=times[len(times) // 2], p99=times[len(times) * 99 // 100], worst=times[-1])))
`;

test(`${FILES} waiting reads leave cached reads and lookups of this and other mounts alone`, async t => {
  const [sick, healthy] = [manyFiles('sick'), manyFiles('healthy')];
  const daemon = await startDaemon(t, libraryOf(sick, healthy));
  const directories = [mountpointIn(scratch(t)), mountpointIn(scratch(t))] as const;
  await Promise.all([
    daemon.mount(requestFor(sick, directories[0]), { signal }),
    daemon.mount(requestFor(healthy, directories[1]), { signal }),
  ]);
  for (const folder of directories) await python("open(__import__('sys').argv[1] + '/cached', 'rb').read()", folder);
  sick.origin.pause();
  const reader = startReader(t, READ_MANY, directories[0], `${FILES}`);
  await waitingIn(daemon, LEAST_READS);

  const before = (await daemon.list()).map(({ stats }) => stats.hits);
  const latencies = JSON.parse(await python(LATENCIES, ...directories));
  t.diagnostic(`cached while ${FILES} wait: ${JSON.stringify(latencies)}`);
  assert.ok(latencies.count > 500);
  const hits = (await daemon.list()).map(({ stats }, at) => stats.hits - (before[at] ?? 0));
  assert.ok(isErofs || hits.every(count => count >= 100), `reads came to the daemon: ${hits}`);
  assert.ok(latencies.p99 < 50, `99 % within ${latencies.p99} ms`);
  const fresh = await python("print(len(open(__import__('sys').argv[1] + '/f7', 'rb').read()))", directories[1]);
  assert.equal(Number(fresh), FILE_BYTES, 'misses of the other image are served');

  sick.origin.resume();
  assert.equal(await reader.ended, '0');
  const expected = Array.from({ length: FILES }, (_, i) => sha256(content(FILE_BYTES, `sick ${i}`)));
  assert.deepEqual(reader.output().trim().split(' '), expected);
});

test('wrong bytes from a source never reach a reader; the right ones do, when they come', async t => {
  const image = oneFile();
  image.origin.corrupt.add(0);
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
  const reader = startReader(t, program, join(mountpoint, 'file'));
  await until(() => image.origin.requests.length >= 2, 'the chunk was fetched again');
  assert.equal(reader.output(), '');
  image.origin.corrupt.clear();
  assert.equal(await reader.ended, '0');
  assert.equal(reader.output().trim(), sha256(content(LARGE_FILE_BYTES, 'file')));
});

test('with a read deadline a read fails with EIO, and works once a source answers', async t => {
  const image = oneFile();
  image.origin.pause();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint, { readDeadlineMs: 300 }), { signal });
  const program = `
import errno, sys
try: print(len(open(sys.argv[1], 'rb').read()))
except OSError as e: print(errno.errorcode[e.errno])
`;
  assert.equal((await python(program, join(mountpoint, 'file'))).trim(), 'EIO');
  image.origin.resume();
  assert.equal((await python(program, join(mountpoint, 'file'))).trim(), `${LARGE_FILE_BYTES}`);
});

/** O_DIRECT reads are synchronous requests: the kernel waits for the answer even when the reader is killed. */
const DIRECT = `
import mmap, os, signal, sys
buffer = mmap.mmap(-1, 4096)
fd = os.open(sys.argv[1], os.O_RDONLY${isErofs ? '' : ' | os.O_DIRECT'})
if len(sys.argv) > 2:
    caught = []
    signal.signal(signal.SIGUSR1, lambda *_: caught.append(1))
    signal.signal(signal.SIGCHLD, lambda *_: caught.append(1))
print('reading', flush=True)
n = os.preadv(fd, [buffer], 0)
print(n, bytes(buffer[:16]).hex(), flush=True)
`;

const cannotEnd = driverInUse() === 'fuse-native' ? 'a listed limit of fuse-native' : false;
for (const mortal of ['SIGTERM', 'SIGKILL', 'SIGHUP'] as const) {
  test(`a ${isErofs ? 'buffered' : 'direct'} read that waits can be ended with ${mortal}`, {
    skip: cannotEnd,
  }, async t => {
    const image = oneFile();
    image.origin.pause();
    const daemon = await startDaemon(t, libraryOf(image));
    const mountpoint = mountpointIn(scratch(t));
    await daemon.mount(requestFor(image, mountpoint), { signal });
    const reader = startReader(t, DIRECT, join(mountpoint, 'file'));
    await waitingIn(daemon, 1);
    reader.kill(mortal);
    assert.equal(await reader.ended, mortal);
    // What the kernel reads ahead it waits for, whoever is left.
    assert.equal((await daemon.list())[0]?.stats.waiting, isErofs ? 1 : 0);
  });
}

test('signals that a program catches do not break its waiting read', async t => {
  const image = oneFile();
  image.origin.pause();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const reader = startReader(t, DIRECT, join(mountpoint, 'file'), 'catch');
  await waitingIn(daemon, 1);
  for (const caught of ['SIGUSR1', 'SIGCHLD'] as const) reader.kill(caught);
  // The kernel passes each signal on as an interrupt, before any request that comes later.
  await python('import os, sys; os.listdir(sys.argv[1])', mountpoint);
  assert.equal((await daemon.list())[0]?.stats.waiting, 1);
  image.origin.resume();
  assert.equal(await reader.ended, '0');
  assert.equal(reader.output(), `reading\n4096 ${content(LARGE_FILE_BYTES, 'file').subarray(0, 16).toString('hex')}\n`);
  // Python would begin a read anew that a signal broke off.
  const { hits, misses } = (await daemon.list())[0]?.stats ?? {};
  assert.equal(misses, 1);
  if (!isLoop) assert.equal(hits, 0); // there the kernel reads the bootstrap by the same way
});

test('a mapped page that waits survives signals, and the program can be killed', async t => {
  const image = oneFile();
  image.origin.pause();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = `
import mmap, os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: None)
m = mmap.mmap(os.open(sys.argv[1], os.O_RDONLY), 0, prot=mmap.PROT_READ)
print('mapped', flush=True)
print(m[0:4].hex(), flush=True)
`;
  const first = startReader(t, program, join(mountpoint, 'file'));
  const second = startReader(t, program, join(mountpoint, 'file'));
  await until(() => [first, second].every(reader => reader.output() === 'mapped\n'), 'both have come so far');
  await waitingIn(daemon, 1);
  first.kill('SIGUSR1');
  second.kill('SIGKILL');
  assert.equal(await second.ended, 'SIGKILL');
  image.origin.resume();
  assert.equal(await first.ended, '0');
  assert.equal(first.output(), `mapped\n${content(LARGE_FILE_BYTES, 'file').subarray(0, 4).toString('hex')}\n`);
});

test('reads that wait for long are reported, and so is their end', async t => {
  const image = oneFile();
  image.origin.pause();
  const lines: string[] = [];
  const note = (message: string, _fields?: LogFields) => lines.push(message);
  const log: Logger = { error: note, warn: note, info: note, debug: () => {}, trace: () => {}, with: () => log };
  const limits = { serve: { ...defaultServeLimits, slowReadMs: 40 } };
  const daemon = await startDaemon(t, libraryOf(image), { log, limits });
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const reader = startReader(t, "import sys; open(sys.argv[1], 'rb').read()", join(mountpoint, 'file'));
  await until(() => lines.includes('reads wait for chunks that no source delivers'), 'the wait is reported');
  image.origin.resume();
  assert.equal(await reader.ended, '0');
  await until(() => lines.includes('no read waits any more'), 'the end is reported');
});

test('unmounting by force fails the reads that wait; without, the mount is busy', async t => {
  const image = oneFile();
  image.origin.pause();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = "import sys\ntry: open(sys.argv[1], 'rb').read()\nexcept OSError as e: print('failed', flush=True)";
  const reader = startReader(t, program, join(mountpoint, 'file'));
  await waitingIn(daemon, 1);
  await assert.rejects(daemon.unmount(mountpoint, { signal }), { code: 'busy' });
  await daemon.unmount(mountpoint, { signal, force: true });
  assert.equal(await reader.ended, '0');
  assert.equal(reader.output().trim(), 'failed');
  assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(mountpoint), false);
});
