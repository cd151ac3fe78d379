// The contract of ImageSink (core/image-transfer.ts), for every implementation of it.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import type { Descriptor, ImageSink, ImageSource } from '../../core/index.ts';
import { isShoalError, ShoalError } from '../../core/index.ts';
import type { SampleDocument, SampleImage } from '../support/sample-image.ts';
import { document, sampleImage } from '../support/sample-image.ts';
import { collect, inPieces } from '../support/streams.ts';

export interface ImageSinkUnderTest {
  /** A sink and a source of the same target; calls with the same tag mean the same image. */
  readonly open: (tag: string) => { readonly sink: ImageSink; readonly source: ImageSource };
}

type Setup = (t: TestContext) => Promise<ImageSinkUnderTest>;

const AMD64 = { os: 'linux', architecture: 'amd64' };
const signal = new AbortController().signal;
const PIECE_BYTES = 10_000;

const contentOf = (bytes: Uint8Array) => () => inPieces(bytes, PIECE_BYTES);

export function imageSinkConformance(name: string, setup: Setup, skip: string | false = false): void {
  describe(`image sink: ${name}`, { skip }, () => {
    const image = sampleImage();
    const [large] = image.layers;
    assert.ok(large);

    test('takes an image that reads back the same', async t => {
      const { sink, source } = (await setup(t)).open('one');
      await writeImage(sink, image);
      const fetched = await source.manifest(AMD64, { signal });
      assert.deepEqual(Buffer.from(fetched.bytes), image.manifests[0]?.bytes);
      for (const { descriptor, bytes } of image.blobs) {
        assert.deepEqual(await collect(source.blob(descriptor, { signal })), bytes);
      }
    });

    test('transfers a blob once and reports its bytes', async t => {
      const { sink } = (await setup(t)).open('one');
      let reported = 0;
      const onBytes = (bytes: number) => {
        reported += bytes;
      };
      assert.equal(await sink.hasBlob(large.descriptor.digest, { signal }), false);
      assert.equal(await sink.putBlob(large.descriptor, contentOf(large.bytes), { signal, onBytes }), 'written');
      assert.equal(reported, large.bytes.length);
      assert.equal(await sink.hasBlob(large.descriptor.digest, { signal }), true);
      const again = sink.putBlob(large.descriptor, () => assert.fail('content was asked for again'), { signal });
      assert.equal(await again, 'present');
    });

    test('takes several blobs at once, also the same one', async t => {
      const { sink, source } = (await setup(t)).open('one');
      const blobs = [...image.layers, ...image.layers];
      await Promise.all(blobs.map(({ descriptor, bytes }) => sink.putBlob(descriptor, contentOf(bytes), { signal })));
      await writeImage(sink, image);
      for (const { descriptor, bytes } of image.layers) {
        assert.deepEqual(await collect(source.blob(descriptor, { signal })), bytes);
      }
    });

    test('takes an empty blob', async t => {
      const { sink } = (await setup(t)).open('one');
      const empty = sampleEmpty();
      await sink.putBlob(empty, contentOf(new Uint8Array(0)), { signal });
      assert.equal(await sink.hasBlob(empty.digest, { signal }), true);
    });

    test('refuses content that is not what the descriptor says, and keeps nothing of it', async t => {
      const { sink } = (await setup(t)).open('one');
      const wrong = Buffer.from(large.bytes);
      wrong[200_000] = (wrong[200_000] ?? 0) ^ 1;
      const cases = [
        [wrong, 'digest-mismatch'],
        [large.bytes.subarray(1), 'malformed'],
        [Buffer.concat([large.bytes, Buffer.alloc(1)]), 'malformed'],
      ] as const;
      for (const [bytes, code] of cases) {
        const put = sink.putBlob(large.descriptor, contentOf(bytes), { signal });
        await assert.rejects(put, error => isShoalError(error, code));
        assert.equal(await sink.hasBlob(large.descriptor.digest, { signal }), false);
      }
    });

    test('rejects with what the content threw, and keeps nothing of it', async t => {
      const { sink } = (await setup(t)).open('one');
      const reason = new ShoalError('no-space', 'the content broke');
      const broken = async function* () {
        yield large.bytes.subarray(0, 100_000);
        throw reason;
      };
      await assert.rejects(sink.putBlob(large.descriptor, broken, { signal }), error => error === reason);
      assert.equal(await sink.hasBlob(large.descriptor.digest, { signal }), false);
    });

    test('rejects with aborted when the signal fires during a transfer, and keeps nothing of it', async t => {
      const { sink } = (await setup(t)).open('one');
      const controller = new AbortController();
      const slow = async function* () {
        yield large.bytes.subarray(0, 100_000);
        controller.abort();
        yield large.bytes.subarray(100_000);
      };
      const put = sink.putBlob(large.descriptor, slow, { signal: controller.signal });
      await assert.rejects(put, error => isShoalError(error, 'aborted'));
      assert.equal(await sink.hasBlob(large.descriptor.digest, { signal }), false);
    });

    test('moves a tag to the new manifest and leaves other tags', async t => {
      const target = await setup(t);
      const [one, two] = [target.open('one'), target.open('two')];
      const other = sampleImage('other');
      await writeImage(one.sink, image);
      await writeImage(two.sink, image);
      await writeImage(one.sink, other);
      assert.equal(await digestOf(one.source), other.manifests[0]?.descriptor.digest);
      assert.equal(await digestOf(two.source), image.manifests[0]?.descriptor.digest);
    });

    test('keeps untagged manifests for the index that names them', async t => {
      const { sink, source } = (await setup(t)).open('one');
      await writeImage(sink, sampleImage('before'));
      const blobs = image.blobs.map(({ descriptor, bytes }) => sink.putBlob(descriptor, contentOf(bytes), { signal }));
      await Promise.all(blobs);
      for (const { bytes, descriptor } of image.manifests) {
        const digest = await sink.putManifest(bytes, descriptor.mediaType, { signal, untagged: true });
        assert.equal(digest, descriptor.digest);
      }
      assert.notEqual(await digestOf(source), image.manifests[0]?.descriptor.digest, 'the tag has not moved yet');
      await sink.putManifest(image.index.bytes, image.index.descriptor.mediaType, { signal });
      const arm64 = await source.manifest({ os: 'linux', architecture: 'arm64' }, { signal });
      assert.equal(arm64.digest, image.manifests[1]?.descriptor.digest);
      assert.equal(arm64.indexDigest, image.index.descriptor.digest);
    });

    test('leaves the tag as it was when the manifest is aborted', async t => {
      const { sink, source } = (await setup(t)).open('one');
      await writeImage(sink, image);
      const next = sampleImage('next').manifests[0];
      assert.ok(next);
      const put = sink.putManifest(next.bytes, next.descriptor.mediaType, { signal: AbortSignal.abort() });
      await assert.rejects(put, error => isShoalError(error, 'aborted'));
      assert.equal(await digestOf(source), image.manifests[0]?.descriptor.digest);
    });
  });
}

/** Blobs first, then the manifest of the first platform. */
async function writeImage(sink: ImageSink, image: SampleImage): Promise<void> {
  await Promise.all(image.blobs.map(({ descriptor, bytes }) => sink.putBlob(descriptor, contentOf(bytes), { signal })));
  const manifest: SampleDocument | undefined = image.manifests[0];
  assert.ok(manifest);
  const digest = await sink.putManifest(manifest.bytes, manifest.descriptor.mediaType, { signal });
  assert.equal(digest, manifest.descriptor.digest);
}

async function digestOf(source: ImageSource): Promise<string> {
  return (await source.manifest(AMD64, { signal })).digest;
}

function sampleEmpty(): Descriptor {
  return document(Buffer.alloc(0), 'application/octet-stream').descriptor;
}
