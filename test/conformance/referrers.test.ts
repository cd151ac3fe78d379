import { join } from 'node:path';
import { openSink, openSource } from '../../registry/index.ts';
import { noDockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { startMemoryRegistry } from '../support/memory-registry.ts';
import { temporaryDirectory, testAccess } from '../support/registry-targets.ts';
import { referrersConformance } from './referrers.ts';

for (const referrersApi of [true, false]) {
  referrersConformance(`registry in memory ${referrersApi ? 'with' : 'without'} the referrers API`, async t => {
    const registry = await startMemoryRegistry(t);
    registry.knobs.referrersApi = referrersApi;
    const options = { access: testAccess(t), plainHttp: true };
    const reference = `${registry.host}/sample:one`;
    return { sink: openSink(reference, options), source: openSource(reference, options) };
  });
}

referrersConformance(
  "Debian's registry",
  async t => {
    const registry = await startDockerRegistry(t);
    const options = { access: testAccess(t), plainHttp: true };
    const reference = `${registry.host}/sample:one`;
    return { sink: openSink(reference, options), source: openSource(reference, options) };
  },
  noDockerRegistry,
);

referrersConformance('OCI layout', async t => {
  const reference = `oci:${await temporaryDirectory(t)}:one`;
  const options = { access: testAccess(t) };
  return { sink: openSink(reference, options), source: openSource(reference, options) };
});

referrersConformance('OCI layout in a tar', async t => {
  const reference = `oci-archive:${join(await temporaryDirectory(t), 'image.tar')}:one`;
  const options = { access: testAccess(t) };
  const sink = openSink(reference, options);
  t.after(() => sink[Symbol.asyncDispose]());
  return { sink, source: openSource(reference, options) };
});
