// Opening an accelerated image: its piece digests, and its bootstrap's layer by way of somebody else.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type FetchLayer, openAcceleratedImage } from '../../../cli/accelerated-image.ts';
import { convertImage } from '../../../converter/index.ts';
import { type ImageSource, PIECE_BYTES, type SharedBlob, ShoalError } from '../../../core/index.ts';
import { openSink, openSource } from '../../../registry/index.ts';
import { noise } from '../../support/fake-blob.ts';
import { buildImage } from '../../support/image-builder.ts';
import { temporaryDirectory, testAccess } from '../../support/registry-targets.ts';
import { inPieces } from '../../support/streams.ts';
import { tarOf } from '../../support/tar-bytes.ts';
import { LayoutImage } from '../../support/wrong-input/images.ts';
import { PLATFORM } from '../converter/converted-image.ts';
import { readArchive } from '../converter/read-archive.ts';

const signal = AbortSignal.timeout(60_000);
const FILES = [{ path: 'large', content: noise(300_000, 'large') }];

interface Converted {
  /** Counts the layers that are read whole. */
  readonly source: ImageSource;
  readonly read: string[];
  readonly image: LayoutImage;
}

async function converted(t: TestContext): Promise<Converted> {
  const directory = await temporaryDirectory(t);
  const access = testAccess(t);
  const plain = await buildImage(join(directory, 'plain'), { layers: [{ tar: FILES }] });
  const image = new LayoutImage(join(directory, 'image'));
  await using sink = openSink(image.reference, { access });
  const from = openSource(plain.reference, { access });
  await convertImage({ source: from, sink, platform: PLATFORM, workDir: directory, signal });
  const real = openSource(image.reference, { access });
  const read: string[] = [];
  const source: ImageSource = {
    name: real.name,
    manifest: (platform, options) => real.manifest(platform, options),
    document: (descriptor, options) => real.document(descriptor, options),
    blob(descriptor, options) {
      read.push(descriptor.digest);
      return real.blob(descriptor, options);
    },
  };
  return { source, read, image };
}

/** Gives what `content` makes of the layer's bytes, and writes down what it was asked for. */
function fetching(image: LayoutImage, content: (bytes: Buffer) => AsyncIterable<Uint8Array>) {
  const asked: SharedBlob[] = [];
  const fetchLayer: FetchLayer = layer => {
    asked.push(layer);
    return (async function* () {
      yield* content(await readFile(image.path(layer.digest)));
    })();
  };
  return { asked, fetchLayer };
}

test("an image is opened with the digests of the pieces of its data layers and of its bootstrap's layer", async t => {
  const { source, image } = await converted(t);
  const opened = await openAcceleratedImage(source, PLATFORM, signal);
  const [layer] = opened.layers;
  assert.ok(layer && opened.layers.length === 1);
  const pieces = opened.pieces.get(layer.digest) ?? assert.fail('the layer has pieces');
  const blob = await image.bytesOf(0);
  assert.equal(pieces.count, Math.ceil(blob.length / PIECE_BYTES));
  for (let piece = 0; piece < pieces.count; piece++) {
    const bytes = blob.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
    assert.ok(pieces.verify(piece, bytes), `piece ${piece}`);
    assert.equal(pieces.verify(piece, Buffer.alloc(bytes.length)), false);
  }
  assert.equal(opened.bootstrapLayer.descriptor.digest, (await image.manifest()).layers.at(-1)?.digest);
  assert.ok(opened.bootstrapLayer.pieces?.verify(0, await image.bytesOf(-1)));
});

test('an image without a piece table opens without digests', async t => {
  const { source, image } = await converted(t);
  await image.dropPieceTable();
  const opened = await openAcceleratedImage(source, PLATFORM, signal);
  assert.equal(opened.pieces.size, 0);
  assert.equal(opened.bootstrapLayer.pieces, undefined);
  assert.ok(opened.bootstrap.length > 0);
});

test('a piece table of the future is none, and neither is an annotation about another layer', async t => {
  const { source, image } = await converted(t);
  const table = await image.pieceTable();
  table.writeUInt32LE(2, 8);
  await image.putPieceTable(table);
  const manifest = await image.manifest();
  const layer = manifest.layers.at(-1) ?? assert.fail('no layer');
  // As it is after a tool has compressed the layer anew.
  layer.annotations = { ...layer.annotations, 'io.shoal.pieces.v1': Buffer.alloc(97).toString('base64') };
  await image.putManifest(manifest);
  const opened = await openAcceleratedImage(source, PLATFORM, signal);
  assert.equal(opened.pieces.size, 0);
  assert.equal(opened.bootstrapLayer.pieces, undefined);
});

test('a piece table that claims gigabytes is refused by its name, before anything is allocated', async t => {
  const { source, image } = await converted(t);
  const bootstrap = { path: 'image/image.boot', content: await image.bootstrap() };
  const table = { path: 'image/shoal.pieces', content: 'x', size: 2 ** 33 };
  await image.replace(-1, gzipSync(tarOf([bootstrap, table])));
  await assert.rejects(openAcceleratedImage(source, PLATFORM, signal), {
    code: 'malformed',
    message: /piece table of 8589934592 bytes; that of these data layers has at most \d+/,
  });
  // The manifest may claim as much: then the limit of all tables decides.
  const manifest = await image.manifest();
  const layers = manifest.layers.map((layer, at) => (at === 0 ? { ...layer, size: 2 ** 50 } : layer));
  await image.putManifest({ ...manifest, layers });
  await assert.rejects(openAcceleratedImage(source, PLATFORM, signal), {
    code: 'limit',
    message: /piece table of 8589934592 bytes; at most 536870912 are accepted/,
  });
});

test("the bootstrap's layer can come from somebody else, who is told its pieces", async t => {
  const { source, read, image } = await converted(t);
  const { asked, fetchLayer } = fetching(image, bytes => inPieces(bytes, 100));
  const opened = await openAcceleratedImage(source, PLATFORM, signal, fetchLayer);
  const expected = readArchive(gunzipSync(await image.bytesOf(-1))).find(({ path }) => path === 'image/image.boot');
  assert.deepEqual(Buffer.from(opened.bootstrap), expected?.content);
  assert.deepEqual(read, [], 'nothing of the layers is read from the source');
  const { digest, size } = opened.bootstrapLayer.descriptor;
  assert.deepEqual(
    asked.map(layer => [layer.digest, layer.size, layer.pieces?.count]),
    [[digest, size, 1]],
  );
});

const FAILURES: readonly (readonly [string, (bytes: Buffer) => AsyncIterable<Uint8Array>])[] = [
  ['gives wrong bytes', bytes => inPieces(noise(bytes.length, 'wrong'), 100)],
  [
    'gives bytes that are wrong at the end',
    bytes => inPieces(Buffer.concat([bytes.subarray(0, -1), Buffer.of(1)]), 100),
  ],
  ['gives too few bytes', bytes => inPieces(bytes.subarray(0, 500), 100)],
  ['gives too many bytes', bytes => inPieces(Buffer.concat([bytes, bytes]), 100)],
  ['gives nothing', () => inPieces(new Uint8Array(0), 1)],
  ['fails on the way', bytes => failing(bytes)],
];
for (const [what, content] of FAILURES) {
  test(`the bootstrap's layer is read from the source when who was to bring it ${what}`, async t => {
    const { source, read, image } = await converted(t);
    const { asked, fetchLayer } = fetching(image, content);
    const opened = await openAcceleratedImage(source, PLATFORM, signal, fetchLayer);
    assert.equal(asked.length, 1);
    assert.deepEqual(read, [opened.bootstrapLayer.descriptor.digest]);
    assert.ok(opened.pieces.size === 1 && opened.bootstrap.length > 0);
  });
}

async function* failing(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 100);
  throw new ShoalError('unavailable', 'nobody to ask');
}

test("the bootstrap's layer is read from the source when nobody else takes it on", async t => {
  const { source, read } = await converted(t);
  const opened = await openAcceleratedImage(source, PLATFORM, signal, () => undefined);
  assert.deepEqual(read, [opened.bootstrapLayer.descriptor.digest]);
});

test('who opens an image and gives up gets no second attempt', async t => {
  const { source, read } = await converted(t);
  const abort = new AbortController();
  const fetchLayer: FetchLayer = (_layer, options) =>
    (async function* () {
      abort.abort();
      options.signal.throwIfAborted();
      yield new Uint8Array(1);
    })();
  await assert.rejects(openAcceleratedImage(source, PLATFORM, abort.signal, fetchLayer), { code: 'aborted' });
  assert.deepEqual(read, []);
});

test('a layer that is wrong in itself is so whoever brings it', async t => {
  const { source, read, image } = await converted(t);
  await image.replace(-1, gzipSync(tarOf([{ path: 'image/other', content: 'x' }])));
  const { fetchLayer } = fetching(image, bytes => inPieces(bytes, 100));
  await assert.rejects(openAcceleratedImage(source, PLATFORM, signal, fetchLayer), {
    code: 'malformed',
    message: /holds no image\/image\.boot/,
  });
  assert.equal(read.length, 1);
});
