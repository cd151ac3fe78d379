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

test('whoever asks at the same moment as the tag moves sees the same image', async t => {
  const registry = await startMemoryRegistry(t);
  const options = { access: testAccess(t), plainHttp: true };
  const reference = `${registry.host}/sample:one`;
  await publishTo(reference, sampleImage(), options);
  const inner = openSource(reference, options);
  const first = await inner.named({ signal });
  await publishTo(reference, sampleImage('next'), options);
  const second = await inner.named({ signal });
  assert.notEqual(first.digest, second.digest);
  const answers = [Promise.withResolvers<typeof first>(), Promise.withResolvers<typeof first>()];
  let asked = 0;
  const source = new PinnedSource(
    Object.assign(Object.create(inner), { name: inner.name, named: () => answers[asked++]?.promise }),
  );
  const both = [source.named({ signal }), source.named({ signal })];
  answers[0]?.resolve(first);
  await both[0];
  answers[1]?.resolve(second);
  assert.deepEqual(
    (await Promise.all(both)).map(({ digest }) => digest),
    [first.digest, first.digest],
  );
});
