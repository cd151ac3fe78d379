// The erofs driver as a person uses it: an image made by foreign tools, converted, mounted with nothing of it in the cache,
// and read by several at once.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { EROFS_BACKINGS, type ErofsBacking, type MountInfo } from '../../core/index.ts';
import { checkDriver } from '../../daemon/index.ts';
import { missing, missingLoop } from '../support/missing.ts';
import { makeShoal } from '../support/shoal.ts';
import { compareTrees, readTree } from '../support/tree.ts';

const run = promisify(execFile);
/** What there is in every checkout: hundreds of small files, and some of megabytes. */
const PACKAGES = ['typescript', 'zod'].map(name => resolve(import.meta.dirname, '../../node_modules', name));
const READERS = 6;
/** Besides, all at once. */
const OTHER_READERS = 64;

const { problem } = await checkDriver('erofs');

for (const backing of EROFS_BACKINGS) {
  const skip = problem ?? (missing('umoci') || (backing === 'loop' && missingLoop()));
  test(
    `the tree that umoci unpacks, for many readers at once, and gone when it is unmounted (${backing})`,
    { skip },
    t => compareMounted(t, backing),
  );
}

/** Nothing of the image is in the cache before. */
async function compareMounted(t: TestContext, backing: ErofsBacking): Promise<void> {
  const shoal = await makeShoal(t);
  const layout = join(shoal.scratch, 'layout');
  await run('umoci', ['init', '--layout', layout]);
  await run('umoci', ['new', '--image', `${layout}:app`]);
  const made = join(shoal.scratch, 'made');
  await run('umoci', ['unpack', '--image', `${layout}:app`, made]);
  await run('cp', ['-a', ...PACKAGES, join(made, 'rootfs')]);
  await run('umoci', ['repack', '--image', `${layout}:app`, made]);
  const bundle = join(shoal.scratch, 'bundle');
  await run('umoci', ['unpack', '--image', `${layout}:app`, bundle]);
  const expected = await readTree(join(bundle, 'rootfs'));
  assert.ok(expected.size > 500, `${expected.size} entries`);
  const converted = `oci:${join(shoal.scratch, 'converted')}:app`;
  await shoal.ok('convert', `oci:${layout}:app`, converted);

  const mountpoint = join(shoal.scratch, 'mnt');
  await mkdir(mountpoint);
  await shoal.ok('mount', '--driver', 'erofs', '--erofs-backing', backing, converted, mountpoint);
  const before = (await shoal.json('ps')) as MountInfo[];
  assert.deepEqual(
    before.map(({ driver, erofsBacking, mountpoint: at }) => [driver, erofsBacking, at]),
    [['erofs', backing, mountpoint]],
  );
  const others = Array.from({ length: OTHER_READERS }, () =>
    run('diff', ['-r', '--no-dereference', join(bundle, 'rootfs'), mountpoint]),
  );
  const trees = await Promise.all(Array.from({ length: READERS }, () => readTree(mountpoint)));
  await Promise.all(others);
  for (const tree of trees) assert.deepEqual(compareTrees(expected, tree), []);
  const [after] = (await shoal.json('ps')) as MountInfo[];
  assert.ok((after?.stats.misses ?? 0) > 0 && after?.stats.waiting === 0, JSON.stringify(after));
  await shoal.ok('umount', mountpoint);
  assert.deepEqual(await shoal.json('ps'), []);
}
