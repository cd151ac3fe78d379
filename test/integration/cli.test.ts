// What the command line says to mistakes: which exit code, a message that names the thing, and nothing left behind.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { MountInfo } from '../../core/index.ts';
import { BootstrapReader } from '../../image/index.ts';
import { buildImage } from '../support/image-builder.ts';
import { startMemoryRegistry } from '../support/memory-registry.ts';
import { makeShoal, type Shoal } from '../support/shoal.ts';
import { until } from '../support/until.ts';

async function withImages(t: TestContext): Promise<{ shoal: Shoal; plain: string; converted: string }> {
  const shoal = await makeShoal(t);
  const tar = [{ path: 'dir/file', content: 'hello\n' }];
  const { reference } = await buildImage(join(shoal.scratch, 'layout'), { tag: 'plain', layers: [{ tar }] });
  const converted = `oci:${join(shoal.scratch, 'converted')}:app`;
  await shoal.ok('convert', reference, converted);
  return { shoal, plain: reference, converted };
}

/** The file of the image's first blob in its layout, and where its compression table begins. */
async function firstBlob(shoal: Shoal, reference: string): Promise<{ blob: string; tableAt: number }> {
  const target = join(shoal.scratch, 'devices');
  const { bootstrap } = (await shoal.json('unpack', '--devices', target, reference)) as { bootstrap: string };
  const [entry] = new BootstrapReader(await readFile(bootstrap)).blobs;
  assert.ok(entry);
  return {
    blob: join(shoal.scratch, 'converted/blobs/sha256', entry.id),
    tableAt: entry.compressionTable.offset,
  };
}

suite('the command line', { timeout: 300_000 }, () => {
  for (const args of [
    ['convert'],
    ['frobnicate'],
    ['mount', '--driver', 'none', 'a', 'b'],
    ['ps', '--no-such-option'],
  ]) {
    test(`shoal ${args.join(' ')} is refused as usage, without a stack trace`, async t => {
      const shoal = await makeShoal(t);
      const result = await shoal.run(...args);
      assert.equal(result.code, 64);
      assert.match(result.stderr, /error: /);
      assert.doesNotMatch(result.stderr, /\n\s+at /);
    });
  }

  for (const args of [
    ['mount', 'oci:image', 'mnt', '--creds', 'ada:s3cret'],
    ['convert', 'oci:image', 'registry.invalid/app', '--src-creds', 'ada:s3cret'],
    ['convert', 'registry.invalid/app', 'oci:image', '--dest-creds', 'ada:s3cret'],
    ['check', 'registry.invalid/app', '--src-creds', 'ada:s3cret'],
  ]) {
    test(`shoal ${args.join(' ')} is refused: no registry would get the password`, async t => {
      const shoal = await makeShoal(t);
      const result = await shoal.run(...args);
      assert.equal(result.code, 64);
      assert.match(result.stderr, new RegExp(`^shoal: ${args.at(-2)}: expected an image in a registry, [^\n]*\n$`));
      assert.doesNotMatch(result.stderr, /s3cret/);
    });
  }

  for (const command of ['convert', 'check', 'unpack', 'mount', 'umount', 'ps', 'run', 'daemon', 'demo']) {
    test(`shoal ${command} --help explains itself`, async t => {
      const shoal = await makeShoal(t);
      assert.match(await shoal.ok(command, '--help'), new RegExp(`Usage: shoal ${command}`));
    });
  }

  test('an image, a tag, and a mountpoint that do not exist are named', async t => {
    const { shoal, converted } = await withImages(t);
    const cases: [string[], RegExp][] = [
      [['check', `oci:${shoal.scratch}/nowhere:app`], /nowhere/],
      [['check', converted.replace(/app$/, 'other')], /other/],
      [['mount', converted, join(shoal.scratch, 'missing')], /missing/],
      [['umount', join(shoal.scratch, 'missing')], /no daemon/],
      [['convert', '-v', 'x'], /unknown option/],
    ];
    for (const [args, pattern] of cases) {
      const result = await shoal.run(...args);
      assert.equal(result.code, pattern.source === 'unknown option' ? 64 : 66, `${args.join(' ')}: ${result.stderr}`);
      assert.match(result.stderr, pattern);
    }
  });

  test('an ordinary image is refused by mount, with the way to convert it', async t => {
    const { shoal, plain } = await withImages(t);
    const mountpoint = join(shoal.scratch, 'mnt');
    await mkdir(mountpoint);
    const result = await shoal.run('mount', plain, mountpoint);
    assert.equal(result.code, 67);
    assert.match(result.stderr, /ordinary image.*shoal convert/);
  });

  test('mounting twice on one place is refused as busy, and the first mount goes on', async t => {
    const { shoal, converted } = await withImages(t);
    const mountpoint = join(shoal.scratch, 'mnt');
    await mkdir(mountpoint);
    await shoal.ok('mount', converted, mountpoint);
    assert.equal((await shoal.run('mount', converted, mountpoint)).code, 75);
    const mounts = (await shoal.json('ps')) as MountInfo[];
    assert.deepEqual(
      mounts.map(mount => mount.mountpoint),
      [mountpoint],
    );
    assert.deepEqual(await readdir(join(mountpoint, 'dir')), ['file']);
  });

  test('unpack refuses a directory that is not empty, and leaves it as it is', async t => {
    const { shoal, converted } = await withImages(t);
    const target = join(shoal.scratch, 'full');
    await mkdir(target);
    await writeFile(join(target, 'mine'), 'mine');
    assert.equal((await shoal.run('unpack', converted, target)).code, 75);
    assert.equal((await shoal.run('unpack', '--devices', target, converted)).code, 75);
    assert.deepEqual(await readdir(target), ['mine']);
  });

  test('unpack on a disk that fills up fails, says so, and leaves nothing, also of names that are not UTF-8', async t => {
    const shoal = await makeShoal(t);
    const tar = [
      { path: 'caf\xe9', content: 'x' },
      { path: 'large', content: randomBytes(3 << 20) },
    ];
    const { reference } = await buildImage(join(shoal.scratch, 'layout'), { layers: [{ tar }] });
    const converted = `oci:${join(shoal.scratch, 'converted')}:app`;
    await shoal.ok('convert', reference, converted);
    const disk = join(shoal.scratch, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2560k', 'shoal-test', disk]);
    try {
      for (const args of [
        ['unpack', converted, join(disk, 'a')],
        ['unpack', '--devices', join(disk, 'b'), converted],
      ]) {
        const result = await shoal.run(...args);
        assert.equal(result.code, 73, `${args.join(' ')}: ${result.stderr}`);
      }
      assert.deepEqual(await readdir(disk, { recursive: true }), []);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  test('a conversion replaces a blob of the target that was cut short', async t => {
    const { shoal, plain, converted } = await withImages(t);
    const { blob } = await firstBlob(shoal, converted);
    await truncate(blob, 10);
    await shoal.ok('convert', plain, converted);
    await shoal.ok('check', converted);
  });

  test('check finds a blob that was changed, and says which', async t => {
    const { shoal, converted } = await withImages(t);
    const { blob } = await firstBlob(shoal, converted);
    await writeFile(blob, Buffer.alloc(1), { flag: 'r+' });
    const result = await shoal.run('--json', 'check', converted);
    assert.equal(result.code, 65);
    const { problems } = JSON.parse(result.stdout) as { problems: string[] };
    assert.equal(problems.length, 2, problems.join('\n'));
    assert.ok(
      problems.some(problem => problem.startsWith('layer ')) && problems.some(problem => /chunk 0/.test(problem)),
    );
  });

  test('check finds a blob whose own table says something else than the bootstrap', async t => {
    const { shoal, converted } = await withImages(t);
    const { blob, tableAt } = await firstBlob(shoal, converted);
    const file = await open(blob, 'r+');
    // The low byte of the first chunk's offset in the blob (nydus.md §1.22, second word).
    await file.write(Buffer.of(1), 0, 1, tableAt + 8);
    await file.close();
    const result = await shoal.run('--json', 'check', converted);
    assert.equal(result.code, 65);
    const { problems } = JSON.parse(result.stdout) as { problems: string[] };
    assert.ok(
      problems.some(problem => problem.includes("chunk 0: compressedOffset is 1 in the blob's table")),
      problems.join(),
    );
  });

  test('Ctrl-C ends a conversion that hangs in an upload, and leaves neither temporary files nor a target', async t => {
    const { shoal, plain } = await withImages(t);
    const registry = await startMemoryRegistry(t);
    const workDir = join(shoal.scratch, 'work');
    await mkdir(workDir);
    registry.pause();
    const result = await shoal.interrupted(
      () => until(() => registry.requests.length > 0, 'for the conversion to reach the registry'),
      ...['convert', '--plain-http', '--work-dir', workDir, plain, `${registry.host}/app:new`],
    );
    assert.equal(result.code, 130);
    assert.match(result.stderr, /interrupted/);
    assert.deepEqual(await readdir(workDir), []);
    registry.resume();
    assert.deepEqual([...registry.repository('app').tags], []);
  });

  test('a root where nothing can be is refused at once, and doctor says so', async t => {
    const { shoal, converted } = await withImages(t);
    const mountpoint = join(shoal.scratch, 'mnt');
    await mkdir(mountpoint);
    const nowhere = await shoal.run('--root', '/proc/shoal/root', 'mount', converted, mountpoint);
    assert.equal(nowhere.code, 71);
    assert.match(nowhere.stderr, /^shoal: --root \/proc\/shoal\/root: no directory can be made in \/proc\n$/);
    const file = join(shoal.scratch, 'file');
    await writeFile(file, '');
    assert.match((await shoal.run('--root', file, 'doctor')).stdout, /fail +file system +\S*file is not a directory/);
  });

  test("a link in the place of the daemon's log is not followed", async t => {
    const { shoal, converted } = await withImages(t);
    const [victim, mountpoint] = [join(shoal.scratch, 'victim'), join(shoal.scratch, 'mnt')];
    await writeFile(victim, 'as it was');
    await mkdir(mountpoint);
    await mkdir(shoal.root, { recursive: true });
    await symlink(victim, join(shoal.root, 'daemon.log'));
    const { code, stderr } = await shoal.run('mount', converted, mountpoint);
    assert.equal(code, 71);
    assert.match(stderr, /the daemon's log .*daemon\.log: ELOOP/);
    assert.equal(await readFile(victim, 'utf8'), 'as it was');
  });

  test('a root that is too long for a socket is refused before anything is made', async t => {
    const shoal = await makeShoal(t);
    const result = await shoal.run('--root', `/tmp/${'x'.repeat(100)}`, 'ps');
    assert.equal(result.code, 64);
    assert.match(result.stderr, /too long/);
  });
});
