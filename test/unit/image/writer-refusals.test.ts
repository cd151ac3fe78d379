// What the bootstrap writer does not write, and how it says so.

import assert from 'node:assert/strict';
import test from 'node:test';
import type { DirectoryNode, FileNode, ImageTree, TreeNode } from '../../../image/index.ts';
import { isWritableXattr, writeBootstrap } from '../../../image/index.ts';
import { attributes, directory, ImageBuilder, symlink } from './image-builder.ts';

function imageOf(root: DirectoryNode, change: Partial<ImageTree> = {}): ImageTree {
  return { ...new ImageBuilder().finish(root).tree, ...change };
}

const empty = (given: Parameters<typeof attributes>[0] = {}): FileNode => ({
  kind: 'file',
  ...attributes(given),
  size: 0,
  chunks: new Uint32Array(),
});

test('refuses names that no file can have, naming the path', () => {
  for (const name of ['', '.', '..', 'a/b', 'nul\0', 'ā']) {
    const tree = imageOf(directory({ usr: directory({ [name]: empty() }) }));
    assert.throws(() => writeBootstrap(tree), { code: 'unsupported', message: /^\/usr\// }, JSON.stringify(name));
  }
  const long = imageOf(directory({ ['n'.repeat(256)]: empty() }));
  assert.throws(() => writeBootstrap(long), { code: 'limit', message: /256 bytes/ });
});

test('refuses directories deeper than any walk would follow them', () => {
  const nested = (depth: number) => {
    let at = directory();
    for (let i = 0; i < depth; i++) at = directory({ d: at });
    return imageOf(at);
  };
  writeBootstrap(nested(32_768));
  assert.throws(() => writeBootstrap(nested(32_769)), { code: 'limit', message: /^\/d\/d.*65538 bytes/ });
});

test('refuses extended attributes outside the five namespaces and beyond their sizes', () => {
  const withXattr = (name: string, size: number) =>
    imageOf(directory({ f: empty({ xattrs: new Map([[name, new Uint8Array(size)]]) }) }));
  for (const name of ['com.apple.quarantine', 'system.nfs4_acl', 'lustre.lov', 'user.', 'user', '', 'user.nul\0']) {
    assert.equal(isWritableXattr(name), false, name);
    assert.throws(() => writeBootstrap(withXattr(name, 1)), { code: 'unsupported', message: /^\/f:/ }, name);
  }
  for (const name of ['user.a', 'trusted.a', 'security.a', 'system.posix_acl_access', 'system.posix_acl_default']) {
    assert.equal(isWritableXattr(name), true, name);
    writeBootstrap(withXattr(name, 65535));
    assert.throws(() => writeBootstrap(withXattr(name, 65536)), { code: 'limit', message: /^\/f:/ }, name);
  }
  assert.equal(isWritableXattr(`user.${'n'.repeat(255)}`), true);
  assert.equal(isWritableXattr(`user.${'n'.repeat(256)}`), false);
  const five = new Map(Array.from({ length: 5 }, (_, i) => [`user.${i}`, new Uint8Array(60_000)]));
  const tooMuch = imageOf(directory({ f: empty({ xattrs: five }) }));
  assert.throws(() => writeBootstrap(tooMuch), { code: 'limit', message: /256 KiB/ });
});

test('refuses numbers that do not fit their fields', () => {
  const nodes: TreeNode[] = [
    empty({ uid: 2 ** 32 }),
    empty({ gid: -1 }),
    empty({ mode: 0o10000 }),
    empty({ mtimeNanoseconds: 1_000_000_000 }),
    empty({ mtimeNanoseconds: -1 }),
    empty({ mtimeSeconds: 2 ** 53 }),
    empty({ mtimeSeconds: 0.5 }),
    symlink(''),
    symlink('x'.repeat(4096)),
    symlink('nul\0'),
    symlink('ā'),
    { kind: 'char', ...attributes(), major: 4096, minor: 0 },
    { kind: 'block', ...attributes(), major: 0, minor: 2 ** 20 },
  ];
  nodes.forEach((node, index) => {
    const tree = imageOf(directory({ f: node }));
    assert.throws(() => writeBootstrap(tree), { code: 'unsupported', message: /^\/f:/ }, `node ${index}`);
  });
});

test('refuses chunk sizes and trees that contradict themselves', () => {
  for (const chunkSize of [0, 2048, 4095, 6000, 2 ** 25, Number.NaN]) {
    assert.throws(() => writeBootstrap(imageOf(directory(), { chunkSize })), { code: 'usage' }, `${chunkSize}`);
  }
  const folder = directory();
  folder.children.set('self', folder);
  assert.throws(() => writeBootstrap(imageOf(folder)), { code: 'internal', message: /two names/ });

  const builder = new ImageBuilder(4096);
  const file = builder.file('content');
  const { tree } = builder.finish(directory({ file }));
  const wrong = (change: Partial<FileNode>) => ({ ...tree, root: directory({ file: { ...file, ...change } }) });
  assert.throws(() => writeBootstrap(wrong({ size: 8 })), { code: 'internal' });
  assert.throws(() => writeBootstrap(wrong({ size: 5000 })), { code: 'internal' });
  assert.throws(() => writeBootstrap(wrong({ chunks: Uint32Array.of(0, 1) })), { code: 'malformed' });
  assert.throws(() => writeBootstrap(wrong({ chunks: Uint32Array.of(1, 0) })), { code: 'internal' });
});
