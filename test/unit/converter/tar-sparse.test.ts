import assert from 'node:assert/strict';
import { test } from 'node:test';
import { padded, paxMember, tarHeader, tarMember } from '../../support/tar-bytes.ts';
import { readArchive } from './read-archive.ts';

// A file of 10 000 bytes: a hole, 512 bytes of 'a', a hole, 100 bytes of 'b', a hole.
const EXPECTED = Buffer.alloc(10_000);
EXPECTED.fill('a', 1024, 1536);
EXPECTED.fill('b', 8192, 8292);
const STORED = Buffer.concat([EXPECTED.subarray(1024, 1536), EXPECTED.subarray(8192, 8292)]);
const RANGES: readonly (readonly [number, number])[] = [
  [1024, 512],
  [8192, 100],
  [10_000, 0],
];

function oldHeader(
  ranges: readonly (readonly [number, number])[],
  realSize: number,
  stored: number,
  more: boolean,
): Buffer {
  const patch = (block: Buffer) => {
    block.write('ustar  \0', 257, 'latin1');
    ranges.forEach(([offset, length], i) => {
      block.write(
        `${offset.toString(8).padStart(11, '0')}\0${length.toString(8).padStart(11, '0')}\0`,
        386 + 24 * i,
        'latin1',
      );
    });
    block[482] = more ? 1 : 0;
    block.write(`${realSize.toString(8).padStart(11, '0')}\0`, 483, 'latin1');
  };
  return tarHeader({ path: 'sparse', type: 'S', patch }, stored);
}

function oldExtension(ranges: readonly (readonly [number, number])[], more: boolean): Buffer {
  const block = Buffer.alloc(512);
  ranges.forEach(([offset, length], i) => {
    block.write(`${offset.toString(8).padStart(11, '0')}\0${length.toString(8).padStart(11, '0')}\0`, 24 * i, 'latin1');
  });
  block[504] = more ? 1 : 0;
  return block;
}

function check(archive: Buffer): void {
  for (const pieceSize of [1, 100, 512, archive.length]) {
    const entries = readArchive(Buffer.concat([archive, tarMember({ path: 'next', content: 'n' })]), { pieceSize });
    assert.deepEqual(
      entries.map(({ path, size }) => [path, size]),
      [
        ['sparse', 10_000],
        ['next', 1],
      ],
    );
    assert.ok(entries[0]?.content.equals(EXPECTED));
  }
}

test('expands an old GNU sparse file', () => {
  check(Buffer.concat([oldHeader(RANGES, 10_000, STORED.length, false), padded(STORED)]));
});

test('expands an old GNU sparse file with extension headers', () => {
  const many = Array.from({ length: 30 }, (_, i) => [i * 1024, 1] as const);
  const expected = Buffer.alloc(40_000);
  for (const [offset] of many) expected[offset] = 0x78;
  const archive = Buffer.concat([
    oldHeader(many.slice(0, 4), 40_000, many.length, true),
    oldExtension(many.slice(4, 25), true),
    oldExtension(many.slice(25), false),
    padded(Buffer.alloc(many.length, 'x')),
  ]);
  for (const pieceSize of [1, 512, archive.length]) {
    assert.ok(readArchive(archive, { pieceSize })[0]?.content.equals(expected));
  }
});

test('expands pax sparse format 0.0', () => {
  const pairs = RANGES.map(([offset, length]) => [
    ['GNU.sparse.offset', String(offset)],
    ['GNU.sparse.numbytes', String(length)],
  ]);
  // The keys repeat, so the records are put together one by one.
  const body = [['GNU.sparse.size', '10000'], ['GNU.sparse.numblocks', '3'], ...pairs.flat()]
    .map(([key = '', value = '']) => paxMember({ [key]: value }))
    .map(member => member.subarray(512, 512 + Number.parseInt(member.toString('latin1', 124, 135), 8)));
  const header = tarHeader({ path: 'pax', type: 'x' }, Buffer.concat(body).length);
  check(
    Buffer.concat([header, padded(Buffer.concat(body)), tarHeader({ path: 'sparse' }, STORED.length), padded(STORED)]),
  );
});

test('expands pax sparse format 0.1', () => {
  const records = {
    'GNU.sparse.size': '10000',
    'GNU.sparse.numblocks': '3',
    'GNU.sparse.name': 'sparse',
    'GNU.sparse.map': RANGES.flat().join(','),
  };
  check(
    Buffer.concat([paxMember(records), tarHeader({ path: 'GNUSparseFile.1/sparse' }, STORED.length), padded(STORED)]),
  );
});

test('expands pax sparse format 1.0', () => {
  const records = {
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.name': 'sparse',
    'GNU.sparse.realsize': '10000',
  };
  const map = padded(Buffer.from(`${[RANGES.length, ...RANGES.flat()].join('\n')}\n`));
  const data = Buffer.concat([map, STORED]);
  check(Buffer.concat([paxMember(records), tarHeader({ path: 'GNUSparseFile.1/sparse' }, data.length), padded(data)]));
});

test('a file that is one hole has no ranges at all', () => {
  const pax = Buffer.concat([
    paxMember({ 'GNU.sparse.size': '5000', 'GNU.sparse.numblocks': '0' }),
    tarHeader({ path: 'h' }, 0),
  ]);
  const old = oldHeader([], 5000, 0, false);
  for (const archive of [pax, old]) {
    const [entry] = readArchive(archive);
    assert.deepEqual(entry?.content, Buffer.alloc(5000));
  }
});

const WRONG_MAPS: readonly (readonly [string, string, number])[] = [
  ['ranges that overlap', '0,100,50,100', 200],
  ['ranges that go back', '512,10,0,10', 20],
  ['a range beyond the end', '9999,2', 2],
  ['more data than is stored', '0,100', 50],
  ['less data than is stored', '0,100', 150],
  ['a range without a length', '0,100,200', 100],
  ['something that is no number', '0,x', 100],
  ['a negative number', '-1,100', 100],
];

for (const [what, map, stored] of WRONG_MAPS) {
  test(`refuses a sparse map with ${what}`, () => {
    const archive = Buffer.concat([
      paxMember({ 'GNU.sparse.size': '10000', 'GNU.sparse.map': map }),
      tarHeader({ path: 's' }, stored),
      padded(Buffer.alloc(stored)),
    ]);
    assert.throws(() => readArchive(archive), { code: 'malformed' });
  });
}

test('refuses a 1.0 map that is cut off, no list of numbers, or announces too many ranges', () => {
  const records = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '100' };
  const withMap = (map: string, size = padded(Buffer.from(map)).length) =>
    Buffer.concat([paxMember(records), tarHeader({ path: 's' }, size), padded(Buffer.from(map))]);
  assert.throws(() => readArchive(withMap('3\n0\n1\n')), { code: 'malformed' });
  assert.throws(() => readArchive(withMap('1\nzero\n1\n')), { code: 'malformed' });
  assert.throws(() => readArchive(withMap('1\n0\n1\n', 100)), { code: 'malformed' });
  assert.throws(() => readArchive(withMap('99999999\n')), { code: 'limit' });
  assert.throws(() => readArchive(withMap(`${'9'.repeat(17)}\n`)), { code: 'malformed' });
});

test('a huge hole is one event, and files beyond the limit are refused', () => {
  const sparse = (size: number) =>
    Buffer.concat([paxMember({ 'GNU.sparse.size': String(size), 'GNU.sparse.map': '' }), tarHeader({ path: 's' }, 0)]);
  assert.equal(readArchive(sparse(2 ** 40))[0]?.size, 2 ** 40);
  assert.throws(() => readArchive(sparse(2 ** 40 + 1)), { code: 'limit' });
});
