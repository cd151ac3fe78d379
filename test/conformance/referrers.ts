// The contract of ReferrerSource and ReferrerSink (core/referrers.ts), for every place that images are in.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import type { Digest, ImageSink, Referrer, ReferrerSink, ReferrerSource } from '../../core/index.ts';
import { isShoalError } from '../../core/index.ts';
import type { SampleDocument } from '../support/sample-image.ts';
import { document, sampleImage } from '../support/sample-image.ts';
import { inPieces } from '../support/streams.ts';

export interface ReferrersUnderTest {
  readonly sink: ImageSink & ReferrerSink;
  /** Of the same image. */
  readonly source: ReferrerSource;
}

const signal = new AbortController().signal;
const image = sampleImage();
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const [subject, otherSubject] = image.manifests.map(({ descriptor }) => descriptor);

export interface SampleReferrer {
  readonly referrer: Referrer;
  readonly manifest: SampleDocument;
  readonly blobs: readonly SampleDocument[];
}

/** A manifest about `of`, as builders and signers write it. */
export function sampleReferrer(of: SampleDocument['descriptor'], type: string, tag?: string): SampleReferrer {
  const config = document(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
  const layer = document(Buffer.from(`${type} of ${of.digest}`), 'text/plain');
  const manifest = document(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        // cosign's manifests that are found by tag name no subject.
        ...(tag === undefined && { artifactType: type, subject: of }),
        config: config.descriptor,
        layers: [layer.descriptor],
      }),
    ),
    OCI_MANIFEST,
  );
  const referrer = { descriptor: manifest.descriptor, type, ...(tag !== undefined && { tag }) };
  return { referrer, manifest, blobs: [config, layer] };
}

export function cosignTag(of: Digest, suffix: string): string {
  return `${of.replace(':', '-')}.${suffix}`;
}

export function referrersConformance(
  name: string,
  setup: (t: TestContext) => Promise<ReferrersUnderTest>,
  skip: string | false = false,
): void {
  describe(`referrers: ${name}`, { skip }, () => {
    assert.ok(subject && otherSubject);

    test('an image that nothing refers to has none', async t => {
      const { sink, source } = await setup(t);
      await finish(sink);
      assert.deepEqual(await source.referrers(subject.digest, { signal }), []);
    });

    test('finds what was put, of its subject only, with its type', async t => {
      const { sink, source } = await setup(t);
      const sbom = sampleReferrer(subject, 'application/spdx+json');
      const signature = sampleReferrer(subject, 'application/vnd.example.signature');
      const other = sampleReferrer(otherSubject, 'application/spdx+json');
      for (const [of, each] of [
        [subject, sbom],
        [subject, signature],
        [otherSubject, other],
      ] as const) {
        await put(sink, of.digest, each);
      }
      await finish(sink);
      assert.deepEqual(summary(await source.referrers(subject.digest, { signal })), summary([sbom, signature]));
      assert.deepEqual(summary(await source.referrers(otherSubject.digest, { signal })), summary([other]));
    });

    test('finds what is known by a tag of its own, with that tag', async t => {
      const { sink, source } = await setup(t);
      const tag = cosignTag(subject.digest, 'sig');
      const signature = sampleReferrer(subject, 'cosign signature', tag);
      await put(sink, subject.digest, signature);
      await finish(sink);
      const [found, ...more] = await source.referrers(subject.digest, { signal });
      assert.equal(more.length, 0);
      assert.equal(found?.tag, tag);
      assert.deepEqual(summary([found].flatMap(each => each ?? [])), summary([signature]));
    });

    test('putting the same again changes nothing', async t => {
      const { sink, source } = await setup(t);
      const sbom = sampleReferrer(subject, 'application/spdx+json');
      await put(sink, subject.digest, sbom);
      await put(sink, subject.digest, sbom);
      await finish(sink);
      assert.deepEqual(summary(await source.referrers(subject.digest, { signal })), summary([sbom]));
    });

    test('rejects with aborted when the signal has fired', async t => {
      const { sink } = await setup(t);
      const sbom = sampleReferrer(subject, 'application/spdx+json');
      const options = { signal: AbortSignal.abort() };
      const putting = sink.putReferrer(subject.digest, sbom.referrer, sbom.manifest.bytes, options);
      await assert.rejects(putting, error => isShoalError(error, 'aborted'));
    });
  });
}

async function put(sink: ImageSink & ReferrerSink, of: Digest, each: SampleReferrer): Promise<void> {
  for (const { descriptor, bytes } of each.blobs) {
    await sink.putBlob(descriptor, () => inPieces(bytes, 1000), { signal });
  }
  await sink.putReferrer(of, each.referrer, each.manifest.bytes, { signal });
}

/** Writes the image itself, which completes what is written as a whole. */
async function finish(sink: ImageSink): Promise<void> {
  for (const { descriptor, bytes } of image.blobs) {
    await sink.putBlob(descriptor, () => inPieces(bytes, 100_000), { signal });
  }
  await sink.putManifest(image.manifests[0]?.bytes ?? Buffer.alloc(0), OCI_MANIFEST, { signal });
}

function summary(found: readonly (Referrer | SampleReferrer)[]): string[] {
  return found
    .map(each => ('referrer' in each ? each.referrer : each))
    .map(({ descriptor, type }) => `${descriptor.digest} ${descriptor.size} ${type}`)
    .sort();
}
