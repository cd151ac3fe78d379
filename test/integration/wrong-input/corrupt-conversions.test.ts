// Converted images whose parts are cut off, damaged, swapped or lying: blob, bootstrap layer, manifest, the blob's tables.

import { rm } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { SHOAL_ANNOTATIONS } from '../../../registry/index.ts';
import { noise } from '../../support/fake-blob.ts';
import { tarOf } from '../../support/tar-bytes.ts';
import { convertedImage, cut, flip, LayoutImage, plainImage, zeros } from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { READ_SHOWN, readThrough } from '../../support/wrong-input/reading.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

const TARGET = 'out';

/** A command on a converted image that was doctored. */
function on(
  words: 'check' | 'unpack' | 'mount',
  doctor: (image: LayoutImage, place: Place) => Promise<unknown>,
): WrongInput['command'] {
  return async place => {
    const image = await convertedImage(place);
    await doctor(image, place);
    if (words === 'check') return ['check', image.reference];
    if (words === 'unpack') return ['unpack', image.reference, place.path(TARGET)];
    return ['mount', '--read-deadline', '1', image.reference, place.directory('mnt')];
  };
}

/** Blob, bootstrap layer and manifest of a converted image, under digests that do not fit. */
const DAMAGED: readonly WrongInput[] = [
  {
    name: 'a blob that is cut off, to check',
    command: on('check', image => image.damage(0, cut)),
    code: 65,
    message: /problem: layer HEX: .*expected \d+ bytes, found \d+ bytes/,
  },
  {
    name: 'a blob that is damaged, to check',
    command: on('check', image => image.damage(0, flip(100))),
    code: 65,
    message: /problem: layer HEX: .*found sha256:HEX.*chunk 1 of blob HEX: expected blake3 HEX, found HEX/s,
  },
  {
    name: 'a blob that is another one of the same size, to check',
    command: on('check', image => image.damage(0, bytes => noise(bytes.length, 'swapped'))),
    code: 65,
    message: /problem: layer HEX: .*found sha256:HEX/,
  },
  {
    name: 'a blob that is missing, to check',
    command: on('check', async image => rm(image.path((await image.manifest()).layers[0]?.digest ?? ''))),
    code: 66,
    message: /blob sha256:HEX: ENOENT/,
  },
  {
    name: 'a blob that is cut off, to unpack',
    command: on('unpack', image => image.damage(0, cut)),
    code: 65,
    message: /blob sha256:HEX: expected \d+ bytes, found \d+ bytes/,
  },
  {
    name: 'a blob that is damaged, to unpack',
    command: on('unpack', image => image.damage(0, flip(100))),
    code: 65,
    message: /chunk 1 of blob HEX: expected blake3 HEX, found HEX/,
  },
  {
    name: 'a blob that is damaged, to unpack as devices',
    command: async place => {
      const image = await convertedImage(place);
      await image.damage(0, flip(100));
      return ['unpack', '--devices', place.path(TARGET), image.reference];
    },
    code: 65,
    message: /chunk 1 of blob HEX: expected blake3 HEX, found HEX/,
  },
  {
    name: 'a blob that is cut off, to read from a mount',
    command: on('mount', image => image.damage(0, bytes => bytes.subarray(0, 1000))),
    run: readThrough,
    shown: READ_SHOWN,
    code: 1,
    message: /large: Input\/output error/,
  },
  {
    name: 'a blob that is damaged, to read from a mount',
    command: on('mount', image => image.damage(0, zeros)),
    run: readThrough,
    shown: READ_SHOWN,
    code: 1,
    message: /large: Input\/output error/,
  },
  {
    name: 'a blob whose chunk is another one, under the right digest, to read from a mount',
    command: on('mount', async image => {
      const blob = await image.bytesOf(0);
      await image.replace(0, zeros(blob));
    }),
    run: readThrough,
    shown: READ_SHOWN,
    code: 1,
    message: /large: Input\/output error/,
  },
  {
    name: 'a bootstrap layer that is cut off',
    command: on('mount', image => image.damage(-1, cut)),
    code: 65,
    message: /blob sha256:HEX: expected \d+ bytes, found \d+ bytes/,
  },
  {
    name: 'a bootstrap layer that is damaged',
    command: on('mount', image => image.damage(-1, flip(-4))),
    code: 65,
    message: /bootstrap layer sha256:HEX|expected sha256:HEX, found sha256:HEX/,
  },
  {
    name: 'a bootstrap layer that is another one of the same size',
    command: on('mount', image => image.damage(-1, bytes => noise(bytes.length, 'swapped'))),
    code: 65,
    message: /expected sha256:HEX, found sha256:HEX/,
  },
  {
    name: 'a bootstrap layer that is missing',
    command: on('check', async image => rm(image.path((await image.manifest()).layers.at(-1)?.digest ?? ''))),
    code: 66,
    message: /blob sha256:HEX: ENOENT/,
  },
  {
    name: 'a bootstrap layer whose gzip stream is cut off, under the right digest',
    command: on('check', async image => image.replace(-1, (await image.bytesOf(-1)).subarray(0, -20))),
    code: 65,
    message: /bootstrap layer sha256:HEX: unexpected end of file/,
  },
  {
    name: 'a bootstrap layer that holds no bootstrap',
    command: on('check', image => image.replace(-1, gzipSync(tarOf([{ path: 'image/other' }])))),
    code: 65,
    message: /bootstrap layer sha256:HEX holds no image\/image\.boot/,
  },
  {
    name: 'a bootstrap that claims 2 GiB',
    command: on('check', image =>
      image.replace(-1, gzipSync(tarOf([{ path: 'image/image.boot', content: 'x', size: 2 ** 31 }]))),
    ),
    code: 72,
    message: /bootstrap of 2147483648 bytes; at most 1073741824 are accepted/,
  },
  {
    name: 'a bootstrap that is cut off, under the right digest',
    command: on('mount', async image => image.putBootstrap((await image.bootstrap()).subarray(0, 5000))),
    code: 65,
    message: /bootstrap/,
  },
  {
    name: 'a bootstrap that is no bootstrap',
    command: on('mount', image => image.putBootstrap(noise(8192, 'no bootstrap'))),
    code: 65,
    message: /bootstrap magic is 0x[0-9a-f]+; expected 0xe0f5e1e2/,
  },
  {
    name: 'a bootstrap of RAFS v5',
    command: on('mount', image => {
      const bytes = Buffer.alloc(8192);
      bytes.writeUInt32LE(0x5241_4653, 0);
      return image.putBootstrap(bytes);
    }),
    code: 67,
    message: /RAFS v5; only RAFS v6 can be read/,
  },
  {
    name: 'a manifest that says less bytes for a blob than the bootstrap uses',
    command: on('mount', async image => {
      await image.dropPieceTable();
      const manifest = await image.manifest();
      const [blob, ...rest] = manifest.layers;
      if (blob) await image.putManifest({ ...manifest, layers: [{ ...blob, size: 100 }, ...rest] });
    }),
    code: 65,
    message: /blob HEX: its chunks end at byte \d+; the manifest says 100 bytes/,
  },
  {
    name: 'a manifest without the blob that the bootstrap uses',
    command: on('check', async image => {
      await image.dropPieceTable();
      const manifest = await image.manifest();
      await image.putManifest({ ...manifest, layers: manifest.layers.slice(1) });
    }),
    code: 65,
    message: /blob HEX \(1 of 1\) is none of the manifest's 0 layers/,
  },
];

/** Doctors the piece table; all digests of layers fit again. */
const withPieces = (words: 'check' | 'mount', change: (table: Buffer) => Uint8Array | undefined) =>
  on(words, async image => {
    const table = await image.pieceTable();
    await image.putPieceTable(change(table) ?? table);
  });

/** Offsets of the first entry of a piece table, and of the digests behind the only one (docs/image-format.md §13). */
const PIECE_ENTRY = 24;
const PIECE_DIGESTS = 72;

const PIECES: readonly WrongInput[] = [
  {
    name: 'a piece table that is cut off',
    command: withPieces('mount', table => table.subarray(0, -1)),
    code: 65,
    message: /image:app: piece table: blob 1 of 1: its digests end at byte \d+ of \d+/,
  },
  {
    name: 'a piece table that is none',
    command: withPieces('mount', table => noise(table.length, 'no table')),
    code: 65,
    message: /piece table: magic is 0x[0-9a-f]{16}; expected 0x53484f414c504353/,
  },
  {
    name: "a piece table that is larger than the image's blobs can have",
    command: withPieces('mount', table => Buffer.concat([table, Buffer.alloc(1)])),
    code: 65,
    message: /piece table of \d+ bytes; that of these data layers has at most \d+/,
  },
  {
    name: 'a piece table of 2^32 - 1 blobs',
    command: withPieces('mount', table => {
      table.writeUInt32LE(0xffff_ffff, PIECE_ENTRY - 4);
      return table;
    }),
    code: 65,
    message: /piece table of \d+ bytes; its 4294967295 blobs take/,
  },
  {
    name: 'a piece table with a blob that is none of the image',
    command: withPieces('mount', flip(PIECE_ENTRY)),
    code: 65,
    message: /piece table: blob 1 of 1: sha256:HEX is none of the manifest's data layers/,
  },
  {
    name: 'a second piece table',
    command: on('mount', async image => {
      const table = await image.pieceTable();
      await image.putPieceTable(table, [{ path: 'image/shoal.pieces', content: table }]);
    }),
    code: 65,
    message: /bootstrap layer sha256:HEX holds two image\/shoal\.pieces/,
  },
  {
    name: 'a piece table with a wrong digest, to check',
    command: withPieces('check', flip(PIECE_DIGESTS + 32)),
    code: 65,
    message: /problem: layer HEX: its piece 1 is not the one of the image's piece digests/,
  },
  {
    name: "an annotation with too few pieces for the bootstrap's layer",
    command: on('mount', image => annotatePieces(image, bytes => bytes.subarray(0, -32))),
    code: 65,
    message: /image:app: piece annotation of layer sha256:HEX: 33 bytes; expected 65/,
  },
  {
    name: "an annotation with a wrong digest of the bootstrap's layer, to check",
    command: on('check', image => annotatePieces(image, flip(-1))),
    code: 65,
    message: /problem: layer HEX: its piece 0 is not the one of the image's piece digests/,
  },
];

async function annotatePieces(image: LayoutImage, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  const manifest = await image.manifest();
  const annotations = manifest.layers.at(-1)?.annotations ?? {};
  const changed = change(Buffer.from(annotations[SHOAL_ANNOTATIONS.pieces] ?? '', 'base64'));
  annotations[SHOAL_ANNOTATIONS.pieces] = Buffer.from(changed).toString('base64');
  await image.putManifest(manifest);
}

const TABLE_HEADER_BYTES = 4096;

/** Doctors the chunk table in the blob (CCT), at offsets from its header; the digest of the blob fits again. */
async function changeTable(image: LayoutImage, change: (blob: Buffer, headerAt: number) => void): Promise<void> {
  const blob = await image.bytesOf(0);
  // The header's magic stands at both ends of its 4096 bytes.
  const magic = Buffer.from('0bb10bb1', 'hex');
  let headerAt = blob.indexOf(magic);
  while (
    headerAt >= 0 &&
    !blob
      .subarray(headerAt + TABLE_HEADER_BYTES - 4)
      .subarray(0, 4)
      .equals(magic)
  ) {
    headerAt = blob.indexOf(magic, headerAt + 1);
  }
  if (headerAt < 0) throw new Error('the blob has no chunk table');
  change(blob, headerAt);
  await image.replace(0, blob);
}

const withTable = (change: (blob: Buffer, headerAt: number) => void) =>
  on('check', image => changeTable(image, change));

const TABLES: readonly WrongInput[] = [
  {
    name: "a blob's chunk table without its magic",
    command: withTable((blob, at) => blob.writeUInt32LE(0, at)),
    code: 65,
    message: /problem: blob HEX: compression table: its header lacks the magic/,
  },
  {
    name: "a blob's chunk table that counts 2^32 - 1 chunks",
    command: withTable((blob, at) => blob.writeUInt32LE(0xffff_ffff, at + 12)),
    code: 65,
    message: /problem: blob HEX: compression table of 4294967295 chunks/,
  },
  {
    name: "a blob's chunk table that is cut off",
    command: withTable((blob, at) => blob.writeUInt32LE(8, at + 24)),
    code: 65,
    message: /problem: blob HEX: compression table of \d+ bytes; its header says 8 and 4096/,
  },
  {
    name: "a blob's chunk table with features that nobody knows",
    command: withTable((blob, at) => blob.writeUInt32LE(0x8000_0001, at + 4)),
    code: 65,
    message: /problem: blob HEX: compression table: unknown features 0x80000001/,
  },
  {
    name: "a blob's chunk table that says another place than the bootstrap",
    command: async place => {
      // One chunk: its table is too small to be worth compressing, so its entry can be doctored.
      const plain = await plainImage(place, [{ path: 'motd', content: 'hello\n' }]);
      const image = new LayoutImage(place.path('image'));
      await place.ok('convert', plain.reference, image.reference);
      // The entries stand before the header; this is the low byte of the chunk's offset in the blob.
      await changeTable(image, (blob, at) => blob.writeUInt8(1, at - Number(blob.readBigUInt64LE(at + 24)) + 8));
      return ['check', image.reference];
    },
    code: 65,
    message: /problem: blob HEX: chunk 0: compressedOffset is 1 in the blob's table and 0 in the bootstrap/,
  },
  {
    name: "a blob's table of contents that is garbage",
    command: on('check', async image => {
      const blob = await image.bytesOf(0);
      await image.replace(0, blob.fill(0x2f, blob.length - 600));
    }),
    code: 65,
    message: /problem: blob HEX: /,
  },
];

wrongInputs(
  {
    title: 'Corrupt converted images',
    about:
      'Blobs, bootstraps, manifests, chunk and piece tables of converted images: cut off, damaged, swapped, or lying under a right digest.',
  },
  [...DAMAGED, ...TABLES, ...PIECES],
);
