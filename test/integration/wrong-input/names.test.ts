// References, tags, platforms, paths and options that name nothing, for every command that takes them.

import { convertedImage, plainImage } from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

const NO_DIGEST = `sha256:${'0'.repeat(64)}`;

/** `oci:…/in:TAG` of a layout that has the tag `app` only. */
async function plainReference(place: Place, tag: string): Promise<string> {
  await plainImage(place);
  return `oci:${place.path('in')}:${tag}`;
}

async function inRegistry(place: Place, name: string): Promise<string> {
  const registry = await place.startRegistry();
  const image = await plainImage(place);
  await image.publish(registry, 'app', 'latest');
  return `${registry.host}/${name}`;
}

const target = (place: Place) => `oci:${place.path('out')}:app`;

const CASES: readonly WrongInput[] = [
  {
    name: 'a directory that is no OCI layout',
    command: place => ['convert', `oci:${place.directory('empty')}:app`, target(place)],
    code: 66,
    message: /empty is no OCI layout \(it has no index\.json\)/,
  },
  {
    name: 'a tag that the layout does not have',
    command: async place => ['convert', await plainReference(place, 'other'), target(place)],
    code: 66,
    message: /no image other; tags: app/,
  },
  {
    name: 'a digest that the layout does not have',
    command: async place => ['check', `${await plainReference(place, 'app')}@${NO_DIGEST}`],
    code: 66,
    message: /@sha256:HEX: not in the layout/,
  },
  {
    name: 'an image that the registry does not have',
    command: async place => ['convert', '--plain-http', await inRegistry(place, 'nobody:latest'), target(place)],
    code: 66,
    message: /HOST\/nobody:latest: manifest: .*MANIFEST_UNKNOWN/,
  },
  {
    name: 'a tag that the registry does not have, to convert',
    command: async place => ['convert', '--plain-http', await inRegistry(place, 'app:other'), target(place)],
    code: 66,
    message: /HOST\/app:other/,
  },
  {
    name: 'a tag that the registry does not have, to check',
    command: async place => ['check', '--plain-http', await inRegistry(place, 'app:other')],
    code: 66,
    message: /HOST\/app:other/,
  },
  {
    name: 'a tag that the registry does not have, to unpack',
    command: async place => ['unpack', '--plain-http', await inRegistry(place, 'app:other'), place.path('out')],
    code: 66,
    message: /HOST\/app:other/,
  },
  {
    name: 'a tag that the registry does not have, to mount',
    command: async place => ['mount', '--plain-http', await inRegistry(place, 'app:other'), place.directory('mnt')],
    code: 66,
    message: /HOST\/app:other/,
  },
  {
    name: 'a tag that the registry does not have, to run',
    command: async place => ['run', '--rm', '--plain-http', await inRegistry(place, 'app:other'), 'true'],
    code: 66,
    message: /HOST\/app:other/,
  },
  {
    name: 'a platform that the image does not have, to convert',
    command: async place => ['convert', '--platform', 'linux/s390x', await plainReference(place, 'app'), target(place)],
    code: 66,
    message: /linux\/s390x.*linux\/ARCH/,
  },
  {
    name: 'a platform that the image does not have, to mount',
    command: async place => [
      'mount',
      '--platform',
      'linux/s390x',
      (await convertedImage(place)).reference,
      place.directory('mnt'),
    ],
    code: 66,
    message: /linux\/s390x.*linux\/ARCH/,
  },
  {
    name: 'plain HTTP for two registries on two machines',
    command: async () => ['convert', '--plain-http', 'one.example/app:1', 'two.example/app:1'],
    code: 64,
    message: /--plain-http: for which of one\.example and two\.example\? .*plain-http = true/,
  },
  {
    name: 'a platform that is none',
    command: async place => ['convert', '--platform', 'linux', await plainReference(place, 'app'), target(place)],
    code: 64,
    message: /platform "linux": expected/,
  },
  {
    name: 'an ordinary image, to mount',
    command: async place => ['mount', await plainReference(place, 'app'), place.directory('mnt')],
    code: 67,
    message: /ordinary image.*shoal convert/,
  },
  {
    name: 'an ordinary image, to run',
    command: async place => ['run', '--rm', await plainReference(place, 'app'), 'true'],
    code: 67,
    message: /ordinary image.*shoal convert/,
  },
  {
    name: 'an accelerated image, to convert',
    command: async place => ['convert', (await convertedImage(place)).reference, target(place)],
    code: 67,
    message: /accelerated image already/,
  },
  {
    name: 'a reference with an unknown scheme',
    command: place => ['convert', 'ftp://host/app:1', target(place)],
    code: 64,
    message: /unknown scheme ftp:\/\/; known are/,
  },
  {
    name: 'a reference whose repository is in capitals',
    command: () => ['check', 'registry.example/App:1'],
    code: 64,
    message: /"App" is no repository name/,
  },
  {
    name: 'a reference with a tag that is none',
    command: () => ['check', 'registry.example/app:a/b'],
    code: 64,
    message: /"a\/b" is no tag/,
  },
  {
    name: 'a reference with a digest that is none',
    command: () => ['check', 'registry.example/app@sha256:1234'],
    code: 64,
    message: /"sha256:1234" is no digest/,
  },
  {
    name: 'a registry that does not listen',
    command: () => ['check', '--plain-http', '127.0.0.1:1/app:latest'],
    code: 68,
    message: /HOST\/app:latest: .*(ECONNREFUSED|connect)/,
  },
  {
    name: 'a command that does not exist',
    command: () => ['frobnicate'],
    code: 64,
    message: /unknown command 'frobnicate'/,
  },
  {
    name: 'an option that does not exist',
    command: () => ['ps', '--no-such-option'],
    code: 64,
    message: /unknown option '--no-such-option'/,
  },
  {
    name: 'a chunk size that is no power of two',
    command: async place => ['convert', '--chunk-size', '5000', await plainReference(place, 'app'), target(place)],
    code: 64,
    message: /chunk size 5000: no power of two/,
  },
  {
    name: 'more workers than there can be',
    command: async place => ['convert', '--workers', '1000', await plainReference(place, 'app'), target(place)],
    code: 64,
    message: /number of workers 1000: expected a whole number from 1 to/,
  },
  {
    name: 'a volume that does not exist',
    command: async place => ['run', '-v', `${place.path('nothing')}:/data`, (await convertedImage(place)).reference],
    code: 66,
    message: /--volume nothing:\/data: ENOENT/,
  },
  {
    name: 'an image without a command, to run without one',
    command: async place => ['run', '--rm', (await convertedImage(place)).reference],
    code: 64,
    message: /names no command/,
  },
  {
    name: 'a program that the image does not have',
    command: async place => [
      'run',
      '--rm',
      '--runtime',
      'namespaces',
      (await convertedImage(place)).reference,
      'no-such-program',
    ],
    code: 127,
    message: /no-such-program: not found in the image/,
  },
  {
    name: 'a user that the image does not have',
    command: async place => {
      const image = await convertedImage(place);
      const config = JSON.parse((await image.bytesOf('config')).toString());
      await image.replace('config', Buffer.from(JSON.stringify({ ...config, config: { User: 'nobody-here' } })));
      return ['run', '--rm', image.reference, 'true'];
    },
    code: 66,
    message: /user "nobody-here" is not in the image's \/etc\/passwd/,
  },
  {
    name: 'a mountpoint where nothing is mounted, to unmount',
    command: place => ['umount', place.directory('mnt')],
    code: 66,
    message: /no daemon runs on root/,
  },
  {
    name: 'a root directory that is too long for a socket',
    command: () => ['--root', `/tmp/${'x'.repeat(100)}`, 'ps'],
    code: 64,
    message: /too long, the control socket's path may have 107 bytes and would have 118/,
  },
];

wrongInputs({ title: 'Names', about: 'References, tags, platforms, programs and options that name nothing.' }, CASES);
