import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../core/index.ts';
import { hexOf } from '../../core/index.ts';
import { openSource } from '../../registry/index.ts';
import { noDockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { startMemoryRegistry } from '../support/memory-registry.ts';
import { publishTo, temporaryDirectory, testAccess } from '../support/registry-targets.ts';
import { imageSourceConformance } from './image-source.ts';

imageSourceConformance('registry client over the registry in memory', async (t, image) => {
  const registry = await startMemoryRegistry(t);
  const options = { access: testAccess(t), plainHttp: true };
  await publishTo(`${registry.host}/sample:one`, image, options);
  return {
    source: openSource(`${registry.host}/sample:one`, options),
    missing: openSource(`${registry.host}/sample:none`, options),
    corrupt: async digest => registry.corrupt(digest),
  };
});

imageSourceConformance(
  "registry client over Debian's registry",
  async (t, image) => {
    const registry = await startDockerRegistry(t);
    const options = { access: testAccess(t), plainHttp: true };
    await publishTo(`${registry.host}/sample:one`, image, options);
    const pathOf = (digest: Digest) => {
      const hex = hexOf(digest);
      return join(registry.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
    };
    return {
      source: openSource(`${registry.host}/sample:one`, options),
      missing: openSource(`${registry.host}/sample:none`, options),
      corrupt: digest => flipFirstByte(pathOf(digest)),
    };
  },
  noDockerRegistry,
);

imageSourceConformance('OCI layout', async (t, image) => {
  const directory = await temporaryDirectory(t);
  const options = { access: testAccess(t) };
  await publishTo(`oci:${directory}:one`, image, options);
  return {
    source: openSource(`oci:${directory}:one`, options),
    missing: openSource(`oci:${directory}:none`, options),
    corrupt: digest => flipFirstByte(join(directory, 'blobs/sha256', hexOf(digest))),
  };
});

async function flipFirstByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[0] = (bytes[0] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}
