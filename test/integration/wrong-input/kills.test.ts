// SIGKILL of anything: of a command, the daemon, its mount helper, a container's program. What is killed cannot clean up;
// the next command does, and then works as if nothing had been.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { noise } from '../../support/fake-blob.ts';
import { buildImage } from '../../support/image-builder.ts';
import type { CommandResult } from '../../support/shoal.ts';
import { until } from '../../support/until.ts';
import { convertedImage, LayoutImage, plainImage } from '../../support/wrong-input/images.ts';
import { mountsOf } from '../../support/wrong-input/leftovers.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { cat } from '../../support/wrong-input/reading.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

/** 128 + SIGKILL. */
const KILLED = { code: 137, message: /^ended by SIGKILL$/, told: '(killed)' } as const;

const out = (place: Place) => `oci:${place.path('out')}:app`;

/** A source of two layers whose second one never comes, until `release`. */
async function halfSource(place: Place): Promise<{ reference: string; release: () => void }> {
  const registry = await place.startRegistry();
  await buildImage(place.path('in'), {
    tag: 'app',
    layers: ['first', 'second'].map(name => ({ tar: [{ path: name, content: noise(2 << 20, name) }] })),
  });
  const image = new LayoutImage(place.path('in'));
  await image.publish(registry, 'plain', 'latest');
  const release = registry.hold((await image.manifest()).layers[1]?.digest ?? '');
  return { reference: `${registry.host}/plain:latest`, release };
}

async function convertedRegistry(place: Place): Promise<{ reference: string; blob: string }> {
  const registry = await place.startRegistry();
  const image = await convertedImage(place);
  await image.publish(registry, 'app', 'latest');
  return { reference: `${registry.host}/app:latest`, blob: (await image.manifest()).layers[0]?.digest ?? '' };
}

/** The command is killed when something has happened. */
const killedWhen =
  (condition: (place: Place) => boolean, what: string): NonNullable<WrongInput['run']> =>
  (place, args) =>
    place.call(args, { signal: 'SIGKILL', when: () => until(() => condition(place), what) });

const names = (path: string) => (existsSync(path) ? readdirSync(path) : []);
const firstBlobIsThere = (place: Place) => names(place.path('out/blobs/sha256')).length > 0;

/** Kills processes of the place whose command line matches. */
function killProcesses(place: Place, pattern: RegExp): number {
  const found = place.processes().filter(line => pattern.test(line));
  for (const line of found) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
  return found.length;
}

/** Kills the daemon and waits until it is gone. */
async function killDaemon(place: Place): Promise<void> {
  const pid = place.daemonPid();
  process.kill(pid, 'SIGKILL');
  await until(() => !place.processes().some(line => line.startsWith(`${pid} `)), 'for the daemon to be gone');
}

const COMMANDS: readonly WrongInput[] = [
  {
    name: 'a conversion, killed when the first blob is in the target; then the same again',
    command: async place => {
      const { reference, release } = await halfSource(place);
      place.after(async () => release());
      return ['convert', '--plain-http', reference, out(place)];
    },
    run: killedWhen(firstBlobIsThere, 'for the first blob'),
    after: async place => {
      assert.equal(names(place.tmp).length, 1, 'a killed conversion leaves its directory');
      place.registry?.resume();
      await place.ok('convert', `oci:${place.path('in')}:app`, out(place));
      await place.ok('check', out(place));
      assert.deepEqual(names(place.tmp), [], 'the next conversion removes it');
    },
    ...KILLED,
    left: { words: 'the image of the second attempt', lines: /^new file out\b/ },
  },
  {
    name: 'a conversion into a registry, killed in the middle of a push; then the same again',
    command: async place => {
      const registry = await place.startRegistry();
      return ['convert', '--plain-http', (await plainImage(place)).reference, `${registry.host}/new:latest`];
    },
    run: async (place, args) => {
      const { registry } = place;
      if (!registry) throw new Error('no registry');
      const release = registry.hold('PUT /v2/new/blobs/uploads/');
      const condition = () => registry.requestsTo('PUT /v2/new/blobs/uploads/').length > 0;
      const result = await killedWhen(condition, 'for an upload')(place, args);
      release();
      assert.equal(registry.repository('new').tags.size, 0);
      return result;
    },
    after: async place => {
      const reference = `${place.registry?.host}/new:latest`;
      await place.ok('convert', '--plain-http', `oci:${place.path('in')}:app`, reference);
      await place.ok('check', '--plain-http', reference);
      assert.deepEqual(names(place.tmp), []);
    },
    ...KILLED,
    left: {
      words: 'the image of the second attempt, and an upload that the registry collects',
      lines: /^new: (tag|manifest|whole blob|unfinished upload) new\b/,
    },
  },
  {
    name: 'unpacking, killed when files are there; then the same again, which is refused',
    command: async place => {
      const { reference, blob } = await convertedRegistry(place);
      place.registry?.hold(blob);
      return ['unpack', '--plain-http', reference, place.path('out')];
    },
    run: killedWhen(place => existsSync(place.path('out/usr/share/large')), 'for a file'),
    after: async place => {
      const again = await place.run('unpack', `oci:${place.path('image')}:app`, place.path('out'));
      assert.equal(again.code, 75, 'half an image is not taken for one');
    },
    ...KILLED,
    left: {
      words: 'what was written so far; the next one refuses the directory (75) until it is removed',
      lines: /^new file out\b/,
    },
  },
  {
    name: 'mount, killed while the daemon waits for the image',
    command: async place => [
      'mount',
      '--plain-http',
      (await convertedRegistry(place)).reference,
      place.directory('mnt'),
    ],
    run: async (place, args) => {
      const { registry } = place;
      registry?.hold('GET /v2/app/blobs/');
      const condition = () => (registry?.requestsTo('GET /v2/app/blobs/').length ?? 0) > 0;
      return killedWhen(condition, 'for the bootstrap to be asked for')(place, args);
    },
    ...KILLED,
  },
  {
    name: 'mount, killed while a writable mount is being made; then the same again',
    command: async place => ['mount', '--rw', (await convertedImage(place)).reference, place.directory('mnt')],
    run: (place, args) => place.call(args, { signal: 'SIGKILL', when: () => place.freezeHelper() }),
    after: async place => {
      place.thawHelper();
      await until(() => names(`${place.root}/mounts`).length === 0, 'for the daemon to undo it');
      await place.ok('mount', '--rw', `oci:${place.path('image')}:app`, place.path('mnt'));
      assert.equal((await cat(place.path('mnt/etc/motd'))).stdout, 'hello\n');
      await place.ok('umount', place.path('mnt'));
    },
    ...KILLED,
  },
];

/** Mounts, kills the daemon, and then does what the row is about. */
const afterKill =
  (...options: readonly string[]): NonNullable<WrongInput['run']> =>
  async (place, args) => {
    await place.ok('mount', ...options, `oci:${place.path('image')}:app`, place.path('mnt'));
    await killDaemon(place);
    return place.run(...args);
  };

const mountArgs = async (place: Place, ...options: readonly string[]) => [
  'mount',
  ...options,
  (await convertedImage(place)).reference,
  place.directory('mnt'),
];

const unmounts = async (place: Place) => {
  assert.equal((await cat(place.path('mnt/etc/motd'))).stdout, 'hello\n');
  assert.equal(
    mountsOf(place.base).filter(line => line.includes('/mnt ')).length,
    1,
    'one mount, no dead one under it',
  );
  await place.ok('umount', place.path('mnt'));
};

const DAEMONS: readonly WrongInput[] = [
  {
    name: 'the daemon of a mount, killed; then the same mount again, which is still there',
    command: place => mountArgs(place),
    run: afterKill(),
    code: 75,
    message: /mnt: an image is mounted there already/,
    after: unmounts,
  },
  {
    name: 'the daemon of a writable mount, killed; then the same mount again, which is still there',
    command: place => mountArgs(place, '--rw'),
    run: afterKill('--rw'),
    code: 75,
    message: /mnt: an image is mounted there already/,
    after: unmounts,
  },
  {
    name: 'the daemon of a mount, killed; then unmounting',
    command: async place => {
      await mountArgs(place);
      return ['umount', place.path('mnt')];
    },
    run: afterKill(),
    code: 0,
    message: /^$/,
  },
  {
    name: 'the daemon, killed while a read waits for the registry, which then answers the next daemon',
    command: async place => {
      const { reference } = await convertedRegistry(place);
      return ['mount', '--plain-http', reference, place.directory('mnt')];
    },
    run: async (place, args): Promise<CommandResult> => {
      await place.ok(...args);
      const release = place.registry?.hold('GET /v2/app/blobs/');
      const before = place.registry?.requests.length ?? 0;
      const reading = cat(place.path('mnt/usr/share/large'));
      await until(() => (place.registry?.requests.length ?? 0) > before, 'for the read to wait');
      const pid = place.daemonPid();
      await killDaemon(place);
      await until(() => place.daemonPid() !== pid, 'for another daemon');
      release?.();
      return reading;
    },
    shown: 'cat mnt/usr/share/large',
    code: 0,
    message: /^$/,
    after: unmounts,
  },
  {
    name: 'the mount helper, killed while it mounts; then the same again',
    command: async place => ['mount', (await convertedImage(place)).reference, place.directory('mnt')],
    run: async (place, args) => {
      const running = place.run(...args);
      await until(() => killProcesses(place, /helper\.ts$/) > 0, 'for a helper');
      return running;
    },
    code: 71,
    message: /mount helper \([a-z-]+\) failed: no answer/,
    told: 'shoal: mount helper (inspect) failed: no answer',
    after: async place => {
      await place.ok('mount', `oci:${place.path('image')}:app`, place.path('mnt'));
      await unmounts(place);
    },
  },
  {
    name: 'the daemon, killed while it mounts; then the same again',
    command: async place => ['mount', '--rw', (await convertedImage(place)).reference, place.directory('mnt')],
    run: async (place, args) => {
      const running = place.run(...args);
      await place.freezeHelper();
      await killDaemon(place);
      place.thawHelper();
      return running;
    },
    code: 0,
    message: /^$/,
    after: unmounts,
  },
];

async function containerArgs(place: Place, script: string, runtime = 'runc'): Promise<readonly string[]> {
  await buildImage(place.path('in'), {
    tag: 'app',
    layers: [{ tar: [{ path: 'bin/' }, { path: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 }] }],
  });
  await place.ok('convert', `oci:${place.path('in')}:app`, `oci:${place.path('image')}:app`);
  const shared = `${place.directory('shared')}:/shared`;
  const image = `oci:${place.path('image')}:app`;
  return ['run', '--rm', '--runtime', runtime, '-v', shared, image, '/bin/busybox', 'sh', '-c', script];
}

/** The container's first process: the child of runc. */
function killProgram(place: Place): void {
  const [runc = ''] = place.processes().filter(line => /runc .* run --bundle/.test(line));
  const tasks = `/proc/${runc.split(' ')[0]}/task`;
  // Any of runc's threads may have started it.
  const children = readdirSync(tasks).flatMap(task =>
    readFileSync(`${tasks}/${task}/children`, 'utf8').trim().split(' '),
  );
  const child = Number(children.find(pid => pid !== ''));
  assert.ok(child > 0, 'the program was not found');
  process.kill(child, 'SIGKILL');
}

const FOREVER = ': > /shared/ready; while :; do /bin/busybox sleep 1; done';
const isReady = (place: Place) => existsSync(place.path('shared/ready'));
const ITS_FILE = { words: 'the file that the program made in its volume', lines: /^new file shared\/ready$/ };

const CONTAINERS: readonly WrongInput[] = [
  {
    name: 'the program of a container, killed',
    command: place => containerArgs(place, FOREVER),
    run: async (place, args) => {
      const running = place.run(...args);
      await until(() => isReady(place), 'for the program');
      killProgram(place);
      return running;
    },
    code: 137,
    message: /^$/,
    told: "(the exit code is the program's)",
    left: ITS_FILE,
  },
  {
    name: 'run, killed while its program runs; then unmounting',
    command: place => containerArgs(place, FOREVER, 'namespaces'),
    run: killedWhen(isReady, 'for the program'),
    after: async place => {
      const mounts: { mountpoint: string }[] = JSON.parse(await place.ok('--json', 'ps'));
      const mountpoint = mounts[0]?.mountpoint ?? '';
      // The program ends with the command; it may take a moment until nothing uses the mount.
      await until(async () => (await place.run('umount', mountpoint)).code === 0, 'for the container to be removed');
    },
    ...KILLED,
    left: ITS_FILE,
  },
];

wrongInputs(
  {
    title: 'SIGKILL',
    about:
      'A command, the daemon, its mount helper or a program is killed; then a clean start. Where a second command is named, "left behind" is judged after it.',
    atOnce: 2,
  },
  [...COMMANDS, ...DAEMONS, ...CONTAINERS],
);
