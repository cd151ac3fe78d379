// shoal demo, which is `npm start`: everything Shoal does, on this machine alone. Builds an image from the machine's own
// files, converts it, serves both over a link of 100 Mbit/s, runs its program lazily, and beside it after a full pull; then
// on three nodes of a cluster, of which the last two start together.

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ConvertReport, convertImage } from '../../converter/index.ts';
import { silentLogger } from '../../core/index.ts';
import type { CommandContext } from '../command.ts';
import { openReferenceSink, openReferenceSource } from '../compose.ts';
import { needRoot } from '../need-root.ts';
import { bytes, ProgressDisplay, printJson, printLine, printTable, seconds } from '../output.ts';
import { readPlatform } from '../settings.ts';
import { DemoCluster } from './cluster.ts';
import { type Measurement, startFully, startLazily } from './cold-start.ts';
import { type FleetMeasurement, type FleetStart, startFleet } from './fleet.ts';
import { buildDemoImage } from './image.ts';

const LINK_BYTES_PER_SECOND = 100e6 / 8;

/** The folder that npm put our dependencies into, in a checkout as in an installed package. */
function ownNodeModules(): string {
  const [folder] = fileURLToPath(import.meta.resolve('fastify')).split('/fastify/');
  return folder ?? '';
}

export async function demo(context: CommandContext, options: { readonly keep?: boolean }): Promise<void> {
  needRoot('the demonstration', 'try `shoal convert` and `shoal mount` on an image of yours');
  const workDir = await mkdtemp(join(tmpdir(), 'shoal-demo-'));
  try {
    await runDemo(context, workDir);
  } finally {
    if (options.keep) context.log.info('kept', { workDir });
    else await rm(workDir, { recursive: true, force: true });
  }
}

async function runDemo(context: CommandContext, workDir: string): Promise<void> {
  const [original, converted] = [join(workDir, 'original'), join(workDir, 'converted')];
  const say = (text: string) => {
    if (!context.settings.json) printLine(text);
  };

  say("1. Building an image from this machine: shell tools, Node.js, this project's node_modules, a small server");
  const image = await buildDemoImage(openReferenceSink(context, `oci:${original}:demo`, {}), {
    workDir,
    nodeModules: ownNodeModules(),
    path: context.env['PATH'] ?? '',
    signal: context.signal,
  });
  say(
    `   ${image.layers} layers, ${bytes(image.compressedBytes)} compressed, ${bytes(image.uncompressedBytes)} unpacked`,
  );

  say('2. Converting it');
  const report = await convertDemo(context, workDir, `oci:${original}:demo`, `oci:${converted}:demo`);
  say(`   ${bytes(report.totals.blobBytes)} in ${seconds(report.elapsedMs)}`);

  say('3. Running its server lazily from a registry behind a link of 100 Mbit/s');
  const start = { tag: 'demo', command: [], bytesPerSecond: LINK_BYTES_PER_SECOND, workDir };
  const lazy = await startLazily({ ...start, layout: converted }, context.signal);
  say(`   ${lazy.output}`);

  say('4. The same after a full pull and unpack over the same link');
  const full = await startFully({ ...start, layout: original }, context.registry, context.signal);
  say(`   ${full.output}`);

  say('5. A cluster of three nodes on the same link: the first starts it, then two more together');
  const swarm = await startSwarm({ ...start, layout: converted }, context.signal);
  say(`   to the two, the registry sent ${bytes(swarm.originBytesOthers)}; the rest came from peers`);
  print(context, { lazy, full, swarm });
}

async function startSwarm(
  start: Pick<FleetStart, 'layout' | 'tag' | 'bytesPerSecond' | 'workDir'>,
  signal: AbortSignal,
): Promise<FleetMeasurement> {
  await using cluster = await DemoCluster.start(join(start.workDir, 'cluster'), signal);
  const environment = (root: string) => cluster.environment(root, signal);
  return await startFleet({ ...start, together: 2, environment }, signal);
}

async function convertDemo(context: CommandContext, workDir: string, from: string, to: string): Promise<ConvertReport> {
  using display = new ProgressDisplay(context.settings.json);
  return convertImage({
    source: openReferenceSource(context, from, {}),
    sink: openReferenceSink(context, to, {}),
    platform: readPlatform(undefined),
    workDir,
    workers: availableParallelism(),
    signal: context.signal,
    log: silentLogger,
    onProgress: progress => display.update('convert', { label: 'converting', ...progress }),
  });
}

interface Measured {
  readonly lazy: Measurement;
  readonly full: Measurement;
  readonly swarm: FleetMeasurement;
}

function print(context: CommandContext, { lazy, full, swarm }: Measured): void {
  if (context.settings.json) {
    printJson({ lazy, full, swarm, linkBytesPerSecond: LINK_BYTES_PER_SECOND });
    return;
  }
  printLine();
  printTable(
    ['100 Mbit/s', 'ready after', 'bytes', 'requests'],
    [
      ['lazily', seconds(lazy.readyMs), bytes(lazy.bytes), String(lazy.requests)],
      ['full pull', seconds(full.readyMs), bytes(full.bytes), String(full.requests)],
    ],
    ['ready after', 'bytes', 'requests'],
  );
  printLine();
  printTable(
    ['all of the image', 'ready after', 'whole after', 'from peers', 'from the registry'],
    [swarm.first, ...swarm.others].map((node, i) => [
      `node ${i + 1}`,
      seconds(node.readyMs),
      seconds(node.wholeMs),
      bytes(node.peerBytes),
      bytes(node.originBytes),
    ]),
    ['ready after', 'whole after', 'from peers', 'from the registry'],
  );
  printLine(`
${(full.readyMs / lazy.readyMs).toFixed(1)} times sooner, with ${((100 * lazy.bytes) / full.bytes).toFixed(0)} % of the bytes.

With an image of your own (in a checkout, shoal is bin/shoal):
  shoal convert docker://YOUR-REGISTRY/IMAGE:TAG docker://YOUR-REGISTRY/IMAGE:TAG-shoal
  shoal run --rm docker://YOUR-REGISTRY/IMAGE:TAG-shoal`);
}
