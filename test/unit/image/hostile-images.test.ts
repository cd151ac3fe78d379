// Bootstraps that lie. Whatever they say, the reader answers with a ShoalError or with something, in bounded time.
// Random lies are in test/fuzz/.

import assert from 'node:assert/strict';
import test from 'node:test';
import { isShoalError } from '../../../core/index.ts';
import { encodeBootstrap } from '../../../image/bootstrap-writer.ts';
import type { DirectoryNode } from '../../../image/index.ts';
import { BootstrapReader, checkBootstrap, emptyAttributes, walkTree, writeBootstrap } from '../../../image/index.ts';
import { directory, ImageBuilder, symlink } from './image-builder.ts';
import { nidOf, walkedPaths } from './reading.ts';

const SUPERBLOCK = 1024;
const EXTENDED = 1152;
const DEVICE_SLOT = 1408;
const BLOB_ENTRY = 4096;

/** A small image with one of everything that matters here. */
function smallImage(blockBits = 12) {
  const builder = new ImageBuilder(4096);
  const root: DirectoryNode = directory({
    a: directory({ b: directory({ c: builder.file('deep') }) }),
    file: builder.file('x'.repeat(9000), { xattrs: new Map([['user.name', Buffer.from('value')]]) }),
    other: builder.file('other'),
    link: symlink('a/b'),
    long: symlink('l'.repeat(700)),
    twin: directory({ entry: directory() }),
    wide: directory(
      Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`n${i} ${'-'.repeat(30)}`, directory()])),
    ),
  });
  const image = builder.finish(root);
  const bytes = encodeBootstrap(image.tree, blockBits);
  const view = new DataView(bytes.buffer);
  const reader = new BootstrapReader(bytes);
  return { bytes, view, reader, descriptors: image.descriptors };
}

/** Where the entry of a name lies: found by its bytes, which follow the entries of its block. */
function entryOf(image: ReturnType<typeof smallImage>, path: string): number {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const folder = parts.length === 0 ? image.reader.rootNid : nidOf(image.reader, parts.join('/'));
  const { tailOffset, blockBytes, blockOffset } = image.reader.inode(folder);
  let at = -1;
  image.reader.readdir(folder, 0, (_nid, _type, found, next) => {
    if (Buffer.from(found).toString('latin1') === name) return false;
    at = next;
    return true;
  });
  return (at < blockBytes ? blockOffset : tailOffset - blockBytes) + Math.max(at, 0);
}

function problemsOf(bytes: Uint8Array): string {
  const { problems } = checkBootstrap(new BootstrapReader(bytes));
  return problems.map(({ path, message }) => `${path}: ${message}`).join('\n');
}

test('refuses superblocks that are cut, foreign, unknown or contradictory', () => {
  const cases: [string, number, number, 'malformed' | 'unsupported'][] = [
    ['magic', SUPERBLOCK, 0x12345678, 'malformed'],
    ['checksum', SUPERBLOCK + 4, 1, 'malformed'],
    ['not RAFS', SUPERBLOCK + 8, 0, 'unsupported'],
    ['block size', SUPERBLOCK + 12, 0x0080_000d, 'unsupported'],
    ['extra slots', SUPERBLOCK + 12, 0x0080_010c, 'malformed'],
    ['root nid', SUPERBLOCK + 12, 0xffff_000c, 'malformed'],
    ['root elsewhere', SUPERBLOCK + 12, 0x0000_000c, 'malformed'],
    ['no inodes', SUPERBLOCK + 16, 0, 'malformed'],
    ['inodes beyond 2^53', SUPERBLOCK + 20, 0xffff_ffff, 'malformed'],
    ['metadata after the end', SUPERBLOCK + 40, 0xffff, 'malformed'],
    ['shared xattrs', SUPERBLOCK + 44, 1, 'malformed'],
    ['incompatible features', SUPERBLOCK + 80, 0xd, 'unsupported'],
    ['compression', SUPERBLOCK + 84, 0x0001_0001, 'malformed'],
    ['no devices, but blocks', SUPERBLOCK + 84, 0, 'malformed'],
    ['too many devices', SUPERBLOCK + 84, 0x00ff_0000, 'malformed'],
    ['device table elsewhere', SUPERBLOCK + 88, 12, 'malformed'],
    ['unknown flag', EXTENDED, 0x400 | 0x94, 'unsupported'],
    ['unknown high flag', EXTENDED + 4, 1, 'unsupported'],
    ['two compressors', EXTENDED, 0x96, 'malformed'],
    ['no digester', EXTENDED, 0x90, 'malformed'],
    ['blob table unaligned', EXTENDED + 8, 4097, 'malformed'],
    ['blob table on the devices', EXTENDED + 8, 0, 'malformed'],
    ['blob table size', EXTENDED + 16, 512, 'malformed'],
    ['chunk size', EXTENDED + 20, 4097, 'malformed'],
    ['chunk size', EXTENDED + 20, 2048, 'malformed'],
    ['chunk table on the blob table', EXTENDED + 24, 4096, 'malformed'],
    ['chunk table after the end', EXTENDED + 24, 0x1000_0000, 'malformed'],
    ['chunk table size', EXTENDED + 32, 81, 'malformed'],
    ['prefetch table after the end', EXTENDED + 40, 0x1000_0000, 'malformed'],
    ['device without blocks', DEVICE_SLOT + 64, 0, 'malformed'],
    ['blob id', BLOB_ENTRY, 0x2f2e_2e2f, 'malformed'],
    ['blob position', BLOB_ENTRY + 64, 1, 'malformed'],
    ['blob chunk size', BLOB_ENTRY + 68, 8192, 'malformed'],
    ['more chunks than blocks', BLOB_ENTRY + 72, 1 << 23, 'malformed'],
    ['compressor', BLOB_ENTRY + 76, 4, 'unsupported'],
    ['digester', BLOB_ENTRY + 80, 2, 'unsupported'],
    ['blob features', BLOB_ENTRY + 84, 0x8000_0001, 'unsupported'],
    ['not aligned', BLOB_ENTRY + 84, 0x7000_0020, 'malformed'],
    ['blob of 2^53 bytes', BLOB_ENTRY + 92, 0x20_0000, 'malformed'],
    ['blob larger than its device', BLOB_ENTRY + 96, 0x1000_0000, 'malformed'],
    ['cipher', BLOB_ENTRY + 216, 2, 'unsupported'],
  ];
  for (const [name, at, value, code] of cases) {
    const { bytes, view } = smallImage();
    if (name === 'prefetch table after the end') view.setUint32(EXTENDED + 48, 4, true);
    view.setUint32(at, value, true);
    assert.throws(() => new BootstrapReader(bytes), { code }, name);
  }
  const { bytes } = smallImage();
  for (const length of [0, 7, 8, 1024, 1500, 4095, 4096, 4097, 8192, bytes.length - 1, bytes.length - 4096]) {
    assert.throws(() => new BootstrapReader(bytes.subarray(0, length)), { code: 'malformed' }, `${length} bytes`);
  }
});

test('tolerates what old writers got wrong', () => {
  const { bytes, view } = smallImage();
  view.setUint32(EXTENDED + 48, 4, true); // a prefetch table that has a size and no place
  view.setUint32(DEVICE_SLOT + 68, 0, true); // a device mapped onto the bootstrap
  view.setUint32(EXTENDED, 0x194 | 0x0100_0000, true); // says that nothing is encrypted
  assert.equal(problemsOf(bytes), '');
  const none = writeBootstrap(new ImageBuilder().finish(directory()).tree);
  new DataView(none.buffer).setUint32(SUPERBLOCK + 36, 4096, true);
  assert.deepEqual(walkedPaths(new BootstrapReader(none)), ['']);
});

test('a directory that leads back to its ancestor ends the walk and the check', () => {
  const image = smallImage();
  const target = { root: image.reader.rootNid, parent: nidOf(image.reader, 'a'), itself: nidOf(image.reader, 'a/b') };
  const entry = entryOf(image, 'a/b');
  for (const [name, nid] of Object.entries(target)) {
    if (name === 'itself') image.view.setUint32(entryOf(image, 'a/b'), target.itself, true);
    image.view.setUint32(name === 'itself' ? entryOf(image, 'a/b/c') : entry, nid, true);
    const reader = new BootstrapReader(image.bytes);
    assert.throws(() => [...walkTree(reader)], { code: 'malformed', message: /reachable twice/ }, name);
    assert.match(problemsOf(image.bytes), /reachable twice/, name);
  }
});

test('two directories cannot share their content', () => {
  const image = smallImage(9);
  const wide = image.reader.inode(nidOf(image.reader, 'wide'));
  const [offset, size] = [wide.offset, wide.size];
  const first = image.view.getUint32(offset + 16, true);
  const twin = image.reader.inode(nidOf(image.reader, 'twin')).offset;
  image.view.setUint16(twin, 1, true); // flat plain, in the blocks of the other one
  image.view.setUint32(twin + 8, Math.floor(size / 512) * 512, true);
  image.view.setUint32(twin + 16, first, true);
  assert.throws(() => walkedPaths(new BootstrapReader(image.bytes)), { code: 'malformed', message: /shares/ });
  assert.match(problemsOf(image.bytes), /belongs to another inode/);
});

test('no name leads out of its directory', () => {
  const withName = (name: string) => {
    const image = smallImage();
    const { tailOffset, size } = image.reader.inode(nidOf(image.reader, 'twin'));
    image.bytes.set(Buffer.from(name), tailOffset + size - 'entry'.length);
    return image.bytes;
  };
  for (const name of ['e/try', '/ntry', 'entr/', '\0ntry']) {
    const bytes = withName(name);
    assert.throws(() => walkedPaths(new BootstrapReader(bytes)), { code: 'malformed' }, JSON.stringify(name));
    assert.match(problemsOf(bytes), /^\/twin: directory \d+: a name has/, JSON.stringify(name));
  }
  for (const name of ['..\0\0\0', '.\0\0\0\0']) {
    const bytes = withName(name); // a second `..` or `.` names nothing
    assert.ok(!walkedPaths(new BootstrapReader(bytes)).some(path => path.startsWith('twin/')), JSON.stringify(name));
    assert.match(problemsOf(bytes), /^\/twin: "\.+" stands after "\.\."$/m, JSON.stringify(name));
  }
});

test('refuses directory blocks whose entries make no sense', () => {
  const cases: [string, number, number[]][] = [
    ['no entries', 8, [0, 0]],
    ['half an entry', 8, [13, 0]],
    ['names outside the block', 8, [0xf0, 0xff]],
    ['a name before the one before', 12 + 8, [0, 0]],
    ['a name outside the block', 24 + 8, [0, 16]],
    ['an unknown type', 24 + 10, [8]],
    ['a nid outside the bootstrap', 24, [255, 255, 255, 0]],
    ['a nid beyond 2^53', 24 + 7, [255]],
  ];
  for (const [name, at, values] of cases) {
    const image = smallImage();
    const nid = nidOf(image.reader, 'twin');
    image.bytes.set(values, image.reader.inode(nid).tailOffset + at);
    const reader = new BootstrapReader(image.bytes);
    assert.throws(() => reader.readdir(nid, 0, () => true), { code: 'malformed' }, name);
    assert.match(problemsOf(image.bytes), /^\/twin: /, name);
  }
});

test('refuses inodes that make no sense', () => {
  const cases: [string, string, number, number][] = [
    ['format', 'other', 0, 0x0000_0019],
    ['compressed data', 'other', 0, 0x0000_0003],
    ['xattrs after the end', 'other', 0, 0xffff_0009],
    ['type', 'other', 4, 0x0000_01a4],
    ['no links', 'other', 44, 0],
    ['nanoseconds', 'other', 40, 1_000_000_000],
    ['size beyond 2^53', 'other', 12, 0x0020_0000],
    ['more indexes than bytes', 'other', 12, 1],
    ['time beyond 2^53', 'other', 36, 0x7fff_ffff],
    ['chunk header without indexes', 'other', 16, 0x00],
    ['chunk header with 48 bits', 'other', 16, 0x60],
    ['data in the bootstrap', 'other', 0, 1],
    ['directory after the end', 'wide', 8, 0x7fff_ffff],
    ['directory in blocks after the end', 'wide', 16, 0xffff_ffff],
    ['tail across a block', 'twin', 8, 4090],
    ['chunked directory', 'twin', 0, 9],
  ];
  for (const [name, path, at, value] of cases) {
    const image = smallImage();
    const nid = nidOf(image.reader, path);
    image.view.setUint32(image.reader.inode(nid).offset + at, value, true);
    const reader = new BootstrapReader(image.bytes);
    assert.throws(() => reader.stat(nid, emptyAttributes()), isShoalError, name);
    assert.match(problemsOf(image.bytes), new RegExp(`^/${path}: `), name);
  }
  const { reader } = smallImage();
  for (const nid of [-1, 0.5, 2 ** 31, 2 ** 53, Number.NaN]) {
    assert.throws(() => reader.stat(nid, emptyAttributes()), { code: 'malformed' }, `nid ${nid}`);
  }
  assert.throws(() => reader.readlink(nidOf(reader, 'other')), { code: 'malformed' });
  assert.throws(() => reader.lookup(nidOf(reader, 'other'), Buffer.from('x')), { code: 'malformed' });
  assert.throws(() => reader.extents(reader.rootNid, 0, 1, () => {}), { code: 'malformed' });
});

test('refuses a chunk table whose chunks overlap, repeat, or lie outside blob or device', () => {
  const cases: [string, number, number][] = [
    ['blob that is none', 32, 1],
    ['number that is none', 72, 100],
    ['unknown flag', 36, 0x20],
    ['empty', 44, 0],
    ['larger than a chunk', 44, 4097],
    ['raw, with another size', 40, 77],
    ['device offset unaligned', 56, 100],
    ['device offset beyond 2^53', 60, 0x0020_0000],
    ['outside the device', 56, 0x1000_0000],
    ['outside the blob', 48, 0x1000_0000],
    ['offset beyond 2^53', 52, 0x0020_0000],
  ];
  for (const [name, field, value] of cases) {
    const { view, bytes, descriptors, reader } = smallImage();
    const { offset, size } = reader.superblock.chunkTable;
    // "other" is five bytes stored raw.
    const entry = Array.from({ length: size / 80 }, (_, i) => offset + i * 80).find(
      at => view.getUint32(at + 44, true) === 5,
    );
    assert.ok(entry);
    view.setUint32(entry + field, value, true);
    assert.throws(() => new BootstrapReader(bytes).blobLayouts(descriptors), { code: 'malformed' }, name);
  }
  const { bytes, view, reader, descriptors } = smallImage();
  const { offset } = reader.superblock.chunkTable;
  const [first, second] = [view.getUint32(offset + 56, true), view.getUint32(offset + 80 + 56, true)];
  view.setUint32(offset + 56, second, true);
  assert.throws(() => new BootstrapReader(bytes).blobLayouts(descriptors), { message: /on top of another/ });
  view.setUint32(offset + 56, first, true);
  view.setUint32(offset + 72, view.getUint32(offset + 80 + 72, true), true);
  assert.throws(() => new BootstrapReader(bytes).blobLayouts(descriptors), { code: 'malformed', message: /twice/ });
});

test('serves no byte of a device that the chunk table does not vouch for', () => {
  const changes: [string, (view: DataView, inode: number, index: number) => void][] = [
    ['no blob', (view, _inode, index) => view.setUint8(index + 2, 0)],
    ['another blob', (view, _inode, index) => view.setUint8(index + 2, 2)],
    ['another chunk', (view, _inode, index) => view.setUint16(index, view.getUint16(index, true) ^ 1, true)],
    ['a chunk that is none', (view, _inode, index) => view.setUint8(index + 3, 1)],
    ['another place', (view, _inode, index) => view.setUint32(index + 4, view.getUint32(index + 4, true) + 1, true)],
    ['a shorter chunk', (view, inode) => view.setUint32(inode + 8, 6, true)],
  ];
  for (const [name, change] of changes) {
    const image = smallImage();
    const nid = nidOf(image.reader, 'other');
    const { offset, indexOffset } = image.reader.inode(nid);
    change(image.view, offset, indexOffset);
    const reader = new BootstrapReader(image.bytes);
    assert.throws(() => reader.extents(nid, 0, 1, () => {}), { code: 'malformed', message: /no such chunk/ }, name);
    assert.match(problemsOf(image.bytes), /^\/other: /, name);
  }
});

test('check reports wrong order, types, links, tags and announced chunks', () => {
  const expectProblem = (change: (image: ReturnType<typeof smallImage>) => void, problem: RegExp) => {
    const image = smallImage();
    change(image);
    assert.match(problemsOf(image.bytes), problem);
  };
  expectProblem(({ bytes, reader }) => {
    const { tailOffset, size } = reader.inode(nidOf(reader, 'twin'));
    bytes.set(Buffer.from('!ntry'), tailOffset + size - 5);
  }, /^\/twin: "!ntry" stands after "\.\."$/m);
  expectProblem(image => image.view.setUint8(entryOf(image, 'other') + 10, 7), /^\/other: is a file; .* type 7$/m);
  expectProblem(image => image.view.setUint32(entryOf(image, 'a/..'), 200, true), /^\/a: its \.\. is inode 200/m);
  expectProblem(image => {
    image.view.setUint32(image.reader.inode(nidOf(image.reader, 'a')).offset + 44, 9, true);
  }, /^\/a: has 1 directories; its inode says 9 links$/m);
  expectProblem(image => {
    image.view.setUint32(image.reader.inode(nidOf(image.reader, 'other')).offset + 44, 2, true);
  }, /^\/other: has 1 names; its inode says 2$/m);
  expectProblem(image => image.view.setUint8(DEVICE_SLOT, 0x7a), /^: device 0 is tagged "z/m);
  expectProblem(image => {
    image.view.setUint32(image.reader.inode(nidOf(image.reader, 'file')).offset + 16, 0x22, true);
  }, /^\/file: announces chunks of 16384 bytes, but is not in one piece at byte 4096$/m);
  expectProblem(image => {
    image.view.setUint32(entryOf(image, 'link'), nidOf(image.reader, 'long'), true);
  }, /overlaps another, or has more names/);
});

test('check counts all problems and keeps the first ones', () => {
  const image = smallImage();
  const { tailOffset } = image.reader.inode(image.reader.rootNid);
  for (let entry = 0; entry < 9; entry++) image.view.setUint8(tailOffset + entry * 12 + 10, 0);
  const report = checkBootstrap(new BootstrapReader(image.bytes), { maxProblems: 2 });
  assert.equal(report.problems.length, 2);
  assert.equal(report.problemCount, 7);
});
