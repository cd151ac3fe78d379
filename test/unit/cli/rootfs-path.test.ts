import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readInRoot, resolveInRoot } from '../../../cli/run/rootfs-path.ts';
import { isShoalError } from '../../../core/index.ts';

async function makeRoot(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'etc'));
  return root;
}

test('an absolute link of the image points inside the image', async t => {
  const root = await makeRoot(t);
  await symlink('/etc/shadow', join(root, 'etc/passwd'));
  assert.equal(await resolveInRoot(root, '/etc/passwd'), join(root, 'etc/shadow'));
  assert.equal(await readInRoot(root, '/etc/passwd'), undefined);
});

test('going up with .. stops at the root of the image', async t => {
  const root = await makeRoot(t);
  await symlink('../../../../../../etc/hostname', join(root, 'etc/passwd'));
  assert.equal(await resolveInRoot(root, '/etc/passwd'), join(root, 'etc/hostname'));
});

test('links in the middle of a path are followed', async t => {
  const root = await makeRoot(t);
  await mkdir(join(root, 'real'));
  await writeFile(join(root, 'real/file'), 'content');
  await symlink('/real', join(root, 'etc/link'));
  assert.equal(await readInRoot(root, '/etc/link/file'), 'content');
});

test('a loop of links is refused', async t => {
  const root = await makeRoot(t);
  await symlink('b', join(root, 'a'));
  await symlink('a', join(root, 'b'));
  await assert.rejects(resolveInRoot(root, '/a'), error => isShoalError(error, 'malformed'));
});

test('a fifo in place of a file is not opened', async t => {
  const root = await makeRoot(t);
  execFileSync('mkfifo', [join(root, 'etc/passwd')]);
  assert.equal(await readInRoot(root, '/etc/passwd'), undefined);
});
