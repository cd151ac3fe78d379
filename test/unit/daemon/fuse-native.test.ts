// What is particular to the fuse-native driver: its process and its limits (each as DRIVER_LIMITS says it).

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogFields, Logger } from '../../../core/index.ts';
import { until } from '../../support/until.ts';
import { directory } from '../image/image-builder.ts';
import { atEnd, mountpointIn, mountsBelow, python, scratch, signal, startDaemon } from './daemon-under-test.ts';
import { content, libraryOf, makeImage, requestFor, useDriver } from './lazy-image.ts';

useDriver('fuse-native');

const DIGEST_OF = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
const BYTES = content(300_000, 'file');
const DIGEST = createHash('sha256').update(BYTES).digest('hex');

function oneFile() {
  return makeImage(builder => directory({ file: builder.file(BYTES) }));
}

function collectingLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const note = (message: string, fields?: LogFields) => lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log: Logger = { error: note, warn: note, info: note, debug: () => {}, trace: () => {}, with: () => log };
  return { log, lines };
}

/** In clock ticks since the machine started: process numbers begin anew at some point, so the older may have the higher one. */
function startedAt(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // What stands before it is the program's name, which may have spaces in it.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

/** The host processes of this process's mounts, oldest first. */
function hosts(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => {
      try {
        const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return Number(parent) === process.pid && command.includes('fuse-native/host');
      } catch {
        return false; // no process, or gone
      }
    })
    .sort((a, b) => startedAt(a) - startedAt(b));
}

test('when the host of a mount dies, that mount is gone and cleaned up, and the other one goes on', async t => {
  const image = oneFile();
  const { log, lines } = collectingLog();
  const daemon = await startDaemon(t, libraryOf(image), { log });
  const place = scratch(t);
  const [first, second] = [mountpointIn(place, 'first'), mountpointIn(place, 'second')];
  await daemon.mount(requestFor(image, first), { signal });
  await daemon.mount(requestFor(image, second), { signal });
  const [victim = 0, ...others] = hosts();
  assert.equal(others.length, 1);
  process.kill(victim, 'SIGKILL');
  await until(async () => (await daemon.list()).length === 1, 'the daemon notices');
  assert.deepEqual([...mountsBelow(place).keys()], [second]);
  assert.equal((await python(DIGEST_OF, join(second, 'file'))).trim(), DIGEST);
  assert.match(lines.join('\n'), /host of a fuse-native mount died.*SIGKILL/);
  await daemon.mount(requestFor(image, first), { signal });
  assert.equal((await python(DIGEST_OF, join(first, 'file'))).trim(), DIGEST);
});

test('a mount that somebody unmounts behind our back is forgotten, and its host ends', async t => {
  const image = oneFile();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  execFileSync('umount', [mountpoint]);
  await until(async () => (await daemon.list()).length === 0, 'the daemon notices');
  assert.deepEqual(hosts(), []);
});

test('an O_DIRECT read that waits outlives SIGKILL until the mount is ended by force', async t => {
  const image = oneFile();
  image.origin.pause();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program =
    'import mmap, os, sys; os.preadv(os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT), [mmap.mmap(-1, 4096)], 0)';
  const reader = spawn('python3', ['-c', program, join(mountpoint, 'file')], { stdio: 'ignore' });
  const ended = new Promise(resolve => reader.once('close', (_code, killedBy) => resolve(killedBy)));
  await until(async () => (await daemon.list())[0]?.stats.waiting === 1, 'it waits');
  reader.kill('SIGKILL');
  const state = () => /^State:\s*(\S)/m.exec(readFileSync(`/proc/${reader.pid}/status`, 'utf8'))?.[1];
  await until(() => state() === 'D', 'it is stuck in the kernel');
  await daemon.unmount(mountpoint, { signal, force: true });
  assert.equal(await ended, 'SIGKILL');
});

test('hard links are one inode by number, and two by page cache', async t => {
  const image = makeImage(builder => {
    const file = builder.file(BYTES);
    return directory({ one: file, two: file });
  });
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = `
import json, os, sys
one, two = (os.path.join(sys.argv[1], name) for name in ('one', 'two'))
open(one, 'rb').read()
print(json.dumps(dict(same=os.path.samefile(one, two), links=os.stat(two).st_nlink)))
`;
  const reads = async () => {
    const [info] = await daemon.list();
    return (info?.stats.hits ?? 0) + (info?.stats.misses ?? 0);
  };
  assert.deepEqual(JSON.parse(await python(program, mountpoint)), { same: true, links: 2 });
  let before = 0;
  // More than once only if the machine's caches are dropped meanwhile, by memory pressure or by hand.
  await until(async () => {
    before = await reads();
    await python(DIGEST_OF, join(mountpoint, 'one'));
    return (await reads()) === before;
  }, 'the first name is cached');
  await python(DIGEST_OF, join(mountpoint, 'two'));
  assert.ok((await reads()) > before, 'the second name is read anew');
});

test('names that are not UTF-8 are left out, and the log says where', async t => {
  const image = makeImage(builder =>
    directory({ folder: directory({ good: builder.file('1'), 'b\xff\xfed': builder.file('2') }) }),
  );
  const { log, lines } = collectingLog();
  const daemon = await startDaemon(t, libraryOf(image), { log });
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const listing = await python('import os, sys; print(os.listdir(sys.argv[1]))', join(mountpoint, 'folder'));
  assert.equal(listing.trim(), "['good']");
  await until(() => lines.some(line => line.includes('/folder: 1 names are not UTF-8')), 'it is logged');
});

test('a mountpoint that is too long for the package, or has a mount on it, is refused; nothing stays', async t => {
  const image = oneFile();
  const daemon = await startDaemon(t, libraryOf(image));
  const place = scratch(t);
  const long = join(place, ...Array.from({ length: 5 }, () => 'x'.repeat(250)));
  mkdirSync(long, { recursive: true });
  await assert.rejects(daemon.mount(requestFor(image, long), { signal }), {
    code: 'unsupported',
    message: /mountpoint of \d+ bytes: fuse-native takes 1023/,
  });
  const taken = mountpointIn(place, 'taken');
  execFileSync('mount', ['-t', 'tmpfs', 'shoal-test', taken]);
  atEnd(t, () => execFileSync('umount', [taken]));
  await assert.rejects(daemon.mount(requestFor(image, taken), { signal }), { code: 'busy' });
  assert.deepEqual([...mountsBelow(place).keys()], [taken]);
  assert.deepEqual(await daemon.list(), []);
  assert.deepEqual(hosts(), []);
});
