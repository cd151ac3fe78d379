// The contract of ImageSource (core/image-transfer.ts), for every implementation of it.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import type { Digest, NamedSource } from '../../core/index.ts';
import { isShoalError } from '../../core/index.ts';
import type { SampleImage } from '../support/sample-image.ts';
import { sampleImage } from '../support/sample-image.ts';
import { bytesBeforeError, collect, firstOf } from '../support/streams.ts';

export interface ImageSourceUnderTest {
  /** Reads the sample image, whose index has the tag. */
  readonly source: NamedSource;
  /** A source whose tag does not exist. */
  readonly missing: NamedSource;
  /** Damages a stored blob behind the source's back, without changing its size. */
  readonly corrupt: (digest: Digest) => Promise<void>;
}

type Setup = (t: TestContext, image: SampleImage) => Promise<ImageSourceUnderTest>;

const AMD64 = { os: 'linux', architecture: 'amd64' };
const signal = new AbortController().signal;
/** More than any source has sockets or files for at once. */
const MANY = 70;

export interface SourceTraits {
  readonly skip?: string | false;
  /** False where manifests are not stored but made (docker-archive): what is said about stored ones is not tested. */
  readonly storesManifests?: boolean;
}

export function imageSourceConformance(name: string, setup: Setup, traits: SourceTraits = {}): void {
  const { skip = false, storesManifests = true } = traits;
  const ofStored = { skip: storesManifests ? false : 'the place stores no manifests and no index' };
  describe(`image source: ${name}`, { skip }, () => {
    const image = sampleImage();
    const [large] = image.layers;
    assert.ok(large);

    test('follows the index to the manifest of the platform', ofStored, async t => {
      const { source } = await setup(t, image);
      const arm64 = await source.manifest({ os: 'linux', architecture: 'arm64' }, { signal });
      assert.equal(arm64.digest, image.manifests[1]?.descriptor.digest);
      assert.equal(arm64.indexDigest, image.index.descriptor.digest);
      assert.equal(arm64.mediaType, image.manifests[1]?.descriptor.mediaType);
      assert.deepEqual(Buffer.from(arm64.bytes), image.manifests[1]?.bytes);
    });

    test('takes the ordinary manifest unless the accelerated one is preferred', ofStored, async t => {
      const { source } = await setup(t, image);
      assert.equal((await source.manifest(AMD64, { signal })).digest, image.manifests[0]?.descriptor.digest);
      const nydus = await source.manifest(AMD64, { signal, prefer: 'nydus' });
      assert.equal(nydus.digest, image.manifests[2]?.descriptor.digest);
    });

    test('gives the document that the reference itself names', async t => {
      const { source } = await setup(t, image);
      const named = await source.named({ signal });
      const chosen = await source.manifest(AMD64, { signal });
      if (!storesManifests) assert.equal(named.digest, chosen.digest);
      else assert.deepEqual(Buffer.from(named.bytes), image.index.bytes);
      if (storesManifests) assert.equal(named.mediaType, image.index.descriptor.mediaType);
    });

    test('names the platforms that there are when the wanted one is missing', async t => {
      const { source } = await setup(t, image);
      await assert.rejects(source.manifest({ os: 'linux', architecture: 's390x' }, { signal }), error => {
        assert.ok(isShoalError(error, 'not-found'));
        assert.match(error.message, /linux\/s390x.*linux\/amd64/);
        return true;
      });
    });

    test('names the image when its tag does not exist', async t => {
      const { missing } = await setup(t, image);
      await assert.rejects(missing.manifest(AMD64, { signal }), error => {
        assert.ok(isShoalError(error, 'not-found'));
        assert.ok(error.message.includes(missing.name), error.message);
        return true;
      });
    });

    test('reads blobs whole, many at once, in pieces that stay as they are', async t => {
      const { source } = await setup(t, image);
      const wanted = [...image.layers, ...image.layers, ...image.layers];
      const found = await Promise.all(wanted.map(({ descriptor }) => collect(source.blob(descriptor, { signal }))));
      assert.deepEqual(
        found,
        wanted.map(({ bytes }) => bytes),
      );
    });

    test('reads documents whole', async t => {
      const { source } = await setup(t, image);
      for (const { descriptor, bytes } of [...image.blobs.slice(0, 1), ...(storesManifests ? image.manifests : [])]) {
        assert.deepEqual(Buffer.from(await source.document(descriptor, { signal })), bytes);
      }
    });

    test('reads any range of a blob', async t => {
      const { source } = await setup(t, image);
      for (const [offset, length] of [
        [0, 1],
        [0, large.bytes.length],
        [123_456, 100_000],
        [299_999, 1],
        [7, 0],
      ] as const) {
        const found = await collect(source.blob(large.descriptor, { signal, range: { offset, length } }));
        assert.deepEqual(found, large.bytes.subarray(offset, offset + length));
      }
    });

    test('refuses a range beyond the end of the blob', async t => {
      const { source } = await setup(t, image);
      const pieces = source.blob(large.descriptor, { signal, range: { offset: 299_999, length: 2 } });
      await assert.rejects(collect(pieces), error => isShoalError(error, 'malformed'));
    });

    test('cuts a blob whose bytes are wrong before its last piece', async t => {
      const { source, corrupt } = await setup(t, image);
      for (const { descriptor } of image.layers) {
        await corrupt(descriptor.digest);
        const { bytes, error } = await bytesBeforeError(source.blob(descriptor, { signal }));
        assert.ok(isShoalError(error, 'digest-mismatch'), String(error));
        assert.ok(bytes < descriptor.size, `gave all ${bytes} bytes`);
      }
    });

    test('refuses a document whose bytes are wrong', ofStored, async t => {
      const { source, corrupt } = await setup(t, image);
      const config = image.blobs[0]?.descriptor;
      assert.ok(config);
      await corrupt(config.digest);
      await assert.rejects(source.document(config, { signal }), error => isShoalError(error, 'digest-mismatch'));
    });

    test('refuses a blob that is longer or shorter than its descriptor says', async t => {
      const { source } = await setup(t, image);
      for (const size of [large.bytes.length - 1, large.bytes.length + 1]) {
        const descriptor = { ...large.descriptor, size };
        const { error } = await bytesBeforeError(source.blob(descriptor, { signal }));
        assert.ok(isShoalError(error, 'malformed'), String(error));
        await assert.rejects(source.document(descriptor, { signal }), reason => isShoalError(reason, 'malformed'));
      }
    });

    test('refuses documents beyond its limit without reading them', async t => {
      const { source } = await setup(t, image);
      const descriptor = { ...large.descriptor, size: 16 * 1024 * 1024 + 1 };
      await assert.rejects(source.document(descriptor, { signal }), error => isShoalError(error, 'limit'));
    });

    test('says not-found for a blob that is not there', async t => {
      const { source } = await setup(t, image);
      const [stranger] = sampleImage('stranger').layers;
      assert.ok(stranger);
      const pieces = source.blob(stranger.descriptor, { signal });
      await assert.rejects(collect(pieces), error => isShoalError(error, 'not-found'));
    });

    test('rejects with aborted when the signal fires, before or during a transfer', async t => {
      const { source } = await setup(t, image);
      const fired = AbortSignal.abort();
      await assert.rejects(source.manifest(AMD64, { signal: fired }), error => isShoalError(error, 'aborted'));
      await assert.rejects(collect(source.blob(large.descriptor, { signal: fired })), error =>
        isShoalError(error, 'aborted'),
      );
      const controller = new AbortController();
      const reading = async () => {
        for await (const _ of source.blob(large.descriptor, { signal: controller.signal })) controller.abort();
      };
      await assert.rejects(reading(), error => isShoalError(error, 'aborted'));
    });

    test('gives everything back when readers leave early', async t => {
      const { source } = await setup(t, image);
      for (let round = 0; round < MANY; round++) {
        assert.ok(await firstOf(source.blob(large.descriptor, { signal })));
        assert.ok(await firstOf(source.blob(large.descriptor, { signal, range: { offset: 5, length: 200_000 } })));
      }
      assert.deepEqual(await collect(source.blob(large.descriptor, { signal })), large.bytes);
    });
  });
}
