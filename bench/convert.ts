// Question: how fast is a conversion, in layer bytes (uncompressed) per second, how much memory does it need, and how large
// is the result, for an image of many small files and for one of large files? Beside it, in turn with it and over the same
// layers: what C tools take to decompress, hash and recompress them, layer by layer. That baseline is generous to itself:
// it does not read the tar, deduplicate, digest chunks, write anything to disk, or push.
//
//   sh scripts/with-node.sh bench/convert.ts [--runs 3] [--files 100000] [--bytes 1200000000] [--from /usr]
//                                            [--images DIR] [--json]
//
// --images keeps the images in DIR and takes them from there the next time.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs, promisify } from 'node:util';
import { bytes, printJson, printLine, printTable, seconds } from '../cli/output.ts';
import { openSink, RegistryAccess } from '../registry/index.ts';
import { type BenchImage, buildImage, type ImageRecipe } from './convert-images.ts';

const run = promisify(execFile);
const MAIN = resolve(import.meta.dirname, '../cli/main.ts');
const BASELINE = 'gzip -dc "$0" | tee >(sha256sum >/dev/null) | zstd -q -3 -T0 >/dev/null; wait';
const KIB = 1024;
const MIB = 1024 * KIB;

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '/usr' },
    files: { type: 'string', default: '100000' },
    bytes: { type: 'string', default: '1200000000' },
    runs: { type: 'string', default: '3' },
    images: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const recipes: readonly ImageRecipe[] = [
  {
    name: 'small files',
    from: values.from,
    wants: size => size < 64 * KIB,
    files: Number(values.files),
    bytes: Number.POSITIVE_INFINITY,
    withTree: true,
    // A median of 2 KiB and a few large ones, as on a Debian system.
    madeUpSize: random =>
      Math.min(64 * KIB, Math.round(2 * KIB * Math.exp(1.5 * (random() + random() + random() - 1.5)))),
  },
  {
    name: 'large files',
    from: values.from,
    wants: size => size > MIB,
    files: Number.POSITIVE_INFINITY,
    bytes: Number(values.bytes),
    withTree: false,
    madeUpSize: () => 64 * MIB,
  },
];

interface Conversion {
  readonly ms: number;
  readonly peakRssBytes: number;
  /** Of everything in the target: blobs, bootstrap, config, manifest. */
  readonly registryBytes: number;
}

async function convert(image: BenchImage, directory: string): Promise<Conversion> {
  const target = await mkdtemp(join(directory, 'target-'));
  try {
    const started = performance.now();
    const args = ['--json', 'convert', '--work-dir', target, image.reference, `oci:${target}/out:bench`];
    const { stdout } = await run(process.execPath, [MAIN, ...args], { maxBuffer: 64 * MIB });
    const ms = performance.now() - started;
    const report = JSON.parse(stdout) as { peakRssBytes: number };
    return { ms, peakRssBytes: report.peakRssBytes, registryBytes: await bytesIn(`${target}/out/blobs/sha256`) };
  } finally {
    await rm(target, { recursive: true });
  }
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = await Promise.all(names.map(async name => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function baseline(image: BenchImage): Promise<number> {
  const started = performance.now();
  for (const layer of image.layers) await run('bash', ['-c', BASELINE, layer]);
  return performance.now() - started;
}

/** The image of an earlier call, when it is there. */
async function builtImage(recipe: ImageRecipe, directory: string): Promise<BenchImage> {
  const [home, access] = [join(directory, recipe.name.replaceAll(' ', '-')), new RegistryAccess()];
  try {
    const known = await readFile(join(home, 'image.json'), 'utf8').catch(() => undefined);
    if (known !== undefined) return JSON.parse(known) as BenchImage;
    const image = await buildImage(recipe, home, reference => openSink(reference, { access }));
    await writeFile(join(home, 'image.json'), JSON.stringify(image));
    return image;
  } finally {
    await access.close();
  }
}

async function measure(image: BenchImage, directory: string) {
  const [conversions, baselines]: [Conversion[], number[]] = [[], []];
  for (let index = 0; index < Number(values.runs); index++) {
    conversions.push(await convert(image, directory));
    baselines.push(await baseline(image));
  }
  const ours = median(conversions.map(conversion => conversion.ms));
  const theirs = median(baselines);
  return {
    image,
    conversions,
    baselines,
    medianMs: { convert: ours, baseline: theirs },
    ratio: theirs / ours,
    layerBytesPerSecond: image.layerBytes / (ours / 1000),
    peakRssBytes: Math.max(...conversions.map(conversion => conversion.peakRssBytes)),
    registryBytes: conversions[0]?.registryBytes ?? 0,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function print({
  image,
  conversions,
  baselines,
  medianMs,
  ratio,
  ...result
}: Awaited<ReturnType<typeof measure>>): void {
  const row = (what: string, ms: number, all: readonly number[], more: readonly string[]) => [
    what,
    seconds(ms),
    seconds(Math.min(...all)),
    seconds(Math.max(...all)),
    `${(image.layerBytes / 1e6 / (ms / 1000)).toFixed(0)} MB/s`,
    ...more,
  ];
  printLine(
    `${image.name}: ${image.files} files (${image.madeUpFiles} made up), ${image.layers.length} layers, ` +
      `${bytes(image.layerBytes)} of tar`,
  );
  printTable(
    ['WHAT', 'MEDIAN', 'MIN', 'MAX', 'RATE', 'PEAK RSS', 'IN REGISTRY'],
    [
      row(
        'shoal convert',
        medianMs.convert,
        conversions.map(conversion => conversion.ms),
        [bytes(result.peakRssBytes), bytes(result.registryBytes)],
      ),
      row('gzip | sha256sum | zstd -3', medianMs.baseline, baselines, ['', bytes(image.compressedBytes)]),
    ],
    ['MEDIAN', 'MIN', 'MAX', 'RATE', 'PEAK RSS', 'IN REGISTRY'],
  );
  printLine(`speed relative to the baseline: ${ratio.toFixed(2)} x\n`);
}

const directory = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
try {
  const results = [];
  for (const recipe of recipes) {
    results.push(
      await measure(await builtImage(recipe, values.images ? resolve(values.images) : directory), directory),
    );
  }
  if (values.json) printJson({ baseline: BASELINE, results });
  else for (const result of results) print(result);
} finally {
  await rm(directory, { recursive: true, force: true });
}
