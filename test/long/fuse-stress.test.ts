// Issue B, Show 2: a mount under everything that programs do to file systems. 64 processes read it at once, cold at first,
// each in its own way, and compare every byte and name; fio verifies what it laid out; stress-ng runs with the mount as
// its root. The kernel must have nothing to say about it.
//   SHOAL_STRESS_SECONDS, SHOAL_STRESS_SEED: for longer runs with other chances (scripts/soak.ts)

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { DRIVER_NAMES, type DriverName, EROFS_BACKINGS, type ErofsBacking, type MountInfo } from '../../core/index.ts';
import { checkDriver } from '../../daemon/index.ts';
import { missingLoop } from '../support/missing.ts';
import {
  fioLaysOut,
  fioReads,
  fioWrites,
  noFio,
  noStressNg,
  READING_STRESSORS,
  STRESS_NG_PLACES,
  stressNg,
  stressNgProgram,
  WRITING_STRESSORS,
} from '../support/outside-stress.ts';
import { makeShoal, type Shoal } from '../support/shoal.ts';
import { buildStressImage, programTree, type StressImage } from '../support/stress-image.ts';
import type { TarItem } from '../support/tar-bytes.ts';

const run = promisify(execFile);
const READERS_PROGRAM = resolve(import.meta.dirname, '../support/stress-readers.py');
const READERS = 64;
const SECONDS = Number(process.env['SHOAL_STRESS_SECONDS'] ?? 3);
const SEED = process.env['SHOAL_STRESS_SEED'] ?? '1';
const missing = ['/usr/bin/python3', '/bin/busybox'].find(program => !existsSync(program));
const noReaders: string | false = missing === undefined ? false : `${missing} is not installed`;

/** Among the kernel's warnings: something of ours, or a failure of the kernel itself. */
const KERNEL_COMPLAINT = /\b(fuse|overlayfs): |\berofs \(|\bBUG\b|WARNING:|Oops|blocked for more than|soft lockup/i;
/**
 * Linux 6.18 warns, once after it has started, when EROFS reads the metadata of a file on ext4: ext4 expects a lock that
 * only its own callers take (docs/drivers.md).
 */
const KNOWN_WARNING = /WARNING: .* at fs\/ext4\/inode\.c:\d+ ext4_check_map_extents_env/;

/** The kernel's warnings that came after the call; undefined where it can't be read. */
async function watchKernelLog(): Promise<(() => Promise<string[]>) | undefined> {
  const read = () =>
    run('dmesg', ['--level=emerg,alert,crit,err,warn'], { maxBuffer: 64 << 20 }).then(({ stdout }) =>
      stdout.split('\n'),
    );
  const before = await read().catch(() => undefined);
  if (before === undefined) return undefined;
  const last = before.findLast(line => line !== '');
  return async () => {
    const now = await read();
    return last === undefined ? now : now.slice(now.lastIndexOf(last) + 1);
  };
}

type Totals = Record<string, { readers: number; rounds: number; bytes: number; entries: number }>;

async function readAtOnce(
  mountpoint: string,
  manifestPath: string,
  options: { readonly readers: number; readonly seconds: number; readonly direct: boolean },
): Promise<Totals> {
  const { readers, seconds, direct } = options;
  const args = [
    READERS_PROGRAM,
    mountpoint,
    manifestPath,
    `${readers}`,
    `${seconds}`,
    SEED,
    ...(direct ? [] : ['O_DIRECT']),
  ];
  const { stdout } = await run('/usr/bin/python3', args, { timeout: (seconds + 120) * 1000, killSignal: 'SIGKILL' });
  return JSON.parse(stdout) as Totals;
}

interface Accelerated {
  readonly image: StressImage;
  /** The same image, converted. */
  readonly converted: string;
}

async function makeImage(shoal: Shoal): Promise<Accelerated> {
  const more: TarItem[] = [...STRESS_NG_PLACES];
  if (!noStressNg) more.push(...(await programTree(stressNgProgram)));
  if (!noFio) {
    const path = join(shoal.scratch, 'laid-out');
    await fioLaysOut(path);
    more.push({ path: 'fio', content: await readFile(path) });
  }
  const image = await buildStressImage(shoal.scratch, more);
  const converted = `oci:${join(shoal.scratch, 'converted')}:stress`;
  await shoal.ok('convert', image.reference, converted);
  return { image, converted };
}

/** The manifest with one byte's difference in a large file, and with a name that is not there. */
async function writeWrongManifest(shoal: Shoal, image: StressImage): Promise<string> {
  const wrong = structuredClone(image.manifest) as { files: Record<string, unknown>; directory: { entries: object } };
  wrong.files['big/text'] = wrong.files['big/noise'];
  Object.assign(wrong.directory.entries, { 'not-there': 8 });
  const path = join(shoal.scratch, 'wrong.json');
  await writeFile(path, JSON.stringify(wrong));
  return path;
}

interface Way {
  readonly driver: DriverName;
  readonly backing: 'auto' | ErofsBacking;
}

const WAYS: readonly (readonly [DriverName, Way['backing']])[] = [
  ...DRIVER_NAMES.filter(name => name !== 'erofs').map(name => [name, 'auto'] as const),
  ...EROFS_BACKINGS.map(backing => ['erofs', backing] as const),
];

test('a mount under stress', { timeout: SECONDS * 40_000 + 600_000, skip: noReaders }, async t => {
  const accelerated = await makeImage(await makeShoal(t));
  for (const [driver, backing] of WAYS) {
    const { problem } = await checkDriver(driver);
    const skip = problem ?? (backing === 'loop' && missingLoop());
    const name = backing === 'auto' ? driver : `${driver} (${backing})`;
    await t.test(`driver ${name}`, { skip }, t => putUnderStress(t, { driver, backing }, accelerated));
  }
});

/** The image is mounted twice, as it is and below a writable layer. Nothing of it is in the cache yet. */
async function putUnderStress(t: TestContext, way: Way, { image, converted }: Accelerated): Promise<void> {
  const { driver, backing } = way;
  const shoal = await makeShoal(t, { SHOAL_EROFS_BACKING: backing });
  // A limit of erofs; and what is read ahead of a device serves many reads of files.
  const [direct, manyReads] = driver === 'erofs' ? [false, 10] : [true, 100];
  const kernelLog = await watchKernelLog();
  const [readOnly, writable] = [join(shoal.scratch, 'ro'), join(shoal.scratch, 'rw')];
  for (const mountpoint of [readOnly, writable]) await mkdir(mountpoint);
  await shoal.ok('mount', '--driver', driver, converted, readOnly);
  await shoal.ok('mount', '--driver', driver, '--rw', converted, writable);

  await t.test(
    `${READERS} processes read every byte and name as they are in the image, hits and misses mixed`,
    async t => {
      const totals = await readAtOnce(readOnly, image.manifestPath, { readers: READERS, seconds: SECONDS, direct });
      t.diagnostic(JSON.stringify(totals));
      assert.equal(
        Object.values(totals).reduce((sum, { readers }) => sum + readers, 0),
        READERS,
      );
      for (const [kind, { rounds, readers }] of Object.entries(totals)) {
        assert.ok(rounds >= readers && readers > 0, `${kind}: ${rounds} rounds of ${readers} readers`);
      }
      const mounts = (await shoal.json('ps')) as MountInfo[];
      const stats = mounts.find(mount => mount.mountpoint === readOnly)?.stats;
      assert.ok(stats && stats.misses > manyReads && (stats.hits > stats.misses || !direct), JSON.stringify(stats));
      assert.equal(stats.waiting, 0);
    },
  );

  await t.test('these readers notice a wrong byte and a missing name', async () => {
    const path = await writeWrongManifest(shoal, image);
    const result = readAtOnce(readOnly, path, { readers: 9, seconds: 0, direct });
    await assert.rejects(result, (error: { stderr: string }) => {
      assert.match(error.stderr, /not-there/);
      assert.match(error.stderr, /big\/text/);
      return true;
    });
  });

  await t.test('fio reads what it laid out, in six ways at once', { skip: noFio }, async t => {
    const jobs = await fioReads(join(readOnly, 'fio'), SECONDS, { direct });
    t.diagnostic(jobs.map(job => `${job.jobname} ${Math.round(job.read.io_bytes / 2 ** 20)} MiB`).join(', '));
    for (const { jobname, read } of jobs) assert.ok(read.io_bytes > 0, `${jobname} read nothing`);
  });

  await t.test('fio notices a wrong byte', { skip: noFio }, async () => {
    const content = await readFile(join(readOnly, 'fio'));
    const at = content.length / 2 + 1000; // in what a header's checksum covers
    content[at] = (content[at] ?? 0) ^ 1;
    const path = join(shoal.scratch, 'damaged');
    await writeFile(path, content);
    await assert.rejects(fioReads(path, 1, { direct }), /verify failed/);
  });

  await t.test(
    'fio writes and verifies below a writable mount, also over a file of the image',
    { skip: noFio },
    async () => {
      const jobs = await fioWrites(join(writable, 'scratch'), join(writable, 'fio'), SECONDS / 2);
      for (const { jobname, write } of jobs) assert.ok(write.io_bytes > 0, `${jobname} wrote nothing`);
      await fioReads(join(readOnly, 'fio'), 1, { direct });
    },
  );

  await t.test('stress-ng walks, stats and loads from a read-only mount', { skip: noStressNg }, () =>
    stressNg(readOnly, SECONDS, READING_STRESSORS),
  );

  await t.test('stress-ng does everything to a writable mount', { skip: noStressNg }, () =>
    stressNg(writable, SECONDS, WRITING_STRESSORS),
  );

  await t.test('after all that both mounts come off, and the kernel has not complained', async t => {
    await shoal.ok('umount', writable);
    await shoal.ok('umount', readOnly);
    if (kernelLog === undefined) return t.skip('the kernel log is not readable');
    const complaints = (await kernelLog()).filter(line => KERNEL_COMPLAINT.test(line) && !KNOWN_WARNING.test(line));
    assert.deepEqual(complaints, []);
  });
}
