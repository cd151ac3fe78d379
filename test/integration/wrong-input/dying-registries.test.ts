// Registries that go away, fail, or answer nonsense: in the middle of a conversion, of a push, of a read.

import { existsSync } from 'node:fs';
import { noDockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { noise } from '../../support/fake-blob.ts';
import type { MemoryRegistry } from '../../support/memory-registry.ts';
import { until } from '../../support/until.ts';
import { convertedImage, plainImage } from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { cat, READ_SHOWN, readThrough } from '../../support/wrong-input/reading.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

const LARGE = [{ path: 'large', content: noise(4 << 20, 'large') }];

/** A registry with the plain image `plain:latest`, or the converted one `app:latest`. */
async function registryWith(place: Place, repository: 'plain' | 'app'): Promise<MemoryRegistry> {
  const registry = await place.startRegistry();
  const image = repository === 'plain' ? await plainImage(place, LARGE) : await convertedImage(place);
  await image.publish(registry, repository, 'latest');
  return registry;
}

/** Lets the first request that matches begin, and then the registry go away, breaking every socket. */
function dieAt(place: Place, registry: MemoryRegistry, matching: string): void {
  registry.hold(matching);
  place.whenever(
    () => registry.requestsTo(matching).length > 0,
    () => registry.goAway(),
  );
}

/** Goes away when so many bytes have left. */
function dieAfter(place: Place, registry: MemoryRegistry, bytes: number): void {
  registry.knobs.bytesPerSecond = 8 << 20;
  place.whenever(
    () => registry.bytesSent > bytes,
    () => registry.goAway(),
  );
}

const out = (place: Place) => `oci:${place.path('out')}:app`;

const SOURCES: readonly WrongInput[] = [
  {
    name: 'a registry that dies in the middle of a layer, to convert',
    command: async place => {
      const registry = await registryWith(place, 'plain');
      dieAfter(place, registry, 1 << 20);
      return ['convert', '--plain-http', `${registry.host}/plain:latest`, out(place)];
    },
    code: 68,
    message: /HOST\/plain:latest: .*(ECONNREFUSED|broke)/,
  },
  {
    name: 'a registry that dies before the config, to convert',
    command: async place => {
      const registry = await registryWith(place, 'plain');
      dieAt(place, registry, 'GET /v2/plain/blobs/');
      return ['convert', '--plain-http', `${registry.host}/plain:latest`, out(place)];
    },
    code: 68,
    message: /HOST\/plain:latest: .*(ECONNREFUSED|broke)/,
  },
  {
    name: 'a registry that answers 500 for a layer, to convert',
    command: async place => {
      const registry = await registryWith(place, 'plain');
      registry.failNext({ status: 500, count: 1000, matching: 'GET /v2/plain/blobs/' });
      return ['convert', '--plain-http', `${registry.host}/plain:latest`, out(place)];
    },
    code: 69,
    message: /HOST\/plain:latest: blob sha256:HEX: .*500/,
  },
  {
    name: 'a registry that answers 429 and asks for an hour, to convert',
    command: async place => {
      const registry = await registryWith(place, 'plain');
      registry.failNext({ status: 429, count: 1000, headers: { 'retry-after': '3600' } });
      return ['convert', '--plain-http', `${registry.host}/plain:latest`, out(place)];
    },
    code: 69,
    message: /HOST\/plain:latest: manifest: .*429/,
  },
  {
    name: 'a registry that answers with a page that is no manifest',
    command: async place => {
      const registry = await registryWith(place, 'plain');
      registry.putManifest('plain', 'latest', Buffer.from('<html>login</html>'), 'text/html');
      return ['convert', '--plain-http', `${registry.host}/plain:latest`, out(place)];
    },
    code: 65,
    message: /HOST\/plain:latest: manifest is no valid JSON/,
  },
  {
    name: 'a registry that dies in the middle of a check',
    command: async place => {
      const registry = await registryWith(place, 'app');
      dieAfter(place, registry, 100_000);
      return ['check', '--plain-http', `${registry.host}/app:latest`];
    },
    code: 68,
    message: /HOST\/app:latest: .*(ECONNREFUSED|broke)/,
  },
  {
    name: 'a registry that dies in the middle of unpacking',
    command: async place => {
      const registry = await registryWith(place, 'app');
      dieAfter(place, registry, 100_000);
      return ['unpack', '--plain-http', `${registry.host}/app:latest`, place.path('out')];
    },
    code: 68,
    message: /HOST\/app:latest: .*(ECONNREFUSED|broke)/,
  },
  {
    name: 'a registry that answers with another range than asked for',
    command: async place => {
      const registry = await registryWith(place, 'app');
      registry.knobs.wrongRange = true;
      return ['unpack', '--plain-http', `${registry.host}/app:latest`, place.path('out')];
    },
    code: 65,
    message: /of blob sha256:HEX: expected content-range "bytes 0-.*", found "bytes 1-/,
  },
  {
    name: 'a registry that dies before the bootstrap, to mount',
    command: async place => {
      const registry = await registryWith(place, 'app');
      dieAt(place, registry, 'GET /v2/app/blobs/');
      return ['mount', '--plain-http', `${registry.host}/app:latest`, place.directory('mnt')];
    },
    code: 68,
    message: /HOST\/app:latest: .*(ECONNREFUSED|broke)/,
  },
  {
    name: 'a registry that dies before a file of a mount is read; when it is back, reading works',
    command: async place => {
      const registry = await registryWith(place, 'app');
      return ['mount', '--plain-http', '--read-deadline', '1', `${registry.host}/app:latest`, place.directory('mnt')];
    },
    run: async (place, args) => {
      await place.ok(...args);
      await place.registry?.goAway();
      const file = place.path('mnt/usr/share/large');
      const result = await cat(file);
      await place.registry?.comeBack();
      await until(async () => (await cat(file)).code === 0, 'for the file to be readable');
      await place.ok('umount', place.path('mnt'));
      return result;
    },
    shown: READ_SHOWN,
    code: 1,
    message: /large: Input\/output error/,
  },
  {
    name: 'a registry that answers 500 to every read of a mount',
    command: async place => {
      const registry = await registryWith(place, 'app');
      return ['mount', '--plain-http', '--read-deadline', '1', `${registry.host}/app:latest`, place.directory('mnt')];
    },
    run: (place, args) => readThrough(place, args, async () => place.registry?.failNext({ status: 500, count: 1000 })),
    shown: READ_SHOWN,
    code: 1,
    message: /large: Input\/output error/,
  },
];

/** Whole blobs without a manifest, and sessions of uploads: a registry collects both by itself. */
const COLLECTED = {
  words: 'blobs and uploads that no tag names; the registry collects them',
  lines: /^new: (whole blob|unfinished upload) app\b/,
};

async function pushTo(place: Place, registry: MemoryRegistry): Promise<readonly string[]> {
  const { reference } = await plainImage(place, LARGE);
  return ['convert', '--plain-http', reference, `${registry.host}/app:latest`];
}

const TARGETS: readonly WrongInput[] = [
  {
    name: 'a registry that is not there, to push',
    command: async place => ['convert', '--plain-http', (await plainImage(place)).reference, '127.0.0.1:1/app:new'],
    code: 68,
    message: /HOST\/app:new: cannot reach HOST/,
  },
  {
    name: 'a registry that dies in the middle of a push',
    command: async place => {
      const registry = await registryWith(place, 'app');
      dieAt(place, registry, 'PUT /v2/app/blobs/uploads/');
      return pushTo(place, registry);
    },
    code: 68,
    message: /HOST\/app:latest: .*(ECONNREFUSED|broke)/,
    left: COLLECTED,
  },
  {
    name: 'a registry that dies before the manifest is pushed',
    command: async place => {
      const registry = await registryWith(place, 'app');
      dieAt(place, registry, 'PUT /v2/app/manifests/');
      return pushTo(place, registry);
    },
    code: 68,
    message: /HOST\/app:latest: .*(ECONNREFUSED|broke)/,
    left: COLLECTED,
  },
  {
    name: 'a registry that answers 500 to the manifest',
    command: async place => {
      const registry = await registryWith(place, 'app');
      registry.failNext({ status: 500, count: 1000, matching: 'PUT /v2/app/manifests/' });
      return pushTo(place, registry);
    },
    code: 69,
    message: /HOST\/app:latest: manifest: .*500/,
    left: COLLECTED,
  },
  {
    name: 'a registry that answers 507 to an upload',
    command: async place => {
      const registry = await registryWith(place, 'app');
      registry.failNext({ status: 507, count: 1000, matching: 'PUT /v2/app/blobs/uploads/' });
      return pushTo(place, registry);
    },
    code: 69,
    message: /HOST\/app:latest: upload of blob sha256:HEX: .*507/,
    left: COLLECTED,
  },
  {
    name: "Debian's docker-registry, killed in the middle of a push",
    command: async place => {
      const registry = await startDockerRegistry(place);
      const { reference } = await plainImage(place, LARGE);
      const uploads = `${registry.storage}/docker/registry/v2/repositories/app/_uploads`;
      place.whenever(
        () => existsSync(uploads),
        () => registry.stop(),
      );
      return ['convert', '--plain-http', reference, `${registry.host}/app:new`];
    },
    code: 68,
    message: /HOST\/app:new: .*(ECONNREFUSED|broke)/,
  },
];

wrongInputs(
  {
    title: 'Dying registries',
    about: 'Registries that go away, fail or answer nonsense in the middle of a conversion, a push, a check, a read.',
    skip: noDockerRegistry,
    atOnce: 4,
  },
  [...SOURCES, ...TARGETS],
);
