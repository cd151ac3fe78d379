// The independent judge of the bootstrap writer: the kernel's EROFS and fsck.erofs, neither of which shares code with us.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import test from 'node:test';
import { encodeBootstrap } from '../../../image/bootstrap-writer.ts';
import type { DirectoryNode } from '../../../image/index.ts';
import { mountErofs } from '../../support/kernel-erofs.ts';
import type { Tree } from '../../support/tree.ts';
import { compareTrees, readTree } from '../../support/tree.ts';
import { directory, ImageBuilder, makeOnDisk } from './image-builder.ts';
import { richTree } from './rich-tree.ts';

/** Small chunks, so that a few megabytes hold every case. */
const CHUNK_SIZE = 65536;

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes bootstrap and devices of an image to files, and the same tree beside them. */
async function prepare(t: TestContext, build: (builder: ImageBuilder) => DirectoryNode, blockBits = 12) {
  const folder = await temporaryFolder(t);
  const builder = new ImageBuilder(CHUNK_SIZE);
  const { tree, blobs } = builder.finish(build(builder));
  const bootstrap = join(folder, 'bootstrap');
  fs.writeFileSync(bootstrap, encodeBootstrap(tree, blockBits));
  const devices = blobs.map((blob, index) => {
    const path = join(folder, `device-${index}`);
    fs.writeFileSync(path, blob.device);
    return path;
  });
  const source = join(folder, 'source');
  await makeOnDisk(tree.root, builder.contents, source);
  return { folder, bootstrap, devices, source, tree, blobs };
}

for (const blockBits of [12, 9]) {
  test(`the kernel mounts a written bootstrap with blocks of ${1 << blockBits} bytes without a difference`, async t => {
    const { bootstrap, devices, source } = await prepare(t, richTree, blockBits);
    const mountpoint = await mountErofs(t, bootstrap, devices);
    const [expected, found] = await Promise.all([readTree(source), readTree(mountpoint)]);
    assert.ok(expected.size > 950, `the tree has ${expected.size} entries`);
    assert.deepEqual(compareTrees(expected, found), []);
    assert.equal(fs.lstatSync(join(mountpoint, 'links/a')).nlink, 3);
    assert.equal(fs.lstatSync(join(mountpoint, 'symlinks')).nlink, 2);
    assert.equal(fs.lstatSync(mountpoint).nlink, fs.lstatSync(source).nlink);
  });
}

test('the kernel mounts an image without blobs', async t => {
  const { bootstrap, devices, source } = await prepare(t, builder =>
    directory({ a: directory(), e: builder.file('') }),
  );
  assert.deepEqual(devices, []);
  const mountpoint = await mountErofs(t, bootstrap, devices);
  assert.deepEqual(compareTrees(await readTree(source), await readTree(mountpoint)), []);
});

test('the kernel mounts bootstrap and devices laid end to end at their mapped blocks', async t => {
  const { folder, bootstrap, blobs, source } = await prepare(t, richTree);
  const flat = join(folder, 'flat');
  fs.copyFileSync(bootstrap, flat);
  const view = fs.readFileSync(bootstrap);
  const file = fs.openSync(flat, 'r+');
  blobs.forEach((blob, index) => {
    const mappedBlock = view.readUInt32LE(1408 + index * 128 + 68);
    fs.writeSync(file, blob.device, 0, blob.device.length, mappedBlock * 4096);
  });
  fs.closeSync(file);
  const mountpoint = await mountErofs(t, flat, []);
  assert.deepEqual(compareTrees(await readTree(source), await readTree(mountpoint)), []);
});

test('fsck.erofs finds no fault and extracts the same tree', async t => {
  const { folder, bootstrap, devices, source } = await prepare(t, richTree);
  const extracted = join(folder, 'extracted');
  const options = devices.map(path => `--device=${path}`);
  execFileSync('fsck.erofs', [`--extract=${extracted}`, ...options, bootstrap], { stdio: 'pipe' });
  assert.deepEqual(compareTrees(extractable(await readTree(source)), extractable(await readTree(extracted))), []);
});

/** What fsck.erofs 1.5 restores: neither extended attributes nor hard links nor setuid, setgid and sticky bits. */
function extractable(tree: Tree): Tree {
  const entries = [...tree].map(([path, entry]) => {
    const mode = (Number.parseInt(entry.mode, 8) & 0o777).toString(8);
    return [path, { ...entry, mode, xattrs: '', group: '' }] as const;
  });
  return new Map(entries);
}
