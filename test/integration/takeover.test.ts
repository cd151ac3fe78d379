// By the command line: a daemon that dies or is replaced while programs read its mounts, and what looks after it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { MountInfo } from '../../core/index.ts';
import { holdersBelow } from '../support/holder.ts';
import { buildImage } from '../support/image-builder.ts';
import { MAIN, makeShoal, type Shoal } from '../support/shoal.ts';
import { until } from '../support/until.ts';

const LINES = 40_000;
const TEXT = Array.from({ length: LINES }, (_, i) => `line ${i}\n`).join('');

interface Bed {
  readonly shoal: Shoal;
  readonly image: string;
  readonly mountpoint: string;
}

async function makeBed(t: TestContext): Promise<Bed> {
  const shoal = await makeShoal(t);
  const tar = [{ path: 'dir/file', content: TEXT }];
  const { reference } = await buildImage(join(shoal.scratch, 'layout'), { tag: 'plain', layers: [{ tar }] });
  const image = `oci:${join(shoal.scratch, 'converted')}:app`;
  await shoal.ok('convert', reference, image);
  const mountpoint = join(shoal.scratch, 'mnt');
  mkdirSync(mountpoint);
  return { shoal, image, mountpoint };
}

/** A daemon, or what looks after one, in the foreground; resolves when it has the root. */
async function startInForeground(t: TestContext, shoal: Shoal, ...options: readonly string[]): Promise<ChildProcess> {
  const before = lockedBy(shoal);
  const child = spawn(process.execPath, [MAIN, '--root', shoal.root, 'daemon', ...options], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await until(
    () => lockedBy(shoal) !== before && existsSync(join(shoal.root, 'control.sock')),
    'the daemon has the root',
  );
  await until(async () => (await shoal.run('metrics')).code === 0, 'the daemon answers');
  return child;
}

function lockedBy({ root }: Shoal): number {
  const path = join(root, 'lock');
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
}

function cat(path: string): Promise<string> {
  const child = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', piece => pieces.push(piece));
  return once(child, 'close').then(([code]) => {
    assert.equal(code, 0);
    return Buffer.concat(pieces).toString();
  });
}

async function mountOf(shoal: Shoal): Promise<MountInfo | undefined> {
  const [info] = (await shoal.json('ps')) as MountInfo[];
  return info;
}

/** Processes whose command line names the root, or that live in it. */
function processesOf({ root }: Shoal): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => Number.isInteger(pid) && pid !== process.pid)
    .filter(pid => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        return words.includes(root) || readlinkSync(`/proc/${pid}/cwd`) === root;
      } catch {
        return false;
      }
    });
}

suite('takeover', { timeout: 300_000, skip: process.getuid?.() === 0 ? false : 'only mounts of root' }, () => {
  for (const driver of ['fuse', 'erofs']) {
    test(`${driver}: a daemon that a command started is started again when it is killed, and all ends with the mount`, async t => {
      const { shoal, image, mountpoint } = await makeBed(t);
      await shoal.ok('mount', '--driver', driver, image, mountpoint);
      const pid = lockedBy(shoal);
      process.kill(pid, 'SIGKILL');
      assert.equal(await cat(join(mountpoint, 'dir/file')), TEXT);
      assert.notEqual(lockedBy(shoal), pid);
      const info = await mountOf(shoal);
      assert.ok((info?.resumedAt ?? 0) > (info?.mountedAt ?? Number.POSITIVE_INFINITY));
      assert.equal((await shoal.run('mount', image, mountpoint)).code, 75, 'it is mounted');
      await shoal.ok('umount', mountpoint);
      await until(() => processesOf(shoal).length === 0, 'daemon, holder and what looked after them end');
    });
  }

  test('daemon --takeover: the one that runs ends, the new one has its mounts', async t => {
    const { shoal, image, mountpoint } = await makeBed(t);
    const first = await startInForeground(t, shoal);
    await shoal.ok('mount', image, mountpoint);
    const gone = once(first, 'exit');
    await startInForeground(t, shoal, '--takeover');
    assert.deepEqual(await gone, [null, 'SIGKILL']);
    assert.equal(await cat(join(mountpoint, 'dir/file')), TEXT);
    assert.notEqual((await mountOf(shoal))?.resumedAt, undefined);
    await shoal.ok('umount', mountpoint);
  });

  test('daemon --takeover is refused when a mount would be lost, and the daemon goes on', async t => {
    const { shoal, image, mountpoint } = await makeBed(t);
    await shoal.ok('mount', '--driver', 'fuse-native', image, mountpoint);
    const result = await shoal.run('daemon', '--takeover');
    assert.equal(result.code, 67);
    assert.match(result.stderr, /mnt \(fuse-native\) would not outlive this daemon/);
    assert.equal(await cat(join(mountpoint, 'dir/file')), TEXT);
    await shoal.ok('umount', mountpoint);
  });

  test('daemon --supervise starts the daemon again; SIGTERM ends both, and the mounts', async t => {
    const { shoal, image, mountpoint } = await makeBed(t);
    const parent = await startInForeground(t, shoal, '--supervise');
    await shoal.ok('mount', image, mountpoint);
    for (let time = 0; time < 2; time++) {
      const pid = lockedBy(shoal);
      process.kill(pid, 'SIGKILL');
      assert.equal(await cat(join(mountpoint, 'dir/file')), TEXT);
      await until(
        async () => lockedBy(shoal) !== pid && (await shoal.run('metrics')).code === 0,
        'another one is there',
      );
    }
    const gone = once(parent, 'exit');
    parent.kill('SIGTERM');
    assert.deepEqual(await gone, [0, null]);
    await until(() => processesOf(shoal).length === 0, 'all end');
    assert.equal(existsSync(join(mountpoint, 'dir')), false);
  });

  test('daemon holder: one that was there before the daemon is used, and stays', async t => {
    const { shoal, image, mountpoint } = await makeBed(t);
    const holder = spawn(process.execPath, [MAIN, '--root', shoal.root, 'daemon', 'holder'], { stdio: 'inherit' });
    t.after(() => holder.kill('SIGKILL'));
    await until(() => existsSync(join(shoal.root, 'holder.sock')), 'the holder listens');
    const first = await startInForeground(t, shoal);
    await shoal.ok('mount', image, mountpoint);
    assert.deepEqual(holdersBelow(shoal.root), [holder.pid]);
    const gone = once(first, 'exit');
    first.kill('SIGKILL');
    await gone;
    await startInForeground(t, shoal);
    assert.equal(await cat(join(mountpoint, 'dir/file')), TEXT);
    await shoal.ok('daemon', 'stop');
    assert.deepEqual(holdersBelow(shoal.root), [holder.pid]);
  });
});
