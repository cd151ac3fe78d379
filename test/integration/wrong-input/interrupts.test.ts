// Ctrl-C at any time: in every phase of every command that takes longer than a moment. The moments are events (a
// request has arrived, a file is there), never a guess of how long something takes.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { noise } from '../../support/fake-blob.ts';
import { buildImage } from '../../support/image-builder.ts';
import type { MemoryRegistry } from '../../support/memory-registry.ts';
import { until } from '../../support/until.ts';
import { convertedImage, LayoutImage, plainImage } from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

/** Two layers: when the second is asked for, the first is converted. */
async function sourceRegistry(
  place: Place,
): Promise<{ registry: MemoryRegistry; reference: string; layers: string[] }> {
  const registry = await place.startRegistry();
  await buildImage(place.path('in'), {
    tag: 'app',
    layers: [
      { tar: [{ path: 'first', content: noise(2 << 20, 'first') }] },
      { tar: [{ path: 'second', content: noise(2 << 20, 'second') }] },
    ],
  });
  const image = new LayoutImage(place.path('in'));
  await image.publish(registry, 'plain', 'latest');
  const layers = (await image.manifest()).layers.map(({ digest }) => digest);
  return { registry, reference: `${registry.host}/plain:latest`, layers };
}

async function convertedRegistry(place: Place): Promise<{ registry: MemoryRegistry; reference: string; blob: string }> {
  const registry = await place.startRegistry();
  const image = await convertedImage(place);
  await image.publish(registry, 'app', 'latest');
  return { registry, reference: `${registry.host}/app:latest`, blob: (await image.manifest()).layers[0]?.digest ?? '' };
}

const out = (place: Place) => `oci:${place.path('out')}:app`;

/** Ctrl-C when a request like this has arrived; it is never answered. */
function whenAsked(matching: string): NonNullable<WrongInput['run']> {
  return (place, args) => {
    const { registry } = place;
    if (!registry) throw new Error('no registry');
    registry.hold(matching);
    return place.call(args, {
      when: () => until(() => registry.requestsTo(matching).length > 0, `for a request to ${matching}`),
    });
  };
}

const COLLECTED = {
  words: 'blobs and uploads that no tag names; the registry collects them',
  lines: /^new: (whole blob|unfinished upload) new\b/,
};

const INTERRUPTED = { code: 130, message: /^shoal: interrupted by SIGINT$/ } as const;

const CONVERT: readonly WrongInput[] = [
  {
    name: 'Ctrl-C while a conversion waits for the manifest',
    command: async place => ['convert', '--plain-http', (await sourceRegistry(place)).reference, out(place)],
    run: whenAsked('GET /v2/plain/manifests/'),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while a conversion waits for the config',
    command: async place => ['convert', '--plain-http', (await sourceRegistry(place)).reference, out(place)],
    run: whenAsked('GET /v2/plain/blobs/'),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C in the middle of a layer',
    command: async place => {
      const { registry, reference } = await sourceRegistry(place);
      registry.knobs.bytesPerSecond = 2 << 20;
      return ['convert', '--plain-http', reference, out(place)];
    },
    run: (place, args) =>
      place.call(args, { when: () => until(() => (place.registry?.bytesSent ?? 0) > 500_000, 'for half a megabyte') }),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C when the first blob is in the target',
    command: async place => {
      const { registry, reference, layers } = await sourceRegistry(place);
      registry.hold(layers[1] ?? '');
      return ['convert', '--plain-http', reference, out(place)];
    },
    run: (place, args) => {
      const blobs = place.path('out/blobs/sha256');
      return place.call(args, {
        when: () => until(() => existsSync(blobs) && readdirSync(blobs).length > 0, 'for the first blob'),
      });
    },
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while a blob is pushed',
    command: async place => {
      const registry = await place.startRegistry();
      return ['convert', '--plain-http', (await plainImage(place)).reference, `${registry.host}/new:latest`];
    },
    run: whenAsked('PUT /v2/new/blobs/uploads/'),
    ...INTERRUPTED,
    left: COLLECTED,
  },
  {
    name: 'Ctrl-C while the manifest is pushed',
    command: async place => {
      const registry = await place.startRegistry();
      return ['convert', '--plain-http', (await plainImage(place)).reference, `${registry.host}/new:latest`];
    },
    run: whenAsked('PUT /v2/new/manifests/'),
    ...INTERRUPTED,
    left: COLLECTED,
  },
  {
    name: 'SIGTERM in the middle of a layer',
    command: async place => {
      const { registry, reference } = await sourceRegistry(place);
      registry.knobs.bytesPerSecond = 2 << 20;
      return ['convert', '--plain-http', reference, out(place)];
    },
    run: (place, args) =>
      place.call(args, {
        signal: 'SIGTERM',
        when: () => until(() => (place.registry?.bytesSent ?? 0) > 500_000, 'for half a megabyte'),
      }),
    code: 130,
    message: /^shoal: interrupted by SIGTERM$/,
  },
];

const READ: readonly WrongInput[] = [
  {
    name: 'Ctrl-C while a check waits for the bootstrap',
    command: async place => ['check', '--plain-http', (await convertedRegistry(place)).reference],
    run: whenAsked('GET /v2/app/blobs/'),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while a check reads a blob',
    command: async place => ['check', '--plain-http', (await convertedRegistry(place)).reference],
    run: async (place, args) => whenAsked(await blobOf(place))(place, args),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while unpacking waits for a blob, and files are there already',
    command: async place => {
      const { registry, reference, blob } = await convertedRegistry(place);
      registry.hold(blob);
      return ['unpack', '--plain-http', reference, place.path('out')];
    },
    run: (place, args) =>
      place.call(args, { when: () => until(() => existsSync(place.path('out/usr/share/large')), 'for a file') }),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while unpacking devices waits for a blob',
    command: async place => {
      const { registry, reference, blob } = await convertedRegistry(place);
      registry.hold(blob);
      return ['unpack', '--plain-http', '--devices', place.path('out'), reference];
    },
    run: (place, args) =>
      place.call(args, { when: () => until(() => existsSync(place.path('out/image.boot')), 'for the bootstrap') }),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while a mount waits for the manifest',
    command: async place => [
      'mount',
      '--plain-http',
      (await convertedRegistry(place)).reference,
      place.directory('mnt'),
    ],
    run: whenAsked('GET /v2/app/manifests/'),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while a mount waits for the bootstrap',
    command: async place => [
      'mount',
      '--plain-http',
      (await convertedRegistry(place)).reference,
      place.directory('mnt'),
    ],
    run: whenAsked('GET /v2/app/blobs/'),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while a daemon starts for a mount',
    command: async place => ['mount', (await convertedImage(place)).reference, place.directory('mnt')],
    run: (place, args) =>
      place.call(args, {
        when: () => until(() => existsSync(`${place.root}/lock`), 'for the daemon to take the root'),
      }),
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while a writable mount is being made',
    command: async place => ['mount', '--rw', (await convertedImage(place)).reference, place.directory('mnt')],
    // The helper may be done before anybody could stop it; then it is another's turn.
    run: async (place, args) => {
      for (let left = 5; ; left--) {
        const result = await place.call(args, { when: () => place.freezeHelper() });
        if (result.code !== 0 || left === 0) return result;
        place.thawHelper();
        await place.ok('umount', place.path('mnt'));
      }
    },
    ...INTERRUPTED,
    after: async place => place.thawHelper(),
  },
  {
    name: 'Ctrl-C while run waits for the bootstrap',
    command: async place => ['run', '--rm', '--plain-http', (await convertedRegistry(place)).reference, 'program'],
    run: async (place, args) => {
      const image = new LayoutImage(place.path('image'));
      return whenAsked((await image.manifest()).layers.at(-1)?.digest ?? '')(place, args);
    },
    ...INTERRUPTED,
  },
  {
    name: 'Ctrl-C while a program runs: it is the program that ends',
    command: async place => {
      await buildImage(place.path('in'), {
        tag: 'app',
        layers: [
          { tar: [{ path: 'bin/' }, { path: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 }] },
        ],
      });
      await place.ok('convert', `oci:${place.path('in')}:app`, `oci:${place.path('image')}:app`);
      const script = 'trap "exit 42" INT; : > /shared/ready; while :; do /bin/busybox sleep 1; done';
      const shared = `${place.directory('shared')}:/shared`;
      return ['run', '--rm', '-v', shared, `oci:${place.path('image')}:app`, '/bin/busybox', 'sh', '-c', script];
    },
    run: (place, args) =>
      place.call(args, { when: () => until(() => existsSync(place.path('shared/ready')), 'for the program') }),
    code: 42,
    message: /^$/,
    left: { words: 'the file that the program made in its volume', lines: /^new file shared\/ready$/ },
  },
  {
    name: 'Ctrl-C of a daemon in the foreground, with an image mounted',
    command: async place => {
      await convertedImage(place);
      place.directory('mnt');
      return ['daemon'];
    },
    run: (place, args) =>
      place.call(args, {
        when: async () => {
          await until(() => existsSync(`${place.root}/control.sock`), 'for the daemon');
          await place.ok('mount', `oci:${place.path('image')}:app`, place.path('mnt'));
        },
      }),
    code: 0,
    message: /daemon is ready/,
    told: 'its log',
  },
];

async function blobOf(place: Place): Promise<string> {
  return `GET /v2/app/blobs/${(await new LayoutImage(place.path('image')).manifest()).layers[0]?.digest}`;
}

wrongInputs(
  {
    title: 'Ctrl-C',
    about: 'Ctrl-C (SIGINT) or SIGTERM in every phase of every command that takes longer than a moment.',
    atOnce: 2,
  },
  [...CONVERT, ...READ],
);
