// Disks that are full or read-only, mountpoints that are missing, full or taken, roots that somebody else has.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { noise } from '../../support/fake-blob.ts';
import { until } from '../../support/until.ts';
import { convertedImage, plainImage } from '../../support/wrong-input/images.ts';
import type { Place } from '../../support/wrong-input/place.ts';
import { cat } from '../../support/wrong-input/reading.ts';
import { type WrongInput, wrongInputs } from '../../support/wrong-input/suite.ts';

/** A small disk of this place, or one that cannot be written to; goes with the place. */
function disk(place: Place, options: string): string {
  const path = place.directory('disk');
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'shoal-test', path]);
  return path;
}

const LARGE = [{ path: 'large', content: noise(3 << 20, 'large') }];

async function largeConverted(place: Place): Promise<string> {
  const plain = await plainImage(place, LARGE);
  const reference = `oci:${place.path('image')}:app`;
  await place.ok('convert', plain.reference, reference);
  return reference;
}

/** What is on the disk, which the place itself does not look at. */
const emptyDisk = async (place: Place) => assert.deepEqual(await readdir(place.path('disk')), []);

const DISKS: readonly WrongInput[] = [
  {
    name: 'a full disk, as target of a conversion',
    command: async place => [
      'convert',
      (await plainImage(place, LARGE)).reference,
      `oci:${disk(place, 'size=1m')}/out:app`,
    ],
    code: 73,
    message: /oci:disk\/out:app: writing disk\/out\/blobs\/sha256\/HEX: ENOSPC/,
    after: emptyDisk,
  },
  {
    name: 'a full disk, for the temporary files of a conversion',
    command: async place => [
      'convert',
      '--work-dir',
      disk(place, 'size=1m'),
      (await plainImage(place, LARGE)).reference,
      `oci:${place.path('out')}:app`,
    ],
    code: 73,
    message: /ENOSPC/,
    after: emptyDisk,
  },
  {
    name: 'a full disk, to unpack to',
    command: async place => ['unpack', await largeConverted(place), `${disk(place, 'size=1m')}/out`],
    code: 73,
    message: /disk\/out: ENOSPC/,
    after: emptyDisk,
  },
  {
    name: 'a full disk, to unpack devices to',
    command: async place => ['unpack', '--devices', `${disk(place, 'size=1m')}/out`, await largeConverted(place)],
    code: 73,
    message: /disk\/out: ENOSPC/,
    after: emptyDisk,
  },
  {
    name: 'a full disk under the cache, to read from a mount',
    command: async place => {
      const reference = await largeConverted(place);
      disk(place, 'size=1m');
      return ['--root', place.path('disk'), 'mount', '--read-deadline', '1', reference, place.directory('mnt')];
    },
    run: async (place, args) => {
      await place.ok(...args);
      const result = await cat(place.path('mnt/large'));
      await place.ok('--root', place.path('disk'), 'umount', place.path('mnt'));
      return result;
    },
    shown: 'cat mnt/large (mounted with --read-deadline 1)',
    code: 1,
    message: /large: (No space left on device|Input\/output error)/,
  },
  {
    name: 'a disk without room for the daemon',
    command: async place => {
      const { reference } = await convertedImage(place);
      const path = disk(place, 'size=16k');
      execFileSync('sh', ['-c', 'cat /dev/zero > "$0"/full.log 2>/dev/null || true', path]);
      return ['--root', path, 'mount', reference, place.directory('mnt')];
    },
    code: 73,
    message: /the daemon did not start \(no-space\)/,
  },
  {
    name: 'a read-only disk, as target of a conversion',
    command: async place => ['convert', (await plainImage(place)).reference, `oci:${disk(place, 'ro')}/out:app`],
    code: 71,
    message: /oci:disk\/out:app: making the layout: EROFS/,
    after: emptyDisk,
  },
  {
    name: 'a read-only disk, for the temporary files of a conversion',
    command: async place => [
      'convert',
      '--work-dir',
      disk(place, 'ro'),
      (await plainImage(place)).reference,
      `oci:${place.path('out')}:app`,
    ],
    code: 71,
    message: /make a directory in disk: EROFS/,
  },
  {
    name: 'a read-only disk, to unpack to',
    command: async place => ['unpack', (await convertedImage(place)).reference, `${disk(place, 'ro')}/out`],
    code: 71,
    message: /disk\/out: EROFS/,
  },
  {
    name: 'a read-only disk, as root',
    command: async place => [
      '--root',
      `${disk(place, 'ro')}/root`,
      'mount',
      (await convertedImage(place)).reference,
      place.directory('mnt'),
    ],
    code: 71,
    message: /disk\/root.*EROFS/,
  },
  {
    name: 'a directory that is a file, to unpack to',
    command: async place => {
      await writeFile(place.path('file'), '');
      return ['unpack', (await convertedImage(place)).reference, place.path('file')];
    },
    code: 71,
    message: /file: ENOTDIR/,
  },
  {
    name: 'a directory that is not empty, to unpack to',
    command: async place => {
      await writeFile(`${place.directory('full')}/mine`, 'mine');
      return ['unpack', (await convertedImage(place)).reference, place.path('full')];
    },
    code: 75,
    message: /full: expected an empty or new directory, found 1 entries/,
  },
  {
    name: 'a directory for temporary files that is a file',
    command: async place => {
      await writeFile(place.path('file'), '');
      return [
        'convert',
        '--work-dir',
        place.path('file'),
        (await plainImage(place)).reference,
        `oci:${place.path('out')}:app`,
      ];
    },
    code: 71,
    message: /--work-dir file: file is not a directory/,
  },
];

const mountOn = async (place: Place, directory: string) => [
  'mount',
  (await convertedImage(place)).reference,
  directory,
];

const MOUNTPOINTS: readonly WrongInput[] = [
  {
    name: 'a mountpoint that does not exist',
    command: place => mountOn(place, place.path('missing')),
    code: 66,
    message: /mountpoint missing: ENOENT/,
  },
  {
    name: 'a mountpoint that is a file',
    command: async place => {
      await writeFile(place.path('file'), '');
      return mountOn(place, place.path('file'));
    },
    code: 66,
    message: /mountpoint file: not a directory/,
  },
  {
    name: 'a mountpoint that is not empty',
    command: async place => {
      await writeFile(`${place.directory('full')}/mine`, 'mine');
      return mountOn(place, place.path('full'));
    },
    code: 75,
    message: /mountpoint full: expected an empty directory, found one with something in it; --non-empty mounts over it/,
  },
  {
    name: 'a mountpoint where an image is mounted already',
    command: async place => {
      const args = await mountOn(place, place.directory('mnt'));
      await place.ok(...args);
      return args;
    },
    code: 75,
    message: /mnt: an image is mounted there already/,
    after: async place => assert.deepEqual(await readdir(place.path('mnt')), ['etc', 'usr']),
  },
  {
    name: 'a mountpoint where something else is mounted, with files in it',
    command: async place => {
      await writeFile(`${disk(place, 'size=1m')}/mine`, 'mine');
      return mountOn(place, place.path('disk'));
    },
    code: 75,
    message: /mountpoint disk: expected an empty directory/,
  },
  {
    name: 'a directory where no image is mounted, to unmount',
    command: async place => {
      await place.ok(...(await mountOn(place, place.directory('mnt'))));
      return ['umount', place.directory('other')];
    },
    code: 66,
    message: /other: no image of ours is mounted there/,
  },
  {
    name: 'a mount that is in use, to unmount',
    command: async place => {
      await place.ok(...(await mountOn(place, place.directory('mnt'))));
      const user = execFileSync('sh', ['-c', 'cd "$0" && (sleep 600 >/dev/null 2>&1 & echo $!)', place.path('mnt')]);
      place.after(async () => void process.kill(Number(user), 'SIGKILL'));
      return ['umount', place.path('mnt')];
    },
    code: 75,
    message: /mnt: something still uses it/,
  },
];

/** A daemon in the foreground, until the place goes. */
async function startDaemon(place: Place): Promise<void> {
  void place.run('daemon');
  await until(
    async () => (await place.run('umount', '/nowhere')).stderr.includes('no image of ours'),
    'for the daemon',
  );
}

const ROOTS: readonly WrongInput[] = [
  {
    name: 'a root that another daemon has',
    command: async place => {
      await startDaemon(place);
      return ['daemon'];
    },
    code: 75,
    message: /root\/lock: a daemon runs already \(pid PID\)/,
  },
  {
    name: "a root that is somebody else's directory",
    command: async place => {
      await writeFile(`${place.directory('theirs')}/precious.txt`, '');
      return ['--root', place.path('theirs'), 'daemon'];
    },
    code: 64,
    message: /theirs: holds "precious\.txt" but no state of ours; choose an empty directory/,
  },
  {
    name: "a root that is somebody else's directory, to mount",
    command: async place => {
      await writeFile(`${place.directory('theirs')}/precious.txt`, '');
      return ['--root', place.path('theirs'), ...(await mountOn(place, place.directory('mnt')))];
    },
    code: 64,
    message: /theirs: holds "precious\.txt" but no state of ours; choose an empty directory/,
  },
  {
    name: 'a root of another release',
    command: async place => {
      await mkdir(place.root, { recursive: true });
      await writeFile(`${place.root}/version`, '7\n');
      return ['daemon'];
    },
    code: 67,
    message: /root: state of version "7"; this release knows 2/,
  },
  {
    name: 'a root of another release, to mount',
    command: async place => {
      await mkdir(place.root, { recursive: true });
      await writeFile(`${place.root}/version`, '7\n');
      return mountOn(place, place.directory('mnt'));
    },
    code: 67,
    message: /the daemon did not start \(unsupported\); .*root: state of version "7"; this release knows 2/s,
  },
  {
    name: 'a root that is a file',
    command: async place => {
      await writeFile(place.path('file'), '');
      return ['--root', place.path('file'), 'daemon'];
    },
    code: 71,
    message: /--root file: file is not a directory/,
  },
  {
    name: 'no daemon to stop',
    command: () => ['daemon', 'stop'],
    code: 66,
    message: /no daemon runs on root/,
  },
];

wrongInputs(
  {
    title: 'Disks, mountpoints and roots',
    about:
      'Disks that are full or read-only; mountpoints that are missing, full or taken; roots that somebody else has.',
  },
  [...DISKS, ...MOUNTPOINTS, ...ROOTS],
);
