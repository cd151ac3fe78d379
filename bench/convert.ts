// Question: how fast is a conversion, in layer bytes (uncompressed) per second, and how much memory does it need,
// beside what C tools take to only decompress, hash and recompress the same layers? The image is made of this machine's
// own files. Both run in turn, several times, in the same call.
//
//   sh scripts/with-node.sh bench/convert.ts [--from /usr] [--bytes 1200000000] [--runs 3] [--json]

import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs, promisify } from 'node:util';
import { bytes, printJson, printTable, seconds } from '../cli/output.ts';
import { digestFromHex } from '../core/index.ts';
import { MEDIA_TYPES, openSink, RegistryAccess } from '../registry/index.ts';

const run = promisify(execFile);
const MAIN = resolve(import.meta.dirname, '../cli/main.ts');
const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '/usr' },
    bytes: { type: 'string', default: '1200000000' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const signal = new AbortController().signal;
const access = new RegistryAccess();

interface SourceImage {
  readonly layers: readonly string[];
  readonly layerBytes: number;
  readonly compressedBytes: number;
  readonly files: number;
}

/** Two layers of about equal size out of `from`, cut off at `bytes`: gzip -6, as most images in registries are. */
async function buildImage(directory: string): Promise<SourceImage> {
  const lists = await chooseFiles();
  const layers: string[] = [];
  let [layerBytes, compressedBytes] = [0, 0];
  const described = [];
  for (const [index, list] of lists.entries()) {
    const listFile = join(directory, `list-${index}`);
    const layer = join(directory, `layer-${index}.tar.gz`);
    await writeFile(listFile, `${list.join('\0')}\0`);
    execFileSync('bash', [
      '-c',
      'tar -C / --null --no-recursion -T "$0" -cf - | tee >(sha256sum > "$1.sum") >(wc -c > "$1.size") | gzip -6 > "$1"; wait',
      listFile,
      layer,
    ]);
    const diffId = (await readFile(`${layer}.sum`, 'utf8')).slice(0, 64);
    layerBytes += Number(await readFile(`${layer}.size`, 'utf8'));
    const { size } = await stat(layer);
    compressedBytes += size;
    layers.push(layer);
    described.push({ layer, size, diffId: digestFromHex(diffId), digest: await digestOf(layer) });
  }
  await pushImage(directory, described);
  return { layers, layerBytes, compressedBytes, files: lists.flat().length };
}

async function chooseFiles(): Promise<string[][]> {
  const [first, second]: [string[], string[]] = [[], []];
  let total = 0;
  const limit = Number(values.bytes);
  const pending = [values.from];
  for (let folder = pending.shift(); folder !== undefined && total < limit; folder = pending.shift()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) pending.push(path);
      if (!entry.isFile() || total >= limit) continue;
      const { size } = await stat(path);
      (total < limit / 2 ? first : second).push(path.slice(1));
      total += size;
    }
  }
  return [first, second];
}

async function digestOf(path: string) {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece);
  return digestFromHex(hash.digest('hex'));
}

type Described = { layer: string; size: number; diffId: string; digest: Awaited<ReturnType<typeof digestOf>> };

async function pushImage(directory: string, layers: readonly Described[]): Promise<void> {
  const sink = openSink(`oci:${join(directory, 'source')}:bench`, { access });
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.diffId) },
    }),
  );
  const configDescriptor = {
    mediaType: MEDIA_TYPES.ociConfig,
    digest: digestFromHex(createHash('sha256').update(config).digest('hex')),
    size: config.length,
  };
  const content = async function* () {
    yield config;
  };
  await sink.putBlob(configDescriptor, content, { signal });
  const descriptors = [];
  for (const { layer, size, digest } of layers) {
    const descriptor = { mediaType: MEDIA_TYPES.ociLayerGzip, digest, size };
    await sink.putBlob(descriptor, () => createReadStream(layer), { signal });
    descriptors.push(descriptor);
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: configDescriptor,
    layers: descriptors,
  };
  await sink.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.ociManifest, { signal });
}

interface Conversion {
  readonly ms: number;
  readonly peakRssBytes: number;
  readonly blobBytes: number;
}

async function convert(directory: string): Promise<Conversion> {
  const target = await mkdtemp(join(directory, 'target-'));
  const started = performance.now();
  const args = ['--json', 'convert', '--work-dir', target, `oci:${directory}/source:bench`, `oci:${target}/out:bench`];
  const { stdout } = await run(process.execPath, [MAIN, ...args], { maxBuffer: 64 << 20 });
  const ms = performance.now() - started;
  await rm(target, { recursive: true });
  const report = JSON.parse(stdout) as { peakRssBytes: number; totals: { blobBytes: number } };
  return { ms, peakRssBytes: report.peakRssBytes, blobBytes: report.totals.blobBytes };
}

async function baseline(image: SourceImage): Promise<number> {
  const started = performance.now();
  for (const layer of image.layers) {
    const script = 'gzip -dc "$0" | tee >(sha256sum >/dev/null) | zstd -q -3 -T0 >/dev/null; wait';
    await run('bash', ['-c', script, layer]);
  }
  return performance.now() - started;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

const directory = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
try {
  const image = await buildImage(directory);
  const [conversions, baselines]: [Conversion[], number[]] = [[], []];
  for (let index = 0; index < Number(values.runs); index++) {
    conversions.push(await convert(directory));
    baselines.push(await baseline(image));
  }
  const [ours, theirs] = [median(conversions.map(conversion => conversion.ms)), median(baselines)];
  const peakRssBytes = Math.max(...conversions.map(conversion => conversion.peakRssBytes));
  if (values.json) {
    printJson({ image, conversions, baselines, ratio: theirs / ours });
  } else {
    const rate = (ms: number) => `${(image.layerBytes / 1e6 / (ms / 1000)).toFixed(0)} MB/s`;
    printTable(
      ['WHAT', 'MEDIAN', 'MIN', 'MAX', 'LAYER BYTES', 'RATE', 'PEAK RSS', 'IN REGISTRY'],
      [
        [
          'shoal convert',
          seconds(ours),
          ...spread(conversions.map(c => c.ms)),
          bytes(image.layerBytes),
          rate(ours),
          bytes(peakRssBytes),
          bytes(conversions[0]?.blobBytes ?? 0),
        ],
        [
          'gzip | sha256sum | zstd -3',
          seconds(theirs),
          ...spread(baselines),
          bytes(image.layerBytes),
          rate(theirs),
          '',
          bytes(image.compressedBytes),
        ],
      ],
      ['MEDIAN', 'MIN', 'MAX', 'LAYER BYTES', 'RATE', 'PEAK RSS', 'IN REGISTRY'],
    );
    process.stdout.write(`${image.files} files; speed relative to the baseline: ${(theirs / ours).toFixed(2)} x\n`);
  }
} finally {
  await access.close();
  await rm(directory, { recursive: true, force: true });
}

function spread(ms: readonly number[]): [string, string] {
  return [seconds(Math.min(...ms)), seconds(Math.max(...ms))];
}
