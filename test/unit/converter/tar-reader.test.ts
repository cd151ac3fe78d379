import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TAR_LIMITS } from '../../../converter/config.ts';
import { TarReader } from '../../../converter/tar-reader.ts';
import { padded, paxMember, rawMember, type TarItem, tarHeader, tarMember, tarOf } from '../../support/tar-bytes.ts';
import { readArchive, readWith } from './read-archive.ts';

const PIECE_SIZES = [1, 7, 511, 512, 513, 4096, undefined];

/** Reads an archive in pieces of several sizes, which must not matter, and returns the only entry. */
function only(bytes: Uint8Array) {
  const readings = PIECE_SIZES.map(pieceSize => readArchive(bytes, pieceSize === undefined ? {} : { pieceSize }));
  for (const reading of readings) assert.deepEqual(reading, readings[0]);
  const [entry, ...others] = readings[0] ?? [];
  assert.ok(entry);
  assert.deepEqual(others, []);
  return entry;
}

function end(...members: readonly Buffer[]): Buffer {
  return Buffer.concat([...members, Buffer.alloc(1024)]);
}

test('reads a ustar file with its metadata and content', () => {
  const item: TarItem = { path: 'bin/tool', content: 'abc', mode: 0o4755, uid: 12, gid: 34, mtime: 1_234_567_890 };
  assert.deepEqual(only(tarOf([item])), {
    kind: 'file',
    path: 'bin/tool',
    target: '',
    mode: 0o4755,
    uid: 12,
    gid: 34,
    size: 3,
    mtimeSeconds: 1_234_567_890,
    mtimeNanoseconds: 0,
    major: 0,
    minor: 0,
    content: Buffer.from('abc'),
  });
});

const KINDS: readonly (readonly [TarItem, string])[] = [
  [{ path: 'd/' }, 'directory'],
  [{ path: 'd', type: 'directory' }, 'directory'],
  [{ path: 'l', type: 'hardlink', target: 't' }, 'hardlink'],
  [{ path: 's', type: 'symlink', target: '../x' }, 'symlink'],
  [{ path: 'c', type: 'char', major: 5, minor: 1 }, 'char'],
  [{ path: 'b', type: 'block', major: 300, minor: 70_000 }, 'block'],
  [{ path: 'p', type: 'fifo' }, 'fifo'],
  [{ path: 'f', type: '7', content: 'contiguous' }, 'file'],
  [{ path: 'old', type: '\0', content: 'v7' }, 'file'],
  [{ path: 'olddir/', type: '\0' }, 'directory'],
  [{ path: 'dumped/', type: 'D', content: 'Yname\0' }, 'directory'],
];

for (const [item, kind] of KINDS) {
  test(`reads type ${JSON.stringify(item.type ?? 'by name')} of ${item.path} as a ${kind}`, () => {
    const entry = only(tarOf([item]));
    assert.equal(entry.kind, kind);
    assert.equal(entry.path, item.path);
    assert.equal(entry.target, item.target ?? '');
    assert.deepEqual([entry.major, entry.minor], [item.major ?? 0, item.minor ?? 0]);
  });
}

test('links carry no data, whatever size their header claims', () => {
  const archive = end(
    tarHeader({ path: 'l', type: 'hardlink', target: 't' }, 5000),
    tarMember({ path: 'next', content: 'x' }),
  );
  assert.deepEqual(
    readArchive(archive).map(({ path, size }) => [path, size]),
    [
      ['l', 0],
      ['next', 1],
    ],
  );
});

test('joins the prefix of a ustar name', () => {
  const header = tarHeader({ path: 'name', patch: block => block.write('some/prefix', 345, 'latin1') }, 0);
  assert.equal(only(end(header)).path, 'some/prefix/name');
});

test('a GNU header has no prefix, whatever stands there', () => {
  const patch = (block: Buffer) => {
    block.write('ustar  \0', 257, 'latin1');
    block.write('14000000000', 345, 'latin1');
  };
  assert.equal(only(end(tarHeader({ path: 'name', patch }, 0))).path, 'name');
});

test('a star header has a shorter prefix', () => {
  const patch = (block: Buffer) => {
    block.write('tar\0', 508, 'latin1');
    block.write('pre', 345, 'latin1');
    block.write('garbage', 345 + 131, 'latin1');
  };
  assert.equal(only(end(tarHeader({ path: 'name', patch }, 0))).path, 'pre/name');
});

test('a header from before ustar has neither prefix nor device numbers', () => {
  const patch = (block: Buffer) => block.fill(0x37, 257, 512);
  const entry = only(end(tarHeader({ path: 'c', type: 'char', patch }, 0)));
  assert.deepEqual([entry.path, entry.major, entry.minor], ['c', 0, 0]);
});

test('a name may fill its field without a terminator', () => {
  const path = 'x'.repeat(100);
  assert.equal(only(end(tarHeader({ path }, 0))).path, path);
});

test('names are bytes, not UTF-8', () => {
  const path = 'caf\xe9-\xff\xfe';
  assert.equal(only(tarOf([{ path }])).path, path);
  const long = `${'\xe9'.repeat(90)}/${'\xff'.repeat(90)}`;
  assert.equal(only(tarOf([{ path: long }])).path, long);
});

test('takes GNU long names and link targets', () => {
  const name = `${'n'.repeat(200)}/${'\xfc'.repeat(50)}`;
  const target = 't'.repeat(300);
  const archive = end(
    rawMember('././@LongLink', 'K', `${target}\0`),
    rawMember('././@LongLink', 'L', Buffer.from(`${name}\0`, 'latin1')),
    tarMember({ path: 'short', type: 'symlink', target: 'short' }),
  );
  const entry = only(archive);
  assert.deepEqual([entry.path, entry.target], [name, target]);
});

test('long names belong to one entry only', () => {
  const archive = end(rawMember('x', 'L', 'long\0'), tarMember({ path: 'a' }), tarMember({ path: 'b' }));
  assert.deepEqual(
    readArchive(archive).map(({ path }) => path),
    ['long', 'b'],
  );
});

test('pax overrides name, target, owner, size and time', () => {
  const records = { path: 'p/q', uid: '4294967295', gid: '70000', mtime: '1700000000.123456789', size: '3' };
  const archive = end(paxMember(records), tarHeader({ path: 'x' }, 0), padded(Buffer.from('abc')));
  const entry = only(archive);
  assert.deepEqual(
    [entry.path, entry.uid, entry.gid, entry.mtimeSeconds, entry.mtimeNanoseconds, String(entry.content)],
    ['p/q', 0xffffffff, 70_000, 1_700_000_000, 123_456_789, 'abc'],
  );
  const link = only(end(paxMember({ linkpath: 'far' }), tarMember({ path: 'l', type: 'symlink', target: 'near' })));
  assert.equal(link.target, 'far');
});

const TIMES: readonly (readonly [string, number, number])[] = [
  ['0', 0, 0],
  ['1.5', 1, 500_000_000],
  ['1.', 1, 0],
  ['-1.5', -2, 500_000_000],
  ['-2', -2, 0],
  ['-0.000000001', -1, 999_999_999],
  ['7.1234567899', 7, 123_456_789],
];

for (const [text, seconds, nanoseconds] of TIMES) {
  test(`a pax time of ${text} is ${seconds} s and ${nanoseconds} ns`, () => {
    const entry = only(end(paxMember({ mtime: text }), tarMember({ path: 'x' })));
    assert.deepEqual([entry.mtimeSeconds, entry.mtimeNanoseconds], [seconds, nanoseconds]);
  });
}

test('an empty pax value takes nothing away from the header', () => {
  const entry = only(end(paxMember({ path: '', uid: '', mtime: '' }), tarMember({ path: 'x', uid: 7, mtime: 9 })));
  assert.deepEqual([entry.path, entry.uid, entry.mtimeSeconds], ['x', 7, 9]);
});

test('extended attributes are binary', () => {
  const value = Buffer.from([1, 0, 0, 2, 0xff, 0xfe, 0x0a, 0x3d, 0, 0]);
  const entry = only(tarOf([{ path: 'x', xattrs: { 'security.capability': value, 'user.empty': '' } }]));
  assert.deepEqual(
    [...(entry.xattrs ?? [])],
    [
      ['security.capability', new Uint8Array(value)],
      ['user.empty', new Uint8Array(0)],
    ],
  );
});

test("libarchive's base64 attributes count where there is no raw one", () => {
  const records = {
    'LIBARCHIVE.xattr.user.a%3Db': Buffer.from('first').toString('base64').replace(/=/g, ''),
    'LIBARCHIVE.xattr.user.c': Buffer.from('base64').toString('base64'),
    'SCHILY.xattr.user.c': 'raw',
  };
  const entry = only(end(paxMember(records), tarMember({ path: 'x' })));
  assert.deepEqual(
    [...(entry.xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString()]),
    [
      ['user.a=b', 'first'],
      ['user.c', 'raw'],
    ],
  );
});

test('global pax headers are read, counted when they mean something, and not applied', () => {
  const reader = new TarReader(TAR_LIMITS);
  const archive = end(
    paxMember({ comment: '0123456789abcdef' }, 'g'),
    paxMember({ path: 'not-me', uid: '99' }, 'g'),
    tarMember({ path: 'x' }),
  );
  const entries = readWith(reader, archive);
  assert.deepEqual(
    entries.map(({ path, uid }) => [path, uid]),
    [['x', 0]],
  );
  assert.equal(reader.ignoredGlobalHeaders, 1);
});

test('base-256 numbers: large, negative, and minus one', () => {
  const large = only(tarOf([{ path: 'x', uid: 3_000_000_000, mtime: 2 ** 40 }]));
  assert.deepEqual([large.uid, large.mtimeSeconds], [3_000_000_000, 2 ** 40]);
  for (const mtime of [-1, -2, -86_400 * 365 * 100])
    assert.equal(only(tarOf([{ path: 'x', mtime }])).mtimeSeconds, mtime);
});

test('numbers may be padded by spaces and end without a terminator', () => {
  const patch = (block: Buffer) => {
    block.write('   644 \0', 100, 'latin1');
    block.write('00000017', 108, 'latin1');
    block.write(' \0\0\0\0\0\0\0', 116, 'latin1');
  };
  const entry = only(end(tarHeader({ path: 'x', patch }, 0)));
  assert.deepEqual([entry.mode, entry.uid, entry.gid], [0o644, 0o17, 0]);
});

test('accepts a checksum over signed bytes', () => {
  const header = tarHeader({ path: 'caf\xe9' }, 0);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + (byte >= 0x80 ? byte - 256 : byte), 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  assert.equal(only(end(header)).path, 'caf\xe9');
});

test('an archive may end without zero blocks, with one, or with anything behind two', () => {
  const member = tarMember({ path: 'x', content: 'abc' });
  for (const tail of [Buffer.alloc(0), Buffer.alloc(512), Buffer.alloc(10_240)]) {
    assert.equal(only(Buffer.concat([member, tail])).path, 'x');
  }
  assert.equal(only(Buffer.concat([member, Buffer.alloc(1024), Buffer.from('junk')])).path, 'x');
});

test('an archive may lack the padding of its last file', () => {
  const unpadded = Buffer.concat([tarHeader({ path: 'x' }, 3), Buffer.from('abc')]);
  assert.equal(String(only(unpadded).content), 'abc');
});

test('an empty archive has no entries', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(512), Buffer.alloc(1024)])
    assert.deepEqual(readArchive(bytes), []);
});

test('a volume label is no entry', () => {
  assert.equal(only(end(rawMember('label', 'V', ''), tarMember({ path: 'x' }))).path, 'x');
});
