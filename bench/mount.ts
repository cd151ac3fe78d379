// Question: what does a mount cost that grows with the image, though it should not? Images of many files and of few, in
// turn, in one run: from the command to the end of the first `ls` of the mount, with a daemon still to be started and
// with one that runs; and the memory of the daemon then.
//
//   sh scripts/with-node.sh bench/mount.ts [--files 1000,100000] [--rounds 5] [--json]

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs, promisify } from 'node:util';
import { bytes, printJson, printTable } from '../cli/output.ts';
import { makeTree } from './fs/tree.ts';
import { median, packImage, ShoalUnderTest } from './shoal.ts';

const run = promisify(execFile);
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000,100000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
/** Small: this is about their number. */
const FILE_SIZES = { smallest: 64, largest: 1000, largeBytes: 0 };

interface Image {
  readonly files: number;
  readonly reference: string;
}

interface Sample {
  /** From the command to the end of the first ls, milliseconds, when it has to start the daemon. */
  readonly firstMs: number;
  /** The same again, on another directory, when the daemon runs. */
  readonly secondMs: number;
  /** Resident memory of the daemon after the first mount, and the most there ever was. */
  readonly rssBytes: number;
  readonly peakRssBytes: number;
}

async function buildImage(directory: string, files: number): Promise<Image> {
  const place = join(directory, `image-${files}`);
  await mkdir(place);
  const tree = await makeTree(place, { files, ...FILE_SIZES });
  const original = await packImage(tree.directory, join(place, 'original'));
  const reference = `oci:${join(place, 'converted')}:bench`;
  await new ShoalUnderTest(join(place, 'root')).run('convert', original, reference);
  await rm(tree.directory, { recursive: true });
  return { files, reference };
}

/** On an empty root: no daemon, no cache. */
async function measure(directory: string, { reference }: Image): Promise<Sample> {
  const place = await mkdtemp(join(directory, 'run-'));
  const shoal = new ShoalUnderTest(join(place, 'root'));
  const mountAndList = async (name: string) => {
    const mountpoint = join(place, name);
    await mkdir(mountpoint);
    const started = performance.now();
    await shoal.run('mount', '--driver', 'fuse', reference, mountpoint);
    await run('ls', [mountpoint]);
    return performance.now() - started;
  };
  try {
    const firstMs = await mountAndList('first');
    const memory = await memoryOf(await shoal.daemonPid());
    return { firstMs, secondMs: await mountAndList('second'), ...memory };
  } finally {
    await shoal.run('daemon', 'stop').catch(() => {}); // where it did not even start
    await rm(place, { recursive: true, force: true });
  }
}

async function memoryOf(pid: number): Promise<Pick<Sample, 'rssBytes' | 'peakRssBytes'>> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { rssBytes: field('VmRSS'), peakRssBytes: field('VmHWM') };
}

function print(results: readonly { image: Image; samples: readonly Sample[] }[]): void {
  const head = ['FILES', 'TO FIRST LS', 'MIN', 'MAX', 'WITH A DAEMON', 'DAEMON RSS', 'PEAK RSS'];
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const rows = results.map(({ image, samples }) => {
    const middle = (key: keyof Sample) => median(samples.map(sample => sample[key]));
    const first = samples.map(sample => sample.firstMs);
    return [
      `${image.files}`,
      ms(middle('firstMs')),
      ms(Math.min(...first)),
      ms(Math.max(...first)),
      ms(middle('secondMs')),
      bytes(middle('rssBytes')),
      bytes(middle('peakRssBytes')),
    ];
  });
  printTable(head, rows, head);
}

const directory = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
try {
  const results: { image: Image; samples: Sample[] }[] = [];
  for (const files of values.files.split(',')) {
    results.push({ image: await buildImage(directory, Number(files)), samples: [] });
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { image, samples } of results) samples.push(await measure(directory, image));
  }
  if (values.json) printJson(results);
  else print(results);
} finally {
  await rm(directory, { recursive: true, force: true });
}
