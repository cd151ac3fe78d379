// shoal demo, which is `npm start`: everything Shoal does, on this machine alone. Builds an image from the machine's own
// files, converts it, serves both over a link of 100 Mbit/s, runs its program lazily, and beside it after a full pull.

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
import { type Measurement, startFully, startLazily } from './cold-start.ts';
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
  print(context, lazy, full);
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

function print(context: CommandContext, lazy: Measurement, full: Measurement): void {
  if (context.settings.json) {
    printJson({ lazy, full, linkBytesPerSecond: LINK_BYTES_PER_SECOND });
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
  printLine(`
${(full.readyMs / lazy.readyMs).toFixed(1)} times sooner, with ${((100 * lazy.bytes) / full.bytes).toFixed(0)} % of the bytes.

With an image of your own (in a checkout, shoal is bin/shoal):
  shoal convert docker://YOUR-REGISTRY/IMAGE:TAG docker://YOUR-REGISTRY/IMAGE:TAG-shoal
  shoal run --rm docker://YOUR-REGISTRY/IMAGE:TAG-shoal`);
}
