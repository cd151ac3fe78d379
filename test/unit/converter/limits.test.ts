// Images that ask for too much: more than a limit is refused by name, everything below it takes bounded time and memory.
// The table of limits is docs/limits.md.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { DEFAULT_MAX_RATIO, DEFAULT_MAX_UNPACKED_BYTES, MAX_METADATA_BYTES } from '../../../converter/config.ts';
import { ImageMerger } from '../../../converter/image-merger.ts';
import { Overlay } from '../../../converter/overlay.ts';
import type { TarEntry } from '../../../converter/tar-entry.ts';
import { unpackLimit } from '../../../converter/unpack-limit.ts';
import { Warnings } from '../../../converter/warnings.ts';
import { BootstrapReader } from '../../../image/index.ts';
import { buildImage, type LayerSpec } from '../../support/image-builder.ts';
import { paxMember, rawMember, tarHeader, tarMember, tarOf } from '../../support/tar-bytes.ts';
import { convert, leftovers, makeWorkspace } from './converted-image.ts';
import { readArchive } from './read-archive.ts';

const GIB = 2 ** 30;
const DEFAULTS = { maxRatio: DEFAULT_MAX_RATIO, maxUnpackedBytes: DEFAULT_MAX_UNPACKED_BYTES };

test('a small layer may become 1 GiB, a large one 200 times its size, and the image 1 TiB', () => {
  assert.equal(unpackLimit({ compressedBytes: 1000, unpackedBytes: 0 }, DEFAULTS).bytes, GIB);
  assert.equal(unpackLimit({ compressedBytes: GIB, unpackedBytes: 0 }, DEFAULTS).bytes, 200 * GIB);
  assert.equal(unpackLimit({ compressedBytes: 10 * GIB, unpackedBytes: 0 }, DEFAULTS).bytes, 2 ** 40);
  const rest = unpackLimit({ compressedBytes: GIB, unpackedBytes: 2 ** 40 - 5 }, DEFAULTS);
  assert.equal(rest.bytes, 5);
  assert.match(rest.what, /more than 1099511627776 bytes \(--max-unpacked\)/);
});

test('a layer of some kilobytes that unpacks to more than 1 GiB is refused, with its ratio', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [bomb(GIB + 2 ** 24)] });
  await assert.rejects(convert(space, image), {
    code: 'limit',
    message: /^layer 1 of 1 \(sha256:[0-9a-f]+\): its \d{5} bytes unpack to more than 1073741824: over 200 times/,
  });
  assert.deepEqual(await leftovers(space), []);
});

test('the same layer converts when the caller allows it', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [bomb(GIB + 2 ** 24)] });
  const report = await convert(space, image, { maxRatio: 100_000 });
  assert.equal(report.totals.fileBytes, GIB + 2 ** 24);
  assert.equal(report.totals.blobs, 1);
});

test('the layers of an image have a limit together', async t => {
  const space = await makeWorkspace(t);
  const layers = ['a', 'b'].map((path): LayerSpec => ({ tar: [{ path, content: path.repeat(60_000) }] }));
  const image = await buildImage(space.source, { layers });
  await assert.rejects(convert(space, image, { maxUnpackedBytes: 100_000 }), {
    code: 'limit',
    message: /^layer 2 of 2 .*the image's layers unpack to more than 100000 bytes/,
  });
  for (const wrong of [{ maxRatio: 0 }, { maxUnpackedBytes: 0.5 }]) {
    await assert.rejects(convert(space, image, wrong), { code: 'usage' });
  }
});

test('a hole of 2^40 bytes converts, and is refused at once where its chunks would be too many', async t => {
  const space = await makeWorkspace(t);
  const sparse = paxMember({
    'GNU.sparse.major': '0',
    'GNU.sparse.minor': '1',
    'GNU.sparse.size': String(2 ** 40),
    'GNU.sparse.map': '0,0',
  });
  const tar = Buffer.concat([sparse, tarMember({ path: 'hole' }), Buffer.alloc(1024)]);
  const image = await buildImage(space.source, { layers: [{ tar }] });
  const { totals } = await convert(space, image);
  assert.deepEqual([totals.fileBytes, totals.chunks, totals.duplicateChunks], [2 ** 40, 2 ** 20, 2 ** 20 - 1]);
  await assert.rejects(convert(space, image, { chunkSize: 4096 }), {
    code: 'limit',
    message: /more than 16777216 chunks/,
  });
});

test('a file that declares 2^40 bytes and has none is a truncated archive', async t => {
  const space = await makeWorkspace(t);
  const image = await buildImage(space.source, { layers: [{ tar: tarHeader({ path: 'x' }, 2 ** 40) }] });
  await assert.rejects(convert(space, image), { code: 'malformed', message: /cut off/ });
});

test('paths that are 100 000 directories deep are refused, in every way to write them', () => {
  const deep = 'd/'.repeat(100_000);
  for (const archive of [
    rawMember('x', 'L', deep),
    Buffer.concat([paxMember({ path: deep }), tarMember({ path: 'x' })]),
    Buffer.concat([paxMember({ linkpath: deep }), tarMember({ path: 'x', type: 'hardlink', target: 'y' })]),
  ]) {
    assert.throws(() => readArchive(Buffer.concat([archive, tarOf([])])), { code: 'limit' });
  }
});

test('a tree that symbolic links make 30 000 directories deep is written, one of 40 000 refused', () => {
  const { bootstrap } = deepTree(15).finish([]);
  assert.ok(new BootstrapReader(bootstrap).inodeCount > 15 * 1999);
  assert.throws(() => deepTree(20).finish([]), { code: 'limit', message: /a path of 65538 bytes/ });
});

/** Each symbolic link leads to the bottom of what the link before it reaches: as deep as 4 KiB of path, `hops` times. */
function deepTree(hops: number): ImageMerger {
  const merger = new ImageMerger(4096);
  const below = 'd/'.repeat(1999);
  merger.add(entry({ path: below, kind: 'directory' }), NO_CHUNKS);
  for (let hop = 1; hop < hops; hop++) {
    const target = hop === 1 ? below : `s${hop - 1}/${below}`;
    merger.add(entry({ path: `s${hop}`, kind: 'symlink', target }), NO_CHUNKS);
    merger.add(entry({ path: `s${hop}/${below}`, kind: 'directory' }), NO_CHUNKS);
  }
  merger.endLayer({ ignoredGlobalHeaders: 0 });
  return merger;
}

test('what entries bring in names, targets and attributes has a limit together', () => {
  const overlay = new Overlay({ warnings: new Warnings(), maxEntries: 1_000_000 });
  const xattrs = new Map([['user.big', Buffer.alloc(60_000)]]);
  const most = Math.floor(MAX_METADATA_BYTES / 60_100);
  for (let i = 0; i < most; i++) overlay.add(entry({ path: `f${i}`, xattrs }), NO_CHUNKS);
  assert.throws(
    () => {
      for (let i = 0; i < 20; i++) overlay.add(entry({ path: `g${i}`, xattrs }), NO_CHUNKS);
    },
    { code: 'limit', message: /more than 268435456 bytes of paths, link targets and extended attributes/ },
  );
});

const NO_CHUNKS = new Uint32Array(0);

function entry(item: Partial<TarEntry> & { readonly path: string }): TarEntry {
  return {
    kind: 'file',
    target: '',
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    major: 0,
    minor: 0,
    ...item,
  };
}

/** A layer with one file of so many zeros (a multiple of 16 MiB), in as few bytes as zstd can. */
function bomb(size: number): LayerSpec {
  const frame = 2 ** 24;
  const zeros = Buffer.alloc(frame);
  const [header, packedZeros] = [tarHeader({ path: 'zeros' }, size), zstdCompressSync(zeros)];
  const end = Buffer.alloc(1024);
  const hash = createHash('sha256').update(header);
  for (let at = 0; at < size; at += frame) hash.update(zeros);
  const frames = Array.from({ length: size / frame }, () => packedZeros);
  return {
    tar: [],
    compression: 'zstd',
    stored: Buffer.concat([zstdCompressSync(header), ...frames, zstdCompressSync(end)]),
    diffId: `sha256:${hash.update(end).digest('hex')}`,
  };
}
