// Question: what does a mount cost that grows with the image, though it should not? Images of many layers and files and of
// few, by each driver, in turn, in one run: from the command to the end of the first `ls` of the mount, with a daemon still to
// be started and with one that runs; and the memory of the daemon then. It may grow by what the bootstrap takes to come.
//
//   sh scripts/with-node.sh bench/mount.ts [--images 1x1000,100x100000] [--drivers fuse,erofs] [--rounds 5] [--json]

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
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
    images: { type: 'string', default: '1x1000,100x100000' },
    drivers: { type: 'string', default: 'fuse,erofs' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
/** Small: this is about their number. */
const FILE_SIZES = { smallest: 64, largest: 1000, largeBytes: 0 };

/** What the bootstrap is thought to come over, bytes in a millisecond: 100 Mbit/s. */
const LINK_BYTES_PER_MS = 12_500;

interface Image {
  readonly layers: number;
  readonly files: number;
  readonly reference: string;
  /** The layer that has it, as it is stored. */
  readonly bootstrapBytes: number;
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

async function buildImage(directory: string, shape: string): Promise<Image> {
  const [layers = 1, files = 1] = shape.split('x').map(Number);
  const place = join(directory, `image-${shape}`);
  await mkdir(place);
  const tree = await makeTree(place, { files, ...FILE_SIZES });
  const original = await packImage(
    tree.directory,
    join(place, 'original'),
    dealt(await readdir(tree.directory), layers),
  );
  const layout = join(place, 'converted');
  await new ShoalUnderTest(join(place, 'root')).run('convert', original, `oci:${layout}:bench`);
  await rm(tree.directory, { recursive: true });
  const manifest = await manifestOf(layout);
  return { layers, files, reference: `oci:${layout}:bench`, bootstrapBytes: manifest.layers.at(-1)?.size ?? 0 };
}

/** In so many parts. */
function dealt(names: readonly string[], parts: number): readonly (readonly string[])[] {
  const start = (part: number) => Math.floor((names.length * part) / parts);
  return Array.from({ length: parts }, (_, part) => names.slice(start(part), start(part + 1)));
}

interface Manifest {
  readonly layers: readonly { readonly size: number }[];
}

async function manifestOf(layout: string): Promise<Manifest> {
  const index: { manifests: { digest: string }[] } = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
  const digest = index.manifests[0]?.digest.replace(':', '/') ?? '';
  return JSON.parse(await readFile(join(layout, 'blobs', digest), 'utf8'));
}

/** On an empty root: no daemon, no cache. */
async function measure(directory: string, { reference }: Image, driver: string): Promise<Sample> {
  const place = await mkdtemp(join(directory, 'run-'));
  const shoal = new ShoalUnderTest(join(place, 'root'));
  const mountAndList = async (name: string) => {
    const mountpoint = join(place, name);
    await mkdir(mountpoint);
    const started = performance.now();
    await shoal.run('mount', '--driver', driver, reference, mountpoint);
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

interface Result {
  readonly image: Image;
  readonly driver: string;
  readonly samples: Sample[];
}

function print(results: readonly Result[]): void {
  const head = [
    'DRIVER',
    'LAYERS',
    'FILES',
    'TO FIRST LS',
    'MIN',
    'MAX',
    'WITH A DAEMON',
    'DAEMON RSS',
    'PEAK RSS',
    'BOOTSTRAP',
    'ITS DOWNLOAD',
  ];
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const rows = results.map(({ image, driver, samples }) => {
    const middle = (key: keyof Sample) => median(samples.map(sample => sample[key]));
    const first = samples.map(sample => sample.firstMs);
    return [
      driver,
      `${image.layers}`,
      `${image.files}`,
      ms(middle('firstMs')),
      ms(Math.min(...first)),
      ms(Math.max(...first)),
      ms(middle('secondMs')),
      bytes(middle('rssBytes')),
      bytes(middle('peakRssBytes')),
      bytes(image.bootstrapBytes),
      ms(image.bootstrapBytes / LINK_BYTES_PER_MS),
    ];
  });
  printTable(head, rows, head.slice(1));
}

const directory = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
try {
  const results: Result[] = [];
  for (const shape of values.images.split(',')) {
    const image = await buildImage(directory, shape);
    for (const driver of values.drivers.split(',')) results.push({ image, driver, samples: [] });
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { image, driver, samples } of results) samples.push(await measure(directory, image, driver));
  }
  if (values.json) printJson(results);
  else print(results);
} finally {
  await rm(directory, { recursive: true, force: true });
}
