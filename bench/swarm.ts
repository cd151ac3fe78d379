// Question: how close to what the links allow do N nodes start one image at the same instant, and how much does the origin
// send for it? With peers, and the same daemons without. Real daemons in network namespaces, links shaped by tbf, Debian's
// docker-registry behind a link of its own. docs/benchmarks.md says how to read the tables.
//
//   sh scripts/with-node.sh bench/swarm.ts [--nodes 1,4,8,16] [--mbit 20] [--runs 5] [--mode bulk,lazy,flash]
//       [--warm] [--no-peers] [--alone RUNS] [--mib 66] [--images DIRECTORY] [--logs DIRECTORY] [--json]
//
// Needs root, docker-registry, skopeo, iproute2, python3; `lazy` also debootstrap and umoci, and a mirror of Debian.

import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { printJson, printLine } from '../cli/output.ts';
import { buildDebianImages } from '../test/support/debian-images.ts';
import { flowMbit } from '../test/support/swarm/flow.ts';
import { AHEAD_MIB, buildSwarmImage, LAYERS } from '../test/support/swarm/image.ts';
import { REGISTRY } from '../test/support/swarm/network.ts';
import { OriginRegistry } from '../test/support/swarm/registry.ts';
import { type TestBed, withTestBed } from '../test/support/swarm/test-bed.ts';
import { printReport, type RowResult, resultOf } from './swarm/report.ts';
import { type Mode, measureStart, type StartPlan, type StartSample } from './swarm/start.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    nodes: { type: 'string', default: '1,4,8,16' },
    mbit: { type: 'string', default: '20' },
    runs: { type: 'string', default: '5' },
    mode: { type: 'string', default: 'bulk,lazy,flash' },
    /** Every node has started another, small image before. */
    warm: { type: 'boolean', default: false },
    /** Rows with peers and rows without; `--no-peers`: only the latter. */
    peers: { type: 'boolean', default: true },
    /** Runs without peers for each row, up to `--runs`; they take N times as long and differ little. 0: none. */
    alone: { type: 'string' },
    /** Compressed size of the image for `bulk` and `flash`. */
    mib: { type: 'string', default: '66' },
    /** Where built images are kept from call to call; default: nowhere. */
    images: { type: 'string' },
    /** Where the logs of the last start of each row are kept. */
    logs: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const MODES: readonly Mode[] = ['bulk', 'lazy', 'flash'];
const IMAGE_SEED = 1;
const MIN_FLASH_MIB = LAYERS * AHEAD_MIB;
const CHECK_SECONDS = 3;
/** Of the image that is started before. */
const SMALL = { mib: 1, seed: 2 };
const READY = 'import json, ssl, http.client; print("ready:", json.dumps(1))';
/** A run that takes so many times as long as one node after the other would has failed. */
const PATIENCE = 4;

interface PushedImage {
  readonly reference: string;
  readonly files: Readonly<Record<string, string>>;
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
}

function positive(name: 'mbit' | 'runs' | 'mib', text = values[name]): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`--${name} ${text}: expected a number above 0`);
}

function modes(): Mode[] {
  return values.mode.split(',').map(name => {
    const mode = MODES.find(one => one === name);
    if (mode === undefined) throw new Error(`--mode ${name}: expected some of ${MODES.join(', ')}`);
    return mode;
  });
}

const mbit = positive('mbit');
const runs = positive('runs');
const mib = positive('mib');
const runsAlone = values.alone === undefined ? runs : Number(values.alone);
if (!(runsAlone >= 0)) throw new Error(`--alone ${values.alone}: expected how many runs`);
const sizes = values.nodes.split(',').map(Number);
if (!sizes.every(size => Number.isInteger(size) && size > 0))
  throw new Error(`--nodes ${values.nodes}: expected counts`);
const wanted = modes();
if (wanted.includes('flash') && mib < MIN_FLASH_MIB) {
  throw new Error(`--mib ${mib}: flash needs at least ${MIN_FLASH_MIB}, so that its file fills the start of a layer`);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

interface PushedImages {
  readonly byMode: ReadonlyMap<Mode, PushedImage>;
  readonly before: string | undefined;
}

async function pushImages(bed: TestBed, registry: OriginRegistry): Promise<PushedImages> {
  const directory = values.images === undefined ? join(bed.directory, 'images') : resolve(values.images);
  await mkdir(directory, { recursive: true });
  const images = new Map<Mode, PushedImage>();
  const small = values.warm ? await buildSwarmImage(join(directory, 'small'), SMALL) : undefined;
  const before = small && (await registry.take(small.reference, 'small'));
  if (wanted.some(mode => mode !== 'lazy')) {
    const { reference, files } = await buildSwarmImage(join(directory, 'swarm'), { mib, seed: IMAGE_SEED });
    const pushed = await push(registry, reference, 'swarm', files);
    images.set('bulk', pushed).set('flash', pushed);
  }
  if (wanted.includes('lazy')) {
    images.set('lazy', await push(registry, await debianImage(join(directory, 'debian')), 'python', {}));
  }
  return { byMode: images, before };
}

/** Built once for a directory. */
async function debianImage(directory: string): Promise<string> {
  const finished = join(directory, 'finished');
  if (!existsSync(finished)) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    await buildDebianImages(directory);
    await writeFile(finished, '');
  }
  return `oci:${join(directory, 'layout')}:python`;
}

async function push(
  registry: OriginRegistry,
  source: string,
  repository: string,
  files: PushedImage['files'],
): Promise<PushedImage> {
  const reference = await registry.take(source, repository);
  return { reference, files, layers: (await registry.manifest(repository)).layers };
}

function planOf(
  what: { readonly mode: Mode; readonly nodes: number; readonly hasPeers: boolean },
  image: PushedImage,
  before: string | undefined,
): StartPlan {
  const { mode, nodes, hasPeers } = what;
  const bytes = image.layers.reduce((sum, { size }) => sum + size, 0);
  const oneAfterTheOther = (nodes * bytes) / ((mbit * 1e6) / 8);
  return {
    mode,
    nodes,
    hasPeers,
    logs: values.logs && join(values.logs, `${mode}-${nodes}-${hasPeers ? 'peers' : 'alone'}`),
    reference: image.reference,
    before,
    // The bootstrap is the last.
    blobs: image.layers.slice(0, -1).map(({ digest }) => digest),
    files: image.files,
    program: ['python3', '-c', READY],
    limitMs: Math.ceil(60_000 + PATIENCE * oneAfterTheOther * 1000),
  };
}

async function main(bed: TestBed): Promise<RowResult[]> {
  const registry = await OriginRegistry.start({ network: bed.network, directory: join(bed.directory, 'registry') });
  bed.onEnd(() => registry.stop());
  say('building and converting images');
  const { byMode, before } = await pushImages(bed, registry);
  const [up, down] = [
    await flowMbit(bed.network, REGISTRY, 'n1', CHECK_SECONDS),
    await flowMbit(bed.network, 'n1', REGISTRY, CHECK_SECONDS),
  ];
  say(`one flow over links of ${mbit} Mbit/s: ${up.toFixed(2)} to a node, ${down.toFixed(2)} from it`);
  const results: RowResult[] = [];
  for (const mode of wanted) {
    const image = byMode.get(mode);
    if (!image) throw new Error(`no image for ${mode}`);
    for (const nodes of sizes) {
      // In turn, so that whatever else the machine does meets both.
      const ways = [...(values.peers ? [true] : []), ...(runsAlone > 0 ? [false] : [])];
      const samples = ways.map((): StartSample[] => []);
      for (let run = 0; run < runs; run++) {
        for (const [index, hasPeers] of ways.entries()) {
          if (!hasPeers && run >= runsAlone) continue;
          const sample = await measureStart(bed, registry, planOf({ mode, nodes, hasPeers }, image, before));
          samples[index]?.push(sample);
          say(`${mode}, N = ${nodes}, ${hasPeers ? 'peers' : 'no peers'}, run ${run + 1}: ${summary(sample)}`);
        }
      }
      for (const [index, hasPeers] of ways.entries()) {
        results.push(resultOf({ mode, nodes, hasPeers, mbit, samples: samples[index] ?? [] }));
      }
    }
  }
  return results;
}

function summary({ finishMs, cores, originLinkBytes }: StartSample): string {
  const [first, last] = [Math.min(...finishMs), Math.max(...finishMs)].map(ms => (ms / 1000).toFixed(1));
  return `${first} to ${last} s, origin ${(originLinkBytes / 1e6).toFixed(1)} MB, machine ${Math.round(cores.machine * 100)} %`;
}

const results = await withTestBed({ nodes: Math.max(...sizes), mbit }, main);
if (values.json) printJson(results);
else printReport(results);
printLine();
