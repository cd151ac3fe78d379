// Question: what does it cost to give the kernel a complete image as plain files? All of it is verified once more first. The
// same image, mounted in turn by erofs with nothing of it here, with all of it here (verified, and its record removed each
// time), and with all of it here and verified before; the cache files in memory, or not.
//
//   sh scripts/with-node.sh bench/complete.ts [--mib 1024] [--files 10000] [--rounds 5]

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs, promisify } from 'node:util';
import { printTable } from '../cli/output.ts';
import { makeTree } from './fs/tree.ts';
import { median, packImage, ShoalUnderTest } from './shoal.ts';

const run = promisify(execFile);
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    files: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
  },
});
const FILE_SIZES = { smallest: 200, largest: 8000 };

/** What is there when the image is mounted. */
const WAYS = ['nothing', 'all, verified now', 'all, verified now, from disk', 'all, verified before'] as const;
type Way = (typeof WAYS)[number];

/** With the daemon running: how long the mount takes, milliseconds. */
async function measure(shoal: ShoalUnderTest, place: string, image: { reference: string; root: string; way: Way }) {
  const { reference, root, way } = image;
  const cache = join(root, 'cache');
  const files = await readdir(cache).catch(() => []);
  if (way !== 'all, verified before') {
    for (const name of files) if (name.endsWith('.seal')) await rm(join(cache, name));
  }
  if (way === 'all, verified now, from disk') await writeFile('/proc/sys/vm/drop_caches', '3');
  const mountpoint = join(place, 'mnt');
  const started = performance.now();
  await shoal.run('mount', '--driver', 'erofs', reference, mountpoint);
  const ms = performance.now() - started;
  await shoal.run('umount', mountpoint);
  return ms;
}

async function main(place: string): Promise<void> {
  const largeBytes = Number(values.mib) << 20;
  const tree = await makeTree(place, { files: Number(values.files), ...FILE_SIZES, largeBytes });
  const original = await packImage(tree.directory, join(place, 'original'));
  const reference = `oci:${join(place, 'converted')}:bench`;
  await new ShoalUnderTest(join(place, 'root-convert')).run('convert', original, reference);
  await mkdir(join(place, 'mnt'));
  const [empty, full] = [join(place, 'root-empty'), join(place, 'root-full')];
  const other = join(place, 'kept');
  await mkdir(other);
  // It fills the cache, and keeps the daemon.
  const shoal = new ShoalUnderTest(full);
  await shoal.run('mount', '--driver', 'fuse', reference, other);
  await run('sh', ['-c', 'find "$0" -type f -exec cat {} + > /dev/null', other]);
  const fresh = new ShoalUnderTest(empty);
  await mkdir(join(place, 'kept-empty'));
  await fresh.run('mount', '--driver', 'fuse', reference, join(place, 'kept-empty'));
  try {
    const samples = new Map(WAYS.map(way => [way, [] as number[]]));
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const way of WAYS) {
        const [by, root] = way === 'nothing' ? [fresh, empty] : [shoal, full];
        samples.get(way)?.push(await measure(by, place, { reference, root, way }));
      }
    }
    const head = ['WHAT IS HERE', 'MOUNT', 'MIN', 'MAX'];
    const ms = (value: number) => `${value.toFixed(0)} ms`;
    const rows = [...samples].map(([way, times]) => [
      way,
      ms(median(times)),
      ms(Math.min(...times)),
      ms(Math.max(...times)),
    ]);
    printTable(head, rows, head.slice(1));
  } finally {
    await shoal.run('daemon', 'stop');
    await fresh.run('daemon', 'stop');
  }
}

const directory = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
try {
  await main(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
