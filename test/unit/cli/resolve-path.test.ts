// Paths inside an image: links lead where they would lead a process with the image as its root, and nowhere else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSteps, creatorOf } from '../../../cli/inspect/history.ts';
import { modeText } from '../../../cli/inspect/kinds.ts';
import { resolvePath, type TreeView } from '../../../cli/inspect/resolve-path.ts';
import { type Descriptor, digestFromHex } from '../../../core/index.ts';

/** A directory is an object, a link a string, a file null. */
type Node = { readonly [name: string]: Node } | string | null;

function view(root: Node): TreeView<Node> {
  const isDirectory = (node: Node) => typeof node === 'object' && node !== null;
  return {
    root,
    isDirectory,
    child: (directory, name) =>
      typeof directory === 'object' && directory !== null && Object.hasOwn(directory, name)
        ? directory[name]
        : undefined,
    target: node => (typeof node === 'string' ? node : undefined),
  };
}

const TREE = view({
  etc: { passwd: null, alias: 'passwd', outside: '../../../../etc/passwd', loop: 'loop' },
  lib: '/usr/lib',
  usr: { lib: { 'libc.so': null, up: '../../etc' } },
  'caf\xc3\xa9': null,
});

const FOUND: readonly (readonly [string, boolean, string])[] = [
  ['/', false, '/'],
  ['', false, '/'],
  ['etc/passwd', false, '/etc/passwd'],
  ['/etc//./passwd', false, '/etc/passwd'],
  ['/etc/alias', false, '/etc/alias'],
  ['/etc/alias', true, '/etc/passwd'],
  ['/lib/libc.so', false, '/usr/lib/libc.so'],
  ['/lib', false, '/lib'],
  ['/lib/', false, '/usr/lib'],
  ['/lib/up/passwd', false, '/etc/passwd'],
  ['/etc/outside', true, '/etc/passwd'],
  ['/../../etc/../etc/passwd', false, '/etc/passwd'],
  ['/café', false, '/café'],
];
for (const [path, follow, expected] of FOUND) {
  test(`${JSON.stringify(path)}${follow ? ', followed,' : ''} is ${expected}`, () => {
    assert.equal(resolvePath(TREE, path, { follow }).path, expected);
  });
}

test('a name that is missing, a file on the way and links in a circle are refused by name', () => {
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['/lib/libd.so', 'not-found', /has no \/usr\/lib\/libd\.so/],
    ['/etc/passwd/x', 'not-found', /\/etc\/passwd is no directory/],
    ['/etc/passwd/', 'not-found', /\/etc\/passwd is no directory/],
    ['/etc/loop', 'malformed', /more than 40 symbolic links/],
  ];
  for (const [path, code, message] of refused) {
    assert.throws(() => resolvePath(TREE, path, { follow: true }), { code, message });
  }
});

const layer = (digit: string): Descriptor => ({ mediaType: 'x', digest: digestFromHex(digit.repeat(64)), size: 1 });

test('each step that made a layer is shown with it; steps that made none are not', () => {
  const history = [{ created_by: 'ADD' }, { created_by: 'ENV', empty_layer: true }, { created_by: 'RUN' }];
  const layers = [layer('a'), layer('b')];
  const { steps, fits } = buildSteps(history, layers);
  assert.equal(fits, true);
  assert.deepEqual(
    steps.map(step => [step.createdBy, step.layer]),
    [
      ['ADD', layers[0]],
      ['ENV', undefined],
      ['RUN', layers[1]],
    ],
  );
  assert.equal(creatorOf(history, layers, 1), 'RUN');
});

test('a history that does not fit says nothing about layers, and no layer is lost', () => {
  const layers = [layer('a'), layer('b')];
  const { steps, fits } = buildSteps([{ created_by: 'ADD' }], layers);
  assert.equal(fits, false);
  assert.deepEqual(
    steps.map(step => step.layer),
    [undefined, ...layers],
  );
  assert.equal(creatorOf([{ created_by: 'ADD' }], layers, 0), undefined);
});

test('modes look as ls shows them', () => {
  assert.equal(modeText(0o104755), '-rwsr-xr-x');
  assert.equal(modeText(0o102644), '-rw-r-Sr--');
  assert.equal(modeText(0o041777), 'drwxrwxrwt');
  assert.equal(modeText(0o120777), 'lrwxrwxrwx');
});
