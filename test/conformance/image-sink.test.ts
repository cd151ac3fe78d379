import { join } from 'node:path';
import { openSink, openSource } from '../../registry/index.ts';
import { noDockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { startMemoryRegistry } from '../support/memory-registry.ts';
import { temporaryDirectory, testAccess } from '../support/registry-targets.ts';
import { imageSinkConformance } from './image-sink.ts';

imageSinkConformance('registry client over the registry in memory', async t => {
  const registry = await startMemoryRegistry(t);
  const options = { access: testAccess(t), plainHttp: true };
  return {
    open: tag => ({
      sink: openSink(`${registry.host}/sample:${tag}`, options),
      source: openSource(`${registry.host}/sample:${tag}`, options),
    }),
  };
});

imageSinkConformance(
  "registry client over Debian's registry",
  async t => {
    const registry = await startDockerRegistry(t);
    const options = { access: testAccess(t), plainHttp: true };
    return {
      open: tag => ({
        sink: openSink(`${registry.host}/sample:${tag}`, options),
        source: openSource(`${registry.host}/sample:${tag}`, options),
      }),
    };
  },
  noDockerRegistry,
);

imageSinkConformance('OCI layout', async t => {
  const directory = await temporaryDirectory(t);
  const options = { access: testAccess(t) };
  return {
    open: tag => ({
      sink: openSink(`oci:${directory}:${tag}`, options),
      source: openSource(`oci:${directory}:${tag}`, options),
    }),
  };
});

imageSinkConformance('OCI layout in a tar', async t => {
  const file = join(await temporaryDirectory(t), 'image.tar');
  const options = { access: testAccess(t) };
  return {
    open: tag => {
      const sink = openSink(`oci-archive:${file}:${tag}`, options);
      t.after(() => sink[Symbol.asyncDispose]());
      return { sink, source: openSource(`oci-archive:${file}:${tag}`, options) };
    },
  };
});
