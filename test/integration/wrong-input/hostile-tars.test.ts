// Layers whose tar tries to get out, to go on for ever, or to be larger than everything.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import { paxMember, rawMember, type TarItem, tarHeader, tarMember, tarOf } from '../../support/tar-bytes.ts';
import { plainImage } from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

function convert(tar: readonly TarItem[] | Uint8Array): WrongInput['command'] {
  return async place => ['convert', (await plainImage(place, tar)).reference, `oci:${place.path('out')}:app`];
}

const END = Buffer.alloc(1024);
const BOMB_BYTES = 256 << 20;
const ZSTD_LAYER = 'application/vnd.oci.image.layer.v1.tar+zstd';

/** A file of 1 GiB and a little of zeros, as one zstd frame for each piece: some kilobytes, and made in a moment. */
function bomb(): Buffer {
  const [piece, pieces] = [new Uint8Array(1 << 20), 1040];
  const frame = zstdCompressSync(piece);
  const header = zstdCompressSync(tarHeader({ path: 'zeros' }, pieces * piece.length));
  return Buffer.concat([header, ...Array.from({ length: pieces }, () => frame), zstdCompressSync(END)]);
}

/** 39 paths of 2030 directories, each through a symbolic link to the end of the one before: 79 000 deep. */
function deepThroughLinks(): Buffer {
  const chain = 'd/'.repeat(2030);
  const items: TarItem[] = [{ path: 'l0', type: 'symlink', target: '.' }];
  for (let i = 0; i < 39; i++) {
    items.push({ path: `l${i}/${chain}l${i + 1}`, type: 'symlink', target: '.' });
    // The next link stands in the root and leads to the end of this chain.
    items.push({ path: `l${i + 1}`, type: 'symlink', target: `l${i}/${chain.slice(0, -1)}` });
  }
  return tarOf(items);
}

/** What a wrong input may do to the image, when it is converted: unpacked, and looked at. */
function unpacked(look: (root: string) => void): Pick<WrongInput, 'code' | 'message' | 'after' | 'left'> {
  return {
    code: 0,
    message: /^(shoal: warn: .*)?$/,
    after: async (place: Place) => {
      await place.ok('check', `oci:${place.path('out')}:app`);
      await place.ok('unpack', `oci:${place.path('out')}:app`, place.path('tree'));
      look(place.path('tree'));
    },
    left: { words: 'the image: everything stays inside it', lines: /^new file (out|tree)\b/ },
  };
}

const OUT: readonly WrongInput[] = [
  {
    name: 'a path with ".."',
    command: convert([{ path: 'a/../../etc/passwd', content: 'evil' }]),
    code: 65,
    message: /layer 1 of 1 \(sha256:HEX\): "a\/\.\.\/\.\.\/etc\/passwd": "\.\." in a path/,
  },
  {
    name: 'a path of nothing but ".."',
    command: convert([{ path: '..', type: 'directory' }]),
    code: 65,
    message: /layer 1 of 1 \(sha256:HEX\): "\.\.": "\.\." in a path/,
  },
  {
    name: 'a hard link out of the root',
    command: convert([{ path: 'link', type: 'hardlink', target: '../../etc/passwd' }]),
    code: 65,
    message: /"\.\.\/\.\.\/etc\/passwd": "\.\." in a path/,
  },
  {
    name: 'a hard link to a file that the image does not have',
    command: convert([{ path: 'link', type: 'hardlink', target: '/etc/passwd' }]),
    code: 65,
    message: /"link": a hard link to .*"\/?etc\/passwd"/,
  },
  {
    name: 'a hard link to a directory',
    command: convert([{ path: 'd/' }, { path: 'link', type: 'hardlink', target: 'd' }]),
    code: 65,
    message: /"link": a hard link to a directory/,
  },
  {
    name: 'a hard link to itself',
    command: convert([{ path: 'link', type: 'hardlink', target: 'link' }]),
    code: 65,
    message: /"link": a hard link to/,
  },
  {
    name: 'a whiteout that hides ".."',
    command: convert([{ path: 'd/.wh...', content: '' }]),
    code: 65,
    message: /"d\/\.wh\.\.\.": hides \.\./,
  },
  {
    name: 'a path with a NUL',
    command: convert(Buffer.concat([paxMember({ path: 'a\0b' }), tarMember({ path: 'x' }), END])),
    code: 65,
    message: /NUL/,
  },
  {
    name: 'a directory on the way that is a file',
    command: convert([
      { path: 'a', content: 'file' },
      { path: 'a/b', content: 'x' },
    ]),
    code: 65,
    message: /"a\/b": "a" on the way is a file, not a directory/,
  },
  {
    name: 'symbolic links on the way that go in circles',
    command: convert([
      { path: 'a', type: 'symlink', target: 'b' },
      { path: 'b', type: 'symlink', target: 'a' },
      { path: 'a/file', content: 'x' },
    ]),
    code: 65,
    message: /"a\/file": more than 40 symbolic links on the way/,
  },
  {
    name: 'an absolute path',
    command: convert([{ path: '/etc/passwd', content: 'inside\n' }]),
    ...unpacked(root => assert.equal(readFileSync(`${root}/etc/passwd`, 'utf8'), 'inside\n')),
  },
  {
    name: 'a path through a symbolic link out of the root',
    command: convert([
      { path: 'out', type: 'symlink', target: '../../../tmp' },
      { path: 'out/shoal-was-here', content: 'inside\n' },
    ]),
    ...unpacked(root => {
      assert.equal(readFileSync(`${root}/tmp/shoal-was-here`, 'utf8'), 'inside\n');
      assert.ok(!existsSync('/tmp/shoal-was-here'));
    }),
  },
];

const ENDLESS: readonly WrongInput[] = [
  {
    name: 'a path 100 000 directories deep, in a pax header',
    command: convert([{ path: `${'d/'.repeat(100_000)}x`, content: 'x' }]),
    code: 72,
    message: /a path of 200001 bytes; at most 4095/,
  },
  {
    name: 'a path 100 000 directories deep, in a GNU header',
    command: convert(Buffer.concat([rawMember('x', 'L', 'd/'.repeat(100_000)), tarMember({ path: 'x' }), END])),
    code: 72,
    message: /an extended header of 200000 bytes; at most/,
  },
  {
    name: 'directories 79 000 deep, by paths through symbolic links',
    command: convert(deepThroughLinks()),
    code: 72,
    message: /\/d\/d\/.*: a path of 65538 bytes; at most 65536 are followed/,
  },
  {
    name: 'a name of 300 bytes',
    command: convert([{ path: 'n'.repeat(300), content: 'x' }]),
    code: 72,
    message: /a name of 300 bytes; at most 255/,
  },
  {
    name: 'a symbolic link with a target of 5000 bytes',
    command: convert([{ path: 'l', type: 'symlink', target: 't/'.repeat(2500) }]),
    code: 72,
    message: /a link target of 5000 bytes; at most 4095/,
  },
  {
    name: 'a file that says 2^40 + 1 bytes',
    command: convert(tarHeader({ path: 'huge' }, 2 ** 40 + 1)),
    code: 72,
    message: /1099511627777 bytes; at most 1099511627776/,
  },
  {
    name: 'a file that says 2^40 bytes and has none',
    command: convert(tarHeader({ path: 'huge' }, 2 ** 40)),
    code: 65,
    message: /tar archive is cut off at byte 512, in the content of the entry at byte 0/,
  },
  {
    name: 'a sparse file that says 2^50 bytes',
    command: convert(
      Buffer.concat([
        paxMember({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': String(2 ** 50) }),
        tarMember({ path: 'huge', content: Buffer.concat([Buffer.from('0\n'), Buffer.alloc(510)]) }),
        END,
      ]),
    ),
    code: 72,
    message: /1125899906842624 bytes; at most 1099511627776/,
  },
  {
    name: 'a layer of a quarter of a megabyte that unpacks to 256 MiB of zeros',
    command: async place => [
      '--json',
      ...(await convert([{ path: 'zeros', content: Buffer.alloc(BOMB_BYTES) }])(place)),
    ],
    code: 0,
    message: /^$/,
    after: async (place, { stdout }) => {
      const { peakRssBytes, totals } = JSON.parse(stdout) as { peakRssBytes: number; totals: { blobBytes: number } };
      assert.ok(peakRssBytes < 512 << 20, `took ${peakRssBytes} bytes of memory`);
      assert.ok(totals.blobBytes < 1 << 20, `a blob of ${totals.blobBytes} bytes`);
      await place.ok('check', `oci:${place.path('out')}:app`);
    },
    left: { words: 'the image: a few kilobytes', lines: /^new file out\b/ },
  },
  {
    name: 'a layer of some 50 KB that unpacks to more than 1 GiB (zstd)',
    command: async place => {
      const image = await plainImage(place, [], { stored: bomb(), mediaType: ZSTD_LAYER });
      return ['convert', image.reference, `oci:${place.path('out')}:app`];
    },
    code: 72,
    message: /layer 1 of 1 \(sha256:HEX\): its \d+ bytes unpack to more than 1073741824: over 200 times as much/,
    told: 'shoal: layer 1 of 1 (sha256:HEX): its N bytes unpack to more than 1073741824: over 200 times as much (--max-ratio)',
  },
  {
    name: 'layers that unpack to more than --max-unpacked',
    command: async place => [
      ...(await convert([{ path: 'file', content: Buffer.alloc(100_000) }])(place)),
      '--max-unpacked',
      '50000',
    ],
    code: 72,
    message: /layer 1 of 1 \(sha256:HEX\): the image's layers unpack to more than 50000 bytes \(--max-unpacked\)/,
  },
  {
    name: 'a sparse file of 2^40 bytes, in chunks of 4 KiB',
    command: async place => [
      ...(await convert(
        Buffer.concat([
          paxMember({ 'GNU.sparse.size': String(2 ** 40), 'GNU.sparse.map': '0,0' }),
          tarMember({ path: 'hole' }),
          END,
        ]),
      )(place)),
      '--chunk-size',
      '4096',
    ],
    code: 72,
    message: /the image's files have more than 16777216 chunks/,
  },
  {
    name: 'extended attributes of 300 KB for one file',
    command: convert([
      {
        path: 'x',
        xattrs: Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`user.${i}`, Buffer.alloc(60_000)])),
      },
    ]),
    code: 72,
    message: /extended attributes of \d+ bytes; at most 196608 are accepted/,
  },
  {
    name: 'a file with a negative size',
    command: convert(tarHeader({ path: 'x', patch: header => header.fill(0xff, 124, 136) }, 0)),
    code: 65,
    message: /size/,
  },
  {
    name: 'an extended header that says 8 GiB',
    command: convert(tarHeader({ path: 'pax', type: 'x' }, 2 ** 33)),
    code: 72,
    message: /an extended header of 8589934592 bytes; at most 1048576/,
  },
  {
    name: 'a header with a wrong checksum',
    command: convert(Buffer.from(tarOf([{ path: 'x', content: 'y' }])).fill(0x41, 0, 1)),
    code: 65,
    message: /tar header at byte 0: .*checksum/,
  },
  {
    name: 'something that is no tar',
    command: convert(Buffer.alloc(5000, 'x')),
    code: 65,
    message: /layer 1 of 1 \(sha256:HEX\): tar header at byte 0/,
  },
  {
    name: 'a tar that is cut off',
    command: convert(tarOf([{ path: 'x', content: 'y'.repeat(2000) }]).subarray(0, 1500)),
    code: 65,
    message: /tar archive is cut off at byte 1500, in the content of the entry at byte 0/,
  },
  {
    name: 'an entry of an unknown type',
    command: convert([{ path: 'x', type: 'M' }]),
    code: 67,
    message: /layer 1 of 1 \(sha256:HEX\): .*type "M" of "x"/,
  },
  {
    name: 'a layer compressed with xz',
    command: async place => {
      const image = await plainImage(place);
      await image.replace(0, Buffer.from('fd377a585a0000000000', 'hex'));
      return ['convert', image.reference, `oci:${place.path('out')}:app`];
    },
    code: 67,
    message: /layer 1 of 1 \(sha256:HEX\): the layer is compressed with xz/,
  },
];

wrongInputs(
  {
    title: 'Hostile tars',
    about: 'Layers that try to get out of the root, to be endless, or to be larger than everything.',
  },
  [...OUT, ...ENDLESS],
);
