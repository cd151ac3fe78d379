// The daemon in a container that comes and goes, as a pod does; the holder, and who reads, are outside.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { MountInfo } from '../../core/index.ts';
import { holdersBelow } from '../support/holder.ts';
import { buildImage } from '../support/image-builder.ts';
import { missing, missingLoop } from '../support/missing.ts';
import { type Pod, shareDirectory, startPod } from '../support/pod.ts';
import { MAIN, makeShoal, type Shoal } from '../support/shoal.ts';
import { until } from '../support/until.ts';

const TIMES = 2;

/** Of a size that no readahead brings all of it. */
function contentOf(file: number): string {
  return Array.from({ length: 150_000 }, (_, line) => `file ${file} line ${line}\n`).join('');
}

interface Bed {
  readonly shoal: Shoal;
  readonly image: string;
  readonly mountpoint: string;
  readonly holder: number;
  /** A new pod, whose daemon answers. */
  readonly start: () => Promise<Pod>;
}

/** An image, a holder on the host, and what pods share with it: the root, and the directory that mounts are made in. */
async function makeBed(t: TestContext): Promise<Bed> {
  const shoal = await makeShoal(t);
  const { root, scratch } = shoal;
  mkdirSync(root, { mode: 0o700 });
  await shareDirectory(root);
  await shareDirectory(scratch);
  const tar = Array.from({ length: TIMES }, (_, file) => ({ path: `file${file}`, content: contentOf(file) }));
  const { reference } = await buildImage(join(scratch, 'layout'), { tag: 'plain', layers: [{ tar }] });
  const image = `oci:${join(scratch, 'converted')}:app`;
  await shoal.ok('convert', reference, image);
  const mountpoint = join(scratch, 'mnt');
  mkdirSync(mountpoint);
  const holder = spawn(process.execPath, [MAIN, '--root', root, 'daemon', 'holder'], { stdio: 'inherit' });
  t.after(() => holder.kill('SIGKILL'));
  await until(() => existsSync(join(root, 'holder.sock')), 'the holder listens');
  const start = async () => {
    const pod = await startPod({ shared: [root, scratch], root, directory: dirname(root) });
    t.after(() => pod.delete());
    await until(async () => (await shoal.run('metrics')).code === 0, 'the daemon answers');
    return pod;
  };
  return { shoal, image, mountpoint, holder: holder.pid ?? 0, start };
}

const ROOT_ONLY = process.getuid?.() === 0 ? false : 'containers of root';

suite('a daemon in a pod', { timeout: 300_000, skip: missing('runc') || missingLoop() || ROOT_ONLY }, () => {
  const drivers = [['fuse'], ['erofs', '--erofs-backing', 'file'], ['erofs', '--erofs-backing', 'loop']];
  for (const [driver = '', ...options] of drivers) {
    test(`${[driver, ...options].join(' ')}: its mounts are the host's, and outlive pods that are deleted`, async t => {
      const { shoal, image, mountpoint, holder, start } = await makeBed(t);
      let pod = await start();
      await shoal.ok('mount', '--driver', driver, ...options, image, mountpoint);
      for (let time = 0; time < TIMES; time++) {
        await pod.delete();
        await until(() => !existsSync(`/proc/${pod.pid}`), 'it has ended');
        const reading = readFile(join(mountpoint, `file${time}`), 'utf8');
        pod = await start();
        assert.ok((await reading) === contentOf(time));
      }
      assert.deepEqual(holdersBelow(shoal.root), [holder], 'it went on with the one on the host');
      const [info] = (await shoal.json('ps')) as MountInfo[];
      assert.notEqual(info?.resumedAt, undefined);
      await shoal.ok('umount', mountpoint);
      assert.equal(existsSync(join(mountpoint, 'file0')), false);
    });
  }

  test('is stopped from the host', async t => {
    const { shoal, image, mountpoint, start } = await makeBed(t);
    const pod = await start();
    await shoal.ok('mount', image, mountpoint);
    await shoal.ok('daemon', 'stop');
    assert.equal(existsSync(join(mountpoint, 'file0')), false);
    await until(() => !existsSync(`/proc/${pod.pid}`), 'it has ended');
  });

  test('gives way to one outside', async t => {
    const { shoal, image, mountpoint, start } = await makeBed(t);
    const pod = await start();
    await shoal.ok('mount', image, mountpoint);
    const next = spawn(process.execPath, [MAIN, '--root', shoal.root, 'daemon', '--takeover'], { stdio: 'inherit' });
    t.after(() => next.kill('SIGKILL'));
    await until(() => !existsSync(`/proc/${pod.pid}`), 'it has ended');
    assert.equal(await readFile(join(mountpoint, 'file0'), 'utf8'), contentOf(0));
  });
});
