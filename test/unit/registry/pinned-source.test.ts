import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSource, PinnedSource } from '../../../registry/index.ts';
import { startMemoryRegistry } from '../../support/memory-registry.ts';
import { publishTo, testAccess } from '../../support/registry-targets.ts';
import { sampleImage } from '../../support/sample-image.ts';

const signal = new AbortController().signal;

test('stays with the image that its name stood for, and asks for each manifest once', async t => {
  const registry = await startMemoryRegistry(t);
  const options = { access: testAccess(t), plainHttp: true };
  const reference = `${registry.host}/sample:one`;
  const image = sampleImage();
  await publishTo(reference, image, options);
  const source = new PinnedSource(openSource(reference, options));
  const platform = { os: 'linux', architecture: 'arm64' };
  await source.named({ signal });
  await source.manifest(platform, { signal });
  await publishTo(reference, sampleImage('next'), options);
  assert.equal((await source.manifest(platform, { signal })).digest, image.manifests[1]?.descriptor.digest);
  assert.equal((await source.named({ signal })).digest, image.index.descriptor.digest);
  assert.equal(registry.requestsTo('GET /v2/sample/manifests').length, 2);
});
