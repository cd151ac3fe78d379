import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawMember, type TarItem, tarHeader, tarMember, tarOf } from '../../support/tar-bytes.ts';
import { readArchive } from './read-archive.ts';

const MIB = 1 << 20;

test('a truncated archive is refused wherever it is cut inside an entry, and the offset is told', () => {
  const archive = tarOf([{ path: 'a/b', content: 'x'.repeat(700), xattrs: { 'user.a': 'b' } }]);
  const contentEnd = 512 * 3 + 700;
  for (let length = 1; length < contentEnd; length += 53) {
    assert.throws(() => readArchive(archive.subarray(0, length)), {
      code: 'malformed',
      message: /cut off at byte \d+/,
    });
  }
});

test('a size that the archive does not hold is a truncated archive', () => {
  assert.throws(() => readArchive(tarOf([{ path: 'x', content: 'abc', size: 2 ** 40 }])), {
    code: 'malformed',
    message: /cut off/,
  });
});

test('a file larger than the limit is refused at once', () => {
  assert.throws(() => readArchive(tarOf([{ path: 'x', size: 2 ** 40 + 1 }])), { code: 'limit' });
});

test('bytes that are no tar are refused', () => {
  for (const bytes of [Buffer.alloc(2048, 'x'), Buffer.alloc(10, 'x'), Buffer.from('PK\x03\x04'.padEnd(600, 'z'))]) {
    assert.throws(() => readArchive(bytes), { code: 'malformed' });
  }
});

test('a flipped bit in a header is refused', () => {
  const archive = tarOf([{ path: 'name', content: 'abc' }]);
  archive[3] = (archive[3] ?? 0) ^ 1;
  assert.throws(() => readArchive(archive), { code: 'malformed', message: /header at byte 0: the checksum/ });
});

test('a lone block of zeros between entries is refused', () => {
  const archive = Buffer.concat([tarMember({ path: 'a' }), Buffer.alloc(512), tarMember({ path: 'b' })]);
  assert.throws(() => readArchive(archive), { code: 'malformed', message: /byte 1024/ });
});

const WRONG_NUMBERS: readonly (readonly [string, number, string])[] = [
  ['mode', 100, '0000xyz\0'],
  ['uid', 108, '8888888\0'],
  ['size', 124, '0x000000010\0'],
];

for (const [what, offset, field] of WRONG_NUMBERS) {
  test(`refuses a ${what} that is no number`, () => {
    const patch = (block: Buffer) => block.write(field, offset, 'latin1');
    assert.throws(() => readArchive(tarHeader({ path: 'x', patch }, 0)), {
      code: 'malformed',
      message: new RegExp(what),
    });
  });
}

test('refuses negative and oversized base-256 numbers where they make no sense', () => {
  const field = (offset: number, length: number, bytes: readonly number[]) => (block: Buffer) =>
    block.fill(bytes[0] ?? 0, offset, offset + length).set(bytes, offset + length - bytes.length);
  const negative = Array.from({ length: 12 }, () => 0xff);
  const huge = [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  for (const bytes of [negative, huge]) {
    const archive = tarHeader({ path: 'x', patch: field(124, 12, bytes) }, 0);
    assert.throws(() => readArchive(archive), { code: 'malformed', message: /size/ });
  }
  const uid = tarHeader({ path: 'x', patch: field(108, 8, [0x80, 0, 0, 1, 0, 0, 0, 0]) }, 0);
  assert.throws(() => readArchive(uid), { code: 'malformed', message: /uid/ });
});

test('refuses device numbers that Linux does not have', () => {
  assert.throws(() => readArchive(tarOf([{ path: 'c', type: 'char', major: 4096, minor: 0 }])), { code: 'malformed' });
  assert.throws(() => readArchive(tarOf([{ path: 'c', type: 'char', major: 1, minor: 1 << 20 }])), {
    code: 'malformed',
  });
});

const UNSUPPORTED: readonly TarItem[] = [
  { path: 'continued', type: 'M' },
  { path: 'names', type: 'N' },
  { path: 'acl', type: 'A' },
  { path: 'what', type: '9' },
];

for (const item of UNSUPPORTED) {
  test(`refuses type ${item.type} by name`, () => {
    assert.throws(() => readArchive(tarOf([item])), { code: 'unsupported', message: new RegExp(item.path) });
  });
}

test('paths and link targets have limits, however they come', () => {
  const long = 'd/'.repeat(3000);
  assert.throws(() => readArchive(tarOf([{ path: long }])), { code: 'limit' });
  assert.throws(() => readArchive(tarOf([{ path: 'l', type: 'symlink', target: long }])), { code: 'limit' });
  assert.throws(() => readArchive(rawMember('x', 'L', 'd/'.repeat(50_000))), { code: 'limit' });
  assert.throws(() => readArchive(rawMember('x', 'K', 'd/'.repeat(50_000))), { code: 'limit' });
  assert.equal(readArchive(tarOf([{ path: `${'d/'.repeat(2047)}x` }]))[0]?.path.length, 4095);
});

test('extended headers have a limit, and a claimed size allocates nothing beyond it', () => {
  assert.throws(() => readArchive(tarHeader({ path: 'pax', type: 'x' }, MIB + 1)), { code: 'limit' });
  assert.throws(() => readArchive(tarHeader({ path: 'pax', type: 'g' }, 2 ** 33)), { code: 'limit' });
  assert.throws(() => readArchive(tarHeader({ path: 'pax', type: 'x' }, MIB)), {
    code: 'malformed',
    message: /cut off/,
  });
});

test('extended attributes of one entry have a limit together', () => {
  const xattrs = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`user.${i}`, Buffer.alloc(60_000)]));
  assert.throws(() => readArchive(tarOf([{ path: 'x', xattrs }])), { code: 'limit' });
});

test('a link without a target is refused', () => {
  assert.throws(() => readArchive(tarOf([{ path: 'l', type: 'symlink', target: '' }])), { code: 'malformed' });
});

const WRONG_PAX: readonly (readonly [string, string])[] = [
  ['no length', 'path=x\n'],
  ['a length of zero', '0 path=x\n'],
  ['a length beyond the header', '99 path=x\n'],
  ['a length within its own digits', '2 path=x\n'],
  ['no newline', '9 path=xy'],
  ['no equals sign', '7 path\n'],
  ['a NUL in a path', '10 path=\0\n'],
  ['a size that is no number', '12 size=1e3\n'],
  ['a negative size', '11 size=-1\n'],
  ['an owner beyond 32 bits', '18 uid=4294967296\n'],
  ['a time that is none', '13 mtime=now\n'],
  ['an attribute without a name', '20 SCHILY.xattr.=a\n'],
  ['sparse offsets out of order', '24 GNU.sparse.numbytes=1\n'],
];

for (const [what, record] of WRONG_PAX) {
  test(`refuses a pax record with ${what}`, () => {
    const fixed = /^\d+ /.test(record) && !/length|newline/.test(what) ? withLength(record) : record;
    const archive = Buffer.concat([rawMember('pax', 'x', fixed), tarMember({ path: 'x' })]);
    assert.throws(() => readArchive(archive), { code: 'malformed' });
  });
}

/** Records in the table need not count their bytes. */
function withLength(record: string): string {
  const rest = record.slice(record.indexOf(' '));
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}
