// What tests of transfers share: access that ends with the test, a place to write to, an image put there.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenOptions, RegistryAccessOptions } from '../../registry/index.ts';
import { openSink, RegistryAccess } from '../../registry/index.ts';
import type { Ending } from './docker-registry.ts';
import type { SampleDocument, SampleImage } from './sample-image.ts';
import { inPieces } from './streams.ts';

export function testAccess(t: Ending, options: RegistryAccessOptions = {}): RegistryAccess {
  const access = new RegistryAccess(options);
  t.after(() => access.close());
  return access;
}

export async function temporaryDirectory(t: Ending): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes the image with all its platforms; the reference's tag goes to the index. */
export async function publishTo(reference: string, image: SampleImage, options: OpenOptions): Promise<void> {
  const signal = new AbortController().signal;
  await using sink = openSink(reference, options);
  const put = ({ descriptor, bytes }: SampleDocument) =>
    sink.putBlob(descriptor, () => inPieces(bytes, 50_000), { signal });
  await Promise.all(image.blobs.map(put));
  for (const { bytes, descriptor } of image.manifests) {
    await sink.putManifest(bytes, descriptor.mediaType, { signal, untagged: true });
  }
  await sink.putManifest(image.index.bytes, image.index.descriptor.mediaType, { signal });
}
