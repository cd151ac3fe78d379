// The bootstrap in which large files have devices of their own, judged by the kernel's EROFS: their bytes come from there, and
// all others from where they came before.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BootstrapReader, straightBootstrap, writeBootstrap } from '../../../image/index.ts';
import { STRAIGHT_FILE_BYTES } from '../../../image/straight-devices.ts';
import { mountErofs } from '../../support/kernel-erofs.ts';
import { content } from '../daemon/lazy-image.ts';
import { directory, ImageBuilder } from './image-builder.ts';

const CHUNK = 1 << 16;
const LARGE = STRAIGHT_FILE_BYTES;
const isRoot = process.getuid?.() === 0;

/** Breaths, counted. */
function breathing() {
  let breaths = 0;
  return {
    get count() {
      return breaths;
    },
    breathe: async () => void breaths++,
  };
}

function straightOf(bootstrap: Uint8Array, isWanted: (blobIndex: number) => boolean = () => true) {
  return straightBootstrap(new BootstrapReader(bootstrap), isWanted, async () => {});
}

/** Three blobs: of small files, of large ones with small ones between them, and one that only shares in a large file. */
function makeImage() {
  const builder = new ImageBuilder(CHUNK);
  const small = builder.file(content(5000, 'small'));
  const nearly = builder.file(content(LARGE - 1, 'nearly'));
  builder.nextBlob();
  const large = builder.file(content(LARGE, 'large'));
  const between = builder.file(content(CHUNK + 1, 'between'));
  const torn = content(LARGE + 3 * CHUNK, 'torn');
  const first = builder.file(torn.subarray(0, 2 * CHUNK));
  builder.nextBlob();
  const both = builder.file(torn);
  const deep = directory({ large, between, linked: large });
  const { tree, blobs } = builder.finish(directory({ small, nearly, first, both, deep }));
  return { bootstrap: writeBootstrap(tree), blobs };
}

async function mounted(
  t: TestContext,
  bootstrap: Uint8Array,
  devices: readonly Uint8Array[],
): Promise<(path: string) => Promise<Buffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const write = async (name: string, bytes: Uint8Array) => {
    await writeFile(join(folder, name), bytes);
    return join(folder, name);
  };
  const paths = await Promise.all(devices.map((device, index) => write(`device-${index}`, device)));
  const mountpoint = await mountErofs(t, await write('bootstrap', bootstrap), paths);
  return path => readFile(join(mountpoint, path));
}

function inverted(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.map(byte => byte ^ 0xff));
}

test('the kernel reads large files from the second devices, and only these', { skip: !isRoot && 'mounts' }, async t => {
  const { bootstrap, blobs } = makeImage();
  const straight = await straightOf(bootstrap);
  assert.ok(straight);
  assert.deepEqual(straight.blobs, [1, 2]);
  const devices = blobs.map(({ device }) => device);
  // So that it is seen what comes from where.
  const second = straight.blobs.map(index => inverted(devices[index] ?? Buffer.alloc(0)));
  const read = await mounted(t, straight.bytes, [...devices, ...second]);
  const torn = content(LARGE + 3 * CHUNK, 'torn');
  const expected: Readonly<Record<string, Buffer>> = {
    small: content(5000, 'small'),
    nearly: content(LARGE - 1, 'nearly'),
    first: torn.subarray(0, 2 * CHUNK),
    both: inverted(torn),
    'deep/large': inverted(content(LARGE, 'large')),
    'deep/linked': inverted(content(LARGE, 'large')),
    'deep/between': content(CHUNK + 1, 'between'),
  };
  for (const [path, bytes] of Object.entries(expected)) assert.ok(bytes.equals(await read(path)), path);
});

test('the file system is as large as it was', { skip: !isRoot && 'mounts' }, async t => {
  const { bootstrap, blobs } = makeImage();
  const straight = await straightOf(bootstrap);
  const devices = blobs.map(({ device }) => device);
  const sizeOf = async (bytes: Uint8Array, more: readonly Uint8Array[]) => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-test-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const paths = [...devices, ...more].map((_, index) => join(folder, `${index}`));
    for (const [index, device] of [...devices, ...more].entries()) await writeFile(paths[index] ?? '', device);
    await writeFile(join(folder, 'bootstrap'), bytes);
    return (await statfs(await mountErofs(t, join(folder, 'bootstrap'), paths))).blocks;
  };
  const more = straight?.blobs.map(index => devices[index] ?? Buffer.alloc(0)) ?? [];
  assert.equal(await sizeOf(straight?.bytes ?? Buffer.alloc(0), more), await sizeOf(bootstrap, []));
});

test('only blobs that are wanted get a second device, and none without a large file', async () => {
  const { bootstrap } = makeImage();
  assert.deepEqual((await straightOf(bootstrap, index => index === 2))?.blobs, [2]);
  assert.equal(await straightOf(bootstrap, index => index === 0), undefined);
  const builder = new ImageBuilder(CHUNK);
  const { tree } = builder.finish(directory({ nearly: builder.file(content(LARGE - 1, 'nearly')) }));
  assert.equal(await straightOf(writeBootstrap(tree)), undefined);
});

test("the image's own bytes stay as they are", async () => {
  const { bootstrap } = makeImage();
  const before = Buffer.from(bootstrap);
  assert.ok(await straightOf(bootstrap));
  assert.ok(before.equals(bootstrap));
});

test('there are 255 devices at most, beyond which a chunk index says something else', async () => {
  const imageOf = (blobs: number) => {
    const builder = new ImageBuilder(LARGE);
    const files = Array.from({ length: blobs }, (_, i) => {
      builder.nextBlob();
      return [`f${i}`, builder.file(content(i === 7 || i === 9 ? LARGE : 100, `${i}`))] as const;
    });
    return writeBootstrap(builder.finish(directory(Object.fromEntries(files))).tree);
  };
  assert.deepEqual((await straightOf(imageOf(253)))?.blobs, [7, 9]);
  assert.equal(await straightOf(imageOf(254)), undefined);
});

test('a walk over many inodes takes breaths', async () => {
  const builder = new ImageBuilder(CHUNK);
  const large = builder.file(content(LARGE, 'large'));
  const empty = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, builder.file('')]));
  const reader = new BootstrapReader(writeBootstrap(builder.finish(directory({ ...empty, large })).tree));
  const air = breathing();
  assert.ok(await straightBootstrap(reader, () => true, air.breathe));
  assert.equal(air.count, 2);
});

test('the indexes of a file with many names are looked at once', async () => {
  const builder = new ImageBuilder(4096);
  // Two chunks by turns: so each has an index of its own.
  const [one, two] = [content(4096, 'one'), content(4096, 'two')];
  const large = builder.file(Buffer.concat(Array.from({ length: LARGE / 4096 }, () => Buffer.concat([one, two]))));
  const names = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`f${i}`, large]));
  const reader = new BootstrapReader(writeBootstrap(builder.finish(directory(names)).tree));
  const air = breathing();
  assert.ok(await straightBootstrap(reader, () => true, air.breathe));
  assert.ok(air.count > 0 && air.count < 5, `${air.count} breaths`);
});

test('a directory that leads back to its ancestor, and damage, do no harm', async () => {
  const builder = new ImageBuilder(CHUNK);
  const large = builder.file(content(LARGE, 'large'));
  const bootstrap = writeBootstrap(builder.finish(directory({ a: directory({ b: directory() }), large })).tree);
  const reader = new BootstrapReader(bootstrap);
  const a = reader.lookup(reader.rootNid, Buffer.from('a'));
  const b = reader.lookup(a, Buffer.from('b'));
  const { tailOffset, blockBytes, blockOffset } = reader.inode(a);
  const names = blockBytes > 0 ? blockOffset : tailOffset;
  const view = new DataView(bootstrap.buffer, bootstrap.byteOffset, bootstrap.byteLength);
  const entries = [0, 1, 2].map(index => names + 12 * index);
  const entry = entries.find(at => view.getUint32(at, true) === b);
  assert.ok(entry !== undefined);
  view.setUint32(entry, reader.rootNid, true);
  assert.deepEqual((await straightOf(bootstrap))?.blobs, [0]);
  view.setUint32(entry, 0x7fff_ffff, true); // outside the bootstrap
  assert.equal(await straightOf(bootstrap), undefined);
});
