// Starting, dying and ending: what a daemon takes, what it leaves, and what the next one finds.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { bitmapHas, isShoalError, silentLogger, systemClock } from '../../../core/index.ts';
import { Daemon } from '../../../daemon/daemon.ts';
import { defaultDaemonLimits, defaultStoreLimits } from '../../../daemon/index.ts';
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
import { content, killableImage, libraryOf, makeImage, requestFor, type TestImage } from './lazy-image.ts';

/** After it come the bits of what is written, then of what is synced. */
const MAP_HEADER_BYTES = 64;
const DIGEST_OF = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";

async function startProcess(t: TestContext, ...args: readonly string[]): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'daemon-process.ts');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  const [output] = await once(child.stdout, 'data');
  assert.match(String(output), /^(mounted|started)\n$/);
  return child;
}

async function kill(child: ChildProcess, name: NodeJS.Signals): Promise<void> {
  const gone = once(child, 'exit');
  child.kill(name);
  await gone;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The file's chunks noted in the map file, so that they survive the kill that follows. These and no others: what a request
 * brings along from the files behind may be noted sooner than the last chunk of this one.
 */
async function notedChunks(root: string, image: TestImage, name: string): Promise<void> {
  const reader = new BootstrapReader(image.bootstrap);
  const chunks = new Set<number>();
  const nid = reader.lookup(reader.rootNid, Buffer.from(name));
  reader.extents(nid, 0, Number.MAX_SAFE_INTEGER, (_blob, chunk) => chunks.add(chunk));
  const [layout] = reader.blobLayouts(image.layers);
  const path = join(root, 'cache', `${layout?.layoutKey}.map`);
  const isNoted = () => {
    if (!existsSync(path)) return false; // it is there with the first chunk that is noted
    const written = readFileSync(path).subarray(MAP_HEADER_BYTES);
    return [...chunks].every(chunk => bitmapHas(written, chunk));
  };
  await until(isNoted, `the chunks of ${name} are noted`);
}

test('after SIGKILL the next daemon removes the dead mount and trusts the cached chunks', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const child = await startProcess(t, root, mountpoint);
  assert.equal((await python(DIGEST_OF, join(mountpoint, 'cached'))).trim(), sha256(content(600_000, 'cached')));
  await notedChunks(root, killableImage(), 'cached');
  await kill(child, 'SIGKILL');
  await assert.rejects(python('import os, sys; os.listdir(sys.argv[1])', mountpoint), /not connected|aborted/);

  const image = killableImage();
  image.origin.pause();
  const daemon = await startDaemon(t, libraryOf(image), { root });
  assert.equal(mountsBelow(place).size, 0);
  assert.deepEqual(await daemon.list(), []);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  assert.equal((await python(DIGEST_OF, join(mountpoint, 'cached'))).trim(), sha256(content(600_000, 'cached')));
  assert.equal(image.origin.requests.length, 0, 'nothing was fetched again');
  assert.equal((await daemon.list())[0]?.stats.misses, 0);
});

test('after SIGKILL of a writable mount, overlay and layers are gone too', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const child = await startProcess(t, root, mountpoint, 'rw');
  await runOutside('sh', '-c', `echo changed > ${mountpoint}/folder/file`);
  await kill(child, 'SIGKILL');
  assert.equal(mountsBelow(place).size, 1);
  await startDaemon(t, libraryOf(killableImage()), { root });
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(mountsBelow(root).size, 0);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
});

test('SIGTERM unmounts everything and ends the process, also while a read waits and a mount is in use', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const child = await startProcess(t, root, mountpoint, 'hang');
  const reader = spawn('sh', ['-c', `cd ${mountpoint}/folder && echo inside && cat file`], { stdio: 'pipe' });
  atEnd(t, () => reader.kill('SIGKILL'));
  await once(reader.stdout, 'data');
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await gone, [0, null]);
  assert.equal(mountsBelow(place).size, 0);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
  assert.deepEqual(JSON.parse(readFileSync(join(root, 'state.json'), 'utf8')).mounts, []);
});

test('killed at any moment of mounting and unmounting, it leaves nothing that the next daemon cannot remove', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  for (const delay of [40, 110, 180, 260, 350, 450, 560, 680]) {
    const child = await startProcess(t, root, mountpoint, 'churn');
    await systemClock.sleep(delay); // not to wait for something, but to hit another moment
    await kill(child, 'SIGKILL');
    const daemon = await startDaemon(t, libraryOf(killableImage()), { root });
    assert.equal(mountsBelow(place).size, 0, `killed after ${delay} ms`);
    assert.equal(mountsBelow(root).size, 0, `killed after ${delay} ms`);
    await daemon.stop();
  }
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
});

test('a second daemon on the same root is refused and told who has it', async t => {
  const root = join(scratch(t), 'root');
  const first = await startDaemon(t, libraryOf(), { root });
  const second = new Daemon({ clock: systemClock, log: silentLogger, library: libraryOf() }, { root });
  await assert.rejects(
    second.start(),
    error => isShoalError(error, 'busy') && error.message.includes(`pid ${process.pid}`),
  );
  await first.stop();
  await second.start();
  await second.stop();
});

test('refuses the state of another release by name, and a directory that is not its own', async t => {
  const place = scratch(t);
  const start = (root: string) =>
    new Daemon({ clock: systemClock, log: silentLogger, library: libraryOf() }, { root }).start();
  const newer = join(place, 'newer');
  mkdirSync(newer);
  writeFileSync(join(newer, 'version'), '7\n');
  await assert.rejects(start(newer), error => isShoalError(error, 'unsupported') && error.message.includes('"7"'));
  const foreign = join(place, 'foreign');
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'precious.txt'), '');
  await assert.rejects(start(foreign), error => isShoalError(error, 'usage') && error.message.includes('precious.txt'));
  await assert.rejects(start('relative'), error => isShoalError(error, 'usage'));
});

test('refuses a directory of another user, and lets nobody else write into its own', async t => {
  const place = scratch(t);
  const strange = mountpointIn(place, 'strange');
  chownSync(strange, 1234, 1234);
  const daemon = new Daemon({ clock: systemClock, log: silentLogger, library: libraryOf() }, { root: strange });
  await assert.rejects(daemon.start(), { code: 'usage', message: /belongs to user 1234; this daemon runs as user 0/ });
  assert.deepEqual(readdirSync(strange), []);

  const open = mountpointIn(place, 'open');
  chmodSync(open, 0o777);
  const linked = join(place, 'linked');
  writeFileSync(linked, 'precious');
  symlinkSync(linked, join(open, 'version.new'));
  const trapped = new Daemon({ clock: systemClock, log: silentLogger, library: libraryOf() }, { root: open });
  await assert.rejects(trapped.start(), { code: 'system', message: /version.*ELOOP/ });
  assert.equal(readFileSync(linked, 'utf8'), 'precious');
  assert.equal(statSync(open).mode & 0o777, 0o700);
});

test('a failed mount leaves nothing: no mount, no directory, no record', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = makeImage(builder => directory({ file: builder.file('x') }));
  const broken = { ...image, reference: 'broken', layers: [] };
  const library = libraryOf(image, broken);
  const daemon = await startDaemon(t, library, { root });
  const mountpoint = mountpointIn(place);
  await assert.rejects(daemon.mount(requestFor(broken, mountpoint), { signal }), error =>
    isShoalError(error, 'malformed'),
  );
  const controller = new AbortController();
  const late = daemon.mount(requestFor(image, mountpoint, { writable: true }), { signal: controller.signal });
  await until(() => mountsBelow(root).size > 0, 'the lower mount is there');
  controller.abort();
  await assert.rejects(late, error => isShoalError(error, 'aborted'));
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(mountsBelow(root).size, 0);
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
  assert.deepEqual(JSON.parse(readFileSync(join(root, 'state.json'), 'utf8')).mounts, []);
});

test('a writable mount takes changes, keeps the image as it is, and forgets them when it goes', async t => {
  const root = join(scratch(t), 'root');
  const image = makeImage(builder =>
    directory({
      kept: builder.file('kept'),
      gone: builder.file('gone'),
      folder: directory({ old: builder.file('old') }),
    }),
  );
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(scratch(t), 'with, comma: and colon');
  const info = await daemon.mount(requestFor(image, mountpoint, { writable: true }), { signal });
  assert.equal(info.writable, true);
  await runOutside(
    'sh',
    '-ec',
    'cd "$1"; rm gone; echo more >> kept; mv folder/old new; mkdir folder/sub; ls -A . folder',
    '-',
    mountpoint,
  );
  assert.equal(await runOutside('cat', join(mountpoint, 'kept')), 'keptmore\n');
  await daemon.unmount(mountpoint, { signal });
  assert.deepEqual(readdirSync(join(root, 'mounts')), []);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  assert.equal(await runOutside('cat', join(mountpoint, 'kept')), 'kept');
  assert.equal(await runOutside('ls', '-A', mountpoint), 'folder\ngone\nkept\n');
});

test('setuid programs and device nodes of an image take effect', async t => {
  const shell = readFileSync('/usr/bin/id');
  const image = makeImage(builder =>
    directory({
      id: builder.file(shell, { mode: 0o4755, uid: 1234 }),
      null: { ...directory(), kind: 'char', mode: 0o666, major: 1, minor: 3 },
    }),
  );
  const daemon = await startDaemon(t, libraryOf(image));
  const place = scratch(t);
  const mountpoint = mountpointIn(place);
  await runOutside('chmod', '755', place);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  assert.equal((await runOutside('sh', '-c', `${mountpoint}/id -u`)).trim(), '1234');
  await runOutside('sh', '-c', `echo x > ${mountpoint}/null`);
});

test('a mount that somebody else unmounts is forgotten', async t => {
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image));
  const mountpoint = mountpointIn(scratch(t));
  await daemon.mount(requestFor(image, mountpoint), { signal });
  await runOutside('umount', mountpoint);
  await until(async () => (await daemon.list()).length === 0, 'it is not listed any more');
  await daemon.mount(requestFor(image, mountpoint), { signal });
});

test('an unmount waits for a mount of the same directory that was asked for through a link', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  const link = join(place, 'link');
  symlinkSync(mountpoint, link);
  const mounted = daemon.mount(requestFor(image, link, { writable: true }), { signal });
  await until(() => mountsBelow(root).size > 0, 'the lower mount is there');
  await daemon.unmount(mountpoint, { signal });
  assert.equal((await mounted).state.name, 'ready');
  assert.deepEqual(await daemon.list(), []);
  assert.equal(mountsBelow(place).size, 0);
  assert.equal(mountsBelow(root).size, 0);
});

test('a mount that is still used in another mount namespace goes on being served there', async t => {
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image), {
    limits: { daemon: { ...defaultDaemonLimits, lingerMs: 50 } },
  });
  const place = scratch(t);
  const mountpoint = mountpointIn(place);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const program = `read line; sha256sum < ${mountpoint}/other; read line`;
  const elsewhere = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', `echo; ${program}`]);
  atEnd(t, () => elsewhere.kill('SIGKILL'));
  await once(elsewhere.stdout, 'data');
  await daemon.unmount(mountpoint, { signal });
  assert.equal(mountsBelow(place).size, 0);
  assert.deepEqual(await daemon.list(), []);
  elsewhere.stdin.write('\n');
  const [digest] = await once(elsewhere.stdout, 'data');
  assert.equal(String(digest).slice(0, 64), sha256(content(600_000, 'other')));
  elsewhere.stdin.end('\n');
});

test('a daemon that ends when idle ends with its last mount, or when nobody came', async t => {
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image), { exitWhenIdle: true });
  const places = [mountpointIn(scratch(t)), mountpointIn(scratch(t))];
  for (const mountpoint of places) await daemon.mount(requestFor(image, mountpoint), { signal });
  for (const mountpoint of places) await daemon.unmount(mountpoint, { signal });
  await daemon.ended;
  await assert.rejects(daemon.mount(requestFor(image, places[0] ?? ''), { signal }), error =>
    isShoalError(error, 'unavailable'),
  );

  const limits = { daemon: { ...defaultDaemonLimits, firstRequestMs: 5 } };
  const lonely = await startDaemon(t, libraryOf(image), { exitWhenIdle: true, limits });
  await lonely.ended;
});

test('a mount that ends before the control socket is there does not end the daemon past it', async t => {
  const image = killableImage();
  const [root, mountpoint] = [join(scratch(t), 'root'), mountpointIn(scratch(t))];
  const limits = { daemon: { ...defaultDaemonLimits, firstRequestMs: 5 } };
  const ports = { clock: systemClock, log: silentLogger, library: libraryOf(image) };
  const daemon = new Daemon(ports, { root, limits, exitWhenIdle: true });
  atEnd(t, () => daemon.stop());
  const seen: string[] = [];
  await daemon.start({
    listen: async () => {
      await daemon.mount(requestFor(image, mountpoint), { signal });
      await daemon.unmount(mountpoint, { signal });
      seen.push('opened');
      return { stop: async () => void seen.push('closed') };
    },
  });
  await daemon.ended;
  assert.deepEqual(seen, ['opened', 'closed']);
});

test('stop makes what was fetched durable, so a reboot costs nothing', async t => {
  const root = join(scratch(t), 'root');
  const image = killableImage();
  const mountpoint = mountpointIn(scratch(t));
  const store = { ...defaultStoreLimits, mapFlushMs: 60_000, syncMs: 60_000 };
  const daemon = await startDaemon(t, libraryOf(image), { root, limits: { store } });
  await daemon.mount(requestFor(image, mountpoint), { signal });
  await python(DIGEST_OF, join(mountpoint, 'cached'));
  await daemon.stop();
  const map = readdirSync(join(root, 'cache')).find(name => name.endsWith('.map')) ?? '';
  const bytes = readFileSync(join(root, 'cache', map));
  const half = (bytes.length - 64) / 2;
  assert.notEqual(bytes[64], 0);
  assert.deepEqual(bytes.subarray(64, 64 + half), bytes.subarray(64 + half), 'all that is written is synced');
  assert.equal(existsSync(join(root, 'state.json')), true);
});

test('a dead mount that is covered by another one does not keep the next daemon from starting', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const mountpoint = mountpointIn(place);
  const child = await startProcess(t, root, mountpoint);
  await runOutside('mount', '-t', 'tmpfs', 'cover', mountpoint);
  await kill(child, 'SIGKILL');
  const first = await startDaemon(t, libraryOf(), { root });
  await first.stop();
  await runOutside('umount', mountpoint);
  assert.equal(mountsBelow(place).size, 1, 'the dead mount is still there');
  await startDaemon(t, libraryOf(), { root });
  assert.equal(mountsBelow(place).size, 0);
});

test('a mount that ends while it is covered by another one is known to the next daemon', async t => {
  const [root, place] = [join(scratch(t), 'root'), scratch(t)];
  const image = killableImage();
  const daemon = await startDaemon(t, libraryOf(image), { root });
  const mountpoint = mountpointIn(place);
  await daemon.mount(requestFor(image, mountpoint), { signal });
  const { device = '' } = mountsBelow(place).get(mountpoint) ?? {};
  await runOutside('mount', '-t', 'tmpfs', 'cover', mountpoint);
  writeFileSync(`/sys/fs/fuse/connections/${device.split(':')[1]}/abort`, '1');
  await until(async () => (await daemon.list()).length === 0, 'it is not listed any more');
  await daemon.stop();
  await runOutside('umount', mountpoint);
  assert.equal(mountsBelow(place).size, 1, 'the dead mount is still there');
  await startDaemon(t, libraryOf(), { root });
  assert.equal(mountsBelow(place).size, 0);
});
