// One tree with everything that a file system can hold and a format can get wrong.

import { createHash } from 'node:crypto';
import type { DirectoryNode, TreeNode } from '../../../image/index.ts';
import type { ImageBuilder } from './image-builder.ts';
import { attributes, directory, symlink } from './image-builder.ts';

/** Deterministic bytes that do not compress. */
export function noise(length: number, seed: string): Buffer {
  const parts: Buffer[] = [];
  for (let part = 0; part * 32 < length; part++) parts.push(createHash('sha256').update(`${seed} ${part}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

/** An access list of owner rw-, user 1000 r--, group r--, mask r--, others r--: consistent with mode 0644. */
const ACL = bytesOf('0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000400ffffffff');
/** The same as a default list of a directory. */
const DEFAULT_ACL = ACL;
/** CAP_NET_RAW, effective and permitted, revision 2. */
const CAPABILITY = bytesOf('0100000200200000000000000000000000000000');

/** Fills the builder with two blobs of content. */
export function richTree(builder: ImageBuilder): DirectoryNode {
  const { chunkSize } = builder;
  const program = builder.file(noise(2 * chunkSize + 12345, 'program'), { mode: 0o4755 });
  const linked = builder.file('one file, three names\n', { uid: 1000, gid: 1000 });
  const many: Record<string, TreeNode> = {};
  for (let i = 0; i < 920; i++) many[`file-${String(i).padStart(4, '0')}`] = builder.file(`${i % 7}\n`);
  builder.unusedChunk(noise(5000, 'replaced by a later layer'));
  builder.nextBlob();
  const shared = builder.file(noise(2 * chunkSize + 12345, 'program')); // deduplicated against the first blob
  const mixed = builder.file(
    Buffer.concat([noise(chunkSize, 'mixed'), noise(chunkSize, 'program').subarray(0, chunkSize), noise(7, 'end')]),
  );
  return directory(
    {
      bin: directory({ program, 'link to program': symlink('program', { mtimeSeconds: 5 }) }, { mode: 0o2755 }),
      many: directory(many, { mode: 0o1777 }),
      names: directory({
        ...beforeDot(builder),
        ['n'.repeat(255)]: builder.file('255'),
        ['d'.repeat(255)]: directory({ ['e'.repeat(255)]: builder.file('deep') }),
        [byteName('grüße 東京 🐟')]: builder.file('utf-8'),
        '\xff\xfe not utf-8 \x80': builder.file('bytes'),
        'with\nnewline and \\ backslash': builder.file('odd'),
        '...': builder.file('three dots'),
        '..a': directory(),
      }),
      links: directory({ a: linked, b: linked, 'in a folder': directory({ c: linked }) }),
      symlinks: directory({
        short: symlink('a'),
        'tail 3901': symlink('s'.repeat(3901)),
        'block 4091': symlink('t'.repeat(4091)),
        absolute: symlink('/etc/nowhere'),
        'not utf-8': symlink('\xf0\x01\x80'),
      }),
      special: directory({
        null: { kind: 'char', ...attributes({ mode: 0o666 }), major: 1, minor: 3 },
        'large numbers': { kind: 'block', ...attributes({ mode: 0o640, gid: 6 }), major: 300, minor: 70000 },
        fifo: { kind: 'fifo', ...attributes({ mode: 0o600 }) },
        socket: { kind: 'socket', ...attributes({ mode: 0o755 }) },
      }),
      times: directory({
        negative: builder.file('old', { mtimeSeconds: -1_000_000 }),
        'negative with fraction': builder.file('old', { mtimeSeconds: -2, mtimeNanoseconds: 250_000_000 }),
        nanoseconds: builder.file('fine', { mtimeNanoseconds: 123_456_789 }),
        'after 2038': builder.file('late', { mtimeSeconds: 4_000_000_000 }),
        'fine folder': directory({}, { mtimeSeconds: 1, mtimeNanoseconds: 1 }),
      }),
      sizes: directory({
        empty: builder.file(''),
        'one byte': builder.file('x'),
        block: builder.file(noise(4096, 'block')),
        'block and one': builder.file(noise(4097, 'block and one')),
        chunk: builder.file(noise(chunkSize, 'chunk')),
        'two chunks': builder.file(noise(2 * chunkSize, 'two chunks')),
        zeros: builder.file(Buffer.alloc(3 * chunkSize + 1)),
        shared,
        mixed,
      }),
      xattrs: directory(xattrNodes(builder)),
      empty: directory({}, { uid: 4_000_000_000, gid: 3_000_000_000, mode: 0 }),
    },
    { mtimeSeconds: 1_600_000_000, mtimeNanoseconds: 42 },
  );
}

/** Names that stand before `.` in byte order. */
function beforeDot(builder: ImageBuilder): Record<string, TreeNode> {
  const names = [' ', '!', '#', '+', '-', '\x01', '-rf', '.a', '-'.repeat(200)];
  return Object.fromEntries(names.map(name => [name, builder.file(`name ${name.length}`)]));
}

function byteName(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function xattrNodes(builder: ImageBuilder): Record<string, TreeNode> {
  return {
    all: builder.file('attributes', {
      xattrs: new Map([
        ['user.short', bytesOf('01')],
        ['user.empty', new Uint8Array()],
        [`user.${'n'.repeat(240)}`, bytesOf('0203')],
        ['trusted.hidden', Buffer.from('value')],
        ['security.capability', CAPABILITY],
        ['system.posix_acl_access', ACL],
      ]),
    }),
    'many bytes': builder.file('large', { xattrs: new Map([['user.large', noise(3000, 'xattr')]]) }),
    folder: directory(
      { inside: builder.file('x') },
      {
        xattrs: new Map([
          ['system.posix_acl_default', DEFAULT_ACL],
          ['user.a', bytesOf('00')],
        ]),
      },
    ),
    'link with attribute': symlink('s'.repeat(2000), { xattrs: new Map([['trusted.link', noise(1900, 'link')]]) }),
    'folder whose tail does not fit': directory(
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`entry ${i} ${'x'.repeat(20)}`, directory()])),
      { xattrs: new Map([['user.b', noise(2500, 'b')]]) },
    ),
  };
}
