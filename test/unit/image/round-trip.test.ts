// What the writer makes, the reader reads back as it was.

import assert from 'node:assert/strict';
import test from 'node:test';
import { encodeBootstrap } from '../../../image/bootstrap-writer.ts';
import type { DirectoryNode, FileNode, TreeNode } from '../../../image/index.ts';
import { BootstrapReader, checkBootstrap, emptyAttributes, walkTree, writeBootstrap } from '../../../image/index.ts';
import { deviceNumber } from '../../../image/inode-writer.ts';
import { kindOfMode, MODE_BITS } from '../../../image/node-kinds.ts';
import { directory, ImageBuilder, symlink } from './image-builder.ts';
import { names, nidOf, readFile, walkedPaths } from './reading.ts';
import { richTree } from './rich-tree.ts';

const CHUNK_SIZE = 65536;

function richImage() {
  const builder = new ImageBuilder(CHUNK_SIZE);
  const image = builder.finish(richTree(builder));
  return { ...image, contents: builder.contents, files: image.blobs.map(blob => blob.file) };
}

/** Every node by path, depth first in byte order of the names, as a walk must give them. */
function listTree(root: DirectoryNode): [string, TreeNode][] {
  const found: [string, TreeNode][] = [['', root]];
  const visit = (folder: DirectoryNode, prefix: string) => {
    for (const [name, node] of [...folder.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
      found.push([prefix + name, node]);
      if (node.kind === 'directory') visit(node, `${prefix}${name}/`);
    }
  };
  visit(root, '');
  return found;
}

/** What stat must say of a node, apart from nid and directory sizes. */
function expectedAttributes(node: TreeNode, linkCount: number) {
  const folders =
    node.kind === 'directory' ? [...node.children.values()].filter(c => c.kind === 'directory').length : 0;
  return {
    mode: MODE_BITS[node.kind] | node.mode,
    nlink: node.kind === 'directory' ? 2 + folders : node.kind === 'file' ? linkCount : 1,
    uid: node.uid,
    gid: node.gid,
    rdev: node.kind === 'char' || node.kind === 'block' ? deviceNumber(node.major, node.minor) : 0,
    mtimeSeconds: node.mtimeSeconds,
    mtimeNanoseconds: node.mtimeNanoseconds,
  };
}

for (const blockBits of [12, 9]) {
  test(`every attribute, name, target, xattr and byte survives with blocks of ${1 << blockBits} bytes`, () => {
    const { tree, contents, descriptors, files } = richImage();
    const reader = new BootstrapReader(encodeBootstrap(tree, blockBits));
    assert.equal(reader.blockSize, 1 << blockBits);
    assert.equal(reader.hasXattrs, true);
    const expected = listTree(tree.root);
    const walked = [...walkTree(reader)];
    assert.deepEqual(
      walked.map(entry => entry.path),
      expected.map(([path]) => path),
    );
    assert.equal(reader.inodeCount, expected.length);
    const linkCounts = new Map<TreeNode, number>();
    for (const [, node] of expected) linkCounts.set(node, (linkCounts.get(node) ?? 0) + 1);
    const nids = new Map<TreeNode, number>();
    for (const [index, [path, node]] of expected.entries()) {
      const entry = walked[index];
      assert.ok(entry);
      const { nid, size, ...found } = entry.attributes;
      assert.deepEqual(found, expectedAttributes(node, linkCounts.get(node) ?? 0), path);
      assert.equal(nids.get(node) ?? nid, nid, path);
      nids.set(node, nid);
      assert.deepEqual(
        [...reader.xattrs(nid)].map(([name, value]) => [name, Buffer.from(value).toString('hex')]).sort(),
        [...node.xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')]).sort(),
        path,
      );
      if (node.kind === 'symlink') assert.equal(Buffer.from(reader.readlink(nid)).toString('latin1'), node.target);
      if (node.kind !== 'file') continue;
      assert.equal(size, node.size);
      const content = readFile(reader, nid, { descriptors, files });
      assert.ok(content.equals(contents.get(node) ?? Buffer.alloc(0)), `content of ${path}`);
    }
  });

  test(`check finds nothing wrong and nothing unreachable with blocks of ${1 << blockBits} bytes`, () => {
    const { tree, blobs } = richImage();
    const report = checkBootstrap(new BootstrapReader(encodeBootstrap(tree, blockBits)));
    assert.deepEqual(report.problems, []);
    const expected = listTree(tree.root).map(([, node]) => node);
    const kinds = (kind: TreeNode['kind']) => new Set(expected.filter(node => node.kind === kind)).size;
    assert.deepEqual(report, {
      inodes: {
        file: kinds('file'),
        directory: kinds('directory'),
        symlink: kinds('symlink'),
        char: 1,
        block: 1,
        fifo: 1,
        socket: 1,
      },
      names: expected.length - 1,
      fileBytes: [...new Set(expected)].reduce((sum, node) => sum + (node.kind === 'file' ? node.size : 0), 0),
      blobs: 2,
      chunks: blobs.reduce((sum, blob) => sum + blob.chunks.length, 0),
      compressedBytes: blobs.reduce((sum, blob) => sum + blob.compressionTable.offset - 512, 0),
      unreachableBytes: 0,
      problems: [],
      problemCount: 0,
    });
  });

  test(`lookup finds every name of every directory and no other with blocks of ${1 << blockBits} bytes`, () => {
    const { tree } = richImage();
    const reader = new BootstrapReader(encodeBootstrap(tree, blockBits));
    for (const entry of walkTree(reader)) {
      if (kindOfMode(entry.attributes.mode) !== 'directory') continue;
      for (const name of names(reader, entry.nid)) {
        const nid = reader.lookup(entry.nid, Buffer.from(name, 'latin1'));
        const path = name === '.' ? entry.path : `${entry.path}${entry.path === '' ? '' : '/'}${name}`;
        if (name !== '..') assert.equal(nid, path === '' ? reader.rootNid : nidOf(reader, path));
        assert.equal(reader.lookup(entry.nid, Buffer.from(`${name}\x01`, 'latin1')), -1);
        assert.equal(reader.lookup(entry.nid, Buffer.from(`${name.slice(0, -1)}\x00`, 'latin1')), -1);
      }
      assert.equal(reader.lookup(entry.nid, new Uint8Array()), -1);
      assert.equal(reader.lookup(entry.nid, new Uint8Array(300).fill(0xff)), -1);
    }
  });

  test(`readdir continues at every cookie, in any order, with blocks of ${1 << blockBits} bytes`, () => {
    const { tree } = richImage();
    const reader = new BootstrapReader(encodeBootstrap(tree, blockBits));
    const nid = nidOf(reader, 'many');
    const all = names(reader, nid);
    assert.equal(all.length, 922);
    const cookies = [0];
    const oneByOne: string[] = [];
    for (let cookie = 0, before = -1; cookie !== before; ) {
      before = cookie;
      reader.readdir(nid, cookie, (_nid, _type, name, next) => {
        oneByOne.push(Buffer.from(name).toString('latin1'));
        cookie = next;
        cookies.push(next);
        return false;
      });
    }
    assert.deepEqual(oneByOne, all);
    for (const index of [921, 500, 0, 340, 341, 922]) {
      const rest: string[] = [];
      reader.readdir(nid, cookies[index] ?? -1, (_nid, _type, name) => {
        rest.push(Buffer.from(name).toString('latin1'));
        return true;
      });
      assert.deepEqual(rest, all.slice(index));
    }
    for (const cookie of [-1, 0.5, Number.NaN, 2 ** 53, 1e9]) {
      reader.readdir(nid, cookie, () => cookie === 0.5 || assert.fail(`an entry at ${cookie}`));
    }
  });
}

test('the reader may be used while it lists a directory', () => {
  const { tree } = richImage();
  const reader = new BootstrapReader(writeBootstrap(tree));
  const attributes = emptyAttributes();
  const found: string[] = [];
  reader.readdir(nidOf(reader, 'many'), 0, (nid, _type, name) => {
    found.push(Buffer.from(name).toString('latin1'));
    reader.stat(nid, attributes);
    reader.lookup(reader.rootNid, Buffer.from('names'));
    if (attributes.mode === 0o100644) reader.extents(nid, 0, 100, () => reader.stat(reader.rootNid, attributes));
    return true;
  });
  assert.deepEqual(found, names(reader, nidOf(reader, 'many')));
});

test('extents cover exactly the range that was asked for', () => {
  const { tree } = richImage();
  const reader = new BootstrapReader(writeBootstrap(tree));
  const nid = nidOf(reader, 'sizes/mixed'); // three chunks in two blobs
  const size = 2 * CHUNK_SIZE + 7;
  const pieces = (offset: number, length: number) => {
    const found: number[][] = [];
    reader.extents(nid, offset, length, (blobIndex, _chunk, _device, bytes) => found.push([blobIndex, bytes]));
    return found;
  };
  assert.deepEqual(pieces(0, size), [
    [1, CHUNK_SIZE],
    [0, CHUNK_SIZE],
    [1, 7],
  ]);
  assert.deepEqual(pieces(CHUNK_SIZE - 1, 2), [
    [1, 1],
    [0, 1],
  ]);
  assert.deepEqual(pieces(size - 1, 4096), [[1, 1]]);
  assert.deepEqual(pieces(size, 4096), []);
  assert.deepEqual(pieces(2 ** 60, 1), []);
  assert.deepEqual(pieces(5, 0), []);
});

test('a file in one piece is announced as one large chunk, a scattered one is not', () => {
  const { tree } = richImage();
  const reader = new BootstrapReader(writeBootstrap(tree));
  const announced = (path: string) => reader.inode(nidOf(reader, path)).announcedChunkSize;
  assert.equal(announced('bin/program'), 4 * CHUNK_SIZE);
  assert.equal(announced('sizes/two chunks'), 2 * CHUNK_SIZE);
  assert.equal(announced('sizes/mixed'), CHUNK_SIZE);
  assert.equal(announced('sizes/zeros'), CHUNK_SIZE);
  assert.equal(announced('sizes/empty'), CHUNK_SIZE);
});

test('the same tree gives the same bytes in whatever order its maps were filled', () => {
  const { tree } = richImage();
  const reversed = (node: TreeNode, done: Map<TreeNode, TreeNode>): TreeNode => {
    const xattrs = new Map([...node.xattrs].reverse());
    if (node.kind !== 'directory') {
      const copy = done.get(node) ?? { ...node, xattrs };
      done.set(node, copy);
      return copy;
    }
    const children = [...node.children].reverse().map(([name, child]) => [name, reversed(child, done)] as const);
    return { ...node, xattrs, children: new Map(children) };
  };
  const root = reversed(tree.root, new Map());
  assert.ok(root.kind === 'directory');
  assert.deepEqual(writeBootstrap({ ...tree, root }), writeBootstrap(tree));
});

test('an image without blobs has no tables and reads back', () => {
  const builder = new ImageBuilder();
  const { tree } = builder.finish(directory({ a: directory(), empty: builder.file(''), link: symlink('a') }));
  const bytes = writeBootstrap(tree);
  const reader = new BootstrapReader(bytes);
  assert.deepEqual(walkedPaths(reader), ['', 'a', 'empty', 'link']);
  assert.deepEqual(reader.blobLayouts([]), []);
  assert.deepEqual(checkBootstrap(reader).problems, []);
  assert.equal(bytes.length, 8192);
});

test('images that share a layer give its blob the same layout key, others do not', () => {
  const build = (upper: string) => {
    const builder = new ImageBuilder(CHUNK_SIZE);
    const lower = builder.file('lower '.repeat(5000));
    builder.unusedChunk(Buffer.from('replaced in one image, used in the other'));
    builder.nextBlob();
    const image = builder.finish(directory({ lower, upper: builder.file(upper) }));
    return { ...image, layouts: new BootstrapReader(writeBootstrap(image.tree)).blobLayouts(image.descriptors) };
  };
  const [one, other] = [build('one'), build('other')];
  assert.equal(one.layouts[0]?.layoutKey, other.layouts[0]?.layoutKey);
  assert.notEqual(one.layouts[1]?.layoutKey, other.layouts[1]?.layoutKey);
  assert.match(one.layouts[0]?.layoutKey ?? '', /^[0-9a-f]{64}$/);
  const bytes = writeBootstrap(one.tree);
  const view = new DataView(bytes.buffer);
  const table = new BootstrapReader(bytes).superblock.chunkTable.offset;
  for (const field of [0, 48]) {
    const before = view.getUint32(table + field, true);
    view.setUint32(table + field, before ^ 1, true); // a digest, a compressed offset
    const changed = new BootstrapReader(bytes).blobLayouts(one.descriptors).map(layout => layout.layoutKey);
    const same = one.layouts.filter((layout, index) => layout.layoutKey === changed[index]);
    assert.equal(same.length, 1, `field ${field}`);
    view.setUint32(table + field, before, true);
  }
});

test('a tree of ten thousand levels and a directory of fifty thousand names are written and read', () => {
  const wide = directory();
  for (let i = 0; i < 50_000; i++) wide.children.set(`${i}`, directory());
  let deep = directory();
  for (let i = 0; i < 10_000; i++) deep = directory({ d: deep });
  const builder = new ImageBuilder();
  const { tree } = builder.finish(directory({ wide, deep }));
  const reader = new BootstrapReader(writeBootstrap(tree));
  const report = checkBootstrap(reader);
  assert.equal(report.problemCount, 0);
  assert.equal(report.inodes.directory, 60_003);
  assert.equal(reader.lookup(nidOf(reader, 'wide'), Buffer.from('31415')) > 0, true);
});

test('chunk numbers and blobs up to the limits of the format survive', () => {
  const builder = new ImageBuilder(4096);
  const children: Record<string, FileNode> = {};
  for (let blob = 0; blob < 254; blob++) {
    builder.nextBlob();
    children[`file ${blob}`] = builder.file(`content ${blob}`);
  }
  for (let i = 0; i < 66_000; i++) builder.unusedChunk(Buffer.from(`${i}`));
  children['last'] = builder.file('after 2^16 chunks');
  const image = builder.finish(directory(children));
  const reader = new BootstrapReader(writeBootstrap(image.tree));
  const files = image.blobs.map(blob => blob.file);
  const content = (path: string) => readFile(reader, nidOf(reader, path), { ...image, files }).toString();
  assert.equal(content('last'), 'after 2^16 chunks');
  assert.equal(content('file 253'), 'content 253');
  builder.nextBlob();
  const tooMany = builder.finish(directory({ extra: builder.file('one too many') }));
  assert.throws(() => writeBootstrap(tooMany.tree), { code: 'limit', message: /255 blobs/ });
});

test('reads compact inodes, which have the time of the image', () => {
  const builder = new ImageBuilder(4096);
  const image = builder.finish(directory({ file: builder.file('content', { mtimeSeconds: 7 }) }));
  const bytes = writeBootstrap(image.tree);
  const view = new DataView(bytes.buffer);
  const nid = nidOf(new BootstrapReader(bytes), 'file');
  const at = new BootstrapReader(bytes).inode(nid).offset;
  bytes.copyWithin(at + 32, at + 64, at + 72); // the chunk index, which follows the shorter inode now
  view.setUint16(at, 8, true); // compact, chunked
  view.setUint16(at + 6, 1, true); // links
  view.setUint32(at + 8, 7, true); // size
  view.setUint32(at + 24, 0x0007_03e8, true); // group 7, user 1000
  view.setUint32(1024 + 24, 1_234_567, true);
  const reader = new BootstrapReader(bytes);
  const attributes = emptyAttributes();
  reader.stat(nid, attributes);
  assert.deepEqual(attributes, {
    nid,
    mode: 0o100644,
    nlink: 1,
    uid: 1000,
    gid: 7,
    rdev: 0,
    size: 7,
    mtimeSeconds: 1_234_567,
    mtimeNanoseconds: 0,
  });
  const files = image.blobs.map(blob => blob.file);
  assert.equal(readFile(reader, nid, { ...image, files }).toString(), 'content');
});
