// Question: how fast are Shoal's drivers when everything is in Shoal's cache but nothing in the kernel's, beside a plain
// multi-threaded FUSE file system in C (bench/fs/plainfs.c) and this machine's own file system? Same tree, same load
// (bench/fs/load.c), same state of the kernel's caches, in turn, round after round, in one run.
//
//   sh scripts/with-node.sh bench/fs.ts [--rounds 7] [--rows stat,readdir]
//     [--drivers fuse,fuse-native,erofs,erofs-complete,fuse-uring,erofs-loop] [--state warm|cold] [--json]

import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printJson } from '../cli/output.ts';
import { messageOf } from '../core/index.ts';
import { type Contestant, ownFileSystem, startLibfuse, startPlainErofs, startShoal } from './fs/contestants.ts';
import { type Load, measureDaemon, measureKernel, pageCachePerByte, ROWS, type Row, type State } from './fs/measure.ts';
import { compilePrograms, missingPackages, type Programs } from './fs/programs.ts';
import { type Cell, printPageCache, printReport, reportJson } from './fs/report.ts';
import { makeTree } from './fs/tree.ts';
import { packImage, ShoalUnderTest } from './shoal.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    rows: { type: 'string' },
    drivers: { type: 'string', default: 'fuse,fuse-uring,fuse-native,erofs,erofs-complete' },
    state: { type: 'string', default: 'warm' },
    files: { type: 'string', default: '10000' },
    'large-mib': { type: 'string', default: '256' },
    json: { type: 'boolean', default: false },
  },
});

const state: State = values.state === 'cold' ? 'cold' : 'warm';
/** What most files of an image have. */
const FILE_SIZES = { smallest: 200, largest: 8000 };

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function startContestants(
  directory: string,
  load: Load,
  { reference, programs }: { readonly reference: string; readonly programs: Programs },
): Promise<Contestant[]> {
  const started: Contestant[] = [];
  try {
    for (const driver of values.drivers.split(',')) {
      try {
        started.push(await startShoal(directory, reference, driver));
      } catch (error) {
        say(`driver ${driver} is left out: ${messageOf(error).split('\n').at(1) ?? ''}`);
      }
    }
    started.push(
      await startLibfuse(directory, load.tree, programs),
      await startPlainErofs(directory, load.tree, programs),
    );
    const type = execFileSync('findmnt', ['-no', 'FSTYPE', '-T', load.tree.directory], { encoding: 'utf8' }).trim();
    started.push(ownFileSystem(load.tree, type));
  } catch (error) {
    await endAll(started);
    throw error;
  }
  return started;
}

async function endAll(contestants: readonly Contestant[]): Promise<void> {
  for (const { name, end } of contestants) await end().catch(error => say(`${name}: ${messageOf(error)}`));
}

/** Everything is read once, so that it is in Shoal's cache and the cache files are in memory. */
async function warmUp(load: Load, contestants: readonly Contestant[]): Promise<void> {
  for (const contestant of contestants) {
    for (const row of ROWS) if (row.threads > 1) await measureDaemon(load, contestant, row, 'warm');
  }
}

/** In turn, and every other round the other way round, so that nobody profits from who was before him. */
async function compare(load: Load, contestants: readonly Contestant[], rows: readonly Row[]): Promise<Cell[]> {
  const cells = rows.flatMap(row =>
    contestants.map((contestant): Cell => ({ row, contestant: contestant.name, samples: [], cached: undefined })),
  );
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const row of rows) {
      for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
        const cell = cells.find(candidate => candidate.row === row && candidate.contestant === contestant.name);
        cell?.samples.push(await measureDaemon(load, contestant, row, state));
        if (round === 0 && cell) cell.cached = await measureKernel(load, contestant, row);
      }
    }
  }
  return cells;
}

async function main(directory: string): Promise<void> {
  const programs = await compilePrograms(directory);
  const largeBytes = Number(values['large-mib']) << 20;
  const tree = await makeTree(directory, { files: Number(values.files), ...FILE_SIZES, largeBytes });
  // What is large and what is small come in layers of their own, as programs and what they read often do.
  const small = (await readdir(tree.directory)).filter(name => name !== 'large');
  const original = await packImage(tree.directory, join(directory, 'original'), [small, ['large']]);
  const converted = `oci:${join(directory, 'converted')}:bench`;
  await new ShoalUnderTest(join(directory, 'root-convert')).run('convert', original, converted);
  const load: Load = { program: programs.load, tree, randomReads: Number(values.files) };
  const wanted = values.rows?.split(',');
  const rows = ROWS.filter(({ name }) => wanted === undefined || wanted.includes(name));
  const contestants = await startContestants(directory, load, { reference: converted, programs });
  try {
    await warmUp(load, contestants);
    const cells = await compare(load, contestants, rows);
    const pageCache: [string, number][] = [];
    for (const contestant of contestants) pageCache.push([contestant.name, await pageCachePerByte(load, contestant)]);
    if (values.json) printJson({ state, cells: reportJson(cells), pageCache: Object.fromEntries(pageCache) });
    else {
      printReport(cells, state);
      printPageCache(pageCache);
    }
  } finally {
    await endAll(contestants);
  }
}

const missing = await missingPackages();
if (missing !== undefined || process.getuid?.() !== 0) {
  say(
    missing === undefined
      ? 'bench/fs needs root: it mounts file systems and drops caches'
      : `bench/fs needs: ${missing}`,
  );
  process.exit(69);
}
const directory = await mkdtemp(join(tmpdir(), 'shoal-bench-'));
try {
  await main(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
