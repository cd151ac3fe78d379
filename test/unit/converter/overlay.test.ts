import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Overlay } from '../../../converter/overlay.ts';
import type { TarEntry } from '../../../converter/tar-entry.ts';
import { Warnings } from '../../../converter/warnings.ts';
import { isShoalError } from '../../../core/index.ts';
import type { DirectoryNode, TreeNode } from '../../../image/index.ts';

const CHUNKS = new Uint32Array(0);

type Item = Partial<TarEntry> & { readonly path: string };

function file(path: string, uid = 0): Item {
  return { path, uid };
}

function directory(path: string, more: Partial<TarEntry> = {}): Item {
  return { path, kind: 'directory', mode: 0o755, ...more };
}

function symlink(path: string, target: string): Item {
  return { path, kind: 'symlink', target };
}

function hardlink(path: string, target: string): Item {
  return { path, kind: 'hardlink', target };
}

function entryOf(item: Item): TarEntry {
  const defaults = {
    kind: 'file',
    target: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtimeSeconds: 1,
    mtimeNanoseconds: 0,
  };
  return { ...defaults, major: 0, minor: 0, ...item } as TarEntry;
}

function merge(layers: readonly (readonly Item[])[], warnings = new Warnings()): DirectoryNode {
  const overlay = new Overlay({ warnings, maxEntries: 1000 });
  for (const layer of layers) {
    for (const item of layer) overlay.add(entryOf(item), CHUNKS);
    overlay.endLayer();
  }
  return overlay.root;
}

/** `path` with a slash for directories, `-> target` for links; `#uid` when it is not 0; files that share an inode get `=first`. */
function render(root: DirectoryNode): string[] {
  const lines: string[] = [];
  const names = new Map<TreeNode, string>();
  const visit = (node: TreeNode, path: string) => {
    if (node.kind === 'directory') {
      if (path !== '') lines.push(`${path}/${node.uid ? `#${node.uid}` : ''}`);
      for (const name of [...node.children.keys()].sort()) {
        const child = node.children.get(name);
        if (child) visit(child, path === '' ? name : `${path}/${name}`);
      }
      return;
    }
    const first = names.get(node);
    if (!first) names.set(node, path);
    const rest = node.kind === 'symlink' ? ` -> ${node.target}` : node.kind === 'file' ? '' : ` (${node.kind})`;
    lines.push(`${path}${node.uid ? `#${node.uid}` : ''}${rest}${first ? ` =${first}` : ''}`);
  };
  visit(root, '');
  return lines;
}

const CASES: readonly (readonly [string, readonly (readonly Item[])[], readonly string[]])[] = [
  ['layers add up', [[directory('a/'), file('a/x')], [file('b')]], ['a/', 'a/x', 'b']],
  ['parents that have no entry are made', [[file('a/b/c')]], ['a/', 'a/b/', 'a/b/c']],
  ['leading slashes and dots are dropped', [[file('./a'), file('/b'), file('././/c//d')]], ['a', 'b', 'c/', 'c/d']],
  ['the last of several entries for a path wins', [[file('a', 1), file('a', 2)]], ['a#2']],
  ['a whiteout hides a file of a lower layer', [[file('a'), file('b')], [file('.wh.a')]], ['b']],
  ['a whiteout hides a directory with all below it', [[file('d/e/f'), file('x')], [file('.wh.d')]], ['x']],
  ['a whiteout of nothing is nothing', [[file('a')], [file('.wh.b'), file('no/such/.wh.c')]], ['a']],
  ['a whiteout does not hide what its own layer put before', [[file('a', 1)], [file('a', 2), file('.wh.a')]], ['a#2']],
  ['a whiteout does not hide what its own layer puts after', [[file('a', 1)], [file('.wh.a'), file('a', 2)]], ['a#2']],
  [
    'a whiteout of a directory that its own layer fills leaves only that',
    [
      [file('d/old'), file('d/sub/old')],
      [file('d/sub/new'), file('.wh.d')],
    ],
    ['d/', 'd/sub/', 'd/sub/new'],
  ],
  [
    'an opaque marker hides what lower layers put there',
    [[file('d/old')], [file('d/.wh..wh..opq'), file('d/new')]],
    ['d/', 'd/new'],
  ],
  [
    'an opaque marker may come after the entries of its layer',
    [[file('d/old')], [file('d/new'), file('d/.wh..wh..opq')]],
    ['d/', 'd/new'],
  ],
  [
    'an opaque marker reaches into directories that its layer only passes through',
    [
      [file('d/sub/old'), file('d/sub/deep/old')],
      [file('d/sub/new'), file('d/.wh..wh..opq')],
    ],
    ['d/', 'd/sub/', 'd/sub/new'],
  ],
  [
    'an opaque marker at the root hides everything below',
    [
      [file('a'), file('d/b')],
      [file('.wh..wh..opq'), file('c')],
    ],
    ['c'],
  ],
  ['an opaque marker of nothing is nothing', [[file('a')], [file('d/.wh..wh..opq')]], ['a']],
  ['a file over a directory takes all that was in it', [[file('d/a')], [file('d')]], ['d']],
  ['a directory over a file is empty', [[file('d')], [directory('d/')]], ['d/']],
  [
    'a directory over a directory keeps the children and takes the metadata',
    [[file('d/a')], [directory('d/', { uid: 5 })]],
    ['d/#5', 'd/a'],
  ],
  [
    'a directory over a symlink replaces the link',
    [
      [directory('t/'), symlink('d', 't')],
      [directory('d/'), file('d/x')],
    ],
    ['d/', 'd/x', 't/'],
  ],
  ['a hard link shares the inode', [[file('a'), hardlink('b', 'a')]], ['a', 'b =a']],
  ['a hard link may come before its target', [[hardlink('b', 'a'), file('a')]], ['a', 'b =a']],
  ['hard links may wait for one another', [[hardlink('c', 'b'), hardlink('b', 'a'), file('a')]], ['a', 'b =a', 'c =a']],
  ['a hard link may lead to a lower layer', [[file('d/a')], [hardlink('b', './d/a')]], ['b', 'd/', 'd/a =b']],
  [
    'a link keeps its inode when its target is replaced',
    [[file('a', 1), hardlink('b', 'a')], [file('a', 2)]],
    ['a#2', 'b#1'],
  ],
  ['a link keeps its inode when its target is hidden', [[file('a', 1)], [hardlink('b', 'a'), file('.wh.a')]], ['b#1']],
  [
    'a link means the file of that moment, not a later one',
    [[file('a', 1)], [hardlink('b', 'a'), file('a', 2)]],
    ['a#2', 'b#1'],
  ],
  ['a file in the place of a waiting link wins', [[hardlink('b', 'a'), file('b', 7), file('a')]], ['a', 'b#7']],
  ['a link in the place of a file wins', [[file('b', 7)], [file('a'), hardlink('b', 'a')]], ['a', 'b =a']],
  ['a waiting link hides what was in its place', [[file('b', 7)], [hardlink('b', 'a'), file('a')]], ['a', 'b =a']],
  ['a hard link to a symlink becomes a copy', [[symlink('s', 'x'), hardlink('b', 's')]], ['b -> x', 's -> x']],
  ['a link to itself changes nothing', [[file('a', 3), hardlink('a', 'a')]], ['a#3']],
  [
    'a path through a symlink ends where the link leads',
    [[directory('usr/lib/'), symlink('lib', 'usr/lib')], [file('lib/x')]],
    ['lib -> usr/lib', 'usr/', 'usr/lib/', 'usr/lib/x'],
  ],
  [
    'an absolute symlink is followed inside the root',
    [[directory('t/'), symlink('d/s', '/t')], [file('d/s/x')]],
    ['d/', 'd/s -> /t', 't/', 't/x'],
  ],
  [
    'no symlink leads out of the root',
    [[symlink('s', '../../../etc')], [file('s/x')]],
    ['etc/', 'etc/x', 's -> ../../../etc'],
  ],
  [
    'a whiteout through a symlink hides where the link leads',
    [[file('t/x'), symlink('s', 't')], [file('s/.wh.x')]],
    ['s -> t', 't/'],
  ],
  [
    'an opaque marker does not hide what came through a symlink',
    [
      [file('t/old'), symlink('s', 't')],
      [file('s/new'), file('t/.wh..wh..opq')],
    ],
    ['s -> t', 't/', 't/new'],
  ],
  [
    'reserved names are left out',
    [[file('.wh.'), file('.wh..wh.plnk'), directory('.wh..wh.aufs/'), file('.wh..wh.aufs/x'), file('a')]],
    ['a'],
  ],
];

for (const [title, layers, expected] of CASES) {
  test(title, () => {
    assert.deepEqual(render(merge(layers)), expected);
  });
}

const REFUSED: readonly (readonly [string, readonly (readonly Item[])[], RegExp])[] = [
  ['".." in a path', [[file('a/../b')]], /"a\/\.\.\/b": "\.\." in a path/],
  ['".." at the start of a path', [[file('../b')]], /"\.\." in a path/],
  ['".." in the target of a hard link', [[file('a'), hardlink('b', '../a')]], /"\.\." in a path/],
  ['a whiteout of ".."', [[file('d/.wh...')]], /hides \.\./],
  ['a hard link to nothing', [[hardlink('b', 'a')]], /"b": a hard link to "a", which is nowhere/],
  ['a hard link to what was hidden before', [[file('a')], [file('.wh.a'), hardlink('b', 'a')]], /nowhere/],
  ['hard links in a circle', [[hardlink('a', 'b'), hardlink('b', 'a')]], /nowhere/],
  ['a hard link to itself and nothing else', [[hardlink('a', 'a')]], /nowhere/],
  ['a hard link to a directory', [[directory('d/'), hardlink('b', 'd')]], /hard link to a directory/],
  ['a hard link to a directory that comes later', [[hardlink('b', 'd'), directory('d/')]], /hard link to a directory/],
  ['a hard link to the root', [[hardlink('b', '/')]], /hard link to the root/],
  ['a path through a file', [[file('a')], [file('a/b')]], /"a" on the way is a file/],
  ['symlinks in a circle', [[symlink('a', 'b'), symlink('b', 'a'), file('a/x')]], /more than 40 symbolic links/],
  ['a root that is no directory', [[file('/')]], /root of a layer is a file/],
];

for (const [title, layers, message] of REFUSED) {
  test(`refuses ${title}`, () => {
    assert.throws(() => merge(layers), { code: 'malformed', message });
  });
}

test('refuses names that no file system has', () => {
  assert.throws(() => merge([[file('x'.repeat(256))]]), { code: 'limit' });
  assert.throws(() => merge([[file(`${'x'.repeat(256)}/y`)]]), { code: 'limit' });
  assert.throws(() => merge([[symlink('s', 'x'.repeat(256)), file('s/y')]]), { code: 'limit' });
  assert.deepEqual(render(merge([[file('x'.repeat(255))], [file(`.wh.${'x'.repeat(255)}`)]])), []);
});

test('refuses more entries than the limit', () => {
  const many = Array.from({ length: 1001 }, (_, i) => file(`f${i}`));
  assert.throws(() => merge([many]), { code: 'limit' });
});

test('the root takes its metadata from an entry, and is 0755 without one', () => {
  const withEntry = merge([[directory('./', { mode: 0o700, uid: 3, mtimeSeconds: 99 })]]);
  assert.deepEqual([withEntry.mode, withEntry.uid, withEntry.mtimeSeconds], [0o700, 3, 99]);
  const without = merge([[file('a')]]);
  assert.deepEqual([without.mode, without.uid, without.mtimeSeconds], [0o755, 0, 0]);
});

test('a parent without an entry is 0755, owned by root, from 1970; a later entry corrects it', () => {
  const implicit = merge([[file('d/a')]]).children.get('d');
  assert.deepEqual([implicit?.mode, implicit?.uid, implicit?.mtimeSeconds], [0o755, 0, 0]);
  const explicit = merge([[file('d/a'), directory('d/', { mode: 0o711, mtimeSeconds: 5 })]]).children.get('d');
  assert.deepEqual([explicit?.mode, explicit?.mtimeSeconds], [0o711, 5]);
});

test('keeps the five namespaces of extended attributes and counts what it drops', () => {
  const value = new Uint8Array([1]);
  const names = [
    'user.a',
    'trusted.b',
    'security.capability',
    'system.posix_acl_access',
    'system.posix_acl_default',
    'system.nfs4_acl',
    'com.apple.quarantine',
    'hardlink3',
    'trusted.overlay.opaque',
    'user.overlay.redirect',
  ];
  const warnings = new Warnings();
  const root = merge([[{ path: 'x', xattrs: new Map(names.map(name => [name, value])) }]], warnings);
  assert.deepEqual([...(root.children.get('x')?.xattrs.keys() ?? [])], names.slice(0, 5));
  assert.deepEqual(
    warnings.list().map(({ kind, count, example }) => [kind, count, example]),
    [
      ['overlay-xattr-dropped', 2, '"x"'],
      ['xattr-dropped', 3, '"x"'],
    ],
  );
});

test('a later directory entry replaces extended attributes too', () => {
  const xattrs = new Map([['user.a', new Uint8Array([1])]]);
  const root = merge([[directory('d/', { xattrs })], [directory('d/')]]);
  assert.equal(root.children.get('d')?.xattrs.size, 0);
});

test('a 0:0 character device hides what is below, as it does in overlayfs, and is told', () => {
  const warnings = new Warnings();
  const device: Item = { path: 'a', kind: 'char' };
  assert.deepEqual(render(merge([[file('a'), file('b')], [device]], warnings)), ['b']);
  assert.deepEqual(
    warnings.list().map(({ kind }) => kind),
    ['whiteout-device-skipped'],
  );
  assert.deepEqual(render(merge([[{ path: 'tty', kind: 'char', major: 5, minor: 0 }]])), ['tty (char)']);
});

test('a chain of hard links in the worst order takes no more than linear time', () => {
  const overlay = new Overlay({ warnings: new Warnings(), maxEntries: 200_000 });
  const count = 50_000;
  for (let i = count; i > 0; i--) overlay.add(entryOf(hardlink(`l${i}`, `l${i - 1}`)), CHUNKS);
  overlay.add(entryOf(file('l0')), CHUNKS);
  overlay.endLayer();
  assert.equal(new Set(overlay.root.children.values()).size, 1);
  assert.equal(overlay.root.children.size, count + 1);
});

test('a path of two thousand directories is no problem of depth', () => {
  const path = 'd/'.repeat(2000);
  assert.equal(render(merge([[file(`${path}x`)], [file('.wh.d'), file('y')]])).join(), 'y');
});

test('paths that imply more directories than any image has are refused', () => {
  const overlay = new Overlay({ warnings: new Warnings(), maxEntries: 1_000_000 });
  const deep = 'a/'.repeat(2000);
  assert.throws(
    () => {
      for (let index = 0; index < 100; index++) overlay.add(entryOf(file(`${index}/${deep}file`)), CHUNKS);
    },
    error => isShoalError(error, 'limit'),
  );
});

test('a second opaque marker in one layer changes nothing, whatever came between', () => {
  const layers = [
    [directory('d/'), file('d/lower')],
    [file('d/.wh..wh..opq'), file('d/mine'), directory('d/sub/'), file('d/sub/x'), file('d/.wh..wh..opq')],
    [file('d/.wh..wh..opq'), file('d/last')],
  ];
  assert.deepEqual(render(merge(layers.slice(0, 2))), ['d/', 'd/mine', 'd/sub/', 'd/sub/x']);
  assert.deepEqual(render(merge(layers)), ['d/', 'd/last']);
});
