import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../core/index.ts';
import { hexOf } from '../../core/index.ts';
import { openSource, PinnedSource } from '../../registry/index.ts';
import { dockerArchive } from '../support/docker-archive.ts';
import { noDockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { startMemoryRegistry } from '../support/memory-registry.ts';
import { publishTo, temporaryDirectory, testAccess } from '../support/registry-targets.ts';
import type { SampleImage } from '../support/sample-image.ts';
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
  { skip: noDockerRegistry },
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

imageSourceConformance('pinned', async (t, image) => {
  const registry = await startMemoryRegistry(t);
  const options = { access: testAccess(t), plainHttp: true };
  await publishTo(`${registry.host}/sample:one`, image, options);
  return {
    source: new PinnedSource(openSource(`${registry.host}/sample:one`, options)),
    missing: new PinnedSource(openSource(`${registry.host}/sample:none`, options)),
    corrupt: async digest => registry.corrupt(digest),
  };
});

imageSourceConformance('OCI layout in a tar', async (t, image) => {
  const file = join(await temporaryDirectory(t), 'image.tar');
  const options = { access: testAccess(t) };
  await publishTo(`oci-archive:${file}:one`, image, options);
  return {
    source: openSource(`oci-archive:${file}:one`, options),
    missing: openSource(`oci-archive:${file}:none`, options),
    corrupt: digest => flipInArchive(file, image, digest),
  };
});

imageSourceConformance(
  "Docker's archive",
  async (t, image) => {
    const file = join(await temporaryDirectory(t), 'image.tar');
    const options = { access: testAccess(t) };
    const [config, ...layers] = image.blobs;
    await writeFile(file, dockerArchive([{ names: ['sample:one'], config: config?.bytes ?? '', layers }]));
    return {
      source: openSource(`docker-archive:${file}:sample:one`, options),
      missing: openSource(`docker-archive:${file}:sample:none`, options),
      corrupt: digest => flipInArchive(file, image, digest),
    };
  },
  { storesManifests: false },
);

/** Flips the first byte of a blob, wherever it lies in the tar. */
async function flipInArchive(file: string, image: SampleImage, digest: Digest): Promise<void> {
  const bytes = await readFile(file);
  const blob = image.blobs.find(({ descriptor }) => descriptor.digest === digest);
  for (let at = 512; at < bytes.length; at += 512) {
    if (blob && bytes.subarray(at, at + blob.bytes.length).equals(blob.bytes)) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  }
  await writeFile(file, bytes);
}

async function flipFirstByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[0] = (bytes[0] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}
