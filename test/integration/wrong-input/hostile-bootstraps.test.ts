// Bootstraps that lie under right digests: cycles, overlaps, numbers that point nowhere, names that no file can have.

import { BootstrapReader } from '../../../image/index.ts';
import { convertedImage } from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { list, READ_SHOWN, readThrough } from '../../support/wrong-input/reading.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';
import { nidOf } from '../../unit/image/reading.ts';

interface Doctored {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly reader: BootstrapReader;
}

/** Bytes of an entry in a directory and in the chunk table; where fields stand in them (docs/image-format.md §6-§8). */
const DIRENT = 12;
const CHUNK = 80;
const EXTENDED = 1152;

/** A command on the converted sample image whose bootstrap was changed. */
function on(words: 'check' | 'unpack' | 'mount', change: (image: Doctored) => void): WrongInput['command'] {
  return async place => {
    const image = await convertedImage(place);
    const bytes = await image.bootstrap();
    change({
      bytes,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
      reader: new BootstrapReader(Buffer.from(bytes)),
    });
    await image.putBootstrap(bytes);
    if (words === 'check') return ['check', '--metadata-only', image.reference];
    if (words === 'unpack') return ['unpack', image.reference, place.path('out')];
    return ['mount', '--read-deadline', '1', image.reference, place.directory('mnt')];
  };
}

/** Where a directory's entries and names stand; those of the sample image are all inline. */
function contentOf({ reader }: Doctored, path: string): { at: number; end: number } {
  const { tailOffset, size } = reader.inode(path === '' ? reader.rootNid : nidOf(reader, path));
  return { at: tailOffset, end: tailOffset + size };
}

/** Where the entry of a name stands. Entries are in byte order, `.` and `..` among them. */
function entryOf(image: Doctored, folder: string, name: string): number {
  const { at } = contentOf(image, folder);
  let index = -1;
  let found = -1;
  image.reader.readdir(folder === '' ? image.reader.rootNid : nidOf(image.reader, folder), 0, (_nid, _type, bytes) => {
    index++;
    if (Buffer.from(bytes).toString() === name) found = index;
    return found < 0;
  });
  return at + found * DIRENT;
}

/** Replaces a name, which must be of the same length. */
function rename(image: Doctored, folder: string, from: string, to: string): void {
  const { at, end } = contentOf(image, folder);
  const place = image.bytes.subarray(at, end).lastIndexOf(from);
  image.bytes.write(to, at + place, 'latin1');
}

const inodeOf = ({ reader }: Doctored, path: string) => reader.inode(nidOf(reader, path));
const chunkTable = ({ reader }: Doctored) => reader.superblock.chunkTable.offset;

/** Entry of the chunk table that describes chunk `index` of the blob. */
function chunkEntry(image: Doctored, index: number): number {
  for (let at = chunkTable(image); ; at += CHUNK) if (image.view.getUint32(at + 72, true) === index) return at;
}

const cycle = (image: Doctored) =>
  image.view.setUint32(entryOf(image, 'usr', 'share'), nidOf(image.reader, 'usr'), true);
const rootCycle = (image: Doctored) => image.view.setUint32(entryOf(image, 'usr', 'share'), image.reader.rootNid, true);
const outOfRange = (image: Doctored) => image.view.setUint32(entryOf(image, 'usr', 'share'), 0x00ff_ffff, true);
const missingChunk = (image: Doctored) =>
  image.view.setUint16(inodeOf(image, 'usr/share/large').indexOffset, 5000, true);
const slash = (image: Doctored) => rename(image, 'usr/share', 'other', '../ab');
const dots = (image: Doctored) => rename(image, 'usr/share', 'other', '..\0\0\0');

const lookInto = (path: string) => async (place: Place, args: readonly string[]) => {
  await place.ok(...args);
  const result = await list(`${args.at(-1)}/${path}`);
  await place.ok('umount', args.at(-1) ?? '');
  return result;
};

const CASES: readonly WrongInput[] = [
  {
    name: 'a directory that contains itself, to check',
    command: on('check', cycle),
    code: 65,
    message: /problem: \/usr\/share: inode \d+ is reachable twice/,
  },
  {
    name: 'a directory that contains the root, to unpack',
    command: on('unpack', rootCycle),
    code: 65,
    message: /directory "\/usr\/share" \(inode \d+\) is reachable twice/,
  },
  {
    name: 'a directory that contains the root, to look into on a mount',
    command: on('mount', rootCycle),
    run: lookInto('usr/share'),
    shown: 'ls mnt/usr/share',
    code: 2,
    message: /cannot (access|open directory) .*(Too many levels of symbolic links|Input\/output error|Structure needs)/,
  },
  {
    name: 'a directory whose content is another one',
    command: on('check', image => {
      const { offset } = inodeOf(image, 'etc');
      image.view.setUint32(entryOf(image, 'usr', 'share'), nidOf(image.reader, 'etc'), true);
      if (offset < 0) throw new Error('no inode');
    }),
    code: 65,
    message: /problem: \/etc: inode \d+ is reachable twice|problem: \/usr\/share: inode \d+ is reachable twice/,
  },
  {
    name: 'a name that leads to an inode outside the bootstrap, to check',
    command: on('check', outOfRange),
    code: 65,
    message: /problem: \/usr: a directory entry names inode 16777215, outside the bootstrap/,
  },
  {
    name: 'a name that leads to an inode outside the bootstrap, to unpack',
    command: on('unpack', outOfRange),
    code: 65,
    message: /a directory entry names inode 16777215, outside the bootstrap/,
  },
  {
    name: 'a name that leads to an inode outside the bootstrap, to look into on a mount',
    command: on('mount', outOfRange),
    run: lookInto('usr'),
    shown: 'ls mnt/usr',
    code: 2,
    message: /reading directory .*(Structure needs cleaning|Input\/output error)/,
  },
  {
    name: 'a file with a chunk that does not exist, to check',
    command: on('check', missingChunk),
    code: 65,
    message:
      /problem: \/usr\/share\/large: inode \d+: its chunk 0 is said to be chunk 5000 of blob 0 at byte \d+, where there is no such chunk/,
  },
  {
    name: 'a file with a chunk that does not exist, to unpack',
    command: on('unpack', missingChunk),
    code: 65,
    message: /its chunk 0 is said to be chunk 5000 of blob 0/,
  },
  {
    name: 'a file with a chunk that does not exist, to read from a mount',
    command: on('mount', missingChunk),
    run: readThrough,
    shown: READ_SHOWN,
    code: 1,
    message: /large: (Structure needs cleaning|Input\/output error)/,
  },
  {
    name: 'a file with a chunk of a blob that does not exist',
    command: on('check', image => image.view.setUint8(inodeOf(image, 'usr/share/large').indexOffset + 2, 9)),
    code: 65,
    message: /its chunk 0 is said to be chunk \d+ of blob 8 at byte \d+/,
  },
  {
    name: 'two chunks in one place of the device',
    command: on('mount', image => {
      const [first, second] = [chunkEntry(image, 1), chunkEntry(image, 2)];
      image.view.setUint32(second + 56, image.view.getUint32(first + 56, true), true);
    }),
    code: 65,
    message: /chunk 2 of blob HEX starts at \d+ of the device, on top of another or unaligned/,
  },
  {
    name: 'a chunk outside the device',
    command: on('mount', image => image.view.setUint32(chunkEntry(image, 5) + 56, 0x1000_0000, true)),
    code: 65,
    message: /chunk 5 of blob HEX ends outside the device's \d+ bytes/,
  },
  {
    name: 'a chunk outside the blob',
    command: on('mount', image => image.view.setUint32(chunkEntry(image, 5) + 48, 0x1000_0000, true)),
    code: 65,
    message: /blob HEX: its chunks end at byte \d+; the manifest says \d+ bytes/,
  },
  {
    name: 'a chunk larger than chunks are',
    command: on('mount', image => image.view.setUint32(chunkEntry(image, 5) + 44, 0x7fff_ffff, true)),
    code: 65,
    message: /chunk 5 of blob HEX ends outside|chunk 5 of blob HEX has \d+ bytes, 2147483647 uncompressed/,
  },
  {
    name: 'a chunk number that is used twice',
    command: on('mount', image => image.view.setUint32(chunkEntry(image, 2) + 72, 1, true)),
    code: 65,
    message: /chunk table has chunk 1 of blob HEX twice/,
  },
  {
    name: 'a chunk with the digest of another one',
    command: on('unpack', image => {
      const [first, second] = [chunkEntry(image, 1), chunkEntry(image, 2)];
      image.bytes.copy(image.bytes, second, first, first + 32);
    }),
    code: 65,
    message: /chunk 2 of blob HEX: expected blake3 HEX, found HEX/,
  },
  {
    name: 'a chunk table on top of the blob table',
    command: on('mount', image => image.view.setUint32(EXTENDED + 24, image.reader.superblock.blobTable.offset, true)),
    code: 65,
    message: /chunk table .*overlap/,
  },
  {
    name: 'a chunk table after the end',
    command: on('mount', image => image.view.setUint32(EXTENDED + 24, 0x1000_0000, true)),
    code: 65,
    message: /chunk table/,
  },
  {
    name: 'a blob that says 2^32 - 1 chunks',
    command: on('mount', image =>
      image.view.setUint32(image.reader.superblock.blobTable.offset + 72, 0xffff_ffff, true),
    ),
    code: 65,
    message: /chunk count is 4294967295; expected at most/,
  },
  {
    name: 'a name with a slash, to check',
    command: on('check', slash),
    code: 65,
    message: /problem: \/usr\/share: directory \d+: a name has a slash or a NUL/,
  },
  {
    name: 'a name with a slash, to unpack',
    command: on('unpack', slash),
    code: 65,
    message: /directory \d+: a name has a slash or a NUL/,
  },
  {
    name: 'a name with a slash, to look into on a mount',
    command: on('mount', slash),
    run: lookInto('usr/share'),
    shown: 'ls mnt/usr/share',
    code: 2,
    message: /reading directory .*(Structure needs cleaning|Input\/output error)/,
  },
  {
    name: 'a second ".." in a directory',
    command: on('check', dots),
    code: 65,
    message: /problem: \/usr\/share: "\.\." stands after/,
  },
  {
    name: 'a directory whose ".." is another one',
    command: on('check', image =>
      image.view.setUint32(entryOf(image, 'usr/share', '..'), nidOf(image.reader, 'etc'), true),
    ),
    code: 65,
    message: /problem: \/usr\/share: its \.\. is inode \d+; expected \d+/,
  },
  {
    name: 'names out of order',
    command: on('check', image => rename(image, 'usr/share', 'other', 'aaaaa')),
    code: 65,
    message: /problem: \/usr\/share: "aaaaa" stands after "large"/,
  },
  {
    name: 'a file that its directory calls a directory',
    command: on('check', image => image.view.setUint8(entryOf(image, 'etc', 'motd') + 10, 2)),
    code: 65,
    message: /problem: \/etc\/motd: is a file; its directory says type 2/,
  },
  {
    name: 'a file of 2^53 bytes',
    command: on('check', image => image.view.setUint32(inodeOf(image, 'etc/motd').offset + 12, 0x20_0000, true)),
    code: 65,
    message: /problem: \/etc\/motd: .*2\^53/,
  },
  {
    name: 'a file of 2^40 bytes with one chunk',
    command: on('unpack', image => image.view.setUint32(inodeOf(image, 'etc/motd').offset + 12, 0x100, true)),
    code: 65,
    message: /inode \d+: chunk indexes for \d+ bytes end outside the bootstrap/,
  },
  {
    name: 'a directory of 2^32 - 1 bytes',
    command: on('check', image => image.view.setUint32(inodeOf(image, 'usr/share').offset + 8, 0xffff_ffff, true)),
    code: 65,
    message: /problem: \/usr\/share: inode \d+: /,
  },
  {
    name: 'a symbolic link without a target',
    command: on('unpack', image => image.view.setUint32(inodeOf(image, 'etc/link').offset + 8, 0, true)),
    code: 65,
    message: /symbolic link \d+ has a target of 0 bytes; expected 1 to 4096/,
  },
  {
    name: 'a symbolic link with a NUL in its target',
    command: on('check', image =>
      image.bytes.fill(0, inodeOf(image, 'etc/link').tailOffset, inodeOf(image, 'etc/link').tailOffset + 1),
    ),
    code: 65,
    message: /problem: \/etc\/link: symbolic link \d+ has a NUL in its target/,
  },
  {
    name: 'a root that is no directory',
    command: on('mount', image => image.view.setUint16(1024 + 14, nidOf(image.reader, 'etc/motd'), true)),
    code: 65,
    message: /inode \d+ is not a directory/,
  },
  {
    name: 'a root outside the bootstrap',
    command: on('mount', image => image.view.setUint16(1024 + 14, 0xffff, true)),
    code: 65,
    message: /inode 65535|root/,
  },
];

wrongInputs(
  {
    title: 'Hostile bootstraps',
    about: 'Bootstraps that lie under right digests: cycles, overlaps, numbers that point nowhere, impossible names.',
  },
  CASES,
);
